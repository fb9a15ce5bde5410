package approval

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"orgflow"
	"orgflow/schemas"
)

// WorkTime is when a company works. It is read only.
type WorkTime struct {
	zone     *time.Location
	week     [7][]shift // by time.Weekday; empty is a free day
	normal   []shift    // of a worked day without other hours
	holidays map[date]bool
	workdays map[date][]shift
}

// shift is a span of working time in minutes since midnight, the end not
// included.
type shift struct{ from, to int }

// date is a day of the calendar, without zone.
type date struct {
	year  int
	month time.Month
	day   int
}

func dateOf(t time.Time) date {
	y, m, d := t.Date()
	return date{y, m, d}
}

// at returns the instant so many minutes after midnight, by the wall clock.
func (d date) at(minutes int, zone *time.Location) time.Time {
	return time.Date(d.year, d.month, d.day, 0, minutes, 0, 0, zone)
}

func (d date) add(days int) date {
	return dateOf(time.Date(d.year, d.month, d.day+days, 0, 0, 0, 0, time.UTC))
}

func (d date) weekday() time.Weekday {
	return time.Date(d.year, d.month, d.day, 0, 0, 0, 0, time.UTC).Weekday()
}

// calendarFile is calendar.json.
type calendarFile struct {
	TimeZone     string              `json:"time_zone"`
	Hours        []string            `json:"hours"`
	Weekdays     []string            `json:"weekdays"`
	SpecialHours map[string][]string `json:"special_hours"`
	Holidays     []struct {
		From string `json:"from"`
		To   string `json:"to"`
	} `json:"holidays"`
	Workdays []struct {
		Date  string   `json:"date"`
		Hours []string `json:"hours"`
	} `json:"workdays"`
}

// DefaultWorkTime is the working time of a company that has no calendar:
// Monday to Friday, 09:00-12:00 and 13:00-18:00 in a zone, no holidays.
func DefaultWorkTime(zone *time.Location) *WorkTime {
	w := &WorkTime{zone: zone, normal: []shift{{9 * 60, 12 * 60}, {13 * 60, 18 * 60}}}
	for day := time.Monday; day <= time.Friday; day++ {
		w.week[day] = w.normal
	}
	return w
}

// ReadWorkTime reads a company's calendar.json and returns every problem.
func ReadWorkTime(file string, raw []byte) (*WorkTime, []orgflow.Problem) {
	var doc calendarFile
	if problems := schemas.Decode(schemas.WorkCalendar, file, raw, &doc); len(problems) > 0 {
		return nil, problems
	}
	r := calendarReader{file: file, raw: raw, doc: doc}
	w := r.read()
	if len(r.problems) > 0 {
		return nil, r.problems
	}
	return w, nil
}

type calendarReader struct {
	file     string
	raw      []byte
	doc      calendarFile
	problems []orgflow.Problem
}

func (r *calendarReader) add(pointer, format string, args ...any) {
	r.problems = append(r.problems, schemas.At(r.file, r.raw, pointer, fmt.Sprintf(format, args...)))
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

func (r *calendarReader) read() *WorkTime {
	w := &WorkTime{holidays: map[date]bool{}, workdays: map[date][]shift{}}
	orDefault(&r.doc.TimeZone, "Asia/Shanghai")
	var err error
	if w.zone, err = loadZone(r.doc.TimeZone); err != nil {
		r.add("/time_zone", "%s", err)
	}
	w.normal = r.hours("/hours", r.doc.Hours)
	if r.doc.Weekdays == nil {
		r.doc.Weekdays = weekdays[1:6]
	}
	for i, name := range weekdays {
		special, other := r.doc.SpecialHours[name]
		switch works := slices.Contains(r.doc.Weekdays, name); {
		case other && !works:
			r.add("/special_hours/"+name, "is not a working day; add it to weekdays")
		case other:
			w.week[i] = r.hours("/special_hours/"+name, special)
		case works:
			w.week[i] = w.normal
		}
	}
	r.days(w)
	return w
}

// hours reads shifts, which must be in order and apart.
func (r *calendarReader) hours(pointer string, list []string) []shift {
	out := make([]shift, len(list))
	for i, text := range list {
		from, to, _ := strings.Cut(text, "-")
		out[i] = shift{minutes(from), minutes(to)}
		switch {
		case out[i].from >= out[i].to:
			r.add(pointer+at(i), "must end after it begins; a night is written as two spans")
		case i > 0 && out[i].from < out[i-1].to:
			r.add(pointer+at(i), "must begin after the span before it has ended")
		}
	}
	return out
}

// minutes reads HH:MM, whose form the schema has checked.
func minutes(text string) int {
	var h, m int
	if _, err := fmt.Sscanf(text, "%d:%d", &h, &m); err != nil {
		return 0
	}
	return h*60 + m
}

// maxHoliday bounds a holiday in days, so that a slip of the year is seen.
const maxHoliday = 100

func (r *calendarReader) days(w *WorkTime) {
	for i, h := range r.doc.Holidays {
		from, ok := r.date(at("holidays", i, "from"), h.From)
		to, ok2 := from, true
		if h.To != "" {
			to, ok2 = r.date(at("holidays", i, "to"), h.To)
		}
		if !ok || !ok2 {
			continue
		}
		last := to.at(0, time.UTC)
		if span := last.Sub(from.at(0, time.UTC)); span < 0 || span > maxHoliday*24*time.Hour {
			r.add(at("holidays", i, "to"), "must be 0 to %d days after from", maxHoliday)
			continue
		}
		for day := from; !day.at(0, time.UTC).After(last); day = day.add(1) {
			w.holidays[day] = true
		}
	}
	for i, d := range r.doc.Workdays {
		day, ok := r.date(at("workdays", i, "date"), d.Date)
		if !ok {
			continue
		}
		if _, twice := w.workdays[day]; twice || w.holidays[day] {
			r.add(at("workdays", i, "date"), "%s stands twice, here and among workdays or holidays", d.Date)
			continue
		}
		w.workdays[day] = w.normal
		if d.Hours != nil {
			w.workdays[day] = r.hours(at("workdays", i, "hours"), d.Hours)
		}
	}
}

func (r *calendarReader) date(pointer, text string) (date, bool) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		r.add(pointer, "there is no such day")
		return date{}, false
	}
	return dateOf(t), true
}

// shifts returns the working time of a day.
func (w *WorkTime) shifts(d date) []shift {
	if hours, worked := w.workdays[d]; worked {
		return hours
	}
	if w.holidays[d] {
		return nil
	}
	return w.week[d.weekday()]
}
