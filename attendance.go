package orgflow

import "time"

// Words of attendance as DingTalk has them (DingTalk reference § 6.1).
const (
	CheckOn  = "OnDuty"
	CheckOff = "OffDuty"

	PunchNormal      = "Normal"
	PunchEarly       = "Early"
	PunchLate        = "Late"
	PunchSeriousLate = "SeriousLate"
	PunchAbsent      = "Absenteeism" // so late that it counts as absence (旷工迟到)
	PunchMissing     = "NotSigned"

	PlaceOutside = "Outside"
)

// AttendanceRecord is a scheduled check point of a person: when they were to
// punch, when they did, and what the origin makes of it.
type AttendanceRecord struct {
	ID             int64      `json:"id"`
	UserID         string     `json:"user_id"`
	WorkDate       string     `json:"work_date" doc:"the working day it counts to, 2026-11-20"`
	CheckType      string     `json:"check_type" doc:"OnDuty or OffDuty"`
	TimeResult     string     `json:"time_result" doc:"Normal, Early, Late, SeriousLate, Absenteeism (so late that it counts as absence) or NotSigned"`
	LocationResult string     `json:"location_result" doc:"Normal, Outside or NotSigned"`
	BaseCheckTime  *time.Time `json:"base_check_time" doc:"the scheduled time"`
	UserCheckTime  *time.Time `json:"user_check_time" doc:"the punch; null where there is none"`
	Missing        bool       `json:"missing" doc:"a scheduled punch that was not made"`
	SourceType     string     `json:"source_type,omitempty"`
	PlanID         int64      `json:"plan_id,omitempty"`
	GroupID        int64      `json:"group_id,omitempty"`
	RecordID       int64      `json:"record_id,omitempty" doc:"the punch, where there is one"`
	ProcInstID     string     `json:"proc_inst_id,omitempty" doc:"the approval it is linked to"`
}

// DayStatus says in a word what a day was.
type DayStatus string

// The words of a day. Of several that apply the first of this list is the
// day's.
const (
	DayAbsent      DayStatus = "absent"      // no scheduled punch was made, or one came so late that it counts as absence
	DayMissing     DayStatus = "missing"     // a scheduled punch was not made
	DayLate        DayStatus = "late"        //
	DayEarly       DayStatus = "early"       // left too early
	DayOther       DayStatus = "other"       // the origin used a word that orgflow does not know
	DayPending     DayStatus = "pending"     // it may still get further results
	DayNormal      DayStatus = "normal"      //
	DayUnscheduled DayStatus = "unscheduled" // nothing was scheduled: a rest day, or somebody without a schedule
)

// MissingPunch is a scheduled punch that was not made.
type MissingPunch struct {
	CheckType     string     `json:"check_type"`
	BaseCheckTime *time.Time `json:"base_check_time" doc:"the scheduled time, where it is known"`
	Inferred      bool       `json:"inferred" doc:"there is no record of it: its counterpart of the same day has one"`
}

// AttendanceDay is a person's day.
type AttendanceDay struct {
	Date    string         `json:"date" doc:"2026-11-20"`
	Status  DayStatus      `json:"status" enum:"absent,missing,late,early,other,pending,normal,unscheduled"`
	Punches int            `json:"punches" doc:"records that are punches"`
	Late    int            `json:"late" doc:"times late"`
	Early   int            `json:"early" doc:"times left too early"`
	Missing []MissingPunch `json:"missing"`
	// Pending are check types whose record may still come.
	Pending []string `json:"pending,omitempty" doc:"check types whose record may still come"`
}

// AttendanceTotals count a person's days and punches. A day that is late and
// early counts in both. A normal, absent or unscheduled day counts in no other
// number of days.
type AttendanceTotals struct {
	ScheduledDays   int `json:"scheduled_days" doc:"days with at least one record"`
	NormalDays      int `json:"normal_days"`
	LateDays        int `json:"late_days"`
	EarlyDays       int `json:"early_days"`
	MissingDays     int `json:"missing_days" doc:"days with a missing punch that are not absent"`
	AbsentDays      int `json:"absent_days" doc:"days without any scheduled punch, or with Absenteeism"`
	OtherDays       int `json:"other_days" doc:"days with a time_result that orgflow does not know"`
	PendingDays     int `json:"pending_days" doc:"days whose records may still come, whatever else they are"`
	UnscheduledDays int `json:"unscheduled_days"`

	MissingOnDuty  int `json:"missing_on_duty"`
	MissingOffDuty int `json:"missing_off_duty"`
	Outside        int `json:"outside" doc:"punches at another place"`
	LateMinutes    int `json:"late_minutes"`
	EarlyMinutes   int `json:"early_minutes"`
	// Results count the records by the origin's word.
	Results map[string]int `json:"results" doc:"records by time_result"`
}

// Attendance is a person's attendance in a span of days.
type Attendance struct {
	UserID   string             `json:"user_id"`
	From     string             `json:"from" doc:"first day"`
	To       string             `json:"to" doc:"last day"`
	TimeZone string             `json:"time_zone"`
	Records  []AttendanceRecord `json:"records" doc:"all check points, oldest first"`
	Days     []AttendanceDay    `json:"days" doc:"each day of the span up to today"`
	Totals   AttendanceTotals   `json:"totals"`
}

// AttendanceMonth is an overview of a month.
type AttendanceMonth struct {
	Month    string             `json:"month" doc:"2026-11"`
	From     string             `json:"from"`
	To       string             `json:"to"`
	TimeZone string             `json:"time_zone"`
	People   []AttendancePerson `json:"people" doc:"in the order asked for"`
}

// AttendancePerson is a person's month.
type AttendancePerson struct {
	UserID string           `json:"user_id"`
	Totals AttendanceTotals `json:"totals"`
	Days   []AttendanceDay  `json:"days"`
}
