package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/store"
)

// ask asks what would become of rows.
func (w *world) ask(job json.RawMessage, rows map[string][]any) (orgflow.WhatIf, error) {
	w.t.Helper()
	decoded, err := w.files.DecodeJob(job)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.sync.WhatIf(context.Background(), decoded, orgflow.Supposition{Rows: raw(rows)})
}

func (w *world) answer(rows map[string][]any) orgflow.WhatIf {
	w.t.Helper()
	out, err := w.ask(bothKinds(""), rows)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// told writes an answer's changes as lines, fields sorted.
func told(out orgflow.WhatIf) []string {
	lines := []string{}
	for _, c := range out.Changes {
		line := fmt.Sprintf("%s %s %s", c.Op, c.Key(), c.State)
		if len(c.DependsOn) > 0 {
			line += fmt.Sprintf(" after %v", c.DependsOn)
		}
		for _, name := range slices.Sorted(maps.Keys(c.Fields)) {
			line += fmt.Sprintf("; %s: %v → %v", name, c.Fields[name].Before, c.Fields[name].After)
		}
		if c.State != orgflow.Planned {
			line += "; " + c.Reason
		}
		lines = append(lines, line)
	}
	return lines
}

// unwritable is a store on which nothing can be changed, for a question must not.
type unwritable struct{ Store }

func (unwritable) PutBindings(context.Context, orgflow.Target, string, []orgflow.Binding) error {
	panic("a what-if stores bindings")
}

func (unwritable) CreateRun(context.Context, store.NewRun) (store.Run, bool, error) {
	panic("a what-if creates a run")
}

func TestWhatIfPlansPeopleAndDepartmentsThatDoNotExist(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *world) {
		w.source.hold(team(6))
		w.syncOnce(bothKinds(""))
		w.sync = w.worker(unwritable{w.db}, w.remote)
		w.remote.calls, w.source.asked = nil, nil
		bound, runs := w.bindings(), w.number
		out := w.answer(map[string][]any{
			"org_new": {org{ID: 99, Name: "新部", Parent: 11}},
			"person_new": {
				person{ID: 9001, Dept: 99, Title: "工程师", Manager: 1001}.row(),
				person{ID: 1002, Dept: 11, Title: "主管"}.row(),                         // exists
				person{ID: 1003, Dept: 11, Title: "工程师"}.row(),                        // exists like this
				person{ID: 9002, Dept: 11, Title: "x", Mobile: "10000001004"}.row(),   // 1004's number
				person{ID: 9003, Dept: 12345, Title: "x"}.row(),                       // nowhere
				person{ID: 1005, Dept: 11, Title: "工程师", Mobile: "10099999999"}.row(), // cannot be changed
			},
		})
		want := []string{
			"insert org:99 planned; name: <nil> → 新部; parent_id: <nil> → @org:11",
			"delete person:1005 planned",
			"insert person:9001 planned after [1]; dept_id_list: <nil> → @org:99; ext.测试自定义字段: <nil> → ***; job_number: <nil> → E9001; manager_userid: <nil> → @person:1001; mobile: <nil> → 10000009001; name: <nil> → 员工9001; title: <nil> → 工程师; userid: <nil> → E9001",
			"insert person:9002 held; has the same mobile as person 1004",
			"insert person:9003 held; department 12345 is neither in the source nor known",
			"insert person:1005 planned after [2]; dept_id_list: <nil> → @org:11",
			"update person:1002 planned; title: 工程师 → 主管",
		}
		got := told(out)
		for i := range min(len(want), len(got)) {
			if !strings.HasPrefix(got[i], want[i]) {
				t.Errorf("change %d is\n%s, want\n%s", i+1, got[i], want[i])
			}
		}
		if len(got) != len(want) {
			t.Errorf("changes:\n%s", strings.Join(got, "\n"))
		}
		counts := map[orgflow.Kind]orgflow.PlanCount{orgflow.Org: {Insert: 1}, orgflow.Person: {Insert: 1, Update: 2, Unchanged: 1, Held: 2}}
		if d := cmp.Diff(counts, out.Plan); d != "" {
			t.Error(d)
		}
		if len(out.Notes)+len(out.Issues) != 0 {
			t.Errorf("notes %q, issues %+v", out.Notes, out.Issues)
		}
		if d := cmp.Diff(bound, w.bindings()); d != "" || len(w.remote.calls)+len(w.source.asked) != 0 || w.number != runs {
			t.Errorf("the question left traces: %s; calls %v, pages %v", d, w.remote.calls, w.source.asked)
		}
	})
}

// What a what-if says of rows is what a run does that reads them.
func TestWhatIfSaysWhatARunWouldDo(t *testing.T) {
	w := newWorld(t)
	w.source.hold(team(6))
	w.syncOnce(bothKinds(""))
	orgs, people := team(6)
	moved := orgs[2]
	moved.Parent, moved.Name = 11, "销售组"
	people[1].Dept, people[4].Manager = 12, 1001
	fresh := person{ID: 9001, Dept: 13, Title: "工程师"}
	added := org{ID: 13, Name: "新部", Parent: 12, Manager: 9001}
	out := w.answer(map[string][]any{
		"org_new":    {moved, added},
		"person_new": {fresh.row(), people[1].row(), people[4].row()},
	})
	w.source.hold(append(orgs[:2:2], moved, added), append(people, fresh))
	run, _ := w.planned(bothKinds(""))
	list, _, err := w.db.ListChanges(context.Background(), run, store.ChangeFilter{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		list[i] = list[i].Shown()
	}
	if d := cmp.Diff(told(orgflow.WhatIf{Changes: list}), told(out)); d != "" || len(list) < 5 {
		t.Errorf("a run plans %d changes: %s", len(list), d)
	}
}

func TestWhatIfDeletesNobodyAndMindsNobodyElse(t *testing.T) {
	w := newWorld(t)
	w.source.hold(team(6))
	w.syncOnce(bothKinds(""))
	orgs, people := team(2) // four have left, which the next run would delete
	w.source.hold(orgs, people)
	p := w.begin(bothKinds(`{"stages": ["fetch"]}`))
	w.fetch(p)
	w.finish(FinishParams{RunID: p.RunID})
	out := w.answer(map[string][]any{"person_new": {person{ID: 1001, Dept: 12, Title: "主管"}.row()}})
	want := []string{"update person:1001 planned; dept_id_list: @org:11 → @org:12; title: 工程师 → 主管"}
	if d := cmp.Diff(want, told(out)); d != "" {
		t.Error(d)
	}
	// A row that would be set aside takes the record's place: nothing happens to it.
	out = w.answer(map[string][]any{"person_new": {person{ID: 1001, Dept: 12, Name: "-"}.row()}})
	if len(out.Changes) != 0 || len(out.Issues) != 1 || !out.Issues[0].Fatal || out.Issues[0].Stage != orgflow.StageFetch || out.Issues[0].SourceID != "1001" {
		t.Errorf("answer %+v", out)
	}
	if _, said := out.Plan[orgflow.Person]; !said {
		t.Errorf("plan %+v", out.Plan)
	}
}

func TestWhatIfBeforeTheFirstRun(t *testing.T) {
	w := newWorld(t)
	out := w.answer(map[string][]any{
		"org_new":    {org{ID: 1, Name: "公司"}, org{ID: 2, Name: "研发", Parent: 1}, org{ID: 3, Name: "无根", Parent: 77}},
		"person_new": {person{ID: 9001, Dept: 2, Title: "工程师"}.row()},
	})
	got := told(out)
	if len(got) != 3 || !strings.Contains(got[0], "org:3 held; parent department 77 is not in the source") || !strings.HasPrefix(got[1], "insert org:2 planned") ||
		!strings.HasPrefix(got[2], "insert person:9001 planned after [2]") {
		t.Errorf("changes:\n%s", strings.Join(got, "\n"))
	}
	notes := strings.Join(out.Notes, "\n")
	if !strings.Contains(notes, `no departments of scope "default" have been read yet`) || !strings.Contains(notes, "nothing is bound yet") {
		t.Errorf("notes %q", out.Notes)
	}
}

func TestWhatIfMasksWhatIsSensitive(t *testing.T) {
	w := newWorld(t)
	w.write("HcmDingSyncService.person_new.json", `{"fields": [
		{"key": "number", "map": "userid"}, {"key": "name", "map": "name"}, {"key": "mobile", "map": "mobile", "sensitive": true},
		{"key": "org_ids", "map": "dept_id_list", "transforms": [{"op": "bind", "kind": "org"}, {"op": "join"}]}]}`)
	w.source.hold(team(1))
	w.syncOnce(bothKinds(""))
	out := w.answer(map[string][]any{"person_new": {person{ID: 9001, Dept: 11}.row()}})
	text := string(raw(out))
	if len(out.Changes) != 1 || out.Changes[0].Fields["mobile"].After != orgflow.Masked || strings.Contains(text, "10000009001") {
		t.Errorf("answer %s", text)
	}
}

func TestWhatIfRefusesRowsWithAllTheirProblems(t *testing.T) {
	w := newWorld(t)
	_, err := w.ask(bothKinds(""), map[string][]any{
		"person_nwe": {map[string]any{"id": 1}},
		"person_new": {person{ID: 1, Dept: 1}.row(), map[string]any{"name": "无号"}, person{ID: 1, Dept: 2}.row()},
		"org_new":    {map[string]any{"id": 1, "name": "同号的部门"}}, // another kind: no clash
	})
	var invalid *orgflow.InvalidError
	if !errors.As(err, &invalid) || invalid.Code != orgflow.CodeInvalidJob {
		t.Fatalf("err = %v", err)
	}
	var got []string
	for _, p := range invalid.Problems {
		if p.Line == 0 {
			t.Errorf("no place: %+v", p)
		}
		got = append(got, p.Pointer+": "+p.Message)
	}
	want := []string{
		`/person_nwe: unknown service of this job "person_nwe"; known: "org_new", "person_new"; did you mean "person_new"?`,
		`/person_new/1: has no id: `,
		`/person_new/2: has the same id as /person_new/0`,
	}
	if len(got) != len(want) {
		t.Fatalf("problems %q", got)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("problem %q, want %q", got[i], want[i])
		}
	}
	for _, shape := range []string{`[]`, `{}`, `{"person_new": {}}`, `{"person_new": []}`, `{"person_new": [1]}`, `{"person_new"`} {
		decoded, _ := w.files.DecodeJob(bothKinds(""))
		if _, err := w.sync.WhatIf(context.Background(), decoded, orgflow.Supposition{Rows: json.RawMessage(shape)}); !errors.As(err, &invalid) {
			t.Errorf("%s: %v", shape, err)
		}
	}
}

func TestWhatIfOfAJobThatDoesNotSendSaysSo(t *testing.T) {
	w := newWorld(t)
	rows := map[string][]any{"person_new": {person{ID: 1, Dept: 1}.row()}}
	if _, err := w.ask(bothKinds(`{"undo": "run-1"}`), rows); orgflow.AsFault(err).Field != "/params/undo" {
		t.Errorf("of an undo: %v", err)
	}
	_, err := w.ask(bothKinds(`{"stages": ["fetch"]}`), rows)
	if f := orgflow.AsFault(err); f.Code != orgflow.CodeInvalidJob || f.Field != "/params/stages" {
		t.Errorf("err = %v", err)
	}
	out, err := w.ask(bothKinds(`{"mode": "reconcile"}`), rows)
	if err != nil || !slices.ContainsFunc(out.Notes, func(n string) bool { return strings.Contains(n, "does not read what ding_talk holds") }) {
		t.Errorf("notes %q, %v", out.Notes, err)
	}
}

// A lookup asks the source, which is not even connected to before.
func TestWhatIfConnectsToTheSourceForALookupOnly(t *testing.T) {
	w := newWorld(t)
	opened := 0
	source := &codeTable{rows: map[string]string{`{"name":"工程师"}`: `{"id":7,"name":"工程师","code":"P7"}`}}
	w.sync.Connectors = connectors.NewRegistry(
		map[string]connectors.ConsumerFactory{"ding_talk": func(connectors.Settings) (connectors.Consumer, error) { return w.remote, nil }},
		map[string]connectors.SourceFactory{"hcm": func(connectors.Settings) (connectors.Source, error) { opened++; return source, nil }},
	)
	rows := map[string][]any{
		"org_new":    {org{ID: 1, Name: "公司"}, org{ID: 2, Name: "研发", Parent: 1}},
		"person_new": {person{ID: 9001, Dept: 2, Title: "工程师"}.row(), person{ID: 9002, Dept: 2, Title: "工程师"}.row()},
	}
	if w.answer(rows); opened != 0 {
		t.Errorf("connected %d times without a lookup", opened)
	}
	w.write("HcmDingSyncService.person_new.json", `{"fields": [
		{"key": "number", "map": "userid"}, {"key": "name", "map": "name"}, {"key": "mobile", "map": "mobile"},
		{"key": "position", "map": "title", "transforms": [{"op": "lookup", "model": "Position", "by": "name", "emit": "code"}]},
		{"key": "org_ids", "map": "dept_id_list", "transforms": [{"op": "bind", "kind": "org"}, {"op": "join"}]}]}`)
	out := w.answer(rows)
	if len(out.Changes) != 3 || out.Changes[2].Fields["title"].After != "P7" || opened != 1 || len(source.asked) != 1 {
		t.Errorf("changes %v, connected %d times, asked %v", told(out), opened, source.asked)
	}
	source.err, source.rows = unavailable(), nil
	if _, err := w.ask(bothKinds(""), rows); orgflow.AsFault(err).Code != orgflow.CodeUnavailable {
		t.Errorf("err = %v, want the source's failure", err)
	}
}
