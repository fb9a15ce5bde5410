package web

import (
	"fmt"
	"math"
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

// span shows how long something takes, in its two largest units.
func span(lang Lang, seconds float64) string {
	units := []struct {
		seconds float64
		zh, en  string
	}{{86400, "天", "d"}, {3600, "小时", "h"}, {60, "分", "min"}, {1, "秒", "s"}}
	left, out := math.Round(seconds), ""
	for i, u := range units {
		n := math.Floor(left / u.seconds)
		left -= n * u.seconds
		if n == 0 && (out == "" && i < len(units)-1 || out != "") {
			if out != "" {
				break
			}
			continue
		}
		name := u.en
		if lang == Chinese {
			name = u.zh
		}
		if out != "" {
			return fmt.Sprintf("%s %.0f %s", out, n, name)
		}
		out = fmt.Sprintf("%.0f %s", n, name)
	}
	return out
}
