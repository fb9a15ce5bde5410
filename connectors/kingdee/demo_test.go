package kingdee

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"orgflow/connectors"
	kdsim "orgflow/connectors/kingdee/sim"
	"orgflow/connectors/simctl"
)

// The demo company's connection fits the simulator as standalone mounts it,
// and two years hold all of its orders.
func TestTheDemoCompany(t *testing.T) {
	sim := kdsim.New(kdsim.Options{})
	now := day(11, 21)
	if err := sim.Put(kdsim.Demo(now)); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(simctl.NewHost(sim))
	defer server.Close()
	raw, err := os.ReadFile("../../meta/companies/129/company.json")
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(`\$\{SIM_URL:-[^}]*\}`).ReplaceAllString(string(raw), server.URL)
	text = strings.ReplaceAll(text, "${K3_PASSWORD}", kdsim.DefaultSettings().Users[0].Password)
	var company struct{ ERP json.RawMessage }
	if err := json.Unmarshal([]byte(text), &company); err != nil {
		t.Fatal(err)
	}
	cfg, err := ParseConfig(company.ERP)
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	until := now.Add(8 * time.Hour) // as China's clock shows it
	got := readAll(t, c, orders(within(until.AddDate(-2, 0, 0), until), func(q *connectors.ERPQuery) { q.Limit = 2000 }), nil)
	if !slices.Equal(got, sequence(100001, 360)) {
		t.Errorf("%d orders", len(got))
	}
}
