package store

import (
	"context"
	"strings"
)

// purges are the ways in which old rows go, those with others below before
// those that refer to nothing. needed are runs that stay.
func (s *Store) purges(needed []string) []purge {
	spared, arg := s.dialect.inList("sync_run.id", "text", anys(needed))
	named := strings.Replace(s.dialect.contains("l.job"), "?", "sync_run.id", 1)
	return append([]purge{
		{table: "sync_run", keys: []string{"id"}, rows: 1, needed: arg, rest: restOfRun, due: `NOT sync_run.` + live + ` AND finished_at < ?
			AND NOT EXISTS (SELECT 1 FROM sync_change c WHERE c.run_id = sync_run.id AND c.in_flight)
			AND NOT EXISTS (SELECT 1 FROM import_job j WHERE j.run_id = sync_run.id AND NOT j.settled)
			AND NOT EXISTS (SELECT 1 FROM sync_run l WHERE l.` + live + ` AND (l.retry_of = sync_run.id OR ` + named + `))
			AND NOT (` + spared + `)`},
		{table: "base_sync_data", from: "snapshot", keys: []string{"id"}, rows: 1,
			rest: []string{`base_sync_data WHERE snapshot_id = ?`}, end: `UPDATE snapshot SET dropped = true WHERE id = ?`,
			due: `NOT dropped AND EXISTS (SELECT 1 FROM sync_run r WHERE r.id = snapshot.run_id AND NOT r.` + live + ` AND r.finished_at < ?)
				AND NOT (complete AND id = (SELECT max(n.id) FROM snapshot n WHERE n.company_id = snapshot.company_id AND n.consumer = snapshot.consumer
					AND n.kind = snapshot.kind AND n.scope = snapshot.scope AND n.service = snapshot.service AND n.complete AND n.finished_at IS NOT NULL))`},
		{table: "org_pull", keys: []string{"id"}, rows: 10, due: `NOT ` + live + ` AND finished_at < ?`, rest: []string{
			`org_pull_missing WHERE pull_id = ?`, `org_pull_seat WHERE pull_id = ?`, `org_pull_member WHERE pull_id = ?`, `org_pull_unit WHERE pull_id = ?`}},
		{table: "erp_run", keys: []string{"id"}, rows: 10, rest: []string{`erp_seen WHERE run_id = ?`, `erp_window WHERE run_id = ?`},
			due: `NOT ` + live + ` AND finished_at < ? AND NOT (opened_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM erp_run n
				WHERE n.table_key = erp_run.table_key AND n.opened_at IS NOT NULL AND (n.started_at, n.id) > (erp_run.started_at, erp_run.id)))`},
		{table: "flow_instance", keys: []string{"company_id", "no"}, rows: 50, rest: restOfFlow, due: `started_at < ? AND closed_at < ?
			AND NOT EXISTS (SELECT 1 FROM flow_instance p WHERE p.company_id = flow_instance.company_id AND p.closed_at IS NULL
				AND substr(flow_instance.no, 1, length(p.no) + 1) = p.no || '.')`},
	}, append(versionPurges(), smallPurges()...)...)
}

var restOfRun = []string{
	`target_wait WHERE run_id = ?`, `import_job WHERE run_id = ?`, `push_record WHERE run_id = ?`, `push_task WHERE run_id = ?`,
	`remote_record WHERE run_id = ?`, `remote_queue WHERE run_id = ?`, `remote_read WHERE run_id = ?`,
	`sync_change WHERE run_id = ?`, `sync_plan WHERE run_id = ?`,
	`base_sync_data WHERE snapshot_id IN (SELECT id FROM snapshot WHERE run_id = ?)`, `snapshot WHERE run_id = ?`,
}

// restOfFlow: a decision of a board may name no company (0).
var restOfFlow = []string{
	`flow_node_visit WHERE company_id = ? AND flow_no = ?`, `flow_task WHERE company_id = ? AND flow_no = ?`,
	`flow_event WHERE company_id = ? AND flow_no = ?`, `flow_audit WHERE company_id IN (0, ?) AND flow_no = ?`,
}

// versionPurges: the newest version from before the time stays, because it
// was true then. Versions go first: what is left of one that is gone is not
// seen by anybody.
func versionPurges() []purge {
	before := func(table string) string {
		return `(SELECT max(n.version) FROM org_version n WHERE n.company_id = ` + table + `.company_id AND n.origin = ` + table + `.origin AND n.at < ?)`
	}
	return []purge{
		{table: "org_version", keys: []string{"company_id", "origin", "version"}, rows: smallRows, due: `version < ` + before("org_version")},
		{table: "org_membership", keys: []string{"unit_id", "member_id", "since_version"}, rows: smallRows, due: `until_version <= ` + before("org_membership")},
		{table: "org_member", keys: []string{"id", "since_version"}, rows: smallRows, due: `until_version <= ` + before("org_member")},
		{table: "org_unit", keys: []string{"id", "since_version"}, rows: smallRows, due: `until_version <= ` + before("org_unit")},
	}
}

func smallPurges() []purge {
	return []purge{
		{table: "record_failure", keys: []string{"company_id", "consumer", "kind", "source_id"}, rows: smallRows, due: `last_at < ?`},
		{table: "provisioning_log", keys: []string{"id"}, rows: smallRows, due: `at < ?`,
			window: `id IN (SELECT o.id FROM (SELECT id, at FROM provisioning_log ORDER BY id LIMIT 2000) o WHERE o.at < ?)`},
		{table: "audit_log", keys: []string{"id"}, rows: smallRows, due: `at < ?`},
		{table: "idempotency_key", keys: []string{"id"}, rows: smallRows, due: `created_at < ?`},
		{table: "contact_event", keys: []string{"id"}, rows: smallRows, due: `state <> 'open' AND received_at < ?`},
		{table: "api_session", keys: []string{"id"}, rows: smallRows, due: `expires_at < ?`},
		{table: "signin_attempt", keys: []string{"id"}, rows: smallRows, due: `expires_at < ?`},
		{table: "outbox", keys: []string{"id"}, rows: smallRows, due: `state <> 'pending' AND coalesce(settled_at, sent_at, created_at) < ?`},
		{table: "notice_topic", keys: []string{"company_id", "job", "event", "cause"}, rows: smallRows, due: `NOT failing AND missed = 0 AND event <> 'missed' AND quiet_until < ?`},
		{table: "absence", keys: []string{"id"}, rows: smallRows, due: `till_at < ?`},
	}
}

// neededRuns returns the ended runs that later ones rest on: per service of a
// scope the newest read and the newest complete one, and what FilterChanged
// would find. Where no run has let its deletes through yet, that is the
// newest read with each filter.
func (s *Store) neededRuns(ctx context.Context) ([]string, error) {
	var reads []struct {
		Key      string `db:"key"`
		RunID    string `db:"run_id"`
		Filter   string `db:"filter"`
		Job      string `db:"job"`
		Complete bool   `db:"complete"`
		Planned  bool   `db:"planned"`
		Settled  bool   `db:"settled"`
	}
	err := s.list(ctx, "reads that later runs rest on", &reads, `
		SELECT s.company_id || '/' || s.consumer || '/' || s.scope || '/' || s.service AS key, s.run_id, s.filter_hash || ' ' || s.meta_hash AS filter, r.job,
			s.complete, r.planned AND NOT r.dry_run AS planned, r.status IN ('completed', 'completed_with_failures') AND NOT EXISTS (
				SELECT 1 FROM sync_change c WHERE c.run_id = r.id AND c.kind = s.kind AND c.op = 'delete' AND c.state IN ('parked', 'skipped')) AS settled
		FROM snapshot s JOIN sync_run r ON r.id = s.run_id WHERE s.finished_at IS NOT NULL ORDER BY s.id DESC`)
	if err != nil {
		return nil, err
	}
	type proofs struct {
		found, complete bool
		filters         map[string]string // the newest read with each
	}
	keys, needed := map[string]*proofs{}, []string{}
	for _, r := range reads {
		p := keys[r.Key]
		if p == nil {
			p = &proofs{filters: map[string]string{}}
			keys[r.Key], needed = p, append(needed, r.RunID)
		}
		if r.Complete && !p.complete {
			p.complete, needed = true, append(needed, r.RunID)
		}
		switch {
		case p.found || !r.Complete || !r.Planned:
		case r.Settled && judgesDeletes(r.Job):
			p.found, p.filters, needed = true, nil, append(needed, r.RunID)
		case p.filters[r.Filter] == "":
			p.filters[r.Filter] = r.RunID
		}
	}
	for _, p := range keys {
		for _, run := range p.filters {
			needed = append(needed, run)
		}
	}
	return needed, nil
}
