package activities

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"golang.org/x/sync/errgroup"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/store"
	"orgflow/internal/trail"
)

const (
	// messagesAtOnce are leased and sent together; sendWithin bounds one call
	// with its wait for the rate budget, and leaseFor covers that and the
	// bookkeeping: a killed sender's messages wait so long.
	messagesAtOnce = 8
	sendWithin     = 25 * time.Second
	leaseFor       = 45 * time.Second
	// sendFor is after how long an activity hands over to the next one.
	sendFor = time.Minute
	// settleWithin bounds what is written about a message when the activity
	// is over: what is sent is to be confirmed.
	settleWithin = 10 * time.Second
	// firstCheck is when the result is asked for where it can be.
	firstCheck = time.Minute
	// A message that fails again and again for reasons nobody knows is given
	// up after strangeTries, one whose provider is not there after staleAfter.
	strangeTries = 8
	staleAfter   = 72 * time.Hour
	// spareMessages is the room below a limit of messages to one person.
	spareMessages = 5
	// The pause between two tries of one message doubles between these.
	firstBackoff = 5 * time.Second
	longBackoff  = 30 * time.Minute
)

// SendMessages sends what is due on a channel, messagesAtOnce at a time.
//
// Repeating is harmless: a message is leased before it is sent and confirmed
// afterwards. One whose sender died in between is handed out again when the
// lease has ended and sent once more, the same to the byte, which providers
// drop as a repetition (connectors.Messenger). What fails for its own reasons
// keeps nobody else waiting but later messages of the same subject to the
// same person.
func (m *Messages) SendMessages(ctx context.Context, target orgflow.Target) (HandledMessages, error) {
	return m.onChannel(ctx, target, func(p *post) error {
		p.by = activity.GetInfo(ctx).WorkflowExecution.RunID
		if _, tracks := p.carrier.(connectors.MessageTracker); tracks {
			p.check = firstCheck
		}
		return p.send(ctx)
	})
}

// onChannel does an activity's work on a channel, if the channel can be used,
// and says what is left there.
func (m *Messages) onChannel(ctx context.Context, target orgflow.Target, work func(*post) error) (HandledMessages, error) {
	stop := keepAlive(ctx)
	defer stop()
	carrier, err := m.messenger(target)
	if err != nil {
		out, err := withoutMessenger(err)
		return m.handled(ctx, target, out, err)
	}
	p := &post{Messages: m, target: target, carrier: carrier}
	err = work(p)
	return m.handled(ctx, target, p.out, err)
}

// post is one activity's work on a channel.
type post struct {
	*Messages
	target  orgflow.Target
	carrier connectors.Messenger
	by      string        // who leases
	check   time.Duration // when results are asked for first; 0: they cannot be

	mu  sync.Mutex
	out HandledMessages
}

func (p *post) send(ctx context.Context) error {
	for until := p.Now().Add(sendFor); p.Now().Before(until); {
		if workerStops(ctx) {
			p.out.More = true
			return nil
		}
		list, err := p.Store.LeaseMessages(ctx, store.LeaseRequest{
			CompanyID: p.target.CompanyID, Channel: p.target.Consumer, By: p.by, For: leaseFor, Limit: messagesAtOnce,
		})
		if err != nil || len(list) == 0 {
			return err
		}
		if err := p.batch(ctx, list); err != nil || p.out.Stopped != nil {
			return err
		}
	}
	p.out.More = true
	return nil
}

// batch brings leased messages on their way, all at once. A provider of whom
// nothing was heard but that it is not there is left alone for a moment.
func (p *post) batch(ctx context.Context, list []store.Message) error {
	before := p.out.Count
	ready, err := p.sort(ctx, list)
	if err != nil {
		return err
	}
	var busy *orgflow.Fault
	var group errgroup.Group
	for _, l := range ready {
		group.Go(func() error {
			f, err := p.one(ctx, l)
			if f != nil && (f.Code == orgflow.CodeUnavailable || f.Code == orgflow.CodeUnknownOutcome) {
				p.mu.Lock()
				busy = f
				p.mu.Unlock()
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if busy != nil && p.out.Count.Sent == before.Sent && p.out.Count.Dead == before.Dead {
		p.out.stop(busy, busyPause)
	}
	return nil
}

// letter is a leased message that may be sent.
type letter struct {
	store.Message
	message connectors.Message
}

// sort settles what is not to be sent: what is not true any more, what has no
// receiver, and what the receiver would not get because of a limit.
func (p *post) sort(ctx context.Context, list []store.Message) ([]letter, error) {
	var ready []letter
	planned := map[string]int{}
	for _, m := range list {
		if m.Task != nil && m.TaskState != orgflow.TaskActive {
			if err := p.superseded(ctx, m); err != nil {
				return nil, err
			}
			continue
		}
		l, err := p.address(ctx, m)
		if err != nil {
			if err := p.settle(ctx, m, orgflow.AsFault(err)); err != nil {
				return nil, err
			}
			continue
		}
		wait, note, err := p.crowded(ctx, m.ToUser, planned[m.ToUser])
		if err != nil {
			return nil, err
		}
		if wait > 0 {
			if err := p.later(ctx, m, wait, note); err != nil {
				return nil, err
			}
			continue
		}
		planned[m.ToUser]++
		ready = append(ready, l)
	}
	return ready, nil
}

// superseded ends a request for a decision that is not to be made any more.
func (p *post) superseded(ctx context.Context, m store.Message) error {
	p.count(MessageCounts{Superseded: 1})
	note := fmt.Sprintf("the task was %s before the message was sent", m.TaskState)
	if m.TaskState == "" {
		note = "the task was gone before the message was sent"
	}
	return p.Store.SupersedeMessage(ctx, m.ID, m.Tries, note)
}

// address finds the receiver and reads the text.
func (p *post) address(ctx context.Context, m store.Message) (letter, error) {
	text, err := orgflow.DecodeMessage(m.Body)
	if err != nil {
		return letter{}, err
	}
	if p.target.Consumer == orgflow.ChannelWebhook { // not a person
		return letter{m, connectors.Message{To: m.ToUser, Key: m.DedupKey, MessageText: text}}, nil
	}
	to, err := p.People.ConsumerID(ctx, p.target, m.ToUser)
	if _, isFault := errors.AsType[*orgflow.Fault](err); err != nil && !isFault { // could not be read: nobody says that there is nobody
		err = &orgflow.Fault{Code: orgflow.CodeUnavailable, Message: "the receiver could not be looked up", Err: err}
	}
	return letter{m, connectors.Message{To: to, Key: m.DedupKey, MessageText: text}}, err
}

// crowded tells how long to wait until the receiver gets another message:
// what goes beyond a provider's limit it drops without a word. Some room is
// left for what was sent and not confirmed.
func (p *post) crowded(ctx context.Context, user string, planned int) (time.Duration, string, error) {
	for _, limit := range p.carrier.MessageLimits() {
		n, err := p.Store.CountMessages(ctx, p.target, user, limit.Within)
		if err != nil {
			return 0, "", err
		}
		if n+planned >= limit.Most-min(limit.Most/10, spareMessages) {
			return max(limit.Within/6, time.Second), fmt.Sprintf("waits: the person has had %d messages within %s, and more than %d are silently dropped", n, limit.Within, limit.Most), nil
		}
	}
	return 0, "", nil
}

// one sends a message and records what became of it, also when the activity
// is over meanwhile.
func (p *post) one(ctx context.Context, l letter) (*orgflow.Fault, error) {
	ctx = trail.With(ctx, slog.Int64("message", l.ID))
	sending, cancel := context.WithTimeout(ctx, sendWithin)
	id, _, err := p.carrier.SendMessage(sending, l.message)
	cancel()
	if err != nil {
		f := faultIn(err)
		return f, p.settle(ctx, l.Message, f)
	}
	p.count(MessageCounts{Sent: 1})
	ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), settleWithin)
	defer cancel()
	return nil, p.Store.ConfirmSent(ctx, l.ID, id, p.check)
}

// settle records a message that was not sent, or perhaps was.
func (p *post) settle(ctx context.Context, m store.Message, f *orgflow.Fault) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleWithin)
	defer cancel()
	if pause, all := pauseOf(f); all {
		p.mu.Lock()
		p.out.stop(f, pause)
		p.mu.Unlock()
		return p.later(ctx, m, pause, f.Error())
	}
	if p.hopeless(m, f) {
		p.count(MessageCounts{Dead: 1})
		undelivered(ctx, m, f.Error())
		return p.Store.GiveUpMessage(ctx, m.ID, m.Tries, f.Error())
	}
	return p.later(ctx, m, max(f.RetryAfter, backoff(m.Tries)), f.Error())
}

// hopeless tells whether sending the message again is of no use.
func (p *post) hopeless(m store.Message, f *orgflow.Fault) bool {
	switch f.Code {
	case orgflow.CodeUnavailable, orgflow.CodeUnknownOutcome:
		return m.Tries >= strangeTries && p.Now().Sub(m.CreatedAt) > staleAfter
	case orgflow.CodeInternal: // of a code nobody knows, or of our own
		return m.Tries >= strangeTries
	default:
		return true
	}
}

// undelivered leaves a line about a notice to operators in the log: nobody
// else is told of it.
func undelivered(ctx context.Context, m store.Message, note string) {
	if m.Kind == store.NoticeKind {
		activity.GetLogger(ctx).Warn("a notice to operators was not delivered", "message", m.ID, "channel", m.Channel, "operator", m.ToUser, "cause", note)
	}
}

func (p *post) later(ctx context.Context, m store.Message, after time.Duration, note string) error {
	p.count(MessageCounts{Retried: 1})
	return p.Store.RetryMessage(ctx, m.ID, m.Tries, after, note)
}

func (p *post) count(c MessageCounts) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out.Count.Add(c)
}

// backoff is the pause after so many tries.
func backoff(tries int) time.Duration {
	return min(firstBackoff<<min(max(tries-1, 0), 20), longBackoff)
}
