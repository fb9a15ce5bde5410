package approval

import (
	"fmt"
	"time"

	"orgflow"
)

// RefusalCode is the upper-case code of an answer that is not 200 (approval
// reference B.3).
type RefusalCode string

// The codes the state machine answers with.
const (
	FlowNotFound       RefusalCode = "FLOW_NOT_FOUND"
	NodeNotFound       RefusalCode = "NODE_NOT_FOUND"
	DeptNotFound       RefusalCode = "DEPT_NOT_FOUND"
	UseRelaunch        RefusalCode = "USE_RELAUNCH"
	FlowFinished       RefusalCode = "FLOW_FINISHED"
	FlowIsFaulted      RefusalCode = "FLOW_FAULTED"
	FlowIsDiscarded    RefusalCode = "FLOW_DISCARDED"
	NotUnderApproval   RefusalCode = "NOT_UNDER_APPROVAL"
	StillRunning       RefusalCode = "STILL_RUNNING"
	NotRelaunchable    RefusalCode = "NOT_RELAUNCHABLE"
	NothingToUrge      RefusalCode = "NOTHING_TO_URGE"
	UrgedTooOften      RefusalCode = "URGED_TOO_OFTEN"
	NotInitiatorOrAdm  RefusalCode = "NOT_INITIATOR_OR_ADMIN"
	NotInitiator       RefusalCode = "NOT_INITIATOR"
	NotAdmin           RefusalCode = "NOT_ADMIN"
	MayNotLaunch       RefusalCode = "MAY_NOT_LAUNCH"
	NoStoredDecision   RefusalCode = "NO_STORED_DECISION"
	NodeNotJumpable    RefusalCode = "NODE_NOT_JUMPABLE"
	DeptManagerMissing RefusalCode = "DEPT_MANAGER_MISSING"
	ApproverMissing    RefusalCode = "APPROVER_MISSING"
	ConditionFailed    RefusalCode = "CONDITION_FAILED"
	NotAllowed         RefusalCode = "NOT_ALLOWED"     // the node's "allow" lacks the action
	NotRetractable     RefusalCode = "NOT_RETRACTABLE" // no approval of the person can be taken back
	NotFaulted         RefusalCode = "NOT_FAULTED"
	BadParam           RefusalCode = "BAD_PARAM"
	AmbiguousDept      RefusalCode = "AMBIGUOUS_DEPT"
	TriggerFailed      RefusalCode = "TRIGGER_FAILED"
	SubflowFailed      RefusalCode = "SUBFLOW_FAILED" // the flow of a subflow node cannot be launched
	RouteLoop          RefusalCode = "ROUTE_LOOP"     // walks in circles without meeting anybody
	NoWayOn            RefusalCode = "NO_WAY_ON"      // waits for nothing that could come
)

// Status returns the code's HTTP status.
func (c RefusalCode) Status() int {
	switch c {
	case BadParam:
		return 400
	case NotInitiatorOrAdm, NotInitiator, NotAdmin, MayNotLaunch:
		return 403
	case FlowNotFound, NodeNotFound, DeptNotFound:
		return 404
	case NoStoredDecision, NodeNotJumpable, DeptManagerMissing, ApproverMissing, ConditionFailed,
		TriggerFailed, SubflowFailed, RouteLoop, NoWayOn:
		return 422
	case UrgedTooOften:
		return 429
	default:
		return 409
	}
}

// Refusal says that a command was not carried out and the flow is as it was.
type Refusal struct {
	Code    RefusalCode
	Message string
	// RetryAfter is when the command may pass, of URGED_TOO_OFTEN.
	RetryAfter time.Duration
	// Audits are decisions that came too late for good: they are to be marked
	// although nothing else changes.
	Audits []AuditResult
}

// Error returns code and message.
func (r *Refusal) Error() string { return string(r.Code) + ": " + r.Message }

func refusef(code RefusalCode, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Unmet is what a World answers when it could look and the answer is no, such
// as a department that does not exist. An *ExpressionError says the same of a
// condition. Any other error means that it could not look.
type Unmet struct {
	Code    RefusalCode // DEPT_NOT_FOUND, AMBIGUOUS_DEPT or CONDITION_FAILED
	Message string
}

// Error returns code and message.
func (u *Unmet) Error() string { return string(u.Code) + ": " + u.Message }

// refuseState is the answer to calls that need a RUNNING flow.
func refuseState(s *State) *Refusal {
	switch s.Flow {
	case orgflow.FlowReturned:
		return refusef(NotUnderApproval, "flow %s is with its initiator; relaunch or discard it", s.Number)
	case orgflow.FlowDiscarded:
		return refusef(FlowIsDiscarded, "flow %s was discarded; relaunch it to go on", s.Number)
	case orgflow.FlowFaulted:
		return refusef(FlowIsFaulted, "flow %s cannot go on until it is repaired", s.Number)
	default:
		return refusef(FlowFinished, "flow %s is %s", s.Number, s.Flow)
	}
}
