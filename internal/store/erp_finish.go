package store

import (
	"context"
	"fmt"

	"orgflow"
)

// FinishLoad ends a load, drops the new tables of one that did not come to
// swap them, and returns it as stored. The first final status wins; after
// it, nothing the load's activities may still try has any effect. A load that
// has swapped its tables has done what it was asked for and is completed,
// whatever the caller knew.
func (s *Store) FinishLoad(ctx context.Context, id string, status orgflow.Status, fault *orgflow.Fault) (Load, error) {
	if !status.Terminal() {
		return Load{}, fmt.Errorf("finish load %s: status %q is not final", id, status)
	}
	cause, err := faultJSON(fault)
	if err != nil {
		return Load{}, err
	}
	err = s.inTx(ctx, "finish load "+id, func(t *tx) error {
		var ended struct {
			Company int64  `db:"company_id"`
			Form    string `db:"form_id"`
			Kind    string `db:"kind"`
			Tables  string `db:"tables"`
			Swapped bool   `db:"swapped"`
		}
		err := t.get(ctx, &ended, `UPDATE erp_run SET status = ?, error = ?, finished_at = ? WHERE id = ? AND status = 'running' RETURNING company_id, form_id, kind, tables, swapped`,
			string(status), cause, s.now(), id)
		switch {
		case noRows(err):
			return nil
		case err != nil:
			return err
		case ended.Swapped:
			_, err = t.exec(ctx, `UPDATE erp_run SET status = 'completed', error = NULL WHERE id = ?`, id)
		case ended.Kind == string(orgflow.LoadCreate):
			err = t.dropShadows(ctx, ended.Tables)
		}
		if err != nil {
			return err
		}
		if _, err = t.exec(ctx, `DELETE FROM erp_seen WHERE run_id = ?`, id); err != nil {
			return err
		}
		if ended.Swapped {
			status, fault = orgflow.StatusCompleted, nil
		}
		in := orgflow.LoadInput{CompanyID: ended.Company, FormID: ended.Form, Kind: orgflow.LoadKind(ended.Kind)}
		return t.ended(ctx, loadNotice(in, id), status, fault)
	})
	if err != nil {
		return Load{}, err
	}
	return s.GetLoad(ctx, id)
}

// loadNotice is what a notice about a load begins with.
func loadNotice(in orgflow.LoadInput, id string) Notice {
	return Notice{CompanyID: in.CompanyID, Job: in.NoticeJob(), Ref: id}
}

// dropShadows drops the new tables of a create that has ended.
func (t *tx) dropShadows(ctx context.Context, tables string) error {
	var list []LoadTable
	if err := decode(tables, &list); err != nil {
		return err
	}
	for _, table := range list {
		if _, err := t.exec(ctx, `DROP TABLE IF EXISTS `+ident(table.shadow())); err != nil {
			return err
		}
	}
	return nil
}
