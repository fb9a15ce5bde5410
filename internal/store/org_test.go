package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/store"
)

// commitTree stores an organisation as the next version.
func commitTree(t *testing.T, s *store.Store, base int64, tree orgflow.OrgTree) int64 {
	t.Helper()
	n := store.NewVersion{PullID: fmt.Sprint("pull-", base+1), Target: target, Base: base, Tree: tree, Changes: map[orgflow.Kind]orgflow.OrgCount{}}
	version, err := s.CommitVersion(context.Background(), n)
	if err != nil {
		t.Fatal(err)
	}
	return version
}

// approvers is an organisation with what approvers are found by.
func approvers() orgflow.OrgTree {
	unit := func(id, parent, name, code string) orgflow.OrgUnit {
		return orgflow.OrgUnit{RemoteID: id, ParentRemoteID: parent, Name: name, Code: code}
	}
	member := func(id, number, name, supervisor string) orgflow.OrgMember {
		return orgflow.OrgMember{UserID: id, JobNumber: number, Name: name, Supervisor: supervisor, Mobile: "1000000000" + id[1:]}
	}
	return orgflow.OrgTree{
		Units: []orgflow.OrgUnit{
			unit("1", "", "公司", ""), unit("10", "1", "研发部", "D10"), unit("11", "10", "平台组", "20"), unit("20", "1", "销售部", "D20"),
			unit("21", "20", "平台组", "D21"),
		},
		Members: []orgflow.OrgMember{
			member("u1", "N1", "员工一", ""), member("u2", "N2", "员工二", "u1"), member("u3", "", "员工三", "u9"),
			member("u4", "N4", "员工%四", "u2"), member("u5", "N4", "员工五", ""), member("u6", "u3", "员工六", ""),
		},
		Seats: []orgflow.OrgSeat{
			{UnitRemoteID: "10", UserID: "u1", Leader: true, Position: 1}, {UnitRemoteID: "10", UserID: "u2", Leader: true, Position: 2},
			{UnitRemoteID: "11", UserID: "u2", Main: true}, {UnitRemoteID: "20", UserID: "u3", Main: true},
		},
	}
}

func TestApproversAreFound(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx, company := context.Background(), target.CompanyID
		if _, err := s.UserByCode(ctx, company, "N1"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("before the first pull: %v", err)
		}
		commitTree(t, s, 0, approvers())
		for code, want := range map[string]string{"N1": "u1", "u1": "u1", "N2": "u2"} {
			if m, err := s.UserByCode(ctx, company, code); err != nil || m.UserID != want {
				t.Errorf("code %s: %+v, %v", code, m, err)
			}
		}
		// u6's job number is what u3, who has none, is called by.
		for code, want := range map[string]error{"N4": store.ErrAmbiguous, "u3": store.ErrAmbiguous, "N9": store.ErrNotFound, "": store.ErrNotFound} {
			if m, err := s.UserByCode(ctx, company, code); !errors.Is(err, want) {
				t.Errorf("code %q: %+v, %v, want %v", code, m, err, want)
			}
		}
		found, err := s.UsersByCodes(ctx, company, []string{"N1", "nobody", "N2"})
		if err != nil || len(found) != 2 || found["N2"].UserID != "u2" {
			t.Errorf("several: %v, %v", found, err)
		}

		dept := func(name string) orgflow.OrgUnit {
			u, err := s.DepartmentByCodeOrName(ctx, company, name)
			if err != nil {
				t.Errorf("department %s: %v", name, err)
			}
			return u
		}
		// "20" is the code of one department before it is the id of another.
		for name, want := range map[string]string{"D10": "10", "研发部": "10", "20": "11", "21": "21", "D20": "20"} {
			if u := dept(name); u.RemoteID != want {
				t.Errorf("department %s: %+v", name, u)
			}
		}
		for name, want := range map[string]error{"平台组": store.ErrAmbiguous, "研发": store.ErrNotFound, "": store.ErrNotFound, "x\x00": store.ErrNotFound} {
			if u, err := s.DepartmentByCodeOrName(ctx, company, name); !errors.Is(err, want) {
				t.Errorf("department %q: %+v, %v, want %v", name, u, err, want)
			}
		}

		users := func(list []orgflow.OrgMember, err error) (out []string) {
			for _, m := range list {
				out = append(out, m.UserID)
			}
			if err != nil {
				t.Error(err)
			}
			return out
		}
		if got := users(s.DepartmentManagers(ctx, company, dept("D10").ID)); !cmp.Equal(got, []string{"u2", "u1"}) {
			t.Errorf("managers %v", got)
		}
		if got := users(s.DepartmentManagers(ctx, company, dept("D20").ID)); len(got) != 0 {
			t.Errorf("managers of a vacant post %v", got)
		}
		if got := users(s.MembersOf(ctx, company, dept("D20").ID)); !cmp.Equal(got, []string{"u3"}) {
			t.Errorf("members %v", got)
		}
		parents, err := s.DepartmentParents(ctx, company, dept("D21").ID)
		if err != nil || len(parents) != 2 || parents[0].RemoteID != "20" || parents[1].RemoteID != "1" {
			t.Errorf("parents %v, %v", parents, err)
		}
		second, err := s.UserByCode(ctx, company, "N2")
		if err != nil {
			t.Fatal(err)
		}
		in, err := s.DepartmentsOf(ctx, company, second.ID)
		if err != nil || len(in) != 2 || in[0].RemoteID != "11" {
			t.Errorf("departments, the main one first: %v, %v", in, err)
		}
		if boss, err := s.SupervisorOf(ctx, company, second.ID); err != nil || boss.UserID != "u1" {
			t.Errorf("supervisor %+v, %v", boss, err)
		}
		first := found["N1"]
		if _, err := s.SupervisorOf(ctx, company, first.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("supervisor of who has none: %v", err)
		}
		if list, err := s.UsersByName(ctx, company, "员工五"); err != nil || len(list) != 1 {
			t.Errorf("by name: %v, %v", list, err)
		}
		if _, err := s.UserByCode(ctx, company+1, "N1"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("another company's: %v", err)
		}
	})
}

func TestVersionsAreImmutable(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		first := approvers()
		commitTree(t, s, 0, first)
		before, err := s.OrgTree(ctx, target, 1)
		if err != nil {
			t.Fatal(err)
		}
		second := approvers()
		second.Units[1].Name, second.Units[2].ParentRemoteID = "研究院", "20"
		second.Members, second.Seats = second.Members[1:], second.Seats[1:]
		commitTree(t, s, 1, second)
		commitTree(t, s, 2, first) // who has left returns
		for version, want := range map[int64]orgflow.OrgTree{1: first, 2: second, 3: first} {
			got, err := s.OrgTree(ctx, target, version)
			if err != nil || len(got.Units) != len(want.Units) || len(got.Members) != len(want.Members) || len(got.Seats) != len(want.Seats) {
				t.Errorf("version %d: %d units, %d members, %d seats, %v", version, len(got.Units), len(got.Members), len(got.Seats), err)
			}
		}
		after, err := s.OrgTree(ctx, target, 3)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, after); diff != "" { // ids and all
			t.Errorf("the third version is the first again, with the ids of before:\n%s", diff)
		}
		at := func(version int64) time.Time {
			v, err := s.OrgVersion(ctx, target, version)
			if err != nil {
				t.Fatal(err)
			}
			return v.At
		}
		if v, err := s.VersionAsOf(ctx, target, at(3).Add(-time.Microsecond)); err != nil || v.Version != 2 {
			t.Errorf("as of just before the third: %+v, %v", v, err)
		}
		if _, err := s.VersionAsOf(ctx, target, at(1).Add(-time.Second)); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("as of before the first: %v", err)
		}
		list, next, err := s.ListVersions(ctx, target, "", 2)
		if err != nil || len(list) != 2 || list[0].Version != 3 || next == "" {
			t.Errorf("versions %v, %q, %v", list, next, err)
		}
	})
}

func TestAVersionIsCommittedOnce(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		n := store.NewVersion{PullID: "p1", Target: target, Tree: approvers()}
		for range 2 { // the second attempt finds the work done
			if v, err := s.CommitVersion(ctx, n); err != nil || v != 1 {
				t.Errorf("version %d, %v", v, err)
			}
		}
		n.PullID = "p2"
		if _, err := s.CommitVersion(ctx, n); !errors.Is(err, store.ErrVersionMoved) {
			t.Errorf("another pull from the same base: %v", err)
		}
	})
}

func TestMembersAreSearched(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		commitTree(t, s, 0, approvers())
		for text, want := range map[string]int{"员工": 6, "n2": 1, "U3": 2, "%": 1, "_": 0, "10000000002": 1, "": 6, `\`: 0} {
			found, _, err := s.SearchMembers(ctx, target, text, "", 100)
			if err != nil || len(found) != want {
				t.Errorf("%q found %d, want %d, %v", text, len(found), want, err)
			}
		}
		seen := map[string]bool{}
		for cursor, first := "", true; first || cursor != ""; first = false {
			page, next, err := s.SearchMembers(ctx, target, "", cursor, 2)
			if err != nil || len(page) > 2 {
				t.Fatal(len(page), err)
			}
			for _, p := range page {
				seen[p.UserID] = true
			}
			cursor = next
		}
		if len(seen) != 6 {
			t.Errorf("pages show %d members", len(seen))
		}
		unit, err := s.DepartmentByCodeOrName(ctx, target.CompanyID, "D10")
		if err != nil {
			t.Fatal(err)
		}
		in, _, err := s.UnitMembers(ctx, target, unit.ID, "", 10)
		if err != nil || len(in) != 2 || in[1].UserID != "u2" || len(in[1].Departments) != 2 || !in[1].Departments[0].Main || in[1].Departments[0].Name != "平台组" {
			t.Errorf("members %+v, %v", in, err)
		}
		if of, err := s.UnitCompany(ctx, unit.ID); err != nil || of != target {
			t.Errorf("the department is of %v, %v", of, err)
		}
	})
}

// Letters of any script are found in upper and lower case alike, by what a
// member is called now, and nothing is found across two of the texts.
func TestTheSearchFollowsTheMember(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		member := func(name string) orgflow.OrgTree {
			return orgflow.OrgTree{
				Units:   []orgflow.OrgUnit{{RemoteID: "1", Name: "公司"}},
				Members: []orgflow.OrgMember{{UserID: "u\t1", JobNumber: "ÄÖ-7", Name: name, Mobile: "10000000001"}},
			}
		}
		found := func(text string) int {
			list, _, err := s.SearchMembers(context.Background(), target, text, "", 10)
			if err != nil {
				t.Fatal(err)
			}
			return len(list)
		}
		commitTree(t, s, 0, member("École"))
		for text, want := range map[string]int{"éCOLE": 1, "äö": 1, "u\t1": 1, "école\t1": 0, "école1": 0, "e10": 0} {
			if got := found(text); got != want {
				t.Errorf("%q finds %d, want %d", text, got, want)
			}
		}
		commitTree(t, s, 1, member("Lycée"))
		if found("école") != 0 || found("LYCÉE") != 1 {
			t.Errorf("after a new name the old one finds %d, the new one %d", found("école"), found("LYCÉE"))
		}
		endless := make([]rune, 5000) // more than an index takes, and not to be compressed
		for i := range endless {
			endless[i] = rune(0x20000 + i*i*7919%40_000)
		}
		commitTree(t, s, 2, member(string(endless)))
		if found(string(endless[:150])) != 1 || found("ÄÖ") != 1 {
			t.Error("a member with an endless name is not found")
		}
	})
}

// Members of before the search had a column of its own are found at once.
func TestMembersOfBeforeAreFound(t *testing.T) {
	for name, url := range databases {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			s, err := store.Open(ctx, url(t), store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if err := s.MigrateTo(ctx, 16); err != nil {
				t.Fatal(err)
			}
			err = s.Exec(ctx, `INSERT INTO org_member (id, since_version, company_id, origin, remote_id, job_number, name, title, mobile, supervisor, active)
				VALUES (1, 1, ?, ?, 'Manager-1', 'N-1', '员工A', '', '10000000001', '', true)`, target.CompanyID, target.Consumer)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Migrate(ctx); err != nil {
				t.Fatal(err)
			}
			for text, want := range map[string]int{"员工a": 1, "mANAGER": 1, "n-1": 1, "0001": 1, "工程师": 0, "a1": 0} {
				if found, _, err := s.SearchMembers(ctx, target, text, "", 10); err != nil || len(found) != want {
					t.Errorf("%q finds %d, want %d; %v", text, len(found), want, err)
				}
			}
		})
	}
}

func TestOnePullRunsAtATime(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		create := func(first, id string) (store.Pull, bool) {
			in := orgflow.PullInput{CompanyID: target.CompanyID}.WithDefaults()
			p, ok, err := s.CreatePull(ctx, store.NewPull{FirstRunID: first, WorkflowID: id, Input: in})
			if err != nil {
				t.Fatal(err)
			}
			return p, ok
		}
		p, ok := create("f1", "a")
		if !ok || p.ID != "a" || p.Summary.Status != orgflow.StatusRunning {
			t.Fatalf("%+v %v", p, ok)
		}
		if again, ok := create("f1", "a"); !ok || again.ID != "a" {
			t.Errorf("the same execution again: %+v %v", again, ok)
		}
		if other, ok := create("f2", "b"); ok || other.ID != "a" {
			t.Errorf("another one got %+v %v", other, ok)
		}
		if err := s.ParkPull(ctx, "a"); err != nil {
			t.Fatal(err)
		}
		if b, ok := create("f3", "a"); !ok || b.ID == "a" {
			t.Errorf("beside one that waits, under its workflow id: %+v %v", b, ok)
		}
		waiting, err := s.WaitingPulls(ctx, target)
		if err != nil || len(waiting) != 1 || waiting[0].ID != "a" {
			t.Errorf("waiting %v, %v", waiting, err)
		}
		fault := orgflow.Faultf(orgflow.CodeUnavailable, "down")
		if _, err := s.FinishPull(ctx, "a", orgflow.StatusFailed, fault, []string{"n"}); err != nil {
			t.Fatal(err)
		}
		end, err := s.FinishPull(ctx, "a", orgflow.StatusCompleted, nil, nil)
		if err != nil || end.Summary.Status != orgflow.StatusFailed || end.Summary.Error.Message != "down" || end.Summary.FinishedAt == nil {
			t.Errorf("the first end stays: %+v, %v", end.Summary, err)
		}
		pulls, next, err := s.ListPulls(ctx, target.CompanyID, "", 1)
		if err != nil || len(pulls) != 1 || next == "" {
			t.Errorf("list %v %q %v", pulls, next, err)
		}
	})
}
