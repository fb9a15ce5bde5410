// Package attendance makes of records of punches what people ask for: spans
// of days, days with what is missing in them, overviews. It is pure: no
// clock, no vendor.
package attendance

import (
	"fmt"
	"strings"
	"time"

	"orgflow"
)

// Formats says how a day is written.
const Formats = `2026-11-20, "2026-11-20 09:00:00" or 2026-11-20T09:00:00+08:00; of a time the day counts`

// layouts are those of Formats; one with an offset is converted to the zone
// of working days.
var layouts = []string{time.DateOnly, time.DateTime, "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04", time.RFC3339}

// Span is a range of working days, both ends included, as midnights in the
// zone of working days.
type Span struct{ From, To time.Time }

// Names are what a caller calls the ends of a span.
type Names struct{ From, To string }

// Day returns the midnight that begins a moment's day.
func Day(t time.Time) time.Time {
	year, month, day := t.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, t.Location())
}

// ParseSpan reads a span; an end left out is today. now is in the zone of
// working days, kept the days that the origin keeps. A bad end is a fault
// with its name as Field.
func ParseSpan(from, to string, now time.Time, kept int, names Names) (Span, error) {
	first, err := parseDay(from, now, names.From)
	if err != nil {
		return Span{}, err
	}
	last, err := parseDay(to, now, names.To)
	if err != nil {
		return Span{}, err
	}
	if first.After(last) {
		field := names.From
		if strings.TrimSpace(from) == "" {
			field = names.To
		}
		return Span{}, refuse(field, "%s (%s) is after %s (%s); a day that is left out is today",
			names.From, first.Format(time.DateOnly), names.To, last.Format(time.DateOnly))
	}
	return Span{first, last}, old(first, now, kept, names.From)
}

// ParseMonth reads a month as 2026-11; left out it is this one.
func ParseMonth(text string, now time.Time, kept int, name string) (Span, error) {
	if text == "" {
		text = now.Format("2006-01")
	}
	first, err := time.ParseInLocation("2006-01", text, now.Location())
	if err != nil {
		return Span{}, refuse(name, "is no month; write it as 2026-11")
	}
	return Span{first, first.AddDate(0, 1, -1)}, old(first, now, kept, name)
}

func parseDay(text string, now time.Time, name string) (time.Time, error) {
	if text = strings.TrimSpace(text); text == "" {
		return Day(now), nil
	}
	for _, layout := range layouts {
		if t, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return Day(t.In(now.Location())), nil
		}
	}
	return time.Time{}, refuse(name, "is neither a date nor a time; allowed are %s", Formats)
}

// old refuses what the origin does not show any more (DingTalk reference
// § 6.1, § 6.2: half a year, 180 days).
func old(first, now time.Time, kept int, name string) error {
	oldest := Day(now).AddDate(0, 0, -kept)
	if !first.Before(oldest) {
		return nil
	}
	return refuse(name, "begins on %s, but DingTalk shows attendance of the last %d days only: nothing before %s can be asked for", first.Format(time.DateOnly), kept, oldest.Format(time.DateOnly))
}

func refuse(field, format string, args ...any) error {
	return &orgflow.Fault{Code: orgflow.CodeInvalidRecord, Field: field, Message: fmt.Sprintf(format, args...)}
}

// Until cuts a span off behind a day. ok is false where nothing is left.
func (s Span) Until(last time.Time) (cut Span, ok bool) {
	if last.Before(s.To) {
		s.To = last
	}
	return s, !s.From.After(s.To)
}

// Windows splits a span into as few as possible of at most some days.
func (s Span) Windows(days int) []Span {
	var out []Span
	for from := s.From; !from.After(s.To); from = from.AddDate(0, 0, days) {
		window, _ := Span{from, from.AddDate(0, 0, days-1)}.Until(s.To)
		out = append(out, window)
	}
	return out
}
