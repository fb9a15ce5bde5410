package erp

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// china is the clock of the platform: a fixed offset, without the summer time
// that China had until 1991 and its servers do not know.
var china = time.FixedZone("UTC+8", 8*60*60)

// layouts of dates in answers (Kingdee reference § 4.4). A fraction of a
// second is read by time.Parse without being named.
var layouts = []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"}

// zoned are layouts with an offset; they are shown by the ERP's clock.
var zoned = []string{time.RFC3339, "2006-01-02 15:04:05Z07:00"}

// milliseconds since 1970 in UTC, as views of the platform write dates; an
// offset behind them says where it was written and does not move the moment.
var milliseconds = regexp.MustCompile(`^/Date\((-?[0-9]{1,15})([+-][0-9]{4})?\)/$`)

// parseTime returns what the ERP's clock showed, as a time in UTC, within the
// years of the platform's own database.
func parseTime(s string) (time.Time, bool) {
	t, ok := readTime(s)
	return t, ok && t.Year() >= 1 && t.Year() <= 9999
}

func readTime(s string) (time.Time, bool) {
	if strings.HasPrefix(s, "/") {
		m := milliseconds.FindStringSubmatch(s)
		if m == nil {
			return time.Time{}, false
		}
		ms, err := strconv.ParseInt(m[1], 10, 64)
		return wall(time.UnixMilli(ms).In(china)), err == nil
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	for _, layout := range zoned {
		if t, err := time.Parse(layout, s); err == nil {
			return wall(t.In(china)), true
		}
	}
	return time.Time{}, false
}
