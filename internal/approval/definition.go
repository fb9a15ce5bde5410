// Package approval holds what can be decided about approval flows without
// asking anybody: the definition of a flow and the checks before it is
// published, conditions, votes, deadlines, serial numbers, texts, and the
// state machine (approval reference, part B).
//
// Everything here is pure. Clocks, people, rows and companies' settings are
// arguments; the callers read and write them.
package approval

import "slices"

// SchemaV1 is the only value of a definition's "schema".
const SchemaV1 = "flow-def/1"

// StartSeq is the reserved seq of the start node, which stands for the
// initiator; all other seqs are positive.
const StartSeq = 0

// Definition is a flow as it is published: one version of one flow code,
// never changed afterwards (approval reference B.2). Running flows keep the
// version they began with.
type Definition struct {
	Schema   string `json:"schema"`
	FlowCode string `json:"flowCode"`
	Name     string `json:"name"`
	Version  int    `json:"version,omitempty"` // assigned by publish; 0 before
	Serial   Serial `json:"serial,omitzero"`
	Form     Form   `json:"form"`
	Launch   Launch `json:"launch,omitzero"`
	Policy   Policy `json:"policy,omitzero"`
	Admins   []Who  `json:"admins,omitempty"` // may discard and repair; gets toAdmin tasks
	Notify   Notify `json:"notify,omitempty"` // for all nodes and for the flow as a whole
	Nodes    []Node `json:"nodes"`
	// Vars are constants that conditions read as vars.<name>, such as limits.
	Vars map[string]any `json:"vars,omitempty"`
}

// Serial says how numbers of flows look (approval reference C.5).
type Serial struct {
	// Pattern holds {flowCode}, one of {yyyy}, {yyyyMM}, {yyyyMMdd} and
	// {seq:4}: a counter of at least four digits that widens, never wraps.
	Pattern string `json:"pattern,omitempty"`
	Period  Period `json:"period,omitempty"` // when the counter starts again
	TZ      string `json:"tz,omitempty"`     // IANA zone of the period
}

// Period is how long a serial counter counts.
type Period string

// The periods of a serial.
const (
	PeriodDay   Period = "day"
	PeriodMonth Period = "month"
	PeriodYear  Period = "year"
	PeriodNone  Period = "none" // one counter for ever
)

// Form says where the form's row is and what of it the flow remembers.
type Form struct {
	Board string `json:"board"`           // board of the built-in row store
	Table string `json:"table,omitempty"` // a real table or view instead of it
	Key   string `json:"key,omitempty"`   // its key column, compared with dataId
	// Snapshot lists the fields remembered per round and decision; nil is the
	// whole row, empty is nothing.
	Snapshot []string `json:"snapshot,omitzero"`
	// Title is the flow's title with the placeholders of Title rendering:
	// "{userName}的{name}".
	Title string `json:"title,omitempty"`
}

// Remembers tells whether a field is in the snapshot.
func (f Form) Remembers(field string) bool {
	return f.Snapshot == nil || slices.Contains(f.Snapshot, field)
}

// Launch says who may start the flow, and how often.
type Launch struct {
	Who People `json:"who,omitzero"` // zero is everybody
	// OneOpenPerData allows one flow per form row for ever; relaunch is the
	// way to go again (approval reference, Settled 4).
	OneOpenPerData bool `json:"oneOpenPerData,omitempty"`
}

// People is a set of people: everybody in one of the departments, with one
// of the roles, or named. A department "*" is the whole organisation.
type People struct {
	Depts []string `json:"depts,omitempty"` // codes or exact names
	Roles []string `json:"roles,omitempty"`
	Users []string `json:"users,omitempty"` // user codes
}

// IsZero tells whether nobody is named, which stands for everybody.
func (p People) IsZero() bool {
	return len(p.Depts) == 0 && len(p.Roles) == 0 && len(p.Users) == 0
}

// Who names people by their part in the flow ("initiator", "assignee",
// "open", "approvers", "admins") or as "role:<code>" or "user:<code>".
type Who string

// The parts people have in a flow.
const (
	WhoInitiator Who = "initiator"
	WhoAssignee  Who = "assignee"  // whose task the event is about
	WhoOpen      Who = "open"      // whoever had an open task when it happened
	WhoApprovers Who = "approvers" // whoever has decided in this round
	WhoAdmins    Who = "admins"
)

// Node returns the node with a seq; false if there is none.
func (d *Definition) Node(seq int) (*Node, bool) {
	for i := range d.Nodes {
		if d.Nodes[i].Seq == seq {
			return &d.Nodes[i], true
		}
	}
	return nil, false
}

// RejectOf returns how a rejection at a node goes on: the node's own rule,
// else the policy's.
func (d *Definition) RejectOf(n *Node) Reject {
	if n.OnReject != nil {
		return *n.OnReject
	}
	return d.Policy.Reject
}

// MissingOf returns what happens when a node has nobody to approve: the
// node's own rule, else the policy's.
func (d *Definition) MissingOf(n *Node) Missing {
	if n.ApproverMissing != nil {
		return *n.ApproverMissing
	}
	return d.Policy.ApproverMissing
}
