package embedded

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/server/common/headers"

	"orgflow/internal/testpg"
)

func TestMain(m *testing.M) { testpg.Main(m) }

func testConfig(dir string) Config {
	return Config{
		Addr:             "127.0.0.1:0",
		DataDir:          dir,
		Namespace:        "orgflow-test",
		SearchAttributes: []string{"OrgflowCompany", "OrgflowKind"},
		Logger:           slog.New(slog.DiscardHandler),
	}
}

func start(t *testing.T, cfg Config) *Server {
	t.Helper()
	s, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	t.Cleanup(s.Stop)
	return s
}

func dial(t *testing.T, s *Server) client.Client {
	t.Helper()
	cl, err := client.Dial(client.Options{HostPort: s.FrontendAddr(), Namespace: "orgflow-test"})
	if err != nil {
		t.Fatalf("dial %s: %v", s.FrontendAddr(), err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// checkReady asserts on everything Start promises about the namespace.
func checkReady(t *testing.T, s *Server, retention time.Duration, attributes ...string) {
	t.Helper()
	cl := dial(t, s)
	if _, err := cl.CheckHealth(t.Context(), nil); err != nil {
		t.Fatalf("health: %v", err)
	}
	found, err := cl.WorkflowService().DescribeNamespace(t.Context(), &workflowservice.DescribeNamespaceRequest{Namespace: "orgflow-test"})
	if err != nil {
		t.Fatalf("namespace: %v", err)
	}
	if got := found.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration(); got != retention {
		t.Errorf("retention %s, want %s", got, retention)
	}
	if !found.GetNamespaceInfo().GetCapabilities().GetWorkerPollCompleteOnShutdown() {
		t.Error("polls of a stopping worker do not end: a task handed to one of them would be lost until its time-out")
	}
	listed, err := cl.OperatorService().ListSearchAttributes(t.Context(), &operatorservice.ListSearchAttributesRequest{Namespace: "orgflow-test"})
	if err != nil {
		t.Fatalf("search attributes: %v", err)
	}
	for _, name := range attributes {
		if got := listed.GetCustomAttributes()[name]; got != enumspb.INDEXED_VALUE_TYPE_KEYWORD {
			t.Errorf("search attribute %s has type %s, want Keyword", name, got)
		}
	}
	query := &workflowservice.CountWorkflowExecutionsRequest{Namespace: "orgflow-test", Query: attributes[0] + ` = "129"`}
	if _, err := cl.WorkflowService().CountWorkflowExecutions(t.Context(), query); err != nil {
		t.Errorf("query by %s right after the start: %v", attributes[0], err)
	}
}

func startWorkflow(t *testing.T, s *Server, id string) {
	t.Helper()
	_, err := dial(t, s).ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: "nobody"}, "Kept")
	if err != nil {
		t.Fatalf("start workflow %s: %v", id, err)
	}
}

func checkWorkflow(t *testing.T, s *Server, id string) {
	t.Helper()
	found, err := dial(t, s).DescribeWorkflowExecution(t.Context(), id, "")
	if err != nil {
		t.Fatalf("workflow %s after the restart: %v", id, err)
	}
	if got := found.GetWorkflowExecutionInfo().GetStatus(); got != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		t.Errorf("workflow %s is %s after the restart", id, got)
	}
}

func TestDataSurvivesARestartAndSettingsFollowTheCode(t *testing.T) {
	cfg := testConfig(t.TempDir())
	first := start(t, cfg)
	checkReady(t, first, DefaultRetention, cfg.SearchAttributes...)
	startWorkflow(t, first, "kept")
	first.Stop()
	first.Stop() // harmless

	cfg.Retention = 48 * time.Hour
	cfg.SearchAttributes = append(cfg.SearchAttributes, "OrgflowTarget")
	second := start(t, cfg)
	checkReady(t, second, 48*time.Hour, cfg.SearchAttributes...)
	checkWorkflow(t, second, "kept")
}

func TestTheServerListensOnLoopbackPortsOfItsOwn(t *testing.T) {
	one, two := start(t, testConfig(t.TempDir())), start(t, testConfig(t.TempDir()))
	if one.FrontendAddr() == two.FrontendAddr() {
		t.Fatalf("two servers claim %s", one.FrontendAddr())
	}
	checkReady(t, one, DefaultRetention, "OrgflowKind")
	checkReady(t, two, DefaultRetention, "OrgflowKind")
	one.Stop()
	checkReady(t, two, DefaultRetention, "OrgflowKind")
}

func TestTheDataDirectoryBelongsToOneServer(t *testing.T) {
	cfg := testConfig(t.TempDir())
	first := start(t, cfg)
	_, err := Start(t.Context(), cfg)
	checkOneLine(t, err, cfg.DataDir, "in use by another orgflow", "ORGFLOW_DATA_DIR")
	checkReady(t, first, DefaultRetention, "OrgflowKind")
	first.Stop()
	start(t, cfg)
}

func TestBusyPortsAreReportedAndNothingIsLeftBehind(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	cfg := testConfig(t.TempDir())

	busyUI := cfg
	busyUI.UIAddr = taken.Addr().String()
	_, err = Start(t.Context(), busyUI)
	checkOneLine(t, err, "address "+taken.Addr().String(), "Temporal Web UI", "ORGFLOW_TEMPORAL_UI_ADDR", "in use")

	busyFrontend := cfg
	busyFrontend.Addr = taken.Addr().String()
	_, err = Start(t.Context(), busyFrontend)
	checkOneLine(t, err, "address "+taken.Addr().String(), "Temporal", "ORGFLOW_TEMPORAL_ADDR", "in use")

	start(t, cfg) // the directory is free again
}

func TestTheWebUIAnswers(t *testing.T) {
	cfg := testConfig(t.TempDir())
	cfg.UIAddr = "127.0.0.1:0"
	cfg.UIPublicPath = "/temporal"
	s := start(t, cfg)
	for path, want := range map[string]string{
		"/":                        "<html",
		"/api/v1/namespaces":       "orgflow-test",
		"/api/v1/settings":         `"DefaultNamespace":"orgflow-test"`,
		"/namespaces/orgflow-test": "<html",
	} {
		status, body := get(t, s.UIURL()+path)
		if status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("GET %s%s: status %d without %q", s.UIURL(), path, status, want)
		}
	}
	s.Stop()
	free, err := net.Listen("tcp", strings.TrimSuffix(strings.TrimPrefix(s.UIURL(), "http://"), "/temporal"))
	if err != nil {
		t.Fatalf("the port is not free after Stop: %v", err)
	}
	_ = free.Close()
}

func TestDataOfAnotherMinorVersionIsRefused(t *testing.T) {
	cfg := testConfig(t.TempDir())
	for name, text := range map[string]string{
		sqliteName:  "",
		versionName: "1.31.9\n",
	} {
		if err := os.WriteFile(filepath.Join(cfg.DataDir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Start(t.Context(), cfg)
	checkOneLine(t, err, "1.31.9", headers.ServerVersion, "ORGFLOW_DATA_DIR")
}

func TestAHalfMadeFileIsMadeAgain(t *testing.T) {
	cfg := testConfig(t.TempDir())
	for _, name := range []string{sqliteName, creatingName} {
		if err := os.WriteFile(filepath.Join(cfg.DataDir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := start(t, cfg)
	checkReady(t, s, DefaultRetention, "OrgflowKind")
	if _, err := os.Stat(filepath.Join(cfg.DataDir, creatingName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the mark of a half-made file remains: %v", err)
	}
}

func TestAnUnusableDirectoryIsOneClearLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), testConfig(filepath.Join(file, "data")))
	checkOneLine(t, err, "data directory", "ORGFLOW_DATA_DIR")
}

func TestMistakesInTheConfigurationAreNamed(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"namespace":  {func(c *Config) { c.Namespace = "" }, "ORGFLOW_TEMPORAL_NAMESPACE"},
		"directory":  {func(c *Config) { c.DataDir = "" }, "ORGFLOW_DATA_DIR"},
		"address":    {func(c *Config) { c.Addr = "7233" }, "ORGFLOW_TEMPORAL_ADDR"},
		"ui address": {func(c *Config) { c.UIAddr = "8233" }, "ORGFLOW_TEMPORAL_UI_ADDR"},
		"retention":  {func(c *Config) { c.Retention = time.Minute }, "at least 1h0m0s"},
		"not a postgres url": {func(c *Config) { c.PostgresURL = "mysql://root:secret@127.0.0.1/orgflow" },
			"no postgres:// URL"},
		"no database": {func(c *Config) { c.PostgresURL = "postgres://root:secret@127.0.0.1:1/" }, "names no database"},
		"long database name": {func(c *Config) { c.PostgresURL = "postgres://127.0.0.1:1/" + strings.Repeat("x", 50) },
			"too long"},
		"no server": {func(c *Config) { c.PostgresURL = "postgres://root:secret@127.0.0.1:1/orgflow" }, "ORGFLOW_DATABASE_URL"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := testConfig(t.TempDir())
			c.change(&cfg)
			_, err := Start(t.Context(), cfg)
			checkOneLine(t, err, c.want)
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}

func TestPostgreSQL(t *testing.T) {
	cfg := testConfig(t.TempDir())
	cfg.PostgresURL = testpg.URL(t)
	first := start(t, cfg)
	checkReady(t, first, DefaultRetention, cfg.SearchAttributes...)
	startWorkflow(t, first, "kept")

	other := cfg
	other.DataDir = t.TempDir()
	_, err := Start(t.Context(), other)
	checkOneLine(t, err, "_temporal", "in use", "another orgflow")
	first.Stop()

	cfg.SearchAttributes = append(cfg.SearchAttributes, "OrgflowTarget")
	second := start(t, cfg)
	checkReady(t, second, DefaultRetention, cfg.SearchAttributes...)
	checkWorkflow(t, second, "kept")
}

func TestACancelledStartEnds(t *testing.T) {
	cfg := testConfig(t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Start(ctx, cfg); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want the cancellation", err)
	}
	start(t, cfg)
}

func checkOneLine(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("more than one line: %v", err)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q lacks %q", err, part)
		}
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}
