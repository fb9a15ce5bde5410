package live_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/live"
)

var zone = time.FixedZone("CST", 8*60*60)

// fake is an origin by hand. Calls are recorded; gate, if set, holds each of
// them back.
type fake struct {
	mu    sync.Mutex
	calls []string
	gate  chan struct{}
	fail  func(call string) error

	below  map[string][]connectors.Unit
	people []connectors.People // pages
	rows   [][]orgflow.AttendanceRecord
	pages  int // rows is the pages of one window
}

func (f *fake) call(ctx context.Context, format string, args ...any) error {
	call := fmt.Sprintf(format, args...)
	f.mu.Lock()
	f.calls = append(f.calls, call)
	gate, fail := f.gate, f.fail
	f.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if fail != nil {
		return fail(call)
	}
	return nil
}

func (f *fake) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.calls)
}

func (f *fake) ReadScope(ctx context.Context) (connectors.OrganisationScope, error) {
	return connectors.OrganisationScope{Root: connectors.Unit{ID: "1", Name: "公司"}, Whole: true, Calls: 2}, f.call(ctx, "scope")
}

func (f *fake) ReadUnits(ctx context.Context, id string) (connectors.Units, error) {
	return connectors.Units{Units: f.below[id], Calls: 1}, f.call(ctx, "units %s", id)
}

func (f *fake) ReadPeople(ctx context.Context, unit, cursor string) (connectors.People, error) {
	page, _ := strconv.Atoi(cursor)
	out := connectors.People{Calls: 1}
	if page < len(f.people) {
		out.People = f.people[page].People
	}
	if page+1 < len(f.people) {
		out.Next = strconv.Itoa(page + 1)
	}
	return out, f.call(ctx, "people %s %s", unit, cursor)
}

func (f *fake) ReadRecord(ctx context.Context, kind orgflow.Kind, id string) (connectors.RemoteRecord, int, error) {
	return connectors.RemoteRecord{Fields: map[string]any{"name": "部门" + id, "parent_id": "9"}}, 1, f.call(ctx, "record %s %s", kind, id)
}

func (f *fake) AttendanceLimits() connectors.AttendanceLimits {
	return connectors.AttendanceLimits{Days: 7, People: 50, Kept: 180, Zone: zone}
}

func (f *fake) ReadAttendance(ctx context.Context, q connectors.AttendanceQuery, cursor string) (connectors.AttendancePage, error) {
	page, _ := strconv.Atoi(cursor)
	out := connectors.AttendancePage{Calls: 1}
	if page < len(f.rows) {
		out.Records = f.rows[page]
	}
	if (page+1)%max(1, f.pages) != 0 {
		out.Next = strconv.Itoa(page + 1)
	}
	return out, f.call(ctx, "attendance %v %s %s %s", q.UserIDs, q.From.Format(time.DateOnly), q.To.Format(time.DateOnly), cursor)
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func of(f *fake) live.Of { return live.Of{Name: "129", Source: f} }

// Two who ask the same at once get one answer, and it is asked for once.
func TestEqualQuestionsShareOneRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{gate: make(chan struct{})}
		r := live.New(time.Now, sleep)
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				got, err := r.Attendance(t.Context(), of(f), "E1", "2000-01-01", "")
				if err != nil || got.Calls != 2 || len(got.Data.Days) != 1 {
					t.Errorf("%+v, %v", got, err)
				}
			})
		}
		synctest.Wait() // all have asked, none is answered
		close(f.gate)
		wg.Wait()
		if f.count() != 2 { // the page, and whether there is such a person
			t.Errorf("calls %q", f.calls)
		}
	})
}

func TestAnswersAreKeptForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(30 * 24 * time.Hour) // time begins on 2000-01-01
		f := &fake{rows: [][]orgflow.AttendanceRecord{{{ID: 1, UserID: "E1", WorkDate: "2000-01-31"}}}}
		r := live.New(time.Now, sleep)
		for _, tc := range []struct {
			name string
			keep time.Duration
			ask  func() (time.Time, error)
		}{
			{"tree", live.KeepOrganisation, func() (time.Time, error) { v, err := r.Tree(t.Context(), of(f), 1); return v.ReadAt, err }},
			{"members", live.KeepOrganisation, func() (time.Time, error) { v, err := r.Members(t.Context(), of(f), 1); return v.ReadAt, err }},
			{"attendance of today", live.KeepRecent, func() (time.Time, error) {
				v, err := r.Attendance(t.Context(), of(f), "E1", "", "")
				return v.ReadAt, err
			}},
			{"attendance of long ago", live.KeepSettled, func() (time.Time, error) {
				v, err := r.Attendance(t.Context(), of(f), "E1", "2000-01-02", "2000-01-03")
				return v.ReadAt, err
			}},
		} {
			begun := time.Now()
			before := f.count()
			if at, err := tc.ask(); err != nil || !at.Equal(begun) {
				t.Fatalf("%s: %v %v", tc.name, at, err)
			}
			spent := f.count()
			time.Sleep(tc.keep - time.Nanosecond)
			if at, err := tc.ask(); err != nil || !at.Equal(begun) || f.count() != spent || spent == before {
				t.Errorf("%s: read at %v, %d calls, %v", tc.name, at, f.count()-spent, err)
			}
			time.Sleep(time.Nanosecond)
			if at, err := tc.ask(); err != nil || !at.Equal(begun.Add(tc.keep)) || f.count() == spent {
				t.Errorf("%s, expired: read at %v, %d calls, %v", tc.name, at, f.count()-spent, err)
			}
		}
	})
}

// One who cannot wait is told so; the read goes on and is there for the next.
func TestALongReadOutlivesItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{gate: make(chan struct{})}
		r := live.New(time.Now, sleep)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		_, err := r.Members(ctx, of(f), 1)
		if fault := orgflow.AsFault(err); fault.Code != orgflow.CodeUnavailable || fault.RetryAfter != 10*time.Second || !strings.Contains(fault.Advice, "Retry-After") {
			t.Fatalf("%v", err)
		}
		close(f.gate)
		synctest.Wait()
		if _, err := r.Members(t.Context(), of(f), 1); err != nil || f.count() != 1 {
			t.Errorf("%v after %q", err, f.calls)
		}
		gone, stop := context.WithCancel(t.Context())
		stop()
		f.mu.Lock()
		f.gate = make(chan struct{})
		f.mu.Unlock()
		if _, err := r.Members(gone, of(f), 2); !errors.Is(err, context.Canceled) {
			t.Errorf("a caller who went away: %v", err)
		}
		time.Sleep(11 * time.Minute) // the read meets its own end
		if _, err := r.Members(gone, of(f), 2); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		if synctest.Wait(); f.count() != 3 {
			t.Errorf("the read that was given up is not begun again: %q", f.calls)
		}
		time.Sleep(11 * time.Minute)
	})
}

// What will not be another answer soon is not asked for again and again.
func TestRefusals(t *testing.T) {
	for code, kept := range map[orgflow.Code]bool{
		orgflow.CodeNotFound: true, orgflow.CodeQuota: true, orgflow.CodeForbidden: false, orgflow.CodeInternal: false, orgflow.CodeUnauthorized: false,
	} {
		synctest.Test(t, func(t *testing.T) {
			f := &fake{fail: func(string) error { return &orgflow.Fault{Code: code, Message: "no"} }}
			r := live.New(time.Now, sleep)
			for range 2 {
				if _, err := r.Attendance(t.Context(), of(f), "E1", "", ""); orgflow.AsFault(err).Code != code {
					t.Fatalf("%s: %v", code, err)
				}
			}
			if want := map[bool]int{true: 1, false: 2}[kept]; f.count() != want {
				t.Errorf("%s: %q", code, f.calls)
			}
			time.Sleep(2 * time.Minute)
			before := f.count()
			if _, err := r.Attendance(t.Context(), of(f), "E1", "", ""); err == nil || f.count() != before+1 {
				t.Errorf("%s: kept for ever", code)
			}
		})
	}
}

func TestPassingFailuresAreTriedAgain(t *testing.T) {
	busy := &orgflow.Fault{Code: orgflow.CodeUnavailable, Message: "busy"}
	fast := &orgflow.Fault{Code: orgflow.CodeThrottled, Message: "fast", RetryAfter: 3 * time.Second}
	banned := &orgflow.Fault{Code: orgflow.CodeThrottled, Message: "banned", RetryAfter: 5 * time.Minute}
	for name, tc := range map[string]struct {
		faults []*orgflow.Fault
		calls  int
		took   time.Duration
		code   orgflow.Code
	}{
		"twice busy":      {[]*orgflow.Fault{busy, busy}, 3, 3 * time.Second, ""},
		"busy for good":   {[]*orgflow.Fault{busy, busy, busy, busy}, 3, 3 * time.Second, orgflow.CodeUnavailable},
		"too fast":        {[]*orgflow.Fault{fast, fast, fast}, 4, 10 * time.Second, ""},
		"always too fast": {[]*orgflow.Fault{fast, fast, fast, fast, fast, fast}, 5, 18 * time.Second, orgflow.CodeThrottled},
		"banned":          {[]*orgflow.Fault{banned}, 1, 0, orgflow.CodeThrottled},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := 0
			f := &fake{}
			f.fail = func(string) error {
				if n++; n <= len(tc.faults) {
					return tc.faults[n-1]
				}
				return nil
			}
			begun := time.Now()
			got, err := live.New(time.Now, sleep).Members(t.Context(), of(f), 1)
			if f.count() != tc.calls || time.Since(begun) != tc.took {
				t.Errorf("%s: %d calls in %v", name, f.count(), time.Since(begun))
			}
			if tc.code == "" && (err != nil || got.Calls != tc.calls) || tc.code != "" && orgflow.AsFault(err).Code != tc.code {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		})
	}
}

// A panic of a connector is that read's failure, not the program's.
func TestAPanicIsAFailure(t *testing.T) {
	f := &fake{fail: func(string) error { panic("boom") }}
	if _, err := live.New(time.Now, sleep).Members(t.Context(), of(f), 1); orgflow.AsFault(err).Code != orgflow.CodeInternal {
		t.Errorf("%v", err)
	}
}

// Answers do not pile up.
func TestTheOldestAnswersAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		r := live.New(time.Now, sleep)
		for id := range int64(200) {
			if _, err := r.Members(t.Context(), of(f), id+1); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond)
		}
		before := f.count()
		for _, id := range []int64{200, 73} { // 128 are kept
			if _, err := r.Members(t.Context(), of(f), id); err != nil || f.count() != before {
				t.Errorf("department %d was not kept: %v", id, err)
			}
		}
		if _, err := r.Members(t.Context(), of(f), 72); err != nil || f.count() != before+1 {
			t.Errorf("the oldest one is kept: %v", err)
		}
	})
}
