package activities

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/store"
	"orgflow/meta"
)

// Messages holds what the activities of Notify need: they bring the messages
// of the outbox to people. One value serves a whole worker.
type Messages struct {
	Store      MessageStore
	Files      CompanyFiles
	Connectors Connectors
	People     People
	// Webhook builds what posts notices to operators.
	Webhook func(meta.Webhook) (connectors.Messenger, error)
	Now     func() time.Time
}

// MessageStore keeps the outbox.
type MessageStore interface {
	LeaseMessages(ctx context.Context, q store.LeaseRequest) ([]store.Message, error)
	ConfirmSent(ctx context.Context, id int64, providerID string, check time.Duration) error
	RetryMessage(ctx context.Context, id int64, tries int, after time.Duration, note string) error
	GiveUpMessage(ctx context.Context, id int64, tries int, note string) error
	SupersedeMessage(ctx context.Context, id int64, tries int, note string) error
	CountMessages(ctx context.Context, target orgflow.Target, user string, d time.Duration) (int, error)
	OutstandingMessages(ctx context.Context, target orgflow.Target) (store.Outstanding, error)

	UncheckedMessages(ctx context.Context, company int64, channel string, limit int) ([]store.Message, error)
	ConfirmDelivered(ctx context.Context, id int64, note string) error
	ConfirmDropped(ctx context.Context, id int64, note string) error
	CheckMessageLater(ctx context.Context, id int64, after time.Duration) error
	EndMessageChecks(ctx context.Context, id int64, note string) error
}

// CompanyFiles finds companies; package meta implements it.
type CompanyFiles interface {
	Company(id int64) (meta.Company, error)
}

// People finds people at a consumer by the user codes of flows.
type People interface {
	// ConsumerID returns a person's id at the target's consumer. Nobody with
	// that code is CodeNotFound, several are CodeConflict.
	ConsumerID(ctx context.Context, target orgflow.Target, userCode string) (string, error)
}

// NotifyState is what one execution of Notify hands on to the next; a first
// one knows the target only: a company and the channel, which is a consumer.
type NotifyState struct {
	orgflow.Target
	Total MessageCounts `json:"total"`
}

// MessageCounts counts messages by what came of them.
type MessageCounts struct {
	Sent       int `json:"sent"`       // the provider took them
	Retried    int `json:"retried"`    // put off, or to be sent again
	Superseded int `json:"superseded"` // not true any more
	Dead       int `json:"dead"`       // given up
	Delivered  int `json:"delivered"`  // the provider says so
	Dropped    int `json:"dropped"`    // silently, by the provider
	Untold     int `json:"untold"`     // the provider does not say
}

// Add adds other counts.
func (c *MessageCounts) Add(o MessageCounts) {
	c.Sent, c.Retried, c.Superseded, c.Dead = c.Sent+o.Sent, c.Retried+o.Retried, c.Superseded+o.Superseded, c.Dead+o.Dead
	c.Delivered, c.Dropped, c.Untold = c.Delivered+o.Delivered, c.Dropped+o.Dropped, c.Untold+o.Untold
}

// HandledMessages is what an activity of Notify did and what is left.
type HandledMessages struct {
	Count MessageCounts `json:"count"`
	More  bool          `json:"more,omitempty"` // are due now
	// Stopped is the fault that every message would have met, Pause how long
	// it is to be waited before the next one is tried.
	Stopped *orgflow.Fault `json:"stopped,omitempty"`
	Pause   time.Duration  `json:"pause,omitempty"`
	// Left: something is still to be done, after Wait.
	Left bool          `json:"left,omitempty"`
	Wait time.Duration `json:"wait,omitempty"`
}

// Register makes every activity known to a worker under its wire name.
func (m *Messages) Register(r worker.ActivityRegistry) {
	r.RegisterActivityWithOptions(m.SendMessages, activity.RegisterOptions{Name: orgflow.ActivitySendMessages})
	r.RegisterActivityWithOptions(m.CheckMessages, activity.RegisterOptions{Name: orgflow.ActivityCheckMessages})
}

// messenger returns what carries the messages of a channel.
func (m *Messages) messenger(target orgflow.Target) (connectors.Messenger, error) {
	company, err := m.Files.Company(target.CompanyID)
	if err != nil {
		return nil, err
	}
	if target.Consumer == orgflow.ChannelWebhook {
		hook, err := company.Webhook()
		if err != nil {
			return nil, err
		}
		return m.Webhook(hook)
	}
	var raw json.RawMessage
	if err := company.Connection(target.Consumer, &raw); err != nil {
		return nil, err
	}
	consumer, err := m.Connectors.Consumer(connectors.Settings{CompanyID: target.CompanyID, Name: target.Consumer, JSON: raw})
	if err != nil {
		return nil, err
	}
	carrier, ok := consumer.(connectors.Messenger)
	if !ok {
		return nil, orgflow.Faultf(orgflow.CodeInvalidConfig, "consumer %s brings no messages to people", target)
	}
	return carrier, nil
}

// handled adds what is left to do on the channel.
func (m *Messages) handled(ctx context.Context, target orgflow.Target, out HandledMessages, err error) (HandledMessages, error) {
	if err != nil {
		return out, temporalError(err)
	}
	left, err := m.Store.OutstandingMessages(ctx, target)
	out.Left, out.Wait = left.Left, left.Wait
	return out, temporalError(err)
}

// withoutMessenger makes a channel rest that cannot be used, until somebody
// has repaired it; other failures are the activity's own.
func withoutMessenger(err error) (out HandledMessages, _ error) {
	f, isFault := errors.AsType[*orgflow.Fault](err) // an InvalidError holds one too
	if !isFault {
		return out, err
	}
	out.stop(f, blockedPause)
	return out, nil
}

const (
	// blockedPause is how long a channel rests that a person must repair,
	// quotaPause one that has used up what it may send, busyPause one that
	// does not answer.
	blockedPause = 5 * time.Minute
	quotaPause   = time.Hour
	busyPause    = 10 * time.Second
)

// pauseOf tells whether every message would meet the fault, and how long to
// wait then.
func pauseOf(f *orgflow.Fault) (time.Duration, bool) {
	switch {
	case f.Code == orgflow.CodeThrottled:
		return max(f.RetryAfter, time.Second), true
	case f.Code == orgflow.CodeQuota:
		return quotaPause, true
	case f.StopsRun():
		return blockedPause, true
	}
	return 0, false
}

// stop notes the fault that ends the work on a channel for a while; of
// several the one that pauses longest.
func (h *HandledMessages) stop(f *orgflow.Fault, pause time.Duration) {
	if h.Stopped == nil || pause > h.Pause {
		h.Stopped, h.Pause = f, pause
	}
}
