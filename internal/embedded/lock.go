package embedded

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// lockName is the lock file in the data directory.
const lockName = "temporal.lock"

// lockDir creates dir when missing and takes it for this process. Nothing in
// Temporal stops two servers from opening one SQLite file, and they would
// fight over the same shards (Temporal reference § 12.4 no. 2). The kernel
// frees the lock when the process dies, however it dies.
func lockDir(dir string) (*flock.Flock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data directory %s cannot be created: %w: set ORGFLOW_DATA_DIR to a writable directory", dir, err)
	}
	path := filepath.Join(dir, lockName)
	lock := flock.New(path, flock.SetPermissions(0o600))
	locked, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("data directory %s is not writable: %w: set ORGFLOW_DATA_DIR to a writable directory", dir, err)
	}
	if !locked {
		return nil, fmt.Errorf("data directory %s is in use by another orgflow%s: stop it or set ORGFLOW_DATA_DIR to another directory", dir, holder(path))
	}
	// The process id helps whoever meets the lock; the lock itself holds
	// without it.
	if err := os.WriteFile(path, fmt.Appendln(nil, os.Getpid()), 0o600); err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("data directory %s is not writable: %w: set ORGFLOW_DATA_DIR to a writable directory", dir, err)
	}
	return lock, nil
}

// holder names the process that holds the lock, when its file says so.
func holder(path string) string {
	text, err := os.ReadFile(path)
	if pid := strings.TrimSpace(string(text)); err == nil && pid != "" {
		return " (process " + pid + ")"
	}
	return ""
}
