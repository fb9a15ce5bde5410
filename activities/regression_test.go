package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"orgflow"
	"orgflow/internal/store"
)

// Each of these once failed.
func TestRegressions(t *testing.T) {
	t.Run("a finished read can be fetched again", func(t *testing.T) {
		w := newWorld(t)
		p := w.staff(8)
		if _, err := w.fetchPeople(task{}, p.RunID); err != nil {
			t.Fatal(err)
		}
		for _, beat := range []any{nil, w.beats[orgflow.ActivityFetchPages]} { // the worker died before it could answer
			got, err := w.fetchPeople(task{attempt: 2, heartbeat: beat}, p.RunID)
			if err != nil || !got.Cursor.Done || !got.Count.Complete || got.Count.Staged != 8 {
				t.Errorf("fetched %+v, %v", got, err)
			}
		}
	})
	t.Run("a second pass does not vouch for a field the first one dropped", func(t *testing.T) {
		w := newWorld(t)
		orgs, people := team(2)
		people[0].Manager, people[1].Manager = 1002, 1001 // a cycle: one manager is set in a second pass
		w.source.hold(orgs, people)
		w.remote.on("person:1001", reply{dropped: []string{"title"}})
		w.remote.on("person:1002", reply{dropped: []string{"title"}})
		w.syncOnce(bothKinds(""))
		for _, r := range []string{"person:1001", "person:1002"} {
			if _, there := w.accepted(r)["title"]; there {
				t.Errorf("%s: the title was dropped, and the binding claims it was accepted", r)
			}
		}
		if _, planned := w.planned(bothKinds("")); planned.Counts[orgflow.Person].Update != 2 {
			t.Errorf("the next plan = %+v", planned.Counts)
		}
	})
	t.Run("a run that has begun does not look at changed files", func(t *testing.T) {
		w := newWorld(t)
		w.source.hold(team(2))
		run, _ := w.planned(bothKinds(""))
		w.write("company.json", companyJSON[:40])   // somebody is just editing it
		again, err := w.prepare(bothKinds(""), run) // continue-as-new, or a retry of Prepare
		if err != nil || again.Plan == nil {
			t.Errorf("prepared %+v, %v", again, err)
		}
	})
	t.Run("at most recordsInFlight calls follow a refusal of credentials", func(t *testing.T) {
		most := 0
		for range 40 / min(killEvery, 8) {
			w := newWorld(t)
			run, wave := w.peopleWave(90)
			for i := range 90 {
				w.remote.on(recordName(i), reply{fault: orgflow.Faultf(orgflow.CodeUnauthorized, "no")})
			}
			if _, err := w.apply(task{}, run, wave); err == nil {
				t.Fatal("the page must stop")
			}
			most = max(most, len(w.remote.calls))
		}
		if most > 1+recordsInFlight {
			t.Errorf("%d calls with refused credentials, want at most %d", most, 1+recordsInFlight)
		}
	})
	t.Run("nothing is sent once the run is cancelled", func(t *testing.T) {
		w := newWorld(t)
		run, wave := w.peopleWave(90)
		ctx, cancel := context.WithCancelCause(context.Background())
		w.crowdInside(func() { cancel(context.Canceled) })
		if _, err := w.apply(task{ctx: ctx}, run, wave); err == nil {
			t.Fatal("the page must stop")
		}
		if n := len(w.remote.calls); n > recordsInFlight {
			t.Errorf("%d records were sent, want the %d that were in flight", n, recordsInFlight)
		}
	})
	t.Run("the plan's answer carries its hash", func(t *testing.T) {
		w := newWorld(t)
		w.source.hold(team(2))
		run, planned := w.planned(bothKinds(""))
		if planned.Hash == "" || planned.Hash != w.storedPlan(run).Hash {
			t.Errorf("hash %q, stored %q", planned.Hash, w.storedPlan(run).Hash)
		}
	})
	t.Run("a parked recreate is not taken for a record that came back", func(t *testing.T) {
		w := newWorld(t)
		orgs, people := team(3)
		w.source.hold(orgs, people)
		w.syncOnce(bothKinds(""))
		people[0].Mobile = "10099999999"
		w.source.hold(orgs, people)
		run, planned := w.planned(bothKinds(`{"delete_limit": {"count": 0}}`))
		if planned.Parked != 2 {
			t.Fatalf("plan = %+v", planned)
		}
		if err := w.perform(task{}, orgflow.ActivityParkRun, RunParams{RunID: run}, nil); err != nil {
			t.Fatal(err)
		}
		look := w.begin(bothKinds(`{"dry_run": true}`)) // somebody looks before approving
		w.fetch(look)
		w.plan(look.RunID)
		w.finish(FinishParams{RunID: look.RunID})
		if err := w.holdTarget(run, true); err != nil {
			t.Fatal(err)
		}
		var approved Planned
		if err := w.perform(task{}, orgflow.ActivityReleaseParked, SettleParams{RunID: run, Note: "approved"}, &approved); err != nil {
			t.Fatal(err)
		}
		s := w.rest(run, approved)
		if got := w.remote.people["E1001"]; s.Status != orgflow.StatusCompleted || got == nil || got.fields["mobile"] != "10099999999" {
			t.Errorf("status %s, states %v, at the consumer %+v", s.Status, w.states(run), got)
		}
		w.nothingTwice(t)
	})
	t.Run("a run that leaves changes unsent is not completed", func(t *testing.T) {
		if status, _, _ := verdict(orgflow.Summary{}, map[orgflow.State]int{orgflow.Planned: 1}, FinishParams{}); status == orgflow.StatusCompleted {
			t.Errorf("status = %s", status)
		}
	})
	t.Run("a job that only sends uses the newest read, whichever service made it", func(t *testing.T) {
		w := newWorld(t)
		job := func(service, stage string) json.RawMessage {
			return json.RawMessage(fmt.Sprintf(`{"services":[%q],"consumer":"ding_talk","company_id":7,"params":{"stages":[%q],"operations":["update"]}}`, service, stage))
		}
		orgs, people := team(1)
		w.source.hold(orgs, people)
		w.syncOnce(bothKinds(""))
		people[0].Title = "主管"
		w.source.hold(orgs, people)
		p := w.begin(job("person_sync", "fetch"))
		w.fetch(p)
		w.finish(FinishParams{RunID: p.RunID})
		p = w.begin(job("person_sync", "send"))
		w.rest(p.RunID, w.plan(p.RunID))
		if got := w.remote.people["E1001"].fields["title"]; got != "主管" {
			t.Errorf("title at the consumer = %v: an older read was used", got)
		}
	})
	t.Run("a person whose position has no name is sent without a title", func(t *testing.T) {
		w := newWorld(t)
		orgs, people := team(1)
		people[0].Title = ""
		w.source.hold(orgs, people)
		run, _ := w.planned(bothKinds(""))
		if c := w.changes(run)["person:1001"]; c.State != orgflow.Planned {
			t.Errorf("%s: %s", c.State, c.Reason)
		}
	})
	t.Run("a dry run binds nothing", func(t *testing.T) {
		w := newWorld(t)
		w.source.hold(team(1))
		w.planned(bothKinds(`{"dry_run": true}`))
		if b := w.bindings(); len(b) != 0 {
			t.Errorf("bound: %+v", b)
		}
	})
	t.Run("an outcome that stayed unknown is read back by the next run too", func(t *testing.T) {
		w := newWorld(t)
		w.source.hold(team(1))
		w.remote.on("org:11", times(doubtTries, reply{fault: orgflow.Faultf(orgflow.CodeUnknownOutcome, "no answer"), effect: true})...)
		run, planned := w.planned(bothKinds(""))
		if _, err := w.apply(task{attempt: patientAttempts}, run, planned.Waves[0]); err != nil {
			t.Fatal(err)
		}
		w.finish(FinishParams{RunID: run})
		w.syncOnce(bothKinds(""))
		w.nothingTwice(t)
	})
	t.Run("a canceled run's open doubt is read back by the next run", func(t *testing.T) {
		w := newWorld(t)
		w.source.hold(team(1))
		run, planned := w.planned(bothKinds(""))
		w.sync = w.worker(&failing{Store: w.db, failures: 1}, w.remote)
		if _, err := w.apply(task{}, run, planned.Waves[0]); err == nil {
			t.Fatal("the outcomes must be lost")
		}
		w.sync = w.worker(w.db, w.remote)
		w.finish(FinishParams{RunID: run, Canceled: true})
		w.syncOnce(bothKinds(""))
		w.nothingTwice(t)
	})
}

var _ = store.ErrNotFound
