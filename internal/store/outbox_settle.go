package store

import (
	"context"
	"fmt"
	"time"

	"orgflow"
)

// ConfirmSent says that the provider took the message, whoever has its lease
// by now. The result is to be asked for, by the provider's id, after check;
// with zero it cannot be asked for, and the message stays sent.
func (s *Store) ConfirmSent(ctx context.Context, id int64, providerID string, check time.Duration) error {
	set, args := `state = 'sent', provider_id = ?, note = '', leased_by = '', leased_till = NULL, sent_at = `+s.dialect.clock, []any{clean(providerID)}
	if check <= 0 {
		return s.settle(ctx, id, set+`, next_at = NULL`, `state = 'pending'`, args...)
	}
	return s.settle(ctx, id, set+`, next_at = `+s.dialect.later, `state = 'pending'`, append(args, check.Microseconds())...)
}

// RetryMessage gives the lease with the fence tries back: the message is
// handed out again after a while.
func (s *Store) RetryMessage(ctx context.Context, id int64, tries int, after time.Duration, note string) error {
	return s.settle(ctx, id, `note = ?, leased_by = '', leased_till = NULL, next_at = `+s.dialect.later,
		`state = 'pending' AND tries = ?`, clean(note), after.Microseconds(), tries)
}

// GiveUpMessage ends the lease with the fence tries: the message is dead, and
// those behind it go on. Operators are told, unless it was one to operators.
func (s *Store) GiveUpMessage(ctx context.Context, id int64, tries int, note string) error {
	return s.lose(ctx, id, MessageDead, note, `state = 'pending' AND tries = ?`, tries)
}

// SupersedeMessage ends the lease with the fence tries: the message is not
// true any more and was not sent.
func (s *Store) SupersedeMessage(ctx context.Context, id int64, tries int, note string) error {
	return s.end(ctx, id, MessageSuperseded, note, `state = 'pending' AND tries = ?`, tries)
}

// ConfirmDelivered says that the provider delivered a message it took; note
// is what there is to say about it.
func (s *Store) ConfirmDelivered(ctx context.Context, id int64, note string) error {
	return s.end(ctx, id, MessageDelivered, note, `state = 'sent'`)
}

// ConfirmDropped says that the provider took a message and did not deliver it.
// Operators are told, unless it was one to operators.
func (s *Store) ConfirmDropped(ctx context.Context, id int64, note string) error {
	return s.lose(ctx, id, MessageDropped, note, `state = 'sent'`)
}

// CheckMessageLater puts the question for the result of a sent message off.
func (s *Store) CheckMessageLater(ctx context.Context, id int64, after time.Duration) error {
	return s.settle(ctx, id, `next_at = `+s.dialect.later, `state = 'sent'`, after.Microseconds())
}

func (s *Store) end(ctx context.Context, id int64, to MessageState, note, cond string, args ...any) error {
	return s.settle(ctx, id, endMessage+s.dialect.clock, cond, append([]any{string(to), clean(note)}, args...)...)
}

// endMessage is followed by the time.
const endMessage = `state = ?, note = ?, leased_by = '', leased_till = NULL, next_at = NULL, settled_at = `

// lose ends a message that reached nobody.
func (s *Store) lose(ctx context.Context, id int64, to MessageState, note, cond string, args ...any) error {
	args = append(append([]any{string(to), clean(note)}, args...), id)
	return s.inTx(ctx, fmt.Sprintf("settle message %d", id), func(t *tx) error {
		var lost struct {
			CompanyID int64  `db:"company_id"`
			Channel   string `db:"channel"`
			Kind      string `db:"kind"`
			Subject   string `db:"subject"`
			No        string `db:"flow_no"`
		}
		err := t.get(ctx, &lost, `UPDATE outbox SET `+endMessage+s.dialect.clock+` WHERE `+cond+` AND id = ? RETURNING company_id, channel, kind, subject, flow_no`, args...)
		if noRows(err) || err == nil && lost.Kind == NoticeKind {
			return nil
		}
		if err != nil {
			return err
		}
		about := "messages:" // about flows
		if lost.No == "" {
			about = "tasks:" // about tasks of boards
		}
		return t.notice(ctx, Notice{
			CompanyID: lost.CompanyID, Job: about + lost.Channel, Event: orgflow.NoticeMessage, Cause: causeOf(note), Ref: lost.Subject,
		})
	})
}

// settle updates a message under a condition, so that every outcome may be
// repeated and changes nothing of a message that has moved on meanwhile. The
// arguments are those of set, then those of the condition.
func (s *Store) settle(ctx context.Context, id int64, set, cond string, args ...any) error {
	_, err := s.exec(ctx, fmt.Sprintf("settle message %d", id), `UPDATE outbox SET `+set+` WHERE `+cond+` AND id = ?`, append(args, id)...)
	return err
}

// UncheckedMessages returns up to limit sent messages of a channel whose
// result is to be asked for now; company 0 means all. Nothing is leased:
// asking twice is harmless.
func (s *Store) UncheckedMessages(ctx context.Context, company int64, channel string, limit int) ([]Message, error) {
	var rows []messageRow
	err := s.list(ctx, "sent messages of "+channel, &rows, `
		SELECT `+messageColumns+`, '' AS task_state FROM outbox o WHERE o.state = 'sent' AND o.channel = ? AND (o.company_id = ? OR ? = 0)
			AND o.next_at <= `+s.dialect.clock+` ORDER BY o.next_at, o.id LIMIT ?`, channel, company, company, pageSize(limit))
	return messages(rows), err
}
