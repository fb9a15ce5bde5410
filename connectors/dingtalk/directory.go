package dingtalk

import (
	"context"
	"encoding/json"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/vendorcode"
	"orgflow/connectors/wire"
)

// Department is a department as DingTalk shows it.
type Department struct {
	ID       int64
	ParentID int64 // 0 for the root
	Name     string
	SourceID string // source_identifier; Departments may leave it empty where GetDepartment has it
	Order    int64  // smaller first; only GetDepartment tells
	Code     string // only GetDepartment tells
	Managers []string
	Members  int64 // with sub-departments; only GetDepartment tells
	Direct   int64 // direct members; only GetDepartment tells
}

// User is a person as DingTalk shows them. What the application may not see
// is empty.
type User struct {
	UserID, UnionID, Name string
	Mobile, StateCode     string
	Title, JobNumber      string
	Email, OrgEmail       string
	Telephone, WorkPlace  string
	Remark, Manager       string
	Extension             string // JSON text
	Departments           []int64
	HiredDate             int64 // epoch milliseconds, 0 when not set
	Order                 int64 // in the department asked for, larger first; only ListUsers tells
	Leader                bool  // of the department asked for, or (GetUser) of any
	Active                bool  // false: never logged in; an ordinary member all the same
	HideMobile, Senior    bool
}

// UserPage is one page of a department's direct members.
type UserPage struct {
	Users []User
	More  bool
	Next  int64 // cursor of the next page, meaningful while More
}

// pageSize is the largest ListUsers may ask for.
const pageSize = 100

// rawDepartment is the result of department/get (DingTalk reference § 4.3).
type rawDepartment struct {
	DeptID   wire.Int   `json:"dept_id"`
	Name     wire.Text  `json:"name"`
	ParentID wire.Int   `json:"parent_id"`
	SourceID wire.Text  `json:"source_identifier"`
	Order    wire.Int   `json:"order"`
	Code     wire.Text  `json:"code"`
	Managers wire.Texts `json:"dept_manager_userid_list"`
	Members  wire.Int   `json:"member_count"`
	Direct   wire.Int   `json:"owning_member_count"`
}

// rawUser is a person of user/get (§ 4.8) and user/list (§ 4.9).
type rawUser struct {
	UserID     wire.Text `json:"userid"`
	UnionID    wire.Text `json:"unionid"`
	Name       wire.Text `json:"name"`
	Mobile     wire.Text `json:"mobile"`
	StateCode  wire.Text `json:"state_code"`
	Title      wire.Text `json:"title"`
	JobNumber  wire.Text `json:"job_number"`
	Email      wire.Text `json:"email"`
	OrgEmail   wire.Text `json:"org_email"`
	Telephone  wire.Text `json:"telephone"`
	WorkPlace  wire.Text `json:"work_place"`
	Remark     wire.Text `json:"remark"`
	Manager    wire.Text `json:"manager_userid"`
	Extension  wire.Text `json:"extension"`
	Depts      wire.Ints `json:"dept_id_list"`
	HiredDate  wire.Int  `json:"hired_date"`
	DeptOrder  wire.Int  `json:"dept_order"`
	Leader     wire.Bool `json:"leader"`
	Active     wire.Bool `json:"active"`
	HideMobile wire.Bool `json:"hide_mobile"`
	Senior     wire.Bool `json:"senior"`
	LeaderIn   []struct {
		Leader wire.Bool `json:"leader"`
	} `json:"leader_in_dept"`
}

// Departments returns the direct sub-departments of parent (§ 4.1 listsub,
// neither recursive nor paged). The order is not defined.
func (c *Client) Departments(ctx context.Context, parent int64) ([]Department, error) {
	subs, err := c.listSub(ctx, new(connectors.Receipt), parent)
	if err != nil {
		return nil, err
	}
	list := make([]Department, 0, len(subs))
	for _, s := range subs {
		d := Department{ID: int64(s.DeptID), ParentID: int64(s.ParentID), Name: string(s.Name)}
		if s.SourceID != nil {
			d.SourceID = string(*s.SourceID)
		}
		list = append(list, d)
	}
	return list, nil
}

// GetDepartment returns one department, CodeNotFound if there is none.
func (c *Client) GetDepartment(ctx context.Context, id int64) (Department, error) {
	var raw rawDepartment
	q := request{path: pathDeptGet, body: map[string]any{"dept_id": id}}
	if _, _, err := c.call(ctx, new(connectors.Receipt), q, &raw); err != nil {
		return Department{}, err
	}
	return Department{
		ID: int64(raw.DeptID), ParentID: int64(raw.ParentID), Name: string(raw.Name), SourceID: string(raw.SourceID),
		Order: int64(raw.Order), Code: string(raw.Code), Managers: raw.Managers,
		Members: int64(raw.Members), Direct: int64(raw.Direct),
	}, nil
}

// GetUser returns one person, CodeNotFound if there is none.
func (c *Client) GetUser(ctx context.Context, userid string) (User, error) {
	var raw rawUser
	q := request{path: pathUserGet, body: map[string]any{"userid": userid}}
	if _, _, err := c.call(ctx, new(connectors.Receipt), q, &raw); err != nil {
		return User{}, err
	}
	return raw.user(), nil
}

// ListUsers returns a page of the direct members of a department, the first
// for cursor 0 (§ 4.5 user/list).
func (c *Client) ListUsers(ctx context.Context, dept, cursor int64) (UserPage, error) {
	var raw struct {
		HasMore json.RawMessage `json:"has_more"`
		Next    *wire.Int       `json:"next_cursor"`
		List    []rawUser       `json:"list"`
	}
	q := request{path: pathUserList, body: map[string]any{"dept_id": dept, "cursor": cursor, "size": pageSize}}
	if _, _, err := c.call(ctx, new(connectors.Receipt), q, &raw); err != nil {
		return UserPage{}, err
	}
	if raw.List == nil {
		return UserPage{}, vendorcode.MalformedRead("user/list shows no list")
	}
	page := UserPage{Users: make([]User, 0, len(raw.List))}
	for i := range raw.List {
		page.Users = append(page.Users, raw.List[i].user())
	}
	var err error
	if page.Next, err = furtherCursor(raw.HasMore, raw.Next, cursor); err != nil {
		return UserPage{}, err
	}
	page.More = page.Next > 0
	return page, nil
}

// furtherCursor is where the next page of user/list begins, 0 behind the
// last one. A page that does not say whether there is more, or says so and
// not where, must not look like the end.
func furtherCursor(hasMore json.RawMessage, next *wire.Int, cursor int64) (int64, error) {
	var more wire.Bool
	switch {
	case wire.Blank(hasMore) || json.Unmarshal(hasMore, &more) != nil:
		return 0, vendorcode.MalformedRead("user/list does not say whether there is more")
	case !bool(more):
		return 0, nil
	case next == nil || int64(*next) <= cursor:
		return 0, &orgflow.Fault{
			Code: orgflow.CodeUnavailable, VendorCode: vendorcode.Malformed,
			Message: "user/list says there is more and gives no further cursor",
		}
	}
	return int64(*next), nil
}

func (u *rawUser) user() User {
	leader := bool(u.Leader)
	for _, in := range u.LeaderIn {
		leader = leader || bool(in.Leader)
	}
	return User{
		UserID: string(u.UserID), UnionID: string(u.UnionID), Name: string(u.Name),
		Mobile: string(u.Mobile), StateCode: string(u.StateCode),
		Title: string(u.Title), JobNumber: string(u.JobNumber), Email: string(u.Email), OrgEmail: string(u.OrgEmail),
		Telephone: string(u.Telephone), WorkPlace: string(u.WorkPlace), Remark: string(u.Remark), Manager: string(u.Manager),
		Extension: string(u.Extension), Departments: u.Depts, HiredDate: int64(u.HiredDate), Order: int64(u.DeptOrder),
		Leader: leader, Active: bool(u.Active), HideMobile: bool(u.HideMobile), Senior: bool(u.Senior),
	}
}
