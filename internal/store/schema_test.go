package store_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"orgflow/internal/store"
)

// schemaColumn is a column as the database itself describes it.
type schemaColumn struct {
	Table string `db:"tbl"`
	Name  string `db:"col"`
	Type  string `db:"typ"`
}

// tablesOf returns the columns of every table in the order in which the
// tables were made, so that a parent comes before its children. goose's own
// table is left out.
func tablesOf(t testing.TB, s *store.Store) (order []string, columns map[string][]schemaColumn) {
	t.Helper()
	query := `SELECT m.name AS tbl, c.name AS col, lower(c.type) AS typ FROM sqlite_master m JOIN pragma_table_info(m.name) c
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.rowid, c.cid`
	if s.DB().DriverName() == "postgres" {
		query = `SELECT c.relname AS tbl, a.attname AS col, format_type(a.atttypid, NULL) AS typ FROM pg_class c
			JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
			WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace ORDER BY c.oid, a.attnum`
	}
	var rows []schemaColumn
	if err := s.DB().Select(&rows, query); err != nil {
		t.Fatal(err)
	}
	columns = map[string][]schemaColumn{}
	for _, r := range rows {
		if r.Table == "orgflow_schema_version" {
			continue
		}
		if columns[r.Table] == nil {
			order = append(order, r.Table)
		}
		columns[r.Table] = append(columns[r.Table], r)
	}
	return order, columns
}

// allowed are values for columns in which not every text may stand.
var allowed = map[string]string{
	"flow_instance.state": "RUNNING", "flow_node_visit.state": "ACTIVE", "flow_task.state": "ACTIVE",
	"flow_audit.decision": "approve", "flow_audit.outcome": "applied", "outbox.state": "pending",
}

// sample is the value of a column in the n-th row: every column of one name
// and type has the same, so that references meet.
func sample(c schemaColumn, n int) any {
	if v, ok := allowed[c.Table+"."+c.Name]; ok {
		return v
	}
	day := n
	if c.Name == "till_at" {
		day += 10
	}
	switch c.Type {
	case "text":
		return fmt.Sprintf("k%d", n)
	case "jsonb":
		return fmt.Sprintf(`{"k": %d}`, n)
	case "boolean":
		return n%2 == 0
	case "timestamp with time zone":
		return time.Date(2026, 1, day, 0, 0, 0, 0, time.UTC)
	}
	return day // numbers, and times on SQLite
}

const sampleRows = 2

// fill puts rows into a table, every column of them with a value.
func fill(t testing.TB, s *store.Store, columns []schemaColumn) {
	t.Helper()
	names, marks := make([]string, len(columns)), strings.TrimSuffix(strings.Repeat("?,", len(columns)), ",")
	for i, c := range columns {
		names[i] = c.Name
	}
	for n := range sampleRows {
		values := make([]any, len(columns))
		for i, c := range columns {
			values[i] = sample(c, n+1)
		}
		query := s.DB().Rebind(`INSERT INTO ` + columns[0].Table + ` (` + strings.Join(names, ", ") + `) VALUES (` + marks + `)`)
		if _, err := s.DB().Exec(query, values...); err != nil {
			t.Fatalf("fill %s: %v", columns[0].Table, err)
		}
	}
}

// contents returns a table's rows as texts, column by column, in their order.
func contents(t testing.TB, s *store.Store, table string, columns []schemaColumn) []string {
	t.Helper()
	rows, err := readTable(t.Context(), s, table)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]string, len(rows))
	for i, row := range rows {
		var line strings.Builder
		for _, c := range columns {
			value := row[c.Name]
			if raw, ok := value.([]byte); ok {
				value = string(raw)
			}
			fmt.Fprintf(&line, "%s=%v ", c.Name, value)
		}
		out[i] = line.String()
	}
	slices.Sort(out)
	return out
}

func readTable(ctx context.Context, s *store.Store, table string) (out []map[string]any, err error) {
	tx, err := s.DB().BeginTxx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	rows, err := tx.QueryxContext(ctx, `SELECT * FROM `+table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		row := map[string]any{}
		if err := rows.MapScan(row); err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, rows.Err()
}
