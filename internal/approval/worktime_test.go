package approval_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orgflow/internal/approval"
)

func workTime(t testing.TB) *approval.WorkTime {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "calendar.json"))
	if err != nil {
		t.Fatal(err)
	}
	w, problems := approval.ReadWorkTime("calendar.json", raw)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return w
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func duration(t testing.TB, text string) approval.Duration {
	t.Helper()
	d, err := approval.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// 2026-09-17 is a Thursday; Friday the 25th to Sunday the 27th and October
// 1st to 7th are free; Sunday the 20th and Saturday, October 10th, are worked.
func TestDeadlines(t *testing.T) {
	const work, wall = approval.WorkCalendar, approval.WallClock
	w, shanghai := workTime(t), zone(t, "Asia/Shanghai")
	for _, c := range []struct {
		name     string
		from     string
		after    string
		calendar approval.Calendar
		want     string
	}{
		{"a day by the clock", "2026-09-17 10:00", "PT24H", wall, "2026-09-18 10:00"},
		{"free days count by the clock", "2026-09-30 10:00", "P3D", wall, "2026-10-03 10:00"},
		{"a month", "2026-09-17 10:00", "P1M", wall, "2026-10-17 10:00"},
		{"a month that is shorter", "2027-01-31 10:00", "P1M", wall, "2027-02-28 10:00"},
		{"a year from a leap day", "2028-02-29 10:00", "P1Y", wall, "2029-02-28 10:00"},
		{"month, day and hour", "2026-09-17 10:00", "P1M1DT1H", wall, "2026-10-18 11:00"},

		{"in the morning", "2026-09-17 10:00", "PT1H", work, "2026-09-17 11:00"},
		{"up to the break", "2026-09-17 10:00", "PT2H", work, "2026-09-17 12:00"},
		{"over the break", "2026-09-17 10:00", "PT3H", work, "2026-09-17 14:00"},
		{"up to the evening", "2026-09-17 09:00", "PT8H", work, "2026-09-17 18:00"},
		{"over the night", "2026-09-17 17:00", "PT2H", work, "2026-09-18 10:00"},
		{"in the break", "2026-09-17 12:30", "PT1H", work, "2026-09-17 14:00"},
		{"in the evening", "2026-09-17 18:00", "PT1H", work, "2026-09-18 10:00"},
		{"at night", "2026-09-17 03:00", "PT1H", work, "2026-09-17 10:00"},
		{"Friday is shorter", "2026-09-18 16:30", "PT1H", work, "2026-09-20 09:30"},
		{"Saturday is free, Sunday is worked instead", "2026-09-19 10:00", "PT1H", work, "2026-09-20 10:00"},
		{"24 worked hours", "2026-09-21 09:00", "PT24H", work, "2026-09-23 18:00"},
		{"over a holiday", "2026-09-30 17:00", "PT2H", work, "2026-10-08 10:00"},
		{"a half day worked instead", "2026-10-09 16:00", "PT5H", work, "2026-10-12 10:00"},

		{"the next day", "2026-09-17 10:00", "P1D", work, "2026-09-18 10:00"},
		{"the next day is Sunday", "2026-09-18 10:00", "P1D", work, "2026-09-20 10:00"},
		{"three days over a holiday", "2026-09-29 10:00", "P3D", work, "2026-10-09 10:00"},
		{"the same time is not worked", "2026-09-17 17:30", "P1D", work, "2026-09-20 09:00"},
		{"from a free day", "2026-10-03 10:00", "P1D", work, "2026-10-09 09:00"},
		{"a day and an hour", "2026-09-17 17:30", "P1DT1H", work, "2026-09-20 10:00"},
		{"nothing, while working", "2026-09-17 10:00", "P0D", work, "2026-09-17 10:00"},
		{"nothing, at night", "2026-09-17 20:00", "P0D", work, "2026-09-18 09:00"},
	} {
		from, err := time.ParseInLocation("2006-01-02 15:04", c.from, shanghai)
		if err != nil {
			t.Fatal(err)
		}
		// The zone an instant is given in does not matter.
		got, err := w.Deadline(from.UTC(), duration(t, c.after), c.calendar)
		if text := got.In(shanghai).Format("2006-01-02 15:04"); err != nil || text != c.want {
			t.Errorf("%s: %s + %s = %s, %v; want %s", c.name, c.from, c.after, text, err, c.want)
		}
	}
}

func TestDeadlinesThatCannotBe(t *testing.T) {
	w, from := workTime(t), instant(t, "2026-09-17T10:00:00+08:00")
	if _, err := w.Deadline(from, duration(t, "P1M"), approval.WorkCalendar); err == nil {
		t.Error("a month of working time was taken")
	}
	rare, problems := approval.ReadWorkTime("", []byte(`{"hours": ["09:00-09:01"], "weekdays": ["mon"]}`))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, text := range []string{"PT100H", "P9999D"} {
		if at, err := rare.Deadline(from, duration(t, text), approval.WorkCalendar); err == nil {
			t.Errorf("%s of one minute a week end at %s", text, at)
		}
	}
}

func TestWithoutACalendarTheWeekIsWorked(t *testing.T) {
	w := approval.DefaultWorkTime(zone(t, "Asia/Shanghai"))
	got, err := w.Deadline(instant(t, "2026-10-02T17:00:00+08:00"), duration(t, "PT2H"), approval.WorkCalendar)
	if want := instant(t, "2026-10-05T10:00:00+08:00"); err != nil || !got.Equal(want) {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
}

// The laws of deadlines, in a zone without and one with summer time.
func TestLawsOfDeadlines(t *testing.T) {
	for _, name := range []string{"Asia/Shanghai", "America/New_York"} {
		w := approval.DefaultWorkTime(zone(t, name))
		rapid.Check(t, func(t *rapid.T) {
			at := func(from time.Time, d approval.Duration) time.Time {
				got, err := w.Deadline(from, d, approval.WorkCalendar)
				if err != nil {
					t.Fatal(err)
				}
				return got
			}
			span := func(name string) time.Duration {
				return time.Duration(rapid.IntRange(1, 6000).Draw(t, name)) * time.Minute
			}
			from := time.Unix(rapid.Int64Range(1.7e9, 1.9e9).Draw(t, "from"), 0)
			later := from.Add(span("later"))
			a, b := span("a"), span("b")
			days := rapid.IntRange(0, 30).Draw(t, "days")

			one := at(from, approval.Duration{Days: days, Clock: a})
			if one.Before(from) {
				t.Fatalf("%s lies before %s", one, from)
			}
			if two := at(later, approval.Duration{Days: days, Clock: a}); two.Before(one) {
				t.Fatalf("who begins at %s instead of %s is done earlier: %s instead of %s", later, from, two, one)
			}
			if two := at(from, approval.Duration{Days: days, Clock: a + b}); !two.After(one) {
				t.Fatalf("more time is no later deadline: %s and %s", one, two)
			}
			if two := at(from, approval.Duration{Days: days + 1, Clock: a}); !two.After(one) {
				t.Fatalf("one day more is no later deadline: %s and %s", one, two)
			}
			if in := at(at(from, approval.Duration{Clock: a}), approval.Duration{Clock: b}); !in.Equal(at(from, approval.Duration{Clock: a + b})) {
				t.Fatalf("%s and then %s end at %s", a, b, in)
			}
			if again := at(from, approval.Duration{Days: days, Clock: a}); !again.Equal(one) || again.Location() != time.UTC {
				t.Fatalf("asked twice: %s and %s", one, again)
			}
		})
	}
}

func TestCalendarsThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		raw  string
		want []string
	}{
		{`{}`, []string{"/hours: is required"}},
		{`{"hours": [], "weekday": 1}`, []string{"/hours: must not be empty; at least one entry is needed", `/weekday: unknown key "weekday"; allowed: "holidays", "hours", "special_hours", "time_zone", "weekdays", "workdays"; did you mean "weekdays"?`}},
		{`{"hours": ["9-12", "09:00-25:00"]}`, []string{`/hours/0: must be hours such as "09:00-12:00"`, `/hours/1: must be hours such as "09:00-12:00"`}},
		{`{"hours": ["22:00-06:00"], "time_zone": "Local"}`, []string{
			"/time_zone: must be an IANA time zone such as Asia/Shanghai", "/hours/0: must end after it begins; a night is written as two spans"}},
		{`{"hours": ["09:00-12:00", "11:00-14:00"]}`, []string{"/hours/1: must begin after the span before it has ended"}},
		{`{"hours": ["09:00-12:00"], "special_hours": {"sat": ["09:00-10:00"]}}`, []string{"/special_hours/sat: is not a working day; add it to weekdays"}},
		{`{"hours": ["09:00-12:00"], "holidays": [{"from": "2026-02-30"}, {"from": "2026-10-07", "to": "2026-10-01"}, {"from": "2026-10-01", "to": "2027-10-07"}, {"from": "2026-10-01"}],
		   "workdays": [{"date": "2026-10-01"}, {"date": "2026-10-10"}, {"date": "2026-10-10", "hours": ["12:00-09:00"]}, {"date": "2026-13-01"}, {"date": "2026-10-11", "hours": ["12:00-09:00"]}]}`, []string{
			"/holidays/0/from: there is no such day", "/holidays/1/to: must be 0 to 100 days after from", "/holidays/2/to: must be 0 to 100 days after from",
			"/workdays/0/date: 2026-10-01 stands twice, here and among workdays or holidays", "/workdays/2/date: 2026-10-10 stands twice, here and among workdays or holidays",
			"/workdays/3/date: there is no such day", "/workdays/4/hours/0: must end after it begins; a night is written as two spans"}},
	} {
		_, problems := approval.ReadWorkTime("", []byte(c.raw))
		var got []string
		for _, p := range problems {
			got = append(got, strings.TrimSpace(p.String()))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.raw, diff)
		}
	}
}
