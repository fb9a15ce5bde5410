package store_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow/internal/store"
)

// openEmpty opens an empty database of a kind, its schema not made yet.
func openEmpty(t *testing.T, url func(testing.TB) string) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), url(t), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Every schema there ever was, filled, comes through every migration after
// it: each table gets rows as soon as it exists, and after each migration
// every row is what it was, in the columns that are still there.
func TestEveryMigrationKeepsWhatIsThere(t *testing.T) {
	for name, url := range databases {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			s := openEmpty(t, url)
			filled, kept := map[string][]schemaColumn{}, map[string][]string{}
			for _, version := range s.Migrations(t) {
				if err := s.MigrateTo(ctx, version); err != nil {
					t.Fatalf("to version %d: %v", version, err)
				}
				order, columns := tablesOf(t, s)
				for table := range filled {
					was := filled[table]
					still := slices.DeleteFunc(slices.Clone(was), func(c schemaColumn) bool { return !slices.Contains(columns[table], c) })
					if len(still) < len(was) { // dropped on purpose: compare what is left
						t.Logf("version %d: %s loses %d columns", version, table, len(was)-len(still))
						filled[table], kept[table] = columns[table], contents(t, s, table, columns[table])
						if len(kept[table]) != sampleRows {
							t.Errorf("version %d: %s has %d rows", version, table, len(kept[table]))
						}
						continue
					}
					if d := cmp.Diff(kept[table], contents(t, s, table, was)); d != "" {
						t.Errorf("version %d changed %s (-before +after):\n%s", version, table, d)
					}
				}
				for _, table := range order {
					if filled[table] == nil {
						fill(t, s, columns[table])
					}
					// From now on the columns this version has added count, too.
					filled[table], kept[table] = columns[table], contents(t, s, table, columns[table])
				}
			}
			if err := s.CheckSchema(ctx); err != nil {
				t.Error(err)
			}
			if len(filled) < 40 {
				t.Errorf("only %d tables were filled", len(filled))
			}
		})
	}
}

// A migration is whole or not at all, and the program that it belongs to says
// what is the matter; corrected, it goes through.
func TestAFailingMigrationLeavesTheOldState(t *testing.T) {
	for name, url := range databases {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			s := openEmpty(t, url)
			if err := s.Migrate(ctx); err != nil {
				t.Fatal(err)
			}
			order, columns := tablesOf(t, s)
			for _, table := range order {
				fill(t, s, columns[table])
			}
			before, _, err := s.SchemaVersion(ctx)
			if err != nil {
				t.Fatal(err)
			}
			const begun = "-- +goose Up\nCREATE TABLE half (id bigint);\nDELETE FROM audit_log;\nALTER TABLE binding ADD COLUMN half text;\n"
			s.AddMigration(t, "09999_half.sql", begun+"INSERT INTO no_such_table VALUES (1);\n")
			if err := s.Migrate(ctx); err == nil {
				t.Fatal("the migration went through")
			}
			after, _, err := s.SchemaVersion(ctx)
			if err != nil || after != before {
				t.Errorf("version %d, want %d: %v", after, before, err)
			}
			_, now := tablesOf(t, s)
			if d := cmp.Diff(columns, now); d != "" {
				t.Errorf("the schema changed (-before +after):\n%s", d)
			}
			if n := len(contents(t, s, "audit_log", columns["audit_log"])); n != sampleRows {
				t.Errorf("audit_log has %d rows", n)
			}
			if err := s.CheckSchema(ctx); !errors.Is(err, store.ErrSchema) {
				t.Errorf("the newer program starts on the old schema: %v", err)
			}
			s.AddMigration(t, "09999_half.sql", begun)
			if err := errors.Join(s.Migrate(ctx), s.CheckSchema(ctx)); err != nil {
				t.Errorf("corrected: %v", err)
			}
		})
	}
}
