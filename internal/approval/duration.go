package approval

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Duration is an ISO 8601 duration of whole units: P1Y, P3M, P2W, P3D, PT24H,
// P1DT12H30M. Years and months keep the calendar's lengths, days are days of
// the calendar it runs in, the clock part is exact. The zero value is "not
// given".
type Duration struct {
	Months int           // years count twelve
	Days   int           // weeks count seven
	Clock  time.Duration // hours, minutes, seconds
}

// maxUnit bounds each number, written or carried, so that nothing overflows.
const maxUnit = 99999

// IsZero tells whether nothing is given, or nothing is to be waited.
func (d Duration) IsZero() bool { return d == Duration{} }

// units in the order the standard wants them, before and behind the T.
var (
	dateUnits  = []durationUnit{{'Y', Duration{Months: 12}}, {'M', Duration{Months: 1}}, {'W', Duration{Days: 7}}, {'D', Duration{Days: 1}}}
	clockUnits = []durationUnit{{'H', Duration{Clock: time.Hour}}, {'M', Duration{Clock: time.Minute}}, {'S', Duration{Clock: time.Second}}}
)

type durationUnit struct {
	letter byte
	length Duration
}

// ParseDuration reads a duration: units in order, each at most once, whole
// numbers up to 99999, at least one unit, in sum no more than 99999 years,
// days or hours. Signs and fractions are refused.
func ParseDuration(text string) (Duration, error) {
	fail := func(why string) (Duration, error) {
		return Duration{}, fmt.Errorf("duration %q %s; write it like PT24H, P3D or P1DT12H", text, why)
	}
	rest, ok := strings.CutPrefix(text, "P")
	if !ok {
		return fail("does not begin with P")
	}
	date, clock, timed := strings.Cut(rest, "T")
	if date == "" && !timed || timed && clock == "" {
		return fail("lacks a number with a unit")
	}
	var d Duration
	if why := d.add(date, dateUnits); why != "" {
		return fail(why)
	}
	if why := d.add(clock, clockUnits); why != "" {
		return fail(why)
	}
	if d.Months/12 > maxUnit || d.Days > maxUnit || d.Clock/time.Hour > maxUnit {
		return fail("is too long")
	}
	return d, nil
}

// add reads numbers with units, in the order of units, and returns what is
// wrong.
func (d *Duration) add(text string, units []durationUnit) string {
	for text != "" {
		end := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
		if end < 0 {
			return "ends without a unit"
		}
		n, err := strconv.Atoi(text[:end])
		if err != nil || n > maxUnit {
			return "has something other than a whole number up to 99999 before a unit"
		}
		at := 0
		for at < len(units) && units[at].letter != text[end] {
			at++
		}
		if at == len(units) {
			return "has an unknown unit, or units out of order"
		}
		u := units[at].length
		d.Months += n * u.Months
		d.Days += n * u.Days
		d.Clock += time.Duration(n) * u.Clock
		units = units[at+1:]
		text = text[end+1:]
	}
	return ""
}

// String writes the duration in the standard's form, units carried no
// further than they were read: hours do not become days.
func (d Duration) String() string {
	if d.IsZero() {
		return "PT0S"
	}
	var b strings.Builder
	b.WriteByte('P')
	part(&b, d.Months/12, 'Y')
	part(&b, d.Months%12, 'M')
	part(&b, d.Days, 'D')
	if d.Clock != 0 {
		b.WriteByte('T')
		part(&b, int(d.Clock/time.Hour), 'H')
		part(&b, int(d.Clock%time.Hour/time.Minute), 'M')
		part(&b, int(d.Clock%time.Minute/time.Second), 'S')
	}
	return b.String()
}

func part(b *strings.Builder, n int, unit byte) {
	if n != 0 {
		b.WriteString(strconv.Itoa(n))
		b.WriteByte(unit)
	}
}

// MarshalText writes the standard's form.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the standard's form.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := ParseDuration(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}
