package flowcall

import (
	"context"
	"errors"
	"time"

	"orgflow"
	"orgflow/internal/store"
)

const (
	// startingFor is how long a flow may be STARTING before its start counts
	// as lost, waitingFor how long a decision may wait.
	startingFor = 10 * time.Second
	waitingFor  = 30 * time.Second
	sweepPage   = 100
)

// Swept counts what a sweep has done.
type Swept struct{ Flows, Failed int }

// Sweep finds calls that were lost between the database and the engine: flows
// that were stored and never started, and decisions nobody was told of; and
// people who went away with open tasks. Any
// number of processes may sweep at the same time, as often as they like: both
// calls may be repeated.
func (s *Service) Sweep(ctx context.Context) (Swept, error) {
	var n Swept
	behind := store.FlowKey{}
	for {
		flows, err := s.Store.StartingFlows(ctx, startingFor, behind, sweepPage)
		if err != nil {
			return n, err
		}
		for _, f := range flows {
			behind = f.FlowKey
			if !s.count(ctx, &n, f.FlowKey, s.start(ctx, f)) {
				return n, ErrUnavailable
			}
		}
		if len(flows) < sweepPage {
			break
		}
	}
	if err := s.sweepDecisions(ctx, &n); err != nil {
		return n, err
	}
	return n, s.sweepAbsences(ctx, &n)
}

func (s *Service) sweepDecisions(ctx context.Context, n *Swept) error {
	behind := store.FlowKey{}
	for {
		keys, err := s.Store.UnappliedFlows(ctx, waitingFor, behind, sweepPage)
		if err != nil {
			return err
		}
		for _, key := range keys {
			behind = key
			one, cancel := context.WithTimeout(ctx, updateWait)
			_, err := s.audit(one, key, orgflow.FlowCommand{Kind: orgflow.FlowAudit})
			cancel()
			if !s.count(ctx, n, key, err) {
				return ErrUnavailable
			}
		}
		if len(keys) < sweepPage {
			return nil
		}
	}
}

// count notes one flow; where it failed the others go on. It is false when there
// is no point in going on.
func (s *Service) count(ctx context.Context, n *Swept, key store.FlowKey, err error) bool {
	n.Flows++
	if err == nil {
		return true
	}
	n.Failed++
	s.Log.WarnContext(ctx, "a lost call was not made up for", "flow", key.No, "error", err)
	var refused *Error
	return ctx.Err() == nil && !errors.Is(err, ErrUnavailable) && !(errors.As(err, &refused) && refused.Code == codeUnavailable)
}

// SweepEvery sweeps again and again until ctx ends.
func (s *Service) SweepEvery(ctx context.Context, pause time.Duration) {
	for ctx.Err() == nil {
		n, err := s.Sweep(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			s.Log.WarnContext(ctx, "sweep of approval flows", "error", err)
		case n != Swept{}:
			s.Log.InfoContext(ctx, "lost calls on approval flows were made up for", "flows", n.Flows, "failed", n.Failed)
		}
		if s.Sleep(ctx, pause) != nil {
			return
		}
	}
}
