package activities

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/store"
)

// crowdInside makes the first recordsInFlight persons wait inside the
// consumer; once all are there, then runs and lets them go.
func (w *world) crowdInside(then func()) {
	inside := make(chan struct{}, recordsInFlight)
	open := make(chan struct{})
	go func() {
		for range recordsInFlight {
			<-inside
		}
		then()
		close(open)
	}()
	w.remote.observe = func(e connectors.Effect) {
		select {
		case inside <- struct{}{}:
		default: // somebody who came later
		}
		<-open
	}
}

func TestACancelledPageStopsBetweenRecordsAndRecordsWhatWasDone(t *testing.T) {
	w := newWorld(t)
	run, wave := w.peopleWave(90)
	ctx, cancel := context.WithCancelCause(context.Background())
	w.crowdInside(func() { cancel(temporal.NewCanceledError()) })
	_, err := w.apply(task{ctx: ctx}, run, wave)
	if !errors.Is(err, context.Canceled) && !temporal.IsCanceledError(err) {
		t.Fatalf("err = %v", err)
	}
	done := len(w.remote.calls)
	if done < recordsInFlight || done == 90 {
		t.Fatalf("%d records were sent", done)
	}
	w.wantStates(run, map[orgflow.State]int{orgflow.Done: 2 + done, orgflow.Planned: 90 - done})
	if len(w.bindings()) != 3+done {
		t.Errorf("%d bindings", len(w.bindings()))
	}
	w.noClaimIsLeft(run, wave)
	if s := w.finish(FinishParams{RunID: run, Canceled: true}); s.Status != orgflow.StatusCanceled || s.Applied[orgflow.Person][orgflow.Insert].Done != done {
		t.Errorf("summary = %s, %+v", s.Status, s.Applied)
	}
}

func TestAStoppingWorkerHandsThePageOver(t *testing.T) {
	w := newWorld(t)
	run, wave := w.peopleWave(90)
	stop := make(chan struct{})
	w.crowdInside(func() { close(stop) })
	_, err := w.apply(task{stopping: stop}, run, wave)
	wantFault(t, err, orgflow.CodeUnavailable, true)
	handed := len(w.remote.calls)
	if handed == 90 {
		t.Fatal("the page was finished instead of handed over")
	}
	w.wantStates(run, map[orgflow.State]int{orgflow.Done: 2 + handed, orgflow.Planned: 90 - handed})
	w.remote.observe = nil
	w.sync = w.worker(w.db, w.remote)
	if _, err := w.apply(task{attempt: 2}, run, wave); err != nil {
		t.Fatal(err)
	}
	for _, c := range w.remote.calls {
		if c.InDoubt {
			t.Errorf("%s arrived in doubt", c.record)
		}
	}
	if len(w.remote.calls) != 90 {
		t.Errorf("%d calls for 90 records", len(w.remote.calls))
	}
	w.wantStates(run, map[orgflow.State]int{orgflow.Done: 92})
}

// noClaimIsLeft checks that the open changes of a wave are not in doubt.
func (w *world) noClaimIsLeft(run string, wave Wave) {
	w.t.Helper()
	claimed, err := w.db.ClaimPage(context.Background(), run, wave.From, wave.To)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range claimed {
		if c.InDoubt {
			w.t.Errorf("change %d is in doubt although it was never sent", c.ID)
		}
	}
}

func TestARecordInDoubtStaysInDoubtWhateverStopsThePage(t *testing.T) {
	refused := orgflow.Faultf(orgflow.CodeUnauthorized, "不合法的appKey")
	unknown := orgflow.Faultf(orgflow.CodeUnknownOutcome, "no answer")
	cases := map[string]struct {
		claimed bool // by a worker that died with the call in flight
		replies []reply
	}{
		"the outcome is unknown, then nobody answers":         {false, append([]reply{{fault: unknown, effect: true}}, times(busyTries, reply{fault: unavailable()})...)},
		"the outcome is unknown, then credentials fail":       {false, []reply{{fault: unknown, effect: true}, {fault: refused}}},
		"an earlier worker died, then nobody answers":         {true, times(busyTries, reply{fault: unavailable()})},
		"an earlier worker died, then credentials fail":       {true, []reply{{fault: refused}}},
		"an earlier worker died, then the outcome is unknown": {true, times(doubtTries, reply{fault: unknown})},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			run, wave := w.peopleWave(1)
			if c.claimed {
				if _, err := w.db.ClaimPage(context.Background(), run, wave.From, wave.To); err != nil {
					t.Fatal(err)
				}
			}
			w.remote.on("person:1001", c.replies...)
			if _, err := w.apply(task{}, run, wave); err == nil {
				t.Fatal("the page must stop")
			}
			w.remote.calls = nil
			if _, err := w.apply(task{attempt: 2}, run, wave); err != nil {
				t.Fatal(err)
			}
			if calls := w.remote.callsAbout("person:1001"); len(calls) != 1 || !calls[0].InDoubt {
				t.Errorf("it arrives as %+v", calls)
			}
			w.nothingTwice(t)
		})
	}
}

func TestARecordInDoubtThatWasNotReachedStaysInDoubt(t *testing.T) {
	w := newWorld(t)
	run, wave := w.peopleWave(30)
	if _, err := w.db.ClaimPage(context.Background(), run, wave.From, wave.To); err != nil { // by a worker that died
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(temporal.NewCanceledError()) // before anything is sent
	if _, err := w.apply(task{ctx: ctx}, run, wave); err == nil {
		t.Fatal("the page must stop")
	}
	w.remote.calls = nil
	if _, err := w.apply(task{attempt: 3}, run, wave); err != nil {
		t.Fatal(err)
	}
	for _, c := range w.remote.calls {
		if !c.InDoubt {
			t.Errorf("%s is no longer in doubt", c.record)
		}
	}
}

func TestARunThatLostItsTargetCallsNobody(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *world) {
		run, wave := w.peopleWave(3)
		w.alive[run] = false // terminated; nobody told the database
		other := w.begin(bothKinds(""))
		_, err := w.apply(task{attempt: 2}, run, wave)
		wantFault(t, err, orgflow.CodeTargetBusy, false)
		if len(w.remote.calls) != 0 {
			t.Errorf("sent %v", w.remote.sent())
		}
		if holder, _, err := w.db.Holder(context.Background(), target, w.now()); err != nil || holder != other.RunID {
			t.Errorf("holder = %s, %v", holder, err)
		}
		if s, err := w.db.Summary(context.Background(), run); err != nil || s.Status != orgflow.StatusCanceled || s.Error == nil {
			t.Errorf("the terminated run is %s, %v, %v", s.Status, s.Error, err)
		}
	})
}

// failing is a store whose next writes of outcomes fail.
type failing struct {
	*store.Store
	failures int
	sizes    []int
}

func (f *failing) RecordOutcomes(ctx context.Context, run string, outcomes []store.Outcome) (store.Recorded, error) {
	if f.failures > 0 {
		f.failures--
		return store.Recorded{}, orgflow.Faultf(orgflow.CodeUnavailable, "the database is away")
	}
	f.sizes = append(f.sizes, len(outcomes))
	return f.Store.RecordOutcomes(ctx, run, outcomes)
}

func TestOutcomesThatCouldNotBeRecordedAreReadBack(t *testing.T) {
	w := newWorld(t)
	run, wave := w.peopleWave(20)
	w.sync = w.worker(&failing{Store: w.db, failures: 1}, w.remote)
	_, err := w.apply(task{}, run, wave)
	wantFault(t, err, orgflow.CodeUnavailable, true)
	w.wantStates(run, map[orgflow.State]int{orgflow.Done: 2, orgflow.Planned: 20})
	if len(w.remote.people) != 20 {
		t.Fatalf("%d persons at the consumer", len(w.remote.people))
	}
	w.sync = w.worker(w.db, w.remote)
	if _, err := w.apply(task{attempt: 2}, run, wave); err != nil {
		t.Fatal(err)
	}
	for _, c := range w.remote.calls[20:] {
		if !c.InDoubt {
			t.Errorf("%s was not read back", c.record)
		}
	}
	w.nothingTwice(t)
	w.wantStates(run, map[orgflow.State]int{orgflow.Done: 22})
}

func TestOutcomesAreRecordedInBatches(t *testing.T) {
	w := newWorld(t)
	run, wave := w.peopleWave(90)
	f := &failing{Store: w.db}
	w.sync = w.worker(f, w.remote)
	if _, err := w.apply(task{}, run, wave); err != nil {
		t.Fatal(err)
	}
	if len(f.sizes) != 2 || f.sizes[0] != outcomesPerWrite || f.sizes[1] != 90-outcomesPerWrite {
		t.Errorf("batches of %v", f.sizes)
	}
}

func TestACancelledRunDoesNotWaitOutAThrottle(t *testing.T) {
	w := newWorld(t)
	run, wave := w.peopleWave(1)
	ctx, cancel := context.WithCancelCause(context.Background())
	slow := reply{fault: &orgflow.Fault{Code: orgflow.CodeThrottled, Message: "qps", RetryAfter: time.Hour}, meet: func() { cancel(temporal.NewCanceledError()) }}
	w.remote.on("person:1001", slow, slow)
	if _, err := w.apply(task{ctx: ctx}, run, wave); err == nil {
		t.Fatal("the page must stop")
	}
	if len(w.remote.calls) != 1 {
		t.Errorf("%d calls", len(w.remote.calls))
	}
	w.wantStates(run, map[orgflow.State]int{orgflow.Done: 2, orgflow.Planned: 1})
	w.noClaimIsLeft(run, wave)
}
