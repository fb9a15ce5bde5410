package store

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// SetDatabaseClock stops the database's clock, as this Store sees it, at an
// instant.
func (s *Store) SetDatabaseClock(t time.Time) {
	if s.dialect.name == postgres.name {
		s.dialect.clock = fmt.Sprintf("CAST('%s' AS timestamptz)", t.UTC().Format(time.RFC3339Nano))
		s.dialect.later = s.dialect.clock + " + CAST(? AS bigint) * interval '1 microsecond'"
		return
	}
	s.dialect.clock = fmt.Sprint(t.UnixMicro())
	s.dialect.later = s.dialect.clock + " + ?"
}

// ExplainOverdue returns how the database looks for overdue flows. The tables
// of tests are so small that PostgreSQL has to be kept from reading them whole.
func (s *Store) ExplainOverdue(t testing.TB) string {
	t.Helper()
	ctx := context.Background()
	explain := `EXPLAIN QUERY PLAN `
	var lines []string
	err := s.inTx(ctx, "explain", func(tx *tx) error {
		if s.dialect.name == postgres.name {
			explain = `EXPLAIN `
			if _, err := tx.exec(ctx, `SET LOCAL enable_seqscan = off`); err != nil {
				return err
			}
		}
		rows, err := tx.QueryxContext(ctx, s.rw.Rebind(explain+overdueFlows), at(time.Now()), at(time.Now()), at(time.Now()), at(time.Now()), 0, "", 10)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			row, err := rows.SliceScan()
			if err != nil {
				return err
			}
			lines = append(lines, fmt.Sprintf("%s", row[len(row)-1]))
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// MigrateTo brings the schema to an older version, for an upgrade to be tested.
func (s *Store) MigrateTo(ctx context.Context, version int64) error {
	p, err := s.provider()
	if err == nil {
		_, err = p.UpTo(ctx, version)
	}
	return err
}

// Exec executes a statement as an older program would have.
func (s *Store) Exec(ctx context.Context, sql string, args ...any) error {
	_, err := s.exec(ctx, "test", sql, args...)
	return err
}

// Migrations returns the versions of all migrations, ascending.
func (s *Store) Migrations(t testing.TB) []int64 {
	t.Helper()
	p, err := s.provider()
	if err != nil {
		t.Fatal(err)
	}
	var versions []int64
	for _, m := range p.ListSources() {
		versions = append(versions, m.Version)
	}
	return versions
}

// AddMigration gives the program one more migration, as a later one has.
func (s *Store) AddMigration(t testing.TB, name, sql string) {
	t.Helper()
	all := fstest.MapFS{}
	known := s.dialect.files()
	entries, err := fs.ReadDir(known, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := fs.ReadFile(known, e.Name())
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = &fstest.MapFile{Data: text}
	}
	all[name] = &fstest.MapFile{Data: []byte(sql)}
	s.dialect.files = func() fs.FS { return all }
}

// Traced lists the tables of which it is known what of people they hold.
func Traced() []string {
	var tables []string
	for _, t := range traces {
		tables = append(tables, t.table)
	}
	return tables
}
