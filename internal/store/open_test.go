package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"orgflow/internal/store"
)

func TestOpenRefusesInOneClearLine(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ url, want string }{
		"no scheme":          {"orgflow.db", "want postgres://"},
		"empty":              {"", "want postgres://"},
		"other scheme":       {"mysql://root:geheim@db/x", "want postgres://"},
		"memory":             {"sqlite://:memory:", "not survive a restart"},
		"no path":            {"sqlite://", "needs the path of a file"},
		"parameters":         {"sqlite://" + dir + "/x.db?mode=ro", "takes no parameters"},
		"path is a folder":   {"sqlite://" + dir, "cannot write sqlite file"},
		"folder is a file":   {"sqlite://" + file + "/x.db", "cannot create the folder"},
		"malformed postgres": {"postgres://orgflow:geh%eim@db/orgflow", "percent-encode"},
		"unknown parameter":  {"postgres://orgflow:geheim@127.0.0.1:1/orgflow?sslmode=perhaps", "sslmode"},
		"nobody listens":     {"postgres://orgflow:geheim@127.0.0.1:1/orgflow?sslmode=disable", `cannot reach postgres database "orgflow" at 127.0.0.1:1`},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := store.Open(context.Background(), c.url, store.Options{})
			if err == nil {
				s.Close()
				t.Fatal("opened")
			}
			text := err.Error()
			if !strings.HasPrefix(text, store.Setting+": ") || !strings.Contains(text, c.want) {
				t.Errorf("error %q does not name the setting and %q", text, c.want)
			}
			if strings.Contains(text, "geheim") || strings.Contains(text, "geh%eim") || strings.Contains(text, "\n") {
				t.Errorf("error %q shows the password or has several lines", text)
			}
		})
	}
}

func TestOpenCreatesAPrivateFileWhateverItsName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new folder", "部门 100%25.db")
	openMigrated(t, "sqlite://"+path)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 || info.Size() == 0 {
		t.Fatalf("file %v, %v; want a filled file of mode 0600", info, err)
	}
	wal, err := os.Stat(path + "-wal")
	if err != nil || wal.Mode().Perm() != 0o600 {
		t.Fatalf("journal %v, %v; want WAL with mode 0600", wal, err)
	}
}

func TestSchemaFromEmptyToCurrent(t *testing.T) {
	for name, url := range databases {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			s, err := store.Open(ctx, url(t), store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			err = s.CheckSchema(ctx)
			if !errors.Is(err, store.ErrSchema) || !strings.Contains(err.Error(), "starter migrate") {
				t.Fatalf("empty database: %v; want ErrSchema with advice", err)
			}
			for range 2 {
				if err := s.Migrate(ctx); err != nil {
					t.Fatal(err)
				}
			}
			current, needed, err := s.SchemaVersion(ctx)
			if err != nil || current != needed || current == 0 {
				t.Fatalf("version %d, needed %d, %v", current, needed, err)
			}
			if err := s.CheckSchema(ctx); err != nil {
				t.Fatal(err)
			}
			if _, err := s.DB().Exec(`INSERT INTO orgflow_schema_version (version_id, is_applied) VALUES (99999, true)`); err != nil {
				t.Fatal(err)
			}
			err = s.CheckSchema(ctx)
			if !errors.Is(err, store.ErrSchema) || !strings.Contains(err.Error(), "newer program") {
				t.Fatalf("newer database: %v; want ErrSchema with advice", err)
			}
		})
	}
}

func TestSeveralProcessesMayMigrateAtOnce(t *testing.T) {
	for name, url := range databases {
		t.Run(name, func(t *testing.T) {
			ctx, address := context.Background(), url(t)
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					s, err := store.Open(ctx, address, store.Options{})
					if err != nil {
						t.Error(err)
						return
					}
					defer s.Close()
					if err := errors.Join(s.Migrate(ctx), s.CheckSchema(ctx)); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		})
	}
}
