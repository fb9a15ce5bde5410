package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"

	"orgflow"
)

const bindingColumns = `kind, source_id, consumer_id, scope, hash, payload, state, last_run, invited_at`

type bindingRow struct {
	Kind       string `db:"kind"`
	SourceID   string `db:"source_id"`
	ConsumerID string `db:"consumer_id"`
	Scope      string `db:"scope"`
	Hash       string `db:"hash"`
	Payload    string `db:"payload"`
	State      string `db:"state"`
	LastRun    string `db:"last_run"`
	InvitedAt  stamp  `db:"invited_at"`
}

func (r bindingRow) binding() orgflow.Binding {
	b := orgflow.Binding{
		Kind: orgflow.Kind(r.Kind), SourceID: r.SourceID, ConsumerID: r.ConsumerID, Scope: r.Scope,
		Hash: r.Hash, State: orgflow.BindingState(r.State), LastRun: r.LastRun, InvitedAt: r.InvitedAt.Time,
	}
	if r.Payload != "" {
		b.Payload = json.RawMessage(r.Payload)
	}
	return b
}

// Bindings streams the target's bindings of a kind, all scopes, by source id
// in byte order. The stream ends with the first error.
func (s *Store) Bindings(ctx context.Context, target orgflow.Target, kind orgflow.Kind) iter.Seq2[orgflow.Binding, error] {
	return func(yield func(orgflow.Binding, error) bool) {
		for after := ""; ; {
			var rows []bindingRow
			err := s.list(ctx, "bindings of "+target.String(), &rows, `
				SELECT `+bindingColumns+` FROM binding
				WHERE company_id = ? AND consumer = ? AND kind = ? AND source_id > ? ORDER BY source_id LIMIT ?`,
				target.CompanyID, target.Consumer, string(kind), after, readPage)
			if err != nil {
				yield(orgflow.Binding{}, err)
				return
			}
			for _, row := range rows {
				if !yield(row.binding(), nil) {
					return
				}
			}
			if len(rows) < readPage {
				return
			}
			after = rows[len(rows)-1].SourceID
		}
	}
}

// BindingIDs returns the consumer ids of the records that others can refer
// to; keys that are not bound, or invited and not there yet, are absent.
func (s *Store) BindingIDs(ctx context.Context, target orgflow.Target, keys []orgflow.RecordKey) (map[orgflow.RecordKey]string, error) {
	out := make(map[orgflow.RecordKey]string, len(keys))
	for kind, ids := range byKind(keys) {
		in, arg := s.dialect.inList("source_id", "text", anys(ids))
		var rows []bindingRow
		err := s.list(ctx, "consumer ids of "+target.String(), &rows, `
			SELECT source_id, consumer_id FROM binding WHERE company_id = ? AND consumer = ? AND kind = ? AND state <> ? AND `+in,
			target.CompanyID, target.Consumer, string(kind), string(orgflow.BindingPending), arg)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			out[orgflow.RecordKey{Kind: kind, ID: r.SourceID}] = r.ConsumerID
		}
	}
	return out, nil
}

// BindingsOf returns the bindings of the records that have one.
func (s *Store) BindingsOf(ctx context.Context, target orgflow.Target, keys []orgflow.RecordKey) (map[orgflow.RecordKey]orgflow.Binding, error) {
	out := make(map[orgflow.RecordKey]orgflow.Binding, len(keys))
	for kind, ids := range byKind(keys) {
		in, arg := s.dialect.inList("source_id", "text", anys(ids))
		var rows []bindingRow
		err := s.list(ctx, "bindings of "+target.String(), &rows, `
			SELECT `+bindingColumns+` FROM binding WHERE company_id = ? AND consumer = ? AND kind = ? AND `+in,
			target.CompanyID, target.Consumer, string(kind), arg)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			out[orgflow.RecordKey{Kind: kind, ID: r.SourceID}] = r.binding()
		}
	}
	return out, nil
}

func byKind(keys []orgflow.RecordKey) map[orgflow.Kind][]string {
	ids := map[orgflow.Kind][]string{}
	for _, k := range keys {
		ids[k.Kind] = append(ids[k.Kind], k.ID)
	}
	return ids
}

// PutBindings stores bindings outside of any change: the mapped root, records
// taken over by another scope. A consumer id that is bound to another record
// already is a CodeConflict fault and nothing is stored.
func (s *Store) PutBindings(ctx context.Context, target orgflow.Target, runID string, bindings []orgflow.Binding) error {
	for _, b := range bindings {
		if err := checkBinding(b); err != nil {
			return err
		}
	}
	return s.inTx(ctx, "store bindings of "+target.String(), func(t *tx) error {
		taken, err := t.conflicts(ctx, target, bindings)
		if err != nil {
			return err
		}
		for i, holder := range taken {
			return boundElsewhere(bindings[i], holder)
		}
		return t.putBindings(ctx, target, runID, bindings)
	})
}

// RemoveBindings forgets bindings outside of any change. Keys that are not
// bound are left alone.
func (s *Store) RemoveBindings(ctx context.Context, target orgflow.Target, keys []orgflow.RecordKey) error {
	return s.inTx(ctx, "remove bindings of "+target.String(), func(t *tx) error {
		return t.removeBindings(ctx, target, keys)
	})
}

func checkBinding(b orgflow.Binding) error {
	err := required("/source_id", b.SourceID, "/consumer_id", b.ConsumerID)
	if err == nil {
		err = check("/payload", string(b.Payload), "/scope", b.Scope)
	}
	if err != nil {
		return fmt.Errorf("binding of %s: %w", b.Kind, err)
	}
	return nil
}

func boundElsewhere(b orgflow.Binding, holder string) *orgflow.Fault {
	return &orgflow.Fault{
		Code:    orgflow.CodeConflict,
		Message: fmt.Sprintf("the consumer's record %q is bound to %s:%s already and cannot be bound to %s:%s as well", b.ConsumerID, b.Kind, holder, b.Kind, b.SourceID),
		Advice:  "find out which source record is the right one; the other must leave the source or get another id",
	}
}

var upsertBindings = insertRows("binding", `
	ON CONFLICT (company_id, consumer, kind, source_id) DO UPDATE SET consumer_id = excluded.consumer_id, scope = excluded.scope,
		hash = excluded.hash, payload = excluded.payload, state = excluded.state,
		invited_at = excluded.invited_at, last_run = excluded.last_run, updated_at = excluded.updated_at`,
	column{"company_id", "bigint"}, column{"consumer", "text"}, column{"kind", "text"}, column{"source_id", "text"},
	column{"consumer_id", "text"}, column{"scope", "text"}, column{"hash", "text"}, column{"payload", "text"}, column{"state", "text"},
	column{"invited_at", "timestamptz"}, column{"first_run", "text"}, column{"last_run", "text"}, column{"updated_at", "timestamptz"})

// putBindings upserts bindings known to be free of conflicts, in key order so
// that two transactions cannot wait for each other.
func (t *tx) putBindings(ctx context.Context, target orgflow.Target, runID string, bindings []orgflow.Binding) error {
	bindings = slices.Clone(bindings)
	slices.SortFunc(bindings, func(a, b orgflow.Binding) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.SourceID, b.SourceID))
	})
	now := t.s.now()
	values := make([]any, 0, len(bindings)*len(upsertBindings.cols))
	for _, b := range bindings {
		state := cmp.Or(b.State, orgflow.BindingActive)
		values = append(values, target.CompanyID, target.Consumer, string(b.Kind), b.SourceID,
			b.ConsumerID, b.Scope, b.Hash, string(b.Payload), string(state), t.s.invited(b), runID, runID, now)
	}
	_, err := t.run(ctx, upsertBindings, values)
	return err
}

// invited is when a pending binding's person was invited, for its column.
func (s *Store) invited(b orgflow.Binding) stamp {
	switch {
	case b.State != orgflow.BindingPending:
		return stamp{}
	case b.InvitedAt.IsZero():
		return s.now()
	}
	return at(b.InvitedAt)
}

func (t *tx) removeBindings(ctx context.Context, target orgflow.Target, keys []orgflow.RecordKey) error {
	for kind, ids := range byKind(keys) {
		in, arg := t.s.dialect.inList("source_id", "text", anys(ids))
		_, err := t.exec(ctx, `DELETE FROM binding WHERE company_id = ? AND consumer = ? AND kind = ? AND `+in,
			target.CompanyID, target.Consumer, string(kind), arg)
		if err != nil {
			return err
		}
	}
	return nil
}

// conflicts returns, by index, the bindings whose consumer id belongs to
// another source record, stored or earlier in the list, with that record's id.
func (t *tx) conflicts(ctx context.Context, target orgflow.Target, bindings []orgflow.Binding) (map[int]string, error) {
	holder := map[orgflow.RecordKey]string{} // consumer's record → source id
	consumerKeys := make([]orgflow.RecordKey, len(bindings))
	for i, b := range bindings {
		consumerKeys[i] = orgflow.RecordKey{Kind: b.Kind, ID: b.ConsumerID}
	}
	for kind, ids := range byKind(consumerKeys) {
		in, arg := t.s.dialect.inList("consumer_id", "text", anys(ids))
		var rows []bindingRow
		// "+ 0" keeps SQLite from reading all bindings of the company along
		// the primary key instead of looking up the few consumer ids.
		err := t.list(ctx, &rows, `
			SELECT source_id, consumer_id FROM binding WHERE company_id + 0 = ? AND consumer = ? AND kind = ? AND `+in,
			target.CompanyID, target.Consumer, string(kind), arg)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			holder[orgflow.RecordKey{Kind: kind, ID: r.ConsumerID}] = r.SourceID
		}
	}
	taken := map[int]string{}
	for i, b := range bindings {
		if source, ok := holder[consumerKeys[i]]; ok && source != b.SourceID {
			taken[i] = source
			continue
		}
		holder[consumerKeys[i]] = b.SourceID
	}
	return taken, nil
}
