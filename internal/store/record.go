package store

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"

	"orgflow"
)

// readPage is how many rows a stream reads at a time. Streams hold no
// connection and no read transaction between pages, so that their readers
// may use the store meanwhile.
const readPage = 1000

// StagedRow is one fetched record, or one that was set aside.
type StagedRow struct {
	Record orgflow.Record
	Reject string // why the record was set aside; empty for a good one
}

// RejectedRecord is a record that was set aside, with the source row.
type RejectedRecord struct {
	SourceID string
	Reason   string
	Raw      json.RawMessage
}

var stageRows = insertRows("base_sync_data", "ON CONFLICT (snapshot_id, source_id) DO NOTHING",
	column{"snapshot_id", "bigint"}, column{"source_id", "text"}, column{"position", "bigint"}, column{"parent_id", "text"},
	column{"record", "text"}, column{"raw", "text"}, column{"reject_reason", "text"})

// StagePage stores a page of a read and returns how many of its records were
// not there before. A record whose id is already in the snapshot is left
// alone and not counted: a page may be staged again, and the source may
// repeat itself. The order of the first staging is kept. It is refused when
// the snapshot is finished or a record has no usable id.
func (s *Store) StagePage(ctx context.Context, snapshotID int64, rows []StagedRow) (fresh int, err error) {
	if len(rows) == 0 {
		return 0, nil
	}
	values, err := stageValues(snapshotID, rows)
	if err != nil {
		return 0, fmt.Errorf("stage page: %w", err)
	}
	err = s.inTx(ctx, "stage page", func(t *tx) error {
		var finished stamp
		err := t.get(ctx, &finished, `SELECT finished_at FROM snapshot WHERE id = ?`+s.dialect.forUpdate, snapshotID)
		if err != nil {
			return err
		}
		if !finished.IsZero() {
			return fmt.Errorf("snapshot %d is finished", snapshotID)
		}
		var next int
		err = t.get(ctx, &next, `SELECT coalesce(max(position), 0) FROM base_sync_data WHERE snapshot_id = ?`, snapshotID)
		if err != nil {
			return err
		}
		for i := range rows {
			values[i*len(stageRows.cols)+2] = next + 1 + i
		}
		fresh, err = t.run(ctx, stageRows, values)
		return err
	})
	return fresh, err
}

func stageValues(snapshotID int64, rows []StagedRow) ([]any, error) {
	values := make([]any, 0, len(rows)*len(stageRows.cols))
	for i, row := range rows {
		r, where := row.Record, "/"+strconv.Itoa(i)
		if err := required(where+"/source_id", r.SourceID); err != nil {
			return nil, err
		}
		fields, err := encode(r.Fields)
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", i, err)
		}
		if err := check(where+"/parent_id", r.ParentID, where+"/fields", fields, where+"/raw", string(r.Raw)); err != nil {
			return nil, err
		}
		values = append(values, snapshotID, r.SourceID, 0, r.ParentID, fields, null(string(r.Raw)), null(clean(row.Reject)))
	}
	return values, nil
}

// null returns nil for the empty text.
func null(s string) any {
	if s == "" {
		return nil
	}
	return s
}

type recordRow struct {
	Kind     orgflow.Kind `db:"-"` // of the snapshot
	SourceID string       `db:"source_id"`
	Position int64        `db:"position"`
	ParentID string       `db:"parent_id"`
	Record   string       `db:"record"`
	Raw      *string      `db:"raw"`
	Reason   *string      `db:"reject_reason"`
}

// StagedRecord is a record with its place in the order it was read.
type StagedRecord struct {
	orgflow.Record
	Position int
}

// RecordsByID streams the snapshot's good records by source id in byte
// order, the order of Bindings, so that the two can be compared side by side.
// It may be ranged over again. The stream ends with the first error; records
// that retention removed meanwhile are one, not a shorter stream.
func (s *Store) RecordsByID(ctx context.Context, snapshotID int64) iter.Seq2[StagedRecord, error] {
	return func(yield func(StagedRecord, error) bool) {
		for row, err := range s.byID(ctx, snapshotID, "source_id, position, parent_id, record, raw", "reject_reason IS NULL") {
			var record orgflow.Record
			if err == nil {
				record, err = row.record(row.Kind)
			}
			if !yield(StagedRecord{Record: record, Position: int(row.Position)}, err) || err != nil {
				return
			}
		}
	}
}

// RecordIDs streams the ids of the snapshot's good records in byte order,
// RejectedIDs those of the records that were set aside. The stream ends with
// the first error.
func (s *Store) RecordIDs(ctx context.Context, snapshotID int64) iter.Seq2[string, error] {
	return s.ids(ctx, snapshotID, "reject_reason IS NULL")
}

// RejectedIDs is the other half of RecordIDs.
func (s *Store) RejectedIDs(ctx context.Context, snapshotID int64) iter.Seq2[string, error] {
	return s.ids(ctx, snapshotID, "reject_reason IS NOT NULL")
}

func (s *Store) ids(ctx context.Context, snapshotID int64, cond string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for row, err := range s.byID(ctx, snapshotID, "source_id", cond) {
			if !yield(row.SourceID, err) {
				return
			}
		}
	}
}

// byID streams columns of the snapshot's rows along the primary key.
func (s *Store) byID(ctx context.Context, snapshotID int64, columns, cond string) iter.Seq2[recordRow, error] {
	return func(yield func(recordRow, error) bool) {
		kind, err := s.kept(ctx, snapshotID)
		for after, more := "", true; more && err == nil; {
			var rows []recordRow
			err = s.list(ctx, fmt.Sprintf("records of snapshot %d by id", snapshotID), &rows, `
				SELECT `+columns+` FROM base_sync_data
				WHERE snapshot_id = ? AND source_id > ? AND `+cond+` ORDER BY source_id LIMIT ?`, snapshotID, after, readPage)
			for _, row := range rows {
				row.Kind = kind
				if !yield(row, nil) {
					return
				}
			}
			if more = len(rows) == readPage; more {
				after = rows[len(rows)-1].SourceID
			}
		}
		if err == nil {
			_, err = s.kept(ctx, snapshotID) // still: else rows were missing on the way
		}
		if err != nil {
			yield(recordRow{}, err)
		}
	}
}

// kept returns the kind of a snapshot whose records are still stored.
func (s *Store) kept(ctx context.Context, snapshotID int64) (orgflow.Kind, error) {
	snap, err := s.GetSnapshot(ctx, snapshotID)
	if err == nil && snap.Dropped {
		err = fmt.Errorf("snapshot %d: its records were removed by retention; fetch again", snapshotID)
	}
	return snap.Kind, err
}

func (r recordRow) record(kind orgflow.Kind) (orgflow.Record, error) {
	record := orgflow.Record{Kind: kind, SourceID: r.SourceID, ParentID: r.ParentID}
	if r.Raw != nil {
		record.Raw = json.RawMessage(*r.Raw)
	}
	if err := json.Unmarshal([]byte(r.Record), &record.Fields); err != nil {
		return orgflow.Record{}, fmt.Errorf("staged record %s:%s: %w", kind, r.SourceID, err)
	}
	return record, nil
}

// RejectedRecords returns the records that were set aside, in reading order,
// and the cursor of the next page, empty on the last one.
func (s *Store) RejectedRecords(ctx context.Context, snapshotID int64, cursor string, limit int) ([]RejectedRecord, string, error) {
	after, err := parseCursor(cursor, 0)
	if err != nil {
		return nil, "", fmt.Errorf("rejected records: %w", err)
	}
	limit = pageSize(limit)
	var rows []recordRow
	err = s.list(ctx, fmt.Sprintf("rejected records of snapshot %d", snapshotID), &rows, `
		SELECT source_id, position, raw, reject_reason FROM base_sync_data
		WHERE snapshot_id = ? AND position > ? AND reject_reason IS NOT NULL ORDER BY position LIMIT ?`, snapshotID, after, limit+1)
	if err != nil {
		return nil, "", err
	}
	rows, next := cut(rows, limit, func(r recordRow) string { return strconv.FormatInt(r.Position, 10) })
	out := make([]RejectedRecord, len(rows))
	for i, r := range rows {
		out[i] = RejectedRecord{SourceID: r.SourceID, Reason: *r.Reason}
		if r.Raw != nil {
			out[i].Raw = json.RawMessage(*r.Raw)
		}
	}
	return out, next, nil
}

// CountStaged counts what a snapshot holds so far, so that a read that goes
// on after a crash knows where it stands.
func (s *Store) CountStaged(ctx context.Context, snapshotID int64) (staged, rejected int, err error) {
	var row struct {
		Staged   int `db:"staged"`
		Rejected int `db:"rejected"`
	}
	err = s.get(ctx, "count staged records", &row, `
		SELECT count(*) FILTER (WHERE reject_reason IS NULL) AS staged, count(reject_reason) AS rejected
		FROM base_sync_data WHERE snapshot_id = ?`, snapshotID)
	return row.Staged, row.Rejected, err
}

// HasRecords tells which of the ids the snapshot contains, rejected records
// included: what a source still has, however bad, has not left.
func (s *Store) HasRecords(ctx context.Context, snapshotID int64, ids []string) (map[string]bool, error) {
	in, arg := s.dialect.inList("source_id", "text", anys(ids))
	var found []string
	err := s.list(ctx, "look for records", &found,
		`SELECT source_id FROM base_sync_data WHERE snapshot_id = ? AND `+in, snapshotID, arg)
	out := make(map[string]bool, len(found))
	for _, id := range found {
		out[id] = true
	}
	return out, err
}
