package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"orgflow"
)

// MessageState is the state of a message in the outbox.
type MessageState string

// The states of a message. pending and sent go on; the others are final.
const (
	MessagePending    MessageState = "pending"    // to be sent, or being sent
	MessageSent       MessageState = "sent"       // the provider has it; its result is not known
	MessageDelivered  MessageState = "delivered"  // the provider says so
	MessageDropped    MessageState = "dropped"    // the provider took it and did not deliver it
	MessageDead       MessageState = "dead"       // given up
	MessageSuperseded MessageState = "superseded" // no longer true before it was sent
)

// NewMessage is a message to one person.
type NewMessage struct {
	DedupKey string // unique per company: what causes the message, not its text
	Channel  string
	ToUser   string // user code
	// Subject is what the message is about: a flow's number, a board task's.
	// Messages of one subject to one person on one channel keep their order.
	Subject string
	Kind    string
	No      string // flowRunningNumber, if it is about a flow
	Task    *int64 // the flow's task, if it asks for its decision
	Body    string // what is sent, byte for byte the same at every try
}

// Message is a message in the outbox.
type Message struct {
	ID        int64 // ascending in the order of storage
	CompanyID int64
	NewMessage
	State      MessageState
	Tries      int       // leases so far; the fence of the newest one
	NextAt     time.Time // earliest next lease or question for the result; zero: at once
	ProviderID string
	Note       string // what came back last
	CreatedAt  time.Time
	SentAt     *time.Time
	SettledAt  *time.Time
	// TaskState is the state of Task when the message was leased: a request
	// for a decision that is not ACTIVE any more is superseded.
	TaskState orgflow.TaskState
}

const messageColumns = `o.id, o.company_id, o.dedup_key, o.channel, o.to_user, o.subject, o.kind, o.flow_no, o.task_id, o.body,
	o.state, o.tries, o.next_at, o.provider_id, o.note, o.created_at, o.sent_at, o.settled_at`

type messageRow struct {
	ID         int64  `db:"id"`
	CompanyID  int64  `db:"company_id"`
	DedupKey   string `db:"dedup_key"`
	Channel    string `db:"channel"`
	ToUser     string `db:"to_user"`
	Subject    string `db:"subject"`
	Kind       string `db:"kind"`
	No         string `db:"flow_no"`
	Task       *int64 `db:"task_id"`
	Body       string `db:"body"`
	State      string `db:"state"`
	Tries      int    `db:"tries"`
	NextAt     stamp  `db:"next_at"`
	ProviderID string `db:"provider_id"`
	Note       string `db:"note"`
	CreatedAt  stamp  `db:"created_at"`
	SentAt     stamp  `db:"sent_at"`
	SettledAt  stamp  `db:"settled_at"`
	TaskState  string `db:"task_state"`
}

func messages(rows []messageRow) []Message {
	out := make([]Message, len(rows))
	for i, r := range rows {
		out[i] = Message{
			ID: r.ID, CompanyID: r.CompanyID,
			NewMessage: NewMessage{
				DedupKey: r.DedupKey, Channel: r.Channel, ToUser: r.ToUser, Subject: r.Subject, Kind: r.Kind, No: r.No, Task: r.Task, Body: r.Body,
			},
			State: MessageState(r.State), Tries: r.Tries, NextAt: r.NextAt.Time, ProviderID: r.ProviderID, Note: r.Note,
			CreatedAt: r.CreatedAt.Time, SentAt: r.SentAt.optional(), SettledAt: r.SettledAt.optional(), TaskState: orgflow.TaskState(r.TaskState),
		}
	}
	return out
}

var insertMessages = insertRows("outbox", "ON CONFLICT (company_id, dedup_key) DO NOTHING",
	column{"company_id", "bigint"}, column{"dedup_key", "text"}, column{"channel", "text"}, column{"to_user", "text"}, column{"subject", "text"},
	column{"kind", "text"}, column{"flow_no", "text"}, column{"task_id", "bigint"}, column{"body", "text"}, column{"created_at", "timestamptz"})

func (t *tx) putMessages(ctx context.Context, p FlowStep) error {
	_, err := t.enqueue(ctx, p.CompanyID, p.Messages)
	return err
}

func (t *tx) enqueue(ctx context.Context, company int64, list []NewMessage) (int, error) {
	values := make([]any, 0, len(list)*len(insertMessages.cols))
	for _, m := range list {
		if err := required("/dedup_key", m.DedupKey, "/channel", m.Channel, "/to_user", m.ToUser, "/subject", m.Subject, "/body", m.Body); err != nil {
			return 0, err
		}
		if err := check("/kind", m.Kind, "/flow_no", m.No); err != nil {
			return 0, err
		}
		values = append(values, company, m.DedupKey, m.Channel, m.ToUser, m.Subject, m.Kind, m.No, optionalID(m.Task), m.Body, t.s.now())
	}
	return t.run(ctx, insertMessages, values)
}

// Enqueue stores messages that no step of a flow causes, in one transaction,
// and returns how many are new: a message with a known DedupKey is left out.
func (s *Store) Enqueue(ctx context.Context, company int64, list []NewMessage) (stored int, err error) {
	err = s.inTx(ctx, "store messages", func(t *tx) (err error) {
		stored, err = t.enqueue(ctx, company, list)
		return err
	})
	return stored, err
}

// LeaseRequest says which messages a sender wants.
type LeaseRequest struct {
	CompanyID int64 // 0: of all companies
	Channel   string
	By        string        // who asks, for people who look at the table
	For       time.Duration // how long nobody else gets them; longer than sending takes
	Limit     int
}

// LeaseMessages hands out pending messages in the order of their ids, each to
// one sender at a time, and of one subject and receiver only the first that
// is not settled. A lease that was not followed by an outcome ends by itself,
// and the message is handed out again: it may have been sent. Times are the
// database's.
func (s *Store) LeaseMessages(ctx context.Context, q LeaseRequest) ([]Message, error) {
	var rows []messageRow
	err := s.inTx(ctx, "lease messages of "+q.Channel, func(t *tx) error {
		rows = nil
		now, err := t.time(ctx)
		if err != nil {
			return err
		}
		var ids []int64
		err = t.list(ctx, &ids, `
			SELECT o.id FROM outbox o WHERE o.channel = ? AND o.state = 'pending' AND (o.company_id = ? OR ? = 0)
				AND (o.next_at IS NULL OR o.next_at <= ?) AND (o.leased_till IS NULL OR o.leased_till <= ?)
				AND `+headOfLine+`
			ORDER BY o.id LIMIT ?`+s.dialect.skipLocked, q.Channel, q.CompanyID, q.CompanyID, now, now, pageSize(q.Limit))
		if err != nil || len(ids) == 0 {
			return err
		}
		in, arg := s.dialect.inList("id", "bigint", anys(ids))
		if _, err := t.exec(ctx, `UPDATE outbox SET tries = tries + 1, leased_by = ?, leased_till = ? WHERE `+in, clean(q.By), at(now.Add(q.For)), arg); err != nil {
			return err
		}
		in, arg = s.dialect.inList("o.id", "bigint", anys(ids))
		return t.list(ctx, &rows, `SELECT `+messageColumns+`, coalesce(k.state, '') AS task_state FROM outbox o
			LEFT JOIN flow_task k ON k.company_id = o.company_id AND k.flow_no = o.flow_no AND k.id = o.task_id
			WHERE `+in+` ORDER BY o.id`, arg)
	})
	return messages(rows), err
}

// MessageFilter selects messages; zero fields select everything.
type MessageFilter struct {
	CompanyID int64
	No        string // of one flow
	States    []MessageState
	Cursor    string
	Limit     int // default 100, at most 1000
}

// ListMessages returns messages in the order of storage and the cursor of the
// next page, empty on the last one.
func (s *Store) ListMessages(ctx context.Context, f MessageFilter) ([]Message, string, error) {
	after, err := parseCursor(f.Cursor, 0)
	if err != nil {
		return nil, "", fmt.Errorf("list messages: %w", err)
	}
	if !sound(f.No) {
		return nil, "", nil
	}
	var w where
	w.add("o.id > ?", after)
	if f.CompanyID != 0 {
		w.add("o.company_id = ?", f.CompanyID)
	}
	if f.No != "" {
		w.add("o.flow_no = ?", f.No)
	}
	if len(f.States) > 0 {
		w.add(s.dialect.inList("o.state", "text", anys(texts(f.States))))
	}
	limit := pageSize(f.Limit)
	var rows []messageRow
	err = s.list(ctx, "list messages", &rows, `SELECT `+messageColumns+`, '' AS task_state FROM outbox o`+w.sql()+` ORDER BY o.id LIMIT ?`,
		append(w.args, limit+1)...)
	if err != nil {
		return nil, "", err
	}
	rows, next := cut(rows, limit, func(r messageRow) string { return strconv.FormatInt(r.ID, 10) })
	return messages(rows), next, nil
}
