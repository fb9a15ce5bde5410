package activities

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/store"
)

// window is a consumer that shows what its directory holds, members in pages
// of two.
type window struct {
	*directory
	mu    sync.Mutex
	fail  map[string][]error // what the next calls meet, by "org 12" or "members 12/2"
	asked []string
	enter func() // of every call about a department, outside the lock
}

// view shows the directory of a company with departments 2 to n, each below
// half its number, and two persons and a half in each.
func view(n int) *window {
	v := &window{directory: newDirectory(), fail: map[string][]error{}}
	for i := 2; i <= n; i++ {
		id, parent := strconv.Itoa(i), strconv.Itoa(i/2)
		v.orgs[id] = &entry{key: "org:" + id, fields: map[string]any{"name": "部门" + id, "parent_id": parent}}
		for _, p := range []string{"a" + id, "b" + id} {
			v.people[p] = &entry{fields: map[string]any{"userid": p, "dept_id_list": id}}
		}
		v.people["c"+id] = &entry{fields: map[string]any{"userid": "c" + id, "dept_id_list": id + "," + parent}, ext: map[string]any{"工号": id}}
	}
	return v
}

func (v *window) meet(what string) error {
	v.mu.Lock()
	v.asked = append(v.asked, what)
	var err error
	if q := v.fail[what]; len(q) > 0 {
		err, v.fail[what] = q[0], q[1:]
	}
	enter := v.enter
	v.mu.Unlock()
	if enter != nil {
		enter()
	}
	return err
}

func (v *window) ReadOrg(ctx context.Context, id string) (connectors.RemoteOrg, error) {
	org := connectors.RemoteOrg{Calls: 2}
	if err := v.meet("org " + id); err != nil {
		return org, err
	}
	if at := v.orgs[id]; id != "1" && at == nil {
		return org, orgflow.Faultf(orgflow.CodeNotFound, "no department")
	} else if id != "1" {
		org.Record = &connectors.RemoteRecord{Kind: orgflow.Org, ConsumerID: id, Key: at.key, Fields: at.fields, Ext: map[string]any{}}
	}
	for _, child := range slices.Sorted(maps.Keys(v.orgs)) {
		if child != "1" && v.orgs[child].fields["parent_id"] == id {
			org.Children = append(org.Children, child)
		}
	}
	return org, ctx.Err()
}

func (v *window) ReadMembers(ctx context.Context, org, cursor string) (connectors.RemotePage, error) {
	page := connectors.RemotePage{Calls: 1}
	from, _ := strconv.Atoi(cursor)
	if err := v.meet(fmt.Sprintf("members %s/%d", org, from)); err != nil {
		return page, err
	}
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(v.people)) {
		if slices.Contains(listed(v.people[id].fields["dept_id_list"]), org) {
			ids = append(ids, id)
		}
	}
	for _, id := range ids[from:min(from+2, len(ids))] {
		page.Records = append(page.Records, connectors.RemoteRecord{Kind: orgflow.Person, ConsumerID: id, Fields: v.people[id].fields, Ext: v.people[id].ext})
	}
	if from+2 < len(ids) {
		page.Next = strconv.Itoa(from + 2)
	}
	return page, ctx.Err()
}

// look begins a run whose consumer shows what it holds.
func (w *world) look(v *window) string {
	w.t.Helper()
	run := w.begin(bothKinds("")).RunID
	w.sync = w.worker(w.db, v)
	return run
}

func (w *world) readRemote(k task, run string) (got RemoteCount, err error) {
	err = w.perform(k, orgflow.ActivityReadRemote, RunParams{RunID: run}, &got)
	return got, err
}

// heldRemote is what the database keeps of a read, as the window would show it.
func (w *world) heldRemote(run string) map[string]map[string]any {
	w.t.Helper()
	out := map[string]map[string]any{}
	for _, kind := range []orgflow.Kind{orgflow.Org, orgflow.Person} {
		for r, err := range w.db.RemoteRecords(context.Background(), run, kind) {
			if err != nil {
				w.t.Fatal(err)
			}
			out[fmt.Sprintf("%s %s %s %v", kind, r.ConsumerID, r.Key, r.Ext)] = r.Fields
		}
	}
	return out
}

// all is what a whole read shows.
func (v *window) all() map[string]map[string]any {
	out := map[string]map[string]any{}
	for id, at := range v.orgs {
		if id != "1" {
			out[fmt.Sprintf("org %s %s map[]", id, at.key)] = at.fields
		}
	}
	for id, at := range v.people {
		out[fmt.Sprintf("person %s  %v", id, at.ext)] = at.fields
	}
	return out
}

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

// mortalWindow is a worker's connection to a consumer that shows itself.
type mortalWindow struct {
	*window
	*reaper
}

func (m mortalWindow) ReadOrg(ctx context.Context, id string) (org connectors.RemoteOrg, err error) {
	err = m.step("ReadOrg", func() (err error) { org, err = m.window.ReadOrg(ctx, id); return })
	return
}

func (m mortalWindow) ReadMembers(ctx context.Context, org, cursor string) (page connectors.RemotePage, err error) {
	err = m.step("ReadMembers", func() (err error) { page, err = m.window.ReadMembers(ctx, org, cursor); return })
	return
}

func (m mortal) BeginRemote(ctx context.Context, run, root string) error {
	return m.step("BeginRemote", func() error { return m.Store.BeginRemote(ctx, run, root) })
}

func (m mortal) SaveRemotePage(ctx context.Context, run string, s store.RemoteStep) error {
	return m.step("SaveRemotePage", func() error { return m.Store.SaveRemotePage(ctx, run, s) })
}

func (m mortal) FinishRemote(ctx context.Context, run, cause string) error {
	return m.step("FinishRemote", func() error { return m.Store.FinishRemote(ctx, run, cause) })
}

func TestAReadThatIsKilledAnywhereGoesOnWhereItWas(t *testing.T) {
	try := func(t *testing.T, r *reaper) {
		w, v := newWorld(t), view(5)
		run := w.look(v)
		r.count = map[string]int{}
		next := func() { w.sync = w.worker(mortal{w.db, r}, mortalWindow{v, r}) }
		next()
		got, err := w.readRemote(task{}, run)
		killed := r.restart()
		if !killed && err != nil {
			t.Fatal(err)
		}
		if killed {
			next()
			if got, err = w.readRemote(task{attempt: 2}, run); err != nil {
				t.Fatal(err)
			}
		}
		if !got.Complete || got.Departments != 4 || got.Persons != 12 {
			t.Errorf("got %+v", got)
		}
		if diff := cmp.Diff(v.all(), w.heldRemote(run)); diff != "" {
			t.Error(diff)
		}
		if n := len(repeated(v.asked)); n > remoteInFlight {
			t.Errorf("%d calls were repeated, more than were in flight", n)
		}
	}
	var alive reaper
	try(t, &alive)
	points := alive.seen
	if len(points) < 20 {
		t.Fatalf("only %d points: %v", len(points), points)
	}
	for i, at := range points {
		if i%max(killEvery/4, 1) != 0 {
			continue
		}
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, after %v", at, after), func(t *testing.T) { try(t, &reaper{at: at, after: after}) })
		}
	}
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
	_, err := w.readRemote(task{stopping: stopping}, run)
	wantFault(t, err, orgflow.CodeUnavailable, true)
	v.enter = nil
	if got, err := w.readRemote(task{attempt: lastFetchAttempt}, run); err != nil || !got.Complete {
		t.Errorf("got %+v, %v", got, err)
	}
}
