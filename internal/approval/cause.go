package approval

// Cause says why a visit, a task or a flow is in its state.
type Cause string

// The causes.
const (
	CauseDedup        Cause = "dedup"        // has approved before
	CauseInitiator    Cause = "initiator"    // the initiator was the only approver
	CauseMissing      Cause = "missing"      // nobody to approve
	CausePass         Cause = "pass"         // a time-out that passes
	CauseReject       Cause = "reject"       // a rejection; a time-out that rejects
	CauseClose        Cause = "close"        // a time-out that ends a vote
	CauseEscalate     Cause = "escalate"     // a time-out that asks others
	CauseReturn       Cause = "return"       // sent back
	CauseJump         Cause = "jump"         // jumped over
	CauseSibling      Cause = "sibling"      // another branch was rejected or sent back
	CauseDiscard      Cause = "discard"      // the flow was discarded
	CauseWithdraw     Cause = "withdraw"     // the initiator took the flow back
	CauseRetract      Cause = "retract"      // an approver took the decision back
	CauseEnd          Cause = "end"          // the flow has ended
	CauseDecided      Cause = "decided"      // others decided the visit
	CauseClaimed      Cause = "claimed"      // somebody else has the task
	CauseRemoved      Cause = "removed"      // removed from the signers
	CauseSubstitution Cause = "substitution" // absent, an agent has it
	CauseInactive     Cause = "inactive"     // left, or disabled
	CauseChild        Cause = "child"        // the subflow ended so
	CauseTrigger      Cause = "trigger"      // the called system refused
	CauseCarried      Cause = "carried"      // decided in the visit before a retract
	CauseFault        Cause = "fault"        // could not go on
	CauseBefore       Cause = "before"       // waits for those asked before
)
