package activities

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/store"
)

func TestFilledCountsValuesNotKeys(t *testing.T) {
	records := func(yield func(store.StagedRecord, error) bool) {
		for _, raw := range []string{
			`{"name": "a", "title": "x", "departments": [{"id": 1}], "ext": {"level": 3, "site": ""}}`,
			`{"name": "b", "title": "", "departments": [], "ext": {"level": null}}`,
			`{"name": "c", "title": null, "ext": {}, "on_job": 0, "married": false}`,
		} {
			var r store.StagedRecord
			if err := json.Unmarshal([]byte(raw), &r.Fields); err != nil {
				t.Fatal(err)
			}
			if !yield(r, nil) {
				return
			}
		}
	}
	got, err := filled(records)
	want := map[string]int{"name": 3, "title": 1, "departments": 1, "ext": 2, "ext.level": 1, "on_job": 1, "married": 1}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Error(err, d)
	}
}

func TestAFieldIsMissingWhenItsShareFell(t *testing.T) {
	read := func(staged, mobiles int) store.Snapshot {
		return store.Snapshot{Staged: staged, MetaHash: "m", FilterHash: "f", Filled: map[string]int{"name": staged, "mobile": mobiles}}
	}
	for name, c := range map[string]struct {
		was, is store.Snapshot
		missing bool
	}{
		"nothing has changed":                       {read(100, 100), read(100, 100), false},
		"a few values are gone":                     {read(100, 100), read(100, 80), false},
		"half of them are still there":              {read(100, 100), read(100, 50), false},
		"most of them are gone":                     {read(100, 100), read(100, 49), true},
		"all of them are gone":                      {read(100, 100), read(90, 0), true},
		"few records ever had one":                  {read(100, 49), read(100, 0), false},
		"too few records to judge":                  {read(19, 19), read(19, 0), false},
		"there are fewer records, all with a value": {read(100, 100), read(10, 10), false},
		"nothing was read before":                   {read(0, 0), read(100, 0), false},
		"nothing is read now":                       {read(100, 100), read(0, 0), false},
		"another meta file was used":                {func() store.Snapshot { s := read(100, 100); s.MetaHash = "old"; return s }(), read(100, 0), false},
		"another filter was used":                   {func() store.Snapshot { s := read(100, 100); s.FilterHash = "old"; return s }(), read(100, 0), false},
	} {
		if cause := missingField(c.was, c.is); (cause != "") != c.missing || c.missing && !strings.Contains(cause, "mobile has a value in") {
			t.Errorf("%s: %q", name, cause)
		}
	}
}

// The source's account lost the right to read a field: what it delivers is
// not the whole truth, so nobody is deleted until it is.
func TestAFieldThatWentMissingFeedsNoDelete(t *testing.T) {
	w := newWorld(t)
	w.source.hold(team(30))
	w.syncOnce(bothKinds(""))
	orgs, people := team(29) // one has left
	for i := range people {
		people[i].Title = ""
	}
	w.source.hold(orgs, people)
	for range 2 { // it does not grow true by repetition
		s := w.syncOnce(bothKinds(""))
		if s.Plan[orgflow.Person].Delete != 0 || s.Status != orgflow.StatusCompletedWithFailures || len(w.remote.people) != 30 {
			t.Fatalf("%s, plan %+v, %d persons at the consumer", s.Status, s.Plan, len(w.remote.people))
		}
		if f := s.Fetch[orgflow.Person]; f.Complete || !strings.Contains(f.Cause, "in 100 % at the last complete read") {
			t.Errorf("fetch = %+v", f)
		}
	}
	w.source.hold(team(29))
	if s := w.syncOnce(bothKinds("")); s.Status != orgflow.StatusCompleted || len(w.remote.people) != 29 {
		t.Errorf("once the field is back the run ends %s with %d persons", s.Status, len(w.remote.people))
	}
}
