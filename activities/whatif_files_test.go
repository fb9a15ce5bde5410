package activities

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/store"
)

// Shipped files that drafts are made from.
const (
	personTemplate = "HcmDingSyncService.person_new.json"
	orgTemplate    = "HcmDingSyncService.org_new.json"
	personMeta     = "Employee.meta.list.ding_talk_person_new.json"
)

// draft is a shipped file with one text replaced.
func draft(t *testing.T, name, old, text string) map[string][]byte {
	t.Helper()
	raw, err := os.ReadFile("../meta/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(raw), old) {
		t.Fatalf("%s has no %s", name, old)
	}
	return map[string][]byte{name: []byte(strings.Replace(string(raw), old, text, 1))}
}

// suppose asks what files would change.
func (w *world) suppose(s orgflow.Supposition) (orgflow.WhatIf, error) {
	w.t.Helper()
	job, err := w.files.DecodeJob(bothKinds(""))
	if err != nil {
		w.t.Fatal(err)
	}
	return w.sync.WhatIf(context.Background(), job, s)
}

// What a what-if says of a file is what a run does for which it was written.
func TestWhatIfOfAFileSaysWhatARunWouldDo(t *testing.T) {
	for name, c := range map[string]struct {
		file, old, text string
		changes         int
		note            string
	}{
		"a transform in a template":  {personTemplate, `"map": "title", `, `"map": "title", "transforms": [{"op": "suffix", "value": "（正式）"}], `, 6, "6 of the 6 person records"},
		"one that few records meet":  {personTemplate, `"map": "title", `, `"map": "title", "transforms": [{"op": "replace", "old": "主管", "new": "经理"}], `, 1, "1 of the 6 person records"},
		"departments":                {orgTemplate, `"map": "name", `, `"map": "name", "transforms": [{"op": "suffix", "value": "部"}], `, 2, "3 of the 3 org records"}, // the root is mapped, not renamed
		"a fetch meta file":          {personMeta, `["position", "name"]`, `["number"]`, 6, "6 of the 6 person records"},
		"records that would be held": {personTemplate, `"map": "title", "required": false, "type": "string", "max_length": 200`, `"map": "title", "required": true, "type": "string", "max_length": 200, "when": {"field": ["position"], "op": "eq", "value": "主管"}`, 0, ""},
		"nothing that counts":        {personTemplate, `"max_length": 200`, `"max_length": 199`, 0, "0 of the 6 person records"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			orgs, people := team(6)
			people[2].Title = "主管"
			w.source.hold(orgs, people)
			w.syncOnce(bothKinds(""))
			w.sync = w.worker(unwritable{w.db}, w.remote)
			w.remote.calls, w.source.asked = nil, nil
			files := draft(t, c.file, c.old, c.text)
			out, err := w.suppose(orgflow.Supposition{Files: files})
			if err != nil {
				t.Fatal(err)
			}
			if len(w.remote.calls)+len(w.source.asked) != 0 {
				t.Errorf("somebody was asked: %v %v", w.remote.calls, w.source.asked)
			}
			if notes := strings.Join(out.Notes, "; "); !strings.Contains(notes, c.note) {
				t.Errorf("notes %q lack %q", notes, c.note)
			}
			if c.note != "" && len(out.Changes) != c.changes {
				t.Errorf("%d changes, want %d: %q", len(out.Changes), c.changes, told(out))
			}
			w.sync = w.worker(w.db, w.remote)
			w.write(c.file, string(files[c.file]))
			run, _ := w.planned(bothKinds(""))
			list, _, err := w.db.ListChanges(context.Background(), run, store.ChangeFilter{Limit: 100})
			if err != nil {
				t.Fatal(err)
			}
			for i := range list {
				list[i] = list[i].Shown()
			}
			if d := cmp.Diff(told(orgflow.WhatIf{Changes: list}), told(out)); d != "" {
				t.Errorf("a run plans otherwise: %s", d)
			}
		})
	}
}

func TestWhatIfOfFilesSaysWhatItCannotKnow(t *testing.T) {
	w := newWorld(t)
	title := draft(t, personTemplate, `"map": "title", `, `"map": "title", "transforms": [{"op": "suffix", "value": "!"}], `)
	out, err := w.suppose(orgflow.Supposition{Files: title})
	if err != nil || len(out.Changes) != 0 || !strings.Contains(strings.Join(out.Notes, "; "), `no person records of scope "default" have been read yet`) {
		t.Errorf("before the first read: %q, %v", out.Notes, err)
	}
	w.source.hold(team(3))
	w.syncOnce(bothKinds(""))
	column := draft(t, personMeta, `["position", "name"]`, `["job_info", "grade"]`)
	if out, err = w.suppose(orgflow.Supposition{Files: column}); err != nil || !strings.Contains(strings.Join(out.Notes, "; "), "the source was not asked for position") {
		t.Errorf("a column nobody asked for: %q, %v", out.Notes, err)
	}
	// With rows the files are those supposed, and the rows are what is shown.
	rows := raw(map[string][]any{"person_new": {person{ID: 9001, Dept: 11, Title: "工程师"}.row()}})
	if out, err = w.suppose(orgflow.Supposition{Files: title, Rows: rows}); err != nil || len(out.Changes) != 1 || out.Changes[0].Fields["title"].After != "工程师!" {
		t.Errorf("with rows: %q, %v", told(out), err)
	}
	// A file the job does not use, and one that is broken, are named.
	for text, files := range map[string]map[string][]byte{
		"HcmWorkSyncService.person_new.json: the job does not look at this file": {"HcmWorkSyncService.person_new.json": []byte(`{"fields": []}`)},
		"companies/7/" + personTemplate + ":2:14":                                {personTemplate: []byte("{\n  \"fields\": [,]\n}")},
	} {
		if _, err := w.suppose(orgflow.Supposition{Files: files}); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%v lacks %q", err, text)
		}
	}
}

// A template may change everybody; what is shown is bounded, what is counted
// is not.
func TestWhatIfOfFilesShowsSomeAndCountsAll(t *testing.T) {
	w := newWorld(t)
	w.source.hold(team(whatIfMost + 5)) // their departments are bound to nothing yet, so that all are held
	p := w.begin(bothKinds(`{"stages": ["fetch"]}`))
	w.fetch(p)
	w.finish(FinishParams{RunID: p.RunID})
	out, err := w.suppose(orgflow.Supposition{Files: draft(t, personTemplate, `"map": "title", `, `"map": "title", "transforms": [{"op": "suffix", "value": "!"}], `)})
	if err != nil || len(out.Changes) != whatIfMost || out.Plan[orgflow.Person].Held != whatIfMost+5 || !strings.Contains(strings.Join(out.Notes, "; "), fmt.Sprintf("the first %d of %d changes", whatIfMost, whatIfMost+5)) {
		t.Errorf("%d changes, %+v, %q, %v", len(out.Changes), out.Plan, out.Notes, err)
	}
}
