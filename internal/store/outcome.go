package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"orgflow"
)

// Outcome is what became of a claimed change.
type Outcome struct {
	ChangeID int
	// State the change gets. Planned gives it back: the call certainly had no
	// effect (throttled, not sent) and the next claim is not in doubt.
	State      orgflow.State
	ConsumerID string           // empty keeps the stored one
	Fault      *orgflow.Fault   // nil clears an earlier attempt's
	Attempts   int              // zero keeps the count of the claims
	Binding    *orgflow.Binding // to store; its kind and source id default to the change's
	Unbind     bool             // the record is gone at the consumer: forget its binding
	Log        *LogEntry        // to append; what it leaves empty is filled from the change
	Note       string           // shown after the change's reason
	Adopted    bool             // the insert found the record there and took it over
	InDoubt    bool             // a call may have taken effect all the same: the record's next change reads back
}

// Recorded says what RecordOutcomes did.
type Recorded struct {
	Recorded int
	// Skipped lists changes that were final before: they stay as they were,
	// with their bindings and log.
	Skipped []int
	// Disputed lists changes whose consumer id belongs to another source
	// record. They are stored as disputed, without their binding.
	Disputed []int
}

// RecordOutcomes stores the outcomes of a page in one transaction: changes,
// bindings and provisioning log together or not at all. It is idempotent: a
// change that is final stays as it is. An outcome for a change the run does
// not have is an error and nothing is stored.
func (s *Store) RecordOutcomes(ctx context.Context, runID string, outcomes []Outcome) (Recorded, error) {
	var result Recorded
	if len(outcomes) == 0 {
		return result, nil
	}
	if err := checkOutcomes(outcomes); err != nil {
		return result, fmt.Errorf("record outcomes of run %s: %w", runID, err)
	}
	err := s.inTx(ctx, "record outcomes of run "+runID, func(t *tx) error {
		p, err := t.openPage(ctx, runID, outcomes)
		if err != nil {
			return err
		}
		if err := p.bind(ctx); err != nil {
			return err
		}
		if err := p.updateChanges(ctx); err != nil {
			return err
		}
		if err := p.settleDoubts(ctx); err != nil {
			return err
		}
		if err := p.countFailures(ctx); err != nil {
			return err
		}
		result = p.result
		return p.appendLog(ctx)
	})
	if err != nil {
		return Recorded{}, err
	}
	return result, nil
}

func checkOutcomes(outcomes []Outcome) error {
	seen := make(map[int]bool, len(outcomes))
	for _, o := range outcomes {
		var err error
		switch {
		case seen[o.ChangeID]:
			err = errors.New("more than one outcome")
		case o.State == "":
			err = errors.New("no state")
		default:
			err = check("/consumer_id", o.ConsumerID)
			if o.Binding != nil {
				err = errors.Join(err, required("/consumer_id", o.Binding.ConsumerID),
					check("/source_id", o.Binding.SourceID, "/payload", string(o.Binding.Payload), "/scope", o.Binding.Scope))
			}
		}
		if err != nil {
			return fmt.Errorf("change %d: %w", o.ChangeID, err)
		}
		seen[o.ChangeID] = true
	}
	return nil
}

// page is the work of one RecordOutcomes.
type page struct {
	*tx
	runID    string
	scope    string
	target   orgflow.Target
	changes  map[int]changeRow
	outcomes []Outcome // those still to be stored, by change id
	result   Recorded
}

// openPage locks the changes and leaves out those that are final.
func (t *tx) openPage(ctx context.Context, runID string, outcomes []Outcome) (*page, error) {
	var run struct {
		CompanyID int64  `db:"company_id"`
		Consumer  string `db:"consumer"`
		Scope     string `db:"scope"`
	}
	if err := t.get(ctx, &run, `SELECT company_id, consumer, scope FROM sync_run WHERE id = ?`, runID); err != nil {
		return nil, err
	}
	ids := make([]int, len(outcomes))
	for i, o := range outcomes {
		ids[i] = o.ChangeID
	}
	in, arg := t.s.dialect.inList("id", "bigint", anys(ids))
	var rows []changeRow
	err := t.list(ctx, &rows, `SELECT id, kind, op, aspect, source_id, consumer_id, hash, state, attempts FROM sync_change
		WHERE run_id = ? AND `+in+` ORDER BY id`+t.s.dialect.forUpdate, runID, arg)
	if err != nil {
		return nil, err
	}
	p := &page{tx: t, runID: runID, scope: run.Scope, target: orgflow.Target{CompanyID: run.CompanyID, Consumer: run.Consumer}, changes: make(map[int]changeRow, len(rows))}
	for _, r := range rows {
		p.changes[r.ID] = r
	}
	for _, o := range outcomes {
		change, ok := p.changes[o.ChangeID]
		switch {
		case !ok:
			return nil, fmt.Errorf("change %d: %w", o.ChangeID, ErrNotFound)
		case orgflow.State(change.State).Final():
			p.result.Skipped = append(p.result.Skipped, o.ChangeID)
		default:
			p.outcomes = append(p.outcomes, o)
		}
	}
	slices.SortFunc(p.outcomes, func(a, b Outcome) int { return a.ChangeID - b.ChangeID })
	p.result.Recorded = len(p.outcomes)
	return p, nil
}

// bind forgets the bindings of records that are gone, then stores the new
// ones. A conflict costs its own change only.
func (p *page) bind(ctx context.Context) error {
	var gone []orgflow.RecordKey
	var bindings []orgflow.Binding
	var of []int // index of the outcome a binding belongs to
	for i, o := range p.outcomes {
		change := p.changes[o.ChangeID]
		if o.Unbind {
			gone = append(gone, orgflow.RecordKey{Kind: orgflow.Kind(change.Kind), ID: change.SourceID})
		}
		if o.Binding == nil {
			continue
		}
		b := *o.Binding
		if b.Kind == "" {
			b.Kind = orgflow.Kind(change.Kind)
		}
		if b.SourceID == "" {
			b.SourceID = change.SourceID
		}
		bindings, of = append(bindings, b), append(of, i)
	}
	if err := p.removeBindings(ctx, p.target, gone); err != nil {
		return err
	}
	taken, err := p.conflicts(ctx, p.target, bindings)
	if err != nil {
		return err
	}
	free := make([]orgflow.Binding, 0, len(bindings))
	for i, b := range bindings {
		holder, conflict := taken[i]
		if !conflict {
			free = append(free, b)
			continue
		}
		o := &p.outcomes[of[i]]
		o.State, o.Fault, o.ConsumerID = orgflow.Disputed, boundElsewhere(b, holder), b.ConsumerID
		p.result.Disputed = append(p.result.Disputed, o.ChangeID)
	}
	return p.putBindings(ctx, p.target, p.runID, lastOf(free))
}

// lastOf keeps the last binding of each record, because one statement cannot
// touch a row twice.
func lastOf(bindings []orgflow.Binding) []orgflow.Binding {
	at := make(map[orgflow.RecordKey]int, len(bindings))
	out := bindings[:0]
	for _, b := range bindings {
		key := orgflow.RecordKey{Kind: b.Kind, ID: b.SourceID}
		if i, ok := at[key]; ok {
			out[i] = b
			continue
		}
		at[key] = len(out)
		out = append(out, b)
	}
	return out
}

var updateChanges = updateRows("sync_change", 2,
	column{"state", "text"}, column{"consumer_id", "text"}, column{"error", "jsonb"}, column{"attempts", "bigint"},
	column{"note", "text"}, column{"in_flight", "boolean"}, column{"adopted", "boolean"}, column{"updated_at", "timestamptz"},
	column{"run_id", "text"}, column{"id", "bigint"})

func (p *page) updateChanges(ctx context.Context) error {
	now := p.s.now()
	values := make([]any, 0, len(p.outcomes)*len(updateChanges.cols))
	for _, o := range p.outcomes {
		change := p.changes[o.ChangeID]
		cause, err := faultJSON(o.Fault)
		if err != nil {
			return err
		}
		consumerID, attempts := change.ConsumerID, change.Attempts
		if o.ConsumerID != "" {
			consumerID = o.ConsumerID
		}
		if o.Attempts > 0 {
			attempts = o.Attempts
		}
		values = append(values, string(o.State), consumerID, cause, attempts, clean(o.Note), o.InDoubt, o.Adopted, now, p.runID, o.ChangeID)
	}
	_, err := p.run(ctx, updateChanges, values)
	return err
}
