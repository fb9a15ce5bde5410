package activities

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"orgflow"
	"orgflow/connectors/rest/simbase"
)

// flavour is a shipped definition with its simulator.
type flavour struct {
	vendor
	// shows tells what a simulator holds as the source would describe it.
	shows func(state any) map[string]string
	// oauth2 replaces the definition's authentication where a token that can
	// expire is wanted.
	oauth2 string
}

var flavours = []flavour{
	{vendor: emmCloudVendor(), shows: emmPicture},
	{
		vendor: scimVendor("{}"), shows: scimPicture,
		oauth2: `{"kind": "oauth2", "token_url": "/oauth2.0/token", "client_id": "scimsim-client", "client_secret": "{settings.token}"}`,
	},
}

// newDeclared opens an enterprise whose consumer is a definition.
func newDeclared(t *testing.T, f flavour) *enterprise {
	t.Helper()
	return declaredOn(t, f, freshDatabase(t), nil)
}

func declaredOn(t *testing.T, f flavour, url string, state json.RawMessage) *enterprise {
	t.Helper()
	return f.at(openSite(t, f.vendor, url, state))
}

// at puts the definition into the company's folder where it is not the
// shipped one.
func (f flavour) at(w *site) *enterprise {
	if f.oauth2 != "" {
		head, rest, _ := strings.Cut(string(shipped(f.code)), `"auth": {`)
		_, tail, _ := strings.Cut(rest, "}\"},\n")
		w.write(f.code+".consumer.json", head+`"auth": `+f.oauth2+",\n"+tail)
		w.configure(strings.Replace(f.settings, "scimsim-token", "scimsim-secret", 1))
	}
	return &enterprise{w, f.shows, f.wanted}
}

// emmPicture: ids are the source's.
func emmPicture(state any) map[string]string {
	s := state.(simbase.State)
	out := map[string]string{}
	for _, o := range s.Orgs {
		f := o["fields"].(map[string]any)
		out["org "+f["id"].(string)] = fmt.Sprint(f["name"], " in ", strings.Replace(f["parentId"].(string), "root", "10", 1))
	}
	for _, o := range s.Persons {
		f := o["fields"].(map[string]any)
		var in []string
		for _, id := range f["departmentIds"].([]any) {
			in = append(in, id.(string))
		}
		out["person "+f["userId"].(string)] = fmt.Sprint(f["name"], " ", f["mobile"], " ", simbase.Text(f["title"]), " in ", in, " under ", simbase.Text(f["managerId"]))
	}
	return out
}

// scimPicture: ids are the provider's, and departments are known by name.
func scimPicture(state any) map[string]string {
	s := state.(simbase.State)
	out, names, numbers := map[string]string{}, map[string][]string{}, map[string]string{}
	for _, u := range s.Persons {
		numbers[u["id"].(string)] = u["userName"].(string)
	}
	for _, g := range s.Orgs {
		out["org "+g["displayName"].(string)] = "there"
		members, _ := g["members"].([]any)
		for _, m := range members {
			id := m.(map[string]any)["value"].(string)
			names[id] = append(names[id], g["displayName"].(string))
		}
	}
	for _, u := range s.Persons {
		ext, _ := u["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"].(map[string]any)
		manager, _ := ext["manager"].(map[string]any)
		phone := u["phoneNumbers"].([]any)[0].(map[string]any)["value"]
		out["person "+u["userName"].(string)] = fmt.Sprint(u["displayName"], " ", phone, " ", simbase.Text(u["title"]), " in ", names[u["id"].(string)], " under ", numbers[simbase.Text(manager["value"])])
	}
	return out
}

// wanted is what the source looks like at the consumer.
func (f flavour) wanted(orgs []org, people []person) map[string]string {
	out, names := map[string]string{}, map[int]string{}
	for _, o := range orgs {
		if names[o.ID] = o.Name; o.ID == 10 {
			continue
		}
		if f.code == "scim" {
			out["org "+o.Name] = "there"
		} else {
			out[fmt.Sprint("org ", o.ID)] = fmt.Sprint(o.Name, " in ", o.Parent)
		}
	}
	for _, p := range people {
		row := decodeRow(p)
		in := fmt.Sprint(p.Dept)
		if f.code == "scim" {
			in = names[p.Dept]
		}
		manager := ""
		if p.Manager != 0 {
			manager = decodeRow(person{ID: p.Manager}).Number
		}
		out["person "+row.Number] = fmt.Sprint(row.Name, " ", row.Mobile, " ", p.Title, " in [", in, "] under ", manager)
	}
	return out
}

func eachFlavour(t *testing.T, test func(t *testing.T, f flavour)) {
	for _, f := range flavours {
		t.Run(f.code, func(t *testing.T) { test(t, f) })
	}
}

// A company is pushed, changed and pushed again: joiners, leavers, moves,
// names, a department dissolved, managers of each other. A run without news
// writes nothing.
func TestACompanyIsPushedByADefinition(t *testing.T) {
	eachFlavour(t, func(t *testing.T, f flavour) {
		newDeclared(t, f).follows(before, later, before)
	})
}

// What passes by itself costs time and no record; nothing is done twice. No
// fault comes so often that one record could meet more of them than it is
// tried, whatever the order of calls.
func TestADefinitionSurvivesTheNetwork(t *testing.T) {
	faults := map[string]string{
		"lost answers":        `{"path": "*", "every": 5, "times": 3, "after_commit": true}`,
		"a gateway's failure": `{"path": "*", "every": 7, "times": 2, "http_status": 502, "body": "<html>"}`,
		"HTML under 200":      `{"path": "*", "every": 7, "times": 2, "body": "<html>ok</html>"}`,
		"half an answer":      `{"path": "*", "every": 7, "times": 2, "after_commit": true, "body": "{\"code\":0,\"schemas\":[\"x\"],"}`,
		"too fast":            `{"path": "*", "every": 2, "times": 15, "http_status": 429}`,
	}
	for i, f := range flavours {
		for _, name := range sampled(3*i, slices.Sorted(maps.Keys(faults))) {
			t.Run(f.code+" "+name, func(t *testing.T) {
				w := newDeclared(t, f)
				for _, state := range []staffing{before, later} {
					w.source.hold(state())
					w.fault(faults[name])
					w.completes("the run in trouble")
					w.sim.Desk().ClearFaults()
				}
				if d := w.differs(later()); d != "" {
					t.Error(d)
				}
				w.quiet()
			})
		}
	}
}

// A token that ends is renewed once, and the refused calls are made again.
func TestADefinitionsTokenIsRenewed(t *testing.T) {
	eachFlavour(t, func(t *testing.T, f flavour) {
		w := newDeclared(t, f)
		w.source.hold(before())
		if s := w.completes("the first run"); s.TokenRenewals != 1 {
			t.Errorf("%d renewals for the first token", s.TokenRenewals)
		}
		if err := w.sim.ExpireTokens(); err != nil {
			t.Fatal(err)
		}
		w.source.hold(later())
		if s := w.completes("the run with an expired token"); s.TokenRenewals != 1 {
			t.Errorf("%d renewals", s.TokenRenewals)
		}
		if d := w.differs(later()); d != "" {
			t.Error(d)
		}
	})
}

// One bad record fails alone, wherever in a batch it stands.
func TestOneBadRecordOfADefinition(t *testing.T) {
	eachFlavour(t, func(t *testing.T, f flavour) {
		w := newDeclared(t, f)
		w.source.hold(team(7))
		w.options(`{"refuse": ["E1003"]}`)
		s := w.syncOnce(w.job(""))
		if got := s.Applied[orgflow.Person][orgflow.Insert]; got.Done != 6 || got.Failed != 1 || s.Status != orgflow.StatusCompletedWithFailures {
			t.Fatalf("%+v %s %s", got, s.Status, w.troubles(s.ID))
		}
		if c := w.changes(s.ID)["person:1003"]; c.Error == nil || c.Error.Code != orgflow.CodeInvalidRecord {
			t.Errorf("%+v", c)
		}
		w.options(`{"refuse": []}`)
		if again := w.completes("the next run"); again.Progress.Total != 1 {
			t.Errorf("%+v", again.Plan)
		}
	})
}

// A first run against a filled consumer takes over what is there.
func TestADefinitionAdoptsWhatIsThere(t *testing.T) {
	eachFlavour(t, func(t *testing.T, f flavour) {
		first := newDeclared(t, f)
		first.source.hold(team(5))
		first.completes("the run that fills it")
		w := declaredOn(t, f, freshDatabase(t), raw(first.sim.State()))
		w.source.hold(team(5))
		if s := w.reads(`{}`); s.Status != orgflow.StatusCompleted || w.sim.Desk().Requests().Writes > 0 {
			t.Errorf("the first run of another installation ends %s: %s", s.Status, w.troubles(s.ID))
		}
		if d := w.differs(team(5)); d != "" {
			t.Error(d)
		}
		w.quiet()
	})
}

// Somebody who changes or deletes at the consumer is undone by a reconcile
// run, and by nothing else.
func TestADefinitionReconciles(t *testing.T) {
	eachFlavour(t, func(t *testing.T, f flavour) {
		w := newDeclared(t, f)
		w.source.hold(team(5))
		w.completes("the first run")
		meddled := strings.Replace(strings.Replace(string(raw(w.sim.State())), "员工1002", "别人", 2), "研发", "别处", 1)
		if err := w.sim.PutState(json.RawMessage(meddled)); err != nil {
			t.Fatal(err)
		}
		s := w.reads(`{"mode": "reconcile"}`)
		if d := w.differs(team(5)); d != "" || s.Status != orgflow.StatusCompleted || s.Progress.Total != 2 {
			t.Errorf("ends %s with %d changes: %s %s", s.Status, s.Progress.Total, w.troubles(s.ID), d)
		}
	})
}

// Somebody changes at the consumer what the source has changed too: nothing is
// sent, and the next run, which does not look, sends nothing either.
func TestADefinitionKnowsWhatWasPutRightByHand(t *testing.T) {
	eachFlavour(t, func(t *testing.T, f flavour) {
		w := newDeclared(t, f)
		w.source.hold(team(5))
		w.completes("the first run")
		orgs, people := team(5)
		orgs[1].Name = "开发"
		w.source.hold(orgs, people)
		if err := w.sim.PutState(json.RawMessage(strings.Replace(string(raw(w.sim.State())), "研发", "开发", 1))); err != nil {
			t.Fatal(err)
		}
		if s := w.reads(`{"mode": "reconcile"}`); s.Status != orgflow.StatusCompleted || s.Progress.Total != 0 {
			t.Errorf("ends %s with %d changes: %s", s.Status, s.Progress.Total, w.troubles(s.ID))
		}
		w.quiet()
	})
}

// A worker may die at any call: what it leaves behind is found, not done
// again.
func TestAWorkerMayBeKilledAtAnyCallOfADefinition(t *testing.T) {
	eachFlavour(t, func(t *testing.T, f flavour) {
		killedAtCalls(t, newDeclared(t, f), before, later)
	})
}
