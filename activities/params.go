package activities

import (
	"encoding/json"

	"orgflow"
	"orgflow/connectors"
)

// PrepareParams starts a run. Job is the JSON as the user gave it.
type PrepareParams struct {
	Job        json.RawMessage `json:"job"`
	WorkflowID string          `json:"workflow_id"`
	FirstRunID string          `json:"first_run_id"`
}

// Prepared is what a workflow has to know of its run. On a continued or
// repeated execution it says how far the run had come.
type Prepared struct {
	RunID    string           `json:"run_id"`
	Target   orgflow.Target   `json:"target"`
	DryRun   bool             `json:"dry_run"`
	Approval orgflow.Approval `json:"approval"`
	Kinds    []orgflow.Kind   `json:"kinds"` // to fetch, departments first; empty without the stage
	// Remote: what the consumer holds has to be read before the plan.
	Remote  bool            `json:"remote"`
	Send    bool            `json:"send"`
	Fetched bool            `json:"fetched"`
	Plan    *Planned        `json:"plan,omitempty"`
	Summary orgflow.Summary `json:"summary"`
}

// FetchParams asks for the next pages of a kind.
type FetchParams struct {
	RunID string       `json:"run_id"`
	Kind  orgflow.Kind `json:"kind"`
	From  FetchCursor  `json:"from"`
}

// FetchCursor is where a read stands between activities and heartbeats:
// position and counts, never rows.
type FetchCursor struct {
	Snapshot int64              `json:"snapshot,omitempty"`
	Page     string             `json:"page,omitempty"`
	Reading  connectors.Reading `json:"reading"`
	Done     bool               `json:"done"`
}

// Fetched reports a read.
type Fetched struct {
	Cursor FetchCursor        `json:"cursor"`
	Count  orgflow.FetchCount `json:"count"`
}

// RemoteCount reports a read of what the consumer holds.
type RemoteCount struct {
	Departments int `json:"departments"` // below the root
	Persons     int `json:"persons"`
	Calls       int `json:"calls"`
	// Done: nothing is left to read or the read failed for good. Until then
	// the activity is asked again.
	Done bool `json:"done"`
	// Complete: everything was seen. Nothing may be concluded from what is
	// missing in any other read; Cause says why it is not.
	Complete bool   `json:"complete"`
	Cause    string `json:"cause,omitempty"`
}

// RunParams names a run, for steps that need nothing else.
type RunParams struct {
	RunID string `json:"run_id"`
	// Wait makes HoldTarget wait for its turn whatever the job says: an
	// approved run has been waiting long enough.
	Wait bool `json:"wait,omitempty"`
}

// SettleParams decides parked changes; Note says who did and why.
type SettleParams struct {
	RunID string `json:"run_id"`
	Note  string `json:"note"`
}

// Planned describes a frozen plan: counts and waves, never changes.
type Planned struct {
	Hash          string                             `json:"hash"`
	Counts        map[orgflow.Kind]orgflow.PlanCount `json:"counts"`
	Waves         []Wave                             `json:"waves"`
	Total         int                                `json:"total"`
	Settled       int                                `json:"settled"`        // with a final state, second passes included
	Parked        int                                `json:"parked"`         // changes waiting for a decision
	ParkedDeletes int                                `json:"parked_deletes"` // deletes among them
	Irreversible  []orgflow.Irreversible             `json:"irreversible,omitempty"`
	// PageSize is how many changes the consumer takes at a time; 0 leaves it
	// to the workflow.
	PageSize int `json:"page_size,omitempty"`
	// Push: the changes go as a push of everybody who shall exist.
	Push bool                                            `json:"push,omitempty"`
	Done map[orgflow.Kind]map[orgflow.Op]orgflow.Applied `json:"done"`
}

// Wave is a range of change ids that may run at the same time.
type Wave struct {
	No    int           `json:"no"`
	Phase orgflow.Phase `json:"phase"`
	From  int           `json:"from"`
	To    int           `json:"to"`
	// Import: the changes go as import jobs, so many at a time; 0: by
	// themselves.
	Import int `json:"import,omitempty"`
	// PageSize is how many of the changes one call takes; 0 leaves it to the
	// plan.
	PageSize int `json:"page_size,omitempty"`
}

// PauseParams pauses a run.
type PauseParams struct {
	RunID string        `json:"run_id"`
	Pause orgflow.Pause `json:"pause"`
}

// ResumeParams lets a run go on; By is empty when nobody had paused it.
type ResumeParams struct {
	RunID string `json:"run_id"`
	By    string `json:"by,omitempty"`
}

// ApplyParams asks for one page of a wave.
type ApplyParams struct {
	RunID string        `json:"run_id"`
	Phase orgflow.Phase `json:"phase"`
	From  int           `json:"from"`
	To    int           `json:"to"`
	// Insist: the run has just got its target back and gives way to nobody
	// before this page is sent.
	Insist bool `json:"insist,omitempty"`
	// Import: as an import job, as far as the consumer's files carry it.
	Import bool `json:"import,omitempty"`
}

// PageResult counts the outcomes of a page, whichever attempt reached them.
type PageResult struct {
	// Settled counts changes with a final state, second passes included.
	Settled int                                             `json:"settled"`
	Done    map[orgflow.Kind]map[orgflow.Op]orgflow.Applied `json:"done"`
	Calls   int                                             `json:"calls"`
	// Yield: a run for single records waits for the target. What of the page
	// is not settled was not sent.
	Yield bool `json:"yield,omitempty"`
}

// PushParams asks for the next step of a push in a round.
type PushParams struct {
	RunID string `json:"run_id"`
	Round int    `json:"round"`
	From  int    `json:"from,omitempty"` // SettlePush: position of the first record
}

// Pushing is where a push stands.
type Pushing struct {
	Round int `json:"round"`
	// Next is the first record that is not in the task yet, Total the last.
	Next  int          `json:"next"`
	Total int          `json:"total"`
	Kind  orgflow.Kind `json:"kind,omitempty"` // of the records added last
	// Lost: the consumer does not know the task any more, or nobody knows
	// whether it was completed. Prepare again.
	Lost bool `json:"lost,omitempty"`
	// Declined says why there is no push: the changes go by themselves.
	Declined string `json:"declined,omitempty"`
	// Completed: the consumer holds what was pushed; outcomes are to be
	// recorded.
	Completed bool `json:"completed,omitempty"`
	Calls     int  `json:"calls,omitempty"`
}

// SettledPage counts the outcomes of a push's records up to Next.
type SettledPage struct {
	Next int        `json:"next"`
	Page PageResult `json:"page"`
}

// FinishParams ends a run. A nil Fault lets the outcomes decide the status.
type FinishParams struct {
	RunID    string         `json:"run_id"`
	Canceled bool           `json:"canceled"`
	Status   orgflow.Status `json:"status,omitempty"` // rejected or superseded; empty: the outcomes decide
	Fault    *orgflow.Fault `json:"fault,omitempty"`
}
