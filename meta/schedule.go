package meta

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"orgflow"
	"orgflow/internal/mapping"
	"orgflow/schemas"
)

// Overlap says what a schedule does while its former run is still going.
type Overlap string

// Overlap policies; their names are those of Temporal.
const (
	OverlapSkip           Overlap = "skip"
	OverlapBufferOne      Overlap = "buffer_one"
	OverlapBufferAll      Overlap = "buffer_all"
	OverlapCancelOther    Overlap = "cancel_other"
	OverlapTerminateOther Overlap = "terminate_other"
	OverlapAllowAll       Overlap = "allow_all"
)

const (
	// defaultCatchup is how late a missed run may still start.
	defaultCatchup = 10 * time.Minute
	// minCatchup is the shortest window Temporal keeps to.
	minCatchup = 10 * time.Second
	// maxComment is how many bytes Temporal keeps of a calendar's comment.
	maxComment = 200
)

// Schedule is a job and when it runs: one file below
// companies/<id>/schedules, with its defaults filled in.
type Schedule struct {
	ID             string
	CompanyID      int64
	Description    string
	Cron           []string   // lines of five fields; empty when Calendar is set
	Calendar       []Calendar // points in time
	TimeZone       string     // IANA name
	Overlap        Overlap
	CatchupWindow  time.Duration
	Jitter         time.Duration
	PauseOnFailure bool
	Paused         bool              // when it is created; afterwards an operator decides
	Workflow       string            // workflow type: SyncRun, OrgPull or DataSync
	Job            orgflow.Job       // of a SyncRun
	Pull           orgflow.PullInput // of an OrgPull
	Load           orgflow.LoadInput // of a DataSync
	RawJob         json.RawMessage   // as written: the workflow's input
	File           orgflow.UsedFile
}

type scheduleDoc struct {
	ID             string             `json:"id"`
	Description    string             `json:"description"`
	Cron           mapping.StringList `json:"cron"`
	Calendar       []calendarDoc      `json:"calendar"`
	TimeZone       string             `json:"time_zone"`
	Overlap        Overlap            `json:"overlap"`
	CatchupWindow  string             `json:"catchup_window"`
	Jitter         string             `json:"jitter"`
	PauseOnFailure bool               `json:"pause_on_failure"`
	Paused         bool               `json:"paused"`
	Workflow       string             `json:"workflow"`
	Job            json.RawMessage    `json:"job"`
}

// Schedules returns the company's schedules in the order of their file
// names, and the problems of those that are broken. A broken schedule is
// left out; the others are usable.
func (s *Store) Schedules(company int64) ([]Schedule, []orgflow.Problem) {
	var schedules []Schedule
	var problems []orgflow.Problem
	seen := map[string]string{}
	dir := companyDir(company) + "schedules"
	for _, name := range s.list(dir) {
		if !strings.HasSuffix(name, ".json") {
			continue
		}
		f, ok, err := s.read(dir + "/" + name)
		if err != nil {
			problems = append(problems, problemsOf(err)...)
			continue
		}
		if !ok || s.needless(company, f) {
			continue
		}
		schedule, found := s.schedule(company, f)
		if other, twice := seen[schedule.ID]; twice && len(found) == 0 {
			found = append(found, schemas.At(f.path, f.raw, "/id", fmt.Sprintf("is the id of %s too; every schedule of a company needs its own", other)))
		}
		if len(found) > 0 {
			problems = append(problems, found...)
			continue
		}
		seen[schedule.ID] = f.path
		schedules = append(schedules, schedule)
	}
	return schedules, problems
}

// needless tells whether a file is our own example of loads, in a company
// whose settings were replaced by some without an ERP.
func (s *Store) needless(company int64, f file) bool {
	var doc scheduleDoc
	if !f.shipped || s.decode(schemas.Schedule, f, &doc) != nil || doc.Workflow != orgflow.WorkflowDataSync {
		return false
	}
	c, err := s.Company(company)
	return err == nil && !c.HasERP()
}

func (s *Store) schedule(company int64, f file) (Schedule, []orgflow.Problem) {
	var doc scheduleDoc
	if err := s.decode(schemas.Schedule, f, &doc); err != nil {
		return Schedule{}, problemsOf(err)
	}
	out := Schedule{
		ID: doc.ID, CompanyID: company, Description: doc.Description, Cron: doc.Cron,
		TimeZone: doc.TimeZone, Overlap: doc.Overlap, PauseOnFailure: doc.PauseOnFailure,
		Paused: doc.Paused, Workflow: doc.Workflow, RawJob: compact(doc.Job), File: f.used(),
	}
	out.defaults()
	var problems []orgflow.Problem
	add := func(pointer string, err error) {
		if err != nil {
			problems = append(problems, schemas.At(f.path, f.raw, pointer, err.Error()))
		}
	}
	_, err := location(out.TimeZone)
	add("/time_zone", err)
	for i, line := range out.Cron {
		at := "/cron"
		if cronIsList(f.raw) {
			at = fmt.Sprintf("/cron/%d", i)
		}
		add(at, checkCron(line))
	}
	for i, c := range doc.Calendar {
		calendar, pointer, err := c.calendar()
		if err == nil && len(c.Comment) > maxComment {
			pointer, err = "comment", fmt.Errorf("is longer than %d bytes", maxComment)
		}
		add(fmt.Sprintf("/calendar/%d/%s", i, pointer), err)
		out.Calendar = append(out.Calendar, calendar)
	}
	out.CatchupWindow, err = duration(doc.CatchupWindow, defaultCatchup)
	if err == nil && out.CatchupWindow < minCatchup {
		err = fmt.Errorf("must be %s or more", minCatchup)
	}
	add("/catchup_window", err)
	out.Jitter, err = duration(doc.Jitter, 0)
	add("/jitter", err)
	if out.PauseOnFailure && out.Overlap == OverlapAllowAll {
		// Temporal does not follow runs that may overlap.
		add("/pause_on_failure", fmt.Errorf(`has no effect with overlap %q; leave one of the two out`, OverlapAllowAll))
	}
	return out, append(problems, s.scheduledInput(company, f, &out)...)
}

// Target returns what the started workflow is about.
func (s *Schedule) Target() orgflow.Target {
	switch s.Workflow {
	case orgflow.WorkflowOrgPull:
		return s.Pull.Target()
	case orgflow.WorkflowDataSync:
		return s.Load.Target()
	}
	return s.Job.Target()
}

func (s *Schedule) defaults() {
	if s.TimeZone == "" {
		s.TimeZone = defaultTimeZone
	}
	if s.Overlap == "" {
		s.Overlap = OverlapSkip
	}
	if s.Workflow == "" {
		s.Workflow = orgflow.WorkflowSyncRun
	}
}

// scheduledInput checks the workflow's input like that of one started by hand,
// and that it is of the company whose directory it lies in.
func (s *Store) scheduledInput(company int64, f file, out *Schedule) []orgflow.Problem {
	var err error
	switch out.Workflow {
	case orgflow.WorkflowOrgPull:
		out.Pull, err = s.DecodePull(out.RawJob)
	case orgflow.WorkflowDataSync:
		out.Load, err = s.DecodeLoad(out.RawJob)
	default:
		out.Job, err = s.DecodeJob(out.RawJob)
	}
	var problems []orgflow.Problem
	for _, p := range problemsOf(err) {
		if p.File != "" { // a meta file is broken, not the schedule
			problems = append(problems, p)
			continue
		}
		problems = append(problems, schemas.At(f.path, f.raw, "/job"+p.Pointer, p.Message))
	}
	if err == nil && out.Target().CompanyID != company {
		problems = append(problems, schemas.At(f.path, f.raw, "/job/company_id", fmt.Sprintf("must be %d, as the directory says", company)))
	}
	return problems
}

// cronIsList tells how "cron" was written, for the pointer of a problem.
func cronIsList(raw []byte) bool {
	var doc struct {
		Cron []string `json:"cron"`
	}
	return json.Unmarshal(schemas.TrimBOM(raw), &doc) == nil
}

func duration(text string, def time.Duration) (time.Duration, error) {
	if text == "" {
		return def, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d > 366*24*time.Hour {
		return 0, fmt.Errorf(`must be a duration of at most a year, such as "30s", "10m" or "1h30m"`)
	}
	return d, nil
}

func compact(raw json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil { // valid: it was decoded
		return raw
	}
	return b.Bytes()
}
