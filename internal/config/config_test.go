package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	secretWord = "hunter2-secret"
	keyOfAlice = "alice:admin:2bd806c97f0e00af1a1fc3328fa763a9269723c8db8fac4f93af71db186d6e90"
)

// clean removes the tester's own ORGFLOW_* settings and applies env.
func clean(t *testing.T, env map[string]string) {
	t.Helper()
	for _, name := range Variables() {
		t.Setenv(name, "")
	}
	for name, value := range env {
		t.Setenv(name, value)
	}
}

func mustLoad(t *testing.T, role Role, env map[string]string) Config {
	t.Helper()
	clean(t, env)
	c, err := Load(role)
	if err != nil {
		t.Fatalf("Load(%s): %v", role, err)
	}
	return c
}

func TestDefaultsOfTheContract(t *testing.T) {
	c := mustLoad(t, RoleStandalone, nil)
	for name, pair := range map[string][2]string{
		"http":      {c.HTTPAddr, "127.0.0.1:8080"},
		"temporal":  {c.Temporal.Addr, "127.0.0.1:7233"},
		"namespace": {c.Temporal.Namespace, "default"},
		"queue":     {c.Temporal.TaskQueue, "orgflow"},
		"ui":        {c.Temporal.UIAddr, "127.0.0.1:8233"},
		"sim":       {c.SimAddr, "127.0.0.1:9090"},
		"data":      {c.DataDir, ".orgflow"},
		"database":  {c.Database.DSN, "sqlite://.orgflow/orgflow.db"},
		"metrics":   {c.MetricsAddr, ""},
		"format":    {string(c.LogFormat), ""},
		"level":     {c.LogLevel.String(), slog.LevelInfo.String()},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %q, want %q", name, pair[0], pair[1])
		}
	}
	if c.Temporal.TLS.Enabled || c.PayloadKeys.Set() || len(c.APIKeys) != 0 {
		t.Errorf("TLS, payload key and API keys must be off by default: %+v", c)
	}
}

func TestEveryRoleNamesWhatItNeeds(t *testing.T) {
	for role, want := range map[Role]string{
		RoleWorker:     "ORGFLOW_DATABASE_URL",
		RoleServer:     "ORGFLOW_DATABASE_URL",
		RoleStarter:    "ORGFLOW_DATABASE_URL",
		RoleMigrate:    "ORGFLOW_DATABASE_URL",
		RoleStandalone: "",
		RoleOffline:    "",
	} {
		clean(t, nil)
		_, err := Load(role)
		if (err == nil) != (want == "") || (err != nil && !strings.Contains(err.Error(), want)) {
			t.Errorf("%s without settings: error %v, want one about %q", role, err, want)
		}
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	bad := map[string]string{
		"ORGFLOW_HTTP_ADDR":              "localhost",
		"ORGFLOW_HTTP_DRAIN":             "2h",
		"ORGFLOW_API_KEYS":               "a:god:00",
		"ORGFLOW_DATABASE_URL":           "mysql://u:" + secretWord + "@h/db",
		"ORGFLOW_TEMPORAL_ADDR":          "temporal:99999",
		"ORGFLOW_TEMPORAL_TLS_ENABLED":   "perhaps",
		"ORGFLOW_TEMPORAL_TLS_CERT_FILE": "/does/not/exist.pem",
		"ORGFLOW_SIM_ADDR":               "9090",
		"ORGFLOW_META_DIR":               "/does/not/exist",
		"ORGFLOW_PAYLOAD_KEY":            secretWord,
		"ORGFLOW_TEMPORAL_API_KEY":       "${file:/does/not/exist}",
		"ORGFLOW_TEMPORAL_UI_URL":        "temporal.example.com",
		"ORGFLOW_LOG_FORMAT":             "xml",
		"ORGFLOW_LOG_LEVEL":              "loud",
		"ORGFLOW_METRICS_ADDR":           "x",
		"ORGFLOW_KEEP_RUNS":              "a year",
		"ORGFLOW_KEEP_STAGED":            "7",
		"ORGFLOW_KEEP_AUDIT":             "29",
	}
	clean(t, bad)
	_, err := Load(RoleServer)
	if err == nil {
		t.Fatal("accepted")
	}
	for name := range bad {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not reported in:\n%v", name, err)
		}
	}
	if strings.Contains(err.Error(), secretWord) {
		t.Errorf("a secret is shown:\n%v", err)
	}
}

func TestTracesAreSwitchedOnByAnAddress(t *testing.T) {
	const here = "http://127.0.0.1:4318"
	for _, tc := range []struct {
		env     map[string]string
		want    TraceProtocol
		problem string
	}{
		{map[string]string{}, TracesOff, ""},
		{map[string]string{"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, TracesOff, ""},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": here}, TracesHTTP, ""},
		{map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": here}, TracesHTTP, ""},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": here, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, TracesGRPC, ""},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": here, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"}, TracesHTTP, ""},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": here, "OTEL_SDK_DISABLED": "true"}, TracesOff, ""},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "127.0.0.1:4318"}, TracesHTTP, "OTEL_EXPORTER_OTLP_ENDPOINT"},
		{map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "collector"}, TracesHTTP, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"},
		{map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": here, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, TracesOff, "OTEL_EXPORTER_OTLP_PROTOCOL"},
	} {
		clean(t, tc.env)
		c, err := Load(RoleStandalone)
		switch {
		case tc.problem != "":
			if err == nil || !strings.Contains(err.Error(), tc.problem+": must be") {
				t.Errorf("%v: %v, want a problem with %s", tc.env, err, tc.problem)
			}
		case err != nil || c.Traces != tc.want:
			t.Errorf("%v: %q %v, want %q", tc.env, c.Traces, err, tc.want)
		}
	}
}

func TestAnOpenAPIIsRefusedBeyondLoopback(t *testing.T) {
	open := []string{":8080", "0.0.0.0:8080", "[::]:8080", "192.168.1.5:8080", "example.com:8080", "localhost.example.com:80", "[::ffff:10.0.0.1]:80"}
	private := []string{"127.0.0.1:8080", "127.8.9.1:1", "[::1]:8080", "localhost:8080", "LOCALHOST:1", "[::ffff:127.0.0.1]:80"}
	load := func(role Role, addr, keys string) error {
		clean(t, map[string]string{"ORGFLOW_HTTP_ADDR": addr, "ORGFLOW_API_KEYS": keys, "ORGFLOW_DATABASE_URL": "sqlite://x.db"})
		_, err := Load(role)
		return err
	}
	for _, addr := range open {
		if err := load(RoleServer, addr, ""); err == nil || !strings.Contains(err.Error(), "ORGFLOW_HTTP_ADDR="+addr) {
			t.Errorf("%s without keys: %v, want a refusal", addr, err)
		}
		if err := load(RoleServer, addr, keyOfAlice); err != nil {
			t.Errorf("%s with a key: %v", addr, err)
		}
		if err := load(RoleStarter, addr, ""); err != nil {
			t.Errorf("%s for a command that listens nowhere: %v", addr, err)
		}
	}
	for _, addr := range private {
		if err := load(RoleStandalone, addr, ""); err != nil {
			t.Errorf("%s without keys: %v", addr, err)
		}
	}
}

// Where people use the server themselves nobody else could be asked instead.
func TestTheDrainOfAServer(t *testing.T) {
	for _, c := range []struct {
		addr, set string
		want      time.Duration
	}{
		{"127.0.0.1:8080", "", 0},
		{"0.0.0.0:8080", "", 5 * time.Second},
		{"0.0.0.0:8080", "0s", 0},
		{"127.0.0.1:8080", "1500ms", 1500 * time.Millisecond},
	} {
		clean(t, map[string]string{"ORGFLOW_HTTP_ADDR": c.addr, "ORGFLOW_HTTP_DRAIN": c.set, "ORGFLOW_API_KEYS": keyOfAlice, "ORGFLOW_DATABASE_URL": "sqlite://x.db"})
		if got, err := Load(RoleServer); err != nil || got.HTTPDrain != c.want {
			t.Errorf("%s with %q: %s, %v; want %s", c.addr, c.set, got.HTTPDrain, err, c.want)
		}
	}
}

func TestDatabaseURL(t *testing.T) {
	for value, driver := range map[string]string{
		"postgres://u:p@h:5432/db":    Postgres,
		"postgresql://h/db":           Postgres,
		"sqlite://rel/path.db":        SQLite,
		"sqlite:///abs/path.db":       SQLite,
		"sqlite://":                   "",
		"postgres://":                 "",
		"postgres://u:p%zz@h/db":      "",
		"postgres://u:p@h":            "",
		"orgflow.db":                  "",
		"mysql://h/db":                "",
		"postgres:u:p@h/db":           "",
		"sqlite://?mode=memory":       "",
		"postgres://u:p@h/db?a=b%20c": Postgres,
	} {
		clean(t, map[string]string{"ORGFLOW_DATABASE_URL": value})
		c, err := Load(RoleWorker)
		if (err == nil) != (driver != "") || (err == nil && c.Database.Driver != driver) {
			t.Errorf("%q: driver %q, error %v; want driver %q", value, c.Database.Driver, err, driver)
		}
	}
}

func TestNothingPrintsASecret(t *testing.T) {
	key := "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
	c := mustLoad(t, RoleServer, map[string]string{
		"ORGFLOW_DATABASE_URL":     "postgres://u:" + secretWord + "@h/db?password=" + secretWord,
		"ORGFLOW_TEMPORAL_API_KEY": secretWord,
		"ORGFLOW_PAYLOAD_KEY":      key,
		"ORGFLOW_API_KEYS":         keyOfAlice,
	})
	keys, err := c.PayloadKeys.Read()
	if err != nil || len(keys) != 1 || string(keys[0]) != "01234567890123456789012345678901" {
		t.Fatalf("%d keys, %v: the secrets themselves must be usable", len(keys), err)
	}
	if apiKey, err := c.Temporal.APIKey.Read(); err != nil || apiKey != secretWord {
		t.Fatalf("the secrets themselves must be usable: %v", err)
	}
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("start", "config", c, "db", c.Database, "t", c.Temporal)
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("start", "config", c, "db", c.Database, "t", c.Temporal, "keys", c.APIKeys)
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	shown := []string{logged.String(), string(asJSON), c.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		for _, v := range []any{c, &c, c.Database, c.Temporal, c.PayloadKeys, c.Temporal.APIKey, c.APIKeys, c.APIKeys[0]} {
			shown = append(shown, fmt.Sprintf(verb, v))
		}
	}
	for _, s := range shown {
		for _, secret := range []string{secretWord, key, "0123456789012345", "30313233", "2bd806c9"} {
			if strings.Contains(s, secret) {
				t.Errorf("%q appears in %s", secret, s)
			}
		}
	}
	for _, want := range []string{secretWord, key} {
		if !strings.Contains(strings.Join(c.Secrets(), "|"), want) {
			t.Errorf("Secrets does not hand %q to the log redactor", want)
		}
	}
}

func TestMisspeltVariablesAreReported(t *testing.T) {
	c := mustLoad(t, RoleStandalone, map[string]string{
		"ORGFLOW_HTTPADDR": "x", "ORGFLOW_TEST_POSTGRES": "x", "ORGFLOW_ENTIRELY_UNLIKE_ANYTHING": "x",
	})
	all := strings.Join(c.Warnings, "\n")
	if !strings.Contains(all, "ORGFLOW_HTTPADDR is set but is no setting of orgflow; did you mean ORGFLOW_HTTP_ADDR?") {
		t.Errorf("no hint at the right name in:\n%s", all)
	}
	if !strings.Contains(all, "ORGFLOW_ENTIRELY_UNLIKE_ANYTHING") || strings.Contains(all, "ORGFLOW_TEST_POSTGRES") {
		t.Errorf("warnings:\n%s", all)
	}
}

func TestStandaloneWarnsOfOpenListeners(t *testing.T) {
	c := mustLoad(t, RoleStandalone, map[string]string{"ORGFLOW_TEMPORAL_UI_ADDR": "0.0.0.0:8233"})
	if len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], "ORGFLOW_TEMPORAL_UI_ADDR") {
		t.Errorf("warnings %q, want one about the Web UI", c.Warnings)
	}
}

func TestTLS(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.pem")
	if err := os.WriteFile(file, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	on := func(env map[string]string) bool { return mustLoad(t, RoleStandalone, env).Temporal.TLS.Enabled }
	if !on(map[string]string{"ORGFLOW_TEMPORAL_API_KEY": "k"}) {
		t.Error("an API key must not travel without TLS")
	}
	if !on(map[string]string{"ORGFLOW_TEMPORAL_TLS_CA_FILE": file}) {
		t.Error("a CA file turns TLS on")
	}
	if on(map[string]string{"ORGFLOW_TEMPORAL_TLS_CA_FILE": file, "ORGFLOW_TEMPORAL_TLS_ENABLED": "false"}) {
		t.Error("ENABLED=false turns TLS off")
	}
	for _, env := range []map[string]string{
		{"ORGFLOW_TEMPORAL_API_KEY": "k", "ORGFLOW_TEMPORAL_TLS_ENABLED": "0"},
		{"ORGFLOW_TEMPORAL_TLS_CERT_FILE": file},
		{"ORGFLOW_TEMPORAL_TLS_KEY_FILE": file},
	} {
		clean(t, env)
		if _, err := Load(RoleStandalone); err == nil {
			t.Errorf("%v accepted", env)
		}
	}
}

func TestBoundsOfClientsAndOfCalls(t *testing.T) {
	c := mustLoad(t, RoleServer, map[string]string{"ORGFLOW_DATABASE_URL": "sqlite://x"})
	if c.HTTPRate != 12_000 || c.HTTPRateFailures != 30 || c.Egress.CheckAddr("hr.example.com", netip.MustParseAddr("10.0.0.5")) != nil {
		t.Errorf("defaults: %d, %d", c.HTTPRate, c.HTTPRateFailures)
	}
	c = mustLoad(t, RoleWorker, map[string]string{"ORGFLOW_DATABASE_URL": "sqlite://x", "ORGFLOW_HTTP_RATE": "0", "ORGFLOW_HTTP_RATE_FAILURES": "5", "ORGFLOW_EGRESS_ALLOW": "*.dingtalk.com"})
	if c.HTTPRate != 0 || c.HTTPRateFailures != 5 || c.Egress.CheckAddr("hr.example.com", netip.MustParseAddr("10.0.0.5")) == nil {
		t.Errorf("%d, %d", c.HTTPRate, c.HTTPRateFailures)
	}
	clean(t, map[string]string{"ORGFLOW_DATABASE_URL": "sqlite://x", "ORGFLOW_HTTP_RATE": "-1", "ORGFLOW_HTTP_RATE_FAILURES": "many", "ORGFLOW_EGRESS_ALLOW": "https://hr.example.com"})
	_, err := Load(RoleServer)
	for _, want := range []string{`ORGFLOW_HTTP_RATE: "-1" is not a whole number`, `ORGFLOW_HTTP_RATE_FAILURES: "many"`, `ORGFLOW_EGRESS_ALLOW: "https://hr.example.com" is no host name`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
}
