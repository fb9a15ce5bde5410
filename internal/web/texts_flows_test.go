package web

import (
	"testing"

	"orgflow"
	"orgflow/internal/approval"
)

// What templates name by what a flow says has a word, whatever it says.
func TestEveryWordOfFlowsIsThere(t *testing.T) {
	for prefix, words := range map[string][]string{
		"flow.state.": of(orgflow.FlowStarting, orgflow.FlowRunning, orgflow.FlowReturned, orgflow.FlowApproved, orgflow.FlowRejected, orgflow.FlowDiscarded, orgflow.FlowFaulted),
		"flow.visit.": of(visitStates...), "flow.mark.": of(visitStates...),
		"flow.task.": of(orgflow.TaskWaiting, orgflow.TaskActive, orgflow.TaskApproved, orgflow.TaskRejected, orgflow.TaskReturned, orgflow.TaskTransferred,
			orgflow.TaskDelegated, orgflow.TaskDoneByOthers, orgflow.TaskTimedOut, orgflow.TaskCancelled),
		"flow.verdict.": of(orgflow.VerdictApprove, orgflow.VerdictReject, orgflow.VerdictReturn, orgflow.VerdictTransfer, orgflow.VerdictDelegate,
			orgflow.VerdictResolve, orgflow.VerdictAddSign, orgflow.VerdictRemoveSign),
		"flow.outcome.": of(orgflow.AuditApplied, orgflow.AuditLate, orgflow.AuditNotAssignee, orgflow.AuditDuplicate, orgflow.AuditInvalid),
		"flow.type.": of(approval.NodeStart, approval.NodeApprove, approval.NodeHandle, approval.NodeCC, approval.NodeFork, approval.NodeJoin,
			approval.NodeSubflow, approval.NodeDelay, approval.NodeTrigger, approval.NodeEnd),
		"flow.kind.":    of(approval.TaskApprove, approval.TaskHandle, approval.TaskDelegate, approval.TaskBefore, approval.TaskSide),
		"flow.sign.":    of(approval.SignAny, approval.SignAll, approval.SignSequence, approval.SignVote),
		"flow.channel.": of(approval.ChannelDingTalk, approval.ChannelWeCom),
		"flow.notice.": of(approval.OnTask, approval.OnDone, approval.OnUrge, approval.OnRemind, approval.OnCC, approval.OnApproved, approval.OnRejected,
			approval.OnReturned, approval.OnDiscarded, approval.OnFaulted),
		"flow.event.": of(approval.EntryLaunched, approval.EntryRelaunched, approval.EntryEntered, approval.EntryLeft, approval.EntryTask, approval.EntryDecided,
			approval.EntryIgnored, approval.EntryCopied, approval.EntryUrged, approval.EntryReminded, approval.EntryEscalated, approval.EntryTimedOut,
			approval.EntrySubstituted, approval.EntryJumped, approval.EntrySentBack, approval.EntryResumed, approval.EntryRetracted, approval.EntryWithdrawn,
			approval.EntryChild, approval.EntryChildDone, approval.EntryTrigger, approval.EntryTriggerDone, approval.EntryApproved, approval.EntryRejected,
			approval.EntryReturned, approval.EntryDiscarded, approval.EntryFaulted, approval.EntryRepaired, approval.EntryNoManager),
		"flow.cause.": of(approval.CauseDedup, approval.CauseInitiator, approval.CauseMissing, approval.CausePass, approval.CauseReject, approval.CauseClose,
			approval.CauseEscalate, approval.CauseReturn, approval.CauseJump, approval.CauseSibling, approval.CauseDiscard, approval.CauseWithdraw,
			approval.CauseRetract, approval.CauseEnd, approval.CauseDecided, approval.CauseClaimed, approval.CauseRemoved, approval.CauseSubstitution,
			approval.CauseInactive, approval.CauseChild, approval.CauseTrigger, approval.CauseCarried, approval.CauseFault, approval.CauseBefore),
		"flow.message.": {"pending", "sent", "delivered", "dropped", "dead", "superseded"},
	} {
		for _, word := range words {
			if _, ok := texts[prefix+word]; !ok {
				t.Errorf("there is no text %q", prefix+word)
			}
		}
	}
}

var visitStates = []orgflow.VisitState{
	orgflow.VisitPending, orgflow.VisitActive, orgflow.VisitPassed, orgflow.VisitRejected, orgflow.VisitReturned, orgflow.VisitSkipped,
	orgflow.VisitTimedOut, orgflow.VisitCancelled,
}

func of[T ~string](words ...T) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = string(w)
	}
	return out
}

func TestSpansShowTheirTwoLargestUnits(t *testing.T) {
	for seconds, want := range map[float64][2]string{
		0: {"0 秒", "0 s"}, 0.4: {"0 秒", "0 s"}, 59.6: {"1 分", "1 min"}, 61: {"1 分 1 秒", "1 min 1 s"}, 3600: {"1 小时", "1 h"},
		3605: {"1 小时", "1 h"}, 7260: {"2 小时 1 分", "2 h 1 min"}, 93600: {"1 天 2 小时", "1 d 2 h"}, 86400 * 400: {"400 天", "400 d"},
	} {
		if zh, en := span(Chinese, seconds), span(English, seconds); zh != want[0] || en != want[1] {
			t.Errorf("%v: %q %q, want %q", seconds, zh, en, want)
		}
	}
}
