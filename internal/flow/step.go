package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"orgflow"
	"orgflow/internal/approval"
	"orgflow/internal/store"
)

// ErrForeign says that the flow was at another revision before the step
// began, and not because of this step: somebody else wrote to it.
var ErrForeign = errors.New("somebody else has written to the flow")

// Request is one step of a flow.
type Request struct {
	store.FlowKey
	// Rev is the revision the flow is expected at; 0 takes it as it is.
	Rev int64
	// Key names the step: the same at every attempt, different from every
	// other step of the flow.
	Key     string
	Command orgflow.FlowCommand
}

// Step carries out one command in one transaction. It may be repeated: a
// step that was committed by an attempt whose answer was lost is answered as
// it was then. A refusal is an answer. ErrForeign says that the flow is not at
// Rev; store.ErrForeignRev that it moved on during the step, so that trying
// again tells more.
func (k *Keeper) Step(ctx context.Context, r Request) (orgflow.FlowStepped, error) {
	f, err := k.Load(ctx, r.FlowKey)
	if err != nil {
		return orgflow.FlowStepped{}, err
	}
	if f.StepKey == r.Key && (r.Rev == 0 || f.Rev == r.Rev+1) {
		return k.repeated(ctx, r.CompanyID, f.No, f.Answer)
	}
	if r.Rev != 0 && f.Rev != r.Rev {
		return orgflow.FlowStepped{}, fmt.Errorf("step %q of flow %s: %w: its revision is %d, not %d", r.Key, r.No, ErrForeign, f.Rev, r.Rev)
	}
	cmd, decisions, err := k.command(ctx, f, r.Command)
	if err != nil {
		return orgflow.FlowStepped{}, err
	}
	if cmd == nil {
		return f.standing(nil), nil
	}
	t, err := k.prepare(ctx, f, cmd)
	if err != nil {
		return orgflow.FlowStepped{}, err
	}
	out, err := approval.Step(t.flow.Def, t.flow.State, cmd, t.world)
	var refusal *approval.Refusal
	if errors.As(err, &refusal) {
		return k.refused(ctx, f, refusal)
	}
	if err != nil {
		return orgflow.FlowStepped{}, fmt.Errorf("flow %s: %w", r.No, err)
	}
	return k.commit(ctx, r, t, out, decisions)
}

// repeated answers a step that was committed before, by an attempt that may
// not have come to telling senders.
func (k *Keeper) repeated(ctx context.Context, company int64, no string, answer []byte) (orgflow.FlowStepped, error) {
	var s orgflow.FlowStepped
	if err := json.Unmarshal(answer, &s); err != nil {
		return s, fmt.Errorf("the answer of the last step of flow %s: %w", no, err)
	}
	k.Tell(ctx, company, s.Channels)
	return s, nil
}

// commit stores what a step has come to.
func (k *Keeper) commit(ctx context.Context, r Request, t *trial, out approval.Outcome, decisions []store.Decision) (orgflow.FlowStepped, error) {
	stepped, err := t.stepped(out)
	if err != nil || !out.Changed {
		return stepped, err
	}
	e := effect{trial: t, out: out, decisions: decisions}
	p, err := e.step(r.Key)
	if err != nil {
		return orgflow.FlowStepped{}, fmt.Errorf("flow %s: %w", r.No, err)
	}
	stepped.Messages = len(p.Messages)
	for _, m := range p.Messages {
		if !slices.Contains(stepped.Channels, m.Channel) {
			stepped.Channels = append(stepped.Channels, m.Channel)
		}
	}
	if p.Answer, err = json.Marshal(stepped); err != nil {
		return orgflow.FlowStepped{}, fmt.Errorf("answer of flow %s: %w", r.No, err)
	}
	result, err := k.Store.CommitStep(ctx, p)
	if err != nil {
		return orgflow.FlowStepped{}, err
	}
	if result.Repeated {
		return k.repeated(ctx, r.CompanyID, r.No, result.Answer)
	}
	k.Tell(ctx, r.CompanyID, stepped.Channels)
	if k.Watch != nil {
		k.Watch(e.watched())
	}
	return stepped, nil
}

// refused answers a command that was not carried out. Decisions that cannot
// count any more are marked as late.
func (k *Keeper) refused(ctx context.Context, f *Flow, refusal *approval.Refusal) (orgflow.FlowStepped, error) {
	if len(refusal.Audits) > 0 {
		if _, err := k.Store.MarkLate(ctx, f.FlowKey); err != nil {
			return orgflow.FlowStepped{}, err
		}
	}
	return f.standing(refusal), nil
}

// Closed tells whether the flow has ended: its workflow has nothing left to do.
func (f *Flow) Closed() bool { return f.State != nil && f.status(f.State).Closed() }

// command makes the machine's command of one that has travelled. It is nil
// where nothing is to be done.
func (k *Keeper) command(ctx context.Context, f *Flow, c orgflow.FlowCommand) (approval.Command, []store.Decision, error) {
	switch c.Kind {
	case orgflow.FlowBegin:
		return begin(f, c), nil, nil
	case orgflow.FlowAudit:
		return k.Audits(ctx, f, c)
	case orgflow.FlowRelaunch:
		return approval.DoRelaunch{}, nil, nil
	case orgflow.FlowDiscard:
		return approval.DoDiscard{By: c.By, System: c.System}, nil, nil
	case orgflow.FlowUrge:
		return approval.DoUrge{By: c.By}, nil, nil
	case orgflow.FlowWithdraw:
		return approval.DoWithdraw{By: c.By}, nil, nil
	case orgflow.FlowRetract:
		return approval.DoRetract{By: c.By}, nil, nil
	case orgflow.FlowJump:
		jump := approval.DoJump{By: c.By, From: c.From}
		if c.To == nil {
			return nil, nil, orgflow.Faultf(orgflow.CodeInvalidRecord, "a jump needs a node to go to")
		}
		jump.To = *c.To
		return jump, nil, nil
	case orgflow.FlowRepair:
		return approval.DoRepair{By: c.By, Action: approval.RepairAction(c.Action), To: c.To}, nil, nil
	case orgflow.FlowWake:
		return approval.Wake{}, nil, nil
	case orgflow.FlowAbsence:
		return approval.AbsenceBegan{User: c.By}, nil, nil
	case orgflow.FlowChildDone:
		return approval.ChildDone{Visit: c.Visit, State: orgflow.FlowState(c.State), Refused: c.Refused}, nil, nil
	case orgflow.FlowTriggerDone:
		return approval.TriggerDone{Visit: c.Visit, OK: c.OK, Message: c.Message}, nil, nil
	}
	return nil, nil, orgflow.Faultf(orgflow.CodeInvalidRecord, "unknown command %q", c.Kind)
}

// begin is what an execution of the workflow starts with: the launch, the
// relaunch of a discarded flow, or nothing but a look.
func begin(f *Flow, c orgflow.FlowCommand) approval.Command {
	switch {
	case f.State == nil:
		return approval.DoLaunch{Number: f.No, Initiator: f.Initiator.Code, Accepted: true}
	case f.State.Round < c.Round && f.State.Flow == orgflow.FlowDiscarded:
		return approval.DoRelaunch{}
	}
	return nil
}

// Audits makes the command that works on the stored decisions that wait, with
// what calls that may have been lost asked for. With an override in the
// command itself only on those up to the one the caller saw: it is theirs.
func (k *Keeper) Audits(ctx context.Context, f *Flow, c orgflow.FlowCommand) (approval.Command, []store.Decision, error) {
	pending, err := k.Store.PendingAudits(ctx, f.FlowKey)
	if err != nil {
		return nil, nil, err
	}
	cmd := approval.DoAudits{NextNodeSeq: c.NextNodeSeq, TaskDeptManager: c.Depts}
	for _, d := range pending {
		if c.MaxAudit > 0 && d.ID > c.MaxAudit && (c.NextNodeSeq != nil || len(c.Depts) > 0) {
			continue
		}
		cmd.Rows = append(cmd.Rows, decision(d))
	}
	if n := len(cmd.Rows); n > 0 && (c.NextNodeSeq != nil || len(c.Depts) > 0) {
		cmd.Rows[n-1].Asked = nil // the last one wins
	}
	if f.State != nil && f.State.Flow != orgflow.FlowRunning {
		all, err := k.Store.Audits(ctx, f.FlowKey)
		if err != nil {
			return nil, nil, err
		}
		if len(all) > 0 {
			cmd.Newest = all[len(all)-1].ID
		}
	}
	return cmd, pending, nil
}

// unreadable stands for the verdict of a row whose lists cannot be read: no
// task takes it, so that it is marked invalid.
const unreadable orgflow.Verdict = "unreadable"

func decision(d store.Decision) approval.Decision {
	out := approval.Decision{
		ID: d.ID, Round: d.Round, NodeSeq: d.NodeSeq, User: d.UserCode, Verdict: d.Verdict,
		TargetSeq: d.TargetSeq, TargetUsers: d.TargetUsers, HasOpinion: d.Opinion != "",
	}
	if d.Task != nil {
		out.Task = int(*d.Task)
	}
	if d.Asked != nil {
		out.Asked = &approval.Asked{NextNodeSeq: d.Asked.NextNodeSeq, TaskDeptManager: d.Asked.Depts}
	}
	if d.Defect != "" {
		out.Verdict = unreadable
	}
	return out
}

// status is where a flow is.
func (f *Flow) status(s *approval.State) orgflow.FlowStatus {
	if s == nil {
		return orgflow.FlowStatus{No: f.No, State: orgflow.FlowStarting, Round: 1, CurrentNodes: []int{}}
	}
	out := orgflow.FlowStatus{No: s.Number, State: s.Flow, Round: s.Round, Rev: s.Rev, CurrentNodes: s.CurrentNodes()}
	if at := s.NextWake(); !at.IsZero() {
		out.NextWake = new(at)
	}
	for i := range s.Tasks {
		if s.Tasks[i].State == orgflow.TaskActive {
			out.OpenTasks++
		}
	}
	return out
}

// standing answers without a step: where the flow is, and what its workflow
// has to see to in case an execution before it was killed.
func (f *Flow) standing(refusal *approval.Refusal) orgflow.FlowStepped {
	out := orgflow.FlowStepped{Status: f.status(f.State), Parent: f.parent()}
	if refusal != nil {
		out.Refusal = &orgflow.FlowRefusal{Code: string(refusal.Code), Message: refusal.Message, RetryAfter: refusal.RetryAfter}
		return out
	}
	if f.State == nil {
		return out
	}
	for i := range f.State.Visits {
		v := &f.State.Visits[i]
		switch active := v.State == orgflow.VisitActive; {
		case v.Type == approval.NodeTrigger && active:
			out.Triggers = append(out.Triggers, v.ID)
		case v.Type == approval.NodeSubflow && (active || v.State == orgflow.VisitPassed):
			// Of one that has passed the child may be nobody's to wait for, and
			// not stored yet.
			if n, ok := f.Def.Node(v.Node); ok && (active || n.Wait == approval.WaitNot) {
				out.Children = append(out.Children, f.child(v.ID, n.Flow, n.DataField, active))
			}
		}
	}
	return out
}

// VisitedNode returns the node of a visit of the current round, and that
// round.
func (f *Flow) VisitedNode(visit int) (*approval.Node, int, bool) {
	if f.State == nil {
		return nil, 0, false
	}
	for i := range f.State.Visits {
		if v := &f.State.Visits[i]; v.ID == visit {
			n, ok := f.Def.Node(v.Node)
			return n, v.Round, ok
		}
	}
	return nil, 0, false
}

func (f *Flow) parent() *orgflow.FlowParent {
	if f.Parent == nil {
		return nil
	}
	return &orgflow.FlowParent{No: f.Parent.No, Visit: f.Parent.Visit}
}

func (f *Flow) child(visit int, code, field string, wait bool) orgflow.FlowChild {
	return orgflow.FlowChild{Visit: visit, No: ChildNo(f.No, visit), Code: code, Field: field, Wait: wait}
}
