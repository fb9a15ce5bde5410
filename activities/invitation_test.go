package activities

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/connectors"
)

// invite is what the directory does about somebody who has to agree.
func (d *directory) invite(record string, e connectors.Effect) (connectors.Receipt, error) {
	id, _ := e.Fields["userid"].(string)
	receipt := connectors.Receipt{ConsumerID: id}
	if at := d.people[id]; at != nil && at.key == record {
		at.take(e)
		return receipt, nil
	}
	receipt.Pending = true
	switch {
	case e.Invited && !e.Reinvite:
		return receipt, nil
	case e.Invited && e.InDoubt:
		receipt.Invited = true
		return receipt, nil
	case !d.asked[record]:
		return d.insert(d.people, record, e)
	}
	d.invited = append(d.invited, record)
	receipt.Invited, receipt.Writes = true, 1
	return receipt, nil
}

// leadsNone takes somebody who is gone out of the leaders.
func (d *directory) leadsNone(userid string) {
	for _, o := range d.orgs {
		rest := slices.DeleteFunc(listed(o.fields["dept_manager_userid_list"]), func(id string) bool { return id == userid })
		if o.fields["dept_manager_userid_list"] = strings.Join(rest, ","); len(rest) == 0 {
			delete(o.fields, "dept_manager_userid_list")
		}
	}
}

// accept lets somebody join with a number, in the first department.
func (d *directory) accept(record, userid, mobile string) {
	d.people[userid] = &entry{key: record, fields: map[string]any{"userid": userid, "mobile": mobile, "dept_id_list": "9001"}}
}

// invitedWorld is a company of n whose first person has to agree, after its
// first run.
func invitedWorld(t *testing.T, w *world, n int) {
	t.Helper()
	w.source.hold(team(n))
	w.remote.asked = map[string]bool{"person:1001": true}
	if s := w.syncOnce(bothKinds("")); s.Status != orgflow.StatusCompleted {
		t.Fatalf("the first run ends %s: %+v", s.Status, s.Applied)
	}
}

// night is one run of the day after: what became of the record, the calls and
// how many invitations there have been.
func (w *world) night(record string) (orgflow.Summary, orgflow.Change) {
	w.t.Helper()
	w.pass(24 * time.Hour)
	w.remote.calls = nil
	run, planned := w.planned(bothKinds(""))
	s := w.rest(run, planned)
	return s, w.changes(run)[record+"/"+orgflow.AspectInvitation]
}

func TestSomebodyInvitedIsLookedForEveryNightAndInvitedOnceAWeek(t *testing.T) {
	eachDatabase(t, func(t *testing.T, w *world) {
		invitedWorld(t, w, 3)
		first := w.bindings()["person:1001"]
		if first.State != orgflow.BindingPending || first.InvitedAt.IsZero() {
			t.Fatalf("binding %+v", first)
		}
		for night := 1; night <= 15; night++ {
			s, c := w.night("person:1001")
			if c.State != orgflow.PendingInvite || s.Status != orgflow.StatusCompleted || len(w.remote.calls) != 1 {
				t.Fatalf("night %d: %s, the run %s after %v", night, c.State, s.Status, w.remote.sent())
			}
			if got := s.Applied[orgflow.Person][orgflow.Insert]; got != (orgflow.Applied{Pending: 1}) || s.Plan[orgflow.Person].Invited != 1 {
				t.Errorf("night %d: applied %+v, plan %+v", night, got, s.Plan[orgflow.Person])
			}
			if n := len(w.remote.invited); n != 1+night/7 {
				t.Errorf("%d invitations by night %d, one every 7 days is right", n, night)
			}
			if night < 7 && !w.bindings()["person:1001"].InvitedAt.Equal(first.InvitedAt) {
				t.Errorf("night %d: a look has moved the time of the invitation", night)
			}
		}
		orgs, people := team(3)
		people[0].Title = "主管"
		w.source.hold(orgs, people)
		w.remote.accept("person:1001", "E1001", "10000001001")
		s, c := w.night("person:1001")
		if c.State != orgflow.Done || !strings.HasSuffix(c.Reason, "; has joined") || s.Progress.Total != 1 {
			t.Errorf("joined: %s: %s", c.State, c.Reason)
		}
		if b := w.bindings()["person:1001"]; b.State != orgflow.BindingActive || !b.InvitedAt.IsZero() || w.remote.people["E1001"].fields["title"] != "主管" {
			t.Errorf("binding %+v, person %v", b, w.remote.people["E1001"].fields)
		}
		if s, _ := w.night("person:1001"); s.Progress.Total != 0 || len(w.remote.invited) != 3 {
			t.Errorf("then %d changes, %d invitations", s.Progress.Total, len(w.remote.invited))
		}
	})
}

func TestALookThatSendsNothingIsLoggedSo(t *testing.T) {
	w := newWorld(t)
	invitedWorld(t, w, 1)
	w.night("person:1001")
	entries, _, err := w.db.RecordLog(t.Context(), target, orgflow.RecordKey{Kind: orgflow.Person, ID: "1001"}, "", 0)
	if err != nil || len(entries) != 2 {
		t.Fatal(entries, err)
	}
	if strings.Contains(string(entries[0].Request), "mobile") || !strings.Contains(string(entries[1].Request), "mobile") || entries[0].Calls != 1 {
		t.Errorf("the look says %s, the invitation %s", entries[0].Request, entries[1].Request)
	}
}

func TestAnotherNumberIsInvitedAtOnce(t *testing.T) {
	w := newWorld(t)
	invitedWorld(t, w, 1)
	orgs, people := team(1)
	people[0].Mobile = "10077770000"
	w.source.hold(orgs, people)
	for night, want := range []int{2, 2, 2} {
		if _, c := w.night("person:1001"); c.State != orgflow.PendingInvite || len(w.remote.invited) != want {
			t.Errorf("night %d: %s, %d invitations, want %d", night+1, c.State, len(w.remote.invited), want)
		}
	}
	if got := w.accepted("person:1001")["mobile"]; got != "10077770000" {
		t.Errorf("bound with the number %v", got)
	}
}

// Who joins with the number they were invited with, while the source has
// another, is re-created by the next run, under its delete limit.
func TestWhoJoinedWithTheOldNumberIsRecreatedLater(t *testing.T) {
	w := newWorld(t)
	invitedWorld(t, w, 1)
	orgs, people := team(1)
	people[0].Mobile = "10077770000"
	w.source.hold(orgs, people)
	w.remote.accept("person:1001", "E1001", "10000001001")
	w.remote.on("person:1001", reply{dropped: []string{"mobile"}})
	if _, c := w.night("person:1001"); c.State != orgflow.Done {
		t.Fatalf("%s: %+v", c.State, c.Error)
	}
	w.remote.asked = nil
	w.pass(24 * time.Hour)
	_, planned := w.planned(bothKinds(""))
	if got := planned.Counts[orgflow.Person]; got.Update != 1 || planned.Total != 2 {
		t.Errorf("the next plan has %+v, %d changes; want a recreate", got, planned.Total)
	}
}

func TestALeaverWhoNeverJoinedIsForgotten(t *testing.T) {
	w := newWorld(t)
	invitedWorld(t, w, 4)
	orgs, people := team(4)
	w.source.hold(orgs, people[1:])
	s, _ := w.night("person:1001")
	if got := s.Applied[orgflow.Person][orgflow.Delete]; got != (orgflow.Applied{Done: 1}) || len(w.remote.calls) != 1 {
		t.Fatalf("applied %+v after %v", got, w.remote.sent())
	}
	e := w.remote.calls[0].Effect
	if d := cmp.Diff(map[string]any{"name": "员工1001", "mobile": "10000001001"}, e.Fields); d != "" || !e.Invited || e.ConsumerID != "E1001" {
		t.Errorf("effect %+v: %s", e, d)
	}
	if _, bound := w.bindings()["person:1001"]; bound {
		t.Error("the leaver is bound still")
	}
	if s, _ := w.night("person:1001"); s.Progress.Total != 0 {
		t.Errorf("a further run has %d changes", s.Progress.Total)
	}
}

// A recreate can end in an invitation: the person is gone and has to agree
// first. What they lead and whom they manage is set again once they have.
func TestARecreateThatEndsInAnInvitation(t *testing.T) {
	for _, strict := range []bool{false, true} {
		t.Run(fmt.Sprintf("only members lead: %v", strict), func(t *testing.T) { recreateInvited(t, strict) })
	}
}

func recreateInvited(t *testing.T, strict bool) {
	w := newWorld(t)
	w.remote.strict = strict
	orgs, people := team(3)
	orgs[1].Manager, people[1].Manager = 1001, 1001
	w.source.hold(orgs, people)
	w.syncOnce(bothKinds(""))
	people[0].Mobile = "10077770000"
	w.source.hold(orgs, people)
	w.remote.asked = map[string]bool{"person:1001": true}
	s := w.syncOnce(bothKinds(""))
	if s.Status != orgflow.StatusCompleted {
		t.Fatalf("the recreate ends %s: %+v", s.Status, s.Applied)
	}
	if b := w.bindings()["person:1001"]; b.State != orgflow.BindingPending || b.InvitedAt.IsZero() || w.remote.people["E1001"] != nil {
		t.Fatalf("binding %+v", b)
	}
	w.remote.people["E1002"].fields["manager_userid"] = nil // as the vendor does with somebody who left
	for range 3 {
		if s, c := w.night("person:1001"); c.State != orgflow.PendingInvite || s.Status != orgflow.StatusCompleted || len(w.remote.callsAbout("person:1001")) != 1 {
			t.Fatalf("%s, %s after %v", c.State, s.Status, w.remote.sent())
		}
		if strict && len(w.remote.calls) != 1 {
			t.Errorf("a night costs %v", w.remote.sent())
		}
	}
	w.remote.accept("person:1001", "E1001", "10077770000")
	w.night("person:1001")
	w.night("person:1001")
	if got := w.remote.picture()["org:11"]["dept_manager_userid_list"]; got != "E1001" {
		t.Errorf("leads the department again: %v", got)
	}
	if s, _ := w.night("person:1001"); s.Progress.Total != 0 {
		t.Errorf("a further run has %d changes", s.Progress.Total)
	}
}

func TestWhoeverRefersToSomebodyInvitedIsNotAFailure(t *testing.T) {
	for _, id := range []int{1001, 1003} {
		t.Run(fmt.Sprint(id), func(t *testing.T) { referToInvited(t, id) })
	}
}

func referToInvited(t *testing.T, id int) {
	w := newWorld(t)
	invited := fmt.Sprintf("person:%d", id)
	orgs, people := team(4)
	orgs[1].Manager, people[1].Manager = 1001, 1001
	people[2].Manager, people[0].Manager = 1001, 1003 // a circle: one of the two is set in a second pass
	w.source.hold(orgs, people)
	w.remote.asked = map[string]bool{invited: true}
	run, planned := w.planned(bothKinds(""))
	if s := w.rest(run, planned); s.Status != orgflow.StatusCompleted {
		t.Fatalf("the run ends %s: %v", s.Status, w.states(run))
	}
	w.remote.accept(invited, fmt.Sprintf("E%d", id), fmt.Sprintf("1000000%d", id))
	w.night(invited)
	w.night(invited)
	if got := w.remote.picture()["org:11"]["dept_manager_userid_list"]; got != "E1001" {
		t.Errorf("leads the department: %v", got)
	}
	for person, manager := range map[string]string{"E1001": "E1003", "E1002": "E1001", "E1003": "E1001"} {
		if got := w.remote.people[person].fields["manager_userid"]; got != manager {
			t.Errorf("%s is managed by %v, want %s", person, got, manager)
		}
	}
	if s, _ := w.night("person:1001"); s.Progress.Total != 0 {
		t.Errorf("a further run has %d changes", s.Progress.Total)
	}
}

// The process dies at any point of a run that invites again: nobody gets two
// invitations within a week, and nobody is forgotten.
func TestKilledWhileInvitingAgain(t *testing.T) {
	begin := func(t *testing.T, r *reaper) *world {
		w := newWorld(t)
		invitedWorld(t, w, 2)
		w.pass(8 * 24 * time.Hour)
		w.revive = func() *Sync { return w.worker(mortal{w.db, r}, mortalLink{w.remote, r}) }
		w.sync = w.revive()
		return w
	}
	calm := &reaper{}
	w := begin(t, calm)
	w.survive(calm, bothKinds(""), false)
	if len(w.remote.invited) != 2 {
		t.Fatalf("%d invitations", len(w.remote.invited))
	}
	applying := calm.seen[slices.IndexFunc(calm.seen, func(p string) bool { return strings.HasPrefix(p, "ClaimPage") }):]
	eachDeath(t, deaths(applying, killEvery), func(t *testing.T, r *reaper) {
		w := begin(t, r)
		if s := w.survive(r, bothKinds(""), false); s.Status != orgflow.StatusCompleted {
			t.Errorf("status %s", s.Status)
		}
		w.sync = w.worker(w.db, w.remote)
		sent := len(w.remote.invited)
		w.night("person:1001")
		w.pass(4 * 24 * time.Hour)
		w.night("person:1001")
		if n := len(w.remote.invited); n > 2 || n != sent {
			t.Errorf("%d invitations within two weeks, of them %d by the killed run", n, sent-1)
		}
		w.night("person:1001")
		w.night("person:1001")
		if n := len(w.remote.invited); n != sent+1 {
			t.Errorf("%d invitations a week later, want %d", n, sent+1)
		}
	})
}

// A run that could not learn whether its invitation went out leaves that to
// the next one, which does not send another.
func TestAnInvitationInDoubtIsNotRepeatedByTheNextRun(t *testing.T) {
	w := newWorld(t)
	invitedWorld(t, w, 1)
	w.pass(7 * 24 * time.Hour)
	unknown := orgflow.Faultf(orgflow.CodeUnknownOutcome, "no answer")
	w.remote.on("person:1001", reply{fault: unknown, effect: true}, reply{fault: unknown}, reply{fault: unknown}, reply{fault: unknown})
	run, planned := w.planned(bothKinds(""))
	if _, err := w.apply(task{attempt: patientAttempts}, run, planned.Waves[0]); err != nil {
		t.Fatal(err)
	}
	w.finish(FinishParams{RunID: run})
	if c := w.changes(run)["person:1001/invitation"]; c.State != orgflow.Failed {
		t.Fatalf("state %s", c.State)
	}
	_, c := w.night("person:1001")
	if c.State != orgflow.PendingInvite || len(w.remote.invited) != 2 {
		t.Errorf("%s, %d invitations", c.State, len(w.remote.invited))
	}
	if b := w.bindings()["person:1001"]; w.now().Sub(b.InvitedAt) > time.Hour {
		t.Errorf("in doubt the invitation counts from now on, not from %s", b.InvitedAt)
	}
}
