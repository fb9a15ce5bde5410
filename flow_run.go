package orgflow

import (
	"encoding/json"
	"time"
)

// FlowRun is the input of the workflow ApprovalFlow: which flow it carries
// on, and the round that shall run. Everything else stands in the database.
type FlowRun struct {
	CompanyID int64  `json:"company_id"`
	No        string `json:"flow_running_number"`
	Round     int    `json:"round"` // from 1
}

// FlowCommandKind names what happens to a flow.
type FlowCommandKind string

// The commands of a flow's workflow.
const (
	FlowBegin       FlowCommandKind = "begin" // launch, open the round, or look where the flow is
	FlowAudit       FlowCommandKind = "audit"
	FlowRelaunch    FlowCommandKind = "relaunch"
	FlowDiscard     FlowCommandKind = "discard"
	FlowUrge        FlowCommandKind = "urge"
	FlowWithdraw    FlowCommandKind = "withdraw"
	FlowRetract     FlowCommandKind = "retract"
	FlowJump        FlowCommandKind = "jump"
	FlowRepair      FlowCommandKind = "repair"
	FlowWake        FlowCommandKind = "wake"
	FlowAbsence     FlowCommandKind = "absence"
	FlowChildDone   FlowCommandKind = "child_done"
	FlowTriggerDone FlowCommandKind = "trigger_done"
)

// FlowCommand is something that happens to a flow. It travels in Temporal's
// histories: ids, codes and counts, never names or opinions.
type FlowCommand struct {
	Kind FlowCommandKind `json:"kind"`
	By   string          `json:"by,omitempty"` // user code; of absence: who is away
	// System says that the service itself discards.
	System bool `json:"system,omitempty"`
	// Round is the one that begin shall run.
	Round int `json:"round,omitempty"`
	// MaxAudit bounds the decisions that audit works on; 0 is all.
	MaxAudit    int64    `json:"max_audit,omitempty"`
	NextNodeSeq *int     `json:"next_node_seq,omitempty"`
	Depts       []string `json:"depts,omitempty"` // codes of departments
	From        *int     `json:"from,omitempty"`  // seq, of jump
	To          *int     `json:"to,omitempty"`    // seq, of jump and repair
	Action      string   `json:"action,omitempty"`
	Visit       int      `json:"visit,omitempty"` // of child_done and trigger_done
	State       string   `json:"state,omitempty"` // how the child ended
	OK          bool     `json:"ok,omitempty"`    // of trigger_done
	Message     string   `json:"message,omitempty"`
	// Refused says why there can be no child, of child_done.
	Refused string `json:"refused,omitempty"`
	// Asked says that what the call asks for is stored with decision MaxAudit.
	Asked bool `json:"asked,omitempty"`
}

// FlowRefusal says that a call was not carried out and the flow is as it was.
type FlowRefusal struct {
	Code       string        `json:"code"`
	Message    string        `json:"message"`
	RetryAfter time.Duration `json:"retry_after,omitempty"`
}

// FlowReply answers a command: a refusal, or what was done.
type FlowReply struct {
	Refusal *FlowRefusal    `json:"refusal,omitempty"`
	Answer  json.RawMessage `json:"answer,omitempty"` // approval.Answer
}

// FlowChild is a flow that a subflow node starts.
type FlowChild struct {
	Visit int    `json:"visit"`
	No    string `json:"flow_running_number"`
	Code  string `json:"flow_code"`
	Field string `json:"data_field,omitempty"` // of the parent's form, with the child's dataId
	Wait  bool   `json:"wait,omitempty"`
}

// FlowParent names the visit that a flow was started for.
type FlowParent struct {
	No    string `json:"flow_running_number"`
	Visit int    `json:"visit"`
}

// FlowStatus is where a flow is, as its workflow knows it and its query
// answers.
type FlowStatus struct {
	No           string     `json:"flow_running_number"`
	State        FlowState  `json:"state"`
	Round        int        `json:"round"`
	Rev          int64      `json:"state_rev"`
	CurrentNodes []int      `json:"current_nodes"`
	NextWake     *time.Time `json:"next_wake,omitempty"`
	OpenTasks    int        `json:"open_tasks"`
}

// Closed tells whether the flow's workflow has nothing left to do.
func (s FlowStatus) Closed() bool {
	return s.State == FlowApproved || s.State == FlowRejected || s.State == FlowDiscarded
}

// FlowStepped is what one step has come to: the reply, where the flow is now,
// and what its workflow has to see to.
type FlowStepped struct {
	FlowReply
	Status   FlowStatus  `json:"status"`
	Messages int         `json:"messages,omitempty"` // stored in the outbox
	Channels []string    `json:"channels,omitempty"` // that they take
	Triggers []int       `json:"triggers,omitempty"` // visits whose call is to be made
	Children []FlowChild `json:"children,omitempty"` // flows to start
	Orphans  []string    `json:"orphans,omitempty"`  // numbers of children to cancel
	Dropped  []int       `json:"dropped,omitempty"`  // visits whose call is to be given up
	Parent   *FlowParent `json:"parent,omitempty"`
}
