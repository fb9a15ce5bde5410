package store_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow/internal/store"
	"orgflow/internal/testpg"
	"orgflow/internal/testtool"
)

// A backup is one moment of the database, however busy it is meanwhile.
func TestABackupIsOneMoment(t *testing.T) {
	s := openMigrated(t, databases["sqlite"](t))
	ctx, stop := context.WithCancel(context.Background())
	began, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		for i := 0; ; i++ {
			if i == 20 {
				close(began)
			}
			tx, err := s.DB().BeginTx(ctx, nil)
			for _, half := range []string{"a", "b"} {
				if err == nil {
					_, err = tx.ExecContext(ctx, `INSERT INTO idempotency_key (id, value, created_at) VALUES (?, ?, 1)`, fmt.Sprint(half, i), strings.Repeat("x", 500))
				}
			}
			if err == nil {
				err = tx.Commit()
			}
			if err != nil {
				if ctx.Err() != nil {
					err = nil
				}
				ended <- err
				return
			}
		}
	}()
	<-began
	for i := range 3 {
		path := filepath.Join(t.TempDir(), "backup 备份.db")
		if err := s.Backup(context.Background(), path); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("file %v, %v; want mode 0600", info, err)
		}
		copied := openMigrated(t, "sqlite://"+path)
		if a, b := countRows(t, copied, "idempotency_key", "id LIKE 'a%'"), countRows(t, copied, "idempotency_key", "id LIKE 'b%'"); a != b || a < 20 {
			t.Errorf("backup %d has %d first and %d second halves", i, a, b)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestABackupReplacesNothingAndLeavesNoPart(t *testing.T) {
	s := openMigrated(t, databases["sqlite"](t))
	dir := t.TempDir()
	there := filepath.Join(dir, "there.db")
	if err := os.WriteFile(there, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(context.Background(), there); err == nil || !strings.Contains(err.Error(), "name a new file") {
		t.Errorf("a file that exists: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "new.db.part"), []byte("of one that was cut off"), 0o600); err != nil {
		t.Fatal(err)
	}
	over, stop := context.WithCancel(context.Background())
	stop()
	if err := s.Backup(over, filepath.Join(dir, "new.db")); err == nil {
		t.Error("a backup that is cut off succeeds")
	}
	if err := s.Backup(context.Background(), filepath.Join(dir, "no such folder", "new.db")); err == nil {
		t.Error("a backup to nowhere succeeds")
	}
	if err := s.Backup(context.Background(), filepath.Join(dir, "new.db")); err != nil {
		t.Error(err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if d := cmp.Diff([]string{filepath.Join(dir, "new.db"), there}, left); d != "" || err != nil {
		t.Errorf("files: %v %s", err, d)
	}
	pg := openMigrated(t, testpg.URL(t))
	if err := pg.Backup(context.Background(), filepath.Join(dir, "pg")); err == nil || !strings.Contains(err.Error(), "PostgreSQL") {
		t.Errorf("PostgreSQL: %v", err)
	}
}

// The documented way for PostgreSQL brings every row back.
func TestPostgresDumpAndRestore(t *testing.T) {
	for _, program := range []string{"pg_dump", "pg_restore"} {
		testtool.Need(t, program)
	}
	from, to := testpg.URL(t), testpg.URL(t)
	s := openMigrated(t, from)
	order, columns := tablesOf(t, s)
	for _, table := range order {
		fill(t, s, columns[table])
	}
	before := everyRow(t, s)
	file := filepath.Join(t.TempDir(), "orgflow.dump")
	for _, command := range [][]string{
		{"pg_dump", "--format=custom", "--file=" + file, from},
		{"pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", "--dbname=" + to, file},
	} {
		if out, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", command[0], err, out)
		}
	}
	restored, err := store.Open(context.Background(), to, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer restored.Close()
	if err := restored.CheckSchema(context.Background()); err != nil {
		t.Error(err)
	}
	if d := cmp.Diff(before, everyRow(t, restored)); d != "" {
		t.Errorf("restored (-before +after):\n%s", d)
	}
}
