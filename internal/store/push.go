package store

import (
	"context"
	"fmt"

	"orgflow"
)

// PushState is where a push stands.
type PushState string

// States of a push.
const (
	PushOpen       PushState = "open"       // records are being added to its task
	PushCompleting PushState = "completing" // the task may be completed already
	PushCompleted  PushState = "completed"  // the consumer has made it true; outcomes are being recorded
	PushSettled    PushState = "settled"    // and every outcome is recorded
	PushDeclined   PushState = "declined"   // not made; Cause says why
)

// Push is the push of a run.
type Push struct {
	State PushState
	Round int    // tasks begun, from 1; 0 before the first
	Task  string // the consumer's; empty while one has to be begun
	Next  int    // position of the first record that is not in the task yet, from 1
	Total int
	// Losses and Doubts count rounds given up because the task was not known
	// any more, and because nobody knows whether it was completed.
	Losses, Doubts int
	Cause          string
}

// PushRecordState is what became of a record in the current task.
type PushRecordState string

// States of a push's record; empty is not added yet.
const (
	PushAdded   PushRecordState = "added"   // as its change wants it
	PushKept    PushRecordState = "kept"    // as last accepted
	PushRefused PushRecordState = "refused" // its change was refused
	PushBlocked PushRecordState = "blocked" // its change waits for one that was refused
	PushMoved   PushRecordState = "moved"   // another run has sent a newer state
)

// PushRecord is a record of a push.
type PushRecord struct {
	Pos        int
	Group      int // records of one group may share a call
	Kind       orgflow.Kind
	SourceID   string
	ConsumerID string
	ChangeID   int // 0: goes along as last accepted
	State      PushRecordState
	Fault      *orgflow.Fault
	Change     *orgflow.Change // with PushPage only; nil without ChangeID
}

// Key returns the source record.
func (r PushRecord) Key() orgflow.RecordKey { return orgflow.RecordKey{Kind: r.Kind, ID: r.SourceID} }

var insertPush = insertRows("push_record", "",
	column{"run_id", "text"}, column{"pos", "bigint"}, column{"grp", "bigint"}, column{"kind", "text"},
	column{"source_id", "text"}, column{"consumer_id", "text"}, column{"change_id", "bigint"})

// CreatePush lists what a push consists of: the departments as given, in
// their order, then all persons, by source id, who are bound or planned to be
// inserted, those who leave included. A push that exists stays as it is.
func (s *Store) CreatePush(ctx context.Context, runID string, orgs []PushRecord) error {
	values := make([]any, 0, len(orgs)*len(insertPush.cols))
	group := 0
	for i, r := range orgs {
		values = append(values, runID, i+1, r.Group, string(orgflow.Org), r.SourceID, r.ConsumerID, r.ChangeID)
		group = r.Group + 1
	}
	return s.inTx(ctx, "list the push of run "+runID, func(t *tx) error {
		n, err := t.exec(ctx, `INSERT INTO push_task (run_id, state) VALUES (?, ?) ON CONFLICT (run_id) DO NOTHING`, runID, string(PushOpen))
		if err != nil || n == 0 {
			return err
		}
		if _, err := t.run(ctx, insertPush, values); err != nil {
			return err
		}
		if n, err = t.pushPersons(ctx, runID, len(orgs), group); err != nil {
			return err
		}
		_, err = t.exec(ctx, `UPDATE push_task SET total = ? WHERE run_id = ?`, len(orgs)+n, runID)
		return err
	})
}

// pushPersons lists the persons behind a position, in one group.
func (t *tx) pushPersons(ctx context.Context, runID string, total, group int) (int, error) {
	return t.exec(ctx, `
		INSERT INTO push_record (run_id, pos, grp, kind, source_id, consumer_id, change_id)
		SELECT CAST(? AS text), CAST(? AS bigint) + row_number() OVER (ORDER BY source_id), CAST(? AS bigint), 'person', source_id, consumer_id, change_id FROM (
			SELECT b.source_id, b.consumer_id, coalesce(c.id, 0) AS change_id
			FROM sync_run r JOIN binding b ON b.company_id = r.company_id AND b.consumer = r.consumer AND b.kind = 'person' AND b.state <> 'root'
			LEFT JOIN sync_change c ON c.run_id = r.id AND c.kind = 'person' AND c.source_id = b.source_id AND c.state = 'planned'
			WHERE r.id = ?
			UNION ALL
			SELECT c.source_id, c.consumer_id, c.id
			FROM sync_run r JOIN sync_change c ON c.run_id = r.id AND c.kind = 'person' AND c.op = 'insert' AND c.state = 'planned'
			LEFT JOIN binding b ON b.company_id = r.company_id AND b.consumer = r.consumer AND b.kind = 'person' AND b.source_id = c.source_id
			WHERE r.id = ? AND b.source_id IS NULL
		) AS people`, runID, total, group, runID, runID)
}

// PushOf returns a run's push, or ErrNotFound.
func (s *Store) PushOf(ctx context.Context, runID string) (Push, error) {
	var row struct {
		State  string `db:"state"`
		Round  int    `db:"round"`
		Task   string `db:"task_id"`
		Next   int    `db:"next_pos"`
		Total  int    `db:"total"`
		Losses int    `db:"losses"`
		Doubts int    `db:"doubts"`
		Cause  string `db:"cause"`
	}
	err := s.get(ctx, "push of run "+runID, &row,
		`SELECT state, round, task_id, next_pos, total, losses, doubts, cause FROM push_task WHERE run_id = ?`, runID)
	return Push{PushState(row.State), row.Round, row.Task, row.Next, row.Total, row.Losses, row.Doubts, row.Cause}, err
}

// DeclinePush notes why a run makes no push, whether or not it had begun. One
// that may be completed stays as it is.
func (s *Store) DeclinePush(ctx context.Context, runID, cause string) error {
	_, err := s.exec(ctx, "decline the push of run "+runID, `
		INSERT INTO push_task (run_id, state, cause) VALUES (?, ?, ?)
		ON CONFLICT (run_id) DO UPDATE SET state = excluded.state, cause = excluded.cause, task_id = '' WHERE push_task.state IN ('open', 'declined')`,
		runID, string(PushDeclined), clean(cause))
	return err
}

// OpenPush begins the next round with a task of the consumer: nothing is in
// it yet. While another task is open it changes nothing.
func (s *Store) OpenPush(ctx context.Context, runID, task string) error {
	if err := required("/task", task); err != nil {
		return fmt.Errorf("open the push of run %s: %w", runID, err)
	}
	return s.inTx(ctx, "open the push of run "+runID, func(t *tx) error {
		n, err := t.exec(ctx, `UPDATE push_task SET task_id = ?, round = round + 1, next_pos = 1
			WHERE run_id = ? AND state = 'open' AND task_id = ''`, task, runID)
		if err != nil || n == 0 {
			return err
		}
		_, err = t.exec(ctx, `UPDATE push_record SET state = '', fault = '' WHERE run_id = ? AND state <> ''`, runID)
		return err
	})
}

// LosePush gives a round's task up: it is not known any more or, with doubt,
// may have been completed. Of a round that is over it changes nothing.
func (s *Store) LosePush(ctx context.Context, runID string, round int, doubt bool) error {
	column := "losses"
	if doubt {
		column = "doubts"
	}
	_, err := s.exec(ctx, "give up the task of run "+runID, `UPDATE push_task SET state = 'open', task_id = '', `+column+` = `+column+` + 1
		WHERE run_id = ? AND round = ? AND task_id <> '' AND state IN ('open', 'completing')`, runID, round)
	return err
}

// AdvancePush says that a round's task is about to be completed, is, or is
// recorded.
func (s *Store) AdvancePush(ctx context.Context, runID string, round int, to PushState) error {
	_, err := s.exec(ctx, "advance the push of run "+runID,
		`UPDATE push_task SET state = ? WHERE run_id = ? AND round = ? AND state IN ('open', 'completing', 'completed')`, string(to), runID, round)
	return err
}
