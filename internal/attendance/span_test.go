package attendance_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"orgflow"
	"orgflow/internal/attendance"
)

var zone = time.FixedZone("CST", 8*60*60)

// now is the morning of a Sunday in China, and still Saturday in London.
var now = time.Date(2026, 11, 22, 7, 30, 0, 0, zone)

var names = attendance.Names{From: "startTime", To: "endTime"}

func day(text string) time.Time {
	t, err := time.ParseInLocation(time.DateOnly, text, zone)
	if err != nil {
		panic(err)
	}
	return t
}

func TestSpans(t *testing.T) {
	for name, tc := range map[string]struct{ from, to, first, last string }{
		"today":                             {"", "", "2026-11-22", "2026-11-22"},
		"until today":                       {"2026-11-01", "", "2026-11-01", "2026-11-22"},
		"dates":                             {"2026-11-01", "2026-11-03", "2026-11-01", "2026-11-03"},
		"times":                             {"2026-11-01 23:59:59", "2026-11-03 00:00", "2026-11-01", "2026-11-03"},
		"with a T":                          {"2026-11-01T08:00:00", "2026-11-03T08:00", "2026-11-01", "2026-11-03"},
		"another offset":                    {"2026-11-01T17:00:00Z", "2026-11-03T00:00:00+09:00", "2026-11-02", "2026-11-02"},
		"from today to the future":          {"", "2026-12-31", "2026-11-22", "2026-12-31"},
		"the oldest day":                    {"2026-05-26", " 2026-11-22 ", "2026-05-26", "2026-11-22"},
		"over a change of clocks elsewhere": {"2026-10-24", "2026-10-26", "2026-10-24", "2026-10-26"},
	} {
		span, err := attendance.ParseSpan(tc.from, tc.to, now, 180, names)
		if err != nil || !span.From.Equal(day(tc.first)) || !span.To.Equal(day(tc.last)) {
			t.Errorf("%s: %v, %v", name, span, err)
		}
	}
}

func TestBadSpansNameTheField(t *testing.T) {
	for name, tc := range map[string]struct{ from, to, field, says string }{
		"no date":               {"20261101", "", "startTime", "2026-11-20"},
		"no such day":           {"2026-02-30", "", "startTime", "2026-11-20"},
		"the end":               {"", "tomorrow", "endTime", "2026-11-20"},
		"backwards":             {"2026-11-03", "2026-11-02", "startTime", "is after"},
		"an end before today":   {"", "2026-11-21", "endTime", "is today"},
		"a start after today":   {"2026-11-23", "", "startTime", "is after"},
		"older than is kept":    {"2026-05-25", "2026-05-26", "startTime", "last 180 days only: nothing before 2026-05-26"},
		"the example of before": {"2021-07-10", "", "startTime", "last 180 days only: nothing before 2026-05-26"},
	} {
		_, err := attendance.ParseSpan(tc.from, tc.to, now, 180, names)
		var f *orgflow.Fault
		if !errors.As(err, &f) || f.Code != orgflow.CodeInvalidRecord || f.Field != tc.field || !strings.Contains(f.Message, tc.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMonths(t *testing.T) {
	for text, want := range map[string][2]string{"": {"2026-11-01", "2026-11-30"}, "2026-06": {"2026-06-01", "2026-06-30"}, "2028-02": {"2028-02-01", "2028-02-29"}} {
		span, err := attendance.ParseMonth(text, now, 180, "month")
		if err != nil || !span.From.Equal(day(want[0])) || !span.To.Equal(day(want[1])) {
			t.Errorf("%q: %v, %v", text, span, err)
		}
	}
	for _, text := range []string{"2026-13", "11", "2026-05", "2026-11-01", "November"} {
		var f *orgflow.Fault
		if _, err := attendance.ParseMonth(text, now, 180, "month"); !errors.As(err, &f) || f.Field != "month" {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Windows cover each day once, none is too long, and none is too many.
func TestWindows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := day("2026-01-01").AddDate(0, 0, rapid.IntRange(0, 400).Draw(t, "from"))
		days, most := rapid.IntRange(1, 200).Draw(t, "days"), rapid.IntRange(1, 9).Draw(t, "most")
		span := attendance.Span{From: from, To: from.AddDate(0, 0, days-1)}
		windows := span.Windows(most)
		if want := (days + most - 1) / most; len(windows) != want {
			t.Fatalf("%d windows, want %d", len(windows), want)
		}
		next := from
		for _, w := range windows {
			if !w.From.Equal(next) || w.To.Before(w.From) || w.To.Sub(w.From) > time.Duration(most-1)*24*time.Hour {
				t.Fatalf("window %v after %v", w, next)
			}
			next = w.To.AddDate(0, 0, 1)
		}
		if !next.Equal(span.To.AddDate(0, 0, 1)) {
			t.Fatalf("the last window ends before %v", next)
		}
	})
}

func TestUntil(t *testing.T) {
	span := attendance.Span{From: day("2026-11-20"), To: day("2026-11-30")}
	for last, want := range map[string]string{"2026-11-22": "2026-11-22", "2026-12-01": "2026-11-30", "2026-11-20": "2026-11-20", "2026-11-19": ""} {
		got, ok := span.Until(day(last))
		if ok != (want != "") || ok && !got.To.Equal(day(want)) {
			t.Errorf("until %s: %v %v", last, got, ok)
		}
	}
}

func FuzzParseSpan(f *testing.F) {
	for _, text := range []string{"", "2026-11-20", "2026-11-20 09:00:00", "2026-11-20T09:00:00+08:00", "9999-12-31T23:59:59-23:59", "0000-01-01"} {
		f.Add(text, text)
	}
	f.Fuzz(func(t *testing.T, from, to string) {
		span, err := attendance.ParseSpan(from, to, now, 180, names)
		if err != nil {
			var fault *orgflow.Fault
			if !errors.As(err, &fault) || fault.Field == "" {
				t.Fatalf("%v names no field", err)
			}
			return
		}
		if span.To.Before(span.From) || span.From.Before(day("2026-05-26")) || !span.From.Equal(attendance.Day(span.From)) || !span.To.Equal(attendance.Day(span.To)) {
			t.Fatalf("%v", span)
		}
	})
}
