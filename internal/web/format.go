package web

import (
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// china is the clock of the pages. It has no summer time.
var china = time.FixedZone("UTC+8", 8*60*60)

// at shows a moment, a *time.Time or a time.Time, on China's clock; what is
// not there yet as a dash.
func at(v any) string { return clock(v, time.DateTime) }

// day shows the date of a moment.
func day(v any) string { return clock(v, time.DateOnly) }

func clock(v any, layout string) string {
	var t time.Time
	switch v := v.(type) {
	case time.Time:
		t = v
	case *time.Time:
		if v != nil {
			t = *v
		}
	}
	if t.IsZero() {
		return "–"
	}
	return t.In(china).Format(layout)
}

// number groups an integer's digits by three, as both languages do.
func number(v any) string { return message.NewPrinter(language.English).Sprint(v) }
