package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"orgflow"
	"orgflow/internal/signin"
)

// Starter starts sync runs.
type Starter interface {
	// Start starts a run of a valid job under opts.WorkflowID. raw is the job
	// as the user wrote it. A taken id is a conflict, except with
	// opts.IdempotencyKey: then the run that has it is the answer, running or
	// ended, and nothing is started.
	Start(ctx context.Context, job orgflow.Job, raw json.RawMessage, opts StartOptions) (Started, error)
}

// StartOptions says how a run is started.
type StartOptions struct {
	// WorkflowID is the id to start under; see RunID and PullID.
	WorkflowID string
	// IdempotencyKey is the caller's, empty when none was sent. WorkflowID is
	// then the id that the key got first.
	IdempotencyKey string
	// By names who started the run.
	By string
}

// Idempotency keeps what an idempotency key was first used for.
type Idempotency interface {
	// Remember stores value under key unless the key has one already; stored
	// is what the key has now, fresh tells whether this call put it there.
	Remember(ctx context.Context, key, value string) (stored string, fresh bool, err error)
}

// Started says which run was started and where to look at it.
type Started struct {
	ID    string `json:"id" doc:"id of the run, also its workflow id"`
	RunID string `json:"run_id" doc:"Temporal's id of the execution"`
	URL   string `json:"url" doc:"where to look at the run"`
}

// Steerer intervenes in runs.
type Steerer interface {
	// Cancel asks a run to stop after the call in flight. A run that has
	// ended is a conflict, an unknown one not found.
	Cancel(ctx context.Context, id string, s Steering) error
	// Pause makes a run stop sending and keep its target, Resume lets it go
	// on. What makes no sense, as pausing a paused run, is a conflict.
	Pause(ctx context.Context, id string, s Steering) error
	Resume(ctx context.Context, id string, s Steering) error
	// Approve lets a run's parked changes go, Reject gives them up. A run
	// that does not wait, or was decided already, is a conflict.
	Approve(ctx context.Context, id string, s Steering) error
	Reject(ctx context.Context, id string, s Steering) error
	// Retry starts a run for what failed in an ended one. Nothing to retry
	// is a conflict.
	Retry(ctx context.Context, id string, s Steering) (Started, error)
	// Undo starts a run that takes back what an ended one did. A run that
	// has not ended, was a dry run or had no effect is a conflict.
	Undo(ctx context.Context, id string, o UndoOptions) (Started, error)
}

// UndoOptions say who takes a run back and how.
type UndoOptions struct {
	Steering
	DryRun   bool             // plan only
	Approval orgflow.Approval // empty: always where the run's job says so, else on_threshold
}

// Steering says who intervenes and why.
type Steering struct {
	By     string // the named user
	Reason string
	Key    string // name of the API key that was used, "user:CODE" of who is signed in; empty without either
	From   string // address the request came from
	// Once is a text of the caller's that stands for this act: repeated with
	// it, a retry or an undo answers with the run it started first. Empty:
	// every call is an act of its own.
	Once string
}

// Origin says from where somebody intervenes, for the audit log.
func (s Steering) Origin() string {
	return strings.TrimSpace(s.Key + " " + s.From)
}

// Runs reads what is known of runs. An id nobody knows is an
// orgflow.CodeNotFound fault.
type Runs interface {
	Summary(ctx context.Context, id string) (orgflow.Summary, error)
	ListRuns(ctx context.Context, f RunFilter) (RunPage, error)
	ListChanges(ctx context.Context, id string, f ChangeFilter) (ChangePage, error)
}

// RunFilter selects runs, newest first. Zero values select everything.
type RunFilter struct {
	CompanyID int64
	Consumer  string
	Status    orgflow.Status
	Cursor    string
	Limit     int // 1 to MaxLimit
}

// RunPage is a part of a list of runs. An empty NextCursor is the end.
type RunPage struct {
	Runs       []orgflow.Summary `json:"runs"`
	NextCursor string            `json:"next_cursor"`
}

// ChangeFilter selects changes, in the plan's order.
type ChangeFilter struct {
	State  orgflow.State
	Op     orgflow.Op
	Kind   orgflow.Kind
	Cursor string
	Limit  int // 1 to MaxLimit
}

// ChangePage is a part of a list of changes. An empty NextCursor is the end.
type ChangePage struct {
	Changes    []orgflow.Change `json:"changes"`
	NextCursor string           `json:"next_cursor"`
}

// WhatIf answers what a run would do with rows that the source does not have,
// or with files that nobody has written.
type WhatIf interface {
	// WhatIf plans what is supposed for a valid job. Nothing is stored, sent or
	// started. Rows that cannot be read are one InvalidError with code
	// invalid_job that points into rows; its problems of files name them.
	WhatIf(ctx context.Context, job orgflow.Job, suppose orgflow.Supposition) (orgflow.WhatIf, error)
}

// Records reads the provisioning log.
type Records interface {
	// RecordLog returns what was sent for one record and what came back,
	// newest first. A record never sent has an empty log.
	RecordLog(ctx context.Context, target orgflow.Target, key orgflow.RecordKey, cursor string, limit int) (LogPage, error)
}

// LogEntry is one attempt at one change of a record.
type LogEntry struct {
	ID         int64           `json:"id"`
	At         time.Time       `json:"at"`
	RunID      string          `json:"run_id"`
	ChangeID   int             `json:"change_id"`
	Op         orgflow.Op      `json:"op"`
	ConsumerID string          `json:"consumer_id"`
	Attempt    int             `json:"attempt"`
	Outcome    orgflow.State   `json:"outcome"`
	VendorCode string          `json:"vendor_code,omitempty"`
	Message    string          `json:"message,omitempty"`
	Request    json.RawMessage `json:"request,omitempty" doc:"what was sent, sensitive values masked"`
	DurationMS int64           `json:"duration_ms"`
	Calls      int             `json:"calls"`
}

// LogPage is a part of a record's log. An empty NextCursor is the end.
type LogPage struct {
	Entries    []LogEntry `json:"entries"`
	NextCursor string     `json:"next_cursor"`
}

// Schedules reads and steers Temporal Schedules that orgflow owns.
type Schedules interface {
	ListSchedules(ctx context.Context) ([]Schedule, error)
	// ApplySchedules makes the server match the files and says what that
	// took; with dryRun it only says. Broken files are an InvalidError and
	// change nothing.
	ApplySchedules(ctx context.Context, dryRun bool) ([]ScheduleChange, error)
	PauseSchedule(ctx context.Context, id string, s Steering) error
	ResumeSchedule(ctx context.Context, id string, s Steering) error
	// TriggerSchedule starts one run now. Where the overlap policy skips it
	// because a former one has not ended, the fault is CodeTargetBusy.
	TriggerSchedule(ctx context.Context, id string, s Steering) error
	// BackfillSchedule starts the runs of the times from from to to, both
	// included, one after the other. from is before to.
	BackfillSchedule(ctx context.Context, id string, from, to time.Time, s Steering) error
}

// Schedule is an existing schedule and what it does next.
type Schedule struct {
	ID       string          `json:"id"`
	Workflow string          `json:"workflow" doc:"workflow type it starts"`
	Paused   bool            `json:"paused"`
	Note     string          `json:"note,omitempty" doc:"who paused or resumed it and why"`
	Next     []time.Time     `json:"next" doc:"the coming start times"`
	Recent   []ScheduleStart `json:"recent" doc:"the latest starts"`
	Starts   int             `json:"starts" doc:"runs it has started since it was made"`
	Missed   MissedRuns      `json:"missed" doc:"runs it should have started since it was made, and did not"`
}

// MissedRuns counts runs that a schedule did not start, by the reason.
type MissedRuns struct {
	CatchupWindow int `json:"catchup_window" doc:"Temporal was away for longer than the catch-up window"`
	Overlap       int `json:"overlap" doc:"an earlier run had not ended; triggers by hand are counted too"`
	Buffer        int `json:"buffer" doc:"too many runs waited behind an earlier one"`
}

// Sum is all of them.
func (m MissedRuns) Sum() int { return m.CatchupWindow + m.Overlap + m.Buffer }

// ScheduleStart is a run that a schedule has started.
type ScheduleStart struct {
	ScheduledFor time.Time `json:"scheduled_for"`
	StartedAt    time.Time `json:"started_at"`
	WorkflowID   string    `json:"workflow_id"`
	RunID        string    `json:"run_id"`
}

// ScheduleChange is one difference between the files and the server.
type ScheduleChange struct {
	ID     string        `json:"id"`
	Action string        `json:"action" enum:"create,update,delete,unchanged"`
	Fields []FieldChange `json:"fields,omitempty" doc:"what an update changes"`
}

// FieldChange is one changed field, as people read it.
type FieldChange struct {
	Field  string `json:"field"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// Events takes what consumers tell of changes made at them.
type Events interface {
	// Receive stores an event and returns what the consumer waits for. A
	// sender who is not the consumer is ErrNotAuthentic; a target that
	// receives none CodeNotFound. Any other error makes the consumer send the
	// event again.
	Receive(ctx context.Context, target orgflow.Target, query url.Values, body []byte) (answer []byte, err error)
}

// SignIn knows people by the cookie of their browser.
type SignIn interface {
	// Who says who is signed in, nil for nobody. An error is that it could not
	// be found out.
	Who(r *http.Request) (*signin.Caller, error)
	// Routes adds the pages by which people sign in and out.
	Routes(r chi.Router)
}

// Check is one thing the program cannot work without.
type Check struct {
	Name string
	Ask  func(ctx context.Context) error
}

// Links are the addresses shown on the start page; empty ones are left out.
type Links struct {
	WebUI string // Temporal Web UI
}

// Limits of pages.
const (
	DefaultLimit = 50
	MaxLimit     = 500
)

// Complete fills the maps and lists of a summary that are nil, so that its
// JSON has the shape of contract § 5 from the run's first moment.
func Complete(s orgflow.Summary) orgflow.Summary {
	if s.Fetch == nil {
		s.Fetch = map[orgflow.Kind]orgflow.FetchCount{}
	}
	if s.Plan == nil {
		s.Plan = map[orgflow.Kind]orgflow.PlanCount{}
	}
	if s.Applied == nil {
		s.Applied = map[orgflow.Kind]map[orgflow.Op]orgflow.Applied{}
	}
	s.Files = orEmpty(s.Files)
	return s
}

// orEmpty makes a list that is nil an empty one, so that answers have [] and
// not null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
