package store

import (
	"context"
	"fmt"
	"time"

	"orgflow"
)

// States of an event about a record.
const (
	EventOpen    = "open"    // nobody has dealt with it
	EventTaken   = "taken"   // a run looks at the record
	EventOwn     = "own"     // it tells of a write of ours
	EventUnbound = "unbound" // we do not manage the record
	EventOff     = "off"     // events are switched off, or no run could be made of it
)

// ContactEvent is what a consumer tells of one record.
type ContactEvent struct {
	ID         int64 // given by the store, ascending
	EventID    string
	Type       string
	Record     orgflow.RemoteKey
	HappenedAt time.Time
	State      string
}

type contactEventRow struct {
	ID         int64  `db:"id"`
	EventID    string `db:"event_id"`
	Type       string `db:"type"`
	Kind       string `db:"kind"`
	ConsumerID string `db:"consumer_id"`
	HappenedAt stamp  `db:"happened_at"`
	State      string `db:"state"`
}

var insertContactEvent = insertRows("contact_event", "ON CONFLICT (company_id, consumer, event_id, kind, consumer_id) DO NOTHING",
	column{"company_id", "bigint"}, column{"consumer", "text"}, column{"event_id", "text"}, column{"type", "text"},
	column{"kind", "text"}, column{"consumer_id", "text"}, column{"happened_at", "timestamptz"}, column{"state", "text"},
	column{"received_at", "timestamptz"})

// SaveContactEvents keeps events until somebody deals with them, and returns
// how many of them nobody has dealt with: those that are new, and those that
// were delivered before and are still open.
func (s *Store) SaveContactEvents(ctx context.Context, target orgflow.Target, events []ContactEvent) (open int, err error) {
	values := make([]any, 0, len(events)*len(insertContactEvent.cols))
	for _, e := range events {
		if err := required("/event_id", e.EventID, "/consumer_id", e.Record.ID); err != nil {
			return 0, fmt.Errorf("save contact event: %w", err)
		}
		values = append(values, target.CompanyID, target.Consumer, e.EventID, clean(e.Type), string(e.Record.Kind), e.Record.ID,
			s.or(e.HappenedAt), EventOpen, s.now())
	}
	err = s.inTx(ctx, "save contact events of "+target.String(), func(t *tx) error {
		open = 0
		if _, err := t.run(ctx, insertContactEvent, values); err != nil {
			return err
		}
		for _, e := range events {
			var n int
			err := t.get(ctx, &n, `SELECT count(*) FROM contact_event
				WHERE company_id = ? AND consumer = ? AND event_id = ? AND kind = ? AND consumer_id = ? AND state = 'open'`,
				target.CompanyID, target.Consumer, e.EventID, string(e.Record.Kind), e.Record.ID)
			if err != nil {
				return err
			}
			open += n
		}
		return nil
	})
	return open, err
}

// ContactEvents returns up to n events of a target that are open, in the
// order in which they came, behind those that runID has dealt with already.
func (s *Store) ContactEvents(ctx context.Context, target orgflow.Target, runID string, n int) ([]ContactEvent, error) {
	var rows []contactEventRow
	const columns = `SELECT id, event_id, type, kind, consumer_id, happened_at, state FROM contact_event WHERE company_id = ? AND consumer = ?`
	if err := s.list(ctx, "contact events of run "+runID, &rows, columns+` AND run_id = ? ORDER BY id`, target.CompanyID, target.Consumer, runID); err != nil {
		return nil, err
	}
	if len(rows) < n {
		var open []contactEventRow
		err := s.list(ctx, "open contact events of "+target.String(), &open, columns+` AND state = 'open' ORDER BY id LIMIT ?`,
			target.CompanyID, target.Consumer, n-len(rows))
		if err != nil {
			return nil, err
		}
		rows = append(rows, open...)
	}
	events := make([]ContactEvent, len(rows))
	for i, r := range rows {
		events[i] = ContactEvent{
			ID: r.ID, EventID: r.EventID, Type: r.Type, Record: orgflow.RemoteKey{Kind: orgflow.Kind(r.Kind), ID: r.ConsumerID},
			HappenedAt: r.HappenedAt.Time, State: r.State,
		}
	}
	return events, nil
}

// SettleContactEvents says what came of events, by id, and which run dealt
// with them. Repeating it changes nothing.
func (s *Store) SettleContactEvents(ctx context.Context, runID string, states map[int64]string) error {
	byState := map[string][]any{}
	for id, state := range states {
		byState[state] = append(byState[state], id)
	}
	return s.inTx(ctx, "settle contact events of run "+runID, func(t *tx) error {
		for _, state := range []string{EventTaken, EventOwn, EventUnbound, EventOff} {
			if len(byState[state]) == 0 {
				continue
			}
			in, arg := s.dialect.inList("id", "bigint", byState[state])
			if _, err := t.exec(ctx, `UPDATE contact_event SET state = ?, run_id = ? WHERE `+in, state, runID, arg); err != nil {
				return err
			}
		}
		return nil
	})
}

// BoundRemote returns the bindings of the consumer's records that have one.
func (s *Store) BoundRemote(ctx context.Context, target orgflow.Target, keys []orgflow.RemoteKey) (map[orgflow.RemoteKey]orgflow.Binding, error) {
	out := make(map[orgflow.RemoteKey]orgflow.Binding, len(keys))
	for kind, ids := range remoteByKind(keys) {
		in, arg := s.dialect.inList("consumer_id", "text", ids)
		var rows []bindingRow
		// "+ 0": see conflicts.
		err := s.list(ctx, "bindings of "+target.String(), &rows, `
			SELECT `+bindingColumns+` FROM binding WHERE company_id + 0 = ? AND consumer = ? AND kind = ? AND `+in,
			target.CompanyID, target.Consumer, string(kind), arg)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			out[orgflow.RemoteKey{Kind: kind, ID: r.ConsumerID}] = r.binding()
		}
	}
	return out, nil
}

// WrittenBetween tells which of the consumer's records a run of ours is
// writing now, or wrote in a span of time, and when it wrote each last. A
// record whose write is on its way has the time now.
func (s *Store) WrittenBetween(ctx context.Context, target orgflow.Target, keys []orgflow.RemoteKey, from, to time.Time) (map[orgflow.RemoteKey][]time.Time, error) {
	out := map[orgflow.RemoteKey][]time.Time{}
	for kind, ids := range remoteByKind(keys) {
		var rows []writtenRow
		// First what is on its way: what is recorded meanwhile is in the log.
		in, arg := s.dialect.inList("c.consumer_id", "text", ids)
		err := s.list(ctx, "writes on their way to "+target.String(), &rows, `
			SELECT c.consumer_id, r.started_at AS at FROM sync_change c JOIN sync_run r ON r.id = c.run_id
			WHERE c.in_flight AND c.kind = ? AND r.company_id = ? AND r.consumer = ? AND r.`+live+` AND `+in,
			string(kind), target.CompanyID, target.Consumer, arg)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			key := orgflow.RemoteKey{Kind: kind, ID: r.ConsumerID}
			out[key] = append(out[key], s.now().Time)
		}
		rows = nil
		in, arg = s.dialect.inList("b.consumer_id", "text", ids)
		err = s.list(ctx, "writes to "+target.String(), &rows, `
			SELECT b.consumer_id, l.at FROM binding b JOIN provisioning_log l
				ON l.company_id = b.company_id AND l.consumer = b.consumer AND l.kind = b.kind AND l.source_id = b.source_id
			WHERE b.company_id + 0 = ? AND b.consumer = ? AND b.kind = ? AND l.at >= ? AND l.at <= ? AND `+in,
			target.CompanyID, target.Consumer, string(kind), at(from), at(to), arg)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			key := orgflow.RemoteKey{Kind: kind, ID: r.ConsumerID}
			out[key] = append(out[key], r.At.Time)
		}
	}
	return out, nil
}

type writtenRow struct {
	ConsumerID string `db:"consumer_id"`
	At         stamp  `db:"at"`
}

func remoteByKind(keys []orgflow.RemoteKey) map[orgflow.Kind][]any {
	out := map[orgflow.Kind][]any{}
	for _, k := range keys {
		out[k.Kind] = append(out[k.Kind], k.ID)
	}
	return out
}
