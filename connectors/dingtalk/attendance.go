package dingtalk

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/vendorcode"
	"orgflow/connectors/wire"
)

var _ connectors.Attendance = (*Client)(nil)

// pathAttendance is the same under both contact interfaces. It counts against
// the organisation's monthly quota (DingTalk reference § 6, § 11).
const pathAttendance = "/attendance/list"

// Limits of attendance/list (DingTalk reference § 6.1).
const (
	attendanceDays   = 7 // both ends included
	attendancePeople = 50
	attendancePage   = 50
	attendanceKept   = 180 // days; "not older than half a year"

	attendanceTime = "2006-01-02 15:04:05"
)

// adviceAttendance names the permission, which this call's errors need not do.
const adviceAttendance = "attendance needs the permission qyapi_get_attendance_data: grant it to the application in the DingTalk developer console, publish the version, and try again"

// rawPunch is an element of recordresult (DingTalk reference § 6.1).
type rawPunch struct {
	ID             wire.Int  `json:"id"`
	UserID         wire.Text `json:"userId"`
	WorkDate       wire.Int  `json:"workDate"` // epoch milliseconds, as all times
	CheckType      wire.Text `json:"checkType"`
	TimeResult     wire.Text `json:"timeResult"`
	LocationResult wire.Text `json:"locationResult"`
	BaseCheckTime  wire.Int  `json:"baseCheckTime"`
	UserCheckTime  wire.Int  `json:"userCheckTime"`
	PlanID         wire.Int  `json:"planId"`
	GroupID        wire.Int  `json:"groupId"`
	RecordID       wire.Int  `json:"recordId"`
	SourceType     wire.Text `json:"sourceType"`
	ProcInstID     wire.Text `json:"procInstId"`
}

// AttendanceLimits implements connectors.Attendance.
func (c *Client) AttendanceLimits() connectors.AttendanceLimits {
	return connectors.AttendanceLimits{Days: attendanceDays, People: attendancePeople, Kept: attendanceKept, Zone: china}
}

// ReadAttendance implements connectors.Attendance with attendance/list, one
// call a page of 50 records (DingTalk reference § 6.1). Days are China's; the
// call goes by days, whatever the time of day.
func (c *Client) ReadAttendance(ctx context.Context, q connectors.AttendanceQuery, cursor string) (connectors.AttendancePage, error) {
	var spent connectors.Receipt
	page, err := c.readAttendance(ctx, &spent, q, cursor)
	page.Calls = spent.Calls
	return page, err
}

func (c *Client) readAttendance(ctx context.Context, r *connectors.Receipt, q connectors.AttendanceQuery, cursor string) (out connectors.AttendancePage, err error) {
	from, to := chinaDay(q.From), chinaDay(q.To)
	if err := checkAttendance(from, to, q.UserIDs); err != nil {
		return out, err
	}
	offset, err := readCursor(cursor)
	if err != nil {
		return out, err
	}
	var raw struct {
		HasMore json.RawMessage `json:"hasMore"`
		Records *[]rawPunch     `json:"recordresult"`
	}
	body := map[string]any{
		"workDateFrom": from.Format(attendanceTime), "workDateTo": to.Format(attendanceTime),
		"userIdList": q.UserIDs, "offset": offset, "limit": attendancePage,
	}
	_, f, err := c.call(ctx, r, request{path: pathAttendance, top: true, body: body}, &raw)
	if f != nil && missesPermission(f.VendorCode) {
		f.Advice = adviceAttendance
	}
	if err != nil {
		return out, err
	}
	if raw.Records == nil {
		return out, vendorcode.MalformedRead("attendance/list shows no recordresult")
	}
	for _, p := range *raw.Records {
		record, err := p.record(q.UserIDs)
		if err != nil {
			return connectors.AttendancePage{}, err
		}
		out.Records = append(out.Records, record)
	}
	if out.Next, err = furtherOffset(raw.HasMore, offset, len(out.Records)); err != nil {
		return connectors.AttendancePage{}, err
	}
	return out, nil
}

// furtherOffset is the cursor of the next page, empty behind the last one. A
// page that does not say whether there is more must not look like the end,
// and an empty one that says so would never come to one.
func furtherOffset(hasMore json.RawMessage, offset int64, shown int) (string, error) {
	var more wire.Bool
	switch {
	case wire.Blank(hasMore) || json.Unmarshal(hasMore, &more) != nil:
		return "", vendorcode.MalformedRead("attendance/list does not say whether there is more")
	case !bool(more):
		return "", nil
	case shown == 0:
		return "", vendorcode.MalformedRead("attendance/list says there is more and shows nothing")
	}
	return strconv.FormatInt(offset+attendancePage, 10), nil
}

func chinaDay(t time.Time) time.Time {
	year, month, day := t.In(china).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, china)
}

// checkAttendance spares calls that DingTalk would refuse (41041, 40035).
func checkAttendance(from, to time.Time, people []string) error {
	switch days := int(to.Sub(from)/(24*time.Hour)) + 1; {
	case days < 1 || days > attendanceDays:
		return orgflow.Faultf(orgflow.CodeInvalidRecord, "attendance is read in spans of 1 to %d days; this one has %d", attendanceDays, days)
	case len(people) < 1 || len(people) > attendancePeople:
		return orgflow.Faultf(orgflow.CodeInvalidRecord, "attendance is read for 1 to %d people; these are %d", attendancePeople, len(people))
	}
	return nil
}

// record is a row in our words. A row for a punch that was not made bears the
// scheduled time as the punch's (DingTalk reference § 6.1, observed); ours has
// none.
func (p rawPunch) record(asked []string) (orgflow.AttendanceRecord, error) {
	switch {
	case p.ID == 0 || p.WorkDate <= 0 || p.UserID == "" || p.CheckType == "" || p.TimeResult == "":
		return orgflow.AttendanceRecord{}, vendorcode.MalformedRead("attendance/list shows a row without id, userId, workDate, checkType or timeResult")
	case !slices.Contains(asked, string(p.UserID)):
		return orgflow.AttendanceRecord{}, vendorcode.MalformedRead("attendance/list shows somebody who was not asked for")
	}
	day := time.UnixMilli(int64(p.WorkDate)).In(china)
	if day.Year() > 9999 { // no date that has a text
		return orgflow.AttendanceRecord{}, vendorcode.MalformedRead(fmt.Sprintf("attendance/list shows a working day in the year %d", day.Year()))
	}
	record := orgflow.AttendanceRecord{
		ID: int64(p.ID), UserID: string(p.UserID), WorkDate: day.Format(time.DateOnly),
		CheckType: string(p.CheckType), TimeResult: string(p.TimeResult), LocationResult: string(p.LocationResult),
		BaseCheckTime: instant(p.BaseCheckTime), UserCheckTime: instant(p.UserCheckTime), Missing: p.TimeResult == orgflow.PunchMissing,
		SourceType: string(p.SourceType), PlanID: int64(p.PlanID), GroupID: int64(p.GroupID), RecordID: int64(p.RecordID), ProcInstID: string(p.ProcInstID),
	}
	if record.Missing {
		record.UserCheckTime = nil
	}
	return record, nil
}

// instant is a moment in milliseconds; nil where none is shown, or one that
// has no text.
func instant(ms wire.Int) *time.Time {
	t := time.UnixMilli(int64(ms)).In(china)
	if ms <= 0 || t.Year() > 9999 {
		return nil
	}
	return &t
}
