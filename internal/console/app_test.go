package console_test

import (
	"io"
	"path/filepath"
	"testing"

	"orgflow/internal/app"
	"orgflow/internal/config"
)

// openApp opens the program on a database of its own and a folder of meta
// files, without a Temporal. Settings beside come from the environment.
func openApp(t testing.TB, metaDir string) *app.App {
	t.Helper()
	for name, value := range map[string]string{
		"ORGFLOW_DATABASE_URL": "sqlite://" + filepath.Join(t.TempDir(), "orgflow.db"), "ORGFLOW_TEMPORAL_ADDR": "127.0.0.1:1", "ORGFLOW_META_DIR": metaDir,
	} {
		t.Setenv(name, value)
	}
	cfg, err := config.Load(config.RoleServer)
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.Open(t.Context(), cfg, app.Logger(cfg, io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	if err := a.Store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a
}
