package orgflow

import "time"

// Status is where a run stands (contract § 5).
type Status string

// Statuses of a run.
const (
	StatusRunning               Status = "running"
	StatusPaused                Status = "paused"
	StatusAwaitingApproval      Status = "awaiting_approval"
	StatusCompleted             Status = "completed"
	StatusCompletedWithFailures Status = "completed_with_failures"
	StatusRejected              Status = "rejected"
	StatusSuperseded            Status = "superseded"
	StatusFailed                Status = "failed"
	StatusCanceled              Status = "canceled"
)

// Terminal tells whether the run has ended.
func (s Status) Terminal() bool {
	return s != StatusRunning && s != StatusPaused && s != StatusAwaitingApproval
}

// Phase names what a run is doing now; during apply it is one of the six
// canonical phases.
type Phase string

// Phases before the six of the canonical order. A run that has ended keeps
// the phase it ended in.
const (
	PhasePrepare Phase = "prepare"
	PhaseFetch   Phase = "fetch"
	PhasePlan    Phase = "plan"
	// PhaseSwap is that of a load that has read everything: indexes, checks,
	// the new table in the place of the old.
	PhaseSwap Phase = "swap"
)

// PhaseOf returns the canonical phase of an operation: "person_insert".
func PhaseOf(k Kind, op Op) Phase { return Phase(string(k) + "_" + string(op)) }

// Summary is the run as users see it: CLI, HTTP, Web UI and console.
type Summary struct {
	ID            string                  `json:"id"`
	RunID         string                  `json:"run_id"`
	CompanyID     int64                   `json:"company_id"`
	Consumer      string                  `json:"consumer"`
	Status        Status                  `json:"status"`
	Paused        *Pause                  `json:"paused,omitempty"`
	Phase         Phase                   `json:"phase"`
	DryRun        bool                    `json:"dry_run,omitempty"`
	Progress      Progress                `json:"progress"`
	StartedAt     time.Time               `json:"started_at"`
	FinishedAt    *time.Time              `json:"finished_at"`
	Fetch         map[Kind]FetchCount     `json:"fetch"`
	Plan          map[Kind]PlanCount      `json:"plan"`
	Applied       map[Kind]map[Op]Applied `json:"applied"`
	ParkedDeletes int                     `json:"parked_deletes"`
	Calls         int                     `json:"calls"`
	Throttled     int                     `json:"throttled"`
	TokenRenewals int                     `json:"token_renewals"`
	Error         *Fault                  `json:"error"`
	Files         []UsedFile              `json:"files"`
	Notes         []string                `json:"notes,omitempty"`
	// Undoes is the run whose changes this one takes back.
	Undoes string `json:"undoes,omitempty"`
	// Irreversible lists what of the plan no undo could bring back; known
	// before the first change is sent.
	Irreversible []Irreversible `json:"irreversible,omitempty"`
}

// Irreversible is a part of a plan that an undo cannot bring back.
type Irreversible struct {
	Kind  Kind   `json:"kind"`
	Op    Op     `json:"op"`
	Count int    `json:"count"` // changes it is true of
	Why   string `json:"why"`   // for people; names fields, never values
}

// Pause says who made a run stop sending, why and since when. The run keeps
// its target until somebody resumes or cancels it.
type Pause struct {
	By     string    `json:"by"`
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
}

// String returns the pause as one clause: "by E1001: DingTalk is being moved".
func (p Pause) String() string { return "by " + Decision{By: p.By, Reason: p.Reason}.String() }

// Progress counts changes: those with a final state and all of them.
type Progress struct {
	Done  int `json:"done"`
	Total int `json:"total"`
}

// FetchCount says how a kind was read. Complete is the proof that every
// record was seen; without it no delete is planned.
type FetchCount struct {
	Read     int    `json:"read"`
	Staged   int    `json:"staged"`
	Rejected int    `json:"rejected"`
	Complete bool   `json:"complete"`
	Cause    string `json:"cause,omitempty"` // why it is not complete
}

// PlanCount counts records by what the plan does with them. References are
// second-pass changes of inserted records (leaders), not counted elsewhere.
type PlanCount struct {
	Insert     int `json:"insert"`
	Update     int `json:"update"`
	Delete     int `json:"delete"`
	Unchanged  int `json:"unchanged"`
	Held       int `json:"held"`
	References int `json:"references,omitempty"`
	// Invited are persons who were invited and are looked for.
	Invited int `json:"invited,omitempty"`
}

// Applied counts outcomes of one operation on one kind. Pending is what is
// neither done, failed nor blocked: planned, parked, invited.
type Applied struct {
	Done    int `json:"done"`
	Failed  int `json:"failed"`
	Blocked int `json:"blocked"`
	Pending int `json:"pending"`
}

// UsedFile says which meta file a run used: name, layer and content hash.
type UsedFile struct {
	Name   string `json:"name"`
	Layer  string `json:"layer"` // company or shipped
	SHA256 string `json:"sha256"`
}
