package flowcall

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"orgflow"
	"orgflow/internal/approval"
	"orgflow/internal/flow"
	"orgflow/internal/store"
)

// FlowParams name a flow.
type FlowParams struct {
	Number  string
	Company string // empty: the only one
}

// key checks and returns which flow is meant.
func (s *Service) key(p *params, in FlowParams) store.FlowKey {
	return store.FlowKey{CompanyID: s.company(p, in.Company), No: p.number("flowRunningNumber", in.Number, true)}
}

// AuditParams are the parameters of /flow/onAudit, as they come.
type AuditParams struct {
	FlowParams
	NextNodeSeq     string
	TaskDeptManager string // between commas
}

// OnAudit has the stored decisions of a flow worked on.
func (s *Service) OnAudit(ctx context.Context, in AuditParams) (Answer, error) {
	var p params
	key := s.key(&p, in.FlowParams)
	c := orgflow.FlowCommand{Kind: orgflow.FlowAudit, NextNodeSeq: p.seq("nextNodeSeq", in.NextNodeSeq), Depts: p.depts("taskDeptManager", in.TaskDeptManager)}
	if err := p.checked(); err != nil {
		return Answer{}, err
	}
	if c.NextNodeSeq != nil && *c.NextNodeSeq == -1 {
		s.Log.InfoContext(ctx, "nextNodeSeq is -1", "flow", key.No)
	}
	waiting, cancel := context.WithTimeout(ctx, updateWait)
	defer cancel()
	release, err := s.takeTurn(waiting, key)
	if err != nil { // somebody else's call works on the decisions
		f, err := s.begun(ctx, key)
		if err != nil {
			return Answer{}, err
		}
		return s.accepted(ctx, f), nil
	}
	defer release()
	return s.audit(waiting, key, c)
}

func (s *Service) audit(ctx context.Context, key store.FlowKey, c orgflow.FlowCommand) (Answer, error) {
	return s.persist(ctx, key, func(f *flow.Flow) (Answer, error) {
		machine, pending, err := s.Keeper.Audits(ctx, f, c)
		if err != nil {
			return Answer{}, err
		}
		if beside := c.NextNodeSeq != nil || len(c.Depts) > 0; len(pending) > 0 && !(beside && c.MaxAudit > 0) {
			c.MaxAudit = pending[len(pending)-1].ID // of the first look, if more is asked for
		}
		return s.attempt(ctx, f, s.auditing(f, pending, c, machine))
	})
}

// Relaunch opens the next round of a flow.
func (s *Service) Relaunch(ctx context.Context, in FlowParams) (Answer, error) {
	var p params
	key := s.key(&p, in)
	if err := p.checked(); err != nil {
		return Answer{}, err
	}
	return s.ask(ctx, question{
		key: key, update: orgflow.UpdateFlowRelaunch, command: orgflow.FlowCommand{Kind: orgflow.FlowRelaunch}, machine: approval.DoRelaunch{},
		id: func(f *flow.Flow) string { return fmt.Sprintf("relaunch:%d", f.Round+1) },
	})
}

// DiscardParams are the parameters of /flow/discard: who discards, by name or
// by code.
type DiscardParams struct {
	FlowParams
	UserName, UserCode string
}

// Discard ends a flow, for its initiator and its admins.
func (s *Service) Discard(ctx context.Context, in DiscardParams) (Answer, error) {
	var p params
	key := s.key(&p, in.FlowParams)
	name, code := p.text("userName", in.UserName, false), p.text("userCode", in.UserCode, false)
	if name == "" && code == "" {
		p.bad("userName", "is missing; it or userCode says who discards the flow")
	}
	if err := p.checked(); err != nil {
		return Answer{}, err
	}
	f, err := s.begun(ctx, key)
	if err != nil {
		return Answer{}, err
	}
	if code == "" {
		if code, err = s.discarder(ctx, f, name); err != nil {
			return Answer{}, err
		}
	}
	return s.ask(ctx, question{
		key: key, update: orgflow.UpdateFlowDiscard, command: orgflow.FlowCommand{Kind: orgflow.FlowDiscard, By: code}, machine: approval.DoDiscard{By: code},
		id: func(f *flow.Flow) string { return fmt.Sprintf("discard:%d", f.Round) },
	})
}

// discarder finds out who a name means: names repeat. The initiator, if
// nobody else of that name could do it as an admin; else the only one there
// is (approval reference B.3).
func (s *Service) discarder(ctx context.Context, f *flow.Flow, name string) (string, error) {
	codes, err := s.called(ctx, f, name)
	switch {
	case err != nil:
		return "", err
	case len(codes) == 0:
		return "", refuse(approval.NotInitiatorOrAdm, fmt.Sprintf("only the initiator and the admins of flow %s may discard it", f.No), 0)
	case len(codes) == 1:
		return codes[0], nil
	}
	may, err := s.mayDiscard(ctx, f, codes)
	switch {
	case err != nil:
		return "", err
	case len(may) == 0: // whoever it is
		return codes[0], nil
	case len(may) == 1 && may[0] == f.Initiator.Code:
		return may[0], nil
	}
	return "", refuse(codeAmbiguousUser, "several people have that name; give userCode", 0).about("userName")
}

// called returns the codes of everybody a name may mean: those who have it,
// whose account it is if nobody has, and the initiator as named at launch.
func (s *Service) called(ctx context.Context, f *flow.Flow, name string) ([]string, error) {
	list, err := s.Store.UsersByName(ctx, f.CompanyID, name)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	var codes []string
	for _, m := range list {
		codes = append(codes, m.UserCode())
	}
	if len(codes) == 0 {
		found, err := s.Store.UsersByCodes(ctx, f.CompanyID, []string{name})
		if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrAmbiguous) {
			return nil, err
		}
		if _, ok := found[name]; ok {
			codes = append(codes, name)
		}
	}
	if f.Initiator.Name == name && !slices.Contains(codes, f.Initiator.Code) {
		codes = append(codes, f.Initiator.Code)
	}
	return codes, nil
}

// mayDiscard returns those who may discard a flow.
func (s *Service) mayDiscard(ctx context.Context, f *flow.Flow, codes []string) ([]string, error) {
	var may []string
	for _, code := range codes {
		_, err := s.Keeper.Try(ctx, f, approval.DoDiscard{By: code})
		var refusal *approval.Refusal
		switch {
		case errors.As(err, &refusal) && refusal.Code == approval.NotInitiatorOrAdm:
			continue
		case err != nil && !errors.As(err, &refusal):
			return nil, err
		}
		may = append(may, code)
	}
	return may, nil
}

// Urgent reminds whoever has an open task of a flow.
func (s *Service) Urgent(ctx context.Context, in FlowParams) (Answer, error) {
	var p params
	key := s.key(&p, in)
	if err := p.checked(); err != nil {
		return Answer{}, err
	}
	return s.ask(ctx, question{
		key: key, update: orgflow.UpdateFlowUrge, command: orgflow.FlowCommand{Kind: orgflow.FlowUrge}, machine: approval.DoUrge{},
		id: func(f *flow.Flow) string { return fmt.Sprintf("urge:%d", f.State.Rev) },
	})
}

// SteerParams are what somebody does to a flow beside the calls of boards.
type SteerParams struct {
	FlowParams
	Kind   orgflow.FlowCommandKind // withdraw, retract, jump or repair
	By     string                  // user code
	Action string                  // of repair: retry or jump
	From   *int                    // of jump: seq of a current node; nil: the flow as a whole
	To     *int                    // of jump, and of repair by jump
}

// Steer withdraws, retracts, jumps or repairs.
func (s *Service) Steer(ctx context.Context, in SteerParams) (Answer, error) {
	var p params
	key := s.key(&p, in.FlowParams)
	by := p.text("by", in.By, true)
	c := orgflow.FlowCommand{Kind: in.Kind, By: by, Action: in.Action, From: in.From, To: in.To}
	machine := s.steering(&p, c)
	if err := p.checked(); err != nil {
		return Answer{}, err
	}
	answer, err := s.ask(ctx, question{
		key: key, update: orgflow.UpdateFlowAdmin, command: c, machine: machine,
		id: func(f *flow.Flow) string { return fmt.Sprintf("admin:%s:%d", c.Kind, f.State.Rev) },
	})
	if refused, ok := errors.AsType[*Error](err); ok && refused.Field == blamed[approval.NodeNotFound] {
		err = refused.about("to_node_seq") // the same, by its name here
	}
	return answer, err
}

func (s *Service) steering(p *params, c orgflow.FlowCommand) approval.Command {
	needed := c.Kind == orgflow.FlowJump || c.Kind == orgflow.FlowRepair && c.Action == string(approval.RepairJump)
	if needed && c.To == nil {
		p.bad("to_node_seq", "is missing")
		return nil
	}
	switch c.Kind {
	case orgflow.FlowWithdraw:
		return approval.DoWithdraw{By: c.By}
	case orgflow.FlowRetract:
		return approval.DoRetract{By: c.By}
	case orgflow.FlowJump:
		return approval.DoJump{By: c.By, From: c.From, To: *c.To}
	case orgflow.FlowRepair:
		action := approval.RepairAction(c.Action)
		if action != approval.RepairRetry && action != approval.RepairJump {
			p.bad("action", `must be "retry" or "jump"`)
		}
		return approval.DoRepair{By: c.By, Action: action, To: c.To}
	default:
		p.bad("kind", "is none of withdraw, retract, jump and repair")
		return nil
	}
}
