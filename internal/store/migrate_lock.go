package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/gofrs/flock"
)

// fileLocker lets one process at a time migrate a SQLite database. goose
// reads the applied versions before it begins a migration's transaction, so
// SQLite's own lock comes too late: two processes would both apply the next
// one. The lock is the operating system's, on a file beside the database: a
// killed process frees it, readers of the database are not held up.
type fileLocker struct{ file *flock.Flock }

// SessionLock waits until no other process migrates this database, at most
// until ctx ends.
func (l *fileLocker) SessionLock(ctx context.Context, conn *sql.Conn) error {
	var path string
	if err := conn.QueryRowContext(ctx, `SELECT file FROM pragma_database_list WHERE name = 'main'`).Scan(&path); err != nil {
		return fmt.Errorf("find the database's file: %w", err)
	}
	l.file = flock.New(path+"-migrate", flock.SetPermissions(0o600))
	if _, err := l.file.TryLockContext(ctx, 20*time.Millisecond); err != nil {
		return fmt.Errorf("wait for the lock %s: %w", l.file.Path(), err)
	}
	return nil
}

// SessionUnlock lets the next process migrate. The file stays: removing it
// would let two processes hold two files of one name.
func (l *fileLocker) SessionUnlock(context.Context, *sql.Conn) error { return l.file.Close() }
