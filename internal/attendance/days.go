package attendance

import (
	"cmp"
	"slices"
	"time"

	"orgflow"
)

// Sort puts records in order: by working day, scheduled time and id.
func Sort(records []orgflow.AttendanceRecord) {
	slices.SortFunc(records, func(a, b orgflow.AttendanceRecord) int {
		return cmp.Or(cmp.Compare(a.WorkDate, b.WorkDate), moment(a.BaseCheckTime).Compare(moment(b.BaseCheckTime)), cmp.Compare(a.ID, b.ID))
	})
}

func moment(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// Days makes one person's days of their records: each day of the span up to
// today, in order.
//
// The origin shows a row for each scheduled punch, made or not, and none for
// days without a schedule; rows of punches that were not made come late, an
// off-duty one up to half a day after the day has ended (DingTalk reference
// § 6.1). Check points come in pairs, so that a day which has the one and not
// the other lacks a punch that was scheduled: pending today and yesterday,
// missing from then on.
func Days(span Span, records []orgflow.AttendanceRecord, now time.Time) []orgflow.AttendanceDay {
	today := Day(now)
	byDate := map[string][]orgflow.AttendanceRecord{}
	for _, r := range records {
		byDate[r.WorkDate] = append(byDate[r.WorkDate], r)
	}
	days := []orgflow.AttendanceDay{}
	for day := span.From; !day.After(span.To) && !day.After(today); day = day.AddDate(0, 0, 1) {
		date := day.Format(time.DateOnly)
		days = append(days, oneDay(date, byDate[date], today.Sub(day)))
	}
	return days
}

// oneDay makes a day of its records, age after it began.
func oneDay(date string, records []orgflow.AttendanceRecord, age time.Duration) orgflow.AttendanceDay {
	day := orgflow.AttendanceDay{Date: date, Missing: []orgflow.MissingPunch{}}
	absent, other := false, false
	points := map[string]int{}
	for _, r := range records {
		points[r.CheckType]++
		if r.Missing {
			day.Missing = append(day.Missing, orgflow.MissingPunch{CheckType: r.CheckType, BaseCheckTime: r.BaseCheckTime})
			continue
		}
		day.Punches++
		switch r.TimeResult {
		case orgflow.PunchNormal:
		case orgflow.PunchLate, orgflow.PunchSeriousLate:
			day.Late++
		case orgflow.PunchEarly:
			day.Early++
		case orgflow.PunchAbsent:
			absent = true
		default:
			other = true
		}
	}
	lack(&day, points, age < 48*time.Hour)
	day.Status = status(day, len(records), age, absent, other)
	return day
}

// lack adds the counterparts that no record tells of.
func lack(day *orgflow.AttendanceDay, points map[string]int, open bool) {
	for _, pair := range [][2]string{{orgflow.CheckOff, orgflow.CheckOn}, {orgflow.CheckOn, orgflow.CheckOff}} {
		for range points[pair[0]] - points[pair[1]] {
			if open {
				day.Pending = append(day.Pending, pair[1])
			} else {
				day.Missing = append(day.Missing, orgflow.MissingPunch{CheckType: pair[1], Inferred: true})
			}
		}
	}
}

// status is the first word of DayStatus that applies.
func status(day orgflow.AttendanceDay, records int, age time.Duration, absent, other bool) orgflow.DayStatus {
	switch {
	case records == 0 && age < 24*time.Hour:
		return orgflow.DayPending
	case records == 0:
		return orgflow.DayUnscheduled
	case absent, day.Punches == 0 && len(day.Pending) == 0:
		return orgflow.DayAbsent
	case len(day.Missing) > 0:
		return orgflow.DayMissing
	case day.Late > 0:
		return orgflow.DayLate
	case day.Early > 0:
		return orgflow.DayEarly
	case other:
		return orgflow.DayOther
	case len(day.Pending) > 0:
		return orgflow.DayPending
	}
	return orgflow.DayNormal
}
