package mapping

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // zones must be known on machines without a zone database
)

// DefaultZone is the zone of dates that name none.
const DefaultZone = "Asia/Shanghai"

// defaultZone loads DefaultZone from the embedded zone database.
func defaultZone() *time.Location {
	zone, err := time.LoadLocation(DefaultZone)
	if err != nil { // only if a broken ZONEINFO shadows the embedded database
		return time.FixedZone(DefaultZone, 8*60*60)
	}
	return zone
}

// farFuture is the first year that stands for "open end", as in 9999-12-31.
const farFuture = 9000

// openEnd is how list output writes an open end (HCM reference § 3).
const openEnd = "至今"

// Layout words that are no patterns.
const (
	layoutUnixS  = "unix_s"
	layoutUnixMS = "unix_ms"
)

// layout is one accepted or wanted way to write a date.
type layout struct {
	pattern string // Go's reference time, or layoutUnixS, layoutUnixMS
	zoned   bool   // the text carries its own offset
}

// commonLayouts are accepted where an entry names none: dates and times as
// HCM gateways, databases and spreadsheets write them.
func commonLayouts() []layout {
	return []layout{
		{pattern: "2006-1-2"}, {pattern: "2006/1/2"}, {pattern: "20060102"},
		{pattern: "2006-1-2 15:04:05"}, {pattern: "2006/1/2 15:04:05"},
		{pattern: "2006-1-2 15:04"}, {pattern: "2006-1-2T15:04:05"},
		{pattern: time.RFC3339, zoned: true},
		{pattern: "2006-01-02 15:04:05Z07:00", zoned: true},
	}
}

// parseLayout reads "yyyy-MM-dd" style, Go style (contains 2006) and the
// words unix_s, unix_ms.
func parseLayout(s string) (layout, error) {
	if s == layoutUnixS || s == layoutUnixMS {
		return layout{pattern: s}, nil
	}
	l := layout{pattern: s, zoned: strings.Contains(s, "Z07") || strings.Contains(s, "-07") || strings.Contains(s, "MST")}
	if !strings.Contains(s, "2006") {
		var err error
		if l, err = parseLetters(s); err != nil {
			return layout{}, err
		}
	}
	if !l.readable() {
		return layout{}, fmt.Errorf("layout %q is ambiguous: dates written in it cannot be read back", s)
	}
	return l, nil
}

// readable proves the layout on two dates: what it writes, it reads.
func (l layout) readable() bool {
	for _, t := range []time.Time{
		time.Date(2024, 3, 9, 8, 7, 6, 0, time.UTC),
		time.Date(2011, 12, 31, 23, 45, 56, 789e6, time.UTC),
	} {
		text := t.Format(l.pattern)
		back, err := time.Parse(l.pattern, text)
		if err != nil || back.Format(l.pattern) != text {
			return false
		}
	}
	return true
}

// parseLetters translates letters into Go's reference time. "mm" is the
// month where the layout has neither "MM" nor an hour: yyyymmdd.
func parseLetters(s string) (layout, error) {
	l := letters{text: s, lowerMonth: !strings.Contains(s, "M") && !strings.ContainsAny(s, "Hh")}
	for at := 0; at < len(s); {
		n := 1
		for at+n < len(s) && s[at+n] == s[at] {
			n++
		}
		if err := l.translate(at, n); err != nil {
			return layout{}, err
		}
		at += n
	}
	if !strings.ContainsAny(s, "yY") {
		return layout{}, fmt.Errorf("layout %q has no year; allowed: yyyy-MM-dd style, Go style (2006-01-02), unix_s, unix_ms", s)
	}
	return layout{pattern: l.pattern.String(), zoned: strings.Contains(s, "X")}, nil
}

// letters is a layout of letters while it is translated.
type letters struct {
	text       string
	lowerMonth bool // "mm" is the month
	pattern    strings.Builder
	single     bool // the token before was one letter wide
}

// translate adds the n equal bytes at a place to the pattern.
func (l *letters) translate(at, n int) error {
	s, c := l.text, l.text[at]
	if c >= '0' && c <= '9' || c == '_' {
		return fmt.Errorf("layout %q: digits belong to Go-style layouts, which contain 2006", s)
	}
	if !isLetter(c) || c == 'T' && n == 1 {
		l.pattern.WriteString(s[at : at+n])
		l.single = false
		return nil
	}
	token, ok := letterToken(c, n, l.lowerMonth)
	if !ok || c == 'S' && (at == 0 || s[at-1] != '.') {
		return fmt.Errorf("layout %q: %q is unknown; allowed: yyyy yy MM M dd d HH H mm m ss s .SSS XXX, unix_s, unix_ms, or Go style", s, s[at:at+n])
	}
	touches := at > 0 && isLetter(s[at-1]) && s[at-1] != 'T'
	if touches && (l.single || n == 1) {
		return fmt.Errorf("layout %q: the one-letter %q needs a separator beside it", s, s[at:at+n])
	}
	l.pattern.WriteString(token)
	l.single = n == 1
	return nil
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func letterToken(c byte, n int, lowerMonth bool) (string, bool) {
	if c == 'm' && lowerMonth {
		c = 'M'
	}
	switch letter := string(c); letter {
	case "y", "Y":
		return pick(n, "", "06", "", "2006")
	case "M":
		return pick(n, "1", "01")
	case "d", "D":
		return pick(n, "2", "02")
	case "H", "h":
		return pick(n, "15", "15")
	case "m":
		return pick(n, "4", "04")
	case "s":
		return pick(n, "5", "05")
	case "S":
		return pick(n, "", "", "000")
	case "X":
		return pick(n, "", "", "Z07:00")
	}
	return "", false
}

func pick(n int, tokens ...string) (string, bool) {
	if n > len(tokens) || tokens[n-1] == "" {
		return "", false
	}
	return tokens[n-1], true
}

// moment is a parsed date: a wall clock, and the instant if the text said
// one. Wall clocks go out as they came in: the days on which China's summer
// time began would otherwise move a birthday.
type moment struct {
	wall    time.Time // in UTC, read as a wall clock
	instant time.Time
	fixed   bool // instant is set
}

var errNoDate = errors.New("no accepted layout fits")

func parseMoment(s string, layouts []layout) (moment, error) {
	for _, l := range layouts {
		switch l.pattern {
		case layoutUnixS, layoutUnixMS:
			n, err := strconv.ParseInt(s, 10, 64)
			if err != nil {
				continue
			}
			if l.pattern == layoutUnixS {
				return moment{instant: time.Unix(n, 0), fixed: true}, nil
			}
			return moment{instant: time.UnixMilli(n), fixed: true}, nil
		}
		t, err := time.Parse(l.pattern, s)
		switch {
		case err != nil:
		case l.zoned:
			return moment{instant: t, fixed: true}, nil
		default:
			return moment{wall: t}, nil
		}
	}
	return moment{}, errNoDate
}

// format writes the moment; nil for an open end.
func (m moment) format(out layout, zone *time.Location) any {
	if m.fixed {
		m.instant = m.instant.In(zone)
		m.wall = m.instant
	}
	if m.wall.Year() >= farFuture {
		return nil
	}
	if !m.fixed {
		w := m.wall
		m.instant = time.Date(w.Year(), w.Month(), w.Day(), w.Hour(), w.Minute(), w.Second(), w.Nanosecond(), zone)
	}
	switch {
	case out.pattern == layoutUnixS:
		return json.Number(strconv.FormatInt(m.instant.Unix(), 10))
	case out.pattern == layoutUnixMS:
		return json.Number(strconv.FormatInt(m.instant.UnixMilli(), 10))
	case out.zoned:
		return m.instant.Format(out.pattern)
	}
	return m.wall.Format(out.pattern)
}

// dater converts dates; it is what both the transform "date" and the types
// date and datetime use.
type dater struct {
	in   []layout
	out  layout
	zone *time.Location
}

func (d dater) convert(v any) (any, error) {
	s, ok := scalarText(v)
	if !ok {
		return nil, fmt.Errorf("%s is no date", describe(v))
	}
	if s == openEnd {
		return nil, nil
	}
	m, err := parseMoment(s, d.in)
	if err != nil {
		return nil, fmt.Errorf("%s is no date: %w (%s)", describe(v), err, shownLayouts(d.in))
	}
	return m.format(d.out, d.zone), nil
}

func shownLayouts(layouts []layout) string {
	names := make([]string, len(layouts))
	for i, l := range layouts {
		names[i] = l.pattern
	}
	return strings.Join(names, ", ")
}
