package approval

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // serials and calendars name zones; a bare container has no table of them
)

// Numbering makes and reads the flow numbers of one definition. It knows no
// counter: the store keeps one per company, flow code and period key
// (approval reference C.5).
type Numbering struct {
	before, after []numberPart // around the counter
	width         int          // digits of the counter, at least
	period        Period
	zone          *time.Location
}

// numberPart is literal text, or a date of a layout.
type numberPart struct{ text, layout string }

// layouts of the date placeholders, coarse to fine.
var serialDates = []struct {
	name, layout string
	finest       Period // the shortest period whose numbers it tells apart
}{
	{"yyyy", "2006", PeriodYear},
	{"yyyyMM", "200601", PeriodMonth},
	{"yyyyMMdd", "20060102", PeriodDay},
}

// fineness orders periods from none to day.
var fineness = map[Period]int{PeriodNone: 0, PeriodYear: 1, PeriodMonth: 2, PeriodDay: 3}

// NewNumbering prepares a definition's serial.
func NewNumbering(d *Definition) (*Numbering, error) {
	n, key, err := numbering(d)
	if err != nil {
		return nil, fmt.Errorf("serial.%s %w", key, err)
	}
	return n, nil
}

// numbering also tells the key that is to blame.
func numbering(d *Definition) (n *Numbering, key string, err error) {
	zone, err := loadZone(d.Serial.TZ)
	if err != nil {
		return nil, "tz", err
	}
	p, err := parsePattern(d.Serial.Pattern)
	if err != nil {
		return nil, "pattern", err
	}
	n = &Numbering{period: d.Serial.Period, zone: zone}
	if err := n.read(p, d.FlowCode); err != nil {
		return nil, "pattern", err
	}
	return n, "", nil
}

func loadZone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return nil, fmt.Errorf("must be an IANA time zone such as Asia/Shanghai")
	}
	return zone, nil
}

func (n *Numbering) read(p pattern, flowCode string) error {
	var parts []numberPart
	coded, date := false, PeriodNone
	for _, s := range p {
		part, err := readPart(s, flowCode)
		switch {
		case err != nil:
			return err
		case s.name == "seq" && n.width > 0, s.name == "flowCode" && coded, part.layout != "" && date != PeriodNone:
			return fmt.Errorf("has more than one {%s}", s.name)
		case s.name == "seq":
			n.width, _ = strconv.Atoi(s.arg)
			n.before, parts = parts, nil
			continue
		case s.name == "flowCode":
			coded = true
		case part.layout != "":
			date = finest(part.layout)
		}
		parts = append(parts, part)
	}
	n.after = parts
	switch {
	case n.width == 0:
		return fmt.Errorf("has no counter; write {seq:4} for one of four digits")
	case !coded:
		return fmt.Errorf("has no {flowCode}; without it two flows would get the same numbers")
	case fineness[date] < fineness[n.period]:
		return fmt.Errorf("repeats its numbers: the counter starts again every %s, which the number does not show", n.period)
	}
	return nil
}

func readPart(s segment, flowCode string) (numberPart, error) {
	switch {
	case s.name == "":
		if strings.ContainsFunc(s.text, unfit) {
			return numberPart{}, fmt.Errorf(`has signs that numbers must not have; letters, digits, "_", "-" and "." are allowed`)
		}
		return numberPart{text: s.text}, nil
	case s.name == "seq":
		if width, err := strconv.Atoi(s.arg); err != nil || width < 1 || width > 12 {
			return numberPart{}, fmt.Errorf("has {seq:%s}; the counter has 1 to 12 digits: {seq:4}", s.arg)
		}
		return numberPart{}, nil
	case s.arg != "":
		return numberPart{}, fmt.Errorf("has {%s:%s}; only seq has a width", s.name, s.arg)
	case s.name == "flowCode":
		return numberPart{text: flowCode}, nil
	}
	for _, d := range serialDates {
		if d.name == s.name {
			return numberPart{layout: d.layout}, nil
		}
	}
	return numberPart{}, fmt.Errorf("has an unknown placeholder {%s}; there are {flowCode}, {yyyy}, {yyyyMM}, {yyyyMMdd} and {seq:4}", s.name)
}

// unfit tells signs that would need escaping in addresses and ids.
func unfit(r rune) bool {
	plain := r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	return !plain && !strings.ContainsRune("_-.", r)
}

func finest(layout string) Period {
	for _, d := range serialDates {
		if d.layout == layout {
			return d.finest
		}
	}
	return PeriodNone
}

// PeriodKey names the period an instant is in, in the serial's zone:
// "202108" for a month, "all" if there is one counter for ever. Give the
// database's instant, not that of some host.
func (n *Numbering) PeriodKey(at time.Time) string {
	for _, d := range serialDates {
		if d.finest == n.period {
			return at.In(n.zone).Format(d.layout)
		}
	}
	return "all"
}

// Number returns the text for an instant and a counter value from 1 on. The
// counter widens behind its last number of so many digits, it never wraps:
// 9999 is followed by 10000.
func (n *Numbering) Number(at time.Time, counter int64) string {
	var b strings.Builder
	n.write(&b, n.before, at)
	fmt.Fprintf(&b, "%0*d", n.width, counter)
	n.write(&b, n.after, at)
	return b.String()
}

func (n *Numbering) write(b *strings.Builder, parts []numberPart, at time.Time) {
	for _, p := range parts {
		b.WriteString(p.text)
		if p.layout != "" {
			b.WriteString(at.In(n.zone).Format(p.layout))
		}
	}
}

// Parse tells whether a number given by a caller is one that Number makes,
// and for which period and counter; such a number has to be skipped by the
// counter.
func (n *Numbering) Parse(number string) (periodKey string, counter int64, ok bool) {
	at := time.Time{}
	rest, ok := n.strip(number, n.before, &at)
	if !ok {
		return "", 0, false
	}
	tail := 0
	for _, p := range n.after {
		tail += len(p.text) + len(p.layout)
	}
	if len(rest) <= tail {
		return "", 0, false
	}
	digits := rest[:len(rest)-tail]
	if left, ok := n.strip(rest[len(digits):], n.after, &at); !ok || left != "" {
		return "", 0, false
	}
	counter, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || counter < 1 || fmt.Sprintf("%0*d", n.width, counter) != digits {
		return "", 0, false
	}
	return n.PeriodKey(at), counter, true
}

// strip takes parts of fixed length off the front, and the date from them.
func (n *Numbering) strip(text string, parts []numberPart, at *time.Time) (rest string, ok bool) {
	for _, p := range parts {
		if p.layout == "" {
			if text, ok = strings.CutPrefix(text, p.text); !ok {
				return "", false
			}
			continue
		}
		if len(text) < len(p.layout) {
			return "", false
		}
		day, err := time.ParseInLocation(p.layout, text[:len(p.layout)], n.zone)
		if err != nil {
			return "", false
		}
		*at = day
		text = text[len(p.layout):]
	}
	return text, true
}

// serial is one of the checks.
func (c *checker) serial() {
	if _, key, err := numbering(c.d); err != nil {
		c.add("/serial/"+key, "%s", err)
	}
}
