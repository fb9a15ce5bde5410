package store

import (
	"context"
	"fmt"

	"orgflow"
)

type pushRow struct {
	Pos        int    `db:"pos"`
	Group      int    `db:"grp"`
	Kind       string `db:"kind"`
	SourceID   string `db:"source_id"`
	ConsumerID string `db:"consumer_id"`
	ChangeID   int    `db:"change_id"`
	State      string `db:"state"`
	Fault      string `db:"fault"`
}

// PushPage returns up to n records of a push from a position on, with their
// changes; records of one group only, where together says so.
func (s *Store) PushPage(ctx context.Context, runID string, from, n int, together bool) ([]PushRecord, error) {
	var rows []pushRow
	err := s.list(ctx, "records of the push of run "+runID, &rows, `
		SELECT pos, grp, kind, source_id, consumer_id, change_id, state, fault FROM push_record
		WHERE run_id = ? AND pos BETWEEN ? AND ? ORDER BY pos`, runID, from, from+n-1)
	if err != nil {
		return nil, err
	}
	var records []PushRecord
	var ids []int
	for _, r := range rows {
		if together && r.Group != rows[0].Group {
			break
		}
		record := PushRecord{Pos: r.Pos, Group: r.Group, Kind: orgflow.Kind(r.Kind), SourceID: r.SourceID, ConsumerID: r.ConsumerID, ChangeID: r.ChangeID, State: PushRecordState(r.State)}
		if err := decode(r.Fault, &record.Fault); err != nil {
			return nil, fmt.Errorf("record %d of the push of run %s: %w", r.Pos, runID, err)
		}
		if r.ChangeID > 0 {
			ids = append(ids, r.ChangeID)
		}
		records = append(records, record)
	}
	changes, err := s.changesByID(ctx, runID, ids)
	for i := range records {
		if c, ok := changes[records[i].ChangeID]; ok {
			records[i].Change = &c
		}
	}
	return records, err
}

func (s *Store) changesByID(ctx context.Context, runID string, ids []int) (map[int]orgflow.Change, error) {
	out := make(map[int]orgflow.Change, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	in, arg := s.dialect.inList("id", "bigint", anys(ids))
	var rows []changeRow
	err := s.list(ctx, "changes of run "+runID, &rows, `SELECT `+changeColumns+` FROM sync_change WHERE run_id = ? AND `+in, runID, arg)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if out[row.ID], err = row.change(); err != nil {
			return nil, fmt.Errorf("run %s: %w", runID, err)
		}
	}
	return out, nil
}

var updatePush = updateRows("push_record", 2,
	column{"state", "text"}, column{"fault", "text"}, column{"run_id", "text"}, column{"pos", "bigint"})

// SavePushPage stores what became of records in a round's task and moves on
// to next, in one transaction. Of a round that is over it stores nothing.
func (s *Store) SavePushPage(ctx context.Context, runID string, round, next int, records []PushRecord) error {
	values := make([]any, 0, len(records)*len(updatePush.cols))
	for _, r := range records {
		fault := ""
		if r.Fault != nil {
			text, err := encode(r.Fault)
			if err != nil {
				return err
			}
			fault = clean(text)
		}
		values = append(values, string(r.State), fault, runID, r.Pos)
	}
	return s.inTx(ctx, "save the push of run "+runID, func(t *tx) error {
		n, err := t.exec(ctx, `UPDATE push_task SET next_pos = ? WHERE run_id = ? AND round = ? AND state = 'open' AND task_id <> '' AND next_pos <= ?`,
			next, runID, round, next)
		if err != nil || n == 0 {
			return err
		}
		_, err = t.run(ctx, updatePush, values)
		return err
	})
}

// PushIDs returns the consumer ids of those of the records that are in the
// task of a run's push.
func (s *Store) PushIDs(ctx context.Context, runID string, keys []orgflow.RecordKey) (map[orgflow.RecordKey]string, error) {
	out := map[orgflow.RecordKey]string{}
	for kind, ids := range byKind(keys) {
		in, arg := s.dialect.inList("source_id", "text", anys(ids))
		var rows []pushRow
		err := s.list(ctx, "ids in the push of run "+runID, &rows, `SELECT source_id, consumer_id FROM push_record
			WHERE run_id = ? AND kind = ? AND state IN ('added', 'kept') AND consumer_id <> '' AND `+in, runID, string(kind), arg)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			out[orgflow.RecordKey{Kind: kind, ID: r.SourceID}] = r.ConsumerID
		}
	}
	return out, nil
}

// DropPush forgets the records of a run's push; its head stays.
func (s *Store) DropPush(ctx context.Context, runID string) error {
	_, err := s.exec(ctx, "drop the push of run "+runID, `DELETE FROM push_record WHERE run_id = ?`, runID)
	return err
}

// SteppedRecords counts records of which a run wants more than one change to
// be sent: they cannot be told in one state.
func (s *Store) SteppedRecords(ctx context.Context, runID string) (n int, err error) {
	err = s.get(ctx, "changes of run "+runID, &n, `SELECT count(*) FROM (
		SELECT 1 FROM sync_change WHERE run_id = ? AND state = 'planned' GROUP BY kind, source_id HAVING count(*) > 1) AS several`, runID)
	return n, err
}
