package api

import "orgflow"

// vocabulary lists, by schema and property, the words a text may be. The
// types of package orgflow do not carry them; programs that are generated
// from the document want them.
var vocabulary = map[string]map[string][]any{
	"Params": {
		"mode":          words(orgflow.Incremental, orgflow.Full, orgflow.Reconcile),
		"approval":      words(orgflow.ApprovalNever, orgflow.ApprovalOnThreshold, orgflow.ApprovalAlways),
		"on_limit":      words(orgflow.LimitPark, orgflow.LimitStop),
		"mobile_change": words(orgflow.MobileRecreate, orgflow.MobileReport),
		"on_running":    words(orgflow.RunningFail, orgflow.RunningWait),
	},
	"Summary": {
		"status": words(orgflow.StatusRunning, orgflow.StatusPaused, orgflow.StatusAwaitingApproval, orgflow.StatusCompleted,
			orgflow.StatusCompletedWithFailures, orgflow.StatusRejected, orgflow.StatusSuperseded, orgflow.StatusFailed, orgflow.StatusCanceled),
	},
	"PullSummary": {
		"status": words(orgflow.StatusRunning, orgflow.StatusAwaitingApproval, orgflow.StatusCompleted, orgflow.StatusCompletedWithFailures,
			orgflow.StatusRejected, orgflow.StatusSuperseded, orgflow.StatusFailed, orgflow.StatusCanceled),
	},
	"ERPRun": {
		"kind":  words(orgflow.LoadCreate, orgflow.LoadUpdate),
		"phase": words(orgflow.PhasePrepare, orgflow.PhaseFetch, orgflow.PhaseSwap),
		"status": words(orgflow.StatusRunning, orgflow.StatusCompleted, orgflow.StatusCompletedWithFailures,
			orgflow.StatusFailed, orgflow.StatusCanceled),
	},
	"LoadInput": {"kind": words(orgflow.LoadCreate, orgflow.LoadUpdate)},
	"Change": {
		"kind": words(orgflow.Org, orgflow.Person),
		"op":   words(orgflow.Insert, orgflow.Update, orgflow.Delete),
		"state": words(orgflow.Planned, orgflow.Done, orgflow.Failed, orgflow.Blocked, orgflow.Held, orgflow.Parked,
			orgflow.PendingInvite, orgflow.NeedsHuman, orgflow.Disputed, orgflow.Skipped),
	},
	"Flow":         {"state": flowStates},
	"FlowDetail":   {"state": flowStates},
	"FlowExport":   {"state": flowStates},
	"DecisionBody": {"decision": words(verdicts...)},
	"FlowDecision": {
		"decision": words(verdicts...),
		"outcome": words("", orgflow.AuditApplied, orgflow.AuditLate, orgflow.AuditNotAssignee,
			orgflow.AuditDuplicate, orgflow.AuditInvalid),
	},
	"FlowNode": {"state": words(orgflow.VisitPending, orgflow.VisitActive, orgflow.VisitPassed, orgflow.VisitRejected,
		orgflow.VisitReturned, orgflow.VisitSkipped, orgflow.VisitTimedOut, orgflow.VisitCancelled)},
	"FlowTask": {"state": words(orgflow.TaskWaiting, orgflow.TaskActive, orgflow.TaskApproved, orgflow.TaskRejected,
		orgflow.TaskReturned, orgflow.TaskTransferred, orgflow.TaskDelegated, orgflow.TaskDoneByOthers,
		orgflow.TaskTimedOut, orgflow.TaskCancelled)},
}

var flowStates = words(orgflow.FlowStarting, orgflow.FlowRunning, orgflow.FlowReturned, orgflow.FlowApproved,
	orgflow.FlowRejected, orgflow.FlowDiscarded, orgflow.FlowFaulted)

// words lists the values of one type.
func words[T ~string](values ...T) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	return out
}

// describeWords puts the vocabulary into the document.
func (s *server) describeWords() {
	schemas := s.huma.OpenAPI().Components.Schemas.Map()
	for name, properties := range vocabulary {
		for property, allowed := range properties {
			schemas[name].Properties[property].Enum = allowed
		}
	}
}
