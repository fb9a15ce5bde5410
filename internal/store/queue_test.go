package store_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"orgflow"
	"orgflow/internal/store"
)

// queue is a target that run "bulk" took at noon, with runs "one" and "two"
// for single records and "late" besides.
func queue(t *testing.T, s *store.Store) {
	t.Helper()
	for _, id := range []string{"bulk", "one", "two", "late"} {
		newRun(t, s, id)
	}
	wantTurn(t, s, "bulk", noon, "bulk")
}

// wantTurn wants the target to be run's, or who keeps it from it.
func wantTurn(t *testing.T, s *store.Store, run string, now time.Time, want string) {
	t.Helper()
	_, holder, ok, err := s.AcquireTarget(context.Background(), target, run, time.Hour, now)
	if err != nil || holder != want || ok != (run == want) {
		t.Errorf("%s asks: holder %q, ok %v, %v; want %q", run, holder, ok, err, want)
	}
}

func wantWanted(t *testing.T, s *store.Store, now time.Time, want bool) {
	t.Helper()
	if got, err := s.Wanted(context.Background(), target, "bulk", now); err != nil || got != want {
		t.Errorf("wanted %v, %v; want %v", got, err, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheQueueIsFirstComeFirstServed(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		queue(t, s)
		wantWanted(t, s, noon, false)
		must(t, s.QueueForTarget(ctx, target, "one", true, noon.Add(1)))
		must(t, s.QueueForTarget(ctx, target, "two", true, noon.Add(time.Second)))
		must(t, s.QueueForTarget(ctx, target, "one", true, noon.Add(2*time.Second))) // keeps its place
		wantWanted(t, s, noon.Add(2*time.Second), true)
		wantTurn(t, s, "one", noon, "bulk")
		must(t, s.YieldTarget(ctx, target, "bulk", noon.Add(3*time.Second)))
		now := noon.Add(4 * time.Second)
		wantTurn(t, s, "late", now, "one") // outside the queue comes last
		wantTurn(t, s, "two", now, "one")
		wantTurn(t, s, "one", now, "one")
		must(t, s.QueueForTarget(ctx, target, "late", true, now)) // behind the run that has given way
		must(t, s.ReleaseTarget(ctx, target, "one"))
		wantTurn(t, s, "bulk", now, "two")
		wantTurn(t, s, "two", now, "two")
		must(t, s.ReleaseTarget(ctx, target, "two"))
		wantTurn(t, s, "late", now, "bulk")
		wantTurn(t, s, "bulk", now, "bulk")
		wantWanted(t, s, now, true) // by late
	})
}

func TestTheHolderIsNamedBeforeTheQueue(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		queue(t, s)
		must(t, s.QueueForTarget(context.Background(), target, "one", true, noon))
		wantTurn(t, s, "late", noon, "bulk")
	})
}

func TestWhoIsSilentOrHasEndedIsPassedOver(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		queue(t, s)
		must(t, s.QueueForTarget(ctx, target, "one", true, noon))
		must(t, s.QueueForTarget(ctx, target, "two", true, noon))
		later := noon.Add(40 * time.Second)
		wantWanted(t, s, later, false)
		if there, err := s.KeepPlace(ctx, target, "two", later); !there || err != nil {
			t.Errorf("two is in the queue: %v, %v", there, err)
		}
		if there, err := s.KeepPlace(ctx, target, "late", later); there || err != nil {
			t.Errorf("late is not in the queue: %v, %v", there, err)
		}
		wantWanted(t, s, later, true)
		must(t, s.YieldTarget(ctx, target, "bulk", later))
		wantTurn(t, s, "bulk", later, "two") // one is silent
		if _, err := s.FinishRun(ctx, "two", orgflow.StatusCanceled, nil, nil); err != nil {
			t.Fatal(err)
		}
		wantTurn(t, s, "bulk", later, "bulk")
		wantWanted(t, s, later, false)
		must(t, s.QueueForTarget(ctx, target, "one", true, later)) // it had no worker for a while
		wantWanted(t, s, later, true)
		must(t, s.Dequeue(ctx, "one"))
		wantWanted(t, s, later, false)
	})
}

func TestYieldingTwiceKeepsThePlaceAndTakesNothingFromOthers(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		queue(t, s)
		must(t, s.QueueForTarget(ctx, target, "one", true, noon))
		must(t, s.YieldTarget(ctx, target, "bulk", noon.Add(time.Second)))
		wantTurn(t, s, "one", noon.Add(time.Second), "one")
		must(t, s.QueueForTarget(ctx, target, "two", true, noon.Add(2*time.Second)))
		must(t, s.YieldTarget(ctx, target, "bulk", noon.Add(3*time.Second))) // the answer was lost
		wantTurn(t, s, "bulk", noon.Add(3*time.Second), "one")
		if _, err := s.Wanted(ctx, target, "bulk", noon); !errors.Is(err, store.ErrHoldLost) {
			t.Errorf("a run that has given way: %v", err)
		}
		must(t, s.ReleaseTarget(ctx, target, "one"))
		wantTurn(t, s, "two", noon.Add(3*time.Second), "bulk")
	})
}

func TestPauseAndResume(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		newRun(t, s, "r")
		must(t, s.PauseRun(ctx, "r", orgflow.Pause{By: "E1", Reason: "moving", At: noon}))
		must(t, s.PauseRun(ctx, "r", orgflow.Pause{By: "E1", Reason: "moving", At: noon}))
		sum, err := s.Summary(ctx, "r")
		if err != nil || sum.Status != orgflow.StatusPaused || sum.Paused == nil || *sum.Paused != (orgflow.Pause{By: "E1", Reason: "moving", At: noon}) {
			t.Fatalf("%s %+v, %v", sum.Status, sum.Paused, err)
		}
		if _, _, ok, err := s.AcquireTarget(ctx, target, "r", time.Minute, noon); !ok || err != nil {
			t.Fatal(ok, err)
		}
		newRun(t, s, "other")
		wantTurn(t, s, "other", noon, "r") // it is not over
		must(t, s.ResumeRun(ctx, "r", "E2"))
		must(t, s.ResumeRun(ctx, "r", "E3"))
		run, err := s.GetRun(ctx, "r")
		if err != nil || run.Status != orgflow.StatusRunning || run.Paused != nil || len(run.Notes) != 1 {
			t.Fatalf("%s %+v %q, %v", run.Status, run.Paused, run.Notes, err)
		}
		must(t, s.PauseRun(ctx, "r", orgflow.Pause{By: "E1", At: noon}))
		if run, err = s.FinishRun(ctx, "r", orgflow.StatusCanceled, nil, nil); err != nil || run.Paused != nil {
			t.Errorf("a run that has ended is paused: %+v, %v", run.Paused, err)
		}
		must(t, s.PauseRun(ctx, "r", orgflow.Pause{By: "E1", At: noon}))
		if run, err = s.GetRun(ctx, "r"); err != nil || run.Status != orgflow.StatusCanceled {
			t.Errorf("it is %s, %v", run.Status, err)
		}
		if err := s.ResumeRun(ctx, "nobody", "E1"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("an unknown run: %v", err)
		}
	})
}

// A note is added once, however often its writer's answer is lost, and none to
// what has ended.
func TestNotesOfARun(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		newRun(t, s, "r")
		for _, note := range []string{"approved by E1: 他们已离职", "approved by E1: 他们已离职", "another\x00 one"} {
			must(t, s.NoteRun(ctx, "r", note))
		}
		want := []string{"approved by E1: 他们已离职", "another\uFFFD one"}
		sum, err := s.Summary(ctx, "r")
		if err != nil || !slices.Equal(sum.Notes, want) {
			t.Errorf("%q, %v", sum.Notes, err)
		}
		if _, err := s.FinishRun(ctx, "r", orgflow.StatusCompleted, nil, want); err != nil {
			t.Fatal(err)
		}
		must(t, s.NoteRun(ctx, "r", "too late"))
		if run, err := s.GetRun(ctx, "r"); err != nil || !slices.Equal(run.Notes, want) {
			t.Errorf("%q, %v", run.Notes, err)
		}
		if err := s.NoteRun(ctx, "nobody", "x"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("an unknown run: %v", err)
		}
	})
}
