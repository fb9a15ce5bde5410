package console

import (
	"net/http"
	"strings"
	"time"

	"orgflow"
	"orgflow/internal/api"
)

// liveOrigin is the origin whose attendance can be shown.
const liveOrigin = "ding_talk"

// attendancePage is a person's attendance in a span of days: a month where
// nothing else is asked for.
type attendancePage struct {
	*personPage
	From, To    string // days
	Month       string // 2026-11; empty for another span
	Last, Next  string // months before and after; Next empty where it has not begun
	Days        []attendanceDay
	Records     []record
	Totals      []total
	ReadAt      time.Time
	Calls       int
	LateMinutes int
	Early       int        // minutes
	Problem     *api.Error // why there is none
}

// attendanceDay is a day of the calendar.
type attendanceDay struct {
	Date    string
	Day     int
	Weekday int // 1 is Monday
	Status  orgflow.DayStatus
	Times   []string // of punches; "" is one that is missing
}

// record is a check point as the page shows it.
type record struct {
	orgflow.AttendanceRecord
	Plan, Punch string // times of day
}

// total is a number of days of a kind.
type total struct {
	Status orgflow.DayStatus
	Days   int
}

// orgAttendance shows a person's attendance. That DingTalk does not tell is
// shown on the page: the months around may be told.
func (c *Console) orgAttendance(r *http.Request) (content, error) {
	person, err := c.personPage(r)
	page := &attendancePage{personPage: person}
	out := content{template: "org-attendance", title: "org.attendance", section: "org", data: page}
	if err != nil {
		return out, err
	}
	if err := page.span(r, c.SignIn.Now().In(chinaTime)); err != nil {
		return out, err
	}
	if person.Version.Origin != liveOrigin {
		return out, orgflow.Faultf(orgflow.CodeNotFound, "only DingTalk tells attendance, and this organisation is that of %s", person.Version.Origin)
	}
	got, err := c.Views.LiveAttendance(r.Context(), person.Version.CompanyID, person.Person.UserID, page.From, page.To)
	if err != nil {
		page.Problem = api.Answer(r.Context(), err)
		c.SignIn.Logger.WarnContext(r.Context(), "attendance", "path", r.URL.Path, "error", err, "request_id", page.Problem.RequestID)
		return out, nil
	}
	page.ReadAt, page.Calls = got.ReadAt, got.Calls
	page.fill(got.Data)
	return out, nil
}

// span reads which days are asked for.
func (p *attendancePage) span(r *http.Request, now time.Time) error {
	q := r.URL.Query()
	p.From, p.To = strings.TrimSpace(q.Get("from")), strings.TrimSpace(q.Get("to"))
	if p.From != "" || p.To != "" {
		return p.checkSpan()
	}
	month := strings.TrimSpace(q.Get("month"))
	if month == "" {
		month = now.Format("2006-01")
	}
	first, err := time.ParseInLocation("2006-01", month, chinaTime)
	if err != nil {
		return badParameter("month", "must be a month: 2026-11")
	}
	p.Month, p.From, p.To = month, first.Format(time.DateOnly), first.AddDate(0, 1, -1).Format(time.DateOnly)
	p.Last = first.AddDate(0, -1, 0).Format("2006-01")
	if next := first.AddDate(0, 1, 0); !next.After(now) {
		p.Next = next.Format("2006-01")
	}
	return nil
}

// longestSpan is how many days a page shows: DingTalk keeps no more.
const longestSpan = 180

func (p *attendancePage) checkSpan() error {
	from, err := time.ParseInLocation(time.DateOnly, p.From, chinaTime)
	if err != nil {
		return badParameter("from", "must be a day: 2026-11-20")
	}
	to, err := time.ParseInLocation(time.DateOnly, p.To, chinaTime)
	switch {
	case err != nil:
		return badParameter("to", "must be a day: 2026-11-20")
	case to.Before(from):
		return badParameter("to", "must not be before the first day")
	case to.Sub(from) > longestSpan*24*time.Hour:
		return badParameter("to", "must be within 180 days of the first day")
	}
	return nil
}

// Weekdays are the columns of the calendar, Monday first.
func (attendancePage) Weekdays() []int { return []int{1, 2, 3, 4, 5, 6, 7} }

// fill makes calendar, list and totals of what was told. Days to come are in
// the calendar, without a word.
func (p *attendancePage) fill(a orgflow.Attendance) {
	told, punches := map[string]orgflow.AttendanceDay{}, map[string][]string{}
	for _, d := range a.Days {
		told[d.Date] = d
	}
	for _, rec := range a.Records {
		shown := record{AttendanceRecord: rec, Plan: timeOfDay(rec.BaseCheckTime), Punch: timeOfDay(rec.UserCheckTime)}
		p.Records = append(p.Records, shown)
		punches[rec.WorkDate] = append(punches[rec.WorkDate], shown.Punch)
	}
	day, _ := time.ParseInLocation(time.DateOnly, p.From, chinaTime) // span has read both
	last, _ := time.ParseInLocation(time.DateOnly, p.To, chinaTime)
	for ; !day.After(last); day = day.AddDate(0, 0, 1) {
		date := day.Format(time.DateOnly)
		p.Days = append(p.Days, attendanceDay{
			Date: date, Day: day.Day(), Weekday: (int(day.Weekday())+6)%7 + 1, Status: told[date].Status, Times: punches[date],
		})
	}
	t := a.Totals
	p.LateMinutes, p.Early = t.LateMinutes, t.EarlyMinutes
	p.Totals = []total{
		{orgflow.DayNormal, t.NormalDays}, {orgflow.DayLate, t.LateDays}, {orgflow.DayEarly, t.EarlyDays},
		{orgflow.DayMissing, t.MissingDays}, {orgflow.DayAbsent, t.AbsentDays}, {orgflow.DayUnscheduled, t.UnscheduledDays},
	}
	for _, rare := range []total{{orgflow.DayPending, t.PendingDays}, {orgflow.DayOther, t.OtherDays}} {
		if rare.Days > 0 {
			p.Totals = append(p.Totals, rare)
		}
	}
}

func timeOfDay(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.In(chinaTime).Format("15:04")
}
