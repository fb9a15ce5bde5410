package activities

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"orgflow/internal/store"
)

// moment is a world at some time, from which several go on, each with a
// database of its own.
type moment struct {
	database []byte
	number   int
	at       time.Time
}

// freeze ends a world that lives in a SQLite file.
func (w *world) freeze() moment {
	w.t.Helper()
	if err := w.db.Close(); err != nil { // folds the journal into the file
		w.t.Fatal(err)
	}
	database, err := os.ReadFile(strings.TrimPrefix(w.url, "sqlite://"))
	if err != nil {
		w.t.Fatal(err)
	}
	return moment{database: database, number: w.number, at: w.at}
}

// open puts the database into a file and returns its URL.
func (m moment) open(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "orgflow.db")
	if err := os.WriteFile(path, m.database, 0o600); err != nil {
		t.Fatal(err)
	}
	return "sqlite://" + path
}

// freshDatabase copies a file that was migrated once: a migration takes
// longer than most tests.
func freshDatabase(t testing.TB) string {
	t.Helper()
	database, err := migrated()
	if err != nil {
		t.Fatal(err)
	}
	return moment{database: database}.open(t)
}

var migrated = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "orgflow-activities")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "empty.db")
	s, err := store.Open(context.Background(), "sqlite://"+path, store.Options{})
	if err != nil {
		return nil, err
	}
	if err := s.Migrate(context.Background()); err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil { // folds the journal into the file
		return nil, err
	}
	return os.ReadFile(path)
})
