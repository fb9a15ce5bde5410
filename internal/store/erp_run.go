package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"orgflow"
)

// NewLoad is what a load of an ERP's form is created from.
type NewLoad struct {
	FirstRunID string // Temporal's first execution run id: the idempotency key
	WorkflowID string
	Input      orgflow.LoadInput
}

// Load is one load of a form.
type Load struct {
	ID         string
	FirstRunID string
	WorkflowID string
	Input      orgflow.LoadInput
	// Plan is what the load was frozen to by OpenLoad, nil before; Tables are
	// those it fills, the main one first.
	Plan    json.RawMessage
	Tables  []LoadTable
	Swapped bool // the new tables are in the place of the old ones
	Summary orgflow.ERPRun
}

const loadColumns = `r.id, r.first_run_id, r.workflow_id, r.company_id, r.form_id, r.kind, r.deep, r.status, r.phase, r.plan, r.tables, r.swapped,
	r.calls, r.marked_gone, r.new_columns, r.error, r.notes, r.started_at, r.opened_at, r.finished_at,
	(SELECT count(*) FROM erp_window w WHERE w.run_id = r.id AND NOT w.catch_up) AS windows,
	(SELECT count(*) FROM erp_window w WHERE w.run_id = r.id AND NOT w.catch_up AND w.done) AS windows_done,
	(SELECT CAST(coalesce(sum(w.stored), 0) AS bigint) FROM erp_window w WHERE w.run_id = r.id AND w.table_no = 0) AS stored`

type loadRow struct {
	ID          string  `db:"id"`
	FirstRunID  string  `db:"first_run_id"`
	WorkflowID  string  `db:"workflow_id"`
	CompanyID   int64   `db:"company_id"`
	FormID      string  `db:"form_id"`
	Kind        string  `db:"kind"`
	Deep        bool    `db:"deep"`
	Status      string  `db:"status"`
	Phase       string  `db:"phase"`
	Plan        string  `db:"plan"`
	Tables      string  `db:"tables"`
	Swapped     bool    `db:"swapped"`
	Calls       int     `db:"calls"`
	MarkedGone  int64   `db:"marked_gone"`
	NewColumns  string  `db:"new_columns"`
	Error       *string `db:"error"`
	Notes       string  `db:"notes"`
	StartedAt   stamp   `db:"started_at"`
	OpenedAt    stamp   `db:"opened_at"`
	FinishedAt  stamp   `db:"finished_at"`
	Windows     int     `db:"windows"`
	WindowsDone int     `db:"windows_done"`
	Stored      int64   `db:"stored"`
}

func (r loadRow) load(now time.Time) (Load, error) {
	in := orgflow.LoadInput{CompanyID: r.CompanyID, FormID: r.FormID, Kind: orgflow.LoadKind(r.Kind), Deep: r.Deep}
	l := Load{
		ID: r.ID, FirstRunID: r.FirstRunID, WorkflowID: r.WorkflowID, Input: in, Swapped: r.Swapped,
		Summary: orgflow.ERPRun{
			ID: r.ID, RunID: r.FirstRunID, CompanyID: in.CompanyID, FormID: in.FormID, Kind: in.Kind, Deep: in.Deep,
			Status: orgflow.Status(r.Status), Phase: orgflow.Phase(r.Phase), Rows: r.Stored,
			Windows:   orgflow.Progress{Done: r.WindowsDone, Total: r.Windows},
			StartedAt: r.StartedAt.Time, FinishedAt: r.FinishedAt.optional(), MarkedGone: r.MarkedGone, Calls: r.Calls,
		},
	}
	if r.Plan != "" {
		l.Plan = json.RawMessage(r.Plan)
	}
	err := errors.Join(decode(r.Tables, &l.Tables), decode(r.Notes, &l.Summary.Notes), decode(r.NewColumns, &l.Summary.NewColumns))
	if r.Error != nil {
		err = errors.Join(err, decode(*r.Error, &l.Summary.Error))
	}
	if err != nil {
		return Load{}, fmt.Errorf("load %s: %w", r.ID, err)
	}
	if l.Summary.NewColumns == nil {
		l.Summary.NewColumns = []string{}
	}
	r.pace(&l.Summary, now)
	return l, nil
}

// pace fills in rows a second and, while the load runs, the time that is left
// if the windows to come take as long as those that were read.
func (r loadRow) pace(s *orgflow.ERPRun, now time.Time) {
	if r.OpenedAt.IsZero() {
		return
	}
	end := now
	if s.FinishedAt != nil {
		end = *s.FinishedAt
	}
	spent := end.Sub(r.OpenedAt.Time)
	if spent <= 0 {
		return
	}
	s.RowsPerSecond = float64(s.Rows) / spent.Seconds()
	if w := s.Windows; w.Done > 0 && !s.Status.Terminal() {
		left := int64(spent.Seconds() / float64(w.Done) * float64(w.Total-w.Done))
		s.RemainingSeconds = &left
	}
}

// CreateLoad stores a load, status running, unless another one of the form is
// running: then it returns that one, and ok is false; ErrNotFound means that
// it has ended at this moment. It is idempotent by FirstRunID.
//
// A local table belongs to the company that loaded it first; another one's
// load of the same form is a fault with CodeInvalidConfig.
func (s *Store) CreateLoad(ctx context.Context, n NewLoad) (load Load, ok bool, err error) {
	if err := required("/first_run_id", n.FirstRunID, "/workflow_id", n.WorkflowID, "/form_id", n.Input.FormID); err != nil {
		return Load{}, false, fmt.Errorf("create load: %w", err)
	}
	err = s.inTx(ctx, "create load", func(t *tx) error {
		if err := t.claimForm(ctx, n.Input); err != nil {
			return err
		}
		return t.insertLoad(ctx, n, orgflow.StatusRunning, nil)
	})
	if err != nil {
		return Load{}, false, err
	}
	load, err = s.oneLoad(ctx, "r.first_run_id = ?", n.FirstRunID)
	if !errors.Is(err, ErrNotFound) {
		return load, err == nil, err
	}
	load, err = s.RunningLoad(ctx, n.Input.FormID)
	return load, false, err
}

// RefuseLoad stores a load that was refused before it began, so that whoever
// started it finds out why. It holds nothing. Repeating it, or refusing a load
// that was created, changes nothing; the load is returned as it is stored.
func (s *Store) RefuseLoad(ctx context.Context, n NewLoad, fault *orgflow.Fault) (Load, error) {
	err := s.inTx(ctx, "refuse load", func(t *tx) error { return t.insertLoad(ctx, n, orgflow.StatusFailed, fault) })
	if err != nil {
		return Load{}, err
	}
	return s.oneLoad(ctx, "r.first_run_id = ?", n.FirstRunID)
}

func (t *tx) insertLoad(ctx context.Context, n NewLoad, status orgflow.Status, fault *orgflow.Fault) error {
	cause, err := faultJSON(fault)
	if err != nil {
		return err
	}
	var finished any
	if status.Terminal() {
		finished = t.s.now()
	}
	id := orgflow.ERPRunID(n.WorkflowID, n.FirstRunID)
	created, err := t.exec(ctx, `
		INSERT INTO erp_run (id, first_run_id, workflow_id, company_id, form_id, table_key, kind, deep, status, phase, new_columns, error, notes, started_at, finished_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '[]', ?, '[]', ?, ?) ON CONFLICT DO NOTHING`,
		id, n.FirstRunID, n.WorkflowID, n.Input.CompanyID, n.Input.FormID, formKey(n.Input.FormID),
		string(n.Input.Kind), n.Input.Deep, string(status), string(orgflow.PhasePrepare), cause, t.s.now(), finished)
	if err != nil || created == 0 {
		return err
	}
	return t.ended(ctx, loadNotice(n.Input, id), status, fault)
}

// formKey is what tells local tables apart on both databases.
func formKey(formID string) string { return strings.ToLower(formID) }

// claimForm makes the company the owner of the form's local table. A claim
// under which no table was ever made ready gives way: it was the wrong
// company's, or of an id in the wrong case.
func (t *tx) claimForm(ctx context.Context, in orgflow.LoadInput) error {
	key := formKey(in.FormID)
	_, err := t.exec(ctx, `INSERT INTO erp_form (table_key, company_id, form_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, key, in.CompanyID, in.FormID)
	if err != nil {
		return err
	}
	var owner struct {
		CompanyID int64  `db:"company_id"`
		FormID    string `db:"form_id"`
	}
	err = t.get(ctx, &owner, `SELECT company_id, form_id FROM erp_form WHERE table_key = ?`+t.s.dialect.forUpdate, key)
	if err != nil || owner.CompanyID == in.CompanyID && owner.FormID == in.FormID {
		return err
	}
	n, err := t.exec(ctx, `UPDATE erp_form SET company_id = ?, form_id = ? WHERE table_key = ?
		AND NOT EXISTS (SELECT 1 FROM erp_run r WHERE r.table_key = ? AND (r.opened_at IS NOT NULL OR r.status = 'running'))`,
		in.CompanyID, in.FormID, key, key)
	if err != nil || n > 0 {
		return err
	}
	return &orgflow.Fault{
		Code: orgflow.CodeInvalidConfig, Field: "/form_id",
		Message: fmt.Sprintf("the local table ERP_%s belongs to form %s of company %d", owner.FormID, owner.FormID, owner.CompanyID),
		Advice:  "load the form in a database of the company's own, or remove the other company's table and its row in erp_form",
	}
}

// RunningLoad returns the load of the form that runs, or ErrNotFound.
func (s *Store) RunningLoad(ctx context.Context, formID string) (Load, error) {
	return s.oneLoad(ctx, "r.status = 'running' AND r.table_key = ?", formKey(formID))
}

// GetLoad returns a load by its id, or ErrNotFound.
func (s *Store) GetLoad(ctx context.Context, id string) (Load, error) {
	return s.oneLoad(ctx, "r.id = ?", id)
}

func (s *Store) oneLoad(ctx context.Context, cond, value string) (Load, error) {
	if !sound(value) {
		return Load{}, fmt.Errorf("load: %w", ErrNotFound)
	}
	var row loadRow
	if err := s.get(ctx, "load "+value, &row, `SELECT `+loadColumns+` FROM erp_run r WHERE `+cond, value); err != nil {
		return Load{}, err
	}
	return row.load(s.now().Time)
}

// ListLoads returns loads of a company (0: all) and form (empty: all), newest
// first, and the cursor of the next page, empty on the last one.
func (s *Store) ListLoads(ctx context.Context, company int64, formID, cursor string, limit int) ([]Load, string, error) {
	var w where
	if company != 0 {
		w.add("r.company_id = ?", company)
	}
	if formID != "" {
		w.add("r.form_id = ?", formID)
	}
	if cursor != "" {
		started, id, err := parseRunCursor(cursor)
		if err != nil {
			return nil, "", fmt.Errorf("list loads: %w", err)
		}
		w.add("(r.started_at, r.id) < (?, ?)", started, id)
	}
	limit = pageSize(limit)
	var rows []loadRow
	err := s.list(ctx, "list loads", &rows, `SELECT `+loadColumns+` FROM erp_run r`+w.sql()+` ORDER BY r.started_at DESC, r.id DESC LIMIT ?`, append(w.args, limit+1)...)
	if err != nil {
		return nil, "", err
	}
	rows, next := cut(rows, limit, func(r loadRow) string { return fmt.Sprintf("%d.%s", r.StartedAt.UnixMicro(), r.ID) })
	out, now := make([]Load, len(rows)), s.now().Time
	for i, r := range rows {
		if out[i], err = r.load(now); err != nil {
			return nil, "", err
		}
	}
	return out, next, nil
}
