package main

import (
	"encoding/json"
	"net/http/httptest"
	"slices"
	"testing"

	dtsim "orgflow/connectors/dingtalk/sim"
	hcmsim "orgflow/connectors/hcm/sim"
	"orgflow/connectors/simctl"
)

// The script is no straw man: whatever has changed at the HCM, it brings
// DingTalk to where a script that begins with nobody brings it.
func TestTheScriptMakesTheOrganisationRight(t *testing.T) {
	first := hcmsim.Generate(12, 60, 1)
	later, changes, err := changed(first, 10)
	if err != nil || changes != 7 { // 6 persons and 1 department
		t.Fatalf("%d changes: %v", changes, err)
	}
	smaller := withoutLast(t, later)
	old := simulated(t)
	for i, source := range []hcmsim.State{first, later, smaller, first} {
		fresh := simulated(t)
		for _, p := range []*process{old, fresh} {
			if err := p.source(t.Context(), source); err != nil {
				t.Fatal(err)
			}
			if err := runScript(t.Context(), p.sim); err != nil {
				t.Fatalf("run %d: %v", i, err)
			}
		}
		one, err := old.organisation(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		other, err := fresh.organisation(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := same(one, other); err != nil {
			t.Errorf("run %d: %v", i, err)
		}
		if len(other.Users) != len(source.Models["Employee"]) || len(other.Departments) != len(source.Models["Organization"]) {
			t.Errorf("run %d: %d users and %d departments", i, len(other.Users), len(other.Departments))
		}
	}
}

// withoutLast is a source without its last department and whoever is in that.
func withoutLast(t *testing.T, s hcmsim.State) hcmsim.State {
	orgs := s.Models["Organization"]
	var last orgRow
	if err := json.Unmarshal(orgs[len(orgs)-1], &last); err != nil {
		t.Fatal(err)
	}
	people := slices.DeleteFunc(slices.Clone(s.Models["Employee"]), func(raw json.RawMessage) bool {
		var p personRow
		if err := json.Unmarshal(raw, &p); err != nil {
			t.Fatal(err)
		}
		for _, d := range p.Departments {
			if d.OriginID == last.OriginID {
				return true
			}
		}
		return false
	})
	return hcmsim.State{Models: map[string][]json.RawMessage{"Organization": orgs[:len(orgs)-1], "Employee": people}}
}

// simulated is a process that has simulators only.
func simulated(t *testing.T) *process {
	host := simctl.NewHost(hcmsim.New(hcmsim.Options{}), dtsim.New(dtsim.Options{}))
	server := httptest.NewServer(host)
	t.Cleanup(server.Close)
	p := &process{sim: server.URL}
	if err := p.empty(t.Context(), `{"qps": 0}`); err != nil {
		t.Fatal(err)
	}
	return p
}
