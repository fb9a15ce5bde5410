package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/simctl"
	"orgflow/internal/store"
)

// trial is a world in which a subject's connector talks to its simulator
// over HTTP. Connector, simulator and workers have one clock, which moves on
// when somebody waits.
type trial struct {
	*world
	subject
	sim  simctl.Simulator
	base string // address of all simulators and their control calls
	// restore are options that a scenario has to put back.
	restore string
}

// newTrial opens an empty database and an empty simulator.
func newTrial(t *testing.T, s subject) *trial { return openTrial(t, s, freshDatabase(t), nil) }

// openTrial opens a database and a simulator that holds state.
func openTrial(t *testing.T, s subject, path string, state json.RawMessage) *trial {
	t.Helper()
	w := &trial{world: openWorld(t, "sqlite://"+path), subject: s}
	w.sim = s.simulator(w.now)
	if state != nil {
		if err := w.sim.PutState(state); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(simctl.NewHost(w.sim))
	t.Cleanup(server.Close)
	w.base = server.URL
	for name, content := range s.files {
		w.write(name, content)
	}
	section := strings.ReplaceAll(s.settings, "BASE", w.base+"/"+w.sim.Name())
	head, _, _ := strings.Cut(companyJSON, `"consumers"`)
	w.write("company.json", head+`"consumers": {"`+s.code+`": `+section+`}}`)
	w.sync = w.process(w.db, http.DefaultTransport)
	return w
}

// process is a worker that just started.
func (w *trial) process(db Store, wire http.RoundTripper) *Sync {
	s := w.worker(db, nil)
	s.Sleep = w.wait
	connect := func(set connectors.Settings) (connectors.Consumer, error) { return w.connect(set, wire, w.now) }
	s.Connectors = connectors.NewRegistry(
		map[string]connectors.ConsumerFactory{w.code: connect},
		map[string]connectors.SourceFactory{"hcm": func(connectors.Settings) (connectors.Source, error) { return w.source, nil }},
	)
	return s
}

// wait lets time pass.
func (w *trial) wait(ctx context.Context, d time.Duration) error {
	w.mu.Lock()
	w.slept, w.at = append(w.slept, d), w.at.Add(d)
	w.mu.Unlock()
	return ctx.Err()
}

// job is one for both kinds, deletes let through unless params say otherwise.
func (w *trial) job(params string) json.RawMessage {
	return json.RawMessage(strings.ReplaceAll(string(bothKinds(params)), "ding_talk", w.code))
}

// control makes a control call of the simulator.
func (w *trial) control(method, call, body string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.base+"/_sim/"+w.sim.Name()+"/"+call, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		w.t.Fatalf("%s %s: status %d", method, call, res.StatusCode)
	}
}

func (w *trial) fault(fault string) { w.control(http.MethodPost, "faults", fault) }

// rows is an organisation at the source.
type rows struct {
	orgs   []org
	people []person
	title  string // of a subject's extras
}

// staff is the company most scenarios begin with: two levels, leaders, and
// two people who are each other's managers.
func staff() rows {
	r := rows{orgs: []org{
		{ID: 10, Name: "公司"}, {ID: 11, Name: "研发", Parent: 10, Manager: 1001}, {ID: 12, Name: "销售", Parent: 10, Manager: 1003},
		{ID: 13, Name: "支部", Parent: 11}, {ID: 14, Name: "旧部", Parent: 10},
	}}
	for i, dept := range []int{11, 11, 12, 12, 13, 13, 14, 11} {
		r.people = append(r.people, person{ID: 1001 + i, Dept: dept, Title: "工程师"})
	}
	r.people[0].Manager, r.people[1].Manager, r.people[2].Manager = 1002, 1001, 1001
	return r
}

func (r *rows) org(id int) *org {
	return &r.orgs[slices.IndexFunc(r.orgs, func(o org) bool { return o.ID == id })]
}

func (r *rows) person(id int) *person {
	return &r.people[slices.IndexFunc(r.people, func(p person) bool { return p.ID == id })]
}

func (r *rows) leaves(ids ...int) {
	r.people = slices.DeleteFunc(r.people, func(p person) bool { return slices.Contains(ids, p.ID) })
}

func (r *rows) joins(p person) { r.people = append(r.people, p) }

func (w *trial) hold(r rows) { w.source.hold(r.orgs, w.everybody(r)) }

// everybody are the rows' people and the subject's extras.
func (w *trial) everybody(r rows) []person {
	all := slices.Clone(r.people)
	for i := range w.extras {
		all = append(all, person{ID: 5001 + i, Dept: 12, Title: "职员" + r.title})
	}
	return all
}

// picture is an organisation by source ids: what it shall be, or is.
type picture map[string]any

// wanted is what the rows look like at the consumer.
func (w *trial) wanted(r rows) picture {
	out := picture{}
	for _, o := range r.orgs[1:] { // the root is the consumer's own
		d := heldOrg{Name: o.Name, Parent: fmt.Sprint(o.Parent)}
		if w.lacks[lacksParents] != "" {
			d.Parent = ""
		}
		if o.Manager != 0 && w.lacks[lacksLeaders] == "" {
			d.Leaders = []string{fmt.Sprint(o.Manager)}
		}
		out[fmt.Sprintf("org %d", o.ID)] = d
	}
	for _, p := range w.everybody(r) {
		var row struct{ Name, Mobile string }
		if err := json.Unmarshal(p.row(), &row); err != nil {
			w.t.Fatal(err)
		}
		h := heldPerson{Name: row.Name, Mobile: row.Mobile, Title: p.Title, Orgs: []string{fmt.Sprint(p.Dept)}}
		if p.Manager != 0 && w.lacks[lacksManagers] == "" {
			h.Manager = fmt.Sprint(p.Manager)
		}
		out[fmt.Sprintf("person %d", p.ID)] = h
	}
	return out
}

// picture is what the simulator holds. What no binding knows keeps the
// consumer's id: it was made twice, or by nobody.
func (w *trial) picture() picture {
	w.t.Helper()
	names, root := map[string]string{}, ""
	for _, kind := range []orgflow.Kind{orgflow.Org, orgflow.Person} {
		for b, err := range w.db.Bindings(w.t.Context(), orgflow.Target{CompanyID: company, Consumer: w.code}, kind) {
			if err != nil {
				w.t.Fatal(err)
			}
			if names[string(kind)+" "+b.ConsumerID] = b.SourceID; b.State == orgflow.BindingRoot {
				root = b.ConsumerID
			}
		}
	}
	ours := func(kind orgflow.Kind, id string) string {
		if name, bound := names[string(kind)+" "+id]; bound {
			return name
		}
		return "unbound " + id
	}
	all := func(kind orgflow.Kind, ids []string) (out []string) {
		for _, id := range ids {
			out = append(out, ours(kind, id))
		}
		slices.Sort(out)
		return out
	}
	out, held := picture{}, w.holds(w.sim.State())
	for id, d := range held.orgs {
		if id != root {
			if d.Leaders = all(orgflow.Person, d.Leaders); w.lacks[lacksParents] == "" {
				d.Parent = ours(orgflow.Org, d.Parent)
			}
			out["org "+ours(orgflow.Org, id)] = d
		}
	}
	for id, p := range held.people {
		p.Orgs = all(orgflow.Org, p.Orgs)
		if p.Manager != "" {
			p.Manager = ours(orgflow.Person, p.Manager)
		}
		out["person "+ours(orgflow.Person, id)] = p
	}
	return out
}

// completes carries a job out that must succeed, and leave the consumer with
// just these rows.
func (w *trial) completes(r rows) orgflow.Summary {
	w.t.Helper()
	w.hold(r)
	s := w.syncOnce(w.job(""))
	w.completed(s, r)
	return s
}

func (w *trial) completed(s orgflow.Summary, r rows) {
	w.t.Helper()
	if s.Status != orgflow.StatusCompleted {
		w.t.Fatalf("the run ends %s: %s", s.Status, w.troubles(s.ID))
	}
	w.holdsJust(r)
}

func (w *trial) holdsJust(r rows) {
	w.t.Helper()
	if d := cmp.Diff(w.wanted(r), w.picture()); d != "" {
		w.t.Fatalf("the consumer holds something else: %s", d)
	}
}

// quiet fails where a further run would write anything.
func (w *trial) quiet() {
	w.t.Helper()
	w.sim.Desk().ClearRequests()
	if s, n := w.syncOnce(w.job("")), w.sim.Desk().Requests().Writes; s.Progress.Total != 0 || n != 0 || s.Status != orgflow.StatusCompleted {
		w.t.Fatalf("a run without news plans %d changes, writes %d times and ends %s: %s", s.Progress.Total, n, s.Status, w.troubles(s.ID))
	}
}

// troubles lists what did not go well, for a failing test.
func (w *trial) troubles(run string) string {
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

// pushed is a moment at which everybody of staff is at the consumer.
type pushed struct {
	subject
	database []byte
	state    json.RawMessage
	number   int
	at       time.Time
}

func push(t *testing.T, s subject) pushed {
	t.Helper()
	path := freshDatabase(t)
	w := openTrial(t, s, path, nil)
	w.completes(staff())
	if err := w.db.Close(); err != nil { // folds the journal into the file
		t.Fatal(err)
	}
	database, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return pushed{subject: s, database: database, state: raw(w.sim.State()), number: w.number, at: w.at}
}

// again opens the moment once more.
func (p pushed) again(t *testing.T) *trial {
	t.Helper()
	path := filepath.Join(t.TempDir(), "orgflow.db")
	if err := os.WriteFile(path, p.database, 0o600); err != nil {
		t.Fatal(err)
	}
	w := openTrial(t, p.subject, path, p.state)
	w.number, w.at = p.number, p.at
	return w
}
