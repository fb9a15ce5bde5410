package wcsim

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// Status of a member (§ 4.2).
const (
	statusActive   = 1
	statusDisabled = 2
	statusInvited  = 4 // not activated
)

// User is a member as the simulator holds and shows them.
type User struct {
	UserID           string          `json:"userid"`
	Name             string          `json:"name"`
	Alias            string          `json:"alias,omitempty"`
	Mobile           string          `json:"mobile,omitempty"`
	Email            string          `json:"email,omitempty"`
	Department       []int64         `json:"department"`
	Order            []int64         `json:"order"`
	Leader           []int64         `json:"is_leader_in_dept"`
	MainDepartment   int64           `json:"main_department"`
	DirectLeader     []string        `json:"direct_leader"`
	Position         string          `json:"position"`
	Gender           string          `json:"gender,omitempty"`
	Telephone        string          `json:"telephone,omitempty"`
	BizMail          string          `json:"biz_mail,omitempty"`
	Enable           int64           `json:"enable"`
	Status           int64           `json:"status"`
	Avatar           string          `json:"avatar_mediaid,omitempty"`
	ExtAttr          *Attributes     `json:"extattr,omitempty"`
	ExternalPosition string          `json:"external_position,omitempty"`
	ExternalProfile  json.RawMessage `json:"external_profile,omitempty"`
	Address          string          `json:"address,omitempty"`
	Invited          bool            `json:"invited,omitempty"` // to_invite was not false
}

// Attributes are custom attributes.
type Attributes struct {
	Attrs []Attribute `json:"attrs"`
}

// Attribute is one of them: type 0 text, 1 web.
type Attribute struct {
	Type int64    `json:"type"`
	Name string   `json:"name"`
	Text *AttrTxt `json:"text,omitempty"`
	Web  *AttrWeb `json:"web,omitempty"`
}

// AttrTxt is a text attribute's value.
type AttrTxt struct {
	Value string `json:"value"`
}

// AttrWeb is a web attribute's value.
type AttrWeb struct {
	URL   string `json:"url"`
	Title string `json:"title"`
}

var (
	userIDPattern = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z_.@-]{0,63}$`)
	phonePattern  = regexp.MustCompile(`^[0-9+-]{1,32}$`)
	linePattern   = regexp.MustCompile(`^[0-9+,-]{1,32}$`)
)

// bareMobile drops what a number may be written with, and the mainland prefix.
func bareMobile(m string) string {
	m = strings.Map(func(r rune) rune {
		if r == '+' || r == '-' {
			return -1
		}
		return r
	}, m)
	if len(m) == 13 && strings.HasPrefix(m, "86") {
		return m[2:]
	}
	return m
}

// userTexts are the plain texts with their longest length in characters and
// the code that a longer one answers (§ 4.1, § 11; 301014 where none is given).
var userTexts = []struct {
	name string
	max  int
	code int
	of   func(*User) *string
}{
	{"name", 64, 60112, func(u *User) *string { return &u.Name }},
	{"alias", 64, 301014, func(u *User) *string { return &u.Alias }},
	{"position", 128, 301012, func(u *User) *string { return &u.Position }},
	{"telephone", 32, 301013, func(u *User) *string { return &u.Telephone }},
	{"external_position", 12, 301014, func(u *User) *string { return &u.ExternalPosition }},
	{"address", 128, 301014, func(u *User) *string { return &u.Address }},
	{"gender", 1, 301014, func(u *User) *string { return &u.Gender }},
	{"avatar_mediaid", 0, 0, func(u *User) *string { return &u.Avatar }},
}

// fillUser takes over and checks the fields that concern the person alone.
func fillUser(u *User, a *args, set *compiled) *refusal {
	for _, f := range userTexts {
		v, ok := a.str(f.name)
		if !ok {
			continue
		}
		if f.max > 0 && chars(v) > f.max {
			return coded(f.code)
		}
		*f.of(u) = v
	}
	if u.Name == "" {
		return coded(60112)
	}
	if u.Telephone != "" && !linePattern.MatchString(u.Telephone) {
		return coded(301013)
	}
	if !slices.Contains([]string{"", "1", "2"}, u.Gender) {
		return coded(301014)
	}
	if enable, ok := a.int("enable"); ok {
		u.Enable = enable
		if u.Status = statusDisabled; enable == 1 {
			u.Status = statusInvited
		}
	}
	leaders := u.DirectLeader
	if a.into("direct_leader", &leaders) {
		if len(leaders) > 5 {
			return refuse(40066, "invalid array length: direct_leader")
		}
		u.DirectLeader = leaders
	}
	var profile json.RawMessage
	if a.into("external_profile", &profile) {
		u.ExternalProfile = profile
	}
	return fillAttributes(u, a, set)
}

// fillAttributes merges custom attributes by name (whether they merge is
// unconfirmed); undeclared ones are ignored in silence (§ 12 no. 5).
func fillAttributes(u *User, a *args, set *compiled) *refusal {
	var in Attributes
	if !a.into("extattr", &in) {
		return nil
	}
	var next []Attribute
	if u.ExtAttr != nil {
		next = slices.Clone(u.ExtAttr.Attrs)
	}
	for _, attr := range in.Attrs {
		if len(set.declared) > 0 && !set.declared[attr.Name] {
			continue
		}
		valid, empty := attr.check()
		if !valid {
			return coded(301014)
		}
		next = slices.DeleteFunc(next, func(old Attribute) bool { return old.Name == attr.Name })
		if !empty {
			next = append(next, attr)
		}
	}
	if u.ExtAttr = nil; len(next) > 0 {
		u.ExtAttr = &Attributes{next}
	}
	return nil
}

// check tells whether an attribute is as documented, and whether it clears.
func (a Attribute) check() (valid, empty bool) {
	switch {
	case a.Type == 0 && a.Text != nil:
		return chars(a.Text.Value) <= 64, a.Text.Value == ""
	case a.Type == 1 && a.Web != nil:
		link := a.Web.URL
		return chars(a.Web.Title) <= 12 && (link == "" || strings.HasPrefix(link, "http://") || strings.HasPrefix(link, "https://")), link == ""
	}
	return false, false
}

// checkContacts takes over mobile and e-mail: unique, one of them needed.
// The number of somebody who has activated stays, in silence (§ 12 no. 5).
func (d *directory) checkContacts(u *User, a *args) *refusal {
	if mobile, ok := a.str("mobile"); ok && u.Status != statusActive {
		if mobile != "" && !phonePattern.MatchString(mobile) {
			return coded(60103)
		}
		if holder, taken := d.byMobile[bareMobile(mobile)]; taken && mobile != "" && !strings.EqualFold(holder, u.UserID) {
			return refuse(60104, "mobile existed:%s", holder)
		}
		u.Mobile = mobile
	}
	if r := d.checkEmail(u, a); r != nil {
		return r
	}
	if biz, ok := a.str("biz_mail"); ok {
		u.BizMail = biz
	}
	if u.Mobile == "" && u.Email == "" {
		return coded(60129)
	}
	return nil
}

func (d *directory) checkEmail(u *User, a *args) *refusal {
	email, ok := a.str("email")
	if !ok {
		return nil
	}
	if email != "" && (len(email) < 6 || len(email) > 64 || !strings.Contains(email, "@")) {
		return coded(60105)
	}
	if holder, taken := d.byEmail[strings.ToLower(email)]; taken && email != "" && !strings.EqualFold(holder, u.UserID) {
		return coded(60106)
	}
	u.Email = email
	return nil
}

// place puts a person into departments; order and is_leader_in_dept count
// only beside them (§ 4.2).
func (d *directory) place(u *User, a *args, set *compiled) *refusal {
	depts, ok := a.ints("department")
	if ok {
		if r := d.seat(u, depts, set); r != nil {
			return r
		}
		if flags, sent := a.ints("is_leader_in_dept"); sent {
			if len(flags) != len(depts) {
				return coded(60132)
			}
			u.Leader = flags
		}
		if orders, sent := a.ints("order"); sent {
			if len(orders) != len(depts) {
				return refuse(40066, "invalid array length: order")
			}
			u.Order = orders
		}
	}
	if main, sent := a.int("main_department"); sent {
		if !slices.Contains(u.Department, main) {
			return coded(60123)
		}
		u.MainDepartment = main
	}
	if !slices.Contains(u.Department, u.MainDepartment) {
		u.MainDepartment = u.Department[0]
	}
	return nil
}

// seat changes the departments, and keeps what stood beside those that stay.
func (d *directory) seat(u *User, depts []int64, set *compiled) *refusal {
	switch {
	case len(depts) == 0:
		return coded(60127)
	case len(depts) > 100:
		return coded(60110)
	}
	flags, orders := make([]int64, len(depts)), make([]int64, len(depts))
	for i, id := range depts {
		if d.Depts[id] == nil {
			return coded(60003)
		}
		old := slices.Index(u.Department, id)
		if old < 0 && d.nodes(id) >= maxNodes {
			return coded(81001)
		}
		if old >= 0 && !set.DepartmentResetsLeader {
			flags[i], orders[i] = u.Leader[old], u.Order[old]
		}
	}
	u.Department, u.Leader, u.Order = depts, flags, orders
	return nil
}
