package approval

import (
	"cmp"
	"time"

	"orgflow"
)

// SetDefaults fills in every key that was left out, so that no reader of a
// definition has to know a default. Decode has done it. Notices are left as
// they are: NoticeOf lays them over each other.
func (d *Definition) SetDefaults() {
	orDefault(&d.Serial.Pattern, "{flowCode}_{yyyyMM}_{seq:4}")
	orDefault(&d.Serial.Period, PeriodMonth)
	orDefault(&d.Serial.TZ, "Asia/Shanghai")
	orDefault(&d.Form.Key, "id")
	orDefault(&d.Form.Title, "{userName}的{name}")
	d.Policy.setDefaults()
	for i := range d.Nodes {
		d.Nodes[i].setDefaults()
	}
}

func orDefault[T comparable](value *T, byDefault T) { *value = cmp.Or(*value, byDefault) }

func (p *Policy) setDefaults() {
	orDefault(&p.ApproverMissing.Do, MissingError)
	orDefault(&p.InitiatorIsApprover, InitiatorSelf)
	orDefault(&p.Dedup, DedupNone)
	orDefault(&p.InactiveUser, InactiveAsMissing)
	orDefault(&p.Substitution, SubstitutionHonour)
	orDefault(&p.Reject.Resume, ResumeReplay)
	if p.Relaunch.From == nil {
		p.Relaunch.From = []orgflow.FlowState{orgflow.FlowReturned, orgflow.FlowDiscarded}
	}
	orDefault(&p.Relaunch.Resume, ResumeReplay)
	orDefault(&p.Relaunch.Definition, PinnedVersion)
	if p.DiscardAfterApproval == nil {
		p.DiscardAfterApproval = new(true)
	}
	orDefault(&p.Urge.MinInterval, Duration{Clock: 10 * time.Minute})
	orDefault(&p.Urge.MaxPerDay, 5)
	orDefault(&p.MinusOne, MinusOneDefault)
}

func (n *Node) setDefaults() {
	switch n.Type {
	case NodeApprove, NodeHandle:
		n.setSignDefaults()
	case NodeJoin:
		orDefault(&n.Wait, WaitAllTaken)
	case NodeSubflow:
		orDefault(&n.Wait, WaitChild)
		orDefault(&n.OnChildReject, ChildRejects)
	case NodeTrigger:
		orDefault(&n.OnFailure, FailureFaults)
		if n.HTTP != nil {
			orDefault(&n.HTTP.Method, "POST")
		}
	default:
	}
	setApproverDefaults(n.Approvers)
	setApproverDefaults(n.To)
	for i := range n.Timeouts {
		n.Timeouts[i].setDefaults()
	}
}

func (n *Node) setSignDefaults() {
	orDefault(&n.Sign.Mode, SignAny)
	if n.Sign.Early == nil && (n.Sign.Mode == SignAll || n.Sign.Mode == SignVote) {
		n.Sign.Early = new(true)
	}
	if n.Sign.Mode == SignVote {
		orDefault(&n.Sign.Base, BaseAll)
		orDefault(&n.Sign.Reject, NoBallot)
		orDefault(&n.Sign.Tie, TieReject)
	}
	if n.OnReject != nil {
		orDefault(&n.OnReject.Resume, ResumeReplay)
	}
	if n.Allow == nil {
		n.Allow = Actions()
	}
	orDefault(&n.Opinion, OpinionOptional)
}

func setApproverDefaults(rules []Approver) {
	for i := range rules {
		a := &rules[i]
		switch a.By {
		case RuleSupervisor, RuleSupervisorChain, RuleInitiatorSelect, RulePreviousSelect:
		default:
			orDefault(&a.Pick, PickAll)
		}
		switch a.By {
		case RuleDeptMembers, RuleDeptManager:
			orDefault(&a.Of, OfInitiator)
		case RuleSupervisorChain:
			orDefault(&a.From, 1)
			orDefault(&a.To, ChainTop)
		default:
		}
		switch a.By {
		case RuleDeptManager, RuleFormDeptManager, RuleSupervisor:
			orDefault(&a.Level, 1)
		default:
		}
	}
}

func (t *Timeout) setDefaults() {
	orDefault(&t.Max, 1)
	if t.To != nil {
		one := []Approver{*t.To}
		setApproverDefaults(one)
		*t.To = one[0]
	}
}
