package sqlsource

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"orgflow"
)

// class is how a column's text becomes a JSON value.
type class int

const (
	textual  class = iota // text, or JSON inside a text
	whole                 // an integer
	numeric               // a number, digits as the database writes them
	boolean               // true or false
	temporal              // a date or a time, as text
	document              // JSON
	typeless              // SQLite: as each value is
	foreign               // a type that has no JSON value
)

// column is a column of a table as the database describes it.
type column struct {
	name  string
	typ   string // as the database calls it
	class class
	zoned bool // an instant, to be read off a wall clock
}

// expression selects the column in the form its class expects.
func (c column) expression(zone func() string) string {
	name := quote(c.name)
	switch {
	case c.class == typeless:
		return "+" + name // an expression has no declared type, by which the driver would convert
	case c.zoned:
		return "CAST(" + name + " AT TIME ZONE CAST(" + zone() + " AS text) AS text)"
	}
	return "CAST(" + name + " AS text)"
}

var postgresTypes = map[string]class{
	"int2": whole, "int4": whole, "int8": whole, "numeric": numeric, "float4": numeric, "float8": numeric,
	"bool": boolean, "text": textual, "varchar": textual, "bpchar": textual, "char": textual, "name": textual, "citext": textual, "uuid": textual,
	"date": temporal, "timestamp": temporal, "timestamptz": temporal, "time": temporal, "json": document, "jsonb": document,
}

// postgresColumns reads a table's columns from the catalogue; domains count
// as what they are based on.
func postgresColumns(ctx context.Context, tx *sql.Tx, table string) ([]column, error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT a.attname, coalesce(b.typname, t.typname), coalesce(b.typtype, t.typtype) = 'e'
		FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_type b ON b.oid = nullif(t.typbasetype, 0)
		WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`, quoteTable(table))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []column
	for rows.Next() {
		c, isEnum := column{}, false
		if err := rows.Scan(&c.name, &c.typ, &isEnum); err != nil {
			return nil, err
		}
		class, known := postgresTypes[c.typ]
		if !known && !isEnum {
			class = foreign
		}
		c.class, c.zoned = class, c.typ == "timestamptz"
		out = append(out, c)
	}
	return out, rows.Err()
}

func sqliteColumns(ctx context.Context, tx *sql.Tx, table string) ([]column, error) {
	schema, name, ok := strings.Cut(table, ".")
	if !ok {
		schema, name = "main", table
	}
	rows, err := tx.QueryContext(ctx, `SELECT name, type FROM pragma_table_xinfo(?, ?) WHERE hidden <> 1 ORDER BY cid`, name, schema)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []column
	for rows.Next() {
		c := column{class: typeless}
		if err := rows.Scan(&c.name, &c.typ); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// describe reads the columns of a model's table and checks them.
func (s *Source) describe(ctx context.Context, tx *sql.Tx, model string) ([]column, error) {
	table := s.cfg.Tables[model]
	columns, err := s.dialect.columns(ctx, tx, table)
	if err != nil {
		return nil, s.fault(ctx, err)
	}
	if len(columns) == 0 {
		f := s.config("/tables/"+model, "there is no table or view %q, or this user may not see it", table)
		f.Advice = "names are case-sensitive; write schema.table where the schema is not on the search path"
		return nil, f
	}
	var names, strange []string
	for _, c := range columns {
		names = append(names, c.name)
		if c.class == foreign {
			strange = append(strange, c.name+" ("+c.typ+")")
		}
	}
	if len(strange) > 0 {
		f := s.config("/tables/"+model, "%q has columns of types that have no JSON value: %s", table, strings.Join(strange, ", "))
		f.Advice = "read a view that leaves them out or casts them; to_jsonb(…) makes a list of an array"
		return nil, f
	}
	if key := s.key(model); !slices.Contains(names, key) {
		f := s.config("/keys/"+model, "%q has no column %q to order its rows by; it has: %s", table, key, strings.Join(names, ", "))
		f.Advice = "name the column that identifies a row in keys"
		return nil, f
	}
	return columns, nil
}

func (s *Source) config(at, format string, args ...any) *orgflow.Fault {
	f := orgflow.Faultf(orgflow.CodeInvalidConfig, format, args...)
	f.Field = "/source" + at
	return f
}
