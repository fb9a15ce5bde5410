package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"orgflow"
)

// TableKey names a row of a table that boards fill themselves, in orgflow's
// database.
type TableKey struct {
	Table  string // name, or schema.name
	Column string // the column that DataID is looked up in
	DataID string
}

// identifiers are letters, digits and underscores, so that a name cannot
// leave its quotes on any database.
var identifier = regexp.MustCompile(`^[\p{L}_][\p{L}\p{N}_]{0,62}$`)

// system matches what a database keeps for itself.
var system = regexp.MustCompile(`(?i)^(pg_|sqlite_|information_schema$)`)

// CheckTable refuses names of tables and columns that TableRow would refuse.
func CheckTable(table, column string) error {
	parts := strings.Split(table, ".")
	for _, name := range append(parts, column) {
		if len(parts) > 2 || !identifier.MatchString(name) || system.MatchString(name) {
			return &orgflow.Fault{
				Code: orgflow.CodeInvalidConfig, Field: "/form", Message: fmt.Sprintf("%q is no table, or %q no column, that forms can be read from", table, column),
				Advice: "names are letters, digits and underscores, at most 63; a table may have a schema before a dot",
			}
		}
	}
	return nil
}

// TableRow returns a row of a table as a JSON object of its columns, or
// ErrNotFound. It only reads. A table or a column that does not exist, and a
// key that several rows have, are a fault with CodeInvalidConfig. Decimals
// keep their digits, times are ISO 8601 texts as the database writes them;
// on SQLite a blob is null.
func (s *Store) TableRow(ctx context.Context, k TableKey) (json.RawMessage, error) {
	what := fmt.Sprintf("row %q of table %s", k.DataID, k.Table)
	if err := CheckTable(k.Table, k.Column); err != nil {
		return nil, err
	}
	if !sound(k.DataID) {
		return nil, fmt.Errorf("row of table %s: %w", k.Table, ErrNotFound)
	}
	var bodies []string
	err := s.snapshot(ctx, what, func(t *tx) (err error) {
		bodies, err = s.dialect.tableRows(ctx, t, k)
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case len(bodies) == 0:
		return nil, fmt.Errorf("%s: %w", what, ErrNotFound)
	case len(bodies) > 1:
		return nil, fmt.Errorf("%s: %w", what, orgflow.Faultf(orgflow.CodeInvalidConfig, "several rows have this %s", k.Column))
	}
	return json.RawMessage(bodies[0]), nil
}

// quoted is the name in quotes; CheckTable has accepted it.
func quoted(name string) string { return `"` + strings.ReplaceAll(name, ".", `"."`) + `"` }

func pgTableRows(ctx context.Context, t *tx, k TableKey) ([]string, error) {
	var bodies []string
	err := t.list(ctx, &bodies, `SELECT CAST(row_to_json(r) AS text) FROM (SELECT * FROM `+quoted(k.Table)+` WHERE `+quoted(k.Column)+` = ? LIMIT 2) AS r`, k.DataID)
	switch {
	case pgCode(err, "42P01"), pgCode(err, "3F000"):
		return nil, orgflow.Faultf(orgflow.CodeInvalidConfig, "the database has no table %s", k.Table)
	case pgCode(err, "42703"):
		return nil, orgflow.Faultf(orgflow.CodeInvalidConfig, "table %s has no column %s", k.Table, k.Column)
	case pgCode(err, "22P02"), pgCode(err, "22003"), pgCode(err, "22007"), pgCode(err, "22008"):
		return nil, nil // the key is no value of the column's type
	}
	return bodies, err
}

func sqliteTableRows(ctx context.Context, t *tx, k TableKey) ([]string, error) {
	name, ok := strings.CutPrefix(k.Table, "main.") // the only schema there is
	var columns []string
	if err := t.list(ctx, &columns, `SELECT name FROM pragma_table_info(?)`, name); err != nil {
		return nil, err
	}
	if len(columns) == 0 || !ok && strings.Contains(name, ".") {
		return nil, orgflow.Faultf(orgflow.CodeInvalidConfig, "the database has no table %s", k.Table)
	}
	var list []string
	known := false
	for _, c := range columns {
		known = known || strings.EqualFold(c, k.Column)
		name := `"` + strings.ReplaceAll(c, `"`, `""`) + `"`
		list = append(list, "CASE typeof("+name+") WHEN 'blob' THEN 'null' ELSE json_quote("+name+") END")
	}
	if !known { // SQLite would take the quoted name for a text
		return nil, orgflow.Faultf(orgflow.CodeInvalidConfig, "table %s has no column %s", k.Table, k.Column)
	}
	rows, err := t.QueryContext(ctx, `SELECT `+strings.Join(list, ", ")+` FROM `+quoted(k.Table)+` WHERE `+quoted(k.Column)+` = ? LIMIT 2`, k.DataID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	return jsonObjects(rows, columns)
}

// jsonObjects makes objects of rows of JSON values.
func jsonObjects(rows *sql.Rows, columns []string) ([]string, error) {
	var bodies []string
	values, into := make([]string, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		var b strings.Builder
		for i, c := range columns {
			sep := ","
			if i == 0 {
				sep = "{"
			}
			name, _ := encode(c) // a text: cannot fail
			b.WriteString(sep + name + ":" + values[i])
		}
		bodies = append(bodies, b.String()+"}")
	}
	return bodies, rows.Err()
}
