package dingtalk

import (
	"strings"
	"time"
)

// china is the time zone of every text time (China has no daylight saving).
var china = time.FixedZone("CST", 8*60*60)

const (
	releaseLayout = "2006-01-02 15:04:05"
	maxRelease    = 10 * time.Minute // a later time is taken for a misreading
)

// parseRelease finds when a throttle ends in its text: "限制将在 2021-01-01
// 10:00:01 结束", in older texts "处罚将在 …" (DingTalk reference § 10.1).
// This steers a wait only; what the answer means is decided by its code.
func parseRelease(msg string) (time.Time, bool) {
	_, rest, found := strings.Cut(msg, "将在")
	if !found {
		return time.Time{}, false
	}
	stamp, _, found := strings.Cut(rest, "结束")
	if !found {
		return time.Time{}, false
	}
	at, err := time.ParseInLocation(releaseLayout, strings.TrimSpace(stamp), china)
	return at, err == nil
}

// releaseIn says how long to wait: until the time named in the text, plus
// 0.3 to 1 s so that callers do not come back all at once, else the code's
// usual pause with a similar spread.
func (c *Client) releaseIn(msg string, usual time.Duration) time.Duration {
	spread := 300*time.Millisecond + time.Duration(c.jitter()*float64(700*time.Millisecond))
	if at, ok := parseRelease(msg); ok {
		if wait := at.Sub(c.link.Now()); wait <= maxRelease {
			return max(wait, 0) + spread
		}
	}
	return usual + spread
}
