package activities

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
)

func TestAllTheConsumerHoldsIsReadOnce(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *world) {
		v := view(9)
		run := w.look(v)
		got, err := w.readRemote(task{}, run)
		if err != nil {
			t.Fatal(err)
		}
		calls := 0
		for _, what := range v.asked {
			calls++
			if strings.HasPrefix(what, "org") {
				calls++
			}
		}
		if want := (RemoteCount{Departments: 8, Persons: 24, Calls: calls, Done: true, Complete: true}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if diff := cmp.Diff(v.all(), w.heldRemote(run)); diff != "" {
			t.Error(diff)
		}
		if twice := repeated(v.asked); len(twice) > 0 {
			t.Errorf("asked twice: %v", twice)
		}
		if s, err := w.db.Summary(context.Background(), run); err != nil || s.Calls != calls {
			t.Errorf("the run counts %d calls, %v; want %d", s.Calls, err, calls)
		}
		n := len(v.asked)
		if again, err := w.readRemote(task{}, run); err != nil || again != got || len(v.asked) != n {
			t.Errorf("asked again: %+v, %v, %d more calls", again, err, len(v.asked)-n)
		}
		w.finish(FinishParams{RunID: run})
		if left := w.heldRemote(run); len(left) != 0 {
			t.Errorf("%d records outlive their run", len(left))
		}
	})
}

func repeated(list []string) []string {
	slices.Sort(list)
	var out []string
	for i := range list[1:] {
		if list[i] == list[i+1] {
			out = append(out, list[i])
		}
	}
	return out
}

func TestARepeatedAttemptReadsOnlyWhatIsMissing(t *testing.T) {
	w, v := newWorld(t), view(3)
	run := w.look(v)
	v.fail["members 3/2"] = repeat(unavailable(), remoteTries)
	_, err := w.readRemote(task{}, run)
	wantFault(t, err, orgflow.CodeUnavailable, true)
	v.asked = nil
	got, err := w.readRemote(task{attempt: 2}, run)
	if err != nil || !got.Complete || got.Persons != 6 {
		t.Fatalf("got %+v, %v", got, err)
	}
	for _, what := range []string{"org 1", "org 3", "members 3/0"} {
		if slices.Contains(v.asked, what) {
			t.Errorf("asked again for %s: %v", what, v.asked)
		}
	}
}

func repeat(err error, n int) []error { return slices.Repeat([]error{err}, n) }

func TestThrottlingAndShortFailuresAreWaitedOut(t *testing.T) {
	w, v := newWorld(t), view(3)
	run := w.look(v)
	w.slept = nil
	v.fail["org 1"] = append(repeat(&orgflow.Fault{Code: orgflow.CodeThrottled, Message: "qps", RetryAfter: 45 * time.Second}, remoteTries+2), unavailable(), unavailable())
	got, err := w.readRemote(task{}, run)
	if err != nil || !got.Complete {
		t.Fatalf("got %+v, %v", got, err)
	}
	if len(w.slept) != remoteTries+4 || w.slept[0] != 45*time.Second {
		t.Errorf("slept %v", w.slept)
	}
	if s, err := w.db.Summary(context.Background(), run); err != nil || s.Throttled != remoteTries+2 || s.Calls != got.Calls {
		t.Errorf("the run counts %d throttled and %d calls of %d, %v", s.Throttled, s.Calls, got.Calls, err)
	}
}

func TestAReadOfTheConsumerThatIsNotWholeSaysWhy(t *testing.T) {
	hidden := &orgflow.Fault{Code: orgflow.CodePartialRead, VendorCode: "50004", Message: "the read is incomplete, department 3 cannot be seen"}
	for name, c := range map[string]struct {
		at      string
		err     error
		attempt int32
		cause   string
	}{
		"a department may not be seen":           {"org 3", hidden, 1, "partial_read 50004: the read is incomplete, department 3"},
		"members may not be seen":                {"members 3/2", hidden, 1, "department 3 cannot be seen"},
		"the permission to read is missing":      {"members 1/0", orgflow.Faultf(orgflow.CodeForbidden, "no permission"), 1, "forbidden: no permission"},
		"the root is not there":                  {"org 1", orgflow.Faultf(orgflow.CodeNotFound, "no such department"), 1, "not_found"},
		"it stops answering":                     {"org 2", unavailable(), lastFetchAttempt, "unavailable: connection refused"},
		"it answers what nobody knows, for good": {"org 2", orgflow.Faultf(orgflow.CodeInternal, "12345"), lastFetchAttempt, "12345"},
	} {
		t.Run(name, func(t *testing.T) {
			w, v := newWorld(t), view(3)
			run := w.look(v)
			v.fail[c.at] = repeat(c.err, remoteTries)
			got, err := w.readRemote(task{attempt: c.attempt}, run)
			if err != nil {
				t.Fatal(err)
			}
			if got.Complete || !got.Done || !strings.Contains(got.Cause, c.cause) {
				t.Errorf("got %+v", got)
			}
			v.asked = nil
			if again, err := w.readRemote(task{}, run); err != nil || again != got || len(v.asked) > 0 {
				t.Errorf("asked again: %+v, %v, calls %v", again, err, v.asked)
			}
		})
	}
}

func TestWhatAnotherAttemptOrNobodyCanCureFailsTheReadOfTheConsumer(t *testing.T) {
	for _, c := range []struct {
		err       error
		attempt   int32
		code      orgflow.Code
		retryable bool
	}{
		{unavailable(), lastFetchAttempt - 1, orgflow.CodeUnavailable, true},
		{orgflow.Faultf(orgflow.CodeInternal, "12345"), 1, orgflow.CodeInternal, true},
		{orgflow.Faultf(orgflow.CodeUnauthorized, "token"), lastFetchAttempt, orgflow.CodeUnauthorized, false},
	} {
		w, v := newWorld(t), view(3)
		run := w.look(v)
		v.fail["org 2"] = repeat(c.err, remoteTries)
		_, err := w.readRemote(task{attempt: c.attempt}, run)
		wantFault(t, err, c.code, c.retryable)
		if state, err := w.db.RemoteDone(context.Background(), run); err != nil || state.Finished {
			t.Errorf("%v ended the read for good: %+v, %v", c.err, state, err)
		}
	}
}

func TestADepartmentDeletedWhileItIsReadIsGone(t *testing.T) {
	gone := []error{orgflow.Faultf(orgflow.CodeNotFound, "no such department")}
	for _, at := range []string{"org 3", "members 3/0", "members 3/2"} {
		w, v := newWorld(t), view(3)
		run := w.look(v)
		v.fail[at] = gone
		got, err := w.readRemote(task{}, run)
		if err != nil || !got.Complete || got.Departments != 1 {
			t.Errorf("%s: %+v, %v", at, got, err)
		}
	}
}

func TestAConsumerThatShowsNothingIsNotReadWhole(t *testing.T) {
	w := newWorld(t)
	run := w.begin(bothKinds("")).RunID
	got, err := w.readRemote(task{}, run)
	if err != nil || got.Complete || !got.Done || !strings.Contains(got.Cause, "cannot show") {
		t.Errorf("got %+v, %v", got, err)
	}
	if state, err := w.db.RemoteDone(context.Background(), run); err != nil || state.Begun {
		t.Errorf("state %+v, %v", state, err)
	}
}

func TestEightDepartmentsAreReadAtATime(t *testing.T) {
	w, v := newWorld(t), view(1)
	for i := 2; i < 40; i++ {
		v.orgs[strconv.Itoa(i)] = &entry{fields: map[string]any{"parent_id": "1"}}
	}
	run := w.look(v)
	var mu sync.Mutex
	calls, inside, crowd, full := 0, 0, 0, make(chan struct{})
	v.enter = func() {
		mu.Lock()
		calls++
		inside++
		if crowd = max(crowd, inside); crowd == remoteInFlight && inside == crowd {
			select {
			case <-full:
			default:
				close(full)
			}
		}
		alone := calls <= 2 // those about the root
		mu.Unlock()
		if !alone {
			<-full // nobody leaves before eight are in
		}
		mu.Lock()
		inside--
		mu.Unlock()
	}
	if got, err := w.readRemote(task{}, run); err != nil || !got.Complete || got.Departments != 38 {
		t.Fatalf("got %+v, %v", got, err)
	}
	if crowd != remoteInFlight {
		t.Errorf("%d calls at a time, want %d", crowd, remoteInFlight)
	}
}

func TestALargeDirectoryIsReadInShares(t *testing.T) {
	w, v := newWorld(t), view(1)
	for i := 2; i <= remotePerRead+20; i++ {
		v.orgs[strconv.Itoa(i)] = &entry{fields: map[string]any{"parent_id": "1"}}
	}
	run := w.look(v)
	first, err := w.readRemote(task{}, run)
	if err != nil || first.Done || first.Complete || first.Departments < remotePerRead/2 {
		t.Fatalf("first share %+v, %v", first, err)
	}
	rest, err := w.readRemote(task{}, run)
	if err != nil || !rest.Complete || rest.Departments != remotePerRead+19 {
		t.Errorf("the rest %+v, %v", rest, err)
	}
}

func TestAStoppingWorkerLeavesTheRestToAnother(t *testing.T) {
	w, v := newWorld(t), view(5)
	run := w.look(v)
	stopping := make(chan struct{})
	v.enter = sync.OnceFunc(func() { close(stopping) })
	share, err := w.readRemote(task{stopping: stopping, attempt: lastFetchAttempt}, run)
	if err != nil || share.Done { // a stop is nobody's failure, and costs no attempt
		t.Fatalf("got %+v, %v", share, err)
	}
	v.enter = nil
	if got, err := w.readRemote(task{attempt: lastFetchAttempt}, run); err != nil || !got.Complete {
		t.Errorf("got %+v, %v", got, err)
	}
}
