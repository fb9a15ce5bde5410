package dtsim

import (
	"cmp"
	"slices"
	"strconv"

	"orgflow/connectors/simctl"
)

// Department is a department as the simulator holds it and shows it in its state.
type Department struct {
	ID                int64    `json:"dept_id"`
	Name              string   `json:"name"`
	ParentID          int64    `json:"parent_id,omitempty"` // absent for the root
	Order             int64    `json:"order"`
	SourceIdentifier  string   `json:"source_identifier,omitempty"`
	Managers          []string `json:"dept_manager_userid_list"`
	Owner             string   `json:"org_dept_owner,omitempty"`
	Code              string   `json:"code,omitempty"`
	Brief             string   `json:"brief,omitempty"`
	Telephone         string   `json:"telephone,omitempty"`
	Extension         string   `json:"extension,omitempty"`
	Hide              bool     `json:"hide_dept,omitempty"`
	DeptPermits       []int64  `json:"dept_permits,omitempty"`
	UserPermits       []string `json:"user_permits,omitempty"`
	Outer             bool     `json:"outer_dept,omitempty"`
	OuterOnlySelf     bool     `json:"outer_dept_only_self,omitempty"`
	OuterPermitDepts  []int64  `json:"outer_permit_depts,omitempty"`
	OuterPermitUsers  []string `json:"outer_permit_users,omitempty"`
	CreateGroup       bool     `json:"create_dept_group,omitempty"`
	AutoAddUser       bool     `json:"auto_add_user,omitempty"`
	AutoApprove       bool     `json:"auto_approve_apply,omitempty"`
	GroupContainSub   bool     `json:"group_contain_sub_dept,omitempty"`
	GroupContainOuter bool     `json:"group_contain_outer_dept,omitempty"`
	GroupContainHide  bool     `json:"group_contain_hidden_dept,omitempty"`
}

// Place implements simtree.Node.
func (n *Department) Place() (id, parent int64, name string) { return n.ID, n.ParentID, n.Name }

// createDept is /topapi/v2/department/create (§ 4.1, § 4.2).
func (s *Sim) createDept(c *simctl.Call, a *args) (any, *refusal) {
	n := &Department{Managers: []string{}}
	n.Name, n.ParentID = a.needStr("name"), a.needInt("parent_id")
	if r := fillDept(n, a, true); r != nil {
		return nil, r
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d, set := s.dir, s.settings.Load()
	if r := s.checkPlace(n, 1); r != nil {
		return nil, r
	}
	if !d.visible(set, n.ParentID) {
		return nil, errDeptScope
	}
	n.ID = d.lastDept + 1
	if n.Order == 0 {
		n.Order = n.ID // observed default (§ 3.3)
	}
	if err := s.commit(deptChange(n)); err != nil {
		return nil, busy
	}
	c.Wrote = true
	if c.Key == "" {
		c.Key = strconv.FormatInt(n.ID, 10)
	}
	return struct {
		ID int64 `json:"dept_id"`
	}{n.ID}, nil
}

// updateDept is /topapi/v2/department/update: what is absent stays (§ 4.2).
func (s *Sim) updateDept(c *simctl.Call, a *args) (any, *refusal) {
	id := a.needInt("dept_id")
	if a.bad != nil {
		return nil, a.bad
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old, r := s.writableDept(id)
	if r != nil {
		return nil, r
	}
	n := *old
	a.setStr("name", &n.Name)
	if p, ok := a.int("parent_id"); ok {
		n.ParentID = p
	}
	if r := fillDept(&n, a, false); r != nil {
		return nil, r
	}
	if n.ParentID != old.ParentID || n.Name != old.Name {
		if r := s.checkPlace(&n, s.dir.Height(id)); r != nil {
			return nil, r
		}
	}
	if r := s.fillPeople(&n, a); r != nil {
		return nil, r
	}
	if err := s.commit(deptChange(&n)); err != nil {
		return nil, busy
	}
	c.Wrote = true
	return nil, nil
}

// writableDept finds a department that may be updated.
func (s *Sim) writableDept(id int64) (*Department, *refusal) {
	old := s.dir.Depts[id]
	switch {
	case id == schoolID:
		return nil, refuse(40009, "不合法的部门id")
	case id == rootID:
		return nil, refuse(60018, "不能更新根部门")
	case old == nil:
		return nil, errDeptAbsent
	case !s.dir.visible(s.settings.Load(), id):
		return nil, errDeptScope
	}
	return old, nil
}

// checkPlace checks parent, depth, number and names of siblings for a
// department whose subtree has that many levels (§ 5.4).
func (s *Sim) checkPlace(n *Department, levels int) *refusal {
	d := s.dir
	if n.ParentID == schoolID {
		return refuse(40009, "不合法的部门id")
	}
	if d.Depts[n.ParentID] == nil {
		return refuse(60004, "父部门不存在")
	}
	if n.ID != 0 && d.Within(n.ParentID, n.ID) {
		return refuse(60010, "不允许将部门设置为自己的子部门")
	}
	if id, taken := d.Kids[n.ParentID][n.Name]; taken && id != n.ID {
		return refuse(s.settings.Load().DuplicateDeptCode, "该部门下已存在同名部门")
	}
	if d.Depth(n.ParentID)+levels > maxDepth {
		return refuse(60002, "部门层级超过%d级", maxDepth)
	}
	if old := d.Depts[n.ID]; (old == nil || old.ParentID != n.ParentID) && len(d.Kids[n.ParentID]) >= maxSubs {
		return refuse(60110, "子部门个数超过%d", maxSubs)
	}
	return nil
}

// deleteDept is /topapi/v2/department/delete (§ 5.4, § 13).
func (s *Sim) deleteDept(c *simctl.Call, a *args) (any, *refusal) {
	id := a.needInt("dept_id")
	if a.bad != nil {
		return nil, a.bad
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d, set := s.dir, s.settings.Load()
	switch {
	case id == rootID:
		return nil, refuse(60007, "不允许删除根部门")
	case d.Depts[id] == nil:
		return nil, errDeptAbsent
	case !d.visible(set, id):
		return nil, errDeptScope
	}
	var gone []int64
	empty := d.subtree(id, func(n int64) bool {
		gone = append(gone, n)
		return len(d.members[n]) == 0
	})
	if !empty {
		return nil, refuse(60005, "不允许删除有成员的部门")
	}
	if len(gone) > 1 && !set.DeptDeleteCascade {
		return nil, refuse(60006, "不允许删除有子部门的部门")
	}
	slices.Reverse(gone) // leaves first
	changes := make([]simctl.Change, len(gone))
	for i, n := range gone {
		changes[i] = simctl.Change{Kind: kindDept, ID: strconv.FormatInt(n, 10)}
	}
	if err := s.commit(changes...); err != nil {
		return nil, busy
	}
	c.Wrote = true
	return nil, nil
}

// sortedKids lists the direct sub-departments, smaller order first.
func (d *directory) sortedKids(id int64) []*Department {
	kids := make([]*Department, 0, len(d.Kids[id]))
	for _, kid := range d.Kids[id] {
		kids = append(kids, d.Depts[kid])
	}
	slices.SortFunc(kids, func(x, y *Department) int {
		return cmp.Or(cmp.Compare(x.Order, y.Order), cmp.Compare(x.ID, y.ID))
	})
	return kids
}
