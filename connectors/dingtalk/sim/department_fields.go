package dtsim

import (
	"encoding/json"
	"slices"
	"strings"
)

// fillDept takes over and checks the fields that concern the department alone (§ 4.2).
func fillDept(n *Department, a *args, creating bool) *refusal {
	if o, ok := a.int("order"); ok {
		if o <= 0 && a.bad == nil {
			return refuse(40011, "不合法的部门order: it must be above 0")
		}
		n.Order = o
	}
	for _, f := range []struct {
		name string
		to   *string
	}{
		{"source_identifier", &n.SourceIdentifier}, {"brief", &n.Brief}, {"telephone", &n.Telephone}, {"extension", &n.Extension}, {"code", &n.Code},
	} {
		a.setStr(f.name, f.to)
	}
	for _, f := range []struct {
		name string
		to   *bool
	}{
		{"hide_dept", &n.Hide}, {"outer_dept", &n.Outer}, {"outer_dept_only_self", &n.OuterOnlySelf}, {"create_dept_group", &n.CreateGroup},
		{"auto_approve_apply", &n.AutoApprove}, {"auto_add_user", &n.AutoAddUser}, {"group_contain_sub_dept", &n.GroupContainSub},
		{"group_contain_outer_dept", &n.GroupContainOuter}, {"group_contain_hidden_dept", &n.GroupContainHide},
	} {
		a.setBool(f.name, f.to)
	}
	r := fillPermits(n, a, creating)
	switch {
	case a.bad != nil:
		return a.bad
	case n.Name == "" || chars(n.Name) > 64:
		return refuse(60001, "不合法的部门名称: 1 to 64 characters")
	case strings.ContainsAny(n.Name, "-，,"):
		return refuse(60009, "部门名称含有非法字符")
	case chars(n.Brief) > 255 || chars(n.Telephone) > 50 || chars(n.Code) > 30:
		return refuse(40035, "不合法的参数: brief ≤255, telephone ≤50, code ≤30")
	case n.Extension != "" && !json.Valid([]byte(n.Extension)):
		return refuse(40035, "不合法的参数: extension is not JSON")
	}
	return r
}

// fillPermits takes over the visibility lists.
func fillPermits(n *Department, a *args, creating bool) *refusal {
	for name, to := range map[string]*[]int64{"dept_permits": &n.DeptPermits, "outer_permit_depts": &n.OuterPermitDepts} {
		if list, ok := a.str(name); ok {
			*to = nil
			if list == "" {
				continue
			}
			if *to, ok = ids(list); !ok {
				return refuse(40066, "不合法的部门列表: %s", name)
			}
		}
	}
	for name, to := range map[string]*[]string{"user_permits": &n.UserPermits, "outer_permit_users": &n.OuterPermitUsers} {
		if list, ok := a.str(name); ok {
			*to = names(list)
		}
	}
	return checkPermits(n, a, creating)
}

// checkPermits holds the lists to their lengths: on create ≤50 each, on update
// ≤50 departments and users together (§ 4.2); in v1 ≤200 each (§ 3.2).
func checkPermits(n *Department, a *args, creating bool) *refusal {
	most := 50
	if a.old != nil {
		most = 200 // § 3.2
	}
	over := len(n.DeptPermits) > most || len(n.UserPermits) > most || len(n.OuterPermitDepts) > most || len(n.OuterPermitUsers) > most
	if creating && over {
		return refuse(600109, "部门可见列表过长") // spelled so on the create page (§ 4.1)
	}
	together := a.old == nil && max(len(n.DeptPermits)+len(n.UserPermits), len(n.OuterPermitDepts)+len(n.OuterPermitUsers)) > most
	if !creating && (over || together) {
		return refuse(60109, "部门可见列表过长")
	}
	return nil
}

// fillPeople takes over managers and group owner, who must be members
// (§ 4.2). An empty manager list misbehaves: it changes nothing; clearing
// needs force_update_fields and no list. v1 has no such field; there an empty
// list is taken for nobody.
func (s *Sim) fillPeople(n *Department, a *args) *refusal {
	list, sent := a.str("dept_manager_userid_list")
	force, _ := a.str("force_update_fields")
	owner, hasOwner := a.str("org_dept_owner")
	if a.bad != nil {
		return a.bad
	}
	members := s.dir.members[n.ID]
	switch {
	case list != "":
		managers := []string{}
		for _, id := range names(list) {
			if members[id] == nil {
				return refuse(40031, "不合法的UserID列表: unknown userid %s in this department", id)
			}
			if !slices.Contains(managers, id) {
				managers = append(managers, id)
			}
		}
		n.Managers = managers
	case sent && a.old != nil, !sent && slices.Contains(names(force), "dept_manager_userid_list"):
		n.Managers = []string{}
	}
	if hasOwner && owner != "" {
		if members[owner] == nil {
			return refuse(40093, "不合法的部门群主")
		}
		n.Owner = owner
	}
	return nil
}
