package store_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"orgflow/internal/store"
)

func TestInspect(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		text, postgres, err := s.Server(ctx)
		if err != nil || (postgres == 0) != strings.HasPrefix(text, "SQLite 3.") || (postgres > 9) != strings.HasPrefix(text, "PostgreSQL ") {
			t.Errorf("server %q, %d, %v", text, postgres, err)
		}
		before := time.Now().Truncate(time.Millisecond) // SQLite's clock is that exact
		now, err := s.Clock(ctx)
		if err != nil || now.Before(before) || now.After(time.Now()) {
			t.Errorf("clock %s, %v; asked at %s", now, err, before)
		}
	})
}

// A write is proved without anything that stays, as often as one likes.
func TestCheckWriteLeavesNothing(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		for range 2 {
			if err := s.CheckWrite(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Exec(t.Context(), `SELECT 1 FROM orgflow_write_check`); err == nil {
			t.Error("its table stayed")
		}
	})
}

func TestCheckWriteWithoutTheRight(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		s.DB().SetMaxOpenConns(1)
		forbid, want := `PRAGMA query_only = 1`, "begin to write"
		if _, postgres, _ := s.Server(t.Context()); postgres != 0 {
			forbid, want = `SET ROLE pg_read_all_data`, "cannot insert rows" // a role that every server has
		}
		if err := s.Exec(t.Context(), forbid); err != nil {
			t.Fatal(err)
		}
		if err := s.CheckWrite(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v", err)
		}
	})
}

// Who only looks makes no database.
func TestOpenExisting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "orgflow.db")
	s, err := store.Open(context.Background(), "sqlite://"+path, store.Options{Existing: true})
	if err == nil {
		_ = s.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "does not exist yet; run: starter migrate") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(filepath.Dir(path)); err == nil {
		t.Error("it made the folder")
	}
	openMigrated(t, "sqlite://"+path)
	again, err := store.Open(context.Background(), "sqlite://"+path, store.Options{Existing: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}
