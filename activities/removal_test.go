package activities

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	wcsim "orgflow/connectors/wecom/sim"
)

// Many leavers go in few calls. The one WeCom will not let go of fails alone,
// with the vendor's code; who has gone already is as good as gone.
func TestLeaversGoInCommonCalls(t *testing.T) {
	w := newWeCom(t)
	orgs, people := team(260)
	w.source.hold(orgs, people)
	w.completes("the first run")
	w.options(`{"creator": "E1077"}`)
	state := w.sim.State().(wcsim.State)
	state.Users = slices.DeleteFunc(state.Users, func(u wcsim.User) bool { return u.UserID == "E1150" })
	if err := w.sim.PutState(raw(state)); err != nil {
		t.Fatal(err)
	}
	w.arrived()
	w.source.hold(orgs, people[:10])
	s := w.syncOnce(w.job(""))
	if got := s.Applied[orgflow.Person][orgflow.Delete]; got.Done != 249 {
		t.Fatalf("%+v %s", got, w.troubles(s.ID))
	}
	if c := w.changes(s.ID)["person:1077"]; c.Error == nil || c.Error.VendorCode == "" {
		t.Errorf("the creator of the corp: %+v", c)
	}
	if n := w.arrived(); n["user/batchdelete"] < 2 || n["user/batchdelete"]+n["user/delete"] > 45 {
		t.Errorf("250 leavers take %v", n)
	}
	if left := len(w.sim.State().(wcsim.State).Users); left != 11 {
		t.Errorf("%d are left, want 10 and the creator", left)
	}
}

// A worker may die before and after each call that removes many; the next
// one finishes the job and touches nobody else.
func TestAWorkerMayBeKilledWhileItRemovesMany(t *testing.T) {
	orgs, people := team(30)
	first := newWeCom(t)
	first.source.hold(orgs, people)
	first.completes("the first run")
	moment := first.freeze()
	begin := func(t *testing.T, r *reaper) *weCom {
		w := weComAt(moment.again(t))
		w.source.hold(orgs, people[:5])
		w.endanger(r)
		return w
	}
	calm := &reaper{}
	w := begin(t, calm)
	if s := w.survive(calm, w.job(""), true); s.Status != orgflow.StatusCompleted {
		t.Fatalf("the undisturbed run ends %s: %s", s.Status, w.troubles(s.ID))
	}
	want := w.picture()
	if n := w.arrived(); n["user/batchdelete"] != 1 || n["user/delete"] != 0 || len(want) == 0 {
		t.Fatalf("25 leavers take %v", n)
	}
	steps := slices.DeleteFunc(slices.Clone(calm.seen), func(p string) bool {
		return !slices.ContainsFunc([]string{"delete", "ClaimPage", "RecordOutcomes"}, func(s string) bool { return strings.Contains(p, s) })
	})
	eachDeath(t, deaths(steps, killEvery), func(t *testing.T, r *reaper) {
		w := begin(t, r)
		s := w.survive(r, w.job(""), true)
		if d := cmp.Diff(want, w.picture()); d != "" || s.Status != orgflow.StatusCompleted {
			t.Errorf("the run ends %s: %s %s", s.Status, w.troubles(s.ID), d)
		}
		w.quiet()
	})
}
