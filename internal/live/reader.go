// Package live reads from an origin what somebody wants to see now:
// departments, their members, attendance. Nothing is stored; answers are kept
// in memory for a moment, and equal questions share one read, because some of
// the calls count against a quota.
package live

import (
	"context"
	"time"

	"orgflow"
	"orgflow/connectors"
)

// How long answers are kept.
const (
	// KeepOrganisation is for departments and members, whose calls no quota
	// counts: long enough for a page that asks twice.
	KeepOrganisation = 15 * time.Second
	// KeepRecent is for attendance whose records may still come, KeepSettled
	// for spans that ended before.
	KeepRecent  = time.Minute
	KeepSettled = 5 * time.Minute
)

const (
	// MaxDepartments are shown at most.
	MaxDepartments = 5000
	// readTime bounds one read: that many departments at a standard rate.
	readTime = 10 * time.Minute
	// inFlight calls at a time. Three did not trip DingTalk's limits where six
	// without a rate budget did (DingTalk reference § 11).
	inFlight = 6
)

// Source is what is read. One connector of a connection is shared by all that
// use it, and with it the rate budget.
type Source interface {
	connectors.Organisation
	connectors.Lookup
	connectors.Attendance
}

// Of is a source and the name under which its answers are kept: equal names
// are one connection.
type Of struct {
	Name   string
	Source Source
}

// Reader answers. It is safe for many goroutines.
type Reader struct {
	cache *cache
	sleep func(context.Context, time.Duration) error
}

// New returns a reader. sleep waits between attempts.
func New(now func() time.Time, sleep func(context.Context, time.Duration) error) *Reader {
	return &Reader{cache: &cache{now: now, timeout: readTime}, sleep: sleep}
}

// Attempts at one call.
const (
	tries         = 3
	throttleTries = 5
	// patience is the longest wait between two attempts: whoever asks for more
	// time, as an IP ban does, is told to the caller.
	patience = 20 * time.Second
)

// patiently repeats a call that reads while it fails for a passing reason.
// call returns the calls it took.
func (r *Reader) patiently(ctx context.Context, call func() (int, error)) (spent int, err error) {
	failed, throttled := 0, 0
	for wait := time.Second; ; wait = min(2*wait, patience) {
		calls, err := call()
		spent += calls
		if err == nil || ctx.Err() != nil {
			return spent, err
		}
		fault := orgflow.AsFault(err)
		if fault.Code == orgflow.CodeThrottled {
			throttled++
		} else {
			failed++
		}
		if !fault.Transient() || failed == tries || throttled == throttleTries || fault.RetryAfter > patience {
			return spent, err
		}
		if err := r.sleep(ctx, max(wait, fault.RetryAfter)); err != nil {
			return spent, err
		}
	}
}
