package store_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"orgflow"
	"orgflow/internal/store"
)

func urge(k store.FlowKey, key string) store.UrgeRequest {
	return store.UrgeRequest{FlowKey: k, Key: key, MinInterval: 10 * time.Minute, MaxPerDay: 3}
}

// Urges at one moment, by two processes: one is granted.
func TestOneOfManyUrgesIsGranted(t *testing.T) {
	for name, url := range databases {
		t.Run(name, func(t *testing.T) {
			stores := twoStores(t, url(t))
			for r := range repetitions {
				k := flowNo(t, stores[0], fmt.Sprint("F", r))
				commit(t, stores[0], step(k))
				var granted atomic.Int32
				race(8, func(i int) {
					u, err := stores[i%2].UrgeOnce(context.Background(), urge(k, fmt.Sprint("click", i)))
					switch {
					case err != nil || u.Open != 1:
						t.Errorf("%+v, %v", u, err)
					case len(u.Tasks) == 1:
						granted.Add(1)
					case u.RetryAfter != 10*time.Minute:
						t.Errorf("not granted, %v to wait", u.RetryAfter)
					}
				})
				if granted.Load() != 1 {
					t.Fatalf("%d urges were granted", granted.Load())
				}
			}
		})
	}
}

func TestUrgesAreThrottledPerTask(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		k := flowNo(t, s, "F1")
		p := step(k)
		p.Tasks = append(p.Tasks, store.FlowTask{ID: 3, Visit: 2, Kind: "cc", UserCode: "E7", State: orgflow.TaskActive})
		commit(t, s, p)
		start := time.Date(2026, 11, 21, 15, 0, 0, 0, time.UTC) // an hour before midnight in Shanghai
		want := func(after time.Duration, key string, nth, open int, retry time.Duration) {
			t.Helper()
			s.SetDatabaseClock(start.Add(after))
			u, err := s.UrgeOnce(context.Background(), urge(k, key))
			got := 0
			for _, task := range u.Tasks {
				got = max(got, task.Urges)
			}
			if err != nil || got != nth || u.Open != open || u.RetryAfter != retry {
				t.Errorf("%s after %v: %+v, %v; want urge %d, %d open, retry after %v", key, after, u, err, nth, open, retry)
			}
		}
		want(0, "a", 1, 1, 0)
		want(time.Minute, "a", 1, 1, 0) // the answer was lost
		want(time.Minute, "b", 0, 1, 9*time.Minute)
		want(10*time.Minute, "a", 1, 1, 0) // still the same urge
		want(10*time.Minute, "c", 2, 1, 0)
		want(20*time.Minute, "d", 3, 1, 0)
		want(30*time.Minute, "e", 0, 1, 30*time.Minute) // three today
		// A second task opens: it is urged although the first may not be.
		commit(t, s, store.FlowStep{FlowKey: k, Rev: 2, State: orgflow.FlowRunning, Round: 1, StateDoc: []byte(`2`), Tasks: []store.FlowTask{
			p.Tasks[0], {ID: 2, Visit: 2, Kind: "approve", UserCode: "E6", State: orgflow.TaskActive}}})
		want(40*time.Minute, "f", 1, 2, 0)
		want(time.Hour, "g", 4, 2, 0) // the next day
		_, err := s.UrgeOnce(context.Background(), urge(store.FlowKey{CompanyID: 7, No: "F1"}, "a"))
		wantErr(t, "the flow of another company", err, store.ErrNotFound)
	})
}
