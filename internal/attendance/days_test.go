package attendance_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orgflow"
	"orgflow/internal/attendance"
)

// row is a record of a 9 to 18 shift: "on Late +11" of a day.
func row(id int64, date, text string) orgflow.AttendanceRecord {
	words := strings.Fields(text)
	at := day(date).Add(9 * time.Hour)
	kind := orgflow.CheckOn
	if words[0] == "off" {
		at, kind = day(date).Add(18*time.Hour), orgflow.CheckOff
	}
	r := orgflow.AttendanceRecord{ID: id, UserID: "E1", WorkDate: date, CheckType: kind, TimeResult: words[1], LocationResult: "Normal", BaseCheckTime: &at}
	if r.Missing = words[1] == orgflow.PunchMissing; !r.Missing {
		punch := at
		if len(words) > 2 {
			var minutes int
			_, _ = fmt.Sscanf(words[2], "%d", &minutes)
			punch = at.Add(time.Duration(minutes) * time.Minute)
		}
		r.UserCheckTime = &punch
	}
	return r
}

func rows(date string, texts ...string) (out []orgflow.AttendanceRecord) {
	for i, text := range texts {
		out = append(out, row(int64(i+1), date, text))
	}
	return out
}

// The last closed day is 2026-11-20; 21 and 22, today, may still get rows.
func TestADay(t *testing.T) {
	const closed, yesterday, today = "2026-11-20", "2026-11-21", "2026-11-22"
	for name, tc := range map[string]struct {
		date    string
		rows    []string
		status  orgflow.DayStatus
		missing string
		pending string
	}{
		"normal":                           {closed, []string{"on Normal", "off Normal"}, "normal", "", ""},
		"two shifts":                       {closed, []string{"on Normal", "off Normal", "on Normal", "off Normal"}, "normal", "", ""},
		"late":                             {closed, []string{"on Late +11", "off Normal"}, "late", "", ""},
		"very late and early":              {closed, []string{"on SeriousLate +90", "off Early -30"}, "late", "", ""},
		"early":                            {closed, []string{"on Normal", "off Early -30"}, "early", "", ""},
		"so late that it is absence":       {closed, []string{"on Absenteeism +200", "off Normal"}, "absent", "", ""},
		"no punch at all":                  {closed, []string{"on NotSigned", "off NotSigned"}, "absent", "OnDuty OffDuty", ""},
		"forgot to leave":                  {closed, []string{"on Late +5", "off NotSigned"}, "missing", "OffDuty", ""},
		"forgot to come":                   {closed, []string{"on NotSigned", "off Normal"}, "missing", "OnDuty", ""},
		"a schedule without an off record": {closed, []string{"on Normal"}, "missing", "OffDuty?", ""},
		"a schedule without an on record":  {closed, []string{"off Normal"}, "missing", "OnDuty?", ""},
		"half of two shifts":               {closed, []string{"on Normal", "off Normal", "on Normal"}, "missing", "OffDuty?", ""},
		"came not, and no off record":      {closed, []string{"on NotSigned"}, "absent", "OnDuty OffDuty?", ""},
		"a rest day":                       {closed, nil, "unscheduled", "", ""},
		"a word nobody knows":              {closed, []string{"on Holiday", "off Normal"}, "other", "", ""},

		"still at work":                        {today, []string{"on Normal"}, "pending", "", "OffDuty"},
		"late, and still at work":              {today, []string{"on Late +1"}, "late", "", "OffDuty"},
		"not come today":                       {today, []string{"on NotSigned"}, "missing", "OnDuty", "OffDuty"},
		"nothing yet":                          {today, nil, "pending", "", ""},
		"off-duty row of yesterday comes late": {yesterday, []string{"on Normal"}, "pending", "", "OffDuty"},
		"yesterday was a rest day":             {yesterday, nil, "unscheduled", "", ""},
		"yesterday, all told":                  {yesterday, []string{"on NotSigned", "off NotSigned"}, "absent", "OnDuty OffDuty", ""},
	} {
		got := attendance.Days(attendance.Span{From: day(tc.date), To: day(tc.date)}, rows(tc.date, tc.rows...), now)
		if len(got) != 1 {
			t.Fatalf("%s: %d days", name, len(got))
		}
		var missing []string
		for _, m := range got[0].Missing {
			text := m.CheckType
			if m.Inferred {
				text += "?"
			}
			if m.Inferred != (m.BaseCheckTime == nil) {
				t.Errorf("%s: %+v", name, m)
			}
			missing = append(missing, text)
		}
		if got[0].Status != tc.status || strings.Join(missing, " ") != tc.missing || strings.Join(got[0].Pending, " ") != tc.pending || got[0].Date != tc.date {
			t.Errorf("%s: %+v", name, got[0])
		}
	}
}

func TestDaysEndToday(t *testing.T) {
	got := attendance.Days(attendance.Span{From: day("2026-11-20"), To: day("2026-11-30")}, rows("2026-11-21", "on Normal", "off Normal"), now)
	var words []string
	for _, d := range got {
		words = append(words, d.Date+" "+string(d.Status))
	}
	if diff := cmp.Diff([]string{"2026-11-20 unscheduled", "2026-11-21 normal", "2026-11-22 pending"}, words); diff != "" {
		t.Error(diff)
	}
}

// A month of one person: each word of the overview once and some twice.
func TestMonthOverview(t *testing.T) {
	month := map[string][]string{
		"2026-11-02": {"on Normal", "off Normal"},
		"2026-11-03": {"on Late +11", "off Normal"},
		"2026-11-04": {"on SeriousLate +45", "off Early -20"},
		"2026-11-05": {"on Absenteeism +240", "off Normal"},
		"2026-11-06": {"on NotSigned", "off NotSigned"},
		"2026-11-09": {"on Late +1", "off NotSigned"},
		"2026-11-10": {"on Normal"},
		"2026-11-11": {"on Excused", "off Normal"},
		"2026-11-21": {"on Late +5"},
		"2026-12-01": {"on Late +500"}, // of another month
	}
	var records []orgflow.AttendanceRecord
	for _, date := range slices.Sorted(maps.Keys(month)) {
		records = append(records, rows(date, month[date]...)...)
	}
	records[0].LocationResult = orgflow.PlaceOutside
	span, err := attendance.ParseMonth("2026-11", now, 180, "month")
	if err != nil {
		t.Fatal(err)
	}
	days := attendance.Days(span, records, now)
	want := orgflow.AttendanceTotals{
		ScheduledDays: 9, NormalDays: 1, LateDays: 4, EarlyDays: 1, MissingDays: 2, AbsentDays: 2, OtherDays: 1, PendingDays: 2, UnscheduledDays: 12,
		MissingOnDuty: 1, MissingOffDuty: 3, Outside: 1, LateMinutes: 11 + 45 + 1 + 5, EarlyMinutes: 20,
		Results: map[string]int{"Normal": 6, "Late": 3, "SeriousLate": 1, "Early": 1, "Absenteeism": 1, "NotSigned": 3, "Excused": 1},
	}
	if diff := cmp.Diff(want, attendance.Totals(days, records)); diff != "" {
		t.Error(diff)
	}
	if len(days) != 22 {
		t.Errorf("%d days", len(days))
	}
}

// Whatever the records are: each day is shown once, has one status, and no
// record is lost or counted twice.
func TestNothingIsCountedTwice(t *testing.T) {
	results := []string{"Normal", "Late", "SeriousLate", "Early", "Absenteeism", "NotSigned", "?"}
	rapid.Check(t, func(t *rapid.T) {
		span := attendance.Span{From: day("2026-11-01"), To: day("2026-11-22")}
		n := rapid.IntRange(0, 60).Draw(t, "records")
		var records []orgflow.AttendanceRecord
		for i := range n {
			date := day("2026-11-01").AddDate(0, 0, rapid.IntRange(0, 21).Draw(t, "day")).Format(time.DateOnly)
			records = append(records, row(int64(i), date, rapid.SampledFrom([]string{"on ", "off "}).Draw(t, "type")+rapid.SampledFrom(results).Draw(t, "result")))
		}
		days := attendance.Days(span, records, now)
		totals := attendance.Totals(days, records)
		counted := 0
		for _, c := range totals.Results {
			counted += c
		}
		punches, recorded := 0, 0
		var dates []string
		for _, d := range days {
			punches += d.Punches
			for _, m := range d.Missing {
				if !m.Inferred {
					recorded++
				}
			}
			dates = append(dates, d.Date)
		}
		if counted != n || punches+recorded != n || len(days) != 22 || !slices.IsSorted(dates) || len(slices.Compact(dates)) != 22 {
			t.Fatalf("%d records: %d counted, %d punches, %d missing, %d days", n, counted, punches, recorded, len(days))
		}
		if exclusive := totals.NormalDays + totals.AbsentDays + totals.UnscheduledDays; exclusive > 22 || totals.ScheduledDays+totals.UnscheduledDays > 22 {
			t.Fatalf("%+v", totals)
		}
	})
}

func TestSort(t *testing.T) {
	list := slices.Concat(rows("2026-11-03", "off Normal", "on Normal"), rows("2026-11-02", "on Normal"))
	list = append(list, orgflow.AttendanceRecord{ID: 9, WorkDate: "2026-11-02"})
	attendance.Sort(list)
	var got []string
	for _, r := range list {
		got = append(got, fmt.Sprint(r.WorkDate, " ", r.CheckType, r.ID))
	}
	if diff := cmp.Diff([]string{"2026-11-02 9", "2026-11-02 OnDuty1", "2026-11-03 OnDuty2", "2026-11-03 OffDuty1"}, got); diff != "" {
		t.Error(diff)
	}
}
