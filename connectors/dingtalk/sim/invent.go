package dtsim

import (
	"fmt"
	"hash/fnv"
	"time"
)

// inventedPunches are results of somebody who has none: two a day from Monday
// to Friday, nine to six, mostly normal. The same day always looks the same;
// a punch is there from its time on, a missing one from when DingTalk writes
// it (§ 6.1).
func inventedPunches(user string, first, last, now time.Time) []*Punch {
	var out []*Punch
	for day := first; !day.After(last); day = day.AddDate(0, 0, 1) {
		if day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
			continue
		}
		for _, p := range inventedDay(user, day) {
			if !written(p).After(now) {
				out = append(out, p)
			}
		}
	}
	return out
}

// inventedDay is a person's day: of a hundred, some seventy are normal.
func inventedDay(user string, day time.Time) []*Punch {
	dice := digest(user, day, "day")
	minutes := int(dice/100%50) + 1
	on, off := invented(user, day, "OnDuty"), invented(user, day, "OffDuty")
	shift(on, -int(dice/7%20))
	shift(off, int(dice/11%45))
	switch d := dice % 100; {
	case d < 10:
		shift(on, minutes)
		on.TimeResult = "Late"
	case d < 12:
		shift(on, 60+minutes)
		on.TimeResult = "SeriousLate"
	case d < 17:
		shift(off, -minutes)
		off.TimeResult = "Early"
	case d < 20:
		missed(on)
	case d < 25:
		missed(off)
	case d < 27:
		missed(on)
		missed(off)
	case d < 30:
		off.LocationResult = "Outside"
	}
	for _, p := range []*Punch{on, off} {
		if err := p.complete(); err != nil {
			panic(fmt.Sprintf("invented attendance: %v", err)) // a defect of this file
		}
	}
	return []*Punch{on, off}
}

func invented(user string, day time.Time, check string) *Punch {
	hour := map[string]time.Duration{"OnDuty": 9 * time.Hour, "OffDuty": 18 * time.Hour}[check]
	at := stamp(day.Add(hour).UnixMilli())
	return &Punch{
		ID: int64(digest(user, day, check)), UserID: user, WorkDate: stamp(day.UnixMilli()), CheckType: check,
		BaseCheckTime: at, UserCheckTime: at,
	}
}

// shift moves the punch to so many minutes from the scheduled time.
func shift(p *Punch, minutes int) {
	p.UserCheckTime = p.BaseCheckTime + stamp((time.Duration(minutes) * time.Minute).Milliseconds())
}

func missed(p *Punch) { p.TimeResult, p.UserCheckTime = "NotSigned", p.BaseCheckTime }

// written is when a result comes into being: a missing punch at the midpoint
// of the shift, or of the time to the next one.
func written(p *Punch) time.Time {
	if p.TimeResult != "NotSigned" {
		return p.UserCheckTime.time()
	}
	if p.CheckType == "OnDuty" {
		return p.BaseCheckTime.time().Add(4*time.Hour + 30*time.Minute)
	}
	return p.BaseCheckTime.time().Add(7*time.Hour + 30*time.Minute)
}

// digest is a number from 1 to 2^52, the same for the same day.
func digest(user string, day time.Time, what string) uint64 {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%s %s %s", user, day.Format(time.DateOnly), what) // a hash takes everything
	sum := h.Sum64()
	return (sum^sum>>32)&(1<<52-1) + 1
}
