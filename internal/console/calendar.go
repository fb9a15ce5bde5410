package console

import (
	"slices"
	"strconv"
	"time"

	"orgflow/internal/api"
)

// china is the clock of all pages and of the days in their forms. It has no summer time.
var china = time.FixedZone("UTC+8", 8*60*60)

const (
	monthLayout = "2006-01"
	// dayEntries is how many schedules a day of the calendar names, dayClocks
	// how many starts of each.
	dayEntries = 6
	dayClocks  = 8
)

// A month is a calendar of past and coming starts, Monday first.
type month struct {
	Name     string // 2026-11
	Previous string
	Next     string
	Weeks    [][7]calendarDay
}

// Weekdays are keys of the texts, Monday first.
func (month) Weekdays() (keys []string) {
	for n := 1; n <= 7; n++ {
		keys = append(keys, weekday(n))
	}
	return keys
}

func weekday(n int) string { return "weekday." + strconv.Itoa(n) }

// A calendarDay is a day of the calendar; Day is 0 beside the month.
type calendarDay struct {
	Day     int
	Date    string // 2026-11-22
	Today   bool
	Starts  []calendarStart
	Further int // schedules that are not named
}

// Weekday is a key of the texts.
func (d calendarDay) Weekday() string {
	at, err := time.Parse(time.DateOnly, d.Date)
	if err != nil {
		return ""
	}
	return weekday((int(at.Weekday())+6)%7 + 1)
}

// A calendarStart is what a schedule started on a day, or will start.
type calendarStart struct {
	Clocks   []string // 15:04, in order
	Further  int      // starts whose time is not named
	ID, Path string
	Past     bool
}

// monthOf makes the calendar of a month, such as 2026-11; the current one
// where the text is none. It holds what schedules have started lately and
// what those that are not paused will start, as far as Temporal tells.
func monthOf(wanted string, now time.Time, list []api.Schedule) month {
	now = now.In(china)
	first, err := time.ParseInLocation(monthLayout, wanted, china)
	if err != nil {
		first = time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, china)
	}
	starts := startsByDay(list)
	m := month{Name: first.Format(monthLayout), Previous: first.AddDate(0, -1, 0).Format(monthLayout), Next: first.AddDate(0, 1, 0).Format(monthLayout)}
	day := first.AddDate(0, 0, -(int(first.Weekday())+6)%7)
	for day.Before(first.AddDate(0, 1, 0)) {
		var week [7]calendarDay
		for i := range week {
			if day.Month() == first.Month() {
				week[i] = dayOf(day, now, starts[day.Format(time.DateOnly)])
			}
			day = day.AddDate(0, 0, 1)
		}
		m.Weeks = append(m.Weeks, week)
	}
	return m
}

func dayOf(day, now time.Time, starts []calendarStart) calendarDay {
	date := day.Format(time.DateOnly)
	out := calendarDay{Day: day.Day(), Date: date, Today: date == now.Format(time.DateOnly), Starts: starts}
	if out.Further = len(starts) - dayEntries; out.Further > 0 {
		out.Starts = starts[:dayEntries]
	}
	out.Further = max(out.Further, 0)
	return out
}

// startsByDay are the starts of each day, by the first of each schedule, past
// ones before those to come.
func startsByDay(list []api.Schedule) map[string][]calendarStart {
	var past []coming
	for _, s := range list {
		for _, start := range s.Recent {
			past = append(past, coming{At: start.StartedAt, ID: s.ID, Path: schedulePath(s.ID)})
		}
	}
	sortByTime(past)
	out := map[string][]calendarStart{}
	addStarts(out, past, true)
	addStarts(out, announced(list), false)
	return out
}

func addStarts(days map[string][]calendarStart, starts []coming, past bool) {
	for _, s := range starts {
		when := s.At.In(china)
		date := when.Format(time.DateOnly)
		at := slices.IndexFunc(days[date], func(e calendarStart) bool { return e.ID == s.ID && e.Past == past })
		if at < 0 {
			at = len(days[date])
			days[date] = append(days[date], calendarStart{ID: s.ID, Path: s.Path, Past: past})
		}
		entry := &days[date][at]
		if len(entry.Clocks) == dayClocks {
			entry.Further++
			continue
		}
		entry.Clocks = append(entry.Clocks, when.Format("15:04"))
	}
}
