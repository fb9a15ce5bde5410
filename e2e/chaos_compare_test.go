package e2e

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// observed is what came of a run, in words that do not depend on the lane:
// departments by their source id, no run ids, no times.
type observed struct {
	Status   string
	Summary  string         // planned and applied, by kind and operation
	Picture  picture        // what the vendor holds
	Writes   map[string]int // what the vendor answered to writes, by path, record and outcome
	Changes  map[string]int // the plan's changes with their states
	Logged   map[string]int // the provisioning log's lines of the run, by record, operation and outcome
	Bindings []string       // record → consumer id (departments: whose id that is)

	ops  []operation // writes in order of arrival
	took time.Duration
}

func (l *lane) observe(s summary, took time.Duration) observed {
	l.t.Helper()
	o := observed{
		Status: s.Status, Summary: encode(l.t, object{"plan": s.Plan, "applied": s.Applied, "progress": s.Progress, "parked": s.ParkedDeletes}),
		Picture: drawn(l.t, l.id, l.ding()), Writes: map[string]int{},
		ops: l.gate.writes(), took: took,
	}
	if s.Status != "completed" {
		o.Status += ": " + strings.Join(l.list(`SELECT kind || ':' || source_id || ' ' || op || ' ' || state || ' ' || coalesce(error::text, '') || ' ' || note
			FROM sync_change WHERE run_id = $1 AND state <> 'done' ORDER BY id LIMIT 10`, s.ID), "\n")
	}
	ids := l.known
	for id, source := range l.sources() {
		ids[id] = source
	}
	for _, e := range l.sim.Desk().Requests().Log {
		if isWrite(e.Path) {
			o.Writes[e.Path+" "+l.record(e.Path, e.Key)+" "+e.Outcome]++
		}
	}
	o.Changes = tally(l.list(`SELECT kind || ':' || source_id || ' ' || op || ' ' || aspect || ' ' || state || ' ' || in_flight FROM sync_change WHERE run_id = $1`, s.ID))
	o.Logged = tally(l.list(`SELECT kind || ':' || source_id || ' ' || op || ' ' || outcome FROM provisioning_log WHERE run_id = $1`, s.ID))
	for _, b := range l.list(`SELECT kind || ' ' || source_id || ' ' || consumer_id || ' ' || state || ' ' || hash FROM binding WHERE company_id = $1 ORDER BY kind, source_id`, l.id) {
		f := strings.Fields(b)
		if id, err := strconv.ParseInt(f[2], 10, 64); err == nil && f[0] == "org" {
			f[2] = "the id of " + ids[id]
		}
		o.Bindings = append(o.Bindings, strings.Join(f, " "))
	}
	return o
}

// record is the record of a line of the simulator's log.
func (l *lane) record(path, key string) string {
	if strings.Contains(path, "/user/") {
		return "person:" + key
	}
	if id, err := strconv.ParseInt(key, 10, 64); err == nil {
		return "org:" + l.known[id]
	}
	return "org:" + sourceID(key)
}

// list returns the texts a query answers.
func (l *lane) list(query string, args ...any) []string {
	l.t.Helper()
	rows, err := l.site.db.QueryContext(l.t.Context(), query, args...)
	if err != nil {
		l.t.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			l.t.Fatal(err)
		}
		out = append(out, s)
	}
	if err := rows.Err(); err != nil {
		l.t.Fatal(err)
	}
	return out
}

func tally(lines []string) map[string]int {
	out := map[string]int{}
	for _, s := range lines {
		out[s]++
	}
	return out
}

// trouble says what is wrong with an uninterrupted run as a measure: every
// change is one write that succeeded, and one line in the log.
func (o observed) trouble() error {
	changes := 0
	for line, n := range o.Changes {
		changes += n
		if !strings.HasSuffix(line, " done false") {
			return fmt.Errorf("change %s", line)
		}
	}
	writes, logged := 0, 0
	for line, n := range o.Writes {
		writes += n
		if !strings.HasSuffix(line, " ok") {
			return fmt.Errorf("write %s", line)
		}
	}
	for _, n := range o.Logged {
		logged += n
	}
	if o.Status != "completed" || writes != changes || logged != changes || len(o.ops) != changes {
		return fmt.Errorf("%s: %d changes, %d writes at the vendor, %d at the gate, %d lines in the log", o.Status, changes, writes, len(o.ops), logged)
	}
	return nil
}
