package orgflow

import (
	"fmt"
	"time"
)

// PullInput is what a pull is asked for: {"company_id": 129}.
type PullInput struct {
	CompanyID int64 `json:"company_id"`
	// Origin is the consumer whose organisation is pulled: ding_talk (default)
	// or we_com.
	Origin string `json:"origin,omitempty"`
	// DeleteLimit bounds the removals, as a job's delete_limit does.
	DeleteLimit *DeleteLimit `json:"delete_limit,omitempty"`
	// Supervisors asks for each person's supervisor where the lists do not
	// show it, for one more call a person.
	Supervisors bool `json:"supervisors,omitempty"`
}

// WithDefaults returns the input with every absent optional key set.
func (p PullInput) WithDefaults() PullInput {
	if p.Origin == "" {
		p.Origin = "ding_talk"
	}
	if p.DeleteLimit == nil {
		limit := defaultDeleteLimit
		p.DeleteLimit = &limit
	}
	return p
}

// Target returns what is read.
func (p PullInput) Target() Target { return Target{CompanyID: p.CompanyID, Consumer: p.Origin} }

// OrgPullID builds the workflow id of a pull started by CLI or HTTP:
// "org-pull-129-ding_talk-20261121T0100Z-7f3a9c".
func OrgPullID(t Target, at time.Time, suffix string) string {
	return fmt.Sprintf("org-pull-%d-%s-%s-%s", t.CompanyID, t.Consumer, at.UTC().Format("20060102T1504Z"), suffix)
}

// OrgUnit is a department of the local organisation. Its ID is orgflow's own
// and stays through renames, moves, removal and return.
type OrgUnit struct {
	ID             int64
	RemoteID       string
	ParentID       int64  // 0 for the root
	ParentRemoteID string // empty for the root
	Name           string
	// Code is the department's id at the source where orgflow created it, else
	// the key another system gave it; empty without either.
	Code     string
	Position int64 // among its siblings, smaller first
}

// OrgMember is a person of the local organisation, once however many
// departments they are in.
type OrgMember struct {
	ID         int64
	UserID     string // at the origin
	JobNumber  string // not unique at DingTalk
	Name       string
	Title      string
	Mobile     string
	Supervisor string // userid; empty: none, or not known
	Active     bool   // has ever signed in
}

// UserCode is what flows call the member by: the job number, else the userid.
func (m OrgMember) UserCode() string {
	if m.JobNumber != "" {
		return m.JobNumber
	}
	return m.UserID
}

// OrgSeat is a member's place in a department.
type OrgSeat struct {
	UnitID       int64
	MemberID     int64
	UnitRemoteID string
	UserID       string
	Position     int64 // in the department, larger first
	Leader       bool  // manages the department, as the origin reports
	Main         bool  // of the member's departments
}

// OrgTree is an organisation at one moment.
type OrgTree struct {
	Units   []OrgUnit
	Members []OrgMember
	Seats   []OrgSeat
}

// OrgVersion is an organisation as one pull left it. Versions of a company
// and origin count from 1 and never change.
type OrgVersion struct {
	Version   int64     `json:"version"`
	CompanyID int64     `json:"company_id"`
	Origin    string    `json:"origin"`
	PullID    string    `json:"pull_id"`
	At        time.Time `json:"at"`
	Units     int       `json:"departments"` // the root included
	Members   int       `json:"members"`
}

// OrgCount counts what a pull did to departments or members.
type OrgCount struct {
	Added   int `json:"added"`
	Changed int `json:"changed"`
	Removed int `json:"removed"`
	// Parked are removals that a safeguard stopped.
	Parked int `json:"parked"`
}

// OrgChange is a difference between two versions.
type OrgChange struct {
	Kind   Kind            `json:"kind"` // org or person
	Op     Op              `json:"op"`
	ID     int64           `json:"id"`
	Remote string          `json:"remote_id"`
	Name   string          `json:"name"`
	Fields map[string]Diff `json:"fields,omitempty"`
}

// PullSummary is a pull as users see it: CLI, HTTP, Web UI and console. It
// holds ids and counts only.
type PullSummary struct {
	ID        string `json:"id"`
	RunID     string `json:"run_id"`
	CompanyID int64  `json:"company_id"`
	Origin    string `json:"origin"`
	Status    Status `json:"status"`
	Phase     Phase  `json:"phase"` // prepare, fetch, plan
	// Departments and Members are what was read so far, the root included and
	// everybody counted once.
	Departments int `json:"departments"`
	Members     int `json:"members"`
	// Calls are those that read lists of departments and members; OtherCalls
	// the rest: tokens, the permission probe, single records.
	Calls      int    `json:"calls"`
	OtherCalls int    `json:"other_calls"`
	Throttled  int    `json:"throttled"`
	Complete   bool   `json:"complete"` // everything was seen
	Cause      string `json:"cause,omitempty"`
	// Version is what the pull made of the organisation; 0 while it has not.
	Version        int64             `json:"version"`
	Changes        map[Kind]OrgCount `json:"changes"`
	ParkedRemovals int               `json:"parked_removals"`
	StartedAt      time.Time         `json:"started_at"`
	FinishedAt     *time.Time        `json:"finished_at"`
	Error          *Fault            `json:"error"`
	Notes          []string          `json:"notes,omitempty"`
}
