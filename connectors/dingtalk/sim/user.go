package dtsim

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// User is a person as the simulator holds them.
type User struct {
	UserID       string            `json:"userid"`
	UnionID      string            `json:"unionid"`
	Name         string            `json:"name"`
	Mobile       string            `json:"mobile"`
	StateCode    string            `json:"state_code,omitempty"`
	Active       bool              `json:"active"`
	DeptIDs      []int64           `json:"dept_id_list"`
	Orders       []DeptOrder       `json:"dept_order_list,omitempty"`
	Titles       []DeptTitle       `json:"dept_title_list,omitempty"`
	Positions    []DeptPosition    `json:"dept_position_list,omitempty"`
	HideMobile   bool              `json:"hide_mobile,omitempty"`
	Telephone    string            `json:"telephone,omitempty"`
	JobNumber    string            `json:"job_number,omitempty"`
	Title        string            `json:"title,omitempty"`
	Email        string            `json:"email,omitempty"`
	OrgEmail     string            `json:"org_email,omitempty"`
	OrgEmailType string            `json:"org_email_type,omitempty"`
	LoginEmail   string            `json:"login_email,omitempty"`
	WorkPlace    string            `json:"work_place,omitempty"`
	Remark       string            `json:"remark,omitempty"`
	Extension    map[string]string `json:"extension,omitempty"`
	ExtI18n      json.RawMessage   `json:"extension_i18n,omitempty"`
	Senior       bool              `json:"senior_mode,omitempty"`
	HiredDate    int64             `json:"hired_date,omitempty"` // ms
	Manager      string            `json:"manager_userid,omitempty"`
	SysLevel     int               `json:"sys_level,omitempty"` // 1 main, 2 sub administrator
	Joined       int64             `json:"joined,omitempty"`    // ms
	Invited      bool              `json:"invited,omitempty"`   // joined by accepting an invitation
}

// DeptOrder is a person's place within a department; larger comes first.
type DeptOrder struct {
	DeptID int64 `json:"dept_id"`
	Order  int64 `json:"order"`
}

// DeptTitle is a person's title within a department.
type DeptTitle struct {
	DeptID int64  `json:"dept_id"`
	Title  string `json:"title"`
}

// DeptPosition is a person's position within a department.
type DeptPosition struct {
	DeptID    int64  `json:"dept_id"`
	Title     string `json:"title,omitempty"`
	WorkPlace string `json:"work_place,omitempty"`
	IsMain    bool   `json:"is_main"`
}

// defaultOrder is the place of a member without one of their own: an
// 18-digit number, as real ones can be (§ 4.9).
const defaultOrder = int64(176362815343598512)

func (u *User) order(dept int64) int64 {
	for _, o := range u.Orders {
		if o.DeptID == dept {
			return o.Order
		}
	}
	return defaultOrder
}

// fillUser takes over and checks the fields of create and update that
// concern the person alone (§ 4.6, § 4.7).
func (s *Sim) fillUser(u *User, a *args) *refusal {
	set := s.settings.Load()
	if r := fillTexts(u, a); r != nil {
		return r
	}
	if a.has("email") && u.Email != "" && !strings.Contains(u.Email, "@") {
		return refuse(60105, "不合法的email")
	}
	orgEmail, orgType := u.OrgEmail, u.OrgEmailType
	a.setStr("org_email", &orgEmail)
	a.setStr("org_email_type", &orgType)
	if chars(orgEmail) > 100 || (orgType != "" && orgType != "profession" && orgType != "base") {
		return refuse(40035, "不合法的参数: org_email")
	}
	if set.OrgMailboxes { // without a mailbox it has no effect (§ 4.6)
		u.OrgEmail, u.OrgEmailType = orgEmail, orgType
	}
	a.setBool("hide_mobile", &u.HideMobile)
	a.setBool("senior_mode", &u.Senior)
	if v, ok := a.int("hired_date"); ok {
		if v < 1 && a.bad == nil {
			return refuse(40035, "不合法的参数: hired_date must be 1 or more milliseconds")
		}
		u.HiredDate = v
	}
	if a.has("exclusive_account") {
		return refuse(40035, "不合法的参数: exclusive accounts are not simulated")
	}
	if r := fillPositions(u, a); r != nil {
		return r
	}
	return fillExtension(u, a, set)
}

// userTexts are the plain texts of a person with their longest length in
// characters and the code that a longer one answers (§ 4.6, § 10.1).
var userTexts = []struct {
	name string
	max  int
	old  int // of v1 (§ 3.4)
	code int
	of   func(*User) *string
}{
	{"name", 80, 64, 60112, func(u *User) *string { return &u.Name }},
	{"telephone", 50, 50, 40063, func(u *User) *string { return &u.Telephone }},
	{"job_number", 50, 64, 60123, func(u *User) *string { return &u.JobNumber }},
	{"title", 200, 64, 40067, func(u *User) *string { return &u.Title }},
	{"email", 50, 64, 60105, func(u *User) *string { return &u.Email }},
	{"login_email", 64, 64, 40035, func(u *User) *string { return &u.LoginEmail }},
	{"work_place", 100, 50, 40064, func(u *User) *string { return &u.WorkPlace }},
	{"remark", 2000, 1000, 40065, func(u *User) *string { return &u.Remark }},
}

// fillTexts takes over the plain texts.
func fillTexts(u *User, a *args) *refusal {
	for _, f := range userTexts {
		v, ok := a.str(f.name)
		if !ok {
			continue
		}
		most := f.max
		if a.old != nil {
			most = f.old
		}
		if chars(v) > most && a.bad == nil {
			return refuse(f.code, "不合法的%s: %d characters at most", oldName(a.old, f.name), most)
		}
		*f.of(u) = v
	}
	return nil
}

// fillPositions takes over the lists per department.
func fillPositions(u *User, a *args) *refusal {
	var orders []DeptOrder
	if a.into("dept_order_list", &orders) {
		u.Orders = orders
	}
	var titles []DeptTitle
	if a.into("dept_title_list", &titles) {
		u.Titles = titles
	}
	var positions []DeptPosition
	if a.into("dept_position_list", &positions) {
		u.Positions = positions
		mains := 0
		for _, p := range positions {
			if p.IsMain {
				mains++
			}
			if chars(p.Title) > 200 {
				return refuse(40067, "不合法的dept_position_list.title")
			}
			if chars(p.WorkPlace) > 100 {
				return refuse(40064, "不合法的dept_position_list.work_place")
			}
		}
		if len(positions) > 0 && mains != 1 {
			return refuse(40035, "不合法的参数: dept_position_list needs exactly one is_main")
		}
	}
	for _, t := range u.Titles {
		if chars(t.Title) > 200 {
			return refuse(40067, "不合法的dept_title_list.title")
		}
	}
	return a.bad
}

// fillExtension takes over the custom attributes: mode 0 replaces all, mode
// 1 merges (§ 4.7). A key that the console has not declared is refused;
// which code the vendor uses is not public, so it is the parameter error 40035.
func fillExtension(u *User, a *args, set *compiled) *refusal {
	mode, _ := a.int("ext_attrs_update_mode")
	raw, sent := a.str("extension")
	if a.has("extension_i18n") && !a.form {
		u.ExtI18n = slices.Clone(a.raw["extension_i18n"])
	}
	if a.bad != nil {
		return a.bad
	}
	if mode != 0 && mode != 1 {
		return refuse(40035, "不合法的参数: ext_attrs_update_mode is 0 or 1")
	}
	if !sent {
		if set.AbsentExtensionClears && mode == 0 {
			u.Extension = nil
		}
		return nil
	}
	if chars(raw) > 2000 {
		return refuse(60122, "不合法的扩展属性: 2000 characters at most")
	}
	values := map[string]string{}
	if raw != "" && !decodeExtension(raw, values) {
		return refuse(60122, "不合法的扩展属性: a JSON object of texts is expected")
	}
	for k := range values {
		if len(set.declared) > 0 && !set.declared[k] {
			return refuse(40035, "不合法的扩展属性: %s is not declared", k)
		}
	}
	if mode == 0 {
		u.Extension = nil
	}
	u.Extension = extended(u.Extension, values)
	return nil
}

// extended returns the attributes with the values set over them; nil when
// none is left, because an empty attribute is not kept.
func extended(attributes, values map[string]string) map[string]string {
	next := map[string]string{}
	maps.Copy(next, attributes)
	for k, v := range values {
		if v == "" {
			delete(next, k)
			continue
		}
		next[k] = v
	}
	if len(next) == 0 {
		return nil
	}
	return next
}

// decodeExtension reads a JSON object; numbers and booleans become their text.
func decodeExtension(raw string, into map[string]string) bool {
	var m map[string]json.RawMessage
	if json.Unmarshal([]byte(raw), &m) != nil || m == nil {
		return false
	}
	for k, v := range m {
		switch v[0] {
		case '"':
			var t string
			if json.Unmarshal(v, &t) != nil {
				return false
			}
			into[k] = t
		case '{', '[':
			return false
		case 'n':
			into[k] = ""
		default:
			into[k] = string(v)
		}
	}
	return true
}

// keepDepts drops what per-department lists say about other departments.
func (u *User) keepDepts() {
	other := func(id int64) bool { return !slices.Contains(u.DeptIDs, id) }
	u.Orders = slices.DeleteFunc(slices.Clone(u.Orders), func(o DeptOrder) bool { return other(o.DeptID) })
	u.Titles = slices.DeleteFunc(slices.Clone(u.Titles), func(t DeptTitle) bool { return other(t.DeptID) })
	u.Positions = slices.DeleteFunc(slices.Clone(u.Positions), func(p DeptPosition) bool { return other(p.DeptID) })
}
