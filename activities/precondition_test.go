package activities

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
)

// overtaken plans a job, lets another run of the target go first and sends
// the plan afterwards: what happens to a run that was approved days later, or
// that made room for an on-demand one.
func (w *world) overtaken(job []byte, between func()) (string, orgflow.Summary) {
	w.t.Helper()
	run, planned := w.planned(job)
	if err := w.db.ReleaseTarget(w.t.Context(), target, run); err != nil {
		w.t.Fatal(err)
	}
	between()
	if err := w.perform(task{}, orgflow.ActivityHoldTarget, RunParams{RunID: run}, nil); err != nil {
		w.t.Fatal(err)
	}
	w.remote.calls = nil
	return run, w.rest(run, planned)
}

func TestWhatAnotherRunHasSentSinceThePlanIsNotSentAgain(t *testing.T) {
	start := func() ([]org, []person) { return team(5) }
	cases := map[string]struct {
		planned, newer func(orgs []org, people []person) ([]org, []person)
		sent           []string          // by the overtaken run
		skipped        map[string]string // record → reason
	}{
		"an update": {
			func(o []org, p []person) ([]org, []person) { p[0].Title, p[1].Title = "主管", "主管"; return o, p },
			func(o []org, p []person) ([]org, []person) { p[0].Title = "经理"; return o, p },
			[]string{"person:1002"}, map[string]string{"person:1001": "newer state"},
		},
		"an update of somebody who has left": {
			func(o []org, p []person) ([]org, []person) { p[0].Title, p[1].Title = "主管", "主管"; return o, p },
			func(o []org, p []person) ([]org, []person) { return o, p[1:] },
			[]string{"person:1002"}, map[string]string{"person:1001": "was removed from the consumer by another run"},
		},
		"an insert": {
			func(o []org, p []person) ([]org, []person) {
				return o, append(p, person{ID: 1050, Dept: 11}, person{ID: 1051, Dept: 11})
			},
			func(o []org, p []person) ([]org, []person) { return o, append(p, person{ID: 1050, Dept: 12}) },
			[]string{"person:1051"}, map[string]string{"person:1050": "newer state"},
		},
		"a delete of somebody who is back under another state": {
			func(o []org, p []person) ([]org, []person) { return o, p[2:] },
			func(o []org, p []person) ([]org, []person) { p[0].Title = "顾问"; return o, append(p[:1], p[2:]...) },
			[]string{}, map[string]string{"person:1001": "newer state", "person:1002": "was removed"},
		},
		"both halves of a recreate": {
			func(o []org, p []person) ([]org, []person) {
				p[0].Mobile, p[1].Mobile = "10077770000", "10077770001"
				return o, p
			},
			func(o []org, p []person) ([]org, []person) { return o, p[1:] },
			[]string{"person:1002", "person:1002"},
			map[string]string{"person:1001": "was removed", "person:1001/insert": "of the same record was skipped"},
		},
		"a department and its second pass, but not what is in it": {
			func(o []org, p []person) ([]org, []person) {
				o = append(o, org{ID: 13, Name: "法务", Parent: 10, Manager: 1050})
				return o, append(p, person{ID: 1050, Dept: 13})
			},
			func(o []org, p []person) ([]org, []person) {
				return append(o, org{ID: 13, Name: "法务部", Parent: 10}), p
			},
			[]string{"person:1050"}, map[string]string{"org:13": "newer state", "org:13/references": "was skipped"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.source.hold(start())
			w.syncOnce(bothKinds(""))
			w.source.hold(c.planned(start()))
			var newer map[string]orgflow.Binding
			run, summary := w.overtaken(bothKinds(""), func() {
				w.source.hold(c.newer(start()))
				w.syncOnce(bothKinds(""))
				newer = w.bindings()
			})
			if d := cmp.Diff(c.sent, w.remote.sent()); d != "" {
				t.Errorf("sent: %s", d)
			}
			if summary.Status != orgflow.StatusCompleted {
				t.Errorf("status = %s", summary.Status)
			}
			changes, bound := w.changes(run), w.bindings()
			for record, reason := range c.skipped {
				change := changes[record]
				if change.State != orgflow.Skipped || !strings.Contains(change.Reason, reason) {
					t.Errorf("%s is %s: %q, want it skipped because %q", record, change.State, change.Reason, reason)
				}
				key := change.Key().String()
				if d := cmp.Diff(newer[key], bound[key]); d != "" {
					t.Errorf("%s is not as the newer run left it: %s", key, d)
				}
			}
			w.nothingTwice(t)
		})
	}
}

func TestARecordAnotherScopeHasTakenOverIsNotDeleted(t *testing.T) {
	w := newWorld(t)
	w.source.hold(team(5))
	w.syncOnce(bothKinds(""))
	w.source.hold(team(4))
	run, _ := w.overtaken(bothKinds(""), func() {
		bound := w.bindings()["person:1005"]
		bound.Scope = "other"
		if err := w.db.PutBindings(t.Context(), target, "", []orgflow.Binding{bound}); err != nil {
			t.Fatal(err)
		}
	})
	if c := w.changes(run)["person:1005"]; c.State != orgflow.Skipped || !strings.Contains(c.Reason, `belongs to scope "other"`) || len(w.remote.people) != 5 {
		t.Errorf("%s: %s; %d persons", c.State, c.Reason, len(w.remote.people))
	}
}

// Somebody deletes a record at the consumer by hand: its next update finds
// nothing, and is planned again as the insert it has to be.
func TestAnUpdateWhoseRecordIsGoneInsertsItAgain(t *testing.T) {
	for name, c := range map[string]struct {
		params string
		state  orgflow.State
	}{
		"where the job inserts":         {"", orgflow.Done},
		"not where it only updates":     {`{"operations": ["update"]}`, orgflow.Failed},
		"also when in doubt beforehand": {"", orgflow.Done},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.source.hold(team(3))
			w.syncOnce(bothKinds(""))
			orgs, people := team(3)
			orgs[2].Name, people[0].Title = "销售部", "主管"
			w.source.hold(orgs, people)
			old := w.bindings()["org:12"].ConsumerID
			delete(w.remote.people, "E1001")
			delete(w.remote.orgs, old)
			if strings.HasPrefix(name, "also") {
				w.remote.on("person:1001", reply{fault: &orgflow.Fault{Code: orgflow.CodeUnknownOutcome, Message: "no answer"}})
			}
			run, planned := w.planned(bothKinds(c.params))
			w.rest(run, planned)
			changes := w.changes(run)
			for _, record := range []string{"person:1001", "org:12"} {
				if got := changes[record]; got.State != c.state {
					t.Errorf("%s is %s: %+v", record, got.State, got.Error)
				}
			}
			if c.state != orgflow.Done {
				return
			}
			if !strings.Contains(changes["person:1001"].Reason, "no longer at the consumer") {
				t.Errorf("reason = %q", changes["person:1001"].Reason)
			}
			at := w.bindings()["org:12"].ConsumerID
			if at == old || w.remote.orgs[at] == nil || w.remote.people["E1001"].fields["title"] != "主管" || w.remote.people["E1001"].fields["mobile"] == nil {
				t.Errorf("department %s, person %+v", at, w.remote.people["E1001"])
			}
			w.nothingTwice(t)
			if s := w.syncOnce(bothKinds("")); s.Progress.Total != 0 {
				t.Errorf("a second run has %d changes", s.Progress.Total)
			}
		})
	}
}
