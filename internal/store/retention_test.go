package store_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orgflow"
	"orgflow/internal/store"
)

var (
	today = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	old   = today.AddDate(-9, 0, 0)
	fresh = today.AddDate(0, 0, -2)
	// everything keeps nothing longer than 30 days.
	everything = orgflow.Retention{Runs: 30, Staged: 30, Log: 30, Audit: 30, Messages: 30, Organisation: 30, Flows: 30}
)

// columnsOf are the values of a row that matter; the others get samples.
type columnsOf map[string]any

// numbered are the tables whose ids the database gives.
var numbered = []string{"snapshot", "provisioning_log", "audit_log", "contact_event", "flow_audit", "outbox", "absence", "org_identity"}

// isTime: SQLite keeps times as integers, as it does the ids it gives itself.
func isTime(c schemaColumn) bool {
	return strings.HasPrefix(c.Type, "timestamp") || c.Type == "integer" && c.Name != "id"
}

// put stores a row whose times are all at, but for those that are given.
func put(t testing.TB, s *store.Store, columns map[string][]schemaColumn, table string, at time.Time, given columnsOf) {
	t.Helper()
	var names, marks []string
	var values []any
	for _, c := range columns[table] {
		value, ok := given[c.Name]
		switch {
		case ok:
		case c.Name == "till_at":
			value = at.Add(time.Hour)
		case isTime(c):
			value = at
		case c.Type == "boolean":
			value = false
		case c.Name == "id" && slices.Contains(numbered, table), c.Name == "until_version":
			continue
		default:
			value = sample(c, 1)
		}
		names, marks, values = append(names, c.Name), append(marks, "?"), append(values, value)
	}
	query := s.DB().Rebind(`INSERT INTO ` + table + ` (` + strings.Join(names, ", ") + `) VALUES (` + strings.Join(marks, ", ") + `)`)
	if _, err := s.DB().Exec(query, values...); err != nil {
		t.Fatalf("put into %s: %v", table, err)
	}
}

func countRows(t testing.TB, s *store.Store, table, cond string) (n int) {
	t.Helper()
	if err := s.DB().Get(&n, `SELECT count(*) FROM `+table+` WHERE `+cond); err != nil {
		t.Fatal(err)
	}
	return n
}

func prune(t testing.TB, s *store.Store, keep orgflow.Retention) orgflow.Pruned {
	t.Helper()
	gone, err := s.Prune(context.Background(), keep, today, func(orgflow.Pruned) {})
	if err != nil {
		t.Fatal(err)
	}
	return gone
}

// Who adds a table decides how long its rows are kept.
func TestEveryTableHasALife(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		order, _ := tablesOf(t, s)
		var listed []string
		for _, l := range store.Tables(orgflow.DefaultRetention()) {
			listed = append(listed, l.Table)
			if strings.HasPrefix(l.Kept, "with ") == (l.Since != "") {
				t.Errorf("%s is kept %s, since %q", l.Table, l.Kept, l.Since)
			}
		}
		slices.Sort(order)
		slices.Sort(listed)
		if d := cmp.Diff(order, listed); d != "" {
			t.Errorf("schema and list of lives differ (-schema +list):\n%s", d)
		}
	})
}

// allOld fills every table with one row whose time is over.
func allOld(t testing.TB, s *store.Store, columns map[string][]schemaColumn) {
	t.Helper()
	order, _ := tablesOf(t, s)
	for _, table := range order {
		given := columnsOf{}
		switch table {
		case "snapshot":
			given = columnsOf{"id": 1}
		case "import_job":
			given = columnsOf{"settled": true}
		case "outbox":
			given = columnsOf{"state": "delivered"}
		case "org_unit", "org_member":
			given = columnsOf{"id": 1, "until_version": 2}
		case "org_membership":
			given = columnsOf{"until_version": 2}
		case "notice_topic":
			given = columnsOf{"failing": false, "missed": 0}
		case "flow_instance":
			given = columnsOf{"state": "APPROVED"}
		}
		put(t, s, columns, table, old, given)
	}
	// Newer ones that were true, or proved the filter, since.
	for v := range 2 {
		put(t, s, columns, "org_version", old.AddDate(0, 0, v+1), columnsOf{"company_id": 1, "version": 2 + v})
	}
	put(t, s, columns, "sync_run", fresh, columnsOf{"id": "new", "first_run_id": "new", "status": "completed", "planned": true, "job": `{"params":{"operations":["delete"]}}`})
	put(t, s, columns, "snapshot", fresh, columnsOf{"id": 2, "run_id": "new", "complete": true})
	put(t, s, columns, "base_sync_data", fresh, columnsOf{"snapshot_id": 2})
	put(t, s, columns, "erp_run", fresh, columnsOf{"id": "new", "first_run_id": "new"})
}

func TestOldRowsGoWithAllThatBelongsToThem(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		_, columns := tablesOf(t, s)
		allOld(t, s, columns)
		due, err := s.Lives(context.Background(), everything, today)
		if err != nil {
			t.Fatal(err)
		}
		gone := prune(t, s, everything)
		for _, l := range due {
			left := countRows(t, s, l.Table, "1=1")
			switch {
			case l.Kept == "for ever" && left == 0:
				t.Errorf("%s is to be kept for ever and is empty", l.Table)
			case l.Kept != "for ever" && gone[l.Table] == 0:
				t.Errorf("nothing of %s was removed", l.Table)
			case !strings.HasPrefix(l.Kept, "with") && l.Kept != "for ever" && l.Due != gone[l.Table]:
				t.Errorf("%s: %d were said to be due, %d were removed", l.Table, l.Due, gone[l.Table])
			}
		}
		for table, want := range map[string]int{"sync_run": 1, "snapshot": 1, "base_sync_data": 1, "org_version": 1, "erp_run": 1} {
			if n := countRows(t, s, table, "1=1"); n != want {
				t.Errorf("%s has %d rows left, want %d", table, n, want)
			}
		}
		if again := prune(t, s, everything); again.Total() != 0 {
			t.Errorf("a second time removed %v", again)
		}
	})
}

func TestNothingIsRemovedBeforeItsTime(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		_, columns := tablesOf(t, s)
		allOld(t, s, columns)
		for _, table := range []string{"audit_log", "provisioning_log", "outbox", "absence", "record_failure", "idempotency_key"} {
			if err := s.Exec(context.Background(), `DELETE FROM `+table); err != nil {
				t.Fatal(err)
			}
			given := columnsOf{}
			if table == "outbox" {
				given["state"] = "delivered"
			}
			put(t, s, columns, table, fresh, given)
		}
		kept := orgflow.Retention{Log: 30, Audit: 30, Messages: 30} // the rest for ever
		gone := prune(t, s, kept)
		fixed := []string{"contact_event", "api_session", "signin_attempt"}
		if d := cmp.Diff(fixed, slices.Sorted(maps.Keys(gone)), cmp.Transformer("sorted", func(l []string) []string { return slices.Sorted(slices.Values(l)) })); d != "" {
			t.Errorf("removed (-want +got):\n%s", d)
		}
	})
}

// What somebody still needs stays, however old it is.
func TestWhatIsNeededStays(t *testing.T) {
	run := func(status string, more columnsOf) columnsOf {
		c := columnsOf{"id": "r", "first_run_id": "r", "status": status}
		maps.Copy(c, more)
		return c
	}
	type row struct {
		table string
		given columnsOf
	}
	newer := row{"sync_run", columnsOf{"id": "n", "first_run_id": "n", "status": "running", "job": `{"params":{"undo":"r"}}`}}
	for name, rows := range map[string][]row{
		"a running run":                {{"sync_run", run("running", nil)}},
		"a paused run":                 {{"sync_run", run("paused", nil)}},
		"a waiting run":                {{"sync_run", run("awaiting_approval", nil)}},
		"a call of unknown outcome":    {{"sync_run", run("failed", nil)}, {"sync_change", columnsOf{"run_id": "r", "in_flight": true}}},
		"an import job not settled":    {{"sync_run", run("failed", nil)}, {"import_job", columnsOf{"run_id": "r"}}},
		"what an undo reads":           {{"sync_run", run("completed", nil)}, newer},
		"the last read of a service":   {{"sync_run", run("completed", nil)}, {"snapshot", columnsOf{"id": 7, "run_id": "r"}}},
		"the last complete read":       {{"sync_run", run("completed", nil)}, {"snapshot", columnsOf{"id": 7, "run_id": "r", "complete": true}}, {"base_sync_data", columnsOf{"snapshot_id": 7}}},
		"a pull that waits":            {{"org_pull", columnsOf{"id": "r", "status": "awaiting_approval"}}, {"org_pull_member", columnsOf{"pull_id": "r"}}},
		"the last load of a table":     {{"erp_run", columnsOf{"id": "r"}}},
		"a load that goes on":          {{"erp_run", columnsOf{"id": "r", "status": "running", "opened_at": nil}}},
		"an open flow":                 {{"flow_instance", columnsOf{"no": "A", "closed_at": nil}}},
		"a subflow of an open flow":    {{"flow_instance", columnsOf{"no": "A", "closed_at": nil, "uniq_key": "a", "workflow_id": "a"}}, {"flow_instance", columnsOf{"no": "A.1", "uniq_key": "b", "workflow_id": "b"}}},
		"a message to be sent":         {{"outbox", columnsOf{"state": "pending"}}},
		"an event nobody dealt with":   {{"contact_event", columnsOf{"state": "open"}}},
		"the organisation as it is":    {{"org_version", columnsOf{"version": 1}}, {"org_member", columnsOf{"id": 1, "since_version": 1}}},
		"a session that goes on":       {{"api_session", columnsOf{"expires_at": today.Add(time.Minute)}}},
		"a failure that goes on":       {{"notice_topic", columnsOf{"failing": true, "missed": 0}}},
		"how many runs were missed":    {{"notice_topic", columnsOf{"failing": false, "missed": 0, "event": "missed"}}},
		"what is still to be told":     {{"notice_topic", columnsOf{"failing": false, "missed": 1}}, {"notice", nil}},
		"an absence that goes on":      {{"absence", columnsOf{"till_at": today.Add(time.Minute)}}},
		"whose a record is":            {{"binding", nil}},
		"a definition and its numbers": {{"flow_definition", nil}, {"flow_serial", nil}},
	} {
		t.Run(name, func(t *testing.T) {
			s := openMigrated(t, databases["sqlite"](t))
			_, columns := tablesOf(t, s)
			for _, r := range rows {
				put(t, s, columns, r.table, old, r.given)
			}
			if gone := prune(t, s, everything); gone.Total() != 0 {
				t.Errorf("removed %v", gone)
			}
		})
	}
}

// Whatever is removed, the next run of every scope judges its filter as it
// would have before, and finds the same last complete read.
func TestPruneChangesNoJudgementOfAFilter(t *testing.T) {
	s := openMigrated(t, databases["sqlite"](t))
	_, columns := tablesOf(t, s)
	ctx := context.Background()
	rapid.Check(t, func(rt *rapid.T) {
		for _, table := range []string{"sync_change", "base_sync_data", "snapshot", "sync_run"} {
			if err := s.Exec(ctx, `DELETE FROM `+table); err != nil {
				rt.Fatal(err)
			}
		}
		pick := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(rt, label) }
		n := rapid.IntRange(1, 12).Draw(rt, "runs")
		for i := range n {
			at, id := old.AddDate(0, i, 0), fmt.Sprint("r", i)
			if i >= n-rapid.IntRange(0, 1).Draw(rt, "fresh") {
				at = fresh
			}
			complete, scope := rapid.Bool().Draw(rt, "complete"), pick("scope", "default", "other")
			put(t, s, columns, "sync_run", at, columnsOf{
				"id": id, "first_run_id": id, "company_id": 129, "consumer": "ding_talk", "scope": scope, "retry_of": "",
				"status": pick("status", "completed", "failed", "completed_with_failures"), "planned": rapid.Bool().Draw(rt, "planned"),
				"job": pick("job", `{"params":{"operations":["insert","delete"]}}`, `{"params":{"operations":["insert"]}}`),
			})
			put(t, s, columns, "snapshot", at, columnsOf{
				"id": i + 1, "run_id": id, "company_id": 129, "consumer": "ding_talk", "kind": "person", "service": "person_new", "scope": scope,
				"complete": complete, "filled": "", "filter_hash": pick("filter", "f", "g"), "meta_hash": pick("meta", "m", "n"),
			})
			put(t, s, columns, "base_sync_data", at, columnsOf{"snapshot_id": i + 1})
			if state := pick("delete", "", "parked", "skipped", "done"); state != "" {
				put(t, s, columns, "sync_change", at, columnsOf{"run_id": id, "kind": "person", "op": "delete", "state": state})
			}
		}
		judge := func() (out []string) {
			for _, scope := range []string{"default", "other"} {
				for _, hashes := range []string{"fm", "fn", "gm", "gn"} {
					changed, err := s.FilterChanged(ctx, store.FilterProof{Target: target, Scope: scope, Service: "person_new", Kind: orgflow.Person, FilterHash: hashes[:1], MetaHash: hashes[1:]})
					if err != nil {
						rt.Fatal(err)
					}
					out = append(out, fmt.Sprint(scope, hashes, changed))
				}
			}
			for _, complete := range []bool{true, false} {
				last, err := s.LatestSnapshots(ctx, store.SnapshotFilter{Target: target, Complete: complete})
				if err != nil {
					rt.Fatal(err)
				}
				for _, l := range last {
					out = append(out, fmt.Sprint(complete, l.Scope, l.ID))
				}
			}
			return out
		}
		before := judge()
		prune(t, s, everything)
		if d := cmp.Diff(before, judge()); d != "" {
			rt.Fatalf("judgement changed (-before +after):\n%s", d)
		}
	})
}
