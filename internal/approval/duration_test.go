package approval_test

import (
	"strings"
	"testing"
	"time"

	"orgflow/internal/approval"
)

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]approval.Duration{
		"PT24H": {Clock: 24 * time.Hour}, "P3D": {Days: 3}, "P2W": {Days: 14}, "P1Y2M": {Months: 14},
		"P1DT12H30M5S": {Days: 1, Clock: 12*time.Hour + 30*time.Minute + 5*time.Second},
		"PT90M":        {Clock: 90 * time.Minute}, "P1M": {Months: 1}, "PT1M": {Clock: time.Minute}, "P0D": {}, "P007D": {Days: 7},
	} {
		if got, err := approval.ParseDuration(text); err != nil || got != want {
			t.Errorf("%s = %+v, %v; want %+v", text, got, err, want)
		}
	}
	for text, why := range map[string]string{
		"": "does not begin with P", "24H": "does not begin with P", "p3d": "does not begin with P", "-P3D": "does not begin with P",
		"P": "lacks a number", "PT": "lacks a number", "P1DT": "lacks a number",
		"P1": "ends without a unit", "P1H": "unknown unit", "PT1D": "unknown unit", "P1D1W": "out of order", "PT1S1H": "out of order",
		"P1D2D": "out of order", "P1.5D": "unknown unit", "P-1D": "whole number", "PT+1H": "whole number", "P1 D": "unknown unit",
		"P100000D": "whole number", "PD": "whole number", "P99999W": "too long", "PT99999H99999M": "too long", "P١D": "whole number",
	} {
		if got, err := approval.ParseDuration(text); err == nil || !strings.Contains(err.Error(), why) || !strings.Contains(err.Error(), "PT24H") {
			t.Errorf("%q = %+v, %v; want %q and an example", text, got, err, why)
		}
	}
}

func TestDurationsAreWrittenAsRead(t *testing.T) {
	for text, want := range map[string]string{
		"PT24H": "PT24H", "P2W": "P14D", "P14M": "P1Y2M", "PT90M": "PT1H30M", "P0D": "PT0S", "P1DT12H30M5S": "P1DT12H30M5S",
	} {
		d, err := approval.ParseDuration(text)
		if err != nil || d.String() != want {
			t.Errorf("%s written as %s, %v; want %s", text, d, err, want)
		}
	}
}

func FuzzParseDuration(f *testing.F) {
	for _, seed := range []string{"PT24H", "P3D", "P1Y2M3W4DT5H6M7S", "P", "PT", "P99999Y", "PT99999H99999M99999S", "P1M1D", "P0D"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := approval.ParseDuration(text)
		if err != nil {
			return
		}
		if d.Months < 0 || d.Days < 0 || d.Clock < 0 {
			t.Errorf("%q is negative: %+v", text, d)
		}
		again, err := approval.ParseDuration(d.String())
		if err != nil || again != d {
			t.Errorf("%q = %+v, written as %s = %+v, %v", text, d, d, again, err)
		}
	})
}
