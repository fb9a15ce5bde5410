package store_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow/internal/store"
)

func session(id, user string) store.Session {
	day := time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)
	return store.Session{
		ID: id, CompanyID: 129, Origin: "ding_talk", UserID: user, Name: "员工", Address: "192.0.2.1",
		CreatedAt: day, SeenAt: day, VerifiedAt: day, ExpiresAt: day.Add(12 * time.Hour),
	}
}

func TestSessionsEndOneByOneAndAllOfAPerson(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		for _, n := range []store.Session{session("a", "E1"), session("b", "E1"), session("c", "E2")} {
			if err := s.CreateSession(ctx, n); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.CreateSession(ctx, session("c", "E3")); err == nil {
			t.Error("a session took another one's id")
		}
		later := session("c", "E2").SeenAt.Add(time.Hour)
		if err := s.SeeSession(ctx, "c", later, later.Add(-time.Minute)); err != nil {
			t.Fatal(err)
		}
		want := session("c", "E2")
		want.SeenAt, want.VerifiedAt = later, later.Add(-time.Minute)
		got, err := s.GetSession(ctx, "c")
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Error(err, diff)
		}
		if n, err := s.EndSessionsOf(ctx, 129, "ding_talk", "E1"); n != 2 || err != nil {
			t.Errorf("%d sessions of E1 ended, %v", n, err)
		}
		for range 2 { // ending twice is no error
			if err := s.EndSession(ctx, "c"); err != nil {
				t.Error(err)
			}
		}
		for _, id := range []string{"a", "b", "c"} {
			if _, err := s.GetSession(ctx, id); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("session %s: %v", id, err)
			}
		}
	})
}

// Of many who take an attempt at once, one gets it.
func TestAnAttemptIsTakenOnce(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		saved := store.Attempt{ID: "hash", Purpose: "ding_talk", CompanyID: 129, Browser: "browser", ReturnTo: "/x",
			ExpiresAt: time.Date(2026, 11, 22, 1, 10, 0, 0, time.UTC)}
		if err := s.SaveAttempt(ctx, saved); err != nil {
			t.Fatal(err)
		}
		if _, err := s.TakeAttempt(ctx, "hash", "local"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("taken for another purpose: %v", err)
		}
		var wg sync.WaitGroup
		got := make(chan store.Attempt, 8)
		for range cap(got) {
			wg.Go(func() {
				a, err := s.TakeAttempt(ctx, "hash", "ding_talk")
				if err == nil {
					got <- a
				} else if !errors.Is(err, store.ErrNotFound) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		close(got)
		var all []store.Attempt
		for a := range got {
			all = append(all, a)
		}
		if diff := cmp.Diff([]store.Attempt{saved}, all); diff != "" {
			t.Error(diff)
		}
	})
}

func TestWhatIsOverIsForgotten(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		live, old := session("live", "E1"), session("old", "E1")
		old.ExpiresAt = old.CreatedAt
		for _, n := range []store.Session{live, old} {
			if err := s.CreateSession(ctx, n); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.SaveAttempt(ctx, store.Attempt{ID: "gone", Purpose: "p", ExpiresAt: old.ExpiresAt}); err != nil {
			t.Fatal(err)
		}
		if err := s.ForgetSignIns(ctx, old.ExpiresAt.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		_, errLive := s.GetSession(ctx, "live")
		_, errOld := s.GetSession(ctx, "old")
		_, errTry := s.TakeAttempt(ctx, "gone", "p")
		if errLive != nil || !errors.Is(errOld, store.ErrNotFound) || !errors.Is(errTry, store.ErrNotFound) {
			t.Errorf("live %v, old %v, attempt %v", errLive, errOld, errTry)
		}
	})
}
