package store

import (
	"context"
	"slices"
	"strings"
	"time"
)

// Names of queues: what waits for something, and what is under way.
const (
	QueueRuns        = "runs"           // sync runs under way
	QueueRunsWaiting = "runs_waiting"   // sync runs that wait for their target
	QueueRunsPaused  = "runs_paused"    // by somebody
	QueueRunsParked  = "runs_parked"    // sync runs that wait for a decision
	QueuePulls       = "pulls"          // pulls of the organisation under way
	QueuePullsParked = "pulls_parked"   // pulls that wait for a decision
	QueueLoads       = "loads"          // loads of ERP forms under way
	QueueImports     = "imports"        // import jobs handed over and not settled
	QueueEvents      = "events"         // contact events that no run has dealt with
	QueueOutbox      = "outbox"         // messages to be sent
	QueueDecisions   = "decisions"      // stored decisions that nothing has come of
	QueueStarting    = "flows_starting" // flows that are stored and have not begun
	QueueOverdue     = "flows_overdue"  // flows whose deadline has passed
)

// Queues are all queues.
func Queues() []string {
	return []string{
		QueueRuns, QueueRunsWaiting, QueueRunsPaused, QueueRunsParked, QueuePulls, QueuePullsParked, QueueLoads,
		QueueImports, QueueEvents, QueueOutbox, QueueDecisions, QueueStarting, QueueOverdue,
	}
}

// Waiting is what waits in one queue.
type Waiting struct {
	Queue    string
	Consumer string // or the channel of messages; empty where a queue has none
	Items    int
	Oldest   time.Duration // age of the oldest item, since it came; of a run since its start
}

// recentRuns bounds how many runs are looked at for those that have not
// ended: a run that holds its target is found whatever its age, one that
// waits for a decision does so for a week at most.
const recentRuns = 1000

// backlog has a line for each kind of queue: the queue, what it is grouped
// by, when its items came, and which they are. All of them use an index of
// what is open, or a table that keeps little beside.
var backlog = []struct{ queue, by, since, from string }{
	{`CASE r.status WHEN 'paused' THEN '` + QueueRunsPaused + `' WHEN 'awaiting_approval' THEN '` + QueueRunsParked + `' ELSE '` + QueueRuns + `' END`,
		`r.consumer`, `r.started_at`, `sync_run r WHERE r.` + live + ` AND r.id IN (SELECT run_id FROM target_hold
			UNION SELECT id FROM (SELECT id FROM sync_run ORDER BY started_at DESC, id DESC LIMIT ?) AS recent)`},
	{`'` + QueueRunsWaiting + `'`, `w.consumer`, `w.since`, `target_wait w JOIN sync_run r ON r.id = w.run_id WHERE r.` + live},
	{`CASE status WHEN 'running' THEN '` + QueuePulls + `' ELSE '` + QueuePullsParked + `' END`, `origin`, `started_at`,
		`org_pull WHERE status IN ('running', 'awaiting_approval')`},
	{`'` + QueueLoads + `'`, `''`, `started_at`, `erp_run WHERE status = 'running'`},
	{`'` + QueueImports + `'`, `consumer`, `started_at`, `import_job WHERE NOT settled`},
	{`'` + QueueEvents + `'`, `consumer`, `received_at`, `contact_event WHERE state = 'open'`},
	{`'` + QueueOutbox + `'`, `channel`, `created_at`, `outbox WHERE state = 'pending'`},
	{`'` + QueueDecisions + `'`, `''`, `created_at`, `flow_audit WHERE applied_at IS NULL`},
	{`'` + QueueStarting + `'`, `''`, `started_at`, `flow_instance WHERE state = 'STARTING'`},
}

type waitingRow struct {
	Queue    string `db:"queue"`
	Consumer string `db:"consumer"`
	Items    int    `db:"items"`
	Oldest   int64  `db:"oldest"`
}

// Backlog tells what waits, of the queues in which something does, in the
// order of Queues and then of consumers. It is one statement, whose cost
// grows with what is open and not with what has been. Ages are by the
// database's clock and never negative.
func (s *Store) Backlog(ctx context.Context) ([]Waiting, error) {
	var sql strings.Builder
	for _, b := range backlog {
		sql.WriteString(`SELECT ` + b.queue + ` AS queue, ` + b.by + ` AS consumer, count(*) AS items, ` +
			s.dialect.elapsed("min("+b.since+")", s.dialect.clock) + ` AS oldest FROM ` + b.from + ` GROUP BY 1, 2 UNION ALL `)
	}
	// The clock is the dialect's, so that the line cannot stand above.
	sql.WriteString(`SELECT '` + QueueOverdue + `', '', count(*), coalesce(` + s.dialect.elapsed("min(next_wake)", s.dialect.clock) + `, 0)
		FROM flow_instance WHERE next_wake < ` + s.dialect.clock)
	var rows []waitingRow
	if err := s.list(ctx, "what waits", &rows, sql.String(), recentRuns); err != nil {
		return nil, err
	}
	slices.SortStableFunc(rows, func(a, b waitingRow) int { return strings.Compare(a.Consumer, b.Consumer) })
	var out []Waiting
	for _, queue := range Queues() {
		for _, r := range rows {
			if r.Queue == queue && r.Items > 0 {
				out = append(out, Waiting{r.Queue, r.Consumer, r.Items, max(time.Duration(r.Oldest)*time.Microsecond, 0)})
			}
		}
	}
	return out, nil
}
