package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
)

// pullStrand lets an organisation change at DingTalk and brings it here.
type pullStrand struct {
	*premises
	units, users []object
	next         int              // id of whoever or whatever comes next
	version      int              // of the local organisation, after the last turn
	ids          map[string]int64 // department at DingTalk → its own id here
	versions     int              // pulls that were to make one
	begun        int
	wrong        []string
}

const pullUnits, pullUsers = 9, 45

func newPullStrand(c *cluster) *pullStrand {
	s := &pullStrand{premises: newPremises(c, pullCompany, nil), next: 500, ids: map[string]int64{}}
	s.units = append(s.units, object{"dept_id": 1, "name": "公司", "order": 1, "dept_manager_userid_list": []string{}})
	for i := range pullUnits {
		s.units = append(s.units, unitOf(10+i, 1+min(i, 1)*(9+i/3), fmt.Sprintf("部门%d", 10+i)))
	}
	for range pullUsers {
		s.join(s.units[1+s.next%pullUnits]["dept_id"].(int))
	}
	return s
}

func unitOf(id, parent int, name string) object {
	return object{"dept_id": id, "name": name, "parent_id": parent, "order": id, "dept_manager_userid_list": []string{}}
}

func (s *pullStrand) join(dept int) {
	id := fmt.Sprintf("P%d", s.next)
	s.users = append(s.users, object{"userid": id, "job_number": id, "unionid": "u" + id, "name": "员工" + id,
		"mobile": fmt.Sprintf("1004%07d", s.next), "active": true, "dept_id_list": []int{dept}})
	s.next++
}

func (s *pullStrand) name() string { return "pull" }

// happens is one turn's work at DingTalk. It returns how many departments and
// people were added, changed and removed.
func (s *pullStrand) happens(n int) map[string][3]int {
	units, users := s.units, s.users
	s.units, s.users = copied(s.units), copied(s.users)
	pick := s.dice(n).IntN
	lasting := func() int { return s.units[1+pick(pullUnits)]["dept_id"].(int) }
	for range 3 {
		s.users[pick(len(s.users))]["name"] = fmt.Sprintf("改名%d", n)
		s.users[s.free(pick)]["dept_id_list"] = []int{lasting()}
	}
	for range 3 { // as many as come
		i := s.free(pick)
		s.users = slices.Delete(s.users, i, i+1)
	}
	s.join(lasting())
	s.join(lasting())
	s.units[1+pick(pullUnits)]["name"] = fmt.Sprintf("更名%d", n)
	s.units = append(s.units, unitOf(1000+n, lasting(), fmt.Sprintf("项目%d", n)))
	s.join(1000 + n)
	head := s.users[len(s.users)-1]["userid"].(string)
	s.units[len(s.units)-1]["dept_manager_userid_list"] = []string{head}
	if gone := 1000 + n - 3; slices.ContainsFunc(s.units, func(u object) bool { return u["dept_id"] == gone }) {
		s.units = slices.DeleteFunc(s.units, func(u object) bool { return u["dept_id"] == gone })
		for _, u := range s.users {
			if u["dept_id_list"].([]int)[0] == gone {
				u["dept_id_list"] = []int{10}
			}
		}
	}
	return map[string][3]int{"org": differences(units, s.units, "dept_id"), "person": differences(users, s.users, "userid")}
}

// free is the index of somebody who leads nobody: those of projects stay.
func (s *pullStrand) free(pick func(n int) int) int {
	for {
		if i := pick(len(s.users)); s.users[i]["dept_id_list"].([]int)[0] < 1000 {
			return i
		}
	}
}

// differences counts the rows that are new, different and gone.
func differences(from, to []object, key string) (n [3]int) {
	was := map[any]object{}
	for _, r := range from {
		was[r[key]] = r
	}
	for _, r := range to {
		before, there := was[r[key]]
		delete(was, r[key])
		switch {
		case !there:
			n[0]++
		case !cmp.Equal(before, r):
			n[1]++
		}
	}
	n[2] = len(was)
	return n
}

func (s *pullStrand) turn(ctx context.Context, n int) error {
	want := map[string][3]int{}
	if n > 0 {
		want = s.happens(n)
	}
	if err := s.ding.PutState([]byte(encode(s.t, object{"departments": s.units, "users": s.users, "pending_invites": []any{}}))); err != nil {
		return err
	}
	// Removals count for seven days against the limit: let them be forgotten.
	if _, err := s.list(ctx, `UPDATE org_version SET units_removed = 0, members_removed = 0 WHERE company_id = $1 RETURNING ''`, s.company); err != nil {
		return err
	}
	before := s.version
	if err := s.pull(ctx, n); err != nil {
		return fmt.Errorf("turn %d: %w", n, err)
	}
	if n == 0 {
		return nil
	}
	got, err := s.changed(ctx, before)
	if d := cmp.Diff(want, got); err == nil && d != "" {
		s.wrong = append(s.wrong, fmt.Sprintf("turn %d: added, changed, removed (-want +got):\n%s", n, d))
	}
	return err
}

// changed counts what is different from an earlier version.
func (s *pullStrand) changed(ctx context.Context, since int) (map[string][3]int, error) {
	var diff struct {
		Counts map[string]struct{ Added, Changed, Removed int }
	}
	if err := s.ask(ctx, "GET", fmt.Sprintf("/api/v1/org/diff?company_id=%d&from=%d&to=%d", s.company, since, s.version), "", nil, &diff); err != nil {
		return nil, err
	}
	got := map[string][3]int{}
	for kind, c := range diff.Counts {
		got[kind] = [3]int{c.Added, c.Changed, c.Removed}
	}
	return got, nil
}

// pull pulls until a pull completes.
func (s *pullStrand) pull(ctx context.Context, n int) error {
	for try := 0; ; try++ {
		var started struct{ ID string }
		in := object{"company_id": s.company, "delete_limit": object{"percent": 100, "count": 100_000}}
		if err := s.ask(ctx, "POST", "/api/v1/org/pulls", fmt.Sprintf("storm-%d-%d-%d", s.company, n, try), in, &started); err != nil {
			return err
		}
		s.begun++
		var sum pullSummary
		if err := s.ended(ctx, "/api/v1/org/pulls/"+started.ID, &sum, func() string { return sum.Status }); err != nil {
			return err
		}
		if sum.Version > 0 {
			s.version, s.versions = sum.Version, s.versions+1
		}
		switch sum.Status {
		case "completed":
			return nil
		case "completed_with_failures", "failed":
			why := fmt.Sprintf("%s: %v", sum.Status, sum.Notes)
			if sum.Error != nil {
				why = "failed: " + sum.Error.Code
			}
			s.met("a pull " + why)
		default:
			return fmt.Errorf("pull %s is %s", started.ID, sum.Status)
		}
		if err := pause(ctx, 0); err != nil {
			return fmt.Errorf("%d pulls were not enough: %w", try+1, err)
		}
	}
}

// local is the local organisation, told like remote.
func (s *pullStrand) local(ctx context.Context) ([]string, error) {
	var root orgNode
	if err := s.ask(ctx, "GET", fmt.Sprintf("/api/v1/org/tree?company_id=%d", s.company), "", nil, &root); err != nil {
		return nil, err
	}
	var out []string
	people := map[string][]string{}
	var walk func(n orgNode, above string) error
	walk = func(n orgNode, above string) error {
		if was, known := s.ids[n.RemoteID]; known && was != n.ID {
			out = append(out, fmt.Sprintf("dept %s was %d here and is %d", n.RemoteID, was, n.ID))
		}
		s.ids[n.RemoteID] = n.ID
		out = append(out, fmt.Sprintf("dept %s %s below %s", n.RemoteID, n.Name, above))
		var page struct{ Members []orgMember }
		if err := s.ask(ctx, "GET", fmt.Sprintf("/api/v1/org/units/%d/members?limit=200", n.ID), "", nil, &page); err != nil {
			return err
		}
		for _, m := range page.Members {
			for _, d := range m.Departments {
				if d.ID == n.ID {
					who := m.UserID + " " + m.JobNumber + " " + m.Name
					people[who] = append(people[who], fmt.Sprintf("%s leads %v", n.RemoteID, d.Leader))
				}
			}
		}
		for _, c := range n.Children {
			if err := walk(c, n.RemoteID); err != nil {
				return err
			}
		}
		return nil
	}
	if err := walk(root, ""); err != nil {
		return nil, err
	}
	for who, in := range people {
		slices.Sort(in)
		out = append(out, who+" in "+strings.Join(in, ", "))
	}
	slices.Sort(out)
	return out, nil
}

func (s *pullStrand) losses(ctx context.Context) []string {
	out := s.wrong
	got, err := s.local(ctx)
	if err != nil {
		return append(out, err.Error())
	}
	var state dingState
	if err := json.Unmarshal([]byte(encode(s.t, s.ding.State())), &state); err != nil {
		return append(out, err.Error())
	}
	if d := cmp.Diff(state.told(), got); d != "" {
		out = append(out, "the local organisation (-DingTalk +local):\n"+d)
	}
	out = append(out, s.found(ctx, "has not ended", `SELECT id || ' ' || status FROM org_pull WHERE company_id = $1 AND (finished_at IS NULL OR status NOT IN ('completed', 'completed_with_failures', 'failed'))`, s.company)...)
	out = append(out, s.found(ctx, "pulls", `SELECT 'recorded are ' || count(*) FROM org_pull WHERE company_id = $1 HAVING count(*) <> $2`, s.company, s.begun)...)
	return append(out, s.found(ctx, "versions", `SELECT 'made were ' || count(*) FROM org_version WHERE company_id = $1 HAVING count(*) <> $2`, s.company, s.versions)...)
}
