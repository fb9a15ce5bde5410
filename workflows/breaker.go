package workflows

import (
	"fmt"

	"go.temporal.io/sdk/temporal"

	"orgflow"
	"orgflow/activities"
)

const (
	// slowFloor and slowShare: from so many failures on, above this share of
	// what was tried, one page is sent at a time, so that somebody who looks
	// can step in before everything was tried.
	slowFloor = 20
	slowShare = 0.1
	// openFloor and openShare end the run: where most records fail, the cause
	// is not in the records.
	openFloor = 50
	openShare = 0.5
)

// breaker judges a run's failures. Blocked records do not count: they are
// the consequence of a failure, not another one.
type breaker struct{ tried, failed int }

func (b *breaker) add(page activities.PageResult) {
	for _, kind := range []orgflow.Kind{orgflow.Org, orgflow.Person} {
		for _, op := range []orgflow.Op{orgflow.Insert, orgflow.Update, orgflow.Delete} {
			a := page.Done[kind][op]
			b.tried += a.Done + a.Failed
			b.failed += a.Failed
		}
	}
}

// pages is how many pages may be in flight.
func (b *breaker) pages() int {
	if b.failed >= slowFloor && float64(b.failed) > slowShare*float64(b.tried) {
		return 1
	}
	return pagesInFlight
}

// trip returns the error that ends the run, nil while it may go on.
func (b *breaker) trip() error {
	if b.failed < openFloor || float64(b.failed) <= openShare*float64(b.tried) {
		return nil
	}
	f := orgflow.Fault{
		Code:    orgflow.CodeTooManyFailures,
		Message: fmt.Sprintf("%d of the %d changes tried so far failed; the rest was not sent", b.failed, b.tried),
		Advice:  "look at the failed changes: most have one cause; mend it and start the job again",
	}
	return temporal.NewNonRetryableApplicationError(f.Error(), string(f.Code), nil, f)
}
