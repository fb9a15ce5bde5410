package activities

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/temporal"

	"orgflow"
	wcsim "orgflow/connectors/wecom/sim"
)

// importing lets a world send waves of more than so many changes as imports,
// which take half a minute; whoever waits makes the time pass.
func (w *weCom) importing(above int) *weCom {
	w.t.Helper()
	w.options(`{"job_seconds": 30}`)
	w.configure(weComSettings(fmt.Sprintf(`, "import_above": %d`, above)))
	return w
}

// arrived counts the calls that arrived at a path since the last look.
func (w *weCom) arrived() map[string]int {
	out := map[string]int{}
	for _, e := range w.sim.Desk().Requests().Log {
		out[strings.TrimPrefix(e.Path, "/cgi-bin/")]++
	}
	w.sim.Desk().ClearRequests()
	return out
}

// crowded is a company of n persons, a few of them with somebody above them,
// whom no file can carry.
func crowded(n int) ([]org, []person) {
	orgs, people := team(n)
	people[1].Manager, people[2].Manager = 1001, 1001
	return orgs, people
}

// afterwards is crowded a year later: new titles for all, one who moves, one
// who leaves, one new number, and as many again.
func afterwards(n int) ([]org, []person) {
	orgs, people := crowded(2 * n)
	for i := range people {
		people[i].Title = "高级工程师"
	}
	people[5].Dept, people[6].Mobile = 12, "10099999999"
	return orgs, slices.Delete(people, 7, 8)
}

// A company that is sent as import jobs is what it is by single calls.
func TestAWaveGoesAsAnImport(t *testing.T) {
	files, calls := newWeCom(t).importing(50), newWeCom(t)
	for i, rows := range []func(int) ([]org, []person){crowded, afterwards} {
		for _, w := range []*weCom{files, calls} {
			w.source.hold(rows(60))
			s := w.syncOnce(w.job(""))
			if s.Status != orgflow.StatusCompleted {
				t.Fatalf("run %d ends %s: %s", i, s.Status, w.troubles(s.ID))
			}
			n := w.arrived()
			switch {
			case w == calls && n["batch/syncuser"] != 0:
				t.Errorf("run %d starts %d imports", i, n["batch/syncuser"])
			case w == files && (n["user/create"] > 3 || n["user/update"] > 5 || n["batch/syncuser"] != i+1 || n["batch/getresult"] > 20):
				t.Errorf("run %d makes these calls: %v", i, n)
			}
			again := w.syncOnce(w.job(""))
			if n := w.sim.Desk().Requests().Writes; n != 0 || again.Progress.Total != 0 {
				t.Fatalf("the run after run %d writes %d times: %+v", i, n, again.Plan)
			}
			w.arrived()
		}
		if d := cmp.Diff(calls.picture(), files.picture()); d != "" {
			t.Fatalf("run %d: %s", i, d)
		}
	}
}

// Only waves of persons with more changes than the setting says are meant,
// and none where it says nothing.
func TestWhichWavesAreImported(t *testing.T) {
	for above, want := range map[int]bool{0: false, 59: true, 60: false} {
		w := newWeCom(t).importing(above)
		w.source.hold(team(60))
		_, planned := w.planned(w.job(""))
		for _, wave := range planned.Waves {
			if got := wave.Import > 0; got != (want && wave.Phase == "person_insert") {
				t.Errorf("above %d: %s is an import: %v", above, wave.Phase, got)
			}
		}
	}
	w := newWeCom(t).importing(1)
	w.source.hold(team(60))
	w.syncOnce(w.job(""))
	w.source.hold(team(1))
	_, planned := w.planned(w.job(""))
	if len(planned.Waves) != 1 || planned.Waves[0].Import != 0 {
		t.Errorf("deletes go as %+v", planned.Waves)
	}
}

// A bad line fails alone, with the vendor's words, and is tried again by the
// next run; a line that a call can mend is mended.
func TestABadLineFailsAlone(t *testing.T) {
	w := newWeCom(t).importing(50)
	state := w.sim.State().(wcsim.State)
	state.Users = append(state.Users, wcsim.User{UserID: "HAND", Name: "手工", Mobile: "10000001005", Department: []int64{1}, Order: []int64{0}, Leader: []int64{0}, MainDepartment: 1, Status: 4})
	if err := w.sim.PutState(raw(state)); err != nil {
		t.Fatal(err)
	}
	w.source.hold(team(60))
	s := w.syncOnce(w.job(""))
	if got := s.Applied[orgflow.Person][orgflow.Insert]; got.Done != 59 || got.Failed != 1 || s.Status != orgflow.StatusCompletedWithFailures {
		t.Fatalf("%+v, %s %s", got, s.Status, w.troubles(s.ID))
	}
	if c := w.changes(s.ID)["person:1005"]; c.State != orgflow.Failed || c.Error == nil || c.Error.VendorCode != "60104" || c.Error.Code != orgflow.CodeConflict {
		t.Errorf("%+v", c)
	}
	if n := w.arrived(); n["user/create"] != 0 || n["batch/syncuser"] != 1 {
		t.Errorf("calls %v", n)
	}
	if again := w.syncOnce(w.job("")); again.Progress.Total != 1 {
		t.Errorf("the next run plans %+v", again.Plan)
	}
}

// A department that is gone is not made anew by a file.
func TestNoFileMakesADepartment(t *testing.T) {
	w := newWeCom(t).importing(50)
	w.source.hold(team(0))
	w.syncOnce(w.job(""))
	state := w.sim.State().(wcsim.State)
	state.Departments = slices.DeleteFunc(state.Departments, func(d wcsim.Department) bool { return d.Name == "研发" })
	if err := w.sim.PutState(raw(state)); err != nil {
		t.Fatal(err)
	}
	orgs, people := team(120)
	for i := range 60 {
		people[i].Dept = 12
	}
	w.source.hold(orgs, people)
	s := w.syncOnce(w.job(""))
	if got := s.Applied[orgflow.Person][orgflow.Insert]; got.Done != 60 || got.Blocked != 60 {
		t.Errorf("%+v %s", got, w.troubles(s.ID))
	}
	if n := len(w.sim.State().(wcsim.State).Departments); n != len(state.Departments) {
		t.Errorf("%d departments", n)
	}
}

// What passes by itself costs time and no record; what the consumer does not
// take as a file goes by calls.
func TestAnImportThatDoesNotGoWell(t *testing.T) {
	for name, x := range map[string]struct {
		fault   string
		creates int
	}{
		"the answer to the upload is lost":  {`{"path": "/cgi-bin/media/upload", "times": 2, "drop_connection": true}`, 0},
		"the answer to the start is lost":   {`{"path": "/cgi-bin/batch/syncuser", "times": 1, "after_commit": true, "drop_connection": true}`, 0},
		"the start is not readable":         {`{"path": "/cgi-bin/batch/syncuser", "times": 2, "body": "<html>"}`, 0},
		"somebody else imports":             {`{"path": "/cgi-bin/batch/syncuser", "times": 9, "errcode": 302008}`, 0},
		"WeCom is busy":                     {`{"path": "/cgi-bin/batch/syncuser", "times": 2, "errcode": -1}`, 0},
		"the results are not to be had":     {`{"path": "/cgi-bin/batch/getresult", "times": 2, "http_status": 502}`, 0},
		"the job is forgotten":              {`{"path": "/cgi-bin/batch/getresult", "errcode": 40089}`, 60},
		"the job never existed":             {`{"path": "/cgi-bin/batch/getresult", "errcode": 40088}`, 60},
		"the file is refused":               {`{"path": "/cgi-bin/batch/syncuser", "errcode": 40092}`, 60},
		"the result says nothing of anyone": {`{"path": "/cgi-bin/batch/getresult", "body": "{\"errcode\":0,\"status\":3,\"type\":\"sync_user\",\"result\":[]}"}`, 60},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWeCom(t).importing(50)
			w.source.hold(team(60))
			w.fault(x.fault)
			s := w.syncOnce(w.job(""))
			want := newWeCom(t)
			want.source.hold(team(60))
			want.syncOnce(w.job(""))
			if d := cmp.Diff(want.picture(), w.picture()); d != "" || s.Status != orgflow.StatusCompleted {
				t.Errorf("ends %s: %s %s", s.Status, w.troubles(s.ID), d)
			}
			if n := w.arrived(); n["user/create"] > x.creates || x.creates > 0 && n["user/create"]+n["user/get"] < x.creates {
				t.Errorf("calls %v", n)
			}
			if open, err := w.db.OpenImports(t.Context(), orgflow.Target{CompanyID: company, Consumer: "we_com"}); err != nil || len(open) != 0 {
				t.Errorf("still open: %v, %v", open, err)
			}
		})
	}
}

// Without the right to import nothing is sent.
func TestAnImportThatIsForbidden(t *testing.T) {
	w := newWeCom(t).importing(50)
	w.source.hold(team(60))
	w.fault(`{"path": "/cgi-bin/batch/syncuser", "errcode": 48002}`)
	run, planned := w.planned(w.job(""))
	last := len(planned.Waves) - 1
	for _, wave := range planned.Waves[:last] {
		if _, err := w.apply(task{}, run, wave); err != nil {
			t.Fatal(err)
		}
	}
	_, err := w.apply(task{}, run, planned.Waves[last])
	wantFault(t, err, orgflow.CodeForbidden, false)
	if n := w.arrived(); n["user/create"] != 0 {
		t.Errorf("calls %v", n)
	}
	w.noClaimIsLeft(run, planned.Waves[last])
}

// peopleAtWork brings a run to the wave of its persons: 60 with a title and
// 60 without, which makes two files.
func (w *weCom) peopleAtWork() (run string, wave Wave) {
	w.t.Helper()
	orgs, people := team(120)
	for i := range 60 {
		people[i].Title = ""
	}
	w.source.hold(orgs, people)
	run, planned := w.planned(w.job(""))
	last := len(planned.Waves) - 1
	for _, wave := range planned.Waves[:last] {
		if _, err := w.apply(task{}, run, wave); err != nil {
			w.t.Fatal(err)
		}
	}
	return run, planned.Waves[last]
}

// A cancelled run waits for the job under way, records what became of it, and
// begins no other.
func TestACancelledImportStopsBetweenJobs(t *testing.T) {
	w := newWeCom(t).importing(50)
	run, wave := w.peopleAtWork()
	ctx, cancel := context.WithCancelCause(context.Background())
	w.sync.Sleep = func(ctx context.Context, d time.Duration) error {
		cancel(temporal.NewCanceledError())
		return w.wait(ctx, d)
	}
	w.arrived()
	_, err := w.apply(task{ctx: ctx}, run, wave)
	if !errors.Is(err, context.Canceled) && !temporal.IsCanceledError(err) {
		t.Fatalf("err = %v", err)
	}
	if n := w.arrived(); n["batch/syncuser"] != 1 || n["user/create"] != 0 {
		t.Errorf("calls %v", n)
	}
	w.wantStates(run, map[orgflow.State]int{orgflow.Done: 62, orgflow.Planned: 60})
	w.noClaimIsLeft(run, wave)
}

// Nobody waits for ever: what a cancelled run leaves behind is in doubt.
func TestACancelledImportIsGivenUpInTheEnd(t *testing.T) {
	w := newWeCom(t).importing(50)
	run, wave := w.peopleAtWork()
	w.options(`{"job_seconds": 3600}`)
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(temporal.NewCanceledError())
	began := w.at
	w.sync.Sleep = w.wait
	if _, err := w.apply(task{ctx: ctx}, run, wave); err == nil {
		t.Error("nothing was cancelled")
	}
	if n := w.arrived(); n["batch/syncuser"] != 0 || w.at.Sub(began) > time.Minute {
		t.Errorf("an import begins after the cancellation, or it takes %s", w.at.Sub(began))
	}
	live, cancel := context.WithCancelCause(context.Background())
	w.sync.Sleep = func(ctx context.Context, d time.Duration) error {
		cancel(temporal.NewCanceledError())
		return w.wait(ctx, d)
	}
	_, err := w.apply(task{ctx: live}, run, wave)
	if err == nil {
		t.Error("nothing was cancelled")
	}
	if took := w.at.Sub(began); took < importGrace-importPollMost || took > importGrace+time.Minute {
		t.Errorf("it takes %s: %v", took, err)
	}
	if n, err := w.db.CountDoubts(t.Context(), run); n != 60 || err != nil {
		t.Errorf("%d in doubt, %v", n, err)
	}
}

// A job that a run left behind is waited for before anything newer is sent:
// else it would undo it.
func TestAJobLeftBehindUndoesNothing(t *testing.T) {
	w := newWeCom(t).importing(50)
	w.source.hold(team(60))
	w.syncOnce(w.job(""))
	orgs, people := team(60)
	for i := range people {
		people[i].Title = "旧"
	}
	w.source.hold(orgs, people)
	run, planned := w.planned(w.job(""))
	stopping := make(chan struct{})
	w.sync.Sleep = func(ctx context.Context, d time.Duration) error { close(stopping); return w.wait(ctx, 0) }
	_, err := w.apply(task{stopping: stopping}, run, planned.Waves[0])
	wantFault(t, err, orgflow.CodeUnavailable, true)
	w.finish(FinishParams{RunID: run, Canceled: true})
	w.importing(0) // and from now on nothing is imported
	for i := range people {
		people[i].Title = "新"
	}
	w.source.hold(orgs, people)
	if s := w.syncOnce(w.job("")); s.Status != orgflow.StatusCompleted {
		t.Fatalf("ends %s: %s", s.Status, w.troubles(s.ID))
	}
	w.pass(time.Hour)
	w.source.hold(orgs, append(people, person{ID: 1999, Dept: 11, Title: "新"})) // another call, before which jobs end
	w.syncOnce(w.job(""))
	for _, u := range w.sim.State().(wcsim.State).Users {
		if u.Position != "新" {
			t.Fatalf("%s is %s", u.UserID, u.Position)
		}
	}
}

// A worker may die between any two steps of an import. The next one goes on
// with its job, or hands the same file over again.
func TestAWorkerMayBeKilledAtAnyStepOfAnImport(t *testing.T) {
	first := newWeCom(t).importing(50)
	first.source.hold(crowded(60))
	first.completes("the first run")
	moment := first.freeze()
	begin := func(t *testing.T, r *reaper) *weCom {
		w := weComAt(moment.again(t)).importing(50)
		w.source.hold(afterwards(60))
		w.endanger(r)
		return w
	}
	calm := &reaper{}
	w := begin(t, calm)
	if s := w.survive(calm, w.job(""), true); s.Status != orgflow.StatusCompleted {
		t.Fatalf("the undisturbed run ends %s: %s", s.Status, w.troubles(s.ID))
	}
	want, jobs := w.picture(), w.arrived()["batch/syncuser"]
	steps := slices.DeleteFunc(slices.Clone(calm.seen), func(p string) bool {
		return !slices.ContainsFunc([]string{"batch/", "media/", "list_id", "simplelist", "Import", "ClaimPage", "RecordOutcomes"}, func(s string) bool { return strings.Contains(p, s) })
	})
	if len(steps) < 20 {
		t.Fatalf("these are not all steps: %q", steps)
	}
	eachDeath(t, deaths(steps, killEvery), func(t *testing.T, r *reaper) {
		w := begin(t, r)
		if r.after { // the job ends before anybody asks for it
			next := w.revive
			w.revive = func() *Sync { w.pass(time.Minute); return next() }
		}
		s := w.survive(r, w.job(""), true)
		if d := cmp.Diff(want, w.picture()); d != "" || s.Status != orgflow.StatusCompleted {
			t.Errorf("the run ends %s: %s %s", s.Status, w.troubles(s.ID), d)
		}
		n := w.arrived()
		if n["user/create"] > 3 || n["user/update"] > 8 || n["user/get"] > 12 {
			t.Errorf("the jobs' people went by calls: %v", n)
		}
		forgotten := strings.Contains(r.at, "syncuser") || strings.Contains(r.at, "PutImport") && !r.after
		if n["batch/syncuser"] > jobs && !forgotten || n["batch/syncuser"] > jobs+20 {
			t.Errorf("%d jobs instead of %d", n["batch/syncuser"], jobs)
		}
		w.quiet()
	})
}
