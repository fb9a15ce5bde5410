package config

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/kelseyhightower/envconfig"
)

// environment is the settings as texts. They are parsed by check, not by
// envconfig, which stops at the first error and repeats the value in it.
type environment struct {
	HTTPAddr    string `envconfig:"ORGFLOW_HTTP_ADDR"`
	HTTPDrain   string `envconfig:"ORGFLOW_HTTP_DRAIN"`
	APIKeys     string `envconfig:"ORGFLOW_API_KEYS"`
	APIKeysFile string `envconfig:"ORGFLOW_API_KEYS_FILE"`
	DatabaseURL string `envconfig:"ORGFLOW_DATABASE_URL"`

	TemporalAddr      string `envconfig:"ORGFLOW_TEMPORAL_ADDR"`
	TemporalNamespace string `envconfig:"ORGFLOW_TEMPORAL_NAMESPACE"`
	TemporalTaskQueue string `envconfig:"ORGFLOW_TEMPORAL_TASK_QUEUE"`
	TemporalAPIKey    string `envconfig:"ORGFLOW_TEMPORAL_API_KEY"`
	TLSEnabled        string `envconfig:"ORGFLOW_TEMPORAL_TLS_ENABLED"`
	TLSCertFile       string `envconfig:"ORGFLOW_TEMPORAL_TLS_CERT_FILE"`
	TLSKeyFile        string `envconfig:"ORGFLOW_TEMPORAL_TLS_KEY_FILE"`
	TLSCAFile         string `envconfig:"ORGFLOW_TEMPORAL_TLS_CA_FILE"`
	TLSServerName     string `envconfig:"ORGFLOW_TEMPORAL_TLS_SERVER_NAME"`
	TemporalUIAddr    string `envconfig:"ORGFLOW_TEMPORAL_UI_ADDR"`
	TemporalUIURL     string `envconfig:"ORGFLOW_TEMPORAL_UI_URL"`

	SimAddr     string `envconfig:"ORGFLOW_SIM_ADDR"`
	DataDir     string `envconfig:"ORGFLOW_DATA_DIR"`
	MetaDir     string `envconfig:"ORGFLOW_META_DIR"`
	PayloadKey  string `envconfig:"ORGFLOW_PAYLOAD_KEY"`
	LogFormat   string `envconfig:"ORGFLOW_LOG_FORMAT"`
	LogLevel    string `envconfig:"ORGFLOW_LOG_LEVEL"`
	MetricsAddr string `envconfig:"ORGFLOW_METRICS_ADDR"`

	OTLPEndpoint       string `envconfig:"OTEL_EXPORTER_OTLP_ENDPOINT"`
	OTLPTracesEndpoint string `envconfig:"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"`
	OTLPProtocol       string `envconfig:"OTEL_EXPORTER_OTLP_PROTOCOL"`
	OTLPTracesProtocol string `envconfig:"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"`
	OTELDisabled       string `envconfig:"OTEL_SDK_DISABLED"`

	KeepRuns         string `envconfig:"ORGFLOW_KEEP_RUNS"`
	KeepStaged       string `envconfig:"ORGFLOW_KEEP_STAGED"`
	KeepLog          string `envconfig:"ORGFLOW_KEEP_LOG"`
	KeepAudit        string `envconfig:"ORGFLOW_KEEP_AUDIT"`
	KeepMessages     string `envconfig:"ORGFLOW_KEEP_MESSAGES"`
	KeepOrganisation string `envconfig:"ORGFLOW_KEEP_ORGANISATION"`
	KeepFlows        string `envconfig:"ORGFLOW_KEEP_FLOWS"`
	HTTPRate         string `envconfig:"ORGFLOW_HTTP_RATE"`
	HTTPRateFailures string `envconfig:"ORGFLOW_HTTP_RATE_FAILURES"`
	EgressAllow      string `envconfig:"ORGFLOW_EGRESS_ALLOW"`
}

// readEnvironment fills the texts, without surrounding white space. A
// variable set to nothing counts as not set.
func readEnvironment() (environment, error) {
	var e environment
	if err := envconfig.Process("", &e); err != nil {
		return e, fmt.Errorf("read settings: %w", err)
	}
	v := reflect.ValueOf(&e).Elem()
	for i := range v.NumField() {
		v.Field(i).SetString(strings.TrimSpace(v.Field(i).String()))
	}
	return e, nil
}

// Variables returns the names of all settings, in the contract's order.
func Variables() []string {
	t := reflect.TypeFor[environment]()
	names := make([]string, t.NumField())
	for i := range names {
		names[i] = t.Field(i).Tag.Get("envconfig")
	}
	return names
}

// unknownVariables warns of ORGFLOW_* variables nobody reads: most often a
// typing error. ORGFLOW_TEST_* belongs to the tests.
func unknownVariables() []string {
	known := Variables()
	var warnings []string
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, "ORGFLOW_") || strings.HasPrefix(name, "ORGFLOW_TEST_") || slices.Contains(known, name) {
			continue
		}
		warning := name + " is set but is no setting of orgflow"
		if near := nearest(name, known); near != "" {
			warning += "; did you mean " + near + "?"
		}
		warnings = append(warnings, warning)
	}
	slices.Sort(warnings)
	return warnings
}

// nearest returns the known name within three edits of name, if there is one.
func nearest(name string, known []string) string {
	best, distance := "", 4
	for _, k := range known {
		if d := edits(name, k); d < distance {
			best, distance = k, d
		}
	}
	return best
}

// edits is the Levenshtein distance.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
