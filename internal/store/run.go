package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"orgflow"
)

// NewRun is what a run is created from.
type NewRun struct {
	FirstRunID string // Temporal's first execution run id: the idempotency key
	WorkflowID string
	Job        orgflow.Job
	Files      []orgflow.UsedFile
	Frozen     []byte // contents of the files as frozen for this run; opaque, kept byte for byte
	RetryOf    string // id of the run whose failures this one retries
	StartedAt  time.Time
}

// Run is one execution of a sync.
type Run struct {
	ID         string
	FirstRunID string
	WorkflowID string
	Job        orgflow.Job
	Files      []orgflow.UsedFile
	Frozen     []byte
	Status     orgflow.Status
	Paused     *orgflow.Pause // of a paused run
	Phase      orgflow.Phase
	Fetched    bool
	Planned    bool
	Applied    bool
	PlanHash   string // empty until a plan is saved
	RetryOf    string
	Fault      *orgflow.Fault // of a run that failed as a whole
	Notes      []string
	Counters   Counters
	StartedAt  time.Time
	FinishedAt *time.Time
}

// Counters are what a run's calls added up to.
type Counters struct {
	Calls         int // HTTP calls to source and consumer
	Throttled     int // throttle answers among them
	TokenRenewals int
}

// StageFlag names a part of a run that is finished.
type StageFlag string

// Parts of a run.
const (
	Fetched StageFlag = "fetched"
	Planned StageFlag = "planned"
	Applied StageFlag = "applied"
)

const runColumns = `id, first_run_id, workflow_id, job, files, frozen_files, status, phase, fetched, planned, applied,
	paused, error, notes, calls, throttled, token_renewals, plan_hash, retry_of, started_at, finished_at`

// live is the condition of a run that has not ended.
const live = `status IN ('running', 'paused', 'awaiting_approval')`

type runRow struct {
	ID            string  `db:"id"`
	FirstRunID    string  `db:"first_run_id"`
	WorkflowID    string  `db:"workflow_id"`
	Job           string  `db:"job"`
	Files         string  `db:"files"`
	Frozen        string  `db:"frozen_files"`
	Status        string  `db:"status"`
	Phase         string  `db:"phase"`
	Fetched       bool    `db:"fetched"`
	Planned       bool    `db:"planned"`
	Applied       bool    `db:"applied"`
	Paused        *string `db:"paused"`
	Error         *string `db:"error"`
	Notes         string  `db:"notes"`
	Calls         int     `db:"calls"`
	Throttled     int     `db:"throttled"`
	TokenRenewals int     `db:"token_renewals"`
	PlanHash      string  `db:"plan_hash"`
	RetryOf       string  `db:"retry_of"`
	StartedAt     stamp   `db:"started_at"`
	FinishedAt    stamp   `db:"finished_at"`
}

func (r runRow) run() (Run, error) {
	run := Run{
		ID: r.ID, FirstRunID: r.FirstRunID, WorkflowID: r.WorkflowID, Frozen: []byte(r.Frozen),
		Status: orgflow.Status(r.Status), Phase: orgflow.Phase(r.Phase),
		Fetched: r.Fetched, Planned: r.Planned, Applied: r.Applied, PlanHash: r.PlanHash, RetryOf: r.RetryOf,
		Counters:  Counters{r.Calls, r.Throttled, r.TokenRenewals},
		StartedAt: r.StartedAt.Time, FinishedAt: r.FinishedAt.optional(),
	}
	err := errors.Join(decode(r.Job, &run.Job), decode(r.Files, &run.Files), decode(r.Notes, &run.Notes))
	if r.Error != nil {
		err = errors.Join(err, decode(*r.Error, &run.Fault))
	}
	if r.Paused != nil {
		err = errors.Join(err, decode(*r.Paused, &run.Paused))
	}
	if err != nil {
		return Run{}, fmt.Errorf("run %s: %w", r.ID, err)
	}
	return run, nil
}

// CreateRun stores a run, status running, phase prepare, and tells whether
// this call created it. It is idempotent by FirstRunID: a repeated call
// returns the stored run as it is. The run's id is the workflow id; when an
// earlier execution has that id already, "~" and the first 8 characters of
// FirstRunID are added.
func (s *Store) CreateRun(ctx context.Context, n NewRun) (run Run, created bool, err error) {
	if err := required("/first_run_id", n.FirstRunID, "/workflow_id", n.WorkflowID); err != nil {
		return Run{}, false, fmt.Errorf("create run: %w", err)
	}
	for _, id := range []string{n.WorkflowID, n.WorkflowID + "~" + prefix(n.FirstRunID, 8), n.WorkflowID + "~" + n.FirstRunID} {
		inserted, err := s.insertRun(ctx, id, n)
		if err != nil {
			return Run{}, false, err
		}
		run, err = s.GetRunByFirstID(ctx, n.FirstRunID)
		if !errors.Is(err, ErrNotFound) {
			return run, inserted, err
		}
	}
	return Run{}, false, fmt.Errorf("create run %s: no id is free", n.WorkflowID)
}

func (s *Store) insertRun(ctx context.Context, id string, n NewRun) (bool, error) {
	job, err := encode(n.Job)
	if err != nil {
		return false, err
	}
	files, err := encode(append([]orgflow.UsedFile{}, n.Files...))
	if err != nil {
		return false, err
	}
	if err := check("/frozen_files", string(n.Frozen), "/consumer", n.Job.Consumer, "/params/scope", n.Job.Params.Scope); err != nil {
		return false, fmt.Errorf("create run: %w", err)
	}
	inserted, err := s.exec(ctx, "create run", `
		INSERT INTO sync_run (id, first_run_id, workflow_id, company_id, consumer, scope, job, files, frozen_files,
			status, phase, dry_run, notes, retry_of, started_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '[]', ?, ?)
		ON CONFLICT DO NOTHING`,
		id, n.FirstRunID, n.WorkflowID, n.Job.CompanyID, n.Job.Consumer, n.Job.Params.Scope, job, files, string(n.Frozen),
		string(orgflow.StatusRunning), string(orgflow.PhasePrepare), n.Job.Params.DryRun, n.RetryOf, s.or(n.StartedAt))
	return inserted == 1, err
}

// or returns the time, or now for the zero time.
func (s *Store) or(t time.Time) stamp {
	if t.IsZero() {
		return s.now()
	}
	return at(t)
}

// GetRun returns a run by its id, or ErrNotFound.
func (s *Store) GetRun(ctx context.Context, id string) (Run, error) {
	return s.oneRun(ctx, "run "+id, "id", id)
}

// GetRunByFirstID returns a run by Temporal's first execution run id, or
// ErrNotFound.
func (s *Store) GetRunByFirstID(ctx context.Context, firstRunID string) (Run, error) {
	return s.oneRun(ctx, "run of execution "+firstRunID, "first_run_id", firstRunID)
}

func (s *Store) oneRun(ctx context.Context, what, column, value string) (Run, error) {
	if !sound(value) {
		return Run{}, fmt.Errorf("run: %w", ErrNotFound)
	}
	var row runRow
	if err := s.get(ctx, what, &row, `SELECT `+runColumns+` FROM sync_run WHERE `+column+` = ?`, value); err != nil {
		return Run{}, err
	}
	return row.run()
}

// FreezeFiles stores the files a run uses, once: a run that has frozen
// contents already keeps them.
func (s *Store) FreezeFiles(ctx context.Context, id string, files []orgflow.UsedFile, frozen []byte) error {
	list, err := encode(append([]orgflow.UsedFile{}, files...))
	if err != nil {
		return err
	}
	if err := check("/files", list, "/frozen_files", string(frozen)); err != nil {
		return fmt.Errorf("freeze files of run %s: %w", id, err)
	}
	return s.updateRun(ctx, "freeze files of run "+id, id,
		`UPDATE sync_run SET files = ?, frozen_files = ? WHERE id = ? AND frozen_files = ''`, list, string(frozen), id)
}

// SetPhase says what a run is doing. A run that has ended keeps its phase.
func (s *Store) SetPhase(ctx context.Context, id string, phase orgflow.Phase) error {
	return s.updateRun(ctx, "set phase of run "+id, id,
		`UPDATE sync_run SET phase = ? WHERE id = ? AND `+live, string(phase), id)
}

// SetStatus moves a run between running and awaiting_approval; PauseRun and
// ResumeRun pause it, FinishRun ends it. A run that has ended keeps its status.
func (s *Store) SetStatus(ctx context.Context, id string, status orgflow.Status) error {
	if status.Terminal() {
		return fmt.Errorf("set status of run %s: %q ends a run, which FinishRun does", id, status)
	}
	what, waits := "set status of run "+id, status == orgflow.StatusAwaitingApproval
	if !waits {
		return s.updateRun(ctx, what, id, `UPDATE sync_run SET status = ? WHERE id = ? AND `+live, string(status), id)
	}
	return s.inTx(ctx, what, func(t *tx) error {
		n, ok, err := t.noticeOf(ctx, `UPDATE sync_run SET status = ? WHERE status IN ('running', 'paused') AND id = ?`, string(status), id)
		switch {
		case err != nil:
			return err
		case !ok: // it waits or has ended already, or is not there
			return t.get(ctx, new(string), `SELECT id FROM sync_run WHERE id = ?`, id)
		}
		n.Event = orgflow.NoticeParked
		return t.notice(ctx, n)
	})
}

// SetStage notes that a part of the run is finished.
func (s *Store) SetStage(ctx context.Context, id string, flag StageFlag) error {
	if flag != Fetched && flag != Planned && flag != Applied {
		return fmt.Errorf("set stage of run %s: unknown stage %q", id, flag)
	}
	return s.updateRun(ctx, "set stage of run "+id, id, `UPDATE sync_run SET `+string(flag)+` = true WHERE id = ?`, id)
}

// FinishRun ends a run, with what operators are to be told of it, and returns
// it as stored. The first final status wins: a repeated call changes nothing,
// so compare the result's status.
func (s *Store) FinishRun(ctx context.Context, id string, status orgflow.Status, fault *orgflow.Fault, notes []string) (Run, error) {
	if !status.Terminal() {
		return Run{}, fmt.Errorf("finish run %s: status %q is not final", id, status)
	}
	encoded, err := encode(cleanAll(notes))
	if err != nil {
		return Run{}, err
	}
	cause, err := faultJSON(fault)
	if err != nil {
		return Run{}, err
	}
	err = s.inTx(ctx, "finish run "+id, func(t *tx) error {
		n, ok, err := t.noticeOf(ctx, `UPDATE sync_run SET status = ?, paused = NULL, error = ?, notes = ?, finished_at = ? WHERE `+live+` AND id = ?`,
			string(status), cause, encoded, s.now(), id)
		if err != nil || !ok {
			return err
		}
		return t.ended(ctx, n, status, fault)
	})
	if err != nil {
		return Run{}, err
	}
	return s.GetRun(ctx, id)
}

// AddCounters adds to a run's counters. It must be called once per call made:
// repeating it counts twice.
func (s *Store) AddCounters(ctx context.Context, id string, c Counters) error {
	if c == (Counters{}) {
		return nil
	}
	return s.updateRun(ctx, "count calls of run "+id, id, `
		UPDATE sync_run SET calls = calls + ?, throttled = throttled + ?, token_renewals = token_renewals + ? WHERE id = ?`,
		c.Calls, c.Throttled, c.TokenRenewals, id)
}

// updateRun runs an update whose condition may spare the row, and answers
// ErrNotFound only when there is no such run.
func (s *Store) updateRun(ctx context.Context, what, id, query string, args ...any) error {
	n, err := s.exec(ctx, what, query, args...)
	if err != nil || n > 0 {
		return err
	}
	var found bool
	if err := s.get(ctx, what, &found, `SELECT count(*) > 0 FROM sync_run WHERE id = ?`, id); err != nil || found {
		return err
	}
	return fmt.Errorf("%s: %w", what, ErrNotFound)
}

func prefix(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}
