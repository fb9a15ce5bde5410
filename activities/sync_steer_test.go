package activities

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/store"
)

// single is a job for one person that somebody waits for.
const single = `{"source_ids": ["person:1001"]}`

// urgent prepares a run for single records and lets it ask for the target.
func (w *world) urgent(params string) (run string, err error) {
	w.t.Helper()
	p, err := w.prepare(bothKinds(params), w.newWorkflow())
	if err != nil {
		w.t.Fatal(err)
	}
	return p.RunID, w.holdTarget(p.RunID, false)
}

func (w *world) do(name string, params, result any) {
	w.t.Helper()
	if err := w.perform(task{}, name, params, result); err != nil {
		w.t.Fatalf("%s: %v", name, err)
	}
}

// slow is a consumer with a rate budget: after so many calls, every other one
// waits for its turn until it is called off.
type slow struct {
	*directory
	left *atomic.Int32
}

func (d slow) Apply(ctx context.Context, e connectors.Effect) (connectors.Receipt, error) {
	if d.left.Add(-1) < 0 {
		<-orgflow.CalledOff(ctx)
		return connectors.Receipt{}, orgflow.Faultf(orgflow.CodeUnavailable, "called off")
	}
	return d.directory.Apply(ctx, e)
}

func TestARunForSingleRecordsGoesFirst(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *world) {
		bulk, wave := w.peopleWave(90)
		left := &atomic.Int32{}
		left.Store(outcomesPerWrite + 5)
		w.sync = w.worker(w.db, slow{w.remote, left})
		var one string
		w.crowdInside(func() {
			var err error
			one, err = w.urgent(single)
			wantFault(t, err, orgflow.CodeThrottled, true)
		})
		page, err := w.apply(task{}, bulk, wave)
		if err != nil || !page.Yield || page.Settled != outcomesPerWrite+5 || page.Settled != len(w.remote.calls) {
			t.Fatalf("page %+v after %d calls, %v", page, len(w.remote.calls), err)
		}
		w.remote.observe = nil
		w.sync = w.worker(w.db, w.remote)
		w.wantStates(bulk, map[orgflow.State]int{orgflow.Done: 2 + page.Settled, orgflow.Planned: 90 - page.Settled})

		w.do(orgflow.ActivityYieldTarget, RunParams{RunID: bulk}, nil)
		wantFault(t, w.holdTarget(bulk, true), orgflow.CodeThrottled, true)
		if err := w.holdTarget(one, false); err != nil {
			t.Fatalf("it is its turn: %v", err)
		}
		sent := len(w.remote.calls)
		_, err = w.apply(task{attempt: 2}, bulk, wave) // of a worker that was thought dead
		wantFault(t, err, orgflow.CodeTargetBusy, false)
		if len(w.remote.calls) != sent {
			t.Error("the run that has given way still sends")
		}
		wantFault(t, w.holdTarget(bulk, true), orgflow.CodeThrottled, true)
		w.finish(FinishParams{RunID: one})
		if err := w.holdTarget(bulk, true); err != nil {
			t.Fatalf("it is the other one's turn again: %v", err)
		}
		var open Planned
		w.do(orgflow.ActivityResumeRun, ResumeParams{RunID: bulk}, &open)
		if len(open.Waves) != 1 || open.Waves[0].From <= wave.From || open.Waves[0].To != wave.To || open.Settled != 2+page.Settled {
			t.Errorf("open %+v of %+v", open, wave)
		}
		if s := w.rest(bulk, open); s.Status != orgflow.StatusCompleted || len(w.remote.calls) != 90 {
			t.Errorf("%s after %d calls for 90 persons", s.Status, len(w.remote.calls))
		}
		if i := slices.IndexFunc(w.remote.calls, func(c call) bool { return c.InDoubt }); i >= 0 {
			t.Errorf("%s was left in doubt", w.remote.calls[i].record)
		}
		w.nothingTwice(t)
	})
}

func TestAPageThatIsInsistedOnGivesWayToNobody(t *testing.T) {
	w := newWorld(t)
	bulk, wave := w.peopleWave(60)
	if _, err := w.urgent(single); err == nil {
		t.Fatal("the target is held")
	}
	params := ApplyParams{RunID: bulk, Phase: wave.Phase, From: wave.From, To: wave.To}
	var page PageResult
	w.do(orgflow.ActivityApplyPage, params, &page)
	if !page.Yield || len(w.remote.calls) != 0 {
		t.Fatalf("%+v after %d calls", page, len(w.remote.calls))
	}
	params.Insist = true
	w.do(orgflow.ActivityApplyPage, params, &page)
	if len(w.remote.calls) != 60 {
		t.Errorf("%d of 60 were sent", len(w.remote.calls))
	}
}

func TestAWaitingRunThatIsGoneHoldsNobodyUp(t *testing.T) {
	for name, end := range map[string]func(w *world, run string){
		"terminated": func(w *world, run string) { w.alive[run] = false },
		"cancelled":  func(w *world, run string) { w.finish(FinishParams{RunID: run, Canceled: true}) },
		"silent, for want of a worker": func(w *world, _ string) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.at = w.at.Add(time.Minute)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			bulk, wave := w.peopleWave(3)
			one, err := w.urgent(single)
			wantFault(t, err, orgflow.CodeThrottled, true)
			end(w, one)
			page, err := w.apply(task{}, bulk, wave)
			if err != nil {
				t.Fatal(err)
			}
			if page.Yield { // nobody told the database yet
				w.do(orgflow.ActivityYieldTarget, RunParams{RunID: bulk}, nil)
				if err := w.holdTarget(bulk, true); err != nil {
					t.Fatalf("nobody else wants it: %v", err)
				}
				if page, err = w.apply(task{}, bulk, wave); err != nil {
					t.Fatal(err)
				}
			}
			if page.Yield || len(w.remote.people) != 3 {
				t.Errorf("%+v, %d persons at the consumer", page, len(w.remote.people))
			}
		})
	}
}

func TestWhoWaitsForWhom(t *testing.T) {
	pause := func(w *world, run string) {
		w.do(orgflow.ActivityPauseRun, PauseParams{RunID: run, Pause: orgflow.Pause{By: "E1", Reason: "maintenance", At: w.now()}}, nil)
	}
	for name, c := range map[string]struct {
		holder string // params
		meet   func(w *world, holder string)
		params string
		code   orgflow.Code
		says   string
	}{
		"single records before everything":     {``, nil, single, orgflow.CodeThrottled, ""},
		"single records behind single records": {single, nil, single, orgflow.CodeTargetBusy, "is held by run run-1"},
		"a preview of single records":          {``, nil, `{"source_ids": ["person:1001"], "dry_run": true}`, orgflow.CodeTargetBusy, ""},
		"single records behind a paused run":   {``, pause, single, orgflow.CodeTargetBusy, "paused by E1: maintenance (resume it (starter runs resume run-1)"},
		"everything behind a paused run":       {``, pause, ``, orgflow.CodeTargetBusy, "or cancel it (starter runs cancel run-1)"},
		"the same, told to wait":               {``, pause, `{"on_running": "wait"}`, orgflow.CodeThrottled, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			holder := w.begin(bothKinds(c.holder))
			if c.meet != nil {
				c.meet(w, holder.RunID)
			}
			_, err := w.urgent(c.params)
			app := wantFault(t, err, c.code, c.code == orgflow.CodeThrottled)
			if !strings.Contains(app.Message(), c.says) {
				t.Errorf("it says %s", app.Message())
			}
		})
	}
	t.Run("who waits already goes on waiting for those before", func(t *testing.T) {
		w := newWorld(t)
		bulk := w.begin(bothKinds(""))
		first, _ := w.urgent(single)
		second, _ := w.urgent(single)
		w.do(orgflow.ActivityYieldTarget, RunParams{RunID: bulk.RunID}, nil)
		if err := w.holdTarget(first, false); err != nil {
			t.Fatal(err)
		}
		wantFault(t, w.holdTarget(second, false), orgflow.CodeThrottled, true)
		w.finish(FinishParams{RunID: first})
		wantFault(t, w.holdTarget(bulk.RunID, true), orgflow.CodeThrottled, true)
		if err := w.holdTarget(second, false); err != nil {
			t.Errorf("it waited before the run of everything gave way: %v", err)
		}
	})
}

func TestACancelledRunSaysWhoAndWhatIsDone(t *testing.T) {
	for name, c := range map[string]struct {
		audit []store.AuditEntry
		want  string
	}{
		"by somebody":                         {[]store.AuditEntry{{Who: "E1", Action: AuditCancel, Detail: "wrong filter"}}, "canceled by E1 (wrong filter): 4 of 92 changes done, 88 not sent"},
		"without a reason":                    {[]store.AuditEntry{{Who: "E1", Action: AuditCancel}}, "canceled by E1: 4 of 92 changes done, 88 not sent"},
		"in the Web UI, after the CLI failed": {[]store.AuditEntry{{Who: "E1", Action: AuditCancel}, {Who: "E1", Action: AuditCancelFailed}}, "canceled: 4 of 92 changes done, 88 not sent"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			run, wave := w.peopleWave(90)
			wave.To = wave.From + 1
			if _, err := w.apply(task{}, run, wave); err != nil {
				t.Fatal(err)
			}
			for _, e := range c.audit {
				e.Subject = run
				if err := w.db.Audit(context.Background(), e); err != nil {
					t.Fatal(err)
				}
			}
			if s := w.finish(FinishParams{RunID: run, Canceled: true}); len(s.Notes) == 0 || s.Notes[0] != c.want {
				t.Errorf("notes %q, want %q", s.Notes, c.want)
			}
		})
	}
	states := map[orgflow.State]int{orgflow.Done: 1, orgflow.Planned: 5, orgflow.Parked: 2, orgflow.Failed: 3, orgflow.Held: 1}
	if got, want := account(states, 2), "1 of 12 changes done, 5 not sent, 2 whose call was under way and is read back by the next run, 4 ended otherwise (failed, blocked, held …)"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := account(nil, 0); !strings.Contains(got, "nothing was sent") {
		t.Error(got)
	}
}

// deaf is a consumer that never answers.
type deaf struct{ *directory }

func (d deaf) Apply(ctx context.Context, e connectors.Effect) (connectors.Receipt, error) {
	if d.observe != nil {
		d.observe(e)
	}
	<-ctx.Done()
	return connectors.Receipt{}, ctx.Err()
}

func TestACancelledPageDoesNotWaitForeverForAnAnswer(t *testing.T) {
	w := newWorld(t)
	run, wave := w.peopleWave(30)
	w.sync = w.worker(w.db, deaf{w.remote})
	ctx, cancel := context.WithCancelCause(context.Background())
	w.crowdInside(func() { cancel(temporal.NewCanceledError()) })
	if _, err := w.apply(task{ctx: ctx}, run, wave); err == nil {
		t.Fatal("the page must stop")
	}
	if !slices.Contains(w.slept, callGrace) {
		t.Errorf("calls in flight were given %v", w.slept)
	}
	if n, err := w.db.CountDoubts(context.Background(), run); err != nil || n != recordsInFlight {
		t.Errorf("%d changes are in doubt, %v; want the %d that were in flight", n, err, recordsInFlight)
	}
}
