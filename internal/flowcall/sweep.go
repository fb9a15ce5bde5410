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
	// mostOverdue bounds how many overdue flows one sweep starts; the next one
	// goes on behind them.
	mostOverdue = 1000
)

// overdue is how long a flow's workflow may owe it something before it counts
// as lost. Calls of trigger nodes are tried for some minutes.
var overdue = store.Overdue{Deadline: 30 * time.Second, Child: time.Minute, Trigger: 15 * time.Minute}

// Swept counts what a sweep has done.
type Swept struct {
	Flows, Failed int
	Late          int // decisions that cannot count any more
}

// Sweep finds calls that were lost between the database and the engine: flows
// that were stored and never started, and decisions nobody was told of or that
// came too late; flows whose workflow was terminated or lost while something
// was due; and people who went away with open tasks. Any number of processes
// may sweep at the same time, as often as they like: all it does may be
// repeated.
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
	for _, sweep := range []func(context.Context, *Swept) error{s.sweepDecisions, s.sweepLate, s.sweepOverdue, s.sweepAbsences} {
		if err := sweep(ctx, &n); err != nil {
			return n, err
		}
	}
	return n, nil
}

// sweepLate settles decisions that cannot count any more and that nobody calls
// about.
func (s *Service) sweepLate(ctx context.Context, n *Swept) error {
	for range mostOverdue / sweepPage {
		settled, err := s.Store.SettleLate(ctx, waitingFor, sweepPage)
		if n.Late += settled; err != nil || settled < sweepPage {
			return err
		}
	}
	return nil
}

// sweepOverdue starts the workflows of flows to which something is owed for
// too long. One that runs is left alone: it sees to that by itself.
func (s *Service) sweepOverdue(ctx context.Context, n *Swept) error {
	for range mostOverdue / sweepPage {
		flows, err := s.Store.OverdueFlows(ctx, overdue, s.behind(nil), sweepPage)
		if err != nil {
			return err
		}
		for _, f := range flows {
			s.behind(&f.FlowKey)
			if !s.count(ctx, n, f.FlowKey, s.start(ctx, f)) {
				return ErrUnavailable
			}
		}
		if len(flows) < sweepPage {
			s.behind(&store.FlowKey{})
			return nil
		}
	}
	return nil
}

// behind returns the flow behind which overdue ones are looked for, after
// setting it where one is given.
func (s *Service) behind(set *store.FlowKey) store.FlowKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	if set != nil {
		s.overdue = *set
	}
	return s.overdue
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
			s.Log.InfoContext(ctx, "lost calls on approval flows were made up for", "flows", n.Flows, "failed", n.Failed, "late_decisions", n.Late)
		}
		if s.Sleep(ctx, pause) != nil {
			return
		}
	}
}
