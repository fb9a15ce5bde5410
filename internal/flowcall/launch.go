package flowcall

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"orgflow"
	"orgflow/internal/approval"
	"orgflow/internal/flow"
	"orgflow/internal/store"
)

// LaunchParams are the parameters of /flow/launch, as they come.
type LaunchParams struct {
	Number, FlowCode, DataID, UserName, UserCode, DeptName string
	Company                                                string // empty: the only one
}

// Launch starts a flow for a saved form row. A repeated launch answers with
// the flow there is.
func (s *Service) Launch(ctx context.Context, in LaunchParams) (Answer, error) {
	var p params
	company := s.company(&p, in.Company)
	l := flow.Launch{
		CompanyID: company, No: p.number("flowRunningNumber", in.Number, false), Code: p.text("flowCode", in.FlowCode, true),
		DataID: p.text("dataId", in.DataID, true), Again: approval.RepeatWindow,
		Initiator: store.Initiator{Code: p.text("userCode", in.UserCode, false), Name: p.text("userName", in.UserName, false), Dept: p.text("deptName", in.DeptName, false)},
	}
	if l.Initiator.Code == "" && l.Initiator.Name == "" {
		p.bad("userCode", "is missing; it, or a userName that one person has, says who launches")
	}
	if err := p.checked(); err != nil {
		return Answer{}, err
	}
	if l.No != "" {
		existing, err := s.Store.LoadFlow(ctx, store.FlowKey{CompanyID: company, No: l.No})
		if err == nil {
			return s.existing(ctx, existing.Flow, existing.Code == l.Code && existing.DataID == l.DataID)
		}
		if !errors.Is(err, store.ErrNotFound) {
			return Answer{}, err
		}
	}
	var err error
	if l.Initiator, err = s.initiator(ctx, company, l.Initiator); err != nil {
		return Answer{}, err
	}
	return s.launch(ctx, l)
}

func (s *Service) launch(ctx context.Context, l flow.Launch) (Answer, error) {
	draft, err := s.Keeper.TryLaunch(ctx, l)
	if err != nil {
		return Answer{}, answerError(err)
	}
	stored, outcome, err := s.Keeper.Launch(ctx, draft, l.Again)
	switch {
	case err != nil:
		return Answer{}, err
	case outcome == store.LaunchNumberTaken:
		return s.existing(ctx, stored, false)
	case outcome != store.LaunchCreated:
		return s.existing(ctx, stored, true)
	}
	return s.opened(ctx, stored)
}

// opened starts a new flow's workflow and waits for a moment until its first
// node is open. One that does not begin in time is STARTING; if it could not
// be started the sweeper does.
func (s *Service) opened(ctx context.Context, stored store.Flow) (Answer, error) {
	if err := s.start(ctx, stored); err != nil {
		s.Log.WarnContext(ctx, "a flow is stored and not started yet", "flow", stored.No, "error", err)
		return s.starting(stored), nil
	}
	f, err := s.settled(ctx, stored.FlowKey, startWait, begun)
	if errors.Is(err, context.DeadlineExceeded) {
		return s.starting(stored), nil
	}
	if err != nil {
		return Answer{}, err
	}
	return standing(f), nil
}

func (s *Service) starting(stored store.Flow) Answer {
	return Answer{Accepted: true, Answer: approval.Answer{Number: stored.No, State: orgflow.FlowStarting, Round: 1, CurrentNodes: []int{}}}
}

// existing answers a launch for which there is a flow already.
func (s *Service) existing(ctx context.Context, found store.Flow, same bool) (Answer, error) {
	if !same {
		return Answer{}, refuse(flow.NumberTaken, fmt.Sprintf("number %s belongs to a flow of another code or form row", found.No), 0)
	}
	f, err := s.Keeper.Load(ctx, found.FlowKey)
	if err != nil {
		return Answer{}, err
	}
	if f.State == nil { // started by somebody else a moment ago, or not at all
		a, err := s.opened(ctx, found)
		a.Existing = true
		return a, err
	}
	out, err := s.Keeper.Try(ctx, f, approval.DoLaunch{Number: f.No, Initiator: f.Initiator.Code})
	if err != nil {
		return Answer{}, answerError(err)
	}
	return Answer{Answer: out.Answer}, nil
}

// initiator finds who launches: by code, else by a name that one person has.
// Who says no department launches for the main one.
func (s *Service) initiator(ctx context.Context, company int64, who store.Initiator) (store.Initiator, error) {
	m, err := s.launcher(ctx, company, who)
	if err != nil {
		return who, err
	}
	if who.Code == "" {
		who.Code = strings.TrimSpace(m.UserCode())
	}
	who.Name = cmp.Or(who.Name, m.Name)
	if who.Dept != "" {
		return who, nil
	}
	depts, err := s.Store.DepartmentsOf(ctx, company, m.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return who, err
	}
	if len(depts) > 0 {
		who.Dept = depts[0].Name
	}
	return who, nil
}

func (s *Service) launcher(ctx context.Context, company int64, who store.Initiator) (orgflow.OrgMember, error) {
	var nobody orgflow.OrgMember
	if who.Code != "" {
		found, err := s.Store.UsersByCodes(ctx, company, []string{who.Code})
		m, ok := found[who.Code]
		switch {
		case errors.Is(err, store.ErrAmbiguous):
			return nobody, refuse(codeAmbiguousUser, fmt.Sprintf("several people have the code %q", who.Code), 0).about("userCode")
		case err != nil && !errors.Is(err, store.ErrNotFound):
			return nobody, err
		case !ok:
			return nobody, refuse(codeUserNotFound, fmt.Sprintf("the organisation of company %d has nobody with the code %q; pull it if it is new", company, who.Code), 0).about("userCode")
		}
		return m, nil
	}
	list, err := s.Store.UsersByName(ctx, company, who.Name)
	switch {
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return nobody, err
	case len(list) == 0:
		return nobody, refuse(codeUserNotFound, fmt.Sprintf("the organisation of company %d has nobody of that name; pull it if it is new", company), 0).about("userName")
	case len(list) > 1:
		return nobody, refuse(codeAmbiguousUser, "several people have that name; give userCode", 0).about("userName")
	}
	return list[0], nil
}
