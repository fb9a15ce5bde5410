package dtsim

import (
	"cmp"
	"encoding/json"
	"slices"

	"orgflow/connectors/simctl"
)

type leaderIn struct {
	DeptID int64 `json:"dept_id"`
	Leader bool  `json:"leader"`
}

// userView holds what user/get and an element of user/list have in common.
// Optional fields that are unset, or whose field permission is missing, are
// absent (§ 4.8, § 2.6).
type userView struct {
	UserID     string  `json:"userid"`
	UnionID    string  `json:"unionid"`
	Name       string  `json:"name"`
	StateCode  string  `json:"state_code,omitempty"`
	Mobile     string  `json:"mobile,omitempty"`
	HideMobile bool    `json:"hide_mobile"`
	Telephone  string  `json:"telephone,omitempty"`
	JobNumber  string  `json:"job_number,omitempty"`
	Title      string  `json:"title,omitempty"`
	Email      string  `json:"email,omitempty"`
	OrgEmail   string  `json:"org_email,omitempty"`
	WorkPlace  string  `json:"work_place,omitempty"`
	Remark     string  `json:"remark,omitempty"`
	DeptIDs    []int64 `json:"dept_id_list"`
	Extension  string  `json:"extension,omitempty"`
	HiredDate  int64   `json:"hired_date,omitempty"`
	Active     bool    `json:"active"`
	Admin      bool    `json:"admin"`
	Boss       bool    `json:"boss"`
	Exclusive  bool    `json:"exclusive_account"`
}

func (c *compiled) view(u *User) userView {
	v := userView{
		UserID: u.UserID, UnionID: u.UnionID, Name: u.Name, HideMobile: u.HideMobile, Telephone: u.Telephone, JobNumber: u.JobNumber,
		Title: u.Title, OrgEmail: u.OrgEmail, DeptIDs: u.DeptIDs, HiredDate: u.HiredDate, Active: u.Active, Admin: u.SysLevel > 0,
	}
	if !c.missing[permMobile] {
		v.Mobile, v.StateCode = u.Mobile, u.StateCode
	}
	if !c.missing[permEmail] {
		v.Email, v.WorkPlace, v.Remark, v.Extension = u.Email, u.WorkPlace, u.Remark, extensionText(u.Extension)
	}
	return v
}

func extensionText(m map[string]string) string {
	if len(m) == 0 {
		return ""
	}
	b, _ := json.Marshal(m) // a map of texts always encodes
	return string(b)
}

type getView struct {
	userView
	Manager     string          `json:"manager_userid,omitempty"`
	OrgMailType string          `json:"org_email_type,omitempty"`
	Orders      []DeptOrder     `json:"dept_order_list"`
	Positions   []DeptPosition  `json:"dept_position_list,omitempty"`
	ExtI18n     json.RawMessage `json:"extension_i18n,omitempty"`
	RealAuthed  bool            `json:"real_authed"`
	Senior      bool            `json:"senior"`
	Leader      []leaderIn      `json:"leader_in_dept"`
	UnionEmpExt struct{}        `json:"union_emp_ext"`
}

// getUser is /topapi/v2/user/get (§ 4.8).
func (s *Sim) getUser(_ *simctl.Call, a *args) (any, *refusal) {
	id := a.needStr("userid")
	if a.bad != nil {
		return nil, a.bad
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	u, r := s.knownUser(id, 60121)
	if r != nil {
		return nil, r
	}
	v := getView{
		userView: s.settings.Load().view(&u.User), Manager: s.dir.managerOf(&u.User), OrgMailType: u.OrgEmailType,
		Orders: make([]DeptOrder, len(u.DeptIDs)), Positions: u.Positions, ExtI18n: u.ExtI18n,
		RealAuthed: u.Active, Senior: u.Senior, Leader: s.dir.leads(&u.User),
	}
	for i, dept := range u.DeptIDs {
		v.Orders[i] = DeptOrder{dept, u.order(dept)}
	}
	return v, nil
}

// managerOf is the direct manager, unless nobody bears that userid any more.
func (d *directory) managerOf(u *User) string {
	if d.users[u.Manager] == nil {
		return ""
	}
	return u.Manager
}

func (d *directory) leads(u *User) []leaderIn {
	out := make([]leaderIn, len(u.DeptIDs))
	for i, id := range u.DeptIDs {
		out[i] = leaderIn{id, slices.Contains(d.Depts[id].Managers, u.UserID)}
	}
	return out
}

type listView struct {
	userView
	DeptOrder int64 `json:"dept_order"`
	Leader    bool  `json:"leader"`
}

type page[T any] struct {
	HasMore bool   `json:"has_more"`
	Next    *int64 `json:"next_cursor,omitempty"` // absent on the last page
	List    []T    `json:"list"`
}

// listUsers is /topapi/v2/user/list (§ 4.5, § 4.9).
func (s *Sim) listUsers(_ *simctl.Call, a *args) (any, *refusal) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	dept, users, next, r := s.pageOf(a, 40035, 40035)
	if r != nil {
		return nil, r
	}
	set, managers := s.settings.Load(), s.dir.Depts[dept].Managers
	out := page[listView]{HasMore: next != nil, Next: next, List: make([]listView, len(users))}
	for i, u := range users {
		out.List[i] = listView{set.view(&u.User), u.order(dept), slices.Contains(managers, u.UserID)}
	}
	return out, nil
}

// listSimple is /topapi/user/listsimple.
func (s *Sim) listSimple(_ *simctl.Call, a *args) (any, *refusal) {
	type simple struct {
		UserID string `json:"userid"`
		Name   string `json:"name"`
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, users, next, r := s.pageOf(a, 40068, 40069)
	if r != nil {
		return nil, r
	}
	out := page[simple]{HasMore: next != nil, Next: next, List: make([]simple, len(users))}
	for i, u := range users {
		out.List[i] = simple{u.UserID, u.Name}
	}
	return out, nil
}

// pageOf reads the paging parameters and cuts a page; the codes are those of
// a bad cursor and a bad size.
func (s *Sim) pageOf(a *args, badCursor, badSize int) (int64, []*record, *int64, *refusal) {
	dept, cursor, size := a.needInt("dept_id"), a.needInt("cursor"), a.needInt("size")
	order, _ := a.str("order_field")
	a.bool("contain_access_limit")
	switch {
	case a.bad != nil:
		return 0, nil, nil, a.bad
	case dept < 1:
		return 0, nil, nil, refuse(40035, "不合法的参数: dept_id is 1 or more")
	case cursor < 0 || cursor > 100_000:
		return 0, nil, nil, refuse(badCursor, "不合法的分页偏移量: cursor is 0..100000")
	case size < 1 || size > 100:
		return 0, nil, nil, refuse(badSize, "不合法的分页大小: size is 1..100")
	}
	if _, r := s.readableDept(dept); r != nil {
		return 0, nil, nil, r
	}
	users, ok := s.dir.sorted(dept, order)
	if !ok {
		return 0, nil, nil, refuse(40070, "不合法的排序参数")
	}
	from := min(int(cursor), len(users))
	to := min(from+int(size), len(users))
	var next *int64
	if to < len(users) {
		n := cursor + size
		next = &n
	}
	return dept, users[from:to], next, nil
}

// sorted lists the direct members. custom is the order within the
// department, larger first; equal ones stand in the order of their userids.
func (d *directory) sorted(dept int64, order string) ([]*record, bool) {
	var by func(x, y *record) int
	switch order {
	case "", "custom":
		by = func(x, y *record) int { return cmp.Compare(y.order(dept), x.order(dept)) }
	case "entry_asc":
		by = func(x, y *record) int { return cmp.Compare(x.Entered, y.Entered) }
	case "entry_desc":
		by = func(x, y *record) int { return cmp.Compare(y.Entered, x.Entered) }
	case "modify_asc":
		by = func(x, y *record) int { return cmp.Compare(x.Modified, y.Modified) }
	case "modify_desc":
		by = func(x, y *record) int { return cmp.Compare(y.Modified, x.Modified) }
	default:
		return nil, false
	}
	users := make([]*record, 0, len(d.members[dept]))
	for _, u := range d.members[dept] {
		users = append(users, u)
	}
	slices.SortFunc(users, func(x, y *record) int { return cmp.Or(by(x, y), cmp.Compare(x.UserID, y.UserID)) })
	return users, true
}

// listID is /topapi/user/listid: all direct members, not limited by scope.
func (s *Sim) listID(_ *simctl.Call, a *args) (any, *refusal) {
	id := a.needInt("dept_id")
	if a.bad != nil {
		return nil, a.bad
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.dir.Depts[id] == nil {
		return nil, errDeptAbsent
	}
	users, _ := s.dir.sorted(id, "")
	out := make([]string, len(users))
	for i, u := range users {
		out[i] = u.UserID
	}
	return struct {
		IDs []string `json:"userid_list"`
	}{out}, nil
}
