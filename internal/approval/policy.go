package approval

import "orgflow"

// Policy holds the rules of the flow as a whole.
type Policy struct {
	ApproverMissing     Missing           `json:"approverMissing,omitzero"`
	InitiatorIsApprover InitiatorApproval `json:"initiatorIsApprover,omitempty"`
	Dedup               Dedup             `json:"dedup,omitempty"`
	InactiveUser        InactiveUser      `json:"inactiveUser,omitempty"`
	Substitution        Substitution      `json:"substitution,omitempty"`
	Reject              Reject            `json:"reject,omitzero"`
	Relaunch            Relaunch          `json:"relaunch,omitzero"`
	// DiscardAfterApproval allows an APPROVED flow to be discarded; nil is
	// true.
	DiscardAfterApproval *bool    `json:"discardAfterApproval,omitempty"`
	Urge                 Urge     `json:"urge,omitzero"`
	MinusOne             MinusOne `json:"minusOne,omitempty"`
}

// Missing says what happens when a node's rules find nobody.
type Missing struct {
	Do    MissingAction `json:"do"`
	Users []string      `json:"users,omitempty"` // user codes, for toUsers
}

// MissingAction is what is done for a node without approvers.
type MissingAction string

// What is done for a node without approvers.
const (
	MissingPass    MissingAction = "pass"    // the visit is SKIPPED, the flow goes on
	MissingReject  MissingAction = "reject"  // as if it were rejected
	MissingToUsers MissingAction = "toUsers" // the named people approve
	MissingToAdmin MissingAction = "toAdmin" // the flow's admins approve
	MissingError   MissingAction = "error"   // APPROVER_MISSING at launch, FAULTED later
)

// InitiatorApproval says what happens when the initiator would approve.
type InitiatorApproval string

// What happens when the initiator is among the approvers.
const (
	InitiatorSelf         InitiatorApproval = "self"          // approves as everybody
	InitiatorSkip         InitiatorApproval = "skip"          // is left out; alone, the visit is SKIPPED
	InitiatorToManager    InitiatorApproval = "toDeptManager" // the department's manager instead
	InitiatorToSupervisor InitiatorApproval = "toSupervisor"  // the supervisor instead
)

// Dedup says whether somebody who has approved in this round is asked again.
// It is off for the visit that follows a send-back (approval reference A.4).
type Dedup string

// The ways to spare people a second approval.
const (
	DedupNone        Dedup = "none"
	DedupConsecutive Dedup = "consecutive" // approved the visit right before
	DedupAny         Dedup = "any"         // approved anywhere in this round
)

// InactiveUser says what becomes of staff among approvers that has left.
type InactiveUser string

// What becomes of inactive approvers.
const (
	InactiveAsMissing InactiveUser = "treatAsMissing" // removed before approverMissing applies
	InactiveKeep      InactiveUser = "keep"           // keep their tasks
)

// Substitution says whether the absence table is used.
type Substitution string

// Whether agents stand in for absent people.
const (
	SubstitutionHonour Substitution = "honour" // when a task is created, and when it is open at absence start
	SubstitutionIgnore Substitution = "ignore"
)

// Reject says where a rejection leads, and how the flow comes back.
type Reject struct {
	To     Target `json:"to"`
	Resume Resume `json:"resume,omitempty"`
}

// Resume says how a flow goes on after it was sent back.
type Resume string

// The ways to go on.
const (
	ResumeReplay Resume = "replay" // walk from there again, conditions evaluated again
	ResumeDirect Resume = "direct" // straight to the node that rejected
)

// Relaunch says from which states a flow may be relaunched, and how.
type Relaunch struct {
	From       []orgflow.FlowState `json:"from,omitzero"` // RETURNED, DISCARDED
	Resume     Resume              `json:"resume,omitempty"`
	Definition Pinning             `json:"definition,omitempty"`
}

// Pinning says which version of the definition a new round uses.
type Pinning string

// The versions a new round may use.
const (
	PinnedVersion Pinning = "pinned"
	LatestVersion Pinning = "latest"
)

// Urge limits reminders by hand, per flow, visit and assignee.
type Urge struct {
	MinInterval Duration `json:"minInterval,omitzero"`
	MaxPerDay   int      `json:"maxPerDay,omitempty"` // 1 or more
}

// MinusOne is the reading of nextNodeSeq=-1 (approval reference B.4).
type MinusOne string

// The readings of -1.
const (
	MinusOneDefault   MinusOne = "default"   // as if it were not given
	MinusOneEnd       MinusOne = "end"       // finish as approved
	MinusOneInitiator MinusOne = "initiator" // back to the initiator
)
