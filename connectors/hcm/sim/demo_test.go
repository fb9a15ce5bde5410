package hcmsim_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	hcmsim "orgflow/connectors/hcm/sim"
)

type org struct {
	ID       int    `json:"id"`
	OriginID int    `json:"origin_id"`
	Name     string `json:"name"`
	ParentID int    `json:"parent_id"`
	Manager  int    `json:"manager_id"`
}

type place struct {
	Origin int `json:"origin_id"`
}

type employee struct {
	ID           int                   `json:"id"`
	Number       string                `json:"number"`
	Name         string                `json:"name"`
	Mobile       string                `json:"mobile"`
	Email        string                `json:"email"`
	Gender       int                   `json:"gender"`
	Birthday     string                `json:"birthday"`
	IdentityCard string                `json:"identity_card"`
	Department   place                 `json:"department"`
	Departments  []place               `json:"departments"`
	Position     struct{ Name string } `json:"position"`
	JobInfo      struct {
		Status int    `json:"position_status_id"`
		Begin  string `json:"begin_date"`
	} `json:"job_info"`
	Manager int `json:"manager_id"`
}

func (e employee) in(dept int) bool {
	return slices.ContainsFunc(e.Departments, func(d place) bool { return d.Origin == dept })
}

func decodeRows[T any](t *testing.T, rows []json.RawMessage) []T {
	t.Helper()
	out := make([]T, len(rows))
	for i, r := range rows {
		if err := json.Unmarshal(r, &out[i]); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func TestDemoIsCompany129(t *testing.T) {
	st := hcmsim.Demo()
	orgs, people := decodeRows[org](t, st.Models["Organization"]), decodeRows[employee](t, st.Models["Employee"])
	if len(orgs) != 41 || len(people) != 300 {
		t.Fatalf("%d departments and %d people, want 41 and 300", len(orgs), len(people))
	}
	if got := checkOrganisation(t, orgs, people); got != 4 {
		t.Errorf("%d levels, want 4", got)
	}
	double, bossed := 0, 0
	for _, p := range people {
		if len(p.Departments) == 2 {
			double++
		}
		if p.Manager != 0 {
			bossed++
		}
		if !strings.HasPrefix(p.Mobile, "1000000") {
			t.Errorf("person %d: mobile does not begin with 1000000", p.ID)
		}
	}
	if double != 20 || bossed != 299 {
		t.Errorf("%d people in two departments and %d with a manager, want 20 and 299", double, bossed)
	}
	if people[0].Number != "E1001" || !reflect.DeepEqual(st, hcmsim.Demo()) {
		t.Error("the demo differs from call to call or does not begin with E1001")
	}
}

func TestGenerateHasTheSameShape(t *testing.T) {
	for _, n := range []struct{ departments, people int }{{0, 1}, {1, 2}, {2, 40}, {40, 300}, {400, 10_000}, {50, 10}} {
		t.Run(fmt.Sprintf("%d departments, %d people", n.departments, n.people), func(t *testing.T) {
			st := hcmsim.Generate(n.departments, n.people, 7)
			orgs, people := decodeRows[org](t, st.Models["Organization"]), decodeRows[employee](t, st.Models["Employee"])
			if len(orgs) != n.departments+1 || len(people) != n.people {
				t.Fatalf("%d departments and %d people", len(orgs), len(people))
			}
			if n.people > n.departments {
				checkOrganisation(t, orgs, people)
			}
			if !reflect.DeepEqual(st, hcmsim.Generate(n.departments, n.people, 7)) {
				t.Error("equal arguments, different states")
			}
		})
	}
	if reflect.DeepEqual(hcmsim.Generate(3, 9, 1), hcmsim.Generate(3, 9, 2)) {
		t.Error("the seed changes nothing")
	}
}

// checkOrganisation checks what holds of every invented organisation and
// returns its number of levels.
func checkOrganisation(t *testing.T, orgs []org, people []employee) int {
	t.Helper()
	levels := checkTree(t, orgs)
	persons := checkPeople(t, orgs, people)
	for _, o := range orgs {
		if m, ok := persons[o.Manager]; !ok || !m.in(o.ID) {
			t.Errorf("department %d: manager %d is not one of its members", o.ID, o.Manager)
		}
	}
	for _, p := range people {
		steps := 0
		for q := p; q.Manager != 0; q = persons[q.Manager] {
			if steps++; steps > len(people) || persons[q.Manager].ID == 0 {
				t.Fatalf("person %d: managers go round in a circle or nowhere", p.ID)
			}
		}
	}
	return levels
}

func checkTree(t *testing.T, orgs []org) (levels int) {
	t.Helper()
	byID, depth, siblings := map[int]org{}, map[int]int{}, map[string]bool{}
	for i, o := range orgs { // parents come before children
		if (i == 0) != (o.ParentID == 0) || byID[o.ID].ID != 0 || o.ID != o.OriginID {
			t.Fatalf("department %d: root, duplicate id or origin", o.ID)
		}
		if i > 0 && byID[o.ParentID].ID == 0 {
			t.Fatalf("department %d: parent %d is not above it", o.ID, o.ParentID)
		}
		key := fmt.Sprint(o.ParentID, "/", o.Name)
		if siblings[key] || strings.ContainsAny(o.Name, "-，,") || utf8.RuneCountInString(o.Name) > 64 || o.Name == "" {
			t.Errorf("department %d: name %q is illegal or a sibling's", o.ID, o.Name)
		}
		byID[o.ID], siblings[key], depth[o.ID] = o, true, depth[o.ParentID]+1
		levels = max(levels, depth[o.ID])
	}
	return levels
}

var inventedMobile = regexp.MustCompile(`^100[0-9]{8}$`)

func checkPeople(t *testing.T, orgs []org, people []employee) map[int]employee {
	t.Helper()
	depts := map[int]bool{}
	for _, o := range orgs {
		depts[o.ID] = true
	}
	persons, unique := map[int]employee{}, map[string]bool{}
	for _, p := range people {
		for _, v := range []string{fmt.Sprint("id", p.ID), p.Number, p.Mobile, p.Email, p.IdentityCard} {
			if unique[v] {
				t.Errorf("person %d: %s is there twice", p.ID, v)
			}
			unique[v] = true
		}
		switch {
		case !inventedMobile.MatchString(p.Mobile), !strings.HasSuffix(p.Email, "@example.com"), len(p.Email) > 50,
			!strings.HasPrefix(p.IdentityCard, "TEST-ID-"), p.Number != fmt.Sprintf("E%d", p.ID):
			t.Errorf("person %d: mobile, email, identity card or number is off", p.ID)
		case p.Name == "" || p.Position.Name == "" || p.Birthday == "" || p.JobInfo.Begin == "" || p.Gender < 1 || p.Gender > 2:
			t.Errorf("person %d: incomplete", p.ID)
		case !slices.Contains([]int{2, 7, 18, 19}, p.JobInfo.Status):
			t.Errorf("person %d: status %d", p.ID, p.JobInfo.Status)
		case len(p.Departments) == 0 || p.Departments[0] != (place{p.Department.Origin}):
			t.Errorf("person %d: the first department is not the main one", p.ID)
		case len(p.Departments) == 2 && p.Departments[0] == p.Departments[1]:
			t.Errorf("person %d: twice in one department", p.ID)
		}
		for _, d := range p.Departments {
			if !depts[d.Origin] {
				t.Errorf("person %d: department %d is not there", p.ID, d.Origin)
			}
		}
		persons[p.ID] = p
	}
	return persons
}
