package app

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"orgflow"
	"orgflow/workflows"
)

// A run of ours causes events by the thousand: one signal stands for those of
// the next moments, and for nobody else's. One that did not arrive stands for
// nothing.
func TestOneSignalStandsForThoseOfAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var (
			r       told
			signals int
			err     error
		)
		ding := orgflow.Target{CompanyID: 129, Consumer: "ding_talk"}
		tell := func(target orgflow.Target, want int) {
			t.Helper()
			got := r.tell(target, func() error { signals++; return err })
			if signals != want || !errors.Is(got, err) {
				t.Errorf("%d signals, want %d; %v", signals, want, got)
			}
		}
		err = errors.New("Temporal is away")
		if r.tell(ding, func() error { return err }) == nil {
			t.Error("a signal that failed is a success")
		}
		err = nil
		tell(ding, 1)
		time.Sleep(workflows.ToldFor - time.Millisecond)
		tell(ding, 1)
		tell(orgflow.Target{CompanyID: 130, Consumer: "ding_talk"}, 2)
		time.Sleep(time.Millisecond)
		tell(ding, 3)

		// The time of a signal counts from before it left.
		time.Sleep(workflows.ToldFor)
		_ = r.tell(ding, func() error { time.Sleep(workflows.ToldFor); signals++; return nil })
		tell(ding, 5)
	})
}
