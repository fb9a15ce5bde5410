package flowcall

import (
	"context"
	"errors"
	"fmt"
	"time"

	"orgflow"
	"orgflow/internal/approval"
	"orgflow/internal/store"
)

// sweepAbsences gives open tasks of people who are away to their agents: an
// absence may begin while a task is open, or be stored late. It asks the
// machine first, so that nobody is told of an absence that changes nothing.
func (s *Service) sweepAbsences(ctx context.Context, n *Swept) error {
	for _, company := range s.Files.Companies() {
		now := s.Keeper.Now()
		list, err := s.Store.Absences(ctx, company, nil, now, now.Add(time.Microsecond))
		if err != nil {
			return err
		}
		seen := map[string]bool{}
		for _, a := range list {
			if seen[a.UserCode] {
				continue
			}
			seen[a.UserCode] = true
			if err := s.sweepAbsence(ctx, n, company, a.UserCode); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Service) sweepAbsence(ctx context.Context, n *Swept, company int64, user string) error {
	filter := store.FlowFilter{
		CompanyID: company, Assignee: user, States: []orgflow.FlowState{orgflow.FlowRunning, orgflow.FlowFaulted}, Limit: sweepPage,
	}
	for {
		flows, next, err := s.Store.ListFlows(ctx, filter)
		if err != nil {
			return err
		}
		for _, f := range flows {
			told, err := s.tellAbsence(ctx, f.FlowKey, user)
			if (told || err != nil) && !s.count(ctx, n, f.FlowKey, err) {
				return ErrUnavailable
			}
		}
		if filter.Cursor = next; next == "" {
			return nil
		}
	}
}

// tellAbsence tells a flow that somebody is away, if that changes anything.
func (s *Service) tellAbsence(ctx context.Context, key store.FlowKey, user string) (told bool, err error) {
	f, err := s.Keeper.Load(ctx, key)
	if err != nil || f.State == nil {
		return false, err
	}
	out, err := s.Keeper.Try(ctx, f, approval.AbsenceBegan{User: user})
	if err != nil || !out.Changed {
		return false, err
	}
	c := orgflow.FlowCommand{Kind: orgflow.FlowAbsence, By: user}
	err = s.Engine.Signal(ctx, f.WorkflowID, c)
	if errors.Is(err, ErrGone) { // terminated, or lost
		if err = s.start(ctx, f.Flow); err == nil {
			err = s.Engine.Signal(ctx, f.WorkflowID, c)
		}
	}
	if err != nil {
		return true, fmt.Errorf("tell flow %s that somebody is away: %w", key.No, err)
	}
	return true, nil
}
