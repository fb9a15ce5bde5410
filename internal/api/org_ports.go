package api

import (
	"context"
	"encoding/json"
	"time"

	"orgflow"
)

// Orgs pulls organisations into the local one and shows it. An id nobody
// knows is an orgflow.CodeNotFound fault.
type Orgs interface {
	// StartPull starts a pull, under an id of its own where opts names none.
	// raw is checked whole first; a bad one is an *orgflow.InvalidError and
	// starts nothing. A taken id is a conflict, except with
	// opts.IdempotencyKey: then the pull that has it is the answer.
	StartPull(ctx context.Context, raw json.RawMessage, opts StartOptions) (Started, error)
	PullSummary(ctx context.Context, id string) (orgflow.PullSummary, error)
	ListPulls(ctx context.Context, company int64, cursor string, limit int) (PullPage, error)
	// CancelPull ends a pull after the calls in flight; what it has read is
	// dropped. One that has ended is a conflict.
	CancelPull(ctx context.Context, id string, s Steering) error
	// DecidePull lets the parked removals of a waiting pull go, or not. One
	// that does not wait is a conflict.
	DecidePull(ctx context.Context, id string, approve bool, s Steering) error

	OrgTree(ctx context.Context, q OrgQuery) (OrgNode, error)
	OrgVersions(ctx context.Context, q OrgQuery, cursor string, limit int) (VersionPage, error)
	OrgDiff(ctx context.Context, q OrgQuery, from, to int64) (OrgDiff, error)
	// UnitMembers are the direct members of a department of the newest version.
	UnitMembers(ctx context.Context, unit int64, cursor string, limit int) (MemberPage, error)
	// SearchMembers finds who has a text in name, mobile number, job number or
	// userid.
	SearchMembers(ctx context.Context, q OrgQuery, text, cursor string, limit int) (MemberPage, error)
}

// OrgQuery says whose organisation is asked for, and which version of it.
type OrgQuery struct {
	CompanyID int64     // 0: the only configured company
	Origin    string    // empty: DingTalk's where it was pulled, else WeCom's
	Version   int64     // 0: the newest, or that of AsOf
	AsOf      time.Time // zero: now
}

// PullPage is a part of a list of pulls. An empty NextCursor is the end.
type PullPage struct {
	Pulls      []orgflow.PullSummary `json:"pulls"`
	NextCursor string                `json:"next_cursor"`
}

// OrgNode is a department with those below it.
type OrgNode struct {
	ID          int64     `json:"id" doc:"orgflow's own; stays through renames and moves"`
	Name        string    `json:"name"`
	RemoteID    string    `json:"remote_id" doc:"its id at the origin"`
	Code        string    `json:"code,omitempty"`
	MemberCount int       `json:"member_count" doc:"people in it and in all departments below, each once"`
	DirectCount int       `json:"direct_count" doc:"people in the department itself"`
	Children    []OrgNode `json:"children"`
}

// VersionPage is a part of the versions of an organisation, newest first. An
// empty NextCursor is the end.
type VersionPage struct {
	Versions   []orgflow.OrgVersion `json:"versions"`
	NextCursor string               `json:"next_cursor"`
}

// OrgDiff is what is different between two versions of an organisation.
type OrgDiff struct {
	From    orgflow.OrgVersion                `json:"from"`
	To      orgflow.OrgVersion                `json:"to"`
	Counts  map[orgflow.Kind]orgflow.OrgCount `json:"counts"`
	Changes []orgflow.OrgChange               `json:"changes"`
}

// OrgMember is a member as lists show them.
type OrgMember struct {
	ID          int64           `json:"id" doc:"orgflow's own"`
	UserID      string          `json:"user_id"`
	JobNumber   string          `json:"job_number"`
	Name        string          `json:"name"`
	Title       string          `json:"title"`
	Active      bool            `json:"active" doc:"has ever signed in at the origin"`
	Supervisor  string          `json:"supervisor,omitempty" doc:"user_id, where it is known"`
	Departments []OrgDepartment `json:"departments" doc:"the main one first"`
}

// OrgDepartment is a department of a member.
type OrgDepartment struct {
	ID     int64  `json:"id"`
	Name   string `json:"name"`
	Leader bool   `json:"leader" doc:"manages it"`
	Main   bool   `json:"main"`
}

// MemberPage is a part of a list of members. An empty NextCursor is the end.
type MemberPage struct {
	Members    []OrgMember `json:"members"`
	NextCursor string      `json:"next_cursor"`
}
