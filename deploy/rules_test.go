package deploy_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// rules is an alert file as Prometheus reads it.
type rules struct {
	Groups []struct {
		Name  string
		Rules []rule
	}
}

type rule struct {
	Alert       string
	Expr        string
	For         string
	Labels      map[string]string
	Annotations map[string]string
}

func alerts(t *testing.T) (all []rule) {
	t.Helper()
	f, err := os.Open("prometheus/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var file rules
	decoder := yaml.NewDecoder(f)
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	if len(all) < 10 {
		t.Fatalf("%d alerts", len(all))
	}
	return all
}

var shown = regexp.MustCompile(`\$labels\.(\w+)`)

func TestAlertsAskForMetricsThatExist(t *testing.T) {
	known := existing(t)
	names := map[string]bool{}
	for _, r := range alerts(t) {
		if err := check(r.Expr, known); err != nil {
			t.Errorf("%s: %v", r.Alert, err)
		}
		if _, err := time.ParseDuration(r.For); r.For != "" && err != nil {
			t.Errorf("%s: for: %v", r.Alert, err)
		}
		if !slices.Contains([]string{"info", "warning", "critical"}, r.Labels["severity"]) || len(r.Labels) != 1 {
			t.Errorf("%s: labels %v", r.Alert, r.Labels)
		}
		if names[r.Alert] || !strings.HasPrefix(r.Alert, "Orgflow") {
			t.Errorf("the name %s stands twice, or is not ours", r.Alert)
		}
		names[r.Alert] = true
		e, _ := parse(r.Expr) // was checked above
		for _, label := range shown.FindAllStringSubmatch(r.Annotations["summary"], -1) {
			if !slices.Contains(append(e.grouped, "job", "instance"), label[1]) {
				t.Errorf("%s: the summary shows %s, which the expression drops", r.Alert, label[1])
			}
		}
		if r.Annotations["summary"] == "" {
			t.Errorf("%s: no summary", r.Alert)
		}
	}
}

func TestEveryAlertAndMetricIsExplained(t *testing.T) {
	raw, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for _, r := range alerts(t) {
		if !strings.Contains(text, "`"+r.Alert+"`") {
			t.Errorf("docs/operations.md does not say what to do about %s", r.Alert)
		}
	}
	known := map[string]metric{}
	described(t, known, program(t))
	for name := range known {
		if strings.HasPrefix(name, "orgflow_") && !strings.Contains(text, "`"+name+"`") {
			t.Errorf("docs/operations.md does not explain %s", name)
		}
	}
	for _, name := range regexp.MustCompile("`(orgflow_\\w+)`").FindAllStringSubmatch(text, -1) {
		if _, ok := known[name[1]]; !ok && !strings.HasPrefix(name[1], "orgflow_gone_") { // columns of tables
			t.Errorf("docs/operations.md explains %s, which does not exist", name[1])
		}
	}
}

// board is a Grafana dashboard, as far as it is looked at here.
type board struct {
	UID, Title string
	Panels     []panel
}

type panel struct {
	ID      int
	Type    string
	Title   string
	GridPos struct{ X, Y, W, H int }
	Targets []struct{ Expr, RefID, LegendFormat string }
}

var legend = regexp.MustCompile(`\{\{(\w+)\}\}`)

func TestDashboardAsksForMetricsThatExist(t *testing.T) {
	raw, err := os.ReadFile("grafana/orgflow.json")
	if err != nil {
		t.Fatal(err)
	}
	var b board
	if err := json.Unmarshal(raw, &b); err != nil {
		t.Fatal(err)
	}
	known, ids, cells := existing(t), map[int]bool{}, map[[2]int]string{}
	for _, p := range b.Panels {
		if ids[p.ID] {
			t.Errorf("panel %d stands twice", p.ID)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other, taken := cells[[2]int{x, y}]; taken || x >= 24 {
					t.Fatalf("%q lies over %q or beyond the edge", p.Title, other)
				}
				cells[[2]int{x, y}] = p.Title
			}
		}
		if (p.Type == "row") != (len(p.Targets) == 0) {
			t.Errorf("%q: a %s with %d expressions", p.Title, p.Type, len(p.Targets))
		}
		for _, target := range p.Targets {
			expr := strings.ReplaceAll(target.Expr, "$__rate_interval", "5m")
			if err := check(expr, known); err != nil {
				t.Errorf("%q: %v", p.Title, err)
				continue
			}
			e, _ := parse(expr) // was checked above
			for _, label := range legend.FindAllStringSubmatch(target.LegendFormat, -1) {
				if !slices.Contains(append(e.grouped, "job", "instance"), label[1]) {
					t.Errorf("%q: the legend shows %s, which the expression drops", p.Title, label[1])
				}
			}
		}
	}
	if len(b.Panels) < 12 {
		t.Errorf("%d panels", len(b.Panels))
	}
}

func TestExpressionsThatAreWrongAreFound(t *testing.T) {
	known := map[string]metric{
		"c_total": {other: true, labels: map[string]map[string]bool{"state": {"failed": true, "done": true}, "vendor": {}}},
		"h":       {histogram: true, labels: map[string]map[string]bool{"kind": {}}},
		"g":       {other: true},
	}
	for expr, right := range map[string]bool{
		`g > 0`: true, `sum by (state) (rate(c_total{state=~"failed|done"}[5m])) / g > 0.5`: true,
		`histogram_quantile(0.9, sum by (le, kind) (rate(h_bucket[5m])))`: true, `sum(rate(c_total{state="done",vendor!="x"}[1h30m])) by (state)`: true,
		`max(g) and absent(g) or g{job="x"} * 3600`: true, `h_sum / h_count`: true,
		``: false, `1 > 0`: false, `x`: false, `h`: false, `c_total_sum`: false, `g_bucket`: false, `h_total`: false,
		`sum(g`: false, `g)`: false, `g{`: false, `g{a}`: false, `g{a="b"}`: false, `{state="x"}`: false, `rate(g[5])`: false, `rate(g[])`: false,
		`summ(g)`: false, `sum by (kind) (c_total)`: false, `sum by state (c_total)`: false, `sum by (le) (h_count)`: false,
		`c_total{state="fialed"}`: false, `c_total{state=~"failed|x"}`: false, `g ? 1`: false, `g{state="x}`: false,
	} {
		if err := check(expr, known); (err == nil) != right {
			t.Errorf("%s: %v", expr, err)
		}
	}
}
