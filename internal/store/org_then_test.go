package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"orgflow"
	"orgflow/internal/store"
)

// seatedAt is a list of people as name@department,….
func seatedAt(people []store.OrgPerson) (out []string) {
	for _, p := range people {
		text := p.Name + "@"
		for i, d := range p.Departments {
			if i > 0 {
				text += ","
			}
			text += d.Name
			if d.Leader {
				text += "!"
			}
		}
		out = append(out, text)
	}
	return out
}

// A version keeps showing who was where, whatever later ones say.
func TestMembersOfAnyVersion(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		commitTree(t, s, 0, approvers())
		later := approvers()
		later.Units[1].Name = "研究院"                                                          // 研发部
		later.Members = slices.Delete(later.Members, 2, 3)                                   // 员工三 is gone
		later.Seats = []orgflow.OrgSeat{later.Seats[0], later.Seats[2]}                      // 员工二 leaves 研发部
		later.Seats[1].UnitRemoteID, later.Members[1].Name = "20", "员工二改"                    // and moves
		later.Seats = append(later.Seats, orgflow.OrgSeat{UnitRemoteID: "10", UserID: "u4"}) // 员工四 comes
		commitTree(t, s, 1, later)
		unit := func(code string) int64 {
			u, err := s.DepartmentByCodeOrName(ctx, target.CompanyID, code)
			if err != nil {
				t.Fatal(err)
			}
			return u.ID
		}
		for _, c := range []struct {
			version int64
			unit    string
			want    string
		}{
			{1, "D10", "[员工一@研发部! 员工二@平台组,研发部!]"}, {2, "D10", "[员工一@研究院! 员工%四@研究院]"},
			{1, "D20", "[员工三@销售部]"}, {2, "D20", "[员工二改@销售部]"}, {1, "D21", "[]"},
		} {
			people, next, err := s.MembersIn(ctx, target, c.version, unit(c.unit), "", 10)
			if got := fmt.Sprint(seatedAt(people)); got != c.want || next != "" || err != nil {
				t.Errorf("version %d, %s: %s, want %s (%q, %v)", c.version, c.unit, got, c.want, next, err)
			}
		}
		first, next, err := s.MembersIn(ctx, target, 1, unit("D10"), "", 1)
		if err != nil || len(first) != 1 || next == "" {
			t.Fatalf("%v %q %v", seatedAt(first), next, err)
		}
		if rest, end, err := s.MembersIn(ctx, target, 1, unit("D10"), next, 1); err != nil || end != "" || fmt.Sprint(seatedAt(rest)) != "[员工二@平台组,研发部!]" {
			t.Errorf("%v %q %v", seatedAt(rest), end, err)
		}

		was, err := s.MemberOf(ctx, target, 1, "u3")
		if err != nil || was.Name != "员工三" {
			t.Fatalf("%+v %v", was, err)
		}
		if got, err := s.MemberIn(ctx, target, 1, was.ID); err != nil || fmt.Sprint(seatedAt([]store.OrgPerson{got})) != "[员工三@销售部]" {
			t.Errorf("%+v %v", got, err)
		}
		other := orgflow.Target{CompanyID: 7, Consumer: target.Consumer}
		_, gone := s.MemberIn(ctx, target, 2, was.ID)
		_, goneToo := s.MemberOf(ctx, target, 2, "u3")
		_, foreign := s.MemberIn(ctx, other, 1, was.ID)
		for what, err := range map[string]error{"gone": gone, "gone by userid": goneToo, "of another company": foreign} {
			if !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

// Who was seen, or looked for and found, is not among those who would go.
func TestParkedRemovals(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		tree := approvers()
		commitTree(t, s, 0, tree)
		pull, _, err := s.CreatePull(ctx, store.NewPull{FirstRunID: "f", WorkflowID: "w", Input: orgflow.PullInput{CompanyID: target.CompanyID}.WithDefaults()})
		if err != nil {
			t.Fatal(err)
		}
		step := store.PullStep{Unit: store.PullUnit{ID: "1"}, Found: tree.Units[1:4], Deep: true, People: tree.Members[:3], Done: true}
		if err := errors.Join(s.BeginPull(ctx, pull.ID, tree.Units[0], ""), s.SavePullStep(ctx, pull.ID, step)); err != nil {
			t.Fatal(err)
		}
		for id, gone := range map[string]bool{"u4": false, "u5": true} {
			if err := s.SaveMissing(ctx, pull.ID, orgflow.RemoteKey{Kind: orgflow.Person, ID: id}, gone); err != nil {
				t.Fatal(err)
			}
		}
		for limit, want := range map[int]string{10: "[org 21 person u5 person u6]", 1: "[org 21 person u5]"} {
			changes, err := s.ParkedRemovals(ctx, pull, limit)
			var got []string
			for _, c := range changes {
				got = append(got, string(c.Kind)+" "+c.Remote)
				if c.ID == 0 || c.Name == "" || c.Op != orgflow.Delete {
					t.Errorf("%+v", c)
				}
			}
			if fmt.Sprint(got) != want || err != nil {
				t.Errorf("up to %d: %v, want %s, %v", limit, got, want, err)
			}
		}
	})
}

func TestSourcesOf(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		err := s.PutBindings(ctx, target, "run", []orgflow.Binding{
			{Kind: orgflow.Person, SourceID: "1001", ConsumerID: "u1"}, {Kind: orgflow.Org, SourceID: "9", ConsumerID: "u2"},
		})
		if err != nil {
			t.Fatal(err)
		}
		for user, want := range map[string]string{"u1": "[1001]", "u2": "[]", "u3": "[]", "\x00": "[]"} {
			if got, err := s.SourcesOf(ctx, target, user); fmt.Sprint(got) != want || err != nil {
				t.Errorf("%q: %v %v", user, got, err)
			}
		}
	})
}
