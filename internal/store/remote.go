package store

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"orgflow"
)

// RemoteRecord is a record as the consumer held it when a run read it.
type RemoteRecord struct {
	Kind       orgflow.Kind
	ConsumerID string
	Key        string
	Fields     map[string]any // numbers come back as json.Number
	Ext        map[string]any // nil is unknown and comes back as nil
}

// RemoteDepartment is a department whose reading is not done.
type RemoteDepartment struct {
	ID string
	// Known: the department itself and those below it are stored; its
	// members are missing from Cursor on.
	Known  bool
	Cursor string
}

// RemoteStep is what one call about a department gave.
type RemoteStep struct {
	Department string
	Records    []RemoteRecord
	Found      []string // departments below it
	Cursor     string   // of the next page of members
	Done       bool     // nothing of the department is missing
	// Gone: the department was deleted after it had been found. Its record
	// is removed; Done is implied.
	Gone  bool
	Calls int // spent, whatever they gave
}

// RemoteRead is the reading of what a consumer holds.
type RemoteRead struct {
	Begun       bool
	Finished    bool
	Complete    bool
	Cause       string // why it is finished and not complete
	Departments int    // stored, the root not counted
	Persons     int
	Calls       int
}

// States of remote_queue.
const (
	remoteOpen    = "open"
	remoteMembers = "members"
	remoteDone    = "done"
)

var (
	insertRemote = insertRows("remote_record", "ON CONFLICT (run_id, kind, consumer_id) DO NOTHING",
		column{"run_id", "text"}, column{"kind", "text"}, column{"consumer_id", "text"}, column{"key", "text"},
		column{"fields", "text"}, column{"ext", "text"})
	insertRemoteQueue = insertRows("remote_queue", "ON CONFLICT (run_id, dept_id) DO NOTHING",
		column{"run_id", "text"}, column{"dept_id", "text"}, column{"state", "text"})
)

// BeginRemote starts the reading at the root department and at those known
// from before: one of them that was moved, out of the root's reach or while
// the reading goes on, is found all the same. Where it has begun already, it
// changes nothing.
func (s *Store) BeginRemote(ctx context.Context, runID, root string, known ...string) error {
	if err := required("/run_id", runID, "/root", root); err != nil {
		return fmt.Errorf("begin remote read: %w", err)
	}
	return s.inTx(ctx, "begin remote read of run "+runID, func(t *tx) error {
		n, err := t.exec(ctx, `INSERT INTO remote_read (run_id) VALUES (?) ON CONFLICT (run_id) DO NOTHING`, runID)
		if err != nil || n == 0 {
			return err
		}
		queue := []any{runID, root, remoteOpen}
		for _, id := range slices.Sorted(slices.Values(known)) {
			queue = append(queue, runID, id, remoteOpen)
		}
		_, err = t.run(ctx, insertRemoteQueue, queue)
		return err
	})
}

// NextDepartments returns up to n departments that are not done, in the order
// of their ids; none is the end of the reading.
func (s *Store) NextDepartments(ctx context.Context, runID string, n int) ([]RemoteDepartment, error) {
	var rows []struct {
		ID     string `db:"dept_id"`
		State  string `db:"state"`
		Cursor string `db:"next_cursor"`
	}
	err := s.list(ctx, "departments to read of run "+runID, &rows, `SELECT dept_id, state, next_cursor FROM remote_queue
		WHERE run_id = ? AND state <> 'done' ORDER BY dept_id LIMIT ?`, runID, n)
	out := make([]RemoteDepartment, len(rows))
	for i, r := range rows {
		out[i] = RemoteDepartment{ID: r.ID, Known: r.State == remoteMembers, Cursor: r.Cursor}
	}
	return out, err
}

// SaveRemotePage stores what a call gave and moves the department on, in one
// transaction. A record or department that is there already stays as it is,
// and one that is done stays done, so that a step may be repeated and a late
// worker spoils nothing; calls count every time. It returns ErrNotFound when
// the reading has not begun or was dropped.
func (s *Store) SaveRemotePage(ctx context.Context, runID string, step RemoteStep) error {
	records, err := remoteValues(runID, step.Records)
	if err != nil {
		return fmt.Errorf("save remote page of run %s: %w", runID, err)
	}
	if err := required("/department", step.Department); err != nil {
		return fmt.Errorf("save remote page of run %s: %w", runID, err)
	}
	queue := make([]any, 0, len(step.Found)*len(insertRemoteQueue.cols))
	for _, id := range slices.Sorted(slices.Values(step.Found)) {
		if err := required("/found", id); err != nil {
			return fmt.Errorf("save remote page of run %s: %w", runID, err)
		}
		queue = append(queue, runID, id, remoteOpen)
	}
	return s.inTx(ctx, "save remote page of run "+runID, func(t *tx) error {
		// The head is locked first, so that pages with the same persons wait
		// for each other instead of dead-locking.
		n, err := t.exec(ctx, `UPDATE remote_read SET calls = calls + ? WHERE run_id = ?`, step.Calls, runID)
		if err == nil && n == 0 {
			err = ErrNotFound
		}
		if err != nil {
			return err
		}
		if _, err := t.run(ctx, insertRemote, records); err != nil {
			return err
		}
		if _, err := t.run(ctx, insertRemoteQueue, queue); err != nil {
			return err
		}
		return t.moveDepartment(ctx, runID, step)
	})
}

func (t *tx) moveDepartment(ctx context.Context, runID string, step RemoteStep) error {
	state := remoteMembers
	if step.Done || step.Gone {
		state = remoteDone
	}
	if step.Gone {
		_, err := t.exec(ctx, `DELETE FROM remote_record WHERE run_id = ? AND kind = ? AND consumer_id = ?`,
			runID, string(orgflow.Org), step.Department)
		if err != nil {
			return err
		}
	}
	_, err := t.exec(ctx, `UPDATE remote_queue SET state = ?, next_cursor = ? WHERE run_id = ? AND dept_id = ? AND state <> 'done'`,
		state, step.Cursor, runID, step.Department)
	return err
}

// remoteValues encodes records for the batch, in the order of their ids.
func remoteValues(runID string, records []RemoteRecord) ([]any, error) {
	records = slices.SortedFunc(slices.Values(records), func(a, b RemoteRecord) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ConsumerID, b.ConsumerID))
	})
	values := make([]any, 0, len(records)*len(insertRemote.cols))
	for _, r := range records {
		if err := required("/kind", string(r.Kind), "/consumer_id", r.ConsumerID); err != nil {
			return nil, err
		}
		fields, err := encode(r.Fields)
		if err != nil {
			return nil, err
		}
		ext := ""
		if r.Ext != nil {
			if ext, err = encode(r.Ext); err != nil {
				return nil, err
			}
		}
		values = append(values, runID, string(r.Kind), r.ConsumerID, clean(r.Key), fields, ext)
	}
	return values, nil
}

// FinishRemote ends the reading: complete with an empty cause, else not. It
// refuses to call a reading complete in which departments are missing. The
// first end stays: a repeated call changes nothing.
func (s *Store) FinishRemote(ctx context.Context, runID, cause string) error {
	return s.inTx(ctx, "finish remote read of run "+runID, func(t *tx) error {
		var open int
		err := t.get(ctx, &open, `SELECT count(*) FROM remote_queue WHERE run_id = ? AND state <> 'done'`, runID)
		if err != nil {
			return err
		}
		if cause == "" && open > 0 {
			return fmt.Errorf("%d departments have not been read", open)
		}
		_, err = t.exec(ctx, `UPDATE remote_read SET complete = ?, cause = ?, finished_at = ? WHERE run_id = ? AND finished_at IS NULL`,
			cause == "", clean(cause), s.now(), runID)
		return err
	})
}

// RemoteDone tells how far the reading has come; one that was never begun,
// or was dropped, is the zero value. Only a complete one may be planned from:
// what is missing in any other is not gone.
func (s *Store) RemoteDone(ctx context.Context, runID string) (RemoteRead, error) {
	var rows []struct {
		Calls      int    `db:"calls"`
		Complete   bool   `db:"complete"`
		Cause      string `db:"cause"`
		FinishedAt stamp  `db:"finished_at"`
		Orgs       int    `db:"orgs"`
		Persons    int    `db:"persons"`
	}
	err := s.list(ctx, "remote read of run "+runID, &rows, `SELECT calls, complete, cause, finished_at,
		(SELECT count(*) FROM remote_record r WHERE r.run_id = remote_read.run_id AND r.kind = 'org') AS orgs,
		(SELECT count(*) FROM remote_record r WHERE r.run_id = remote_read.run_id AND r.kind = 'person') AS persons
		FROM remote_read WHERE run_id = ?`, runID)
	if err != nil || len(rows) == 0 {
		return RemoteRead{}, err
	}
	r := rows[0]
	return RemoteRead{
		Begun: true, Finished: r.FinishedAt.optional() != nil, Complete: r.Complete, Cause: r.Cause,
		Departments: r.Orgs, Persons: r.Persons, Calls: r.Calls,
	}, nil
}

// RemoteRecords streams what was read of one kind, in the byte order of the
// consumer ids. The stream ends with the first error.
func (s *Store) RemoteRecords(ctx context.Context, runID string, kind orgflow.Kind) iter.Seq2[RemoteRecord, error] {
	return func(yield func(RemoteRecord, error) bool) {
		for after := ""; ; {
			rows, err := s.remotePage(ctx, runID, kind, after)
			if err != nil {
				yield(RemoteRecord{}, err)
				return
			}
			for _, row := range rows {
				record, err := row.record(kind)
				if !yield(record, err) || err != nil {
					return
				}
			}
			if len(rows) < readPage {
				return
			}
			after = rows[len(rows)-1].ID
		}
	}
}

type remoteRow struct {
	ID     string `db:"consumer_id"`
	Key    string `db:"key"`
	Fields string `db:"fields"`
	Ext    string `db:"ext"`
}

func (s *Store) remotePage(ctx context.Context, runID string, kind orgflow.Kind, after string) ([]remoteRow, error) {
	var rows []remoteRow
	err := s.list(ctx, "remote records of run "+runID, &rows, `SELECT consumer_id, key, fields, ext FROM remote_record
		WHERE run_id = ? AND kind = ? AND consumer_id > ? ORDER BY consumer_id LIMIT ?`, runID, string(kind), after, readPage)
	return rows, err
}

func (r remoteRow) record(kind orgflow.Kind) (RemoteRecord, error) {
	out := RemoteRecord{Kind: kind, ConsumerID: r.ID, Key: r.Key}
	if err := decode(r.Fields, &out.Fields); err != nil {
		return out, fmt.Errorf("remote record %s:%s: %w", kind, r.ID, err)
	}
	if err := decode(r.Ext, &out.Ext); err != nil {
		return out, fmt.Errorf("remote record %s:%s: %w", kind, r.ID, err)
	}
	return out, nil
}

// DropRemote removes all that a run has read of the consumer.
func (s *Store) DropRemote(ctx context.Context, runID string) error {
	return s.inTx(ctx, "drop remote read of run "+runID, func(t *tx) error {
		for _, table := range []string{"remote_record", "remote_queue", "remote_read"} {
			if _, err := t.exec(ctx, `DELETE FROM `+table+` WHERE run_id = ?`, runID); err != nil {
				return err
			}
		}
		return nil
	})
}
