package temporalx

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestCronExpressionsMeanTheseTimes(t *testing.T) {
	for text, want := range map[string]string{
		"30 2 * * *":              "0 30 2 * * * *",
		"0 8-18/2 * * mon-fri":    "0 0 8,10,12,14,16,18 * * 1-5 *",
		"*/20 * * * *":            "0 0,20,40 * * * * *",
		"0 0 1 jan,JULY *":        "0 0 0 1 1,7 * *",
		"0 0 * * 7":               "0 0 0 * * 0 *",
		"0 0 * * 0-7":             "0 0 0 * * * *",
		"0 0 * * fri-7":           "0 0 0 * * 0,5-6 *",
		"0 0 * * */2":             "0 0 0 * * 0,2,4,6 *",
		"5/25 * * * *":            "0 5,30,55 * * * * *",
		"0 12 24 12 * 2030":       "0 0 12 24 12 * 2030",
		"15 0 12 24 12 * 2030":    "15 0 12 24 12 * 2030",
		"0 0 ? * 1":               "0 0 0 * * 1 *",
		"0 0 1 * ?":               "0 0 0 1 * * *",
		"@daily":                  "0 0 0 * * * *",
		"@weekly":                 "0 0 0 * * 0 *",
		"0 6 * * * # before work": "0 0 6 * * * * # before work",
	} {
		calendar, interval, err := parseCron(text)
		if err != nil || interval != nil {
			t.Errorf("%q: interval %v, error %v", text, interval, err)
			continue
		}
		if got := calendarText(*calendar); got != want {
			t.Errorf("%q means %q, want %q", text, got, want)
		}
	}
}

func TestEveryIsAnInterval(t *testing.T) {
	_, interval, err := parseCron("@every 2h/15m")
	if err != nil || interval == nil || interval.Every.String() != "2h0m0s" || interval.Offset.String() != "15m0s" {
		t.Errorf("got %+v, %v", interval, err)
	}
}

func TestBadCronExpressionsAreExplained(t *testing.T) {
	for text, want := range map[string]string{
		"":                 "has 0 fields",
		"1 2 3":            "has 3 fields",
		"60 * * * *":       `minute "60": "60" is not between 0 and 59`,
		"* 24 * * *":       "hour",
		"* ? * * *":        "hour",
		"* * 0 * *":        "day_of_month",
		"* * * 13 *":       "month",
		"* * * foo *":      "month",
		"* * * * 8":        "day_of_week",
		"5-1 * * * *":      "ends before it starts",
		"*/0 * * * *":      "step",
		"*/x * * * *":      "step",
		"1,,2 * * * *":     "minute",
		"TZ=UTC 0 0 * * *": "time_zone",
		"@every soon":      "no duration",
		"@fortnightly":     "has 1 fields",
		"0 0 1 1 * 1999":   "year",
	} {
		if _, _, err := parseCron(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

// Any set of minutes can be written down, read, sent to the service as
// ranges, received and shown, and stays the same set.
func TestValuesSurviveTheWayToTheServiceAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom([]field{secondField, minuteField, hourField, dayField, monthField, weekdayField}).Draw(t, "field")
		top := f.max
		if f.name == weekdayField.name {
			top = 6
		}
		want := rapid.SliceOfNDistinct(rapid.IntRange(f.min, top), 1, -1, rapid.ID[int]).Draw(t, "values")
		slices.Sort(want)
		words := make([]string, len(want))
		for i, v := range want {
			words[i] = fmt.Sprint(v)
		}
		parsed, err := f.parse(strings.Join(words, ","))
		if err != nil {
			t.Fatal(err)
		}
		again, err := f.parse(f.text(f.valuesOf(ranges(parsed))))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(again, want) {
			t.Fatalf("%s: %v became %v", f.name, want, again)
		}
	})
}

func FuzzCron(f *testing.F) {
	for _, seed := range []string{"0 0 * * *", "*/5 1-3,7 * jan sun-7/2 2030", "@every 1h/5m", "a-b/c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		calendar, interval, err := parseCron(text)
		if err == nil && (calendar == nil) == (interval == nil) {
			t.Fatalf("%q gave calendar %v and interval %v", text, calendar, interval)
		}
		if calendar == nil {
			return
		}
		shown, _, _ := strings.Cut(calendarText(*calendar), "#")
		again, _, err := parseCron(shown)
		if err != nil {
			t.Fatalf("%q shows as %q, which is refused: %v", text, shown, err)
		}
		calendar.Comment = ""
		if calendarText(*again) != calendarText(*calendar) {
			t.Fatalf("%q shows as %q, which means %q", text, shown, calendarText(*again))
		}
	})
}
