package store

import (
	"context"
	"fmt"
	"time"

	"orgflow"
)

// Spread describes a number of durations. P50 and P90 are durations that
// occurred: the smallest that so many of a hundred do not exceed.
type Spread struct {
	N              int
	P50, P90, Mean time.Duration
}

// FlowStats says how the flows of a code fare.
type FlowStats struct {
	States map[orgflow.FlowState]int
	// Duration from launch to the end, of the flows that ended with each state.
	Duration map[orgflow.FlowState]Spread
	Nodes    []NodeStats // by seq
}

// NodeStats says how long a node keeps flows waiting.
type NodeStats struct {
	Seq     int
	Name    string // in the newest visit
	Waiting Spread // of visits that are over and were not skipped
	Open    int    // visits that are ACTIVE
	Oldest  time.Duration
}

// FlowStats computes statistics over the flows of a company's code that were
// started at from or later and before to; zero times are no bounds. Oldest is
// by the database's clock.
func (s *Store) FlowStats(ctx context.Context, company int64, code string, from, to time.Time) (FlowStats, error) {
	stats := FlowStats{States: map[orgflow.FlowState]int{}, Duration: map[orgflow.FlowState]Spread{}}
	if !sound(code) {
		return stats, nil
	}
	q := statsQuery{cond: `i.company_id = ? AND i.code = ?`, args: []any{company, code}}
	if !from.IsZero() {
		q.cond, q.args = q.cond+` AND i.started_at >= ?`, append(q.args, at(from))
	}
	if !to.IsZero() {
		q.cond, q.args = q.cond+` AND i.started_at < ?`, append(q.args, at(to))
	}
	err := s.snapshot(ctx, "statistics of flow "+code, func(t *tx) error {
		if err := q.states(ctx, t, &stats); err != nil {
			return err
		}
		return q.nodes(ctx, t, &stats)
	})
	return stats, err
}

// statsQuery is a selection of flows i.
type statsQuery struct {
	cond string
	args []any
}

type spreadRow struct {
	State string  `db:"state"`
	Seq   int     `db:"node_seq"`
	N     int     `db:"n"`
	Mean  float64 `db:"mean"`
	P50   int64   `db:"p50"`
	P90   int64   `db:"p90"`
}

func (r spreadRow) spread() Spread {
	return Spread{r.N, time.Duration(r.P50) * time.Microsecond, time.Duration(r.P90) * time.Microsecond, time.Duration(r.Mean * 1000)}
}

// spreads groups the durations d that a query selects by a column. Row r of n
// is the first that at least half, or nine of ten, do not exceed.
func spreads(by, durations string) string {
	return `SELECT ` + by + `, max(n) AS n, CAST(avg(d) AS double precision) AS mean,
			min(CASE WHEN r * 2 >= n THEN d END) AS p50, min(CASE WHEN r * 10 >= n * 9 THEN d END) AS p90
		FROM (SELECT ` + by + `, d, row_number() OVER (PARTITION BY ` + by + ` ORDER BY d) AS r, count(*) OVER (PARTITION BY ` + by + `) AS n
			FROM (` + durations + `) AS durations) AS ranked GROUP BY ` + by
}

func (q statsQuery) states(ctx context.Context, t *tx, stats *FlowStats) error {
	var counts []struct {
		State string `db:"state"`
		N     int    `db:"n"`
	}
	if err := t.list(ctx, &counts, `SELECT i.state, count(*) AS n FROM flow_instance i WHERE `+q.cond+` GROUP BY i.state`, q.args...); err != nil {
		return err
	}
	for _, c := range counts {
		stats.States[orgflow.FlowState(c.State)] = c.N
	}
	var rows []spreadRow
	err := t.list(ctx, &rows, spreads("state", `SELECT i.state, `+t.s.dialect.elapsed("i.started_at", "i.closed_at")+` AS d
		FROM flow_instance i WHERE i.closed_at IS NOT NULL AND `+q.cond), q.args...)
	for _, r := range rows {
		stats.Duration[orgflow.FlowState(r.State)] = r.spread()
	}
	return err
}

func (q statsQuery) nodes(ctx context.Context, t *tx, stats *FlowStats) error {
	const visits = ` FROM flow_instance i JOIN flow_node_visit v ON v.company_id = i.company_id AND v.flow_no = i.no WHERE v.entered_at IS NOT NULL AND `
	var nodes []struct {
		Seq    int    `db:"node_seq"`
		Name   string `db:"name"`
		Open   int    `db:"open"`
		Oldest int64  `db:"oldest"`
	}
	// The name of the newest visit: the times are unique enough for a label.
	err := t.list(ctx, &nodes, `SELECT node_seq, max(CASE WHEN newest = 1 THEN name ELSE '' END) AS name,
			sum(CASE WHEN state = 'ACTIVE' THEN 1 ELSE 0 END) AS open, max(CASE WHEN state = 'ACTIVE' THEN age ELSE 0 END) AS oldest
		FROM (SELECT v.node_seq, v.name, v.state, `+t.s.dialect.elapsed("v.entered_at", t.s.dialect.clock)+` AS age,
			row_number() OVER (PARTITION BY v.node_seq ORDER BY v.entered_at DESC, v.flow_no, v.id DESC) AS newest`+visits+q.cond+`) AS seen
		GROUP BY node_seq ORDER BY node_seq`, q.args...)
	if err != nil {
		return fmt.Errorf("nodes: %w", err)
	}
	var rows []spreadRow
	err = t.list(ctx, &rows, spreads("node_seq", `SELECT v.node_seq, `+t.s.dialect.elapsed("v.entered_at", "v.left_at")+` AS d`+visits+
		`v.left_at IS NOT NULL AND v.state <> 'SKIPPED' AND `+q.cond), q.args...)
	waiting := map[int]Spread{}
	for _, r := range rows {
		waiting[r.Seq] = r.spread()
	}
	for _, n := range nodes {
		stats.Nodes = append(stats.Nodes, NodeStats{n.Seq, n.Name, waiting[n.Seq], n.Open, time.Duration(n.Oldest) * time.Microsecond})
	}
	return err
}
