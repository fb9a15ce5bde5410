package doctor

import (
	"fmt"
	"time"
)

// What free space is too little. A sync of ten thousand people writes some
// 100 MB: reads, plan and log.
const (
	spaceWarning = 1 << 30
	spaceFailed  = 100 << 20
)

// Space judges the free bytes of the file system that holds path.
func Space(path string, free uint64) Finding {
	f := Finding{State: OK, Area: AreaDisk, Check: "space", Found: fmt.Sprintf("%s free at %s", size(free), path)}
	switch {
	case free < spaceFailed:
		f.State = Failed
	case free < spaceWarning:
		f.State = Warning
	}
	if f.State != OK {
		f.Found += "; a database that cannot grow stops every run"
		f.Advice = "make room, or move the data directory to a larger disk"
	}
	return f
}

func size(bytes uint64) string {
	const giga, mega = 1 << 30, 1 << 20
	if bytes >= giga {
		return fmt.Sprintf("%.1f GiB", float64(bytes)/giga)
	}
	return fmt.Sprintf("%d MiB", bytes/mega)
}

// What difference of clocks matters. Signatures and tokens of vendors bear a
// time that may be wrong by five minutes (爱关怀 and 云+ reference, "Clock").
const (
	clockWarning = 30 * time.Second
	clockFailed  = 4 * time.Minute
)

// Reading is what another clock showed, at some moment between two of ours.
type Reading struct {
	Shown           time.Time
	Asked, Answered time.Time
	// Grain is how exact the other clock is shown: a second in HTTP.
	Grain time.Duration
}

// ahead bounds how much the other clock is ahead of ours and returns the
// bound nearest to zero, so that a slow answer accuses nobody.
func (r Reading) ahead() time.Duration {
	low, high := r.Shown.Sub(r.Answered), r.Shown.Add(r.Grain).Sub(r.Asked)
	switch {
	case low > 0:
		return low
	case high < 0:
		return high
	}
	return 0
}

// Clock judges the difference between another clock and this machine's;
// whose tells which: "the vendor's", "the database's".
func Clock(whose string, r Reading) Finding {
	ahead := r.ahead().Round(time.Second)
	f := Finding{State: OK, Check: "clock", Found: whose + " clock and this machine's agree"}
	if ahead == 0 {
		return f
	}
	word := "ahead of"
	if ahead < 0 {
		word = "behind"
	}
	f.Found = fmt.Sprintf("%s clock is %s %s this machine's", whose, ahead.Abs(), word)
	switch {
	case ahead.Abs() >= clockFailed:
		f.State = Failed
		f.Found += "; signatures and tokens are refused or taken for expired, and deadlines are met at the wrong time"
	case ahead.Abs() >= clockWarning:
		f.State = Warning
		f.Found += "; signatures are refused from five minutes on"
	}
	if f.State != OK {
		f.Advice = "let this machine keep its clock by NTP (timedatectl set-ntp true)"
	}
	return f
}
