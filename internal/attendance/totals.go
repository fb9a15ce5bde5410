package attendance

import (
	"time"

	"orgflow"
)

// Totals counts one person's days, and the records they were made of.
func Totals(days []orgflow.AttendanceDay, records []orgflow.AttendanceRecord) orgflow.AttendanceTotals {
	t := orgflow.AttendanceTotals{Results: map[string]int{}}
	shown := map[string]bool{}
	for _, d := range days {
		shown[d.Date] = true
		countDay(&t, d)
	}
	worked := map[string]bool{}
	for _, r := range records {
		if !shown[r.WorkDate] {
			continue
		}
		worked[r.WorkDate] = true
		t.Results[r.TimeResult]++
		if r.LocationResult == orgflow.PlaceOutside {
			t.Outside++
		}
		late, early := minutes(r)
		t.LateMinutes, t.EarlyMinutes = t.LateMinutes+late, t.EarlyMinutes+early
	}
	t.ScheduledDays = len(worked)
	return t
}

func countDay(t *orgflow.AttendanceTotals, d orgflow.AttendanceDay) {
	for _, m := range d.Missing {
		if m.CheckType == orgflow.CheckOn {
			t.MissingOnDuty++
		} else {
			t.MissingOffDuty++
		}
	}
	if len(d.Pending) > 0 || d.Status == orgflow.DayPending {
		t.PendingDays++
	}
	switch d.Status {
	case orgflow.DayAbsent:
		t.AbsentDays++
		return
	case orgflow.DayUnscheduled:
		t.UnscheduledDays++
		return
	case orgflow.DayNormal:
		t.NormalDays++
		return
	case orgflow.DayOther:
		t.OtherDays++
	default: // what else such a day is, its punches say
	}
	for _, c := range []struct {
		holds bool
		count *int
	}{{d.Late > 0, &t.LateDays}, {d.Early > 0, &t.EarlyDays}, {len(d.Missing) > 0, &t.MissingDays}} {
		if c.holds {
			*c.count++
		}
	}
}

// minutes are how late or how early a punch was, in whole minutes.
func minutes(r orgflow.AttendanceRecord) (late, early int) {
	if r.BaseCheckTime == nil || r.UserCheckTime == nil {
		return 0, 0
	}
	after := r.UserCheckTime.Sub(*r.BaseCheckTime)
	switch r.TimeResult {
	case orgflow.PunchLate, orgflow.PunchSeriousLate:
		return max(0, int(after/time.Minute)), 0
	case orgflow.PunchEarly:
		return 0, max(0, int(-after/time.Minute))
	}
	return 0, 0
}
