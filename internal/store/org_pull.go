package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"orgflow"
)

// NewPull is what a pull is created from.
type NewPull struct {
	FirstRunID string // Temporal's first execution run id: the idempotency key
	WorkflowID string
	Input      orgflow.PullInput
}

// Pull is one pull of an organisation.
type Pull struct {
	ID         string
	FirstRunID string
	WorkflowID string
	Input      orgflow.PullInput
	Root       string // remote id of the root department, empty until it was read
	ReadEnd    bool   // the reading has ended
	Summary    orgflow.PullSummary
}

const pullColumns = `id, first_run_id, workflow_id, company_id, origin, input, status, phase, root, read_end, complete, cause,
	departments, members, calls, other_calls, throttled, version, changes, parked, error, notes, started_at, finished_at`

type pullRow struct {
	ID          string  `db:"id"`
	FirstRunID  string  `db:"first_run_id"`
	WorkflowID  string  `db:"workflow_id"`
	CompanyID   int64   `db:"company_id"`
	Origin      string  `db:"origin"`
	Input       string  `db:"input"`
	Status      string  `db:"status"`
	Phase       string  `db:"phase"`
	Root        string  `db:"root"`
	ReadEnd     bool    `db:"read_end"`
	Complete    bool    `db:"complete"`
	Cause       string  `db:"cause"`
	Departments int     `db:"departments"`
	Members     int     `db:"members"`
	Calls       int     `db:"calls"`
	OtherCalls  int     `db:"other_calls"`
	Throttled   int     `db:"throttled"`
	Version     int64   `db:"version"`
	Changes     string  `db:"changes"`
	Parked      int     `db:"parked"`
	Error       *string `db:"error"`
	Notes       string  `db:"notes"`
	StartedAt   stamp   `db:"started_at"`
	FinishedAt  stamp   `db:"finished_at"`
}

func (r pullRow) pull() (Pull, error) {
	p := Pull{
		ID: r.ID, FirstRunID: r.FirstRunID, WorkflowID: r.WorkflowID, Root: r.Root, ReadEnd: r.ReadEnd,
		Summary: orgflow.PullSummary{
			ID: r.ID, RunID: r.FirstRunID, CompanyID: r.CompanyID, Origin: r.Origin,
			Status: orgflow.Status(r.Status), Phase: orgflow.Phase(r.Phase), Departments: r.Departments, Members: r.Members,
			Calls: r.Calls, OtherCalls: r.OtherCalls, Throttled: r.Throttled, Complete: r.Complete, Cause: r.Cause,
			Version: r.Version, ParkedRemovals: r.Parked, StartedAt: r.StartedAt.Time, FinishedAt: r.FinishedAt.optional(),
		},
	}
	err := errors.Join(decode(r.Input, &p.Input), decode(r.Notes, &p.Summary.Notes), decode(r.Changes, &p.Summary.Changes))
	if r.Error != nil {
		err = errors.Join(err, decode(*r.Error, &p.Summary.Error))
	}
	if err != nil {
		return Pull{}, fmt.Errorf("pull %s: %w", r.ID, err)
	}
	if p.Summary.Changes == nil {
		p.Summary.Changes = map[orgflow.Kind]orgflow.OrgCount{}
	}
	return p, nil
}

// CreatePull stores a pull, status running, unless another one of the company
// is running: then it returns that one, and ok is false. It is idempotent by
// FirstRunID. The pull's id is the workflow id, with "~" and the beginning of
// FirstRunID where an earlier execution has it already.
func (s *Store) CreatePull(ctx context.Context, n NewPull) (pull Pull, ok bool, err error) {
	if err := required("/first_run_id", n.FirstRunID, "/workflow_id", n.WorkflowID, "/origin", n.Input.Origin); err != nil {
		return Pull{}, false, fmt.Errorf("create pull: %w", err)
	}
	input, err := encode(n.Input)
	if err != nil {
		return Pull{}, false, err
	}
	for _, id := range []string{n.WorkflowID, n.WorkflowID + "~" + prefix(n.FirstRunID, 8), n.WorkflowID + "~" + n.FirstRunID} {
		_, err := s.exec(ctx, "create pull", `
			INSERT INTO org_pull (id, first_run_id, workflow_id, company_id, origin, input, status, phase, notes, started_at)
			VALUES (?, ?, ?, ?, ?, ?, 'running', ?, '[]', ?) ON CONFLICT DO NOTHING`,
			id, n.FirstRunID, n.WorkflowID, n.Input.CompanyID, n.Input.Origin, input, string(orgflow.PhasePrepare), s.now())
		if err != nil {
			return Pull{}, false, err
		}
		pull, err = s.onePull(ctx, "first_run_id", n.FirstRunID)
		if !errors.Is(err, ErrNotFound) {
			return pull, err == nil, err
		}
		pull, err = s.RunningPull(ctx, n.Input.CompanyID)
		if !errors.Is(err, ErrNotFound) {
			return pull, false, err
		}
	}
	return Pull{}, false, fmt.Errorf("create pull %s: no id is free", n.WorkflowID)
}

// RunningPull returns the pull of a company that runs, or ErrNotFound. One that
// waits for a decision does not run.
func (s *Store) RunningPull(ctx context.Context, company int64) (Pull, error) {
	var row pullRow
	err := s.get(ctx, "running pull", &row, `SELECT `+pullColumns+` FROM org_pull WHERE company_id = ? AND status = 'running'`, company)
	if err != nil {
		return Pull{}, err
	}
	return row.pull()
}

// GetPull returns a pull by its id, or ErrNotFound.
func (s *Store) GetPull(ctx context.Context, id string) (Pull, error) {
	return s.onePull(ctx, "id", id)
}

func (s *Store) onePull(ctx context.Context, column, value string) (Pull, error) {
	if !sound(value) {
		return Pull{}, fmt.Errorf("pull: %w", ErrNotFound)
	}
	var row pullRow
	if err := s.get(ctx, "pull "+value, &row, `SELECT `+pullColumns+` FROM org_pull WHERE `+column+` = ?`, value); err != nil {
		return Pull{}, err
	}
	return row.pull()
}

// WaitingPulls returns the pulls of a company and origin that wait for a
// decision, oldest first.
func (s *Store) WaitingPulls(ctx context.Context, target orgflow.Target) ([]Pull, error) {
	var rows []pullRow
	err := s.list(ctx, "waiting pulls", &rows, `SELECT `+pullColumns+` FROM org_pull
		WHERE company_id = ? AND origin = ? AND status = 'awaiting_approval' ORDER BY started_at, id`, target.CompanyID, target.Consumer)
	if err != nil {
		return nil, err
	}
	out := make([]Pull, len(rows))
	for i, r := range rows {
		if out[i], err = r.pull(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ListPulls returns pulls of a company (0: all), newest first, and the cursor
// of the next page, empty on the last one.
func (s *Store) ListPulls(ctx context.Context, company int64, cursor string, limit int) ([]Pull, string, error) {
	var w where
	if company != 0 {
		w.add("company_id = ?", company)
	}
	if cursor != "" {
		started, id, err := parseRunCursor(cursor)
		if err != nil {
			return nil, "", fmt.Errorf("list pulls: %w", err)
		}
		w.add("(started_at, id) < (?, ?)", started, id)
	}
	limit = pageSize(limit)
	var rows []pullRow
	err := s.list(ctx, "list pulls", &rows, `SELECT `+pullColumns+` FROM org_pull`+w.sql()+` ORDER BY started_at DESC, id DESC LIMIT ?`, append(w.args, limit+1)...)
	if err != nil {
		return nil, "", err
	}
	rows, next := cut(rows, limit, func(r pullRow) string { return fmt.Sprintf("%d.%s", r.StartedAt.UnixMicro(), r.ID) })
	out := make([]Pull, len(rows))
	for i, r := range rows {
		if out[i], err = r.pull(); err != nil {
			return nil, "", err
		}
	}
	return out, next, nil
}

// AddPullCalls adds to a pull's counters. It must be called once per call
// made: repeating it counts twice.
func (s *Store) AddPullCalls(ctx context.Context, id string, calls, other, throttled int) error {
	_, err := s.exec(ctx, "count calls of pull "+id, `
		UPDATE org_pull SET calls = calls + ?, other_calls = other_calls + ?, throttled = throttled + ? WHERE id = ?`, calls, other, throttled, id)
	return err
}

// ParkPull makes a pull with parked removals wait for a decision. It no
// longer keeps others of the company from running.
func (s *Store) ParkPull(ctx context.Context, id string) error {
	return s.inTx(ctx, "park pull "+id, func(t *tx) error {
		n, ok, err := t.pullNotice(ctx, `UPDATE org_pull SET status = 'awaiting_approval' WHERE id = ? AND status = 'running'`, id)
		if err != nil || !ok {
			return err
		}
		n.Event = orgflow.NoticeParked
		return t.notice(ctx, n)
	})
}

// pullNotice runs an update of a pull and returns what a notice about it
// begins with; ok is false where the update spared it.
func (t *tx) pullNotice(ctx context.Context, update string, args ...any) (n Notice, ok bool, err error) {
	var row struct {
		ID        string `db:"id"`
		CompanyID int64  `db:"company_id"`
		Origin    string `db:"origin"`
	}
	err = t.get(ctx, &row, update+` RETURNING id, company_id, origin`, args...)
	if noRows(err) {
		return n, false, nil
	}
	in := orgflow.PullInput{CompanyID: row.CompanyID, Origin: row.Origin}
	return Notice{CompanyID: in.CompanyID, Job: in.NoticeJob(), Target: in.Target().NoticeJob(), Ref: row.ID}, err == nil, err
}

// FinishPull ends a pull, with what operators are to be told of it, removes
// what it has staged, and returns it as stored. The first final status wins.
func (s *Store) FinishPull(ctx context.Context, id string, status orgflow.Status, fault *orgflow.Fault, notes []string) (Pull, error) {
	if !status.Terminal() {
		return Pull{}, fmt.Errorf("finish pull %s: status %q is not final", id, status)
	}
	encoded, err := encode(cleanAll(notes))
	if err != nil {
		return Pull{}, err
	}
	cause, err := faultJSON(fault)
	if err != nil {
		return Pull{}, err
	}
	err = s.inTx(ctx, "finish pull "+id, func(t *tx) error {
		n, ok, err := t.pullNotice(ctx, `UPDATE org_pull SET status = ?, error = ?, notes = ?, finished_at = ? WHERE id = ? AND `+live,
			string(status), cause, encoded, s.now(), id)
		if ok {
			err = t.ended(ctx, n, status, fault)
		}
		if err != nil {
			return err
		}
		for _, table := range []string{"org_pull_unit", "org_pull_member", "org_pull_seat", "org_pull_missing"} {
			if _, err := t.exec(ctx, `DELETE FROM `+table+` WHERE pull_id = ?`, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Pull{}, err
	}
	return s.GetPull(ctx, id)
}

// RemovedSince counts the departments and members that pulls of the target
// have removed since a time.
func (s *Store) RemovedSince(ctx context.Context, target orgflow.Target, since time.Time) (units, members int, err error) {
	var row struct {
		Units   int `db:"units"`
		Members int `db:"members"`
	}
	err = s.get(ctx, "removals of "+target.String(), &row, `
		SELECT CAST(coalesce(sum(units_removed), 0) AS bigint) AS units, CAST(coalesce(sum(members_removed), 0) AS bigint) AS members
		FROM org_version WHERE company_id = ? AND origin = ? AND at >= ?`, target.CompanyID, target.Consumer, at(since))
	return row.Units, row.Members, err
}
