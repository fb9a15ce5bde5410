package approval

import "orgflow"

// Command is something that happens to a flow. The set is closed: Step knows
// all of them.
type Command interface{ command() }

// DoLaunch starts a flow that has no state yet. On a flow that has one it is
// a repeated launch of the same flow code and form row; another one has been
// refused before (NUMBER_TAKEN).
type DoLaunch struct {
	Number    string
	Initiator string // user code
	// Accepted says that the launch was checked and the number is given out
	// for good: what cannot go on makes the flow FAULTED instead of refusing
	// the launch, and whether the initiator may launch is not asked again.
	Accepted bool
}

// DoAudits works on stored decisions (approval reference B.5).
type DoAudits struct {
	Rows []Decision // not worked on yet, in the order of their ids
	// Newest is the largest id among all decisions stored for the flow,
	// worked on or not; 0 if unknown.
	Newest int64
	// NextNodeSeq is where the newest decision that counts leads instead of
	// the definition's way; nil: not given (B.4). Like TaskDeptManager it is
	// about all Rows but those up to one that has an Asked of its own.
	NextNodeSeq *int
	// TaskDeptManager names departments by code or exact name.
	TaskDeptManager []string
}

// Asked is what a call wanted to come of the decisions it brought; see
// DoAudits.
type Asked struct {
	NextNodeSeq     *int
	TaskDeptManager []string
}

// Decision is a stored row of an audit (approval reference B.5).
type Decision struct {
	ID          int64
	Round       int // 0: the current one
	NodeSeq     int
	Task        int // 0: the open task of User at NodeSeq
	User        string
	Verdict     orgflow.Verdict
	TargetSeq   *int     // return: where to; nil is the initiator
	TargetUsers []string // transfer, delegate, add_sign, remove_sign; approve: previousSelect
	HasOpinion  bool
	// Asked is what a call asked for that brought the decisions up to this
	// one, stored with it; nil: nothing.
	Asked *Asked
}

// DoRelaunch opens the next round. Which version of the definition it runs
// on is the one given to Step.
type DoRelaunch struct{}

// DoDiscard ends a flow for good, in any state. System is the service itself,
// such as a cancelled workflow.
type DoDiscard struct {
	By     string // user code of the initiator or an admin
	System bool
}

// DoUrge reminds everybody who has an ACTIVE task.
type DoUrge struct{ By string }

// DoWithdraw takes a running flow back to its initiator.
type DoWithdraw struct{ By string }

// DoRetract takes the newest approval of a person back, as long as nobody has
// built on it.
type DoRetract struct{ By string }

// DoJump moves a running flow to a node, for its admins: the token at From, or
// the flow as a whole.
type DoJump struct {
	By   string
	From *int // seq of a current node; nil: all
	To   int  // StartSeq returns to the initiator
}

// RepairAction is a way out of FAULTED.
type RepairAction string

// The ways out of FAULTED.
const (
	RepairRetry RepairAction = "retry" // try again what could not go on
	RepairJump  RepairAction = "jump"  // go on at another node
)

// DoRepair moves a FAULTED flow on, for its admins.
type DoRepair struct {
	By     string
	Action RepairAction
	To     *int // of jump
}

// Wake says that an instant has come; what is due is told by World.Now. Too
// early or too late it changes nothing.
type Wake struct{}

// AbsenceBegan says that a person is away from now on.
type AbsenceBegan struct{ User string }

// ChildDone says that the flow a subflow's visit started has ended, or that
// there can be none.
type ChildDone struct {
	Visit   int
	State   orgflow.FlowState // APPROVED, REJECTED or DISCARDED
	Refused string            // why there can be no child; no personal data
}

// TriggerDone says how a trigger's call ended.
type TriggerDone struct {
	Visit   int
	OK      bool
	Message string // why it failed; no personal data
}

func (DoLaunch) command()     {}
func (DoAudits) command()     {}
func (DoRelaunch) command()   {}
func (DoDiscard) command()    {}
func (DoUrge) command()       {}
func (DoWithdraw) command()   {}
func (DoRetract) command()    {}
func (DoJump) command()       {}
func (DoRepair) command()     {}
func (Wake) command()         {}
func (AbsenceBegan) command() {}
func (ChildDone) command()    {}
func (TriggerDone) command()  {}
