package approval

// NodeType is what a node does.
type NodeType string

// The node types.
const (
	NodeStart   NodeType = "start"
	NodeApprove NodeType = "approve"
	NodeHandle  NodeType = "handle" // work to be done: no reject
	NodeCC      NodeType = "cc"
	NodeFork    NodeType = "fork"
	NodeJoin    NodeType = "join"
	NodeSubflow NodeType = "subflow"
	NodeDelay   NodeType = "delay"
	NodeTrigger NodeType = "trigger"
	NodeEnd     NodeType = "end"
)

// Node is one step of a definition. Which of the keys a node may have
// depends on its type; the schema refuses the others.
type Node struct {
	Seq  int      `json:"seq"`
	Type NodeType `json:"type"`
	Name string   `json:"name,omitempty"`
	Next []Edge   `json:"next,omitempty"` // all but end

	// Of approve and handle:

	Approvers       []Approver             `json:"approvers,omitempty"` // union in this order, each person once
	Sign            Sign                   `json:"sign,omitzero"`
	OnReject        *Reject                `json:"onReject,omitempty"`        // nil: the policy's
	ApproverMissing *Missing               `json:"approverMissing,omitempty"` // nil: the policy's
	Allow           []Action               `json:"allow,omitzero"`            // nil: all, empty: none
	Opinion         Opinion                `json:"opinion,omitempty"`
	Fields          map[string]FieldAccess `json:"fields,omitempty"` // for the board's form
	Timeouts        []Timeout              `json:"timeouts,omitempty"`

	// Notify overrides the definition's notices, event by event; of all
	// types that people see: approve, handle, cc.
	Notify Notify `json:"notify,omitempty"`

	To []Approver `json:"to,omitempty"` // of cc: who gets a copy

	Mode ForkMode `json:"mode,omitempty"` // of fork
	Of   int      `json:"of,omitempty"`   // of join: seq of its fork
	Wait Wait     `json:"wait,omitempty"` // of join (allTaken) and subflow (true, false)

	// Of subflow:

	Flow          string      `json:"flow,omitempty"`      // flow code of the child
	DataField     string      `json:"dataField,omitempty"` // form field with the child's dataId; "" is the parent's dataId
	OnChildReject ChildReject `json:"onChildReject,omitempty"`

	After    Duration `json:"after,omitzero"`     // of delay
	Calendar Calendar `json:"calendar,omitempty"` // of delay

	HTTP      *HTTPCall     `json:"http,omitempty"`      // of trigger
	OnFailure FailureAction `json:"onFailure,omitempty"` // of trigger
}

// Edge is a way out of a node. Edges are tried by Order, then as written;
// the first whose condition holds is taken, else the default. A fork takes
// all (parallel), all that hold (inclusive) or the first (exclusive).
type Edge struct {
	To      int    `json:"to"`
	When    string `json:"when,omitempty"` // a condition; "" always holds
	Order   int    `json:"order,omitempty"`
	Default bool   `json:"default,omitempty"`
}

// ForkMode says which ways out of a fork are taken.
type ForkMode string

// The fork modes.
const (
	ForkParallel  ForkMode = "parallel"  // every edge
	ForkInclusive ForkMode = "inclusive" // every edge whose condition holds, else the default
	ForkExclusive ForkMode = "exclusive" // the first edge whose condition holds, else the default
)

// Action is something an approver may do besides deciding.
type Action string

// The actions a node may allow.
const (
	ActionTransfer   Action = "transfer"   // give the task away
	ActionDelegate   Action = "delegate"   // let somebody advise, then decide
	ActionAddSign    Action = "addSign"    // ask more people
	ActionRemoveSign Action = "removeSign" // ask fewer
	ActionRollback   Action = "rollback"   // return to an earlier node
	ActionJump       Action = "jump"       // go on at another node (nextNodeSeq)
	ActionWithdraw   Action = "withdraw"   // the initiator takes the flow back while this node is open
	ActionRetract    Action = "retract"    // take the own decision back while the next node has none
)

// Actions lists all actions: what a node without "allow" allows.
func Actions() []Action {
	return []Action{ActionTransfer, ActionDelegate, ActionAddSign, ActionRemoveSign,
		ActionRollback, ActionJump, ActionWithdraw, ActionRetract}
}

// Opinion says when an approver has to write one.
type Opinion string

// When an opinion is needed.
const (
	OpinionOptional         Opinion = "optional"
	OpinionRequired         Opinion = "required"
	OpinionRequiredOnReject Opinion = "requiredOnReject" // and on return
)

// FieldAccess is what an approver may do with a field of the form. It is for
// the board; the service only hands it on.
type FieldAccess string

// The accesses to a field.
const (
	FieldReadOnly FieldAccess = "ro"
	FieldWritable FieldAccess = "rw"
	FieldHidden   FieldAccess = "hidden"
)

// Timeout is what happens when a visit stays open.
type Timeout struct {
	After    Duration      `json:"after"`              // from the visit's start
	Calendar Calendar      `json:"calendar,omitempty"` // "" is the wall clock
	Do       TimeoutAction `json:"do"`
	Every    Duration      `json:"every,omitzero"` // remind again, at most Max times in all
	Max      int           `json:"max,omitempty"`  // 1 without every
	To       *Approver     `json:"to,omitempty"`   // escalate: who takes over
}

// TimeoutAction is what a timeout does.
type TimeoutAction string

// What timeouts do.
const (
	TimeoutRemind   TimeoutAction = "remind"   // tell whoever has an open task
	TimeoutEscalate TimeoutAction = "escalate" // open tasks become TIMED_OUT; the people of "to" get tasks instead
	TimeoutPass     TimeoutAction = "pass"     // the visit becomes TIMED_OUT and goes on as passed
	TimeoutReject   TimeoutAction = "reject"   // the visit becomes TIMED_OUT and goes on as rejected
	TimeoutClose    TimeoutAction = "close"    // vote only: the silent tasks become TIMED_OUT, what was voted counts
)

// Calendar says which time a duration runs in.
type Calendar string

// The calendars.
const (
	WallClock    Calendar = ""     // all hours of all days
	WorkCalendar Calendar = "work" // the company's working hours
)

// Wait says what a join or a subflow waits for. In JSON it is "allTaken" at a
// join, true or false at a subflow.
type Wait string

// What is waited for.
const (
	WaitAllTaken Wait = "allTaken" // join: every branch that was taken
	WaitChild    Wait = "true"     // subflow: the child's end
	WaitNot      Wait = "false"    // subflow: nothing, the flow goes on at once
)

// ChildReject says what a subflow's failure does to its parent.
type ChildReject string

// What a child does that ends REJECTED or DISCARDED.
const (
	ChildRejects ChildReject = "reject" // the node counts as rejected
	ChildPasses  ChildReject = "pass"   // the flow goes on
)

// HTTPCall is what a trigger calls. The body is the flow's number, round,
// node, visit and form snapshot as JSON; an answer of 2xx is success.
type HTTPCall struct {
	Method  string            `json:"method,omitempty"` // POST, PUT
	URL     string            `json:"url"`              // absolute, http or https; ${NAME} from the environment
	Headers map[string]string `json:"headers,omitempty"`
}

// FailureAction says what a trigger does whose call was refused.
type FailureAction string

// What a refused call does.
const (
	FailureFaults FailureAction = "fault" // the flow becomes FAULTED
	FailurePasses FailureAction = "pass"  // the flow goes on
)
