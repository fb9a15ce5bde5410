package meta

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Calendar is a set of points in time: every part must match. An empty list
// of DayOfMonth, Month, Year or DayOfWeek matches all; Second, Minute and
// Hour are never empty.
type Calendar struct {
	Second, Minute, Hour, DayOfMonth, Month, Year, DayOfWeek []Range
	Comment                                                  string
}

// Range is the numbers Start, Start+Step, … up to End. DayOfWeek counts from
// 0, Sunday.
type Range struct{ Start, End, Step int }

type calendarDoc struct {
	Second     json.RawMessage `json:"second"`
	Minute     json.RawMessage `json:"minute"`
	Hour       json.RawMessage `json:"hour"`
	DayOfMonth json.RawMessage `json:"day_of_month"`
	Month      json.RawMessage `json:"month"`
	Year       json.RawMessage `json:"year"`
	DayOfWeek  json.RawMessage `json:"day_of_week"`
	Comment    string          `json:"comment"`
}

// calendar reads the parts; an error comes with the key to blame.
func (d calendarDoc) calendar() (c Calendar, pointer string, err error) {
	zero := []Range{{Step: 1}}
	c.Comment = d.Comment
	parts := []struct {
		name     string
		raw      json.RawMessage
		min, max int
		def      []Range
		into     *[]Range
	}{
		{"second", d.Second, 0, 59, zero, &c.Second},
		{"minute", d.Minute, 0, 59, zero, &c.Minute},
		{"hour", d.Hour, 0, 23, zero, &c.Hour},
		{"day_of_month", d.DayOfMonth, 1, 31, nil, &c.DayOfMonth},
		{"month", d.Month, 1, 12, nil, &c.Month},
		{"year", d.Year, 2000, 2100, nil, &c.Year},
		{"day_of_week", d.DayOfWeek, 0, 6, nil, &c.DayOfWeek},
	}
	for _, part := range parts {
		if part.raw == nil {
			*part.into = slices.Clone(part.def)
			continue
		}
		if *part.into, err = ranges(part.raw, part.min, part.max); err != nil {
			return c, part.name, err
		}
	}
	return c, "", nil
}

// ranges reads 2, "1-5", "*/15", "1,3" or a list of these.
func ranges(raw json.RawMessage, low, high int) ([]Range, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		list = []json.RawMessage{raw}
	}
	var out []Range
	for _, item := range list {
		var text string
		if err := json.Unmarshal(item, &text); err != nil {
			text = string(item)
		}
		for part := range strings.SplitSeq(text, ",") {
			r, err := parseRange(part, low, high, nil)
			if err != nil {
				return nil, err
			}
			out = append(out, r)
		}
	}
	return out, nil
}

// parseRange reads "7", "1-5", "*", each with an optional "/step"; names may
// stand for numbers.
func parseRange(text string, low, high int, names []string) (Range, error) {
	wrong := fmt.Errorf(`must be numbers from %d to %d, such as "%d", "%d-%d" or "*/2"`, low, high, low, low, high)
	span, stepText, stepped := strings.Cut(strings.TrimSpace(text), "/")
	r := Range{Start: low, End: high, Step: 1}
	if stepped {
		step, err := strconv.Atoi(stepText)
		if err != nil || step < 1 || step > high {
			return Range{}, wrong
		}
		r.Step = step
	}
	if span == "*" {
		return r, nil
	}
	first, last, isSpan := strings.Cut(span, "-")
	start, ok := numberOf(first, low, names)
	if !ok {
		return Range{}, wrong
	}
	end := start
	if isSpan {
		if end, ok = numberOf(last, low, names); !ok {
			return Range{}, wrong
		}
	} else if stepped {
		end = high
	}
	if start < low || end > high || start > end {
		return Range{}, wrong
	}
	r.Start, r.End = start, end
	return r, nil
}

// numberOf reads a number or a name; the first name stands for low.
func numberOf(text string, low int, names []string) (int, bool) {
	if i := slices.Index(names, strings.ToLower(text)); i >= 0 {
		return low + i, true
	}
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}

// checkCron checks a cron line of five fields, or one of the @ names.
func checkCron(line string) error {
	switch line {
	case "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly":
		return nil
	}
	fields := strings.Fields(line)
	if len(fields) != 5 {
		return fmt.Errorf(`must be a cron line of five fields: minute hour day month weekday, such as "10 2 * * *"`)
	}
	limits := []struct {
		name      string
		low, high int
		names     []string
	}{
		{"minute", 0, 59, nil}, {"hour", 0, 23, nil}, {"day of month", 1, 31, nil},
		{"month", 1, 12, []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
		{"weekday", 0, 7, []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
	}
	for i, limit := range limits {
		for part := range strings.SplitSeq(fields[i], ",") {
			if part == "?" && (i == 2 || i == 4) {
				continue
			}
			if _, err := parseRange(part, limit.low, limit.high, limit.names); err != nil {
				return fmt.Errorf("the %s of the cron line %w", limit.name, err)
			}
		}
	}
	return nil
}
