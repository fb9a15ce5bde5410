package temporalx

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/sdk/client"
)

// field is one column of a calendar: its name and the values it allows.
type field struct {
	name     string
	min, max int
	names    []string // names of min, min+1, …
	letters  int      // fewest letters of a name
	missing  string   // what an empty text means
	anyDay   bool     // "?" may stand for "*", as some crons write it
}

var (
	secondField = field{name: "second", max: 59, missing: "0"}
	minuteField = field{name: "minute", max: 59, missing: "0"}
	hourField   = field{name: "hour", max: 23, missing: "0"}
	dayField    = field{name: "day_of_month", min: 1, max: 31, missing: "*", anyDay: true}
	monthField  = field{name: "month", min: 1, max: 12, missing: "*", letters: 3, names: []string{
		"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}}
	// 7 is Sunday too; parse maps it to 0.
	weekdayField = field{name: "day_of_week", max: 7, missing: "*", anyDay: true, letters: 2, names: []string{
		"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}}
	yearField = field{name: "year", min: 2000, max: 2100, missing: "*"}
)

// parse reads "*", "5", "1-5", "*/15", "mon-fri", "1,15" and their
// combinations into the sorted values they stand for.
func (f field) parse(text string) ([]int, error) {
	if strings.TrimSpace(text) == "" {
		text = f.missing
	}
	in := make(map[int]bool)
	for part := range strings.SplitSeq(strings.TrimSpace(text), ",") {
		from, to, step, err := f.parsePart(strings.TrimSpace(part))
		if err != nil {
			return nil, fmt.Errorf("%s %q: %w", f.name, text, err)
		}
		for v := from; v <= to; v += step {
			if f.name == weekdayField.name {
				v7 := v % 7
				in[v7] = true
				continue
			}
			in[v] = true
		}
	}
	values := make([]int, 0, len(in))
	for v := range in {
		values = append(values, v)
	}
	slices.Sort(values)
	return values, nil
}

// parsePart reads one element of a list.
func (f field) parsePart(part string) (from, to, step int, err error) {
	span, stepText, stepped := strings.Cut(part, "/")
	step = 1
	if stepped {
		if step, err = strconv.Atoi(stepText); err != nil || step < 1 {
			return 0, 0, 0, fmt.Errorf("step %q is not a whole number above 0", stepText)
		}
	}
	if span == "*" || span == "?" && f.anyDay {
		to = f.max
		if f.name == weekdayField.name {
			to = 6
		}
		return f.min, to, step, nil
	}
	first, last, ranged := strings.Cut(span, "-")
	if from, err = f.value(first); err != nil {
		return 0, 0, 0, err
	}
	switch {
	case ranged:
		if to, err = f.value(last); err != nil {
			return 0, 0, 0, err
		}
		if to < from {
			return 0, 0, 0, fmt.Errorf("%s ends before it starts", span)
		}
	case stepped: // as the service reads it: from there to the end
		to = f.max
	default:
		to = from
	}
	return from, to, step, nil
}

func (f field) value(text string) (int, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	if f.letters > 0 && len(text) >= f.letters {
		for i, name := range f.names {
			if strings.HasPrefix(name, text) {
				return f.min + i, nil
			}
		}
	}
	v, err := strconv.Atoi(text)
	if err != nil || v < f.min || v > f.max {
		return 0, fmt.Errorf("%q is not between %d and %d", text, f.min, f.max)
	}
	return v, nil
}

// all reports whether the values are everything the field allows.
func (f field) all(values []int) bool {
	size := f.max - f.min + 1
	if f.name == weekdayField.name {
		size = 7
	}
	return len(values) == size
}

// text is the shortest way to write sorted values: "*", "0", "1-5,9".
func (f field) text(values []int) string {
	if f.all(values) {
		return "*"
	}
	var parts []string
	for _, r := range ranges(values) {
		part := strconv.Itoa(r.Start)
		if r.End > r.Start {
			part += "-" + strconv.Itoa(r.End)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ",")
}

// ranges packs sorted values into spans of neighbours.
func ranges(values []int) []client.ScheduleRange {
	var out []client.ScheduleRange
	for _, v := range values {
		if n := len(out); n > 0 && out[n-1].End == v-1 {
			out[n-1].End = v
			continue
		}
		out = append(out, client.ScheduleRange{Start: v, End: v, Step: 1})
	}
	return out
}

// valuesOf unpacks ranges as the service understands them: no end means the
// start, no step means 1, no range at all (of a year) means everything.
func (f field) valuesOf(in []client.ScheduleRange) []int {
	if len(in) == 0 {
		values, _ := f.parse("*") // cannot fail
		return values
	}
	var values []int
	for _, r := range in {
		for v := r.Start; v <= max(r.End, r.Start) && v <= f.max; v += max(r.Step, 1) {
			values = append(values, v)
		}
	}
	slices.Sort(values)
	return slices.Compact(values)
}

// parseCalendar checks a calendar and turns it into the service's form.
func parseCalendar(c Calendar) (client.ScheduleCalendarSpec, error) {
	out := client.ScheduleCalendarSpec{Comment: strings.TrimSpace(c.Comment)}
	var problems []error
	for _, column := range []struct {
		field field
		text  string
		slot  *[]client.ScheduleRange
	}{
		{secondField, c.Second, &out.Second}, {minuteField, c.Minute, &out.Minute}, {hourField, c.Hour, &out.Hour},
		{dayField, c.DayOfMonth, &out.DayOfMonth}, {monthField, c.Month, &out.Month},
		{weekdayField, c.DayOfWeek, &out.DayOfWeek}, {yearField, c.Year, &out.Year},
	} {
		values, err := column.field.parse(column.text)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		if column.field.name == yearField.name && column.field.all(values) {
			continue // the service writes every year as none
		}
		*column.slot = ranges(values)
	}
	if len(out.Comment) > 200 {
		problems = append(problems, errors.New("comment is longer than 200 bytes"))
	}
	return out, errors.Join(problems...)
}

// calendarText shows a calendar of the service: second, minute, hour, day of
// month, month, day of week, year.
func calendarText(c client.ScheduleCalendarSpec) string {
	columns := []string{
		secondField.text(secondField.valuesOf(c.Second)), minuteField.text(minuteField.valuesOf(c.Minute)),
		hourField.text(hourField.valuesOf(c.Hour)), dayField.text(dayField.valuesOf(c.DayOfMonth)),
		monthField.text(monthField.valuesOf(c.Month)), weekdayField.text(weekdayField.valuesOf(c.DayOfWeek)),
		yearField.text(yearField.valuesOf(c.Year)),
	}
	text := strings.Join(columns, " ")
	if c.Comment != "" {
		text += " # " + c.Comment
	}
	return text
}

// cronMacros are the words cron allows in place of five fields.
var cronMacros = map[string]string{
	"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
	"@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}

// parseCron reads five fields (minute hour day month weekday), six (… year)
// or seven (second …), a macro, or "@every 2h" with an optional "/15m"
// offset. Unlike some crons, day and weekday must both match.
func parseCron(text string) (*client.ScheduleCalendarSpec, *client.ScheduleIntervalSpec, error) {
	body, comment, _ := strings.Cut(text, "#")
	body = strings.TrimSpace(body)
	if strings.HasPrefix(body, "TZ=") || strings.HasPrefix(body, "CRON_TZ=") {
		return nil, nil, errors.New("the time zone belongs into time_zone")
	}
	if rest, ok := strings.CutPrefix(body, "@every"); ok {
		interval, err := parseEvery(strings.TrimSpace(rest))
		return nil, interval, err
	}
	if macro, ok := cronMacros[body]; ok {
		body = macro
	}
	c := Calendar{Comment: comment}
	f := strings.Fields(body)
	switch len(f) {
	case 5:
		c.Minute, c.Hour, c.DayOfMonth, c.Month, c.DayOfWeek = f[0], f[1], f[2], f[3], f[4]
	case 6:
		c.Minute, c.Hour, c.DayOfMonth, c.Month, c.DayOfWeek, c.Year = f[0], f[1], f[2], f[3], f[4], f[5]
	case 7:
		c.Second, c.Minute, c.Hour, c.DayOfMonth, c.Month, c.DayOfWeek, c.Year = f[0], f[1], f[2], f[3], f[4], f[5], f[6]
	default:
		return nil, nil, fmt.Errorf("has %d fields: allowed are 5 (minute hour day month weekday), 6 (… year) or 7 (second …), @daily and the like, or @every", len(f))
	}
	calendar, err := parseCalendar(c)
	if err != nil {
		return nil, nil, err
	}
	return &calendar, nil, nil
}

func parseEvery(text string) (*client.ScheduleIntervalSpec, error) {
	everyText, offsetText, offset := strings.Cut(text, "/")
	var out client.ScheduleIntervalSpec
	var err error
	if out.Every, err = time.ParseDuration(everyText); err != nil {
		return nil, fmt.Errorf("@every %q is no duration such as 30m or 2h", everyText)
	}
	if offset {
		if out.Offset, err = time.ParseDuration(offsetText); err != nil {
			return nil, fmt.Errorf("@every offset %q is no duration such as 5m", offsetText)
		}
	}
	return &out, nil
}
