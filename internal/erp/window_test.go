package erp

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orgflow"
)

var modified = Config{FormID: "SAL_SaleOrder", DateField: "FModifyDate"}

func TestTwoYearsAreTwentyFourWindows(t *testing.T) {
	shanghai := location(t, "Asia/Shanghai")
	got := Windows(orgflow.LoadCreate, false, modified, time.Date(2026, 11, 22, 16, 30, 0, 0, shanghai))
	if len(got) != 24 {
		t.Errorf("%d windows", len(got))
	}
	if first := got[0]; first.Seq != 1 || !first.From.Equal(clock("2024-11-22 16:30:00")) || !first.Until.Equal(clock("2024-12-23 16:30:00")) {
		t.Errorf("the first is %+v", first)
	}
	if last := got[len(got)-1]; last.Seq != 24 || !last.Until.Equal(clock("2026-11-22 16:30:00")) {
		t.Errorf("the last is %+v", last)
	}
}

func TestHowFarALoadReachesBack(t *testing.T) {
	business := Config{FormID: "SAL_SaleOrder", DateField: "FDate", DateKind: DateBusiness}
	for name, c := range map[string]struct {
		cfg         Config
		kind        orgflow.LoadKind
		deep        bool
		now         string
		from, until string
	}{
		"a create":                   {modified, orgflow.LoadCreate, false, "2026-11-22 16:30:00", "2024-11-22 16:30:00", "2026-11-22 16:30:00"},
		"an update, with overlap":    {modified, orgflow.LoadUpdate, false, "2026-11-22 16:30:00", "2026-09-22 16:20:00", "2026-11-22 16:30:00"},
		"a deep update":              {modified, orgflow.LoadUpdate, true, "2026-11-22 16:30:00", "2024-11-22 16:20:00", "2026-11-22 16:30:00"},
		"a create on a leap day":     {modified, orgflow.LoadCreate, false, "2028-02-29 08:00:00", "2026-02-28 08:00:00", "2028-02-29 08:00:00"},
		"an update on a long day":    {modified, orgflow.LoadUpdate, false, "2026-04-30 08:00:00", "2026-02-28 07:50:00", "2026-04-30 08:00:00"},
		"an update over a new year":  {modified, orgflow.LoadUpdate, false, "2027-01-31 08:00:00", "2026-11-30 07:50:00", "2027-01-31 08:00:00"},
		"days that people enter":     {business, orgflow.LoadCreate, false, "2026-11-22 16:30:00", "2024-11-22 00:00:00", "2026-11-23 00:00:00"},
		"other settings than 2 of 2": {Config{Windows: WindowSet{CreateYears: 5, OverlapMinutes: 1}}, orgflow.LoadUpdate, true, "2026-11-22 16:30:00", "2021-11-22 16:29:00", "2026-11-22 16:30:00"},
	} {
		t.Run(name, func(t *testing.T) {
			got := Windows(c.kind, c.deep, c.cfg, clock(c.now))
			want := []string{c.from, c.until}
			if diff := cmp.Diff(want, []string{shown(got[0].From), shown(got[len(got)-1].Until)}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A row has the second it was saved in: the window that a run ends with must
// hold the second it began in whole.
func TestTheLastWindowEndsAtAFullSecond(t *testing.T) {
	got := Windows(orgflow.LoadUpdate, false, modified, clock("2026-11-22 16:30:00").Add(time.Nanosecond))
	if last := got[len(got)-1].Until; !last.Equal(clock("2026-11-22 16:30:01")) {
		t.Errorf("it ends at %s", last)
	}
}

func TestWindowsLeaveNothingOutAndNothingTwice(t *testing.T) {
	var zones []*time.Location
	for _, name := range []string{"Asia/Shanghai", "UTC", "Europe/Berlin", "America/St_Johns"} {
		zones = append(zones, location(t, name))
	}
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(rapid.Int64Range(0, 4102444800).Draw(t, "second"), rapid.Int64Range(0, 999999999).Draw(t, "nano")).
			In(rapid.SampledFrom(zones).Draw(t, "zone"))
		cfg := Config{
			DateKind: rapid.SampledFrom([]DateKind{"", DateModified, DateBusiness}).Draw(t, "kind of date"),
			Windows: WindowSet{
				CreateYears:    rapid.IntRange(0, 4).Draw(t, "years"),
				UpdateMonths:   rapid.IntRange(0, 30).Draw(t, "months"),
				WindowDays:     rapid.IntRange(0, 400).Draw(t, "days"),
				OverlapMinutes: rapid.IntRange(0, 600).Draw(t, "overlap"),
			},
		}
		kind := rapid.SampledFrom([]orgflow.LoadKind{orgflow.LoadCreate, orgflow.LoadUpdate}).Draw(t, "kind")
		got := Windows(kind, rapid.Bool().Draw(t, "deep"), cfg, now)

		length := time.Duration(cfg.WithDefaults().Windows.WindowDays) * 24 * time.Hour
		for i, w := range got {
			if w.Seq != i+1 || !w.From.Before(w.Until) {
				t.Fatalf("window %d is %+v", i, w)
			}
			if i > 0 && !got[i-1].Until.Equal(w.From) {
				t.Fatalf("window %d begins at %s, the one before ends at %s", i, w.From, got[i-1].Until)
			}
			if i > 0 && w.Until.Sub(w.From) > length {
				t.Fatalf("window %d is longer than asked for: %+v", i, w)
			}
			if w.From.Location() != time.UTC || w.From.Nanosecond() != 0 || w.Until.Nanosecond() != 0 {
				t.Fatalf("window %d is no clock's: %+v", i, w)
			}
		}
		// What the clock on the wall shows now lies in the last window.
		year, month, day := now.Date()
		shows := time.Date(year, month, day, now.Hour(), now.Minute(), now.Second(), 0, time.UTC)
		last := got[len(got)-1]
		if last.Until.Before(shows) || last.Until.Sub(shows) > 24*time.Hour {
			t.Fatalf("the last window ends at %s, it is %s", last.Until, shows)
		}
	})
}

func TestCatchingUpOverlapsWhatWasRead(t *testing.T) {
	shanghai := location(t, "Asia/Shanghai")
	since := time.Date(2026, 11, 22, 16, 30, 0, 500, shanghai)
	got := CatchUp(modified, since, since.Add(20*time.Minute))
	if shown(got.From) != "2026-11-22 16:20:00" || shown(got.Until) != "2026-11-22 17:00:01" {
		t.Errorf("it reads %+v", got)
	}
}

func TestMonthsBefore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(rapid.Int64Range(0, 4102444800).Draw(t, "second"), 0).UTC()
		months := rapid.IntRange(0, 60).Draw(t, "months")
		got := monthsBefore(now, months)
		if n := 12*(now.Year()-got.Year()) + int(now.Month()-got.Month()); n != months {
			t.Fatalf("%s is %d months before %s, not %d", got, n, now, months)
		}
		if got.Day() != now.Day() && got.AddDate(0, 0, 1).Day() != 1 || got.Day() > now.Day() {
			t.Fatalf("%s is not the day of %s", got, now)
		}
		if fmt.Sprint(got.Clock()) != fmt.Sprint(now.Clock()) {
			t.Fatalf("%s is not the time of %s", got, now)
		}
	})
}

func shown(t time.Time) string { return t.Format("2006-01-02 15:04:05") }

func location(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}
