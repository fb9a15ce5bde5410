package orgflow

// FlowState is the state of an approval flow (approval reference B.3).
type FlowState string

// The states of a flow. APPROVED, REJECTED and DISCARDED end its workflow;
// RETURNED and FAULTED keep it open.
const (
	// FlowStarting: stored, its workflow not confirmed yet; seen in reads only.
	FlowStarting  FlowState = "STARTING"
	FlowRunning   FlowState = "RUNNING"
	FlowReturned  FlowState = "RETURNED"
	FlowApproved  FlowState = "APPROVED"
	FlowRejected  FlowState = "REJECTED"
	FlowDiscarded FlowState = "DISCARDED"
	// FlowFaulted: nobody to approve or no way to go on, until it is repaired.
	FlowFaulted FlowState = "FAULTED"
)

// VisitState is the state of a visit: a node that was entered once.
type VisitState string

// The states of a visit.
const (
	VisitPending   VisitState = "PENDING"
	VisitActive    VisitState = "ACTIVE"
	VisitPassed    VisitState = "PASSED"
	VisitRejected  VisitState = "REJECTED"
	VisitReturned  VisitState = "RETURNED"
	VisitSkipped   VisitState = "SKIPPED"
	VisitTimedOut  VisitState = "TIMED_OUT"
	VisitCancelled VisitState = "CANCELLED"
)

// TaskState is the state of a task: one person's part of one visit.
type TaskState string

// The states of a task. Only an ACTIVE one takes a decision.
const (
	TaskWaiting      TaskState = "WAITING"
	TaskActive       TaskState = "ACTIVE"
	TaskApproved     TaskState = "APPROVED"
	TaskRejected     TaskState = "REJECTED"
	TaskReturned     TaskState = "RETURNED"
	TaskTransferred  TaskState = "TRANSFERRED"
	TaskDelegated    TaskState = "DELEGATED"
	TaskDoneByOthers TaskState = "DONE_BY_OTHERS"
	TaskTimedOut     TaskState = "TIMED_OUT"
	TaskCancelled    TaskState = "CANCELLED"
)

// Verdict is what a stored decision says.
type Verdict string

// The verdicts of a decision (approval reference B.5).
const (
	VerdictApprove    Verdict = "approve"
	VerdictReject     Verdict = "reject"
	VerdictReturn     Verdict = "return"
	VerdictTransfer   Verdict = "transfer"
	VerdictDelegate   Verdict = "delegate"
	VerdictResolve    Verdict = "resolve"
	VerdictAddSign    Verdict = "add_sign"
	VerdictRemoveSign Verdict = "remove_sign"
)

// AuditOutcome is what became of a stored decision.
type AuditOutcome string

// The outcomes of a decision: all but applied leave the flow as it was.
const (
	AuditApplied     AuditOutcome = "applied"
	AuditLate        AuditOutcome = "ignored_late"
	AuditNotAssignee AuditOutcome = "ignored_not_assignee"
	AuditDuplicate   AuditOutcome = "ignored_duplicate"
	AuditInvalid     AuditOutcome = "invalid"
)
