package store

import (
	"context"
	"fmt"
	"time"

	"orgflow"
)

// NewSnapshot is what a snapshot begins with.
type NewSnapshot struct {
	RunID      string
	Target     orgflow.Target
	Scope      string
	Service    string
	Kind       orgflow.Kind
	FilterHash string // of the filter the rows were asked with
	MetaHash   string // of the meta file that shaped them
}

// Snapshot is one read of one service.
type Snapshot struct {
	ID         int64
	RunID      string
	Target     orgflow.Target
	Scope      string
	Service    string
	Kind       orgflow.Kind
	Read       int // rows received from the source
	Staged     int // records stored, without rejected ones
	Rejected   int // records set aside with a reason
	Declared   int // rows the source said it has, -1 unknown
	Complete   bool
	Cause      string // why it is not complete
	FilterHash string
	MetaHash   string
	Filled     map[string]int // staged records that have a value, per standard key
	Dropped    bool           // the records were removed by retention, the counts stay
	CreatedAt  time.Time
	FinishedAt *time.Time
}

// SnapshotResult is how a read ended, as the reader proved it.
type SnapshotResult struct {
	Read     int
	Declared int // -1 when the source does not say
	Complete bool
	Cause    string
	Filled   map[string]int
}

const snapshotColumns = `id, run_id, company_id, consumer, scope, service, kind, read_count, staged, rejected, declared,
	complete, cause, filter_hash, meta_hash, filled, dropped, created_at, finished_at`

type snapshotRow struct {
	ID         int64  `db:"id"`
	RunID      string `db:"run_id"`
	CompanyID  int64  `db:"company_id"`
	Consumer   string `db:"consumer"`
	Scope      string `db:"scope"`
	Service    string `db:"service"`
	Kind       string `db:"kind"`
	Read       int    `db:"read_count"`
	Staged     int    `db:"staged"`
	Rejected   int    `db:"rejected"`
	Declared   int    `db:"declared"`
	Complete   bool   `db:"complete"`
	Cause      string `db:"cause"`
	FilterHash string `db:"filter_hash"`
	MetaHash   string `db:"meta_hash"`
	Filled     string `db:"filled"`
	Dropped    bool   `db:"dropped"`
	CreatedAt  stamp  `db:"created_at"`
	FinishedAt stamp  `db:"finished_at"`
}

func (r snapshotRow) snapshot() (Snapshot, error) {
	s := Snapshot{
		ID: r.ID, RunID: r.RunID, Target: orgflow.Target{CompanyID: r.CompanyID, Consumer: r.Consumer},
		Scope: r.Scope, Service: r.Service, Kind: orgflow.Kind(r.Kind),
		Read: r.Read, Staged: r.Staged, Rejected: r.Rejected, Declared: r.Declared,
		Complete: r.Complete, Cause: r.Cause, FilterHash: r.FilterHash, MetaHash: r.MetaHash, Dropped: r.Dropped,
		CreatedAt: r.CreatedAt.Time, FinishedAt: r.FinishedAt.optional(),
	}
	if err := decode(r.Filled, &s.Filled); err != nil {
		return Snapshot{}, fmt.Errorf("snapshot %d: %w", r.ID, err)
	}
	return s, nil
}

func snapshots(rows []snapshotRow) ([]Snapshot, error) {
	out := make([]Snapshot, len(rows))
	for i, r := range rows {
		var err error
		if out[i], err = r.snapshot(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// BeginSnapshot starts the read of a service. It is idempotent per run and
// service: a repeated call returns the snapshot as it is.
func (s *Store) BeginSnapshot(ctx context.Context, n NewSnapshot) (Snapshot, error) {
	what := fmt.Sprintf("begin snapshot of %s in run %s", n.Service, n.RunID)
	if err := required("/run_id", n.RunID, "/service", n.Service, "/kind", string(n.Kind)); err != nil {
		return Snapshot{}, fmt.Errorf("begin snapshot: %w", err)
	}
	var row snapshotRow
	err := s.inTx(ctx, what, func(t *tx) error {
		_, err := t.exec(ctx, `
			INSERT INTO snapshot (run_id, company_id, consumer, scope, service, kind, filter_hash, meta_hash, created_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (run_id, service) DO NOTHING`,
			n.RunID, n.Target.CompanyID, n.Target.Consumer, n.Scope, n.Service, string(n.Kind), n.FilterHash, n.MetaHash, s.now())
		if err != nil {
			return err
		}
		return t.get(ctx, &row, `SELECT `+snapshotColumns+` FROM snapshot WHERE run_id = ? AND service = ?`, n.RunID, n.Service)
	})
	if err != nil {
		return Snapshot{}, err
	}
	return row.snapshot()
}

// GetSnapshot returns a snapshot, or ErrNotFound. While it is being read its
// counts are zero; CountStaged counts what is there so far.
func (s *Store) GetSnapshot(ctx context.Context, id int64) (Snapshot, error) {
	var row snapshotRow
	err := s.get(ctx, fmt.Sprintf("snapshot %d", id), &row, `SELECT `+snapshotColumns+` FROM snapshot WHERE id = ?`, id)
	if err != nil {
		return Snapshot{}, err
	}
	return row.snapshot()
}

// FinishSnapshot ends a read and returns the snapshot. Staged and rejected
// records are counted from what is stored, so that repeated pages cannot
// spoil the counts. The first result stays: a repeated call changes nothing.
func (s *Store) FinishSnapshot(ctx context.Context, id int64, r SnapshotResult) (Snapshot, error) {
	filled, err := encodeSome(len(r.Filled), r.Filled)
	if err != nil {
		return Snapshot{}, err
	}
	_, err = s.exec(ctx, fmt.Sprintf("finish snapshot %d", id), `
		UPDATE snapshot SET read_count = ?, declared = ?, complete = ?, cause = ?, filled = ?, finished_at = ?,
			staged = (SELECT count(*) FROM base_sync_data d WHERE d.snapshot_id = snapshot.id AND d.reject_reason IS NULL),
			rejected = (SELECT count(*) FROM base_sync_data d WHERE d.snapshot_id = snapshot.id AND d.reject_reason IS NOT NULL)
		WHERE id = ? AND finished_at IS NULL`,
		r.Read, r.Declared, r.Complete, clean(r.Cause), filled, s.now(), id)
	if err != nil {
		return Snapshot{}, err
	}
	return s.GetSnapshot(ctx, id)
}

// SnapshotsOfRun returns the run's snapshots in the order they were begun.
func (s *Store) SnapshotsOfRun(ctx context.Context, runID string) ([]Snapshot, error) {
	var rows []snapshotRow
	err := s.list(ctx, "snapshots of run "+runID, &rows, `SELECT `+snapshotColumns+` FROM snapshot WHERE run_id = ? ORDER BY id`, runID)
	if err != nil {
		return nil, err
	}
	return snapshots(rows)
}

// SnapshotFilter selects finished snapshots of a target.
type SnapshotFilter struct {
	Target    orgflow.Target
	Scope     string       // empty: every scope
	Kind      orgflow.Kind // empty: both
	Complete  bool         // only complete ones whose records are still stored
	ExceptRun string       // leave this run's own snapshots out
}

// LatestSnapshots returns, per scope and service, the latest finished
// snapshot that the filter selects, ordered by scope and service.
func (s *Store) LatestSnapshots(ctx context.Context, f SnapshotFilter) ([]Snapshot, error) {
	var w where
	w.add("finished_at IS NOT NULL AND company_id = ? AND consumer = ?", f.Target.CompanyID, f.Target.Consumer)
	if f.Scope != "" {
		w.add("scope = ?", f.Scope)
	}
	if f.Kind != "" {
		w.add("kind = ?", string(f.Kind))
	}
	if f.Complete {
		w.add("complete AND NOT dropped")
	}
	if f.ExceptRun != "" {
		w.add("run_id <> ?", f.ExceptRun)
	}
	var rows []snapshotRow
	err := s.list(ctx, "latest snapshots of "+f.Target.String(), &rows, `SELECT `+snapshotColumns+` FROM snapshot
		WHERE id IN (SELECT max(id) FROM snapshot`+w.sql()+` GROUP BY scope, service) ORDER BY scope, service`, w.args...)
	if err != nil {
		return nil, err
	}
	return snapshots(rows)
}

// DropSnapshotsBefore removes the staged records of a scope's old snapshots,
// keeping the newest keep finished ones of each service, those of runs that
// have not ended, and the newest complete one of each service. Counts and
// hashes of a dropped snapshot stay. It returns the snapshots dropped.
func (s *Store) DropSnapshotsBefore(ctx context.Context, target orgflow.Target, scope string, keep int) (dropped int, err error) {
	err = s.inTx(ctx, "drop old snapshots of "+target.String(), func(t *tx) error {
		var ids []int64
		err := t.list(ctx, &ids, `
			SELECT id FROM (
				SELECT n.id, n.dropped, n.complete, r.status,
					row_number() OVER (PARTITION BY n.service ORDER BY n.id DESC) AS age,
					row_number() OVER (PARTITION BY n.service, n.complete ORDER BY n.id DESC) AS age_alike
				FROM snapshot n JOIN sync_run r ON r.id = n.run_id
				WHERE n.company_id = ? AND n.consumer = ? AND n.scope = ? AND n.finished_at IS NOT NULL
			) ranked
			WHERE NOT dropped AND age > ? AND NOT (complete AND age_alike = 1) AND NOT `+live,
			target.CompanyID, target.Consumer, scope, keep)
		if err != nil || len(ids) == 0 {
			return err
		}
		dropped = len(ids)
		in, arg := s.dialect.inList("snapshot_id", "bigint", anys(ids))
		if _, err := t.exec(ctx, `DELETE FROM base_sync_data WHERE `+in, arg); err != nil {
			return err
		}
		in, arg = s.dialect.inList("id", "bigint", anys(ids))
		_, err = t.exec(ctx, `UPDATE snapshot SET dropped = true WHERE `+in, arg)
		return err
	})
	return dropped, err
}
