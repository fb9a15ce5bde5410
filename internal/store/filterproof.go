package store

import (
	"context"

	"orgflow"
)

// FilterProof asks whether a service of a scope still reads what it read
// when its deletes were last let through.
type FilterProof struct {
	Target    orgflow.Target
	Scope     string
	Service   string
	Kind      orgflow.Kind
	ExceptRun string // the run that asks
	// FilterHash and MetaHash are those of the new read.
	FilterHash, MetaHash string
}

// FilterChanged tells whether filter or meta file differ from those of the
// scope's last settled run: one that ended, was no dry run and had none of
// its deletes parked or rejected. A run whose deletes wait proves nothing,
// however often it is repeated. Where no run has settled yet, any earlier
// plan with another filter counts as a change.
func (s *Store) FilterChanged(ctx context.Context, f FilterProof) (bool, error) {
	const planned = ` FROM snapshot s JOIN sync_run r ON r.id = s.run_id
		WHERE s.company_id = ? AND s.consumer = ? AND s.scope = ? AND s.service = ? AND s.run_id <> ? AND s.complete AND r.planned AND NOT r.dry_run`
	args := []any{f.Target.CompanyID, f.Target.Consumer, f.Scope, f.Service, f.ExceptRun}
	var settled []struct {
		FilterHash string `db:"filter_hash"`
		MetaHash   string `db:"meta_hash"`
	}
	err := s.list(ctx, "last settled read of "+f.Target.String(), &settled, `SELECT s.filter_hash, s.meta_hash`+planned+`
		AND r.status IN ('completed', 'completed_with_failures')
		AND NOT EXISTS (SELECT 1 FROM sync_change c WHERE c.run_id = r.id AND c.kind = ? AND c.op = 'delete' AND c.state IN ('parked', 'skipped'))
		ORDER BY s.id DESC LIMIT 1`, append(args, string(f.Kind))...)
	if err != nil {
		return false, err
	}
	if len(settled) > 0 {
		return settled[0].FilterHash != f.FilterHash || settled[0].MetaHash != f.MetaHash, nil
	}
	var other int
	err = s.get(ctx, "earlier filters of "+f.Target.String(), &other, `SELECT count(*)`+planned+`
		AND (s.filter_hash <> ? OR s.meta_hash <> ?)`, append(args, f.FilterHash, f.MetaHash)...)
	return other > 0, err
}
