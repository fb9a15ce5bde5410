package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Who examines gets every problem, and beside it what can be used.
func TestDoctorGetsWhatCanBeUsed(t *testing.T) {
	clean(t, map[string]string{
		"ORGFLOW_HTTP_ADDR": "0.0.0.0:8080", "ORGFLOW_PAYLOAD_KEY": "short", "ORGFLOW_DATABASE_URL": "postgres://u:p@db/orgflow", "ORGFLOW_TEMPORAL_NAMESPACE": "n",
	})
	c, err := Load(RoleDoctor)
	bad, ok := errors.AsType[*Error](err)
	if !ok || len(bad.Problems) != 2 || !strings.Contains(err.Error(), "ORGFLOW_API_KEYS") || !strings.Contains(err.Error(), "ORGFLOW_PAYLOAD_KEY") {
		t.Errorf("problems: %v", err)
	}
	if c.Database.Driver != Postgres || c.Temporal.Namespace != "n" || c.HTTPAddr != "0.0.0.0:8080" {
		t.Errorf("settings: %v", c)
	}
	if c, err := Load(RoleServer); err == nil || c.Temporal.Namespace != "" {
		t.Errorf("a server got settings with problems: %v", c)
	}
}

// Beside standalone nobody sets a database: the one that is there is meant.
func TestDoctorFindsStandalonesDatabase(t *testing.T) {
	dir := t.TempDir()
	clean(t, map[string]string{"ORGFLOW_DATA_DIR": dir})
	if c, err := Load(RoleDoctor); err == nil || c.Database.DSN != "" || !strings.Contains(err.Error(), "ORGFLOW_DATABASE_URL: required") {
		t.Errorf("without one: %v, %v", c.Database, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "orgflow.db"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(RoleDoctor)
	if err != nil || c.Database.DSN != "sqlite://"+filepath.ToSlash(filepath.Join(dir, "orgflow.db")) {
		t.Errorf("with one: %v, %v", c.Database, err)
	}
	if len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], "ORGFLOW_DATABASE_URL is not set") {
		t.Errorf("warnings %v", c.Warnings)
	}
}
