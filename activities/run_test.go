package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/temporal"

	"orgflow"
	"orgflow/internal/store"
)

// bothKinds is a job that reads and sends departments and persons. params is
// its "params" object; deletes are let through unless it says otherwise.
func bothKinds(params string) json.RawMessage {
	if params == "" {
		params = `{"delete_limit": {"percent": 100, "count": 1000}}`
	}
	return json.RawMessage(`{"services":["org_new","person_new"],"consumer":"ding_talk","company_id":7,"params":` + params + `}`)
}

// begin prepares a run of its own workflow and takes the target.
func (w *world) begin(job json.RawMessage) Prepared {
	w.t.Helper()
	p, err := w.prepare(job, w.newWorkflow())
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.perform(task{}, orgflow.ActivityHoldTarget, RunParams{RunID: p.RunID}, nil); err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) newWorkflow() string {
	w.number++
	id := fmt.Sprintf("run-%d", w.number)
	w.alive[id] = true
	return id
}

func (w *world) prepare(job json.RawMessage, workflow string) (p Prepared, err error) {
	err = w.perform(task{}, orgflow.ActivityPrepareRun, PrepareParams{Job: job, WorkflowID: workflow, FirstRunID: "first-" + workflow}, &p)
	return p, err
}

// fetch reads all kinds of a run.
func (w *world) fetch(p Prepared) map[orgflow.Kind]orgflow.FetchCount {
	w.t.Helper()
	counts := map[orgflow.Kind]orgflow.FetchCount{}
	for _, kind := range p.Kinds {
		var cursor FetchCursor
		for !cursor.Done {
			var got Fetched
			if err := w.perform(task{}, orgflow.ActivityFetchPages, FetchParams{RunID: p.RunID, Kind: kind, From: cursor}, &got); err != nil {
				w.t.Fatal(err)
			}
			cursor, counts[kind] = got.Cursor, got.Count
		}
	}
	return counts
}

func (w *world) plan(run string) Planned {
	w.t.Helper()
	var planned Planned
	if err := w.perform(task{}, orgflow.ActivityPlanRun, RunParams{RunID: run}, &planned); err != nil {
		w.t.Fatal(err)
	}
	return planned
}

// apply sends one wave as one page.
func (w *world) apply(k task, run string, wave Wave) (page PageResult, err error) {
	err = w.perform(k, orgflow.ActivityApplyPage, ApplyParams{RunID: run, Phase: wave.Phase, From: wave.From, To: wave.To, Import: wave.Import > 0}, &page)
	return page, err
}

func (w *world) finish(p FinishParams) orgflow.Summary {
	w.t.Helper()
	var s orgflow.Summary
	if err := w.perform(task{}, orgflow.ActivityFinishRun, p, &s); err != nil {
		w.t.Fatal(err)
	}
	return s
}

// planned takes a run up to its plan.
func (w *world) planned(job json.RawMessage) (string, Planned) {
	w.t.Helper()
	p := w.begin(job)
	w.fetch(p)
	return p.RunID, w.plan(p.RunID)
}

// rest applies what is open of a plan and ends the run.
func (w *world) rest(run string, planned Planned) orgflow.Summary {
	w.t.Helper()
	if planned.Push {
		do := func(name string, params, result any) {
			w.t.Helper()
			if err := w.perform(task{}, name, params, result); err != nil {
				w.t.Fatalf("%s: %v", name, err)
			}
		}
		if pushAll(do, run) == "" {
			planned.Waves = nil
		}
	}
	for _, wave := range planned.Waves {
		if _, err := w.apply(task{}, run, wave); err != nil {
			w.t.Fatalf("%s: %v", wave.Phase, err)
		}
	}
	return w.finish(FinishParams{RunID: run})
}

// pushAll makes a run's push as the workflow does, and returns why there is
// none.
func pushAll(do func(name string, params, result any), run string) (declined string) {
	for {
		var at Pushing
		do(orgflow.ActivityPreparePush, RunParams{RunID: run}, &at)
		round := at.Round
		for at.Declined == "" && !at.Completed && !at.Lost && at.Next <= at.Total {
			at = Pushing{}
			do(orgflow.ActivityAddToPush, PushParams{RunID: run, Round: round}, &at)
		}
		if at.Declined == "" && !at.Completed && !at.Lost {
			at = Pushing{}
			do(orgflow.ActivityCompletePush, PushParams{RunID: run, Round: round}, &at)
		}
		switch {
		case at.Declined != "":
			return at.Declined
		case at.Lost:
			continue
		}
		for next := 1; next <= at.Total; {
			var settled SettledPage
			do(orgflow.ActivitySettlePush, PushParams{RunID: run, Round: round, From: next}, &settled)
			next = settled.Next
		}
		return ""
	}
}

// syncOnce carries out a whole job, undisturbed.
func (w *world) syncOnce(job json.RawMessage) orgflow.Summary {
	w.t.Helper()
	return w.rest(w.planned(job))
}

// team is a small company: a root, two departments and n persons in the
// first of them, ids from 1001.
func team(n int) ([]org, []person) {
	people := make([]person, n)
	for i := range people {
		people[i] = person{ID: 1001 + i, Dept: 11, Title: "工程师"}
	}
	return []org{{ID: 10, Name: "公司"}, {ID: 11, Name: "研发", Parent: 10}, {ID: 12, Name: "销售", Parent: 10}}, people
}

// peopleWave brings the departments in place and returns the wave of n new
// persons, ready to be sent.
func (w *world) peopleWave(n int) (run string, wave Wave) {
	w.t.Helper()
	w.source.hold(team(n))
	run, planned := w.planned(bothKinds(""))
	for _, wave := range planned.Waves {
		if wave.Phase == "person_insert" {
			w.remote.calls = nil
			return run, wave
		}
		if _, err := w.apply(task{}, run, wave); err != nil {
			w.t.Fatal(err)
		}
	}
	w.t.Fatal("no persons are planned")
	return "", Wave{}
}

// changes returns a run's changes by record, the second pass of one under
// "org:11/references".
func (w *world) changes(run string) map[string]orgflow.Change {
	w.t.Helper()
	out := map[string]orgflow.Change{}
	for cursor := ""; ; {
		list, next, err := w.db.ListChanges(context.Background(), run, store.ChangeFilter{Limit: 1000, Cursor: cursor})
		if err != nil {
			w.t.Fatal(err)
		}
		for _, c := range list {
			name := c.Key().String()
			if c.Aspect != "" {
				name += "/" + c.Aspect
			}
			if _, again := out[name]; again {
				name += "/" + string(c.Op) // a recreate has two
			}
			out[name] = c
		}
		if next == "" {
			return out
		}
		cursor = next
	}
}

// states counts a run's changes by state.
func (w *world) states(run string) map[orgflow.State]int {
	w.t.Helper()
	states, err := w.db.CountByState(context.Background(), run)
	if err != nil {
		w.t.Fatal(err)
	}
	return states
}

func (w *world) wantStates(run string, want map[orgflow.State]int) {
	w.t.Helper()
	if d := cmp.Diff(want, w.states(run)); d != "" {
		w.t.Errorf("states: %s", d)
	}
}

// bindings returns the target's bindings by record.
func (w *world) bindings() map[string]orgflow.Binding {
	w.t.Helper()
	return w.boundAt(target.Consumer)
}

// boundAt returns the bindings of a consumer by record.
func (w *world) boundAt(consumer string) map[string]orgflow.Binding {
	w.t.Helper()
	out := map[string]orgflow.Binding{}
	for _, kind := range []orgflow.Kind{orgflow.Org, orgflow.Person} {
		for b, err := range w.db.Bindings(context.Background(), orgflow.Target{CompanyID: company, Consumer: consumer}, kind) {
			if err != nil {
				w.t.Fatal(err)
			}
			out[string(kind)+":"+b.SourceID] = b
		}
	}
	return out
}

// accepted returns the payload the consumer is known to have accepted.
func (w *world) accepted(record string) map[string]any {
	w.t.Helper()
	b, ok := w.bindings()[record]
	if !ok {
		w.t.Fatalf("%s is not bound; bound are %v", record, slices.Sorted(maps.Keys(w.bindings())))
	}
	p, err := orgflow.DecodePayload(b.Payload)
	if err != nil {
		w.t.Fatal(err)
	}
	return p.Fields
}

// nothingTwice fails where the consumer was made to create a record twice.
func (w *world) nothingTwice(t testing.TB) {
	t.Helper()
	if len(w.remote.twice) > 0 {
		t.Errorf("created twice: %v", w.remote.twice)
	}
}

// wantFault checks an activity's error as Temporal sees it.
func wantFault(t testing.TB, err error, code orgflow.Code, retryable bool) *temporal.ApplicationError {
	t.Helper()
	var app *temporal.ApplicationError
	if !errors.As(err, &app) {
		t.Fatalf("err = %v, want %s", err, code)
	}
	if app.Type() != string(code) || app.NonRetryable() == retryable {
		t.Fatalf("err = %s (non-retryable %v): %v; want %s, retryable %v", app.Type(), app.NonRetryable(), app, code, retryable)
	}
	return app
}
