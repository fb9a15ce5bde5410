package store

import (
	"context"
	"encoding/json"
	"slices"

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

// proofDepth is how many earlier reads are looked at; behind them a filter
// counts as changed when any was another.
const proofDepth = 100

// FilterChanged tells whether filter or meta file differ from those of the
// scope's last settled run: one that judged all deletes, ended, was no dry
// run and had none of its deletes parked or rejected. A run whose deletes
// wait proves nothing, however often it is repeated. Where no run has settled
// yet, any earlier plan with another filter counts as a change.
func (s *Store) FilterChanged(ctx context.Context, f FilterProof) (bool, error) {
	var reads []struct {
		FilterHash string `db:"filter_hash"`
		MetaHash   string `db:"meta_hash"`
		Job        string `db:"job"`
		Settled    bool   `db:"settled"`
	}
	err := s.list(ctx, "earlier reads of "+f.Target.String(), &reads, `
		SELECT s.filter_hash, s.meta_hash, r.job,
			r.status IN ('completed', 'completed_with_failures') AND NOT EXISTS (
				SELECT 1 FROM sync_change c WHERE c.run_id = r.id AND c.kind = ? AND c.op = 'delete' AND c.state IN ('parked', 'skipped')) AS settled
		FROM snapshot s JOIN sync_run r ON r.id = s.run_id
		WHERE s.company_id = ? AND s.consumer = ? AND s.scope = ? AND s.service = ? AND s.run_id <> ? AND s.complete AND r.planned AND NOT r.dry_run
		ORDER BY s.id DESC LIMIT ?`,
		string(f.Kind), f.Target.CompanyID, f.Target.Consumer, f.Scope, f.Service, f.ExceptRun, proofDepth)
	if err != nil {
		return false, err
	}
	other := false
	for _, r := range reads {
		same := r.FilterHash == f.FilterHash && r.MetaHash == f.MetaHash
		if r.Settled && judgesDeletes(r.Job) {
			return !same, nil
		}
		other = other || !same
	}
	return other, nil
}

// judgesDeletes tells whether a job looks at every delete of its scope: one
// for single records, or without the operation, lets none go and proves
// nothing about them.
func judgesDeletes(raw string) bool {
	var job orgflow.Job
	if err := json.Unmarshal([]byte(raw), &job); err != nil {
		return false
	}
	return slices.Contains(job.Params.Operations, orgflow.Delete) && len(job.Params.SourceIDs) == 0
}
