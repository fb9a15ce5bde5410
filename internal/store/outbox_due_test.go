package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/store"
)

var dingTalk = orgflow.Target{CompanyID: company, Consumer: "ding_talk"}

// What is left to do, and when: of each subject and receiver the first
// message counts, whatever waits behind it.
func TestWhatIsOutstanding(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		at := november
		s.SetDatabaseClock(at)
		pass := func(d time.Duration) { at = at.Add(d); s.SetDatabaseClock(at) }
		want := func(what string, left bool, wait time.Duration) {
			t.Helper()
			got, err := s.OutstandingMessages(ctx, dingTalk)
			must(t, err)
			if d := cmp.Diff(store.Outstanding{Left: left, Wait: wait}, got); d != "" {
				t.Errorf("%s: %s", what, d)
			}
		}
		want("nothing", false, 0)
		_, err := s.Enqueue(ctx, 7, []store.NewMessage{message("A", 1)})
		must(t, err)
		want("another company's", false, 0)
		_, err = s.Enqueue(ctx, company, []store.NewMessage{message("A", 1), message("A", 2)})
		must(t, err)
		want("a new one", true, 0)
		m := leaseOf(t, s, company)[0]
		want("leased for a minute; the second waits behind it", true, time.Minute)
		must(t, s.RetryMessage(ctx, m.ID, m.Tries, 5*time.Minute, "busy"))
		want("to be tried later", true, 5*time.Minute)
		pass(6 * time.Minute)
		want("its time has come", true, 0)
		m = leaseOf(t, s, company)[0]
		want("leased again: the lease counts, not the pause of before", true, time.Minute)
		must(t, s.ConfirmSent(ctx, m.ID, "1", 10*time.Minute))
		want("the second has its turn", true, 0)
		m = leaseOf(t, s, company)[0]
		must(t, s.ConfirmSent(ctx, m.ID, "2", 2*time.Minute))
		want("the earlier of two results", true, 2*time.Minute)
		must(t, s.EndMessageChecks(ctx, m.ID, "nobody told"))
		want("the other result", true, 10*time.Minute)
		must(t, s.ConfirmDelivered(ctx, m.ID-1, ""))
		want("everything is settled", false, 0)
		list, _, err := s.ListMessages(ctx, store.MessageFilter{CompanyID: company, States: []store.MessageState{store.MessageSent}})
		if err != nil || len(list) != 1 || list[0].ID != m.ID || list[0].Note != "nobody told" {
			t.Errorf("not told: %+v, %v", list, err)
		}
	})
}

func leaseOf(t testing.TB, s *store.Store, companyID int64) []store.Message {
	t.Helper()
	list, err := s.LeaseMessages(context.Background(), store.LeaseRequest{CompanyID: companyID, Channel: "ding_talk", By: "test", For: time.Minute, Limit: 1})
	if err != nil || len(list) != 1 {
		t.Fatalf("leased %d, %v", len(list), err)
	}
	return list
}

// Who was to send them died: after a while somebody else is told of them.
func TestChannelsWithMessagesNobodyDealsWith(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		at := november
		s.SetDatabaseClock(at)
		want := func(what string, want ...orgflow.Target) {
			t.Helper()
			got, err := s.DueMessages(ctx, 30*time.Second)
			must(t, err)
			if d := cmp.Diff(append([]orgflow.Target{}, want...), got); d != "" {
				t.Errorf("%s: %s", what, d)
			}
		}
		weCom := message("A", 1)
		weCom.Channel, weCom.DedupKey = "we_com", "A:1:we_com"
		_, err := s.Enqueue(ctx, company, []store.NewMessage{message("A", 1), weCom})
		must(t, err)
		list, _, err := s.ListMessages(ctx, store.MessageFilter{CompanyID: company})
		must(t, err)
		s.SetDatabaseClock(list[0].CreatedAt.Add(29 * time.Second)) // the program's clock
		want("just written")
		at = list[1].CreatedAt.Add(time.Minute)
		s.SetDatabaseClock(at)
		want("left alone", dingTalk, orgflow.Target{CompanyID: company, Consumer: "we_com"})
		m := leaseOf(t, s, company)[0]
		want("one of them is being sent", orgflow.Target{CompanyID: company, Consumer: "we_com"})
		must(t, s.ConfirmSent(ctx, m.ID, "1", time.Minute))
		want("its result is not due", orgflow.Target{CompanyID: company, Consumer: "we_com"})
		at = at.Add(2 * time.Minute)
		s.SetDatabaseClock(at)
		want("nobody has asked for it", dingTalk, orgflow.Target{CompanyID: company, Consumer: "we_com"})
	})
}

// The clock by which messages are stored may be ahead of the database's: who
// looks because something was stored finds it all the same.
func TestWhatWasJustStoredIsDueByAnyClock(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		_, err := s.Enqueue(ctx, company, []store.NewMessage{message("A", 1)})
		must(t, err)
		list, _, err := s.ListMessages(ctx, store.MessageFilter{CompanyID: company})
		must(t, err)
		s.SetDatabaseClock(list[0].CreatedAt.Truncate(time.Millisecond).Add(-time.Second))
		for late, want := range map[time.Duration][]orgflow.Target{0: {dingTalk}, 15 * time.Second: {}} {
			got, err := s.DueMessages(ctx, late)
			must(t, err)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("due for %s: %s", late, d)
			}
		}
	})
}

func TestMessagesOfAPersonAreCounted(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		at := november
		s.SetDatabaseClock(at)
		other := message("C", 1)
		other.ToUser = "E6"
		_, err := s.Enqueue(ctx, company, []store.NewMessage{message("A", 1), message("B", 1), message("A", 2), other})
		must(t, err)
		for range 2 {
			m := leaseOf(t, s, company)[0]
			must(t, s.ConfirmSent(ctx, m.ID, "x", 0))
			at = at.Add(40 * time.Second)
			s.SetDatabaseClock(at)
		}
		for d, want := range map[time.Duration]int{time.Minute: 1, time.Hour: 2, 40 * time.Second: 0} {
			if n, err := s.CountMessages(ctx, dingTalk, "E5", d); n != want || err != nil {
				t.Errorf("within %s: %d, %v; want %d", d, n, err, want)
			}
		}
		if n, err := s.CountMessages(ctx, dingTalk, "E6", time.Hour); n != 0 || err != nil {
			t.Errorf("of somebody else: %d, %v", n, err)
		}
	})
}
