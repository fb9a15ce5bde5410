package store

import (
	"context"
	"fmt"

	"orgflow"
)

// ImportJob is an import under way at the consumer.
type ImportJob struct {
	ID    string // the consumer's
	Kind  string // the connector's
	RunID string // whose changes it carries
}

// PutImport stores a job that a run has just started. Where the consumer
// begins to count its jobs anew, the newer one takes the place of the older.
func (s *Store) PutImport(ctx context.Context, target orgflow.Target, j ImportJob) error {
	if err := required("/job", j.ID, "/run_id", j.RunID); err != nil {
		return fmt.Errorf("store an import of run %s: %w", j.RunID, err)
	}
	_, err := s.exec(ctx, "store import "+j.ID, `
		INSERT INTO import_job (company_id, consumer, job_id, run_id, kind, started_at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (company_id, consumer, job_id) DO UPDATE SET
			run_id = excluded.run_id, kind = excluded.kind, started_at = excluded.started_at, settled = false`,
		target.CompanyID, target.Consumer, j.ID, j.RunID, j.Kind, s.now())
	return err
}

// OpenImports lists the jobs of a target that are not settled, whichever run
// started them, the first one first.
func (s *Store) OpenImports(ctx context.Context, target orgflow.Target) ([]ImportJob, error) {
	var rows []struct {
		ID    string `db:"job_id"`
		Kind  string `db:"kind"`
		RunID string `db:"run_id"`
	}
	err := s.list(ctx, "open imports of "+target.String(), &rows, `
		SELECT job_id, kind, run_id FROM import_job WHERE company_id = ? AND consumer = ? AND NOT settled ORDER BY started_at, job_id`,
		target.CompanyID, target.Consumer)
	jobs := make([]ImportJob, len(rows))
	for i, r := range rows {
		jobs[i] = ImportJob{ID: r.ID, Kind: r.Kind, RunID: r.RunID}
	}
	return jobs, err
}

// SettleImport notes that a job is over and its outcomes are recorded, or of
// no use any more.
func (s *Store) SettleImport(ctx context.Context, target orgflow.Target, id string) error {
	_, err := s.exec(ctx, "settle import "+id, `
		UPDATE import_job SET settled = true WHERE company_id = ? AND consumer = ? AND job_id = ?`,
		target.CompanyID, target.Consumer, id)
	return err
}
