package approval

import (
	"errors"
	"time"
)

// maxDays bounds how far ahead a deadline is looked for: thirty years.
const maxDays = 30 * 366

// errNoTime says that a calendar has too little working time.
var errNoTime = errors.New("the working calendar has too little working time for this duration within thirty years")

// Deadline returns the instant a duration after another one.
//
// By the wall clock, years, months and days are those of the calendar's zone
// (the last day of a shorter month where there is no such day), then hours,
// minutes and seconds are exact.
//
// In working time the clock starts at the next instant that is worked. P1D
// is the same time on the next working day, or the next worked instant after
// it; PT8H are eight worked hours, which may end when work ends. Months and
// years are refused.
func (w *WorkTime) Deadline(from time.Time, after Duration, calendar Calendar) (time.Time, error) {
	if calendar != WorkCalendar {
		return addMonths(from.In(w.zone), after.Months).AddDate(0, 0, after.Days).Add(after.Clock).UTC(), nil
	}
	if after.Months != 0 {
		return time.Time{}, errors.New("months and years have no length in working time; use days or hours")
	}
	t, err := w.worked(from.In(w.zone))
	if err != nil {
		return time.Time{}, err
	}
	if t, err = w.addDays(t, after.Days); err != nil {
		return time.Time{}, err
	}
	if t, err = w.addClock(t, after.Clock); err != nil {
		return time.Time{}, err
	}
	return t.UTC(), nil
}

// addMonths keeps the day, or takes the month's last.
func addMonths(t time.Time, months int) time.Time {
	first := time.Date(t.Year(), t.Month()+time.Month(months), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(t.Day(), last)-1)
}

// worked returns t if it is worked, else the next instant that is.
func (w *WorkTime) worked(t time.Time) (time.Time, error) {
	day := dateOf(t)
	for range maxDays {
		for _, s := range w.shifts(day) {
			if begin := s.begin(day, w.zone); t.Before(begin) {
				return begin, nil
			}
			if t.Before(s.end(day, w.zone)) {
				return t, nil
			}
		}
		day = day.add(1)
	}
	return time.Time{}, errNoTime
}

func (s shift) begin(d date, zone *time.Location) time.Time { return d.at(s.from, zone) }

func (s shift) end(d date, zone *time.Location) time.Time { return d.at(s.to, zone) }

// addDays goes to the same time so many working days later.
func (w *WorkTime) addDays(t time.Time, days int) (time.Time, error) {
	if days == 0 {
		return t, nil
	}
	day := dateOf(t)
	for range maxDays {
		if day = day.add(1); len(w.shifts(day)) == 0 {
			continue
		}
		if days--; days == 0 {
			h, m, s := t.Clock()
			return w.worked(time.Date(day.year, day.month, day.day, h, m, s, t.Nanosecond(), w.zone))
		}
	}
	return time.Time{}, errNoTime
}

// addClock uses up so much working time. t is worked.
func (w *WorkTime) addClock(t time.Time, left time.Duration) (time.Time, error) {
	if left == 0 {
		return t, nil
	}
	day := dateOf(t)
	for range maxDays {
		for _, s := range w.shifts(day) {
			begin, end := s.begin(day, w.zone), s.end(day, w.zone)
			if begin.Before(t) {
				begin = t
			}
			if !begin.Before(end) {
				continue
			}
			if span := end.Sub(begin); span < left {
				left -= span
				continue
			}
			return begin.Add(left), nil
		}
		day = day.add(1)
	}
	return time.Time{}, errNoTime
}
