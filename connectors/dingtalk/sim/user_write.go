package dtsim

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"orgflow/connectors/simctl"
)

// createUser is /topapi/v2/user/create, in the order of checks of § 13:
// required, lengths, departments, userid, mobile format, mobile, telephone
// and e-mail, protected number.
func (s *Sim) createUser(c *simctl.Call, a *args) (any, *refusal) {
	u := &record{}
	a.needStr("name")
	u.Mobile = a.needStr("mobile")
	depts := a.needStr("dept_id_list")
	a.setStr("userid", &u.UserID)
	a.setStr("manager_userid", &u.Manager)
	if a.bad != nil {
		return nil, a.bad
	}
	if chars(u.UserID) > 64 {
		return nil, refuse(40003, "不合法的UserID: 64 characters at most")
	}
	if r := s.fillUser(&u.User, a); r != nil {
		return nil, r
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.placeUser(&u.User, depts, 100); r != nil {
		return nil, r
	}
	if r := s.checkNew(u); r != nil {
		return nil, r
	}
	d := s.dir
	if u.UserID == "" {
		u.UserID = d.nextUserID()
	}
	c.Key = u.UserID
	now := s.desk.Now()
	u.StateCode, u.UnionID, u.Joined = stateCode(u.Mobile), unionID(u.Mobile), now.UnixMilli()
	if set := s.settings.Load(); set.RepeatedInviteCode != 40103 && s.isInvited(u.Mobile, now) {
		return nil, refuse(set.RepeatedInviteCode, "手机号码在公司中已存在")
	}
	if s.mustInvite(u.Mobile, now) {
		return nil, s.invite(c, &u.User, now)
	}
	u.Entered, u.Modified = d.seq+1, d.seq+1
	changes := []simctl.Change{userChange(u)}
	if d.invites[u.Mobile] != nil { // it has expired
		changes = append(changes, simctl.Change{Kind: kindInvite, ID: u.Mobile})
	}
	if err := s.commit(changes...); err != nil {
		return nil, busy
	}
	c.Wrote = true
	return struct {
		UserID  string `json:"userid"`
		UnionID string `json:"unionId"` // capital I here only (§ 4.5)
	}{u.UserID, u.UnionID}, nil
}

// checkNew checks what must not collide, and the caps.
func (s *Sim) checkNew(u *record) *refusal {
	d, set := s.dir, s.settings.Load()
	if d.users[u.UserID] != nil {
		return refuse(60102, "userid已存在")
	}
	if !mobilePattern.MatchString(u.Mobile) {
		return refuse(60103, "不合法的手机号码")
	}
	u.Mobile = normalMobile(u.Mobile)
	if holder, taken := d.byMobile[u.Mobile]; taken {
		r := refuse(60104, "手机号码在公司中已存在")
		if set.UserConflictReturnsUserID {
			r.userid = holder
		}
		return r
	}
	if r := s.checkUnique(&u.User); r != nil {
		return r
	}
	if set.MemberCap > 0 && len(d.users) >= set.MemberCap {
		return refuse(set.MemberCapCode, "企业人数已达上限")
	}
	return nil
}

// checkUnique checks telephone, e-mail and manager against the others.
func (s *Sim) checkUnique(u *User) *refusal {
	d := s.dir
	if holder, taken := d.byPhone[u.Telephone]; taken && holder != u.UserID {
		return refuse(40100, "分机号已存在")
	}
	if holder, taken := d.byEmail[strings.ToLower(u.Email)]; taken && holder != u.UserID {
		return refuse(40101, "邮箱已存在")
	}
	if m := u.Manager; m != "" && d.users[m] == nil {
		// What an update does not touch is not judged: a manager who left stays named.
		if old := d.users[u.UserID]; old == nil || old.Manager != m {
			return refuse(60128, "无效的主管")
		}
	}
	return nil
}

// placeUser puts a person into departments, given as a comma list.
func (s *Sim) placeUser(u *User, list string, most int) *refusal {
	depts, ok := ids(list)
	if !ok {
		return refuse(40025, "不合法的部门列表")
	}
	if len(depts) > most {
		return refuse(40066, "不合法的部门列表: %d departments at most", most)
	}
	d, set := s.dir, s.settings.Load()
	for _, id := range depts {
		if id == schoolID {
			return refuse(40009, "不合法的部门id")
		}
		if d.Depts[id] == nil {
			return errDeptAbsent
		}
		if !d.visible(set, id) {
			return errDeptScope
		}
		if members := d.members[id]; len(members) >= maxMembers && members[u.UserID] == nil {
			return refuse(40023, "部门成员数超过%d", maxMembers)
		}
	}
	u.DeptIDs = depts
	u.keepDepts()
	return nil
}

// updateUser is /topapi/v2/user/update (§ 4.7): what is absent stays.
func (s *Sim) updateUser(c *simctl.Call, a *args) (any, *refusal) {
	id := a.needStr("userid")
	if a.bad != nil {
		return nil, a.bad
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old, r := s.knownUser(id, 60121)
	if r != nil {
		return nil, r
	}
	u := *old
	if r := s.fillUser(&u.User, a); r != nil {
		return nil, r
	}
	if u.Name == "" {
		return nil, refuse(60112, "不合法的name: 1 to 80 characters")
	}
	if r := s.checkMobileChange(&u.User, a); r != nil {
		return nil, r
	}
	if list, ok := a.str("dept_id_list"); ok {
		if r := s.placeUser(&u.User, list, 300); r != nil {
			return nil, r
		}
	}
	u.keepDepts()
	fillManager(&u.User, a)
	if a.bad != nil {
		return nil, a.bad
	}
	if r := s.checkUnique(&u.User); r != nil {
		return nil, r
	}
	if s.settings.Load().HRPositions && positionsDiffer(&old.User, &u.User) {
		return nil, refuse(12150, "已开启智能人事职位管理，不支持修改职位和部门")
	}
	u.Modified = s.dir.seq + 1
	changes := append([]simctl.Change{userChange(&u)}, s.dir.leaveDepts(old, u.DeptIDs)...)
	if err := s.commit(changes...); err != nil {
		return nil, busy
	}
	c.Wrote = true
	return nil, nil
}

// fillManager sets the direct manager. It is cleared only with
// force_update_fields and without a value; an empty value changes nothing,
// except in v1, which has no other way.
func fillManager(u *User, a *args) {
	force, _ := a.str("force_update_fields")
	switch m, sent := a.str("manager_userid"); {
	case m != "":
		u.Manager = m
	case sent && a.old != nil, !sent && slices.Contains(names(force), "manager_userid"):
		u.Manager = ""
	}
}

func positionsDiffer(x, y *User) bool {
	return x.Title != y.Title || !slices.Equal(x.DeptIDs, y.DeptIDs) ||
		!(len(x.Titles) == 0 && len(y.Titles) == 0 || reflect.DeepEqual(x.Titles, y.Titles)) ||
		!(len(x.Positions) == 0 && len(y.Positions) == 0 || reflect.DeepEqual(x.Positions, y.Positions))
}

// leaveDepts lists the departments that lose a manager or group owner when a
// person keeps only some of their departments.
func (d *directory) leaveDepts(u *record, keep []int64) []simctl.Change {
	var out []simctl.Change
	for _, id := range u.DeptIDs {
		n := d.Depts[id]
		if slices.Contains(keep, id) || (n.Owner != u.UserID && !slices.Contains(n.Managers, u.UserID)) {
			continue
		}
		next := *n
		next.Managers = slices.DeleteFunc(slices.Clone(n.Managers), func(m string) bool { return m == u.UserID })
		if next.Owner == u.UserID {
			next.Owner = ""
		}
		out = append(out, deptChange(&next))
	}
	return out
}

// deleteUser is /topapi/v2/user/delete. Reports keep the manager's userid: it
// is not shown while nobody bears it.
func (s *Sim) deleteUser(c *simctl.Call, a *args) (any, *refusal) {
	id := a.needStr("userid")
	if a.bad != nil {
		return nil, a.bad
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	set := s.settings.Load()
	u, r := s.knownUser(id, set.DeleteMissingCode)
	if r != nil {
		return nil, r
	}
	changes := append(s.dir.leaveDepts(u, nil), simctl.Change{Kind: kindUser, ID: id})
	now := s.desk.Now()
	if (u.Invited || set.RejoinPending == "all") && midnight(time.UnixMilli(u.Joined)).Equal(midnight(now)) {
		changes = append(changes, simctl.Change{Kind: kindLeaver, ID: u.Mobile, Value: Leaver{Mobile: u.Mobile, Left: now}})
	}
	if err := s.commit(changes...); err != nil {
		return nil, busy
	}
	c.Wrote = true
	return nil, nil
}

// knownUser finds a user the app may see; missing is the code for one who is
// not there.
func (s *Sim) knownUser(id string, missing int) (*record, *refusal) {
	u := s.dir.users[id]
	if u == nil {
		if missing == 33012 {
			return nil, refuse(33012, "无效的USERID")
		}
		return nil, errUserAbsent
	}
	if !s.dir.sees(s.settings.Load(), u) {
		return nil, errUserScope
	}
	return u, nil
}
