package flowcall

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"orgflow"
	"orgflow/internal/approval"
	"orgflow/internal/flow"
	"orgflow/internal/store"
)

// question is a command on a flow, with the update that carries it.
type question struct {
	key     store.FlowKey
	update  string // name
	command orgflow.FlowCommand
	machine approval.Command // the same for the state machine
	id      func(*flow.Flow) string
	before  func(context.Context) error // what is stored first; nil: nothing
}

// ask carries a command out: what the database shows to be refused or done
// already is answered from there, the rest by the flow's workflow.
func (s *Service) ask(ctx context.Context, q question) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, updateWait)
	defer cancel()
	return s.persist(ctx, q.key, func(f *flow.Flow) (Answer, error) { return s.attempt(ctx, f, q) })
}

// persist looks at a flow and tries something, again as long as the flow has
// moved on meanwhile.
func (s *Service) persist(ctx context.Context, key store.FlowKey, try func(*flow.Flow) (Answer, error)) (Answer, error) {
	for tries := 0; ; tries++ {
		var answer Answer
		f, err := s.begun(ctx, key)
		if err == nil {
			answer, err = try(f)
		}
		if !errors.Is(err, errAgain) {
			return answer, inTime(ctx, err)
		}
		if err := s.pause(ctx, tries); err != nil {
			return Answer{}, err
		}
	}
}

// inTime tells a caller whose time is over to come back: whatever failed last
// failed for that.
func inTime(ctx context.Context, err error) error {
	var refused *Error
	if err == nil || ctx.Err() == nil || errors.As(err, &refused) {
		return err
	}
	return answerError(ErrBusy)
}

// pause waits before another look at the database, until the call's time is
// over.
func (s *Service) pause(ctx context.Context, tries int) error {
	if s.Sleep(ctx, min(time.Duration(tries+1)*20*time.Millisecond, 200*time.Millisecond)) != nil {
		return answerError(ErrBusy)
	}
	return nil
}

// errAgain asks for another look at the database.
var errAgain = errors.New("the flow has moved on")

// attempt is one look at the database and, where that does not answer, one
// update.
func (s *Service) attempt(ctx context.Context, f *flow.Flow, q question) (Answer, error) {
	out, err := s.Keeper.Try(ctx, f, q.machine)
	var refusal *approval.Refusal
	if errors.As(err, &refusal) {
		return Answer{}, s.refused(ctx, f, refusal)
	}
	if err != nil {
		return Answer{}, err
	}
	if !out.Changed {
		return Answer{Answer: out.Answer}, nil
	}
	if f.Closed() {
		return s.afterEnd(ctx, f, q)
	}
	if q.before != nil {
		if err := q.before(ctx); err != nil {
			return Answer{}, err
		}
	}
	reply, err := s.Engine.Update(ctx, f.WorkflowID, q.id(f), q.update, q.command)
	switch {
	case errors.Is(err, ErrGone):
		return Answer{}, s.revive(ctx, q.key)
	case errors.Is(err, ErrBusy):
		return Answer{}, errAgain
	case errors.Is(err, ErrNoAnswer):
		return s.accepted(ctx, f), nil
	case err != nil:
		return Answer{}, answerError(err)
	}
	return decoded(reply)
}

// refused answers a call that the database shows to be impossible. Decisions
// that cannot count any more are marked, whoever asks.
func (s *Service) refused(ctx context.Context, f *flow.Flow, refusal *approval.Refusal) error {
	if len(refusal.Audits) > 0 {
		if _, err := s.Store.MarkLate(ctx, f.FlowKey); err != nil {
			return err
		}
	}
	return answerError(refusal)
}

// decoded reads what a workflow answered.
func decoded(reply orgflow.FlowReply) (Answer, error) {
	if r := reply.Refusal; r != nil {
		return Answer{}, refuse(approval.RefusalCode(r.Code), r.Message, r.RetryAfter)
	}
	var a Answer
	if len(reply.Answer) == 0 {
		return a, nil
	}
	if err := json.Unmarshal(reply.Answer, &a.Answer); err != nil {
		return a, fmt.Errorf("the answer of a flow's workflow: %w", err)
	}
	return a, nil
}

// afterEnd carries a command out on a flow whose workflow has ended: a
// discard is one transaction, a relaunch starts the next round's workflow.
func (s *Service) afterEnd(ctx context.Context, f *flow.Flow, q question) (Answer, error) {
	if q.command.Kind == orgflow.FlowRelaunch {
		return s.nextRound(ctx, f)
	}
	stepped, err := s.Keeper.Step(ctx, flow.Request{
		FlowKey: q.key, Rev: f.Rev, Key: fmt.Sprintf("%s:%d:%d", q.command.Kind, f.Round, f.Rev), Command: q.command,
	})
	if errors.Is(err, store.ErrForeignRev) || errors.Is(err, flow.ErrForeign) {
		return Answer{}, errAgain
	}
	if err != nil {
		return Answer{}, err
	}
	return decoded(stepped.FlowReply)
}

// nextRound starts the workflow of the round after a discarded one, which
// opens it. The workflow of the round before may be about to end still.
func (s *Service) nextRound(ctx context.Context, f *flow.Flow) (Answer, error) {
	round := f.Round + 1
	run := orgflow.FlowRun{CompanyID: f.CompanyID, No: f.No, Round: round}
	until, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	for {
		if err := s.Engine.Start(until, f.WorkflowID, run); err != nil && until.Err() == nil {
			return Answer{}, answerError(err)
		}
		now, err := s.settled(until, f.FlowKey, 300*time.Millisecond, func(f store.Flow) bool { return f.Round >= round })
		if err == nil {
			return standing(now), nil
		}
		if until.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			break
		}
	}
	return s.accepted(ctx, f), nil
}

// revive starts the workflow of an open flow that has none: it was
// terminated, or the server lost it. One that has ended meanwhile is looked
// at again.
func (s *Service) revive(ctx context.Context, key store.FlowKey) error {
	f, err := s.Keeper.Load(ctx, key)
	if err != nil {
		return err
	}
	if f.Closed() {
		return errAgain
	}
	if err := s.start(ctx, f.Flow); err != nil {
		return answerError(err)
	}
	return errAgain
}

// begun loads a flow. One whose workflow has not begun is started and waited
// for.
func (s *Service) begun(ctx context.Context, key store.FlowKey) (*flow.Flow, error) {
	f, err := s.Keeper.Load(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil, refuse(approval.FlowNotFound, fmt.Sprintf("there is no flow %s", key.No), 0)
	}
	if err != nil || f.State != nil {
		return f, err
	}
	if err := s.start(ctx, f.Flow); err != nil {
		return nil, answerError(err)
	}
	f, err = s.settled(ctx, key, startWait, begun)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, refuse(codeUnavailable, fmt.Sprintf("flow %s has not begun yet; it is safe to repeat the call", key.No), retryAfter)
	}
	return f, err
}

// begun tells whether a flow has made its first step.
func begun(f store.Flow) bool { return f.Rev > 0 }

func (s *Service) start(ctx context.Context, f store.Flow) error {
	return s.Engine.Start(ctx, f.WorkflowID, orgflow.FlowRun{CompanyID: f.CompanyID, No: f.No, Round: max(f.Round, 1)})
}

// settled looks at a flow until something is true of it, for a while; then
// context.DeadlineExceeded. The pauses grow with the time that has passed, so
// that what takes long is asked for seldom and nobody waits much longer than
// it took.
func (s *Service) settled(ctx context.Context, key store.FlowKey, within time.Duration, is func(store.Flow) bool) (*flow.Flow, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for pause := 5 * time.Millisecond; ; pause = min(pause*3/2, 100*time.Millisecond) {
		f, err := s.Store.LoadFlow(ctx, key)
		if err == nil && is(f.Flow) {
			return s.Keeper.Load(ctx, key)
		}
		switch {
		case ctx.Err() != nil:
			return nil, context.DeadlineExceeded
		case err != nil:
			return nil, err
		}
		if s.Sleep(ctx, pause) != nil {
			return nil, context.DeadlineExceeded
		}
	}
}

// accepted answers a call whose effect nobody has seen yet.
func (s *Service) accepted(ctx context.Context, f *flow.Flow) Answer {
	if now, err := s.Keeper.Load(context.WithoutCancel(ctx), f.FlowKey); err == nil {
		f = now
	}
	a := standing(f)
	a.Accepted = true
	return a
}

// standing is where a flow is, as an answer.
func standing(f *flow.Flow) Answer {
	a := Answer{Answer: approval.Answer{Number: f.No, State: orgflow.FlowStarting, Round: max(f.Round, 1), CurrentNodes: []int{}}}
	if f.State != nil {
		a.State, a.Round, a.Rev, a.CurrentNodes = f.State.Flow, f.State.Round, f.State.Rev, f.State.CurrentNodes()
		a.AfterApproval = f.State.AfterApproval
	}
	return a
}
