package rowset

import (
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"time"
)

// bound is a gte or lte: of numbers, of dates, or of texts, as its limit is.
type bound struct {
	lower  bool
	number *big.Rat
	date   *moment
	text   string
}

func newBound(limit any, lower bool) (*bound, bool) {
	b := &bound{lower: lower}
	switch limit := limit.(type) {
	case json.Number:
		number, ok := rational(limit.String())
		b.number = number
		return b, ok
	case string:
		b.text = limit
		if limit == "" {
			return nil, false
		}
		if date, ok := parseDate(limit); ok {
			b.date = &date
		} else if Number(limit) {
			b.number, _ = rational(limit)
		}
		return b, true
	}
	return nil, false
}

// holds when one of the values is within the bound; no value is not.
func (b *bound) holds(values []any) (bool, error) {
	found := false
	for _, v := range values {
		order, err := b.compare(v)
		if err != nil {
			return false, err
		}
		found = found || order == 0 || (order > 0) == b.lower
	}
	return found, nil
}

func (b *bound) compare(v any) (int, error) {
	names := forms(v)
	if len(names) != 1 {
		return 0, errors.New("gte and lte compare numbers, dates and texts only")
	}
	text := names[0]
	switch {
	case b.date != nil:
		if date, ok := parseDate(text); ok {
			return date.compare(*b.date)
		}
		return 0, errors.New("is compared with a date and holds something else")
	case b.number != nil:
		if number, ok := rational(text); ok && Number(text) {
			return number.Cmp(b.number), nil
		}
		return 0, errors.New("is compared with a number and holds something else")
	}
	return strings.Compare(text, b.text), nil
}

// moment is a point in time as written: on somebody's wall, or with an
// offset. A date alone is its midnight.
type moment struct {
	time  time.Time
	zoned bool
}

func (m moment) compare(n moment) (int, error) {
	if m.zoned != n.zoned {
		return 0, errors.New("one date has an offset from UTC and the other has none; they cannot be compared")
	}
	return m.time.Compare(n.time), nil
}

// dateLayouts are the ways gateways, databases and spreadsheets write dates;
// seconds may have a fraction.
var dateLayouts = []string{
	"2006-1-2", "2006-1-2 15:04:05", "2006-1-2T15:04:05", "2006-1-2 15:04",
	"2006/1/2", "2006/1/2 15:04:05", "2006/1/2 15:04",
}

var zonedLayouts = []string{"2006-1-2T15:04:05Z07:00", "2006-1-2 15:04:05Z07:00"}

func parseDate(s string) (moment, bool) {
	if len(s) < 8 || len(s) > 40 || !strings.ContainsAny(s[:5], "-/") {
		return moment{}, false
	}
	for _, layout := range dateLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return moment{time: t}, true
		}
	}
	for _, layout := range zonedLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return moment{time: t, zoned: true}, true
		}
	}
	return moment{}, false
}
