package erp

import (
	"time"

	"orgflow"
)

// Window is a half-open piece of time, [From, Until), read as one unit.
//
// Both are wall-clock values of the ERP, carried in UTC so that a day always
// has 24 hours and writing them to a database and back changes nothing: print
// them, do not convert them.
type Window struct {
	Seq   int       `json:"seq"` // from 1, oldest first
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}

// Windows cuts the time a load reads into windows, oldest first: contiguous,
// without gap or overlap among themselves. A create, and a deep update, reach
// CreateYears back from now, other updates UpdateMonths; on an update the
// first window begins OverlapMinutes earlier. The last one ends at now, to
// the ERP's full second, so that a run that is taken up later reads the same
// windows; what is saved meanwhile is CatchUp's.
//
// now is read off the clock of its location, which has to be the ERP's.
func Windows(kind orgflow.LoadKind, deep bool, cfg Config, now time.Time) []Window {
	cfg = cfg.WithDefaults()
	start, until := span(kind, deep, cfg, now)
	from := start
	if kind == orgflow.LoadUpdate {
		from = start.Add(-overlap(cfg))
	}
	var out []Window
	for next := start; next.Before(until); from = next {
		next = next.AddDate(0, 0, cfg.Windows.WindowDays)
		if next.After(until) {
			next = until
		}
		out = append(out, Window{Seq: len(out) + 1, From: from, Until: next})
	}
	return out
}

// CatchUp is the window that holds what was saved since a moment, as a load
// sees it that has read everything else by now: its own start, or the end of
// the former catching up. It begins OverlapMinutes early and ends as much
// late, because clocks disagree and a row becomes visible after its time was
// taken. Rows in it may have been stored before: they have to be merged by
// key. It is asked of the field that says when a row was saved, whatever the
// form's date field is.
func CatchUp(cfg Config, since, now time.Time) Window {
	cfg = cfg.WithDefaults()
	return Window{From: wall(since).Truncate(time.Second).Add(-overlap(cfg)), Until: ceil(wall(now)).Add(overlap(cfg))}
}

func overlap(cfg Config) time.Duration {
	return time.Duration(cfg.Windows.OverlapMinutes) * time.Minute
}

// span is what a load covers, without the overlap. Business dates have no
// time of day, so that theirs are whole days, today included.
func span(kind orgflow.LoadKind, deep bool, cfg Config, now time.Time) (from, until time.Time) {
	until = ceil(wall(now))
	if cfg.DateKind == DateBusiness {
		until = midnight(wall(now))
	}
	if kind == orgflow.LoadCreate || deep {
		from = monthsBefore(until, 12*cfg.Windows.CreateYears)
	} else {
		from = monthsBefore(until, cfg.Windows.UpdateMonths)
	}
	if cfg.DateKind == DateBusiness {
		until = until.AddDate(0, 0, 1)
	}
	return from, until
}

// wall returns what a clock at t's place shows, as a time in UTC.
func wall(t time.Time) time.Time {
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	return time.Date(year, month, day, hour, minute, second, t.Nanosecond(), time.UTC)
}

func ceil(t time.Time) time.Time {
	if full := t.Truncate(time.Second); !full.Equal(t) {
		return full.Add(time.Second)
	}
	return t
}

func midnight(t time.Time) time.Time { return t.Truncate(24 * time.Hour) }

// monthsBefore goes back whole months. A day that the month does not have
// becomes its last one, never a day of the next: going back two months from
// April 30 must not leave out the first of March.
func monthsBefore(t time.Time, months int) time.Time {
	first := time.Date(t.Year(), t.Month()-time.Month(months), 1, t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(t.Day(), last)-1)
}
