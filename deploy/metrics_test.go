// Package deploy_test checks dashboard and alert rules against the metrics
// that the program has.
package deploy_test

import (
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"orgflow/internal/app"
	"orgflow/internal/config"
	"orgflow/internal/temporalx"
)

// existing are the metrics of a server and of a worker.
func existing(t *testing.T) map[string]metric {
	t.Helper()
	known := map[string]metric{"up": {other: true}} // Prometheus' own
	described(t, known, program(t))
	gathered(t, known, sdk(t))
	return known
}

// program returns the registry of a server with the demo company.
func program(t *testing.T) *prometheus.Registry {
	t.Helper()
	t.Setenv("ORGFLOW_DATABASE_URL", "sqlite://"+filepath.Join(t.TempDir(), "orgflow.db"))
	cfg, err := config.Load(config.RoleServer)
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.Open(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	if err := a.Store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.Handler("") // which registers its own
	return a.Metrics
}

var descriptor = regexp.MustCompile(`^Desc\{fqName: "(\w+)".*variableLabels: \{([\w,]*)\}\}$`)

// described adds what a registry says it may show, and what it shows now.
func described(t *testing.T, known map[string]metric, reg *prometheus.Registry) {
	t.Helper()
	descs := make(chan *prometheus.Desc)
	go func() { defer close(descs); reg.Describe(descs) }()
	for d := range descs {
		part := descriptor.FindStringSubmatch(strings.ReplaceAll(d.String(), "\n", " "))
		if part == nil {
			t.Fatalf("%s", d)
		}
		m := metric{labels: map[string]map[string]bool{}}
		for _, label := range strings.FieldsFunc(part[2], func(r rune) bool { return r == ',' }) {
			m.labels[label] = map[string]bool{}
		}
		known[part[1]] = m
	}
	gathered(t, known, reg)
}

// gathered adds what a registry shows now.
func gathered(t *testing.T, known map[string]metric, reg *prometheus.Registry) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		m := known[f.GetName()]
		if m.labels == nil {
			m.labels = map[string]map[string]bool{}
		}
		for _, series := range f.GetMetric() {
			m.histogram, m.other = series.GetHistogram() != nil, series.GetHistogram() == nil
			for _, pair := range series.GetLabel() {
				if m.labels[pair.GetName()] == nil {
					m.labels[pair.GetName()] = map[string]bool{}
				}
				if pair.GetValue() != "" {
					m.labels[pair.GetName()][pair.GetValue()] = true
				}
			}
		}
		known[f.GetName()] = m
	}
}

var (
	constant = regexp.MustCompile(`(?m)^\t(\w+)\s*=\s*(?:(\w+) \+ )?"(\w+)"`)
	use      = regexp.MustCompile(`\.(Counter|Gauge|Timer)\((?:metrics\.)?(\w+)\)`)
)

// sdk returns a registry with every metric that the source of Temporal's SDK
// names, each shown once, with every label that it may have. Most of them
// could not be provoked here.
func sdk(t *testing.T) *prometheus.Registry {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "go.temporal.io/sdk").Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(strings.TrimSpace(string(out)), "internal")
	source, err := os.ReadFile(filepath.Join(dir, "common", "metrics", "constants.go"))
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]string{}
	files, _ := filepath.Glob(filepath.Join(dir, "*.go"))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range use.FindAllStringSubmatch(string(text), -1) {
			kinds[u[2]] = u[1]
		}
	}
	values, labels := map[string]string{}, map[string]string{}
	var names []string
	for _, c := range constant.FindAllStringSubmatch(string(source), -1) {
		name := c[1]
		values[name] = values[c[2]] + c[3]
		switch {
		case strings.HasSuffix(name, "TagName"), name == "RequestFailureCode":
			labels[values[name]] = "" // which values it may have is not known here
		case strings.HasPrefix(values[name], "temporal_") && values[name] != "temporal_":
			names = append(names, name)
		}
	}
	if len(names) < 40 || len(labels) < 8 {
		t.Fatalf("the SDK's source names %d metrics and %d labels", len(names), len(labels))
	}
	reg := prometheus.NewRegistry()
	handler, err := temporalx.NewMetrics(reg)
	if err != nil {
		t.Fatal(err)
	}
	handler = handler.WithTags(labels)
	for _, name := range names {
		switch {
		case kinds[name] == "Gauge":
			handler.Gauge(values[name]).Update(1)
		case kinds[name] == "Timer" || strings.Contains(name, "Latency"):
			handler.Timer(values[name]).Record(time.Second)
		default:
			handler.Counter(values[name]).Inc(1)
		}
	}
	return reg
}

// The labels that all series of a process have in common are not shown, and
// requests are not by what is behind them: that would be thousands of series.
func TestSeriesOfTheSDKAreFew(t *testing.T) {
	known := map[string]metric{}
	gathered(t, known, sdk(t))
	for name, m := range known {
		for _, label := range []string{"namespace", "client_name", "task_queue", "otel_scope_name"} {
			if m.labels[label] != nil {
				t.Errorf("%s has the label %s", name, label)
			}
		}
		if strings.Contains(name, "request") && m.labels["activity_type"] != nil {
			t.Errorf("%s is by type of activity", name)
		}
	}
	for _, name := range []string{"temporal_request_total", "temporal_activity_execution_latency_seconds", "temporal_num_pollers"} {
		if _, ok := known[name]; !ok {
			t.Errorf("there is no %s", name)
		}
	}
}

// What is personal, or one of millions, is no label.
func TestLabelsHoldNoIDs(t *testing.T) {
	allowed := []string{
		"company", "consumer", "kind", "status", "state", "outcome", "queue", "vendor", "path", "method", "route", "schedule", "reason", // ours
		"version", "checksum", // of the build
	}
	known := map[string]metric{}
	described(t, known, program(t))
	for name, m := range known {
		for label := range m.labels {
			if strings.HasPrefix(name, "orgflow_") && !slices.Contains(allowed, label) {
				t.Errorf("%s has the label %s", name, label)
			}
		}
	}
	if len(known) < 20 {
		t.Errorf("%d metrics", len(known))
	}
}
