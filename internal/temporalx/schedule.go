package temporalx

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // time zones are checked here, whatever the machine has

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
)

// DefaultCatchupWindow is how late a missed run may still be started. The
// service's own default is one year, which after a long stop would replay
// runs nobody wants (Temporal reference § 6).
const DefaultCatchupWindow = 10 * time.Minute

// minCatchupWindow is the shortest window the service keeps to.
const minCatchupWindow = 10 * time.Second

// Duration is a time.Duration written as text in JSON: "90s", "2h".
type Duration time.Duration

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is no duration such as 90s, 10m or 2h", text)
	}
	*d = Duration(parsed)
	return nil
}

// Schedule is a wanted schedule: when to start which workflow with what.
type Schedule struct {
	// ID is unique in the namespace.
	ID string `json:"id"`
	// Spec says when; it needs at least one cron, calendar or interval.
	Spec Spec `json:"spec"`
	// Overlap says what happens when the run before is still going: skip
	// (default), buffer_one, buffer_all, cancel_other, terminate_other,
	// allow_all.
	Overlap string `json:"overlap,omitempty"`
	// CatchupWindow is at least 10 s; zero means DefaultCatchupWindow.
	CatchupWindow Duration `json:"catchup_window,omitempty"`
	// PauseOnFailure stops the schedule when a run fails.
	PauseOnFailure bool `json:"pause_on_failure,omitempty"`
	// Paused and Note count when the schedule is created. Later both belong
	// to the people who pause and resume it.
	Paused bool   `json:"paused,omitempty"`
	Note   string `json:"note,omitempty"`
	// Workflow is the workflow type.
	Workflow string `json:"workflow"`
	// Input is the workflow's one argument; empty means {}.
	Input json.RawMessage `json:"input,omitempty"`
	// WorkflowID is the stem of the runs' ids, to which the service adds the
	// time; empty means ID.
	WorkflowID string `json:"workflow_id,omitempty"`
	// TaskQueue of the workflow.
	TaskQueue string `json:"task_queue"`
	// SearchAttributes (keywords) of the started workflows.
	SearchAttributes map[string]string `json:"search_attributes,omitempty"`
}

// Spec is a set of times: the union of cron expressions, calendars and
// intervals, without the skipped ones.
type Spec struct {
	// Cron expressions: five (minute hour day month weekday),
	// six (year last) or seven fields (second first), @daily, @every 2h.
	Cron []string `json:"cron,omitempty"`
	// Calendars name each column.
	Calendars []Calendar `json:"calendars,omitempty"`
	// Intervals count from 1970-01-01T00:00Z.
	Intervals []Interval `json:"intervals,omitempty"`
	// Skip removes times; every column must match.
	Skip []Calendar `json:"skip,omitempty"`
	// TimeZone is an IANA name such as "Asia/Shanghai"; empty means UTC.
	TimeZone string `json:"time_zone,omitempty"`
	// Jitter delays each run by a random time up to this.
	Jitter Duration `json:"jitter,omitempty"`
	// StartAt and EndAt bound the times, inclusively; zero means no bound.
	StartAt time.Time `json:"start_at,omitzero"`
	EndAt   time.Time `json:"end_at,omitzero"`
}

// Calendar matches clock times column by column, in cron's notation. Empty
// second, minute and hour mean 0; other empty columns mean every value.
type Calendar struct {
	Second     string `json:"second,omitempty"`
	Minute     string `json:"minute,omitempty"`
	Hour       string `json:"hour,omitempty"`
	DayOfMonth string `json:"day_of_month,omitempty"`
	Month      string `json:"month,omitempty"`
	DayOfWeek  string `json:"day_of_week,omitempty"`
	Year       string `json:"year,omitempty"`
	Comment    string `json:"comment,omitempty"`
}

// Interval matches every Every, shifted by Offset (less than Every).
type Interval struct {
	Every  Duration `json:"every"`
	Offset Duration `json:"offset,omitempty"`
}

var overlaps = map[string]enumspb.ScheduleOverlapPolicy{
	"skip":            enumspb.SCHEDULE_OVERLAP_POLICY_SKIP,
	"buffer_one":      enumspb.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE,
	"buffer_all":      enumspb.SCHEDULE_OVERLAP_POLICY_BUFFER_ALL,
	"cancel_other":    enumspb.SCHEDULE_OVERLAP_POLICY_CANCEL_OTHER,
	"terminate_other": enumspb.SCHEDULE_OVERLAP_POLICY_TERMINATE_OTHER,
	"allow_all":       enumspb.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL,
}

// withDefaults fills what may be left out.
func (s Schedule) withDefaults() Schedule {
	s.Overlap = strings.ToLower(s.Overlap)
	if s.Overlap == "" {
		s.Overlap = "skip"
	}
	if s.CatchupWindow == 0 {
		s.CatchupWindow = Duration(DefaultCatchupWindow)
	}
	if len(s.Input) == 0 {
		s.Input = json.RawMessage(`{}`)
	}
	if s.WorkflowID == "" {
		s.WorkflowID = s.ID
	}
	if s.Spec.TimeZone == "" {
		s.Spec.TimeZone = "UTC"
	}
	return s
}

// Validate reports everything that is wrong with the schedule, without
// asking the service: texts of cron and calendar, time zone, bounds, names.
func (s Schedule) Validate() error {
	s = s.withDefaults()
	var problems []error
	problem := func(field, format string, args ...any) {
		problems = append(problems, fmt.Errorf("schedule %q: %s: %w", s.ID, field, fmt.Errorf(format, args...)))
	}
	for _, required := range []struct{ name, value string }{{"id", s.ID}, {"workflow", s.Workflow}, {"task_queue", s.TaskQueue}} {
		if strings.TrimSpace(required.value) == "" {
			problem(required.name, "is missing")
		}
	}
	if _, known := overlaps[s.Overlap]; !known {
		problem("overlap", "%q is unknown: allowed are skip, buffer_one, buffer_all, cancel_other, terminate_other, allow_all", s.Overlap)
	}
	if time.Duration(s.CatchupWindow) < minCatchupWindow {
		problem("catchup_window", "%s is shorter than %s", time.Duration(s.CatchupWindow), minCatchupWindow)
	}
	if !json.Valid(s.Input) {
		problem("input", "is no JSON")
	}
	if _, err := s.Spec.resolve(); err != nil {
		problem("spec", "%w", err)
	}
	return errors.Join(problems...)
}

// resolve checks the times and turns them into the service's own form: cron
// expressions become calendars, as the service would do.
func (s Spec) resolve() (client.ScheduleSpec, error) {
	out := client.ScheduleSpec{StartAt: s.StartAt, EndAt: s.EndAt, Jitter: time.Duration(s.Jitter), TimeZoneName: s.TimeZone}
	var problems []error
	for _, c := range s.Calendars {
		calendar, err := parseCalendar(c)
		problems = append(problems, prefix("calendar", err))
		out.Calendars = append(out.Calendars, calendar)
	}
	for _, text := range s.Cron {
		calendar, interval, err := parseCron(text)
		problems = append(problems, prefix(fmt.Sprintf("cron %q", text), err))
		if calendar != nil {
			out.Calendars = append(out.Calendars, *calendar)
		}
		if interval != nil {
			out.Intervals = append(out.Intervals, *interval)
		}
	}
	for _, i := range s.Intervals {
		out.Intervals = append(out.Intervals, client.ScheduleIntervalSpec{Every: time.Duration(i.Every), Offset: time.Duration(i.Offset)})
	}
	for _, c := range s.Skip {
		calendar, err := parseCalendar(c)
		problems = append(problems, prefix("skip", err))
		out.Skip = append(out.Skip, calendar)
	}
	problems = append(problems, checkTimes(out)...)
	return out, errors.Join(problems...)
}

func checkTimes(s client.ScheduleSpec) []error {
	var problems []error
	if len(s.Calendars)+len(s.Intervals) == 0 {
		problems = append(problems, errors.New("names no time: give cron, calendars or intervals"))
	}
	for _, i := range s.Intervals {
		if i.Every < time.Second || i.Offset < 0 || i.Offset >= i.Every {
			problems = append(problems, fmt.Errorf("interval %s with offset %s: at least 1s, and the offset from 0 to below it", i.Every, i.Offset))
		}
	}
	if s.Jitter < 0 {
		problems = append(problems, fmt.Errorf("jitter %s is negative", s.Jitter))
	}
	if !s.StartAt.IsZero() && !s.EndAt.IsZero() && s.EndAt.Before(s.StartAt) {
		problems = append(problems, errors.New("end_at is before start_at"))
	}
	if s.TimeZoneName == "Local" {
		problems = append(problems, errors.New(`time_zone "Local" differs between machines: name a zone such as Asia/Shanghai`))
	} else if _, err := time.LoadLocation(s.TimeZoneName); err != nil {
		problems = append(problems, fmt.Errorf("time_zone %q is unknown: name a zone such as Asia/Shanghai", s.TimeZoneName))
	}
	return problems
}

func prefix(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
