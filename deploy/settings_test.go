package deploy_test

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"orgflow/internal/config"
)

// composeOnly are variables of the compose file, for which programs do not ask.
var composeOnly = []string{"POSTGRES_PASSWORD", "ORGFLOW_DB_PASSWORD", "TEMPORAL_DB_PASSWORD", "ORGFLOW_TAG"}

// line is a line of env.example: a setting, with # before it where the
// default does.
type line struct {
	name, value string
	optional    bool
}

func example(t *testing.T) (all []line) {
	t.Helper()
	raw, err := os.ReadFile("env.example")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^(#?)([A-Z][A-Z_]*)=(.*)$`).FindAllStringSubmatch(string(raw), -1) {
		all = append(all, line{name: m[2], value: m[3], optional: m[1] == "#"})
	}
	return all
}

func TestTheExampleHasEverySetting(t *testing.T) {
	var names []string
	for _, s := range example(t) {
		names = append(names, s.name)
	}
	same(t, "deploy/env.example", names, append(config.Variables(), composeOnly...))
}

// same wants two lists to be one, whatever their order.
func same(t *testing.T, where string, got, want []string) {
	t.Helper()
	for _, name := range got {
		if !slices.Contains(want, name) {
			t.Errorf("%s has %s, which is no setting", where, name)
		}
	}
	for _, name := range want {
		if n := len(slices.DeleteFunc(slices.Clone(got), func(g string) bool { return g != name })); n != 1 {
			t.Errorf("%s has %s %d times", where, name, n)
		}
	}
}

// What the example shows as a default changes nothing when it is set.
func TestTheExampleShowsDefaults(t *testing.T) {
	for _, name := range config.Variables() {
		t.Setenv(name, "")
	}
	load := func() config.Config {
		c, err := config.Load(config.RoleStandalone)
		if err != nil {
			t.Fatal(err)
		}
		c.KeyRing = nil // reads again what it was given
		return c
	}
	plain := load()
	for _, s := range example(t) {
		if !s.optional || s.value == "" || slices.Contains(composeOnly, s.name) || s.name == "ORGFLOW_HTTP_DRAIN" { // that one is beyond loopback only
			continue
		}
		t.Setenv(s.name, s.value)
		if got := load(); !reflect.DeepEqual(got, plain) {
			t.Errorf("%s=%s is not what there is without it", s.name, s.value)
		}
		t.Setenv(s.name, "")
	}
}

// TestTheReadmesHaveEverySetting: the tables of both languages name each once.
// A name that begins with _ goes on where the first of its row leaves off.
func TestTheReadmesHaveEverySetting(t *testing.T) {
	row := regexp.MustCompile("(?m)^\\| ((?:`[A-Z_]+`(?:, |、)?)+) \\|")
	for _, page := range []string{"../README.md", "../README.zh-CN.md"} {
		raw, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, m := range row.FindAllStringSubmatch(string(raw), -1) {
			first := ""
			for _, n := range regexp.MustCompile("[A-Z_]+").FindAllString(m[1], -1) {
				if first == "" {
					first = n
				} else if n[0] == '_' {
					n = continued(first, n)
				}
				names = append(names, n)
			}
		}
		// OpenTelemetry has dozens of its own; the table names the first.
		own := func(n string) bool { return strings.HasPrefix(n, "OTEL_") && n != "OTEL_EXPORTER_OTLP_ENDPOINT" }
		same(t, page, names, slices.DeleteFunc(config.Variables(), own))
	}
}

// continued completes _TLS_KEY_FILE after ORGFLOW_TEMPORAL_TLS_ENABLED.
func continued(first, rest string) string {
	for i := len(first) - 1; i > 0; i-- {
		if name := first[:i] + rest; first[i] == '_' && slices.Contains(config.Variables(), name) {
			return name
		}
	}
	return first + rest
}
