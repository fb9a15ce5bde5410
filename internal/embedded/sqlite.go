package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/headers"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	sqliteschema "go.temporal.io/server/schema/sqlite"
)

const (
	sqliteName  = "temporal.db"
	versionName = "temporal.version"
	// creatingName marks a schema that is being set up, which is many
	// statements: found at start, the file beside it is half made and holds
	// nothing.
	creatingName = "temporal.creating"
)

// openSQLite prepares the SQLite file in cfg.DataDir: schema on a new file,
// namespace, version check on an old one.
func openSQLite(cfg Config) (*store, error) {
	sql := sqliteConfig(filepath.Join(cfg.DataDir, sqliteName))
	if err := prepareSQLite(cfg.DataDir, sql); err != nil {
		return nil, err
	}
	attributes := make(map[string]enumspb.IndexedValueType, len(cfg.SearchAttributes))
	for _, name := range cfg.SearchAttributes {
		attributes[name] = enumspb.INDEXED_VALUE_TYPE_KEYWORD
	}
	namespace, err := sqliteschema.NewNamespaceConfig(clusterName, cfg.Namespace, false, attributes)
	if err != nil {
		return nil, fmt.Errorf("describe namespace %s: %w", cfg.Namespace, err)
	}
	if err := sqliteschema.CreateNamespaces(sql, namespace); err != nil {
		return nil, fmt.Errorf("create namespace %s in %s: %w", cfg.Namespace, sql.DatabaseName, err)
	}
	return &store{
		main: sql, visibility: sql, shards: 1,
		refreshSearchAttributes: true,
		started:                 func() error { return writeVersion(cfg.DataDir) },
		release:                 func() {},
	}, nil
}

// sqliteConfig: WAL is several times faster than the rollback journal and
// survives a killed process; MaxConns stays at its default of 1, more are
// slower (Temporal reference §§ 12.2 no. 3, 13).
func sqliteConfig(path string) *config.SQL {
	return &config.SQL{
		PluginName:   sqlite.PluginName,
		DatabaseName: path,
		ConnectAttributes: map[string]string{
			"mode":         "rwc",
			"journal_mode": "wal",
			"synchronous":  "normal",
			"busy_timeout": "10000",
		},
	}
}

// prepareSQLite makes sure that a file with a schema of this server's minor
// version exists. Files carry no schema version of their own and nothing
// upgrades them (Temporal reference § 12.4 no. 9).
func prepareSQLite(dir string, sql *config.SQL) error {
	creating := filepath.Join(dir, creatingName)
	if _, err := os.Stat(creating); err == nil {
		if err := removeSQLite(sql.DatabaseName); err != nil {
			return err
		}
	}
	_, err := os.Stat(sql.DatabaseName)
	switch {
	case err == nil:
		return checkVersion(dir)
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("look for the Temporal database: %w", err)
	}
	if err := os.WriteFile(creating, nil, 0o600); err != nil {
		return fmt.Errorf("data directory %s is not writable: %w: set ORGFLOW_DATA_DIR to a writable directory", dir, err)
	}
	if err := sqliteschema.SetupSchema(sql); err != nil {
		return fmt.Errorf("create the Temporal database %s: %w", sql.DatabaseName, err)
	}
	if err := writeVersion(dir); err != nil {
		return err
	}
	return os.Remove(creating)
}

func removeSQLite(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove the half-made Temporal database: %w", err)
		}
	}
	return nil
}

// checkVersion refuses data of another minor version of the server.
func checkVersion(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, versionName))
	if err != nil {
		return fmt.Errorf("read the server version of the Temporal database in %s: %w: %s", dir, err, versionAdvice)
	}
	wrote := strings.TrimSpace(string(text))
	if minor(wrote) != minor(headers.ServerVersion) {
		return fmt.Errorf("the Temporal database in %s was written by server %s, this program carries %s: %s", dir, wrote, headers.ServerVersion, versionAdvice)
	}
	return nil
}

const versionAdvice = "start with another ORGFLOW_DATA_DIR, run the orgflow that wrote it, or keep Temporal in PostgreSQL, where it upgrades itself"

// minor is "1.32" of "1.32.1".
func minor(version string) string {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return version
	}
	return parts[0] + "." + parts[1]
}

// writeVersion records this server's version beside the SQLite file.
func writeVersion(dir string) error {
	path := filepath.Join(dir, versionName)
	if err := os.WriteFile(path+".new", []byte(headers.ServerVersion+"\n"), 0o600); err != nil {
		return fmt.Errorf("record the Temporal server version: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("record the Temporal server version: %w", err)
	}
	return nil
}
