package activities

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/rest"
	"orgflow/connectors/rest/scimsim"
	restsim "orgflow/connectors/rest/sim"
	"orgflow/connectors/rest/simbase"
	"orgflow/connectors/simctl"
	"orgflow/internal/store"
)

// flavour is a shipped definition with its simulator.
type flavour struct {
	name, settings string
	make           func(*rest.Definition) simctl.Simulator
	// picture shows what a simulator holds as the source would describe it.
	picture func(simbase.State) map[string]string
	// oauth2 replaces the definition's authentication where a token that can
	// expire is wanted.
	oauth2 string
	update string // path of a call that changes a person
}

var flavours = []flavour{
	{
		name: "emm_cloud", settings: `{"client_id": "restsim-client", "client_secret": "restsim-secret"}`,
		make:    func(d *rest.Definition) simctl.Simulator { return restsim.New("emmcloud", d, simbase.Options{}) },
		picture: emmPicture, update: "/api/sys/v6.0/users/*",
	},
	{
		name: "scim", settings: `{"token": "scimsim-token"}`,
		make:    func(*rest.Definition) simctl.Simulator { return scimsim.New(simbase.Options{}) },
		picture: scimPicture, update: "/Users/*",
		oauth2: `{"kind": "oauth2", "token_url": "/oauth2.0/token", "client_id": "scimsim-client", "client_secret": "{settings.token}"}`,
	},
}

// declared is a world whose consumer is a definition, talking to its
// simulator over HTTP.
type declared struct {
	*world
	flavour
	sim simctl.Simulator
	url string
}

func newDeclared(t *testing.T, f flavour) *declared {
	return declaredOn(t, f, freshDatabase(t), nil)
}

func declaredOn(t *testing.T, f flavour, path string, state json.RawMessage) *declared {
	t.Helper()
	w := &declared{world: openWorld(t, "sqlite://"+path), flavour: f}
	raw, err := os.ReadFile("../meta/" + f.name + ".consumer.json")
	if err != nil {
		t.Fatal(err)
	}
	if f.oauth2 != "" {
		head, rest, _ := strings.Cut(string(raw), `"auth": {`)
		_, tail, _ := strings.Cut(rest, "}\"},\n")
		raw = []byte(head + `"auth": ` + f.oauth2 + ",\n" + tail)
		w.write(f.name+".consumer.json", string(raw))
	}
	def, err := rest.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	w.sim = f.make(def)
	if state != nil {
		if err := w.sim.PutState(state); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(w.sim)
	t.Cleanup(server.Close)
	w.url = server.URL
	settings := f.settings
	if f.oauth2 != "" {
		settings = `{"token": "scimsim-secret"}`
	}
	w.write("company.json", `{"company_id": 7, "name": "测试公司", "time_zone": "Asia/Shanghai",
  "source": {"type": "hcm", "base_url": "http://127.0.0.1:1/hcm", "auth": {"mode": "bearer", "token": "t"}, "page_size": 500},
  "consumers": {"`+f.name+`": {"base_url": "`+w.url+`", "qps": 0, "settings": `+settings+`}}}`)
	w.sync = w.process(w.db, http.DefaultTransport)
	return w
}

// process is a worker that just started: it has no connector of the name,
// only the definition in the files.
func (w *declared) process(db Store, wire http.RoundTripper) *Sync {
	s := w.worker(db, nil)
	s.Connectors = connectors.NewRegistry(nil,
		map[string]connectors.SourceFactory{"hcm": func(connectors.Settings) (connectors.Source, error) { return w.source, nil }},
	).Defined(func(s connectors.Settings) (connectors.Consumer, error) {
		def, err := rest.Parse(s.Definition)
		if err != nil {
			return nil, err
		}
		cfg, err := rest.ParseConfig(s.JSON)
		if err != nil {
			return nil, err
		}
		return rest.New(def, cfg, rest.Options{Name: s.Name, Transport: wire})
	})
	return s
}

func (w *declared) job(params string) json.RawMessage {
	return json.RawMessage(strings.ReplaceAll(string(bothKinds(params)), "ding_talk", w.name))
}

func (w *declared) shows() map[string]string { return w.picture(w.sim.State().(simbase.State)) }

func (w *declared) fault(raw string) {
	w.t.Helper()
	faults, err := simctl.DecodeFaults([]byte(raw))
	if err == nil {
		err = w.sim.Desk().AddFaults(faults...)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// troubles lists what did not go well, for a failing test.
func (w *declared) troubles(run string) string {
	var out strings.Builder
	page, _, err := w.db.ListChanges(w.t.Context(), run, store.ChangeFilter{Limit: 200})
	for _, c := range page {
		if c.State != orgflow.Done {
			fmt.Fprintf(&out, "\n%s %s %s: %s %v %v", c.Op, c.Kind, c.SourceID, c.State, c.Reason, c.Error)
		}
	}
	if err != nil {
		fmt.Fprint(&out, err)
	}
	return out.String()
}

func (w *declared) completes(what string) orgflow.Summary {
	w.t.Helper()
	s := w.syncOnce(w.job(""))
	if s.Status != orgflow.StatusCompleted {
		w.t.Fatalf("%s ends %s: %+v %s", what, s.Status, s.Error, w.troubles(s.ID))
	}
	return s
}

// reads carries out a whole job that first reads all the consumer holds.
func (w *declared) reads(params string) orgflow.Summary {
	w.t.Helper()
	p := w.begin(w.job(params))
	w.fetch(p)
	for {
		got, err := w.readRemote(task{}, p.RunID)
		if err != nil {
			w.t.Fatal(err)
		}
		if got.Done {
			if !got.Complete {
				w.t.Fatalf("the read is not whole: %s", got.Cause)
			}
			break
		}
	}
	return w.rest(p.RunID, w.plan(p.RunID))
}

// emmPicture: ids are the source's.
func emmPicture(s simbase.State) map[string]string {
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
func scimPicture(s simbase.State) map[string]string {
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
		if f.name == "scim" {
			out["org "+o.Name] = "there"
		} else {
			out[fmt.Sprint("org ", o.ID)] = fmt.Sprint(o.Name, " in ", o.Parent)
		}
	}
	for _, p := range people {
		row := decodeRow(p)
		in := fmt.Sprint(p.Dept)
		if f.name == "scim" {
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
		t.Run(f.name, func(t *testing.T) { test(t, f) })
	}
}

// A company is pushed, changed and pushed again: joiners, leavers, moves,
// names, a department dissolved, managers of each other. A run without news
// writes nothing.
func TestACompanyIsPushedByADefinition(t *testing.T) {
	eachFlavour(t, func(t *testing.T, f flavour) {
		w := newDeclared(t, f)
		for i, rows := range []func() ([]org, []person){before, later, before} {
			w.source.hold(rows())
			w.completes(fmt.Sprint("run ", i))
			if d := cmp.Diff(f.wanted(rows()), w.shows()); d != "" {
				t.Errorf("after run %d: %s", i, d)
			}
			w.sim.Desk().ClearRequests()
			again := w.completes("a run without news")
			if n := w.sim.Desk().Requests().Writes; n != 0 || again.Progress.Total != 0 {
				t.Fatalf("the run after run %d writes %d times: %+v", i, n, again.Plan)
			}
		}
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
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			eachFlavour(t, func(t *testing.T, f flavour) {
				w := newDeclared(t, f)
				w.source.hold(before())
				w.fault(fault)
				w.completes("the first run")
				w.sim.Desk().ClearFaults()
				w.source.hold(later())
				w.fault(fault)
				w.completes("the second run")
				w.sim.Desk().ClearFaults()
				if d := cmp.Diff(f.wanted(later()), w.shows()); d != "" {
					t.Error(d)
				}
				if again := w.completes("the quiet run"); again.Progress.Total != 0 {
					t.Errorf("%+v", again.Plan)
				}
			})
		})
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
		if d := cmp.Diff(f.wanted(later()), w.shows()); d != "" {
			t.Error(d)
		}
	})
}

// One bad record fails alone, wherever in a batch it stands.
func TestOneBadRecordOfADefinition(t *testing.T) {
	eachFlavour(t, func(t *testing.T, f flavour) {
		w := newDeclared(t, f)
		w.source.hold(team(7))
		if err := w.sim.SetOptions(json.RawMessage(`{"refuse": ["E1003"]}`)); err != nil {
			t.Fatal(err)
		}
		s := w.syncOnce(w.job(""))
		if got := s.Applied[orgflow.Person][orgflow.Insert]; got.Done != 6 || got.Failed != 1 || s.Status != orgflow.StatusCompletedWithFailures {
			t.Fatalf("%+v %s %s", got, s.Status, w.troubles(s.ID))
		}
		if c := w.changes(s.ID)["person:1003"]; c.Error == nil || c.Error.Code != orgflow.CodeInvalidRecord {
			t.Errorf("%+v", c)
		}
		if err := w.sim.SetOptions(json.RawMessage(`{"refuse": []}`)); err != nil {
			t.Fatal(err)
		}
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
		if d := cmp.Diff(f.wanted(team(5)), w.shows()); d != "" {
			t.Error(d)
		}
		if again := w.completes("the quiet run"); again.Progress.Total != 0 {
			t.Errorf("%+v", again.Plan)
		}
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
		if d := cmp.Diff(f.wanted(team(5)), w.shows()); d != "" || s.Status != orgflow.StatusCompleted || s.Progress.Total != 2 {
			t.Errorf("ends %s with %d changes: %s %s", s.Status, s.Progress.Total, w.troubles(s.ID), d)
		}
	})
}

// A worker may die at any call: what it leaves behind is found, not done
// again.
func TestAWorkerMayBeKilledAtAnyCallOfADefinition(t *testing.T) {
	eachFlavour(t, func(t *testing.T, f flavour) {
		path := freshDatabase(t)
		first := declaredOn(t, f, path, nil)
		first.source.hold(before())
		first.completes("the first run")
		state := raw(first.sim.State())
		if err := first.db.Close(); err != nil {
			t.Fatal(err)
		}
		database, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		begin := func(t *testing.T, r *reaper) *declared {
			path := filepath.Join(t.TempDir(), "orgflow.db")
			if err := os.WriteFile(path, database, 0o600); err != nil {
				t.Fatal(err)
			}
			w := declaredOn(t, f, path, state)
			w.number, w.at = first.number, first.at
			w.source.hold(later())
			r.count = map[string]int{}
			w.revive = func() *Sync { return w.process(mortal{w.db, r}, mortalWire{r}) }
			w.sync = w.revive()
			return w
		}
		calm := &reaper{}
		w := begin(t, calm)
		if s := w.survive(calm, w.job(""), true); s.Status != orgflow.StatusCompleted {
			t.Fatalf("the undisturbed run ends %s: %s", s.Status, w.troubles(s.ID))
		}
		calls := slices.DeleteFunc(slices.Clone(calm.seen), func(p string) bool { return !strings.HasPrefix(p, "call of") })
		for i, point := range calls {
			for _, after := range []bool{false, true} {
				if i%killEvery != 0 {
					continue
				}
				t.Run(map[bool]string{false: "before ", true: "after "}[after]+point, func(t *testing.T) {
					t.Parallel()
					r := &reaper{at: point, after: after}
					w := begin(t, r)
					s := w.survive(r, w.job(""), true)
					if r.at != "" {
						t.Skip("another order of calls: nobody was killed")
					}
					if d := cmp.Diff(f.wanted(later()), w.shows()); d != "" || s.Status != orgflow.StatusCompleted {
						t.Errorf("the run ends %s: %s %s", s.Status, w.troubles(s.ID), d)
					}
					if again := w.completes("the quiet run"); again.Progress.Total != 0 {
						t.Errorf("the run after it wants %d changes", again.Progress.Total)
					}
				})
			}
		}
	})
}
