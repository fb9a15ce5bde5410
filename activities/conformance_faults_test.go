package activities

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"

	"go.temporal.io/sdk/temporal"

	"orgflow"
)

// Conformance: a record that the consumer refuses fails alone, and comes
// with the next run once it is accepted.
func TestConsumersFailOneBadRecordAlone(t *testing.T) {
	eachConsumer(t, lacksRefusal, func(t *testing.T, s subject) {
		w, r := newTrial(t, s), staff()
		w.bad(w, "E1006")
		w.hold(r)
		sum := w.syncOnce(w.job(""))
		if sum.Status != orgflow.StatusCompletedWithFailures || sum.Applied[orgflow.Person][orgflow.Insert].Failed != 1 {
			t.Fatalf("the run ends %s: %s", sum.Status, w.troubles(sum.ID))
		}
		if c := w.changes(sum.ID)["person:1006"]; c.State != orgflow.Failed || c.Error == nil || c.Error.Code != orgflow.CodeInvalidRecord {
			t.Errorf("the bad record is %s: %v", c.State, c.Error)
		}
		r.leaves(1006)
		w.holdsJust(r)
		w.good()
		if again := w.follows(staff()); again.Progress.Total != 1 {
			t.Errorf("the next run has %d changes", again.Progress.Total)
		}
	})
}

// good takes all faults away, and what else was set for a scenario.
func (w *trial) good() {
	w.t.Helper()
	w.sim.Desk().ClearFaults()
	if w.restore != "" {
		w.options(w.restore)
	}
}

// Conformance: where the consumer did what it was asked and the answer was
// lost, it is found out; nothing is done twice, and nobody fails.
func TestConsumersSurviveLostAnswers(t *testing.T) {
	eachConsumer(t, "", func(t *testing.T, s subject) {
		losses := map[string]string{
			"dropped":       `"after_commit": true`,
			"by a gateway":  `"after_commit": true, "http_status": 502`,
			"by truncation": `"after_commit": true, "body": "{\"` + s.envelope + `\": 0"`,
		}
		for _, name := range sampled(s.place(), slices.Sorted(maps.Keys(losses))) {
			t.Run(name, func(t *testing.T) {
				answer := losses[name]
				w := newTrial(t, s)
				for _, r := range []rows{staff(), everything()} {
					w.hold(r)
					run, planned := w.planned(w.job(""))
					for _, path := range w.writes {
						// One change may meet all of them, and has one try more.
						w.fault(fmt.Sprintf(`{"path": %q, "times": %d, %s}`, path, busyTries-1, answer))
					}
					w.completed(w.insist(run, planned), r)
					if n := w.sim.Desk().Requests().Faulted; n < busyTries-1 {
						t.Fatalf("%d answers were lost", n)
					}
					w.good()
					w.sim.Desk().ClearRequests()
				}
				w.quiet()
			})
		}
	})
}

// insist applies a plan as Temporal would: an activity that ends with an error
// that may pass is attempted again.
func (w *trial) insist(run string, planned Planned) orgflow.Summary {
	w.t.Helper()
	do := func(name string, params, result any) {
		w.t.Helper()
		for attempt := int32(1); ; attempt++ {
			err := w.perform(task{attempt: attempt}, name, params, result)
			if err == nil {
				return
			}
			if app, typed := errors.AsType[*temporal.ApplicationError](err); !typed || app.NonRetryable() || attempt > 3 {
				w.t.Fatalf("%s, attempt %d: %v", name, attempt, err)
			}
		}
	}
	if planned.Push && pushAll(do, run) == "" {
		planned.Waves = nil
	}
	for _, wave := range planned.Waves {
		do(orgflow.ActivityApplyPage, ApplyParams{RunID: run, Phase: wave.Phase, From: wave.From, To: wave.To}, nil)
	}
	return w.finish(FinishParams{RunID: run})
}

// eavesdrop is a wire that somebody listens to.
type eavesdrop func(*http.Request)

func (e eavesdrop) RoundTrip(req *http.Request) (*http.Response, error) {
	e(req)
	return http.DefaultTransport.RoundTrip(req)
}

// Conformance: a token that expires in the middle of a run is renewed once,
// however many calls were under way, and nobody fails.
func TestConsumersRenewAnExpiredTokenOnce(t *testing.T) {
	eachConsumer(t, lacksTokens, func(t *testing.T, s subject) {
		w := newTrial(t, s)
		var calls int
		var mu sync.Mutex
		w.sync = w.process(w.db, eavesdrop(func(*http.Request) {
			mu.Lock()
			defer mu.Unlock()
			if calls++; calls == 9 {
				if err := w.sim.ExpireTokens(); err != nil {
					t.Error(err)
				}
			}
		}))
		sum := w.follows(staff())
		if sum.TokenRenewals != 2 || calls < 10 {
			t.Errorf("%d tokens were fetched in %d calls, want the first and one more", sum.TokenRenewals, calls)
		}
		w.quiet()
	})
}

// Conformance: too fast is never a failure: the run waits and goes on.
func TestConsumersWaitWhenThrottled(t *testing.T) {
	eachConsumer(t, "", func(t *testing.T, s subject) {
		for _, answer := range s.throttled {
			t.Run(answer, func(t *testing.T) {
				w := newTrial(t, s)
				w.hold(staff())
				run, planned := w.planned(w.job(""))
				for _, path := range w.writes {
					w.fault(fmt.Sprintf(`{"path": %q, "times": 1, %s}`, path, answer))
				}
				sum := w.rest(run, planned)
				w.completed(sum, staff())
				if sum.Throttled == 0 || len(w.slept) == 0 {
					t.Errorf("throttled %d times, waited %v", sum.Throttled, w.slept)
				}
			})
		}
	})
}

// Conformance: a worker may die before or after any call, and between any
// two writes to the database; the next one ends with the same organisation.
func TestConsumersSurviveAKilledWorker(t *testing.T) {
	eachConsumer(t, "", func(t *testing.T, s subject) {
		begin := push(t, s)
		survives := func(t *testing.T, r *reaper) {
			w := begin.again(t)
			w.hold(everything())
			w.endanger(r)
			w.completed(w.survive(r, w.job(""), true), everything())
			r.retire()
			w.quiet()
		}
		calm := &reaper{}
		survives(t, calm)
		eachDeath(t, deaths(calm.seen, killSample), survives)
	})
}

// killSample is the share of a run's points at which a worker is killed.
const killSample = 7 * killEvery
