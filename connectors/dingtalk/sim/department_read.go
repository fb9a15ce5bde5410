package dtsim

import "orgflow/connectors/simctl"

// deptView is the result of department/get (§ 4.3), whose lists are arrays
// although requests use comma texts.
type deptView struct {
	ID                int64     `json:"dept_id"`
	Name              string    `json:"name"`
	ParentID          int64     `json:"parent_id,omitempty"`
	SourceIdentifier  string    `json:"source_identifier,omitempty"`
	CreateGroup       bool      `json:"create_dept_group"`
	AutoAddUser       bool      `json:"auto_add_user"`
	AutoApprove       bool      `json:"auto_approve_apply"`
	FromUnionOrg      bool      `json:"from_union_org"`
	Tags              string    `json:"tags"`
	Order             int64     `json:"order"`
	GroupContainSub   bool      `json:"group_contain_sub_dept"`
	Owner             string    `json:"org_dept_owner,omitempty"`
	Managers          []string  `json:"dept_manager_userid_list"`
	Outer             bool      `json:"outer_dept"`
	OuterPermitDepts  *[]int64  `json:"outer_permit_depts,omitempty"`
	OuterPermitUsers  *[]string `json:"outer_permit_users,omitempty"`
	Hide              bool      `json:"hide_dept"`
	DeptPermits       *[]int64  `json:"dept_permits,omitempty"`
	UserPermits       *[]string `json:"user_permits,omitempty"`
	Code              string    `json:"code,omitempty"`
	Brief             string    `json:"brief,omitempty"`
	Telephone         string    `json:"telephone,omitempty"`
	Extension         string    `json:"extention,omitempty"` // sic
	MemberCount       int       `json:"member_count"`
	OwningMemberCount int       `json:"owning_member_count"`
}

// readableDept finds a department in the app's scope.
func (s *Sim) readableDept(id int64) (*Department, *refusal) {
	n := s.dir.Depts[id]
	switch {
	case id == schoolID:
		return nil, refuse(40009, "不合法的部门id")
	case n == nil:
		return nil, errDeptAbsent
	case !s.dir.visible(s.settings.Load(), id):
		return nil, errDeptScope
	}
	return n, nil
}

// getDept is /topapi/v2/department/get.
func (s *Sim) getDept(_ *simctl.Call, a *args) (any, *refusal) {
	id := a.needInt("dept_id")
	if a.bad != nil {
		return nil, a.bad
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	n, r := s.readableDept(id)
	if r != nil {
		return nil, r
	}
	v := deptView{
		ID: n.ID, Name: n.Name, ParentID: n.ParentID, SourceIdentifier: n.SourceIdentifier, CreateGroup: n.CreateGroup,
		AutoAddUser: n.AutoAddUser, AutoApprove: n.AutoApprove, Order: n.Order, GroupContainSub: n.GroupContainSub, Owner: n.Owner,
		Managers: n.Managers, Outer: n.Outer, Hide: n.Hide, Code: n.Code, Brief: n.Brief, Telephone: n.Telephone, Extension: n.Extension,
		MemberCount: s.dir.countBelow(id), OwningMemberCount: len(s.dir.members[id]),
	}
	if n.Outer { // the lists are absent otherwise (§ 4.3)
		v.OuterPermitDepts, v.OuterPermitUsers = list(n.OuterPermitDepts), list(n.OuterPermitUsers)
	}
	if n.Hide {
		v.DeptPermits, v.UserPermits = list(n.DeptPermits), list(n.UserPermits)
	}
	return v, nil
}

func list[T any](l []T) *[]T {
	if l == nil {
		l = []T{}
	}
	return &l
}

// countBelow counts the people of a department and all below it, each once.
func (d *directory) countBelow(id int64) int {
	if id == rootID {
		return len(d.users)
	}
	if len(d.Kids[id]) == 0 {
		return len(d.members[id])
	}
	seen := map[string]bool{}
	d.subtree(id, func(n int64) bool {
		for u := range d.members[n] {
			seen[u] = true
		}
		return true
	})
	return len(seen)
}

// subView is an element of listsub (§ 4.4).
type subView struct {
	ID               int64  `json:"dept_id"`
	Name             string `json:"name"`
	ParentID         int64  `json:"parent_id"`
	CreateGroup      bool   `json:"create_dept_group"`
	AutoAddUser      bool   `json:"auto_add_user"`
	SourceIdentifier string `json:"source_identifier,omitempty"`
}

// listSub is /topapi/v2/department/listsub: direct children, default of the root.
func (s *Sim) listSub(_ *simctl.Call, a *args) (any, *refusal) {
	id, ok := a.int("dept_id")
	if !ok {
		id = rootID
	}
	if a.bad != nil {
		return nil, a.bad
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if _, r := s.readableDept(id); r != nil {
		return nil, r
	}
	out := []subView{}
	for _, n := range s.dir.sortedKids(id) {
		out = append(out, subView{n.ID, n.Name, n.ParentID, n.CreateGroup, n.AutoAddUser, n.SourceIdentifier})
	}
	if id == rootID && s.settings.Load().SchoolDepartment {
		out = append(out, subView{ID: schoolID, Name: "家校通讯录", ParentID: rootID})
	}
	return out, nil
}

// listSubID is /topapi/v2/department/listsubid, not limited by scope.
func (s *Sim) listSubID(_ *simctl.Call, a *args) (any, *refusal) {
	id := a.needInt("dept_id")
	if a.bad != nil {
		return nil, a.bad
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.dir.Depts[id] == nil {
		return nil, errDeptAbsent
	}
	out := []int64{}
	for _, n := range s.dir.sortedKids(id) {
		out = append(out, n.ID)
	}
	return struct {
		IDs []int64 `json:"dept_id_list"`
	}{out}, nil
}

// chain lists a department and those above it, the root last.
func (d *directory) chain(id int64) []int64 {
	out := []int64{id}
	for id != rootID {
		id = d.Depts[id].ParentID
		out = append(out, id)
	}
	return out
}

// listParentByDept is /topapi/v2/department/listparentbydept, not limited by scope.
func (s *Sim) listParentByDept(_ *simctl.Call, a *args) (any, *refusal) {
	id := a.needInt("dept_id")
	if a.bad != nil {
		return nil, a.bad
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.dir.Depts[id] == nil {
		return nil, errDeptAbsent
	}
	return struct {
		IDs []int64 `json:"parent_id_list"`
	}{s.dir.chain(id)}, nil
}

// listParentByUser is /topapi/v2/department/listparentbyuser. Its page
// documents 33012 for an unknown user.
func (s *Sim) listParentByUser(_ *simctl.Call, a *args) (any, *refusal) {
	id := a.needStr("userid")
	if a.bad != nil {
		return nil, a.bad
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	u := s.dir.users[id]
	if u == nil {
		return nil, refuse(33012, "无效的USERID")
	}
	type parents struct {
		IDs []int64 `json:"parent_dept_id_list"`
	}
	var out struct {
		List []parents `json:"parent_list"`
	}
	for _, dept := range u.DeptIDs {
		out.List = append(out.List, parents{s.dir.chain(dept)})
	}
	return out, nil
}
