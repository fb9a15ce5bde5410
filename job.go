package orgflow

import (
	"cmp"
	"encoding/json"
	"slices"
)

// Job is what a user asks for: the JSON of the seed documents plus the
// optional keys of spec § 3.1. Package meta decodes and validates it against
// its JSON Schema; a Job in hand is valid and has its defaults filled in.
type Job struct {
	Services  []string `json:"services"`
	Consumer  string   `json:"consumer"`
	CompanyID int64    `json:"company_id"`
	Params    Params   `json:"params"`
}

// Params steer a job. Unknown keys are refused, except inside ExtraProperty.
type Params struct {
	// ExtraProperty is passed on to the gateway unchanged; its key "state"
	// also selects the fetch meta file.
	ExtraProperty map[string]json.RawMessage `json:"extra_property,omitempty"`
	// FilterDict is the flat filter, or one filter per service name (spec § 3.3).
	FilterDict map[string]json.RawMessage `json:"filter_dict,omitempty"`

	Stages       []Stage      `json:"stages,omitempty"`
	Operations   []Op         `json:"operations,omitempty"`
	Mode         Mode         `json:"mode,omitempty"`
	DryRun       bool         `json:"dry_run,omitempty"`
	Approval     Approval     `json:"approval,omitempty"`
	DeleteLimit  *DeleteLimit `json:"delete_limit,omitempty"`
	OnLimit      OnLimit      `json:"on_limit,omitempty"`
	MobileChange MobileChange `json:"mobile_change,omitempty"`
	SourceIDs    []string     `json:"source_ids,omitempty"`
	Scope        string       `json:"scope,omitempty"`
	OnRunning    OnRunning    `json:"on_running,omitempty"`
	// Undo is the id of a run of the same target whose changes this one takes
	// back. Such a job reads no source; its services, its scope are that run's.
	Undo string `json:"undo,omitempty"`
}

// Stage is a part of a job that can run alone.
type Stage string

// Stages: fetch reads the source into base_sync_data, send plans and applies.
const (
	StageFetch Stage = "fetch"
	StageSend  Stage = "send"
)

// Mode says what a plan compares with.
type Mode string

// Modes of a job.
const (
	Incremental Mode = "incremental" // with what the consumer last accepted
	Full        Mode = "full"        // with nothing: everything is sent again
	Reconcile   Mode = "reconcile"   // with what the consumer holds now
)

// Approval says whom a plan waits for.
type Approval string

// Approval policies of a job.
const (
	ApprovalNever       Approval = "never"
	ApprovalOnThreshold Approval = "on_threshold"
	ApprovalAlways      Approval = "always"
)

// DeleteLimit trips when the deletes of a kind exceed Count, or Percent of
// the managed records (a share is judged only above 3 deletes).
type DeleteLimit struct {
	Percent float64 `json:"percent"`
	Count   int     `json:"count"`
}

// OnLimit says what a tripped delete limit does.
type OnLimit string

// Reactions to a tripped delete limit.
const (
	LimitPark OnLimit = "park" // the deletes wait, everything else runs
	LimitStop OnLimit = "stop" // the run stops
)

// MobileChange says what to do where a consumer cannot change a number.
type MobileChange string

// Reactions to a changed mobile number.
const (
	MobileRecreate MobileChange = "recreate" // delete and insert as one unit (seed 4)
	MobileReport   MobileChange = "report"   // needs_human
)

// OnRunning says what a run does when another one holds its target.
type OnRunning string

// Reactions to a held target.
const (
	RunningFail OnRunning = "fail"
	RunningWait OnRunning = "wait"
)

// Defaults of spec § 3.1.
var (
	defaultStages      = []Stage{StageFetch, StageSend}
	defaultOperations  = []Op{Insert, Update, Delete}
	defaultDeleteLimit = DeleteLimit{Percent: 10, Count: 200}
)

// DefaultScope owns the bindings of jobs that name no scope.
const DefaultScope = "default"

// WithDefaults returns the job with every absent optional key set.
func (j Job) WithDefaults() Job {
	p := &j.Params
	if p.Undo != "" {
		p.Stages = []Stage{StageSend} // there is nothing to fetch
	}
	if len(p.Stages) == 0 {
		p.Stages = slices.Clone(defaultStages)
	}
	if len(p.Operations) == 0 {
		p.Operations = slices.Clone(defaultOperations)
	}
	p.Mode = cmp.Or(p.Mode, Incremental)
	p.Approval = cmp.Or(p.Approval, ApprovalOnThreshold)
	p.OnLimit = cmp.Or(p.OnLimit, LimitPark)
	p.MobileChange = cmp.Or(p.MobileChange, MobileRecreate)
	p.Scope = cmp.Or(p.Scope, DefaultScope)
	p.OnRunning = cmp.Or(p.OnRunning, RunningFail)
	if p.DeleteLimit == nil {
		limit := defaultDeleteLimit
		p.DeleteLimit = &limit
	}
	return j
}

// Target returns what the job writes to.
func (j Job) Target() Target { return Target{CompanyID: j.CompanyID, Consumer: j.Consumer} }

// Has tells whether the job contains the stage.
func (j Job) Has(s Stage) bool { return slices.Contains(j.Params.Stages, s) }

// State returns extra_property.state, the name of a fetch meta file, if the
// job gives one as a text.
func (j Job) State() string {
	var s string
	if raw, ok := j.Params.ExtraProperty["state"]; ok {
		_ = json.Unmarshal(raw, &s) // anything but a text names no file
	}
	return s
}

// Decision is what a named user says to a run that waits.
type Decision struct {
	By     string `json:"by"` // an account, needed
	Reason string `json:"reason,omitempty"`
}

// String returns who decided and why.
func (d Decision) String() string {
	if d.Reason == "" {
		return d.By
	}
	return d.By + ": " + d.Reason
}
