package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"orgflow"
)

// Backup writes the whole database, as it stands at one moment, into a new
// file that only its owner may read. Programs go on working meanwhile. The
// file appears when it is complete and has been checked; a backup that was
// cut off leaves at most a file with ".part" at its end, which the next one
// replaces. SQLite only: PostgreSQL brings pg_dump.
func (s *Store) Backup(ctx context.Context, path string) error {
	if s.dialect.name != sqliteDialect.name {
		return &orgflow.Fault{
			Code: orgflow.CodeInvalidConfig, Message: "the database is PostgreSQL, which has a program of its own for backups",
			Advice: "pg_dump --format=custom --file=FILE DATABASE-URL",
		}
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("back up to %s: it exists, or cannot be looked at; name a new file", path)
	}
	part := path + ".part"
	if err := s.copyTo(ctx, part); err != nil {
		_ = os.Remove(part) // the first error counts
		return fmt.Errorf("back up to %s: %w", path, err)
	}
	if err := os.Rename(part, path); err != nil {
		return fmt.Errorf("back up to %s: %w", path, err)
	}
	return nil
}

func (s *Store) copyTo(ctx context.Context, part string) error {
	if err := os.RemoveAll(part); err != nil {
		return err
	}
	// SQLite fills an empty file and leaves its mode alone.
	f, err := os.OpenFile(filepath.Clean(part), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	var path string
	if err := s.ro.GetContext(ctx, &path, `SELECT file FROM pragma_database_list WHERE name = 'main'`); err != nil {
		return err
	}
	// A connection of its own: the pool's readers may not write, not even
	// elsewhere, and its writer is needed meanwhile.
	db, err := connectSQLite(ctx, sqliteDSN(path))
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, `VACUUM INTO ?`, part); err != nil {
		return err
	}
	return checkCopy(ctx, part)
}

// checkCopy reads a copy through and brings it to the disk.
func checkCopy(ctx context.Context, part string) error {
	db, err := connectSQLite(ctx, sqliteDSN(part, "_pragma=query_only(1)"))
	if err != nil {
		return err
	}
	defer db.Close()
	var verdict string
	if err := db.GetContext(ctx, &verdict, `PRAGMA quick_check(1)`); err != nil {
		return err
	}
	if verdict != "ok" {
		return fmt.Errorf("the copy is damaged: %s", verdict)
	}
	f, err := os.OpenFile(filepath.Clean(part), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
