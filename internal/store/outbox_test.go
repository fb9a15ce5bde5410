package store_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/store"
)

func message(subject string, n int) store.NewMessage {
	return store.NewMessage{
		DedupKey: fmt.Sprintf("%s:%d", subject, n), Channel: "ding_talk", ToUser: "E5", Subject: subject, Kind: "todo",
		Body: fmt.Sprintf(`{"n":%d}`, n),
	}
}

func lease(t testing.TB, s *store.Store, n int) []store.Message {
	t.Helper()
	list, err := s.LeaseMessages(context.Background(), store.LeaseRequest{Channel: "ding_talk", By: "test", For: time.Minute, Limit: n})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// wantLease leases up to ten messages and compares their keys.
func wantLease(t testing.TB, s *store.Store, what string, want ...string) []store.Message {
	t.Helper()
	list := lease(t, s, 10)
	var got []string
	for _, m := range list {
		got = append(got, m.DedupKey)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s: %s", what, d)
	}
	return list
}

func TestAMessageIsStoredOnce(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		for i, want := range []int{2, 0} {
			list := []store.NewMessage{message("RW1", 1), message("RW1", 2)}
			list[i].Body = "another text" // the key counts
			if n, err := s.Enqueue(ctx, company, list); n != want || err != nil {
				t.Errorf("%d stored, %v; want %d", n, err, want)
			}
		}
		if n, err := s.Enqueue(ctx, 7, []store.NewMessage{message("RW1", 1)}); n != 1 || err != nil {
			t.Errorf("of another company %d stored, %v", n, err)
		}
		if _, err := s.Enqueue(ctx, company, []store.NewMessage{message("RW1", 3), {DedupKey: "x"}}); err == nil {
			t.Error("a message without a receiver was stored")
		}
		list, _, err := s.ListMessages(ctx, store.MessageFilter{CompanyID: company})
		if err != nil || len(list) != 2 || list[0].Body != "another text" {
			t.Errorf("%+v, %v", list, err)
		}
	})
}

// What becomes of a message, and what a sender that is late cannot change.
func TestTheLifeOfAMessage(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		s.SetDatabaseClock(november)
		_, err := s.Enqueue(ctx, company, []store.NewMessage{message("A", 1), message("A", 2), message("B", 1), message("C", 1)})
		must(t, err)
		first := wantLease(t, s, "the first of each subject", "A:1", "B:1", "C:1")
		wantLease(t, s, "while they are leased")
		a, b, c := first[0], first[1], first[2]
		must(t, s.RetryMessage(ctx, a.ID, a.Tries, 5*time.Minute, "busy"))
		must(t, s.GiveUpMessage(ctx, c.ID, c.Tries, "no such user"))
		s.SetDatabaseClock(november.Add(2 * time.Minute))
		again := wantLease(t, s, "B's sender has died, A waits, and A:2 behind it", "B:1")
		if again[0].Tries != 2 || again[0].Body != b.Body {
			t.Errorf("leased again: %+v", again[0])
		}
		// The sender that was thought dead comes back: its retry means nothing, but what it sent is sent.
		must(t, s.RetryMessage(ctx, b.ID, b.Tries, 0, "late"))
		must(t, s.GiveUpMessage(ctx, b.ID, b.Tries, "late"))
		must(t, s.SupersedeMessage(ctx, b.ID, b.Tries, "late"))
		wantLease(t, s, "B is still leased")
		must(t, s.ConfirmSent(ctx, b.ID, "task-1", time.Minute))
		must(t, s.ConfirmSent(ctx, b.ID, "task-2", time.Minute)) // the second sender
		s.SetDatabaseClock(november.Add(6 * time.Minute))
		a = wantLease(t, s, "A after its pause", "A:1")[0]
		must(t, s.SupersedeMessage(ctx, a.ID, a.Tries, "decided"))
		a = wantLease(t, s, "what A kept waiting", "A:2")[0]
		must(t, s.ConfirmSent(ctx, a.ID, "x", 0))

		unchecked := func(want ...int64) {
			t.Helper()
			list, err := s.UncheckedMessages(ctx, company, "ding_talk", 10)
			must(t, err)
			var got []int64
			for _, m := range list {
				got = append(got, m.ID)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("to be asked for: %s", d)
			}
		}
		unchecked(b.ID) // A:2 has no result
		must(t, s.CheckMessageLater(ctx, b.ID, time.Minute))
		unchecked()
		s.SetDatabaseClock(november.Add(8 * time.Minute))
		unchecked(b.ID)
		must(t, s.ConfirmDropped(ctx, b.ID, "limit"))
		must(t, s.ConfirmDelivered(ctx, b.ID, "")) // too late
		must(t, s.ConfirmDelivered(ctx, a.ID, ""))
		must(t, s.ConfirmDelivered(ctx, c.ID, "")) // it was never sent
		unchecked()

		list, next, err := s.ListMessages(ctx, store.MessageFilter{CompanyID: company, Limit: 3})
		must(t, err)
		rest, last, err := s.ListMessages(ctx, store.MessageFilter{CompanyID: company, Limit: 3, Cursor: next})
		if err != nil || last != "" || len(rest) != 1 {
			t.Errorf("second page %+v, %q, %v", rest, last, err)
		}
		var got []string
		for _, m := range append(list, rest...) {
			got = append(got, fmt.Sprintf("%s %s %q %q %v", m.DedupKey, m.State, m.ProviderID, m.Note, m.SettledAt != nil))
		}
		want := []string{`A:1 superseded "" "decided" true`, `A:2 delivered "x" "" true`, `B:1 dropped "task-1" "limit" true`, `C:1 dead "" "no such user" true`}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("in the end: %s", d)
		}
		dead, _, err := s.ListMessages(ctx, store.MessageFilter{States: []store.MessageState{store.MessageDead, store.MessageDropped}})
		if err != nil || len(dead) != 2 {
			t.Errorf("undelivered: %+v, %v", dead, err)
		}
	})
}

// A sender sees whether the decision it asks for is still to be made.
func TestALeaseTellsTheStateOfTheTask(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		k := flowNo(t, s, "F1")
		p := step(k)
		p.Messages = append(p.Messages, todo("F1", 2, "E6"), message("F1", 9))
		commit(t, s, p)
		var got []orgflow.TaskState
		for _, m := range wantLease(t, s, "all", "F1:1:1", "F1:1:2") { // F1:9 waits behind the first
			got = append(got, m.TaskState)
			must(t, s.SupersedeMessage(context.Background(), m.ID, m.Tries, ""))
		}
		for _, m := range wantLease(t, s, "the rest", "F1:9") {
			got = append(got, m.TaskState)
		}
		if d := cmp.Diff([]orgflow.TaskState{orgflow.TaskActive, orgflow.TaskWaiting, ""}, got); d != "" {
			t.Error(d)
		}
	})
}

// Senders of two processes, some of which die between sending and saying so:
// nothing is lost, nothing that was confirmed is sent again, what is sent
// again has the same bytes, and each person gets a subject's messages in order.
func TestManySendersAtOnce(t *testing.T) {
	const subjects, each, senders = 12, 5, 6
	for name, url := range databases {
		t.Run(name, func(t *testing.T) {
			stores := twoStores(t, url(t))
			var list []store.NewMessage
			for n := range each {
				for i := range subjects {
					list = append(list, message(fmt.Sprint("S", i), n))
				}
			}
			if _, err := stores[0].Enqueue(context.Background(), company, list); err != nil {
				t.Fatal(err)
			}
			o := &office{sent: map[string][]string{}, died: map[string]bool{}, bodies: map[string]string{}}
			for minutes := 0; o.confirmed < len(list) && minutes < 20; minutes += 2 {
				for _, s := range stores {
					s.SetDatabaseClock(november.Add(time.Duration(minutes) * time.Minute)) // leases have ended
				}
				race(senders, func(i int) { o.send(t, stores[i%2]) })
			}
			if o.confirmed != len(list) || len(o.died) == 0 {
				t.Errorf("%d of %d messages were sent, %d senders died", o.confirmed, len(list), len(o.died))
			}
			for subject, numbers := range o.sent {
				if d := cmp.Diff([]string{"0", "1", "2", "3", "4"}, numbers); d != "" {
					t.Errorf("subject %s: %s", subject, d)
				}
			}
			if rest := lease(t, stores[0], 10); len(rest) > 0 {
				t.Errorf("%d messages are left", len(rest))
			}
		})
	}
}

// office is what the receivers see.
type office struct {
	mu        sync.Mutex
	sent      map[string][]string // subject → numbers in the order of their first arrival
	died      map[string]bool     // messages whose sender died
	bodies    map[string]string
	confirmed int
}

// send sends until nothing is handed out.
func (o *office) send(t *testing.T, s *store.Store) {
	for {
		list, err := s.LeaseMessages(context.Background(), store.LeaseRequest{Channel: "ding_talk", CompanyID: company, For: time.Minute, Limit: 3})
		if err != nil {
			t.Error(err)
			return
		}
		if len(list) == 0 {
			return
		}
		for _, m := range list {
			if !o.take(t, m) {
				continue // the sender died before it could say so
			}
			if err := s.ConfirmSent(context.Background(), m.ID, "p", 0); err != nil {
				t.Error(err)
			}
		}
	}
}

func (o *office) take(t *testing.T, m store.Message) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	body, seen := o.bodies[m.DedupKey]
	switch {
	case seen && !o.died[m.DedupKey]:
		t.Errorf("%s was sent twice", m.DedupKey)
	case seen && body != m.Body:
		t.Errorf("%s was sent as %q, then as %q", m.DedupKey, body, m.Body)
	case seen:
		o.died[m.DedupKey] = false
	default:
		o.bodies[m.DedupKey] = m.Body
		o.sent[m.Subject] = append(o.sent[m.Subject], m.DedupKey[len(m.Subject)+1:])
		if m.ID%7 == 0 {
			o.died[m.DedupKey] = true
			return false
		}
	}
	o.confirmed++
	return true
}
