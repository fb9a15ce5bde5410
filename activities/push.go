package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/store"
)

const (
	// lossesAllowed is how often everything is pushed again because the
	// consumer did not know its task any more.
	lossesAllowed = 1
	// doubtsAllowed is the same for tasks of which nobody knows whether they
	// were completed: each new push settles the doubt about the one before.
	doubtsAllowed = 4
)

// style tells the workflow how the plan is sent: a change at a time, in
// batches, as import jobs, or as a push of everybody. Settings that cannot be
// used, because somebody is just editing them, do not end a run that has
// begun: it is told a change at a time, and whoever sends the first one meets
// the settings again, mended by then or with the reason why nothing is sent.
func (s *Sync) style(ctx context.Context, runID string, out *Planned, states map[orgflow.State]int) (how style, err error) {
	run, err := s.Store.GetRun(ctx, runID)
	if err != nil {
		return how, err
	}
	consumer, settings, err := s.consumer(run.Job)
	if fault := faultIn(err); fault != nil && fault.Code == orgflow.CodeInvalidConfig {
		return how, nil
	}
	if err != nil {
		return how, err
	}
	if i, ok := consumer.(connectors.Importer); ok {
		how.above, how.limit = settings.ImportAbove, i.ImportLimit()
	}
	if r, many := consumer.(connectors.Remover); many {
		how.remove = r.RemoveLimit()
	}
	if b, many := consumer.(connectors.Batcher); many {
		out.PageSize = b.BatchLimit()
	}
	if _, whole := consumer.(connectors.Pusher); !whole || states[orgflow.Planned] == 0 || settings.Push != "full" && run.Job.Params.Mode != orgflow.Full {
		return how, nil
	}
	push, err := s.Store.PushOf(ctx, run.ID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		out.Push = true
	case err != nil:
		return how, err
	default:
		out.Push = push.State != store.PushSettled && push.State != store.PushDeclined
	}
	return how, nil
}

// PreparePush lists everybody who shall exist and begins a task at the
// consumer, or says why there is no push or how far it has come. Repeating it
// begins a task only where none is open; one that was begun and forgotten has
// no effect, for it is never completed.
func (s *Sync) PreparePush(ctx context.Context, p RunParams) (Pushing, error) {
	defer keepAlive(ctx)()
	out, err := s.preparePush(ctx, p.RunID)
	return out, temporalError(err)
}

func (s *Sync) preparePush(ctx context.Context, runID string) (Pushing, error) {
	t, err := s.pushTarget(ctx, runID)
	if err != nil {
		return Pushing{}, err
	}
	push, err := s.Store.PushOf(ctx, runID)
	if errors.Is(err, store.ErrNotFound) {
		if err := s.listPush(ctx, t); err != nil {
			return Pushing{}, err
		}
		push, err = s.Store.PushOf(ctx, runID)
	}
	if err != nil {
		return Pushing{}, err
	}
	if push.State == store.PushOpen && push.Task == "" {
		if push, err = s.beginPush(ctx, t, push); err != nil {
			return Pushing{}, err
		}
	}
	return pushing(push), nil
}

func pushing(p store.Push) Pushing {
	out := Pushing{Round: p.Round, Next: p.Next, Total: p.Total, Completed: p.State == store.PushCompleted || p.State == store.PushSettled}
	if p.State == store.PushDeclined {
		out.Declined = p.Cause
	}
	return out
}

// pushTarget is what a push needs of its run.
type pushTarget struct {
	run      store.Run
	consumer connectors.Pusher
}

func (s *Sync) pushTarget(ctx context.Context, runID string) (pushTarget, error) {
	run, err := s.Store.GetRun(ctx, runID)
	if err != nil {
		return pushTarget{}, err
	}
	if err := s.Store.RenewTarget(ctx, run.Job.Target(), run.ID, holdFor, s.Now()); err != nil {
		return pushTarget{}, holdLost(err)
	}
	consumer, _, err := s.consumer(run.Job)
	if err != nil {
		return pushTarget{}, err
	}
	pusher, ok := consumer.(connectors.Pusher)
	if !ok {
		return pushTarget{}, orgflow.Faultf(orgflow.CodeInternal, "%s takes no push of everybody", run.Job.Consumer)
	}
	return pushTarget{run, pusher}, nil
}

// beginPush begins the next round, unless too many were given up.
func (s *Sync) beginPush(ctx context.Context, t pushTarget, push store.Push) (store.Push, error) {
	switch {
	case push.Losses > lossesAllowed:
		return push, &orgflow.Fault{
			Code: orgflow.CodeTooManyFailures, Message: fmt.Sprintf("%s did not know the push task any more, %d times; the push was not completed and nothing was changed", t.run.Job.Consumer, push.Losses),
			Advice: "ask the vendor how long a task lives, or whether somebody else pushes for the same enterprise; then start the job again",
		}
	case push.Doubts > doubtsAllowed:
		return push, &orgflow.Fault{
			Code: orgflow.CodeTooManyFailures, Message: fmt.Sprintf("%s did not answer whether the push was completed, %d times", t.run.Job.Consumer, push.Doubts),
			Advice: "start the job again when the vendor answers: it pushes everybody once more",
		}
	}
	var task connectors.PushTask
	err := s.patiently(ctx, t, func() (calls int, err error) {
		task, err = t.consumer.BeginPush(context.WithoutCancel(ctx))
		return task.Calls, err
	})
	if err != nil {
		return push, err
	}
	if err := s.Store.OpenPush(ctx, t.run.ID, task.ID); err != nil {
		return push, err
	}
	return s.Store.PushOf(ctx, t.run.ID)
}

// patiently makes a call of a push, again where the consumer is busy.
// Throttling is waited out; of three answers "busy" the last one ends the
// run, for nobody knows when it would be otherwise. Whether a call that was
// not answered took effect is the caller's to judge.
func (s *Sync) patiently(ctx context.Context, t pushTarget, call func() (calls int, err error)) error {
	busy := 0
	for wait := time.Second; ; wait = min(2*wait, 30*time.Second) {
		calls, err := call()
		fault := faultIn(err)
		spent := store.Counters{Calls: calls}
		if fault != nil && fault.Code == orgflow.CodeThrottled {
			spent.Throttled = 1
		}
		if err := s.Store.AddCounters(context.WithoutCancel(ctx), t.run.ID, spent); err != nil {
			return err
		}
		if fault == nil {
			return nil
		}
		switch fault.Code {
		case orgflow.CodeThrottled:
		case orgflow.CodeUnavailable:
			busy++
		default:
			return fault
		}
		if busy >= busyTries {
			return worn(fault)
		}
		if err := s.Sleep(ctx, max(wait, fault.RetryAfter)); err != nil {
			return err
		}
	}
}

// worn is what a transient fault becomes when it stays: a consumer that says
// itself that it cannot ends the run, one that does not answer is tried again
// by the activity.
func worn(f *orgflow.Fault) *orgflow.Fault {
	if f.VendorCode == "" || f.Code != orgflow.CodeUnavailable {
		return f
	}
	return &orgflow.Fault{
		Code: orgflow.CodeTooManyFailures, VendorCode: f.VendorCode, Message: f.Message + "; the push was not completed and nothing was changed",
		Advice: "start the job again later", Err: f,
	}
}

// CompletePush makes the task's content true. It is noted before the call
// that it may take effect: when the answer is lost, or the worker dies, the
// call is made again, and a task that is gone then was completed or has
// expired. There is no read-back, so everybody is pushed once more, which
// changes nothing where it was completed.
func (s *Sync) CompletePush(ctx context.Context, p PushParams) (Pushing, error) {
	defer keepAlive(ctx)()
	out, err := s.completePush(ctx, p)
	return out, temporalError(err)
}

func (s *Sync) completePush(ctx context.Context, p PushParams) (Pushing, error) {
	t, err := s.pushTarget(ctx, p.RunID)
	if err != nil {
		return Pushing{}, err
	}
	push, err := s.Store.PushOf(ctx, p.RunID)
	if err != nil {
		return Pushing{}, err
	}
	switch {
	case push.State == store.PushCompleted || push.State == store.PushSettled || push.State == store.PushDeclined:
		return pushing(push), nil
	case push.Round != p.Round || push.Task == "":
		return Pushing{Lost: true}, nil // an earlier attempt has given it up
	case push.Next <= push.Total:
		return Pushing{}, orgflow.Faultf(orgflow.CodeInternal, "the push has %d records, of which %d are in the task: it must not be completed", push.Total, push.Next-1)
	}
	doubt := push.State == store.PushCompleting
	if err := s.Store.AdvancePush(ctx, p.RunID, p.Round, store.PushCompleting); err != nil {
		return Pushing{}, err
	}
	err = s.patiently(ctx, t, func() (int, error) { return t.consumer.CompletePush(context.WithoutCancel(ctx), push.Task) })
	if errors.Is(err, connectors.ErrTaskGone) {
		return Pushing{Lost: true}, s.Store.LosePush(ctx, p.RunID, p.Round, doubt)
	}
	if err != nil {
		return Pushing{}, err
	}
	if err := s.Store.AdvancePush(context.WithoutCancel(ctx), p.RunID, p.Round, store.PushCompleted); err != nil {
		return Pushing{}, err
	}
	push.State = store.PushCompleted
	return pushing(push), nil
}

// endPush forgets the list of a push and says for people why there was none.
func (s *Sync) endPush(ctx context.Context, runID string) ([]string, error) {
	push, err := s.Store.PushOf(ctx, runID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := s.Store.DropPush(ctx, runID); err != nil {
		return nil, err
	}
	if push.State != store.PushDeclined {
		return nil, nil
	}
	return []string{"no full push: " + push.Cause + "; the changes were sent by incremental update instead"}, nil
}
