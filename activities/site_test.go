package activities

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/simctl"
	"orgflow/internal/store"
)

// vendor is a consumer of the build with its simulator.
type vendor struct {
	code     string // in company.json
	settings string // its section of company.json; BASE is the simulator's address
	// simulator makes its simulator; connect makes its connector of its
	// settings, as the program does.
	simulator func(now func() time.Time) simctl.Simulator
	connect   func(s connectors.Settings, wire http.RoundTripper, now func() time.Time) (connectors.Consumer, error)
	// defined tells that there is no connector of its name, only a
	// definition in the files.
	defined bool
}

// site is a world in which a vendor's connector talks to its simulator over
// HTTP. Connector, simulator and workers have one clock, which moves on when
// somebody waits.
type site struct {
	*world
	vendor vendor
	sim    simctl.Simulator
	base   string // the simulator's address
}

// newSite opens an empty database and an empty simulator.
func newSite(t testing.TB, v vendor) *site {
	t.Helper()
	return openSite(t, v, freshDatabase(t), nil)
}

// openSite opens a database and a simulator that holds state.
func openSite(t testing.TB, v vendor, url string, state json.RawMessage) *site {
	t.Helper()
	w := &site{world: openWorld(t, url), vendor: v}
	w.sim = v.simulator(w.now)
	if state != nil {
		if err := w.sim.PutState(state); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(simctl.NewHost(w.sim))
	t.Cleanup(server.Close)
	w.base = server.URL + "/" + w.sim.Name()
	w.configure(v.settings)
	return w
}

// configure gives the consumer other settings and starts a worker.
func (w *site) configure(settings string) {
	w.t.Helper()
	head, _, _ := strings.Cut(companyJSON, `"consumers"`)
	w.write("company.json", head+`"consumers": {"`+w.vendor.code+`": `+strings.ReplaceAll(settings, "BASE", w.base)+`}}`)
	w.sync = w.process(w.db, http.DefaultTransport)
}

// process is a worker that just started.
func (w *site) process(db Store, wire http.RoundTripper) *Sync {
	s := w.worker(db, nil)
	s.Sleep = w.wait
	connect := func(set connectors.Settings) (connectors.Consumer, error) { return w.vendor.connect(set, wire, w.now) }
	if w.vendor.defined {
		s.Connectors = registry("", nil, w.source).Defined(connect)
	} else {
		s.Connectors = registry(w.vendor.code, connect, w.source)
	}
	return s
}

// endanger replaces the worker by one that the reaper watches, and so each
// that comes after it.
func (w *site) endanger(r *reaper) {
	w.revive = func() *Sync { return w.process(mortal{w.db, r}, mortalWire{r}) }
	w.sync = w.revive()
}

// siteMoment is a site at some time, from which several go on.
type siteMoment struct {
	moment
	vendor vendor
	state  json.RawMessage
}

func (w *site) freeze() siteMoment {
	w.t.Helper()
	return siteMoment{w.world.freeze(), w.vendor, raw(w.sim.State())}
}

// again opens the moment once more.
func (m siteMoment) again(t testing.TB) *site {
	t.Helper()
	w := openSite(t, m.vendor, m.open(t), m.state)
	w.number, w.at = m.number, m.at
	return w
}

// job is one for both kinds, deletes let through unless params say otherwise.
func (w *site) job(params string) json.RawMessage {
	return json.RawMessage(strings.ReplaceAll(string(bothKinds(params)), "ding_talk", w.vendor.code))
}

func (w *site) fault(raw string) {
	w.t.Helper()
	faults, err := simctl.DecodeFaults([]byte(raw))
	if err == nil {
		err = w.sim.Desk().AddFaults(faults...)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// options changes switches of the simulator.
func (w *site) options(raw string) {
	w.t.Helper()
	if err := w.sim.SetOptions(json.RawMessage(raw)); err != nil {
		w.t.Fatal(err)
	}
}

// completes carries out a job that must succeed.
func (w *site) completes(what string) orgflow.Summary {
	w.t.Helper()
	s := w.syncOnce(w.job(""))
	if s.Status != orgflow.StatusCompleted {
		w.t.Fatalf("%s ends %s: %+v %+v %s", what, s.Status, s.Error, s.Applied, w.troubles(s.ID))
	}
	return s
}

// quiet fails where a further run would change anything.
func (w *site) quiet() {
	w.t.Helper()
	w.sim.Desk().ClearRequests()
	s := w.completes("a run without news")
	if n := w.sim.Desk().Requests().Writes; s.Progress.Total != 0 || n != 0 {
		w.t.Fatalf("a run without news plans %+v and writes %d times", s.Plan, n)
	}
}

// reads carries out a whole job that first reads all the consumer holds.
func (w *site) reads(params string) orgflow.Summary {
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

// troubles lists what did not go well in a run, for a failing test.
func (w *site) troubles(run string) string {
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

// staffing is a company at the source.
type staffing func() ([]org, []person)

// enterprise is a site that can be compared with the source.
type enterprise struct {
	*site
	shows func(state any) map[string]string                   // what the simulator holds
	wants func(orgs []org, people []person) map[string]string // the same, as the source has it
}

func (w *enterprise) picture() map[string]string { return w.shows(w.sim.State()) }

// differs says what the consumer holds that the source does not have so.
func (w *enterprise) differs(orgs []org, people []person) string {
	return cmp.Diff(w.wants(orgs, people), w.picture())
}

// follows carries a company over from one state to the next, by one run each;
// a further run without news writes nothing.
func (w *enterprise) follows(states ...staffing) {
	w.t.Helper()
	for i, state := range states {
		w.source.hold(state())
		w.completes(fmt.Sprint("run ", i))
		if d := w.differs(state()); d != "" {
			w.t.Errorf("after run %d: %s", i, d)
		}
		w.quiet()
	}
}

// outcome says what is wrong with a run that should have brought a company
// over.
func (w *enterprise) outcome(s orgflow.Summary, state staffing) string {
	w.t.Helper()
	d := w.differs(state())
	if s.Status != orgflow.StatusCompleted {
		d = fmt.Sprintf("the run ends %s: %s %s", s.Status, w.troubles(s.ID), d)
	}
	return d
}

// killedAtCalls carries a company over from one state to the next, with a
// worker that dies at one of its calls: what it leaves behind is found, not
// done again.
func killedAtCalls(t *testing.T, first *enterprise, from, to staffing) {
	t.Helper()
	first.source.hold(from())
	first.completes("the first run")
	moment := first.freeze()
	begin := func(t *testing.T, r *reaper) *enterprise {
		w := &enterprise{moment.again(t), first.shows, first.wants}
		w.source.hold(to())
		w.endanger(r)
		return w
	}
	survives := func(t *testing.T, r *reaper) {
		w := begin(t, r)
		if d := w.outcome(w.survive(r, w.job(""), true), to); d != "" {
			t.Error(d)
		}
		r.retire()
		w.quiet()
	}
	calm := &reaper{}
	survives(t, calm)
	eachDeath(t, deaths(calm.calls(), killEvery), survives)
}
