package e2e

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// orgNode is a department of the local organisation.
type orgNode struct {
	ID          int64     `json:"id"`
	Name        string    `json:"name"`
	RemoteID    string    `json:"remote_id"`
	Code        string    `json:"code"`
	MemberCount int       `json:"member_count"`
	Children    []orgNode `json:"children"`
}

// pullSummary is what tests look at of a pull.
type pullSummary struct {
	ID          string
	Status      string
	Departments int
	Members     int
	Calls       int
	Version     int
	Changes     map[string]struct{ Added, Changed, Removed, Parked int }
	Parked      int `json:"parked_removals"`
	Notes       []string
	Error       *struct{ Code, Message string }
}

type orgMember struct {
	UserID      string `json:"user_id"`
	JobNumber   string `json:"job_number"`
	Name        string
	Supervisor  string
	Departments []struct {
		ID     int64
		Name   string
		Leader bool
		Main   bool
	}
}

func (w *world) org(path string, into any) {
	w.t.Helper()
	must(w.t, "GET", "http://"+w.http+"/api/v1/org/"+path, "", into)
}

// pulled starts a pull by CLI and returns its summary.
func (w *world) pulled(code int, args ...string) pullSummary {
	w.t.Helper()
	got := w.starter(append([]string{"pull", "--company", "129", "--wait", "--json"}, args...)...)
	var s pullSummary
	if err := json.Unmarshal([]byte(got.out), &s); err != nil || got.code != code {
		w.t.Fatalf("pull ended with %d, want %d: %v\n%s%s", got.code, code, err, got.out, got.err)
	}
	return s
}

// membersOf lists the direct members of a department, page by page.
func (w *world) membersOf(unit int64) []orgMember {
	w.t.Helper()
	var all []orgMember
	for cursor, first := "", true; first || cursor != ""; first = false {
		var page struct {
			Members []orgMember
			Next    string `json:"next_cursor"`
		}
		w.org(fmt.Sprintf("units/%d/members?limit=7&cursor=%s", unit, url.QueryEscape(cursor)), &page)
		all, cursor = append(all, page.Members...), page.Next
	}
	return all
}

// localPicture is the local organisation, told like atDing.
func (w *world) localPicture() []string {
	w.t.Helper()
	var root orgNode
	w.org("tree?company_id=129", &root)
	var out []string
	people := map[string][]string{}
	var walk func(n orgNode, above string)
	walk = func(n orgNode, above string) {
		out = append(out, fmt.Sprintf("dept %s %s below %s", n.RemoteID, n.Name, above))
		for _, m := range w.membersOf(n.ID) {
			for _, d := range m.Departments {
				if d.ID == n.ID {
					people[m.UserID+" "+m.JobNumber+" "+m.Name] = append(people[m.UserID+" "+m.JobNumber+" "+m.Name], fmt.Sprintf("%s leads %v", n.RemoteID, d.Leader))
				}
			}
		}
		for _, c := range n.Children {
			walk(c, n.RemoteID)
		}
	}
	walk(root, "")
	for who, in := range people {
		slices.Sort(in)
		out = append(out, who+" in "+strings.Join(in, ", "))
	}
	slices.Sort(out)
	return out
}

// atDing is the same of what DingTalk holds.
func (w *world) atDing() []string {
	w.t.Helper()
	return w.ding().told()
}

// told is what DingTalk holds, a line for each department and person.
func (s dingState) told() []string {
	var out []string
	for _, d := range s.Departments {
		above := ""
		if d.ParentID != 0 {
			above = fmt.Sprint(d.ParentID)
		}
		out = append(out, fmt.Sprintf("dept %d %s below %s", d.ID, d.Name, above))
	}
	for _, u := range s.Users {
		var in []string
		for _, l := range u.Leader {
			in = append(in, fmt.Sprintf("%d leads %v", l.DeptID, l.Leader))
		}
		slices.Sort(in)
		out = append(out, u.UserID+" "+u.JobNumber+" "+u.Name+" in "+strings.Join(in, ", "))
	}
	slices.Sort(out)
	return out
}

// The demo company goes to DingTalk and comes back into the local
// organisation; it changes there, shrinks too much, and is asked about.
func TestPull(t *testing.T) {
	t.Parallel()
	for _, api := range []string{"v2", "v1"} {
		t.Run(api, func(t *testing.T) {
			t.Parallel()
			w := newFastWorldOf(t, api)
			w.serve()
			w.unlimited()
			rows := demo(t)
			w.load(rows)
			if status, body, err := call("GET", "http://"+w.http+"/api/v1/org/tree?company_id=129", ""); status != 404 || err != nil || !strings.Contains(body, "starter pull") {
				t.Errorf("the tree before the first pull: %d %s %v", status, body, err)
			}
			w.completed(w.await(w.begin(demoJob), 2*time.Minute))

			s := w.pulled(0)
			if s.Status != "completed" || s.Departments != 41 || s.Members != 300 || s.Version != 1 || s.Calls != 82 {
				t.Errorf("got %+v; 41 lists of departments and 41 pages of members are enough", s)
			}
			if diff := cmp.Diff(w.atDing(), w.localPicture()); diff != "" {
				t.Errorf("the organisation came back changed (-DingTalk +local):\n%s", diff)
			}
			var root orgNode
			if w.org("tree", &root); root.MemberCount != 300 || len(root.Children) == 0 || root.Children[0].Code == "" {
				t.Errorf("root %d %s with %d people", root.ID, root.Name, root.MemberCount)
			}
			w.aboutPeople(rows)

			again := w.pulled(0)
			if n := again.Changes["person"]; again.Version != 2 || n.Added+n.Changed+n.Removed != 0 {
				t.Errorf("pulled again: %+v", again)
			}
			w.shrink(s)
		})
	}
}

// aboutPeople compares what flows ask: number, supervisor, departments.
func (w *world) aboutPeople(rows hcm) {
	w.t.Helper()
	numbers := map[int]string{}
	for _, e := range rows.Employee {
		numbers[number(e["id"])] = text(e["number"])
	}
	supervised := 0
	for _, e := range rows.Employee[:20] {
		var page struct{ Members []orgMember }
		w.org("members?limit=5&query="+url.QueryEscape(text(e["mobile"])), &page)
		if len(page.Members) != 1 || page.Members[0].JobNumber != text(e["number"]) || page.Members[0].Supervisor != numbers[number(e["manager_id"])] {
			w.t.Errorf("%s: found %+v", text(e["number"]), page.Members)
			continue
		}
		if page.Members[0].Supervisor != "" {
			supervised++
		}
	}
	if supervised == 0 {
		w.t.Error("nobody of these has a supervisor: the comparison shows less than it should")
	}
}

// shrink lets most people leave at DingTalk: their removal waits, and is
// decided by HTTP.
func (w *world) shrink(first pullSummary) {
	t := w.t
	t.Helper()
	var state object
	must(t, "GET", w.simURL("dingtalk", "state"), "", &state)
	users := state["users"].([]any)
	var stay []any
	for _, u := range users {
		leads := slices.ContainsFunc(u.(object)["leader_in_dept"].([]any), func(l any) bool { return l.(object)["leader"].(bool) })
		if leads || len(stay) < 150 {
			stay = append(stay, u)
		}
	}
	state["users"] = stay
	must(t, "PUT", w.simURL("dingtalk", "state"), encode(t, state), nil)
	s := w.pulled(2)
	if s.Status != "awaiting_approval" || s.Parked != 300-len(stay) || s.Changes["person"].Removed != 0 {
		t.Fatalf("got %+v with %d people left", s, len(stay))
	}
	if status, body, err := call("POST", "http://"+w.http+"/api/v1/org/pulls/"+first.ID+"/approve", `{"by":"hr"}`); status != 409 || err != nil {
		t.Errorf("a pull that has ended was approved: %d %s %v", status, body, err)
	}
	must(t, "POST", "http://"+w.http+"/api/v1/org/pulls/"+s.ID+"/approve", `{"by":"hr","reason":"they left"}`, nil)
	eventually(t, time.Minute, 50*time.Millisecond, "the approved pull", func() error {
		w.org("pulls/"+s.ID, &s)
		if s.Status != "completed" {
			return fmt.Errorf("%s", s.Status)
		}
		return nil
	})
	if diff := cmp.Diff(w.atDing(), w.localPicture()); diff != "" {
		t.Errorf("after the approval (-DingTalk +local):\n%s", diff)
	}
	var diff struct {
		Counts  map[string]struct{ Removed int }
		Changes []struct{ Kind, Op string }
	}
	w.org("diff?from=1", &diff)
	if diff.Counts["person"].Removed != 300-len(stay) || len(diff.Changes) < 300-len(stay) {
		t.Errorf("the difference since the first version: %v, %d changes", diff.Counts, len(diff.Changes))
	}
	var root orgNode
	if w.org("tree?version=1", &root); root.MemberCount != 300 {
		t.Errorf("the first version has %d people now", root.MemberCount)
	}
}
