package wcsim

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"orgflow/connectors/simctl"
)

// hiddenSince2022 are the fields new secrets are not shown (§ 3).
var hiddenSince2022 = []string{"mobile", "email", "biz_mail", "gender", "address", "avatar_mediaid"}

// show is a member as user/get and user/list answer.
func (s *Sim) show(u *User) map[string]any {
	raw, err := json.Marshal(u)
	out := map[string]any{}
	if err != nil || json.Unmarshal(raw, &out) != nil {
		return map[string]any{"userid": u.UserID}
	}
	delete(out, "invited")
	out["department"], out["order"], out["is_leader_in_dept"] = u.Department, u.Order, u.Leader // exact numbers
	if s.settings.Load().Details == "trimmed" {
		for _, name := range hiddenSince2022 {
			delete(out, name)
		}
	}
	return out
}

// getUser is user/get. A failure still carries empty arrays (§ 4.2).
func (s *Sim) getUser(c *simctl.Call, _ *args) simctl.Answer {
	s.mu.RLock()
	defer s.mu.RUnlock()
	u := s.dir.user(c.Query.Get("userid"))
	if u == nil {
		r := coded(60111)
		r.with = map[string]any{"department": []int{}, "order": []int{}, "is_leader_in_dept": []int{}}
		return failed(r)
	}
	return succeeded("ok", s.show(u))
}

// listUsers is user/list, simpleUsers user/simplelist.
func (s *Sim) listUsers(_ *simctl.Call, a *args) simctl.Answer {
	return s.listMembers(a, func(u *User) any { return s.show(u) })
}

func (s *Sim) simpleUsers(_ *simctl.Call, a *args) simctl.Answer {
	return s.listMembers(a, func(u *User) any {
		return map[string]any{"userid": u.UserID, "name": u.Name, "department": u.Department}
	})
}

func (s *Sim) listMembers(a *args, show func(*User) any) simctl.Answer {
	dept, r := a.query("department_id")
	if r != nil {
		return failed(r)
	}
	children, r := a.query("fetch_child")
	if r != nil {
		return failed(r)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.dir.Depts[dept] == nil {
		return failed(coded(60003))
	}
	found := map[string]*User{}
	s.dir.subtree(dept, func(n *Department) {
		if n.ID == dept || children == 1 {
			maps.Copy(found, s.dir.members[n.ID])
		}
	})
	if most := s.settings.Load().ListMax; most > 0 && len(found) > most {
		return failed(coded(45029))
	}
	out := []any{}
	for _, id := range slices.Sorted(maps.Keys(found)) {
		out = append(out, show(found[id]))
	}
	return succeeded("ok", map[string]any{"userlist": out})
}

// membership is one row of user/list_id.
type membership struct {
	UserID     string `json:"userid"`
	Department int64  `json:"department"`
}

// listIDs is user/list_id: one row for each membership, the rows of one
// person possibly on different pages (§ 4.2, § 12 no. 6). The cursor is the
// number of rows that were shown.
func (s *Sim) listIDs(_ *simctl.Call, a *args) simctl.Answer {
	cursor, _ := a.str("cursor")
	limit, ok := a.int("limit")
	if !ok {
		limit = 10_000
	}
	from := 0
	if cursor != "" {
		n, err := strconv.Atoi(cursor)
		if err != nil || n < 0 {
			return failed(refuse(40058, "invalid request parameter cursor"))
		}
		from = n
	}
	if limit < 1 || limit > 10_000 {
		return failed(refuse(40058, "invalid request parameter limit"))
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	rows := []membership{}
	for _, u := range s.dir.users {
		for _, dept := range u.Department {
			rows = append(rows, membership{u.UserID, dept})
		}
	}
	slices.SortFunc(rows, func(x, y membership) int { // by department, so that a person's rows lie apart
		return cmp.Or(cmp.Compare(x.Department, y.Department), cmp.Compare(x.UserID, y.UserID))
	})
	to := min(len(rows), from+int(min(limit, int64(s.settings.Load().ListIDPage))))
	next := ""
	if from = min(from, to); to < len(rows) {
		next = strconv.Itoa(to)
	}
	return succeeded("ok", map[string]any{"next_cursor": next, "dept_user": rows[from:to]})
}

// userByMobile is user/getuserid. Which code an unknown number answers is
// not documented; 60111 is taken.
func (s *Sim) userByMobile(_ *simctl.Call, a *args) simctl.Answer {
	mobile, _ := a.str("mobile")
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !phonePattern.MatchString(mobile) {
		return failed(coded(60103))
	}
	id, ok := s.dir.byMobile[bareMobile(mobile)]
	if !ok {
		return failed(coded(60111))
	}
	return succeeded("ok", map[string]any{"userid": id})
}
