package wcsim

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"orgflow/connectors/simctl"
)

const (
	maxID    = 1<<32 - 1
	maxOrder = 1<<32 - 1
	badChars = `\:*?"<>|`
)

func chars(s string) int { return utf8.RuneCountInString(s) }

// createDept is department/create (§ 5): the id may be the caller's choice.
func (s *Sim) createDept(c *simctl.Call, a *args) simctl.Answer {
	n := &Department{}
	n.Name, _ = a.str("name")
	n.ParentID, _ = a.int("parentid")
	given, chosen := a.int("id")
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.dir
	if r := fillDept(n, a); r != nil {
		return failed(r)
	}
	switch {
	case chosen && (given <= 1 || given > maxID):
		return failed(coded(60123))
	case chosen && d.Depts[given] != nil:
		return failed(coded(60008))
	case len(d.Depts) >= maxDepts:
		return failed(coded(81001))
	}
	if r := d.checkPlace(n, 1); r != nil {
		return failed(r)
	}
	if n.ID = given; !chosen {
		n.ID = d.lastDept + 1
	}
	if err := s.commit(deptChange(n)); err != nil {
		return failed(coded(-1))
	}
	c.Wrote, c.Key = true, strconv.FormatInt(n.ID, 10)
	return succeeded(a.wrote("created"), map[string]any{"id": n.ID})
}

// updateDept is department/update: what is absent stays, another parent moves.
func (s *Sim) updateDept(c *simctl.Call, a *args) simctl.Answer {
	id, _ := a.int("id")
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.dir.Depts[id]
	if old == nil {
		return failed(coded(60003))
	}
	n := *old
	if name, ok := a.str("name"); ok {
		n.Name = name
	}
	if parent, ok := a.int("parentid"); ok && id != rootID {
		n.ParentID = parent
	}
	if r := fillDept(&n, a); r != nil {
		return failed(r)
	}
	if id != rootID && (n.Name != old.Name || n.ParentID != old.ParentID) {
		if r := s.dir.checkPlace(&n, s.dir.Height(id)); r != nil {
			return failed(r)
		}
	}
	if err := s.commit(deptChange(&n)); err != nil {
		return failed(coded(-1))
	}
	c.Wrote = true
	return succeeded(a.wrote("updated"), nil)
}

// fillDept takes over and checks the fields that concern the department alone.
func fillDept(n *Department, a *args) *refusal {
	if en, ok := a.str("name_en"); ok {
		n.NameEN = en
	}
	if order, ok := a.int("order"); ok {
		if order < 0 || order > maxOrder {
			return refuse(40058, "invalid request parameter order")
		}
		n.Order = order
	}
	for _, name := range []string{n.Name, n.NameEN} {
		if strings.ContainsAny(name, badChars) {
			return coded(60009)
		}
	}
	if n.Name == "" || chars(n.Name) > 64 || chars(n.NameEN) > 64 {
		return coded(60001)
	}
	return nil
}

// checkPlace checks parent, ring, siblings, levels and size for a department
// whose subtree has that many levels.
func (d *directory) checkPlace(n *Department, levels int) *refusal {
	if d.Depts[n.ParentID] == nil {
		return coded(60004)
	}
	if n.ID != 0 && d.Within(n.ParentID, n.ID) {
		return coded(60010)
	}
	if id, taken := d.Kids[n.ParentID][n.Name]; taken && id != n.ID {
		return coded(60008)
	}
	if d.Depth(n.ParentID)+levels > maxDepth {
		return coded(81002)
	}
	if old := d.Depts[n.ID]; (old == nil || old.ParentID != n.ParentID) && d.nodes(n.ParentID) >= maxNodes {
		return coded(81001)
	}
	return nil
}

// deleteDept is department/delete.
func (s *Sim) deleteDept(c *simctl.Call, a *args) simctl.Answer {
	id, r := a.query("id")
	if r != nil {
		return failed(r)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.dir
	switch {
	case id == rootID:
		return failed(coded(60007))
	case d.Depts[id] == nil:
		return failed(coded(60003))
	case len(d.members[id]) > 0:
		return failed(coded(60005))
	case len(d.Kids[id]) > 0:
		return failed(coded(60006))
	}
	if err := s.commit(simctl.Change{Kind: kindDept, ID: strconv.FormatInt(id, 10)}); err != nil {
		return failed(coded(-1))
	}
	c.Wrote = true
	return succeeded("deleted", nil)
}

// deptView is a department as get and list show it.
type deptView struct {
	ID       int64    `json:"id"`
	Name     string   `json:"name"`
	NameEN   string   `json:"name_en,omitempty"`
	Leaders  []string `json:"department_leader"`
	ParentID int64    `json:"parentid"`
	Order    int64    `json:"order"`
}

func (d *directory) view(n *Department) deptView {
	leaders := []string{}
	for _, id := range slices.Sorted(maps.Keys(d.members[n.ID])) {
		u := d.members[n.ID][id]
		if at := slices.Index(u.Department, n.ID); at >= 0 && at < len(u.Leader) && u.Leader[at] == 1 {
			leaders = append(leaders, u.UserID)
		}
	}
	return deptView{n.ID, n.Name, n.NameEN, leaders, n.ParentID, n.Order}
}

// getDept is department/get.
func (s *Sim) getDept(_ *simctl.Call, a *args) simctl.Answer {
	id, r := a.query("id")
	if r != nil {
		return failed(r)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	n := s.dir.Depts[id]
	if n == nil {
		return failed(coded(60003))
	}
	return succeeded("ok", map[string]any{"department": s.dir.view(n)})
}

// listDepts is department/list, simpleList department/simplelist: a
// department and all below it.
func (s *Sim) listDepts(_ *simctl.Call, a *args) simctl.Answer {
	return s.list(a, "department", func(d *directory, n *Department) any { return d.view(n) })
}

func (s *Sim) simpleList(_ *simctl.Call, a *args) simctl.Answer {
	return s.list(a, "department_id", func(_ *directory, n *Department) any {
		return map[string]int64{"id": n.ID, "parentid": n.ParentID, "order": n.Order}
	})
}

func (s *Sim) list(a *args, key string, show func(*directory, *Department) any) simctl.Answer {
	id, r := a.query("id")
	if r != nil {
		return failed(r)
	}
	if id == 0 {
		id = rootID
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.dir.Depts[id] == nil {
		return failed(coded(60003))
	}
	out := []any{}
	s.dir.subtree(id, func(n *Department) { out = append(out, show(s.dir, n)) })
	return succeeded("ok", map[string]any{key: out})
}

// subtree calls f for a department and all below it, larger order first.
func (d *directory) subtree(id int64, f func(*Department)) {
	f(d.Depts[id])
	kids := make([]*Department, 0, len(d.Kids[id]))
	for _, kid := range d.Kids[id] {
		kids = append(kids, d.Depts[kid])
	}
	slices.SortFunc(kids, func(x, y *Department) int {
		return cmp.Or(cmp.Compare(y.Order, x.Order), cmp.Compare(x.ID, y.ID))
	})
	for _, kid := range kids {
		d.subtree(kid.ID, f)
	}
}

// nodes counts what is directly in a department.
func (d *directory) nodes(id int64) int { return len(d.Kids[id]) + len(d.members[id]) }
