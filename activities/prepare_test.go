package activities

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"orgflow"
	"orgflow/internal/store"
)

func TestARefusedJobLeavesNoRun(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct{ job, pointer string }{
		"unknown consumer": {`{"services":["org_new"],"consumer":"nobody","company_id":7,"params":{}}`, "/consumer"},
		"unknown company":  {`{"services":["org_new"],"consumer":"ding_talk","company_id":8,"params":{}}`, "/company_id"},
		"unknown state":    {`{"services":["org_new"],"consumer":"ding_talk","company_id":7,"params":{"extra_property":{"state":"nope"}}}`, "/params/extra_property/state"},
		"no JSON":          {`"services"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.prepare(json.RawMessage(c.job), w.newWorkflow())
			if app := wantFault(t, err, orgflow.CodeInvalidJob, false); !strings.Contains(app.Message(), c.pointer) {
				t.Errorf("message = %s", app.Message())
			}
			if runs, _, err := w.db.ListRuns(context.Background(), store.RunFilter{}); err != nil || len(runs) != 0 {
				t.Errorf("runs = %+v, %v", runs, err)
			}
		})
	}
}

// Nobody sees that a schedule's job was refused, unless somebody is told.
func TestARefusedJobIsNoticed(t *testing.T) {
	w := newWorld(t)
	for _, job := range []string{
		`{"services":["org_new"],"consumer":"ding_talk","company_id":7,"params":{"extra_property":{"state":"nope"}}}`,
		`{"services":["org_new"],"consumer":"ding_talk","company_id":7,"params":{"dry_run":true,"extra_property":{"state":"nope"}}}`,
		`{"services":["org_new"],"consumer":"ding_talk","params":{}}`, `"services"`,
	} {
		_, err := w.prepare(json.RawMessage(job), w.newWorkflow())
		wantFault(t, err, orgflow.CodeInvalidJob, false)
	}
	list, _, err := w.db.Notices(t.Context(), 7, 0)
	if err != nil || len(list) != 1 || list[0].Event != orgflow.NoticeFailed || list[0].Cause != string(orgflow.CodeInvalidJob) ||
		list[0].Job != "sync:ding_talk:default:org_new" || list[0].Ref == "" {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestPreparingAgainAnswersHowFarTheRunHasCome(t *testing.T) {
	w := newWorld(t)
	w.source.hold(team(3))
	workflow := w.newWorkflow()
	first, err := w.prepare(bothKinds(""), workflow)
	if err != nil {
		t.Fatal(err)
	}
	if first.Plan != nil || first.Fetched || len(first.Kinds) != 2 || first.Summary.Status != orgflow.StatusRunning || len(first.Summary.Files) == 0 {
		t.Errorf("prepared = %+v", first)
	}
	if again, err := w.prepare(bothKinds(""), workflow); err != nil || again.RunID != first.RunID || again.Plan != nil {
		t.Errorf("prepared again = %+v, %v", again, err)
	}
	if err := w.perform(task{}, orgflow.ActivityHoldTarget, RunParams{RunID: first.RunID}, nil); err != nil {
		t.Fatal(err)
	}
	w.fetch(first)
	planned := w.plan(first.RunID)
	if _, err := w.apply(task{}, first.RunID, planned.Waves[0]); err != nil {
		t.Fatal(err)
	}
	w.sync = w.worker(w.db, w.remote)
	again, err := w.prepare(bothKinds(""), workflow)
	if err != nil || again.RunID != first.RunID || !again.Fetched || again.Plan == nil {
		t.Fatalf("prepared again = %+v, %v", again, err)
	}
	if again.Plan.Settled != 2 || again.Plan.Total != 5 || len(again.Plan.Waves) != 1 || again.Plan.Waves[0] != planned.Waves[1] || again.Summary.Progress.Done != 2 {
		t.Errorf("progress = %+v", again.Plan)
	}
}

func TestARunWorksOnTheFilesItBeganWith(t *testing.T) {
	w := newWorld(t)
	w.source.hold(team(1))
	p := w.begin(bothKinds(""))
	w.write("HcmDingSyncService.person_new.json", `{"fields": [{"key": "number", "map": "userid", "field": ["number"], "required": true, "type": "string"}]}`)
	w.fetch(p)
	if s := w.rest(p.RunID, w.plan(p.RunID)); s.Status != orgflow.StatusCompleted || w.remote.people["E1001"].fields["title"] != "工程师" {
		t.Errorf("status %s, sent %v", s.Status, w.remote.people["E1001"])
	}
}

func (w *world) holdTarget(run string, wait bool) error {
	return w.perform(task{}, orgflow.ActivityHoldTarget, RunParams{RunID: run, Wait: wait}, nil)
}

func TestABusyTargetFailsTheRunOrMakesItWait(t *testing.T) {
	w := newWorld(t)
	holder := w.begin(bothKinds(""))
	if err := w.holdTarget(holder.RunID, false); err != nil {
		t.Errorf("holding it again: %v", err)
	}
	for name, c := range map[string]struct {
		params string
		wait   bool // an approved run waits whatever its job says
		code   orgflow.Code
	}{
		"fails unless told otherwise": {`{}`, false, orgflow.CodeTargetBusy},
		"waits as the job says":       {`{"on_running": "wait"}`, false, orgflow.CodeThrottled},
		"waits once it is approved":   {`{}`, true, orgflow.CodeThrottled},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := w.prepare(bothKinds(c.params), w.newWorkflow())
			if err != nil {
				t.Fatal(err)
			}
			waits := c.code == orgflow.CodeThrottled
			app := wantFault(t, w.holdTarget(p.RunID, c.wait), c.code, waits)
			if !strings.Contains(app.Message(), holder.RunID) || (app.NextRetryDelay() > 0) != waits {
				t.Errorf("%s, again after %v", app.Message(), app.NextRetryDelay())
			}
		})
	}
	w.finish(FinishParams{RunID: holder.RunID})
	w.begin(bothKinds("")) // the target is free
}

func TestATargetHeldByATerminatedWorkflowIsTakenOver(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *world) {
		gone := w.begin(bothKinds(""))
		w.alive[gone.RunID] = false
		next := w.begin(bothKinds(""))
		run, err := w.db.GetRun(context.Background(), gone.RunID)
		if err != nil || run.Status != orgflow.StatusCanceled || run.Fault == nil || run.FinishedAt == nil {
			t.Errorf("the terminated run is %s, %v, %v", run.Status, run.Fault, err)
		}
		if holder, _, err := w.db.Holder(context.Background(), target, w.now()); err != nil || holder != next.RunID {
			t.Errorf("holder = %s, %v", holder, err)
		}
		// Should the old one come back after all, it cannot end the new one's hold.
		w.finish(FinishParams{RunID: gone.RunID})
		if holder, _, err := w.db.Holder(context.Background(), target, w.now()); err != nil || holder != next.RunID {
			t.Errorf("holder = %s, %v", holder, err)
		}
	})
}

// checked is a consumer that can prove its credentials.
type checked struct {
	*directory
	err error
}

func (c checked) Check(context.Context) error { return c.err }

func TestCredentialsAreProvenBeforeAnythingIsRead(t *testing.T) {
	w := newWorld(t)
	p := w.begin(bothKinds(""))
	check := func() error {
		return w.perform(task{}, orgflow.ActivityCheckConsumer, RunParams{RunID: p.RunID}, nil)
	}
	if err := check(); err != nil {
		t.Errorf("a consumer without a check passes: %v", err)
	}
	for code, retryable := range map[orgflow.Code]bool{orgflow.CodeUnauthorized: false, orgflow.CodeForbidden: false, orgflow.CodeUnavailable: true} {
		w.sync = w.worker(w.db, checked{w.remote, orgflow.Faultf(code, "no")})
		wantFault(t, check(), code, retryable)
	}
}

func TestFaultsBecomeTemporalErrorsInOnePlace(t *testing.T) {
	for code, retryable := range map[orgflow.Code]bool{
		orgflow.CodeThrottled: true, orgflow.CodeUnavailable: true, orgflow.CodeUnknownOutcome: true, orgflow.CodeInternal: true,
		orgflow.CodeInvalidJob: false, orgflow.CodeInvalidConfig: false, orgflow.CodeUnauthorized: false, orgflow.CodeTargetBusy: false, orgflow.CodeDeleteLimit: false,
	} {
		wire := temporal.GetDefaultFailureConverter()
		err := wire.FailureToError(wire.ErrorToFailure(temporalError(&orgflow.Fault{Code: code, Message: "m", RetryAfter: time.Minute})))
		app := wantFault(t, err, code, retryable)
		var f orgflow.Fault
		if app.Details(&f) != nil || f.Code != code || app.NextRetryDelay() != time.Minute {
			t.Errorf("%s: details %+v, again after %v", code, f, app.NextRetryDelay())
		}
	}
	if temporalError(nil) != nil || temporalError(context.Canceled) != context.Canceled {
		t.Error("no error and a cancellation pass unchanged")
	}
}
