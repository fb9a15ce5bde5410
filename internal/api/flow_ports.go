package api

import (
	"context"
	"encoding/json"
	"io"
	"time"

	"orgflow"
)

// A company of 0 means the only configured one, everywhere below.

// Flows reads approval flows. A number nobody knows is FLOW_NOT_FOUND.
type Flows interface {
	ListFlows(ctx context.Context, f FlowFilter) (FlowPage, error)
	// GetFlow returns a flow with nodes, tasks, the beginning of its timeline
	// and, where the organisation is known, who comes next.
	GetFlow(ctx context.Context, company int64, no string) (FlowDetail, error)
	// FlowTimeline returns a flow's events, oldest first.
	FlowTimeline(ctx context.Context, company int64, no, cursor string, limit int) (TimelinePage, error)
	// FlowMessages returns the messages about a flow in the order in which
	// they were caused.
	FlowMessages(ctx context.Context, company int64, no, cursor string, limit int) (MessagePage, error)
	FlowStats(ctx context.Context, company int64, code string, from, to time.Time) (FlowStats, error)
	// ExportFlows writes the flows a filter selects, newest first.
	ExportFlows(ctx context.Context, f FlowFilter, format ExportFormat, w io.Writer) error

	// StoreDecision stores a decision as a board does. What it is worth is
	// decided when the flow works on it.
	StoreDecision(ctx context.Context, d NewDecision) (FlowDecision, error)
	// ListDecisions returns the stored decisions on a flow in their order.
	ListDecisions(ctx context.Context, company int64, no string) ([]FlowDecision, error)
}

// FlowFilter selects flows, newest first. Zero values select everything.
type FlowFilter struct {
	CompanyID int64
	Code      string
	States    []orgflow.FlowState
	Initiator string    // user code
	Assignee  string    // user code of somebody with an ACTIVE task
	DataID    string    // id of the form's row
	From, To  time.Time // started at From or later, before To
	Cursor    string
	Limit     int // 1 to MaxLimit
}

// ExportFormat is how an export is written.
type ExportFormat string

// The formats.
const (
	ExportNDJSON ExportFormat = "ndjson" // a FlowExport per line
	ExportCSV    ExportFormat = "csv"    // a task per row, for spreadsheets
)

// FlowPerson is somebody as named when it happened.
type FlowPerson struct {
	UserCode string `json:"user_code"`
	UserName string `json:"user_name"`
	DeptName string `json:"dept_name,omitempty"`
}

// Flow is an approval flow as lists show it.
type Flow struct {
	No           string            `json:"flow_running_number"`
	Code         string            `json:"flow_code"`
	Version      int               `json:"version" doc:"of the definition it runs on"`
	CompanyID    int64             `json:"company_id"`
	DataID       string            `json:"data_id" doc:"id of the form's row"`
	Title        string            `json:"title"`
	Initiator    FlowPerson        `json:"initiator"`
	State        orgflow.FlowState `json:"state"`
	Round        int               `json:"round"`
	StateRev     int64             `json:"state_rev" doc:"grows by one with every step"`
	CurrentNodes []int             `json:"current_nodes" doc:"seqs of the nodes that are ACTIVE"`
	StartedAt    time.Time         `json:"started_at"`
	ClosedAt     *time.Time        `json:"closed_at"`
}

// FlowPage is a part of a list of flows. An empty NextCursor is the end.
type FlowPage struct {
	Flows      []Flow `json:"flows"`
	NextCursor string `json:"next_cursor"`
}

// FlowNode is a visit: a node that was entered once.
type FlowNode struct {
	ID        int64              `json:"id" doc:"of the visit"`
	NodeSeq   int                `json:"node_seq"`
	Round     int                `json:"round"`
	Type      string             `json:"type"`
	Name      string             `json:"name"`
	State     orgflow.VisitState `json:"state"`
	Cause     string             `json:"cause,omitempty"`
	EnteredAt *time.Time         `json:"entered_at"`
	LeftAt    *time.Time         `json:"left_at"`
}

// FlowTask is one person's part of one visit.
type FlowTask struct {
	ID          int64             `json:"id"`
	NodeSeq     int               `json:"node_seq"`
	Round       int               `json:"round"`
	Visit       int64             `json:"visit"`
	Kind        string            `json:"kind"`
	UserCode    string            `json:"user_code"`
	UserName    string            `json:"user_name"`
	State       orgflow.TaskState `json:"state"`
	Cause       string            `json:"cause,omitempty"`
	OpenedAt    *time.Time        `json:"opened_at"`
	DoneAt      *time.Time        `json:"done_at"`
	DueAt       *time.Time        `json:"due_at"`
	LastUrgedAt *time.Time        `json:"last_urged_at"`
	Urges       int               `json:"urges"`
}

// FlowEvent is a line of a flow's timeline.
type FlowEvent struct {
	Rev       int64           `json:"rev" doc:"the step it belongs to"`
	N         int64           `json:"n"`
	Type      string          `json:"type"`
	Round     int             `json:"round"`
	NodeSeq   *int            `json:"node_seq,omitempty"`
	Visit     *int64          `json:"visit,omitempty"`
	Task      *int64          `json:"task,omitempty"`
	Actor     string          `json:"actor" doc:"user code; empty is orgflow itself"`
	ActorName string          `json:"actor_name"`
	At        time.Time       `json:"at"`
	Data      json.RawMessage `json:"data,omitempty"`
}

// TimelinePage is a part of a timeline. An empty NextCursor is the end.
type TimelinePage struct {
	Timeline   []FlowEvent `json:"timeline"`
	NextCursor string      `json:"next_cursor"`
}

// FlowMessage is a message about a flow and what became of it. Its text is
// not shown.
type FlowMessage struct {
	ID        int64      `json:"id"`
	Channel   string     `json:"channel"`
	UserCode  string     `json:"user_code"`
	Kind      string     `json:"kind"`
	TaskID    *int64     `json:"task_id,omitempty"`
	State     string     `json:"state" enum:"pending,sent,delivered,dropped,dead,superseded" doc:"dropped: the provider took it and did not deliver it; dead: given up; superseded: no longer true before it was sent"`
	Tries     int        `json:"tries"`
	Note      string     `json:"note,omitempty" doc:"what came back last"`
	CreatedAt time.Time  `json:"created_at"`
	SentAt    *time.Time `json:"sent_at"`
	SettledAt *time.Time `json:"settled_at"`
}

// MessagePage is a part of the messages of a flow. An empty NextCursor is
// the end.
type MessagePage struct {
	Messages   []FlowMessage `json:"messages"`
	NextCursor string        `json:"next_cursor"`
}

// NextApprovers is a node that people will have, if everybody before
// approves.
type NextApprovers struct {
	NodeSeq int      `json:"node_seq"`
	Name    string   `json:"name"`
	Users   []string `json:"user_codes"`
	Sign    string   `json:"sign,omitempty"`
	Skip    string   `json:"skip,omitempty" doc:"nobody will have to act: why"`
	Fault   string   `json:"fault,omitempty" doc:"the flow would get stuck here: why"`
	Next    bool     `json:"next" doc:"follows directly on the current nodes"`
}

// FlowDetail is a flow as a whole (contract § 4).
type FlowDetail struct {
	Flow
	Nodes    []FlowNode  `json:"nodes" doc:"visits, in their order"`
	Tasks    []FlowTask  `json:"tasks"`
	Timeline []FlowEvent `json:"timeline" doc:"up to 1000 events, oldest first"`
	// TimelineCursor is where the timeline goes on, empty at its end.
	TimelineCursor string          `json:"timeline_cursor"`
	Upcoming       []NextApprovers `json:"upcoming,omitempty" doc:"who comes next; absent where it cannot be told"`
}

// FlowExport is a flow in an export.
type FlowExport struct {
	Flow
	Nodes []FlowNode `json:"nodes"`
	Tasks []FlowTask `json:"tasks"`
}

// Spread describes durations, in seconds. P50 and P90 occurred.
type Spread struct {
	Count int     `json:"count"`
	P50   float64 `json:"p50_seconds"`
	P90   float64 `json:"p90_seconds"`
	Mean  float64 `json:"mean_seconds"`
}

// FlowStats says how the flows of a code fare.
type FlowStats struct {
	FlowCode string                       `json:"flow_code"`
	States   map[orgflow.FlowState]int    `json:"states" doc:"flows by state"`
	Duration map[orgflow.FlowState]Spread `json:"duration" doc:"from launch to the end, by final state"`
	Nodes    []FlowNodeStats              `json:"nodes" doc:"how long nodes keep flows waiting, by seq"`
}

// FlowNodeStats says how long a node keeps flows waiting.
type FlowNodeStats struct {
	NodeSeq int     `json:"node_seq"`
	Name    string  `json:"name"`
	Waiting Spread  `json:"waiting" doc:"of visits that are over and were not skipped"`
	Open    int     `json:"open" doc:"visits that are ACTIVE"`
	Oldest  float64 `json:"oldest_seconds" doc:"how long the oldest of them has waited"`
}

// NewDecision is a decision to be stored, checked for its form.
type NewDecision struct {
	CompanyID   int64
	No          string
	NodeSeq     int
	UserCode    string
	UserName    string
	Decision    orgflow.Verdict
	Comment     string
	ToNodeSeq   *int
	TargetUsers []string
	TaskID      *int64
	Attachments json.RawMessage // a JSON list; nil: none
	FormRev     *int64
}

// FlowDecision is a stored decision.
type FlowDecision struct {
	ID          int64                `json:"id" doc:"ascending in the order of storage"`
	No          string               `json:"flow_running_number"`
	Round       int                  `json:"round"`
	NodeSeq     int                  `json:"node_seq"`
	TaskID      *int64               `json:"task_id,omitempty"`
	UserCode    string               `json:"user_code"`
	UserName    string               `json:"user_name,omitempty"`
	Decision    orgflow.Verdict      `json:"decision"`
	Comment     string               `json:"comment"`
	ToNodeSeq   *int                 `json:"to_node_seq,omitempty"`
	TargetUsers []string             `json:"target_users,omitempty"`
	Attachments json.RawMessage      `json:"attachments,omitempty"`
	FormRev     *int64               `json:"form_rev,omitempty"`
	StoredAt    time.Time            `json:"stored_at"`
	Outcome     orgflow.AuditOutcome `json:"outcome" doc:"empty while the flow has not worked on it"`
	AppliedAt   *time.Time           `json:"applied_at"`
	Defect      string               `json:"defect,omitempty" doc:"why a row of a board cannot be read"`
}
