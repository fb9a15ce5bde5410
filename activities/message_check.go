package activities

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/store"
)

const (
	checksPerActivity = 64
	checksAtOnce      = 8
	// longCheck is the longest pause between two questions for one result.
	longCheck = 2 * time.Hour
	// checkAgain is when a result is asked for again that could not be.
	checkAgain = 10 * time.Minute
)

// CheckMessages asks what became of the messages that a provider took, where
// it can tell, and says what is left to do on the channel.
//
// Repeating is harmless: nothing is leased, asking changes nothing, and an
// outcome is recorded of messages only that have none.
func (m *Messages) CheckMessages(ctx context.Context, target orgflow.Target) (HandledMessages, error) {
	return m.onChannel(ctx, target, func(p *post) error {
		if tracker, ok := p.carrier.(connectors.MessageTracker); ok {
			return p.ask(ctx, tracker)
		}
		return nil
	})
}

func (p *post) ask(ctx context.Context, tracker connectors.MessageTracker) error {
	list, err := p.Store.UncheckedMessages(ctx, p.target.CompanyID, p.target.Consumer, checksPerActivity)
	if err != nil {
		return err
	}
	p.out.More = len(list) == checksPerActivity
	group, asking := errgroup.WithContext(ctx)
	group.SetLimit(checksAtOnce)
	for _, m := range list {
		group.Go(func() error { return p.result(asking, tracker, m) })
	}
	return group.Wait()
}

// result asks for one result and records it.
func (p *post) result(ctx context.Context, tracker connectors.MessageTracker, m store.Message) error {
	if p.stopped() {
		return p.Store.CheckMessageLater(ctx, m.ID, checkAgain)
	}
	age := p.age(m)
	if age > tracker.MessageKept() {
		return p.untold(ctx, m, fmt.Sprintf("the provider did not tell within %s", tracker.MessageKept()))
	}
	to, err := p.People.ConsumerID(ctx, p.target, m.ToUser)
	var got connectors.Delivery
	if err == nil {
		within, cancel := context.WithTimeout(ctx, sendWithin)
		got, _, err = tracker.MessageResult(within, m.ProviderID, to)
		cancel()
	}
	if err != nil {
		return p.unasked(ctx, m, faultIn(err), age)
	}
	switch got.State {
	case connectors.DeliveryDone:
		p.count(MessageCounts{Delivered: 1})
		return p.Store.ConfirmDelivered(ctx, m.ID, "")
	case connectors.DeliveryRepeated:
		if m.Tries > 1 {
			p.count(MessageCounts{Delivered: 1})
			return p.Store.ConfirmDelivered(ctx, m.ID, got.Code+": an earlier try had arrived")
		}
		fallthrough
	case connectors.DeliveryDropped:
		p.count(MessageCounts{Dropped: 1})
		undelivered(ctx, m, got.Code+": "+got.Reason)
		return p.Store.ConfirmDropped(ctx, m.ID, got.Code+": "+got.Reason)
	default:
		return p.Store.CheckMessageLater(ctx, m.ID, pauseAt(age))
	}
}

// unasked records that a result could not be asked for: not now, or never.
func (p *post) unasked(ctx context.Context, m store.Message, f *orgflow.Fault, age time.Duration) error {
	if pause, all := pauseOf(f); all {
		p.mu.Lock()
		p.out.stop(f, pause)
		p.mu.Unlock()
		return p.Store.CheckMessageLater(ctx, m.ID, max(pause, checkAgain))
	}
	if f.Transient() || f.Code == orgflow.CodeInternal {
		return p.Store.CheckMessageLater(ctx, m.ID, max(f.RetryAfter, pauseAt(age)))
	}
	return p.untold(ctx, m, f.Error())
}

func (p *post) untold(ctx context.Context, m store.Message, note string) error {
	p.count(MessageCounts{Untold: 1})
	return p.Store.EndMessageChecks(ctx, m.ID, note)
}

func (p *post) stopped() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Stopped != nil
}

// age is how long ago a message was sent.
func (p *post) age(m store.Message) time.Duration {
	if m.SentAt == nil {
		return 0
	}
	return max(p.Now().Sub(*m.SentAt), 0)
}

// pauseAt is the pause before the next question for the result of a message
// of this age: as long as it is old.
func pauseAt(age time.Duration) time.Duration { return min(max(age, firstCheck), longCheck) }
