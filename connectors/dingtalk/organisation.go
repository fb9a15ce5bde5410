package dingtalk

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/vendorcode"
	"orgflow/connectors/wire"
)

var (
	_ connectors.Organisation = (*Client)(nil)
	_ connectors.Supervised   = (*Client)(nil)
)

// ReadScope implements connectors.Organisation with auth/scopes and
// department/get of the root (DingTalk reference § 2.5, § 4.3). listsub leaves
// out what the application may not see without a word, so that a scope that
// names neither the root nor the whole enterprise is not whole.
func (c *Client) ReadScope(ctx context.Context) (connectors.OrganisationScope, error) {
	var spent connectors.Receipt
	scope, err := c.readScope(ctx, &spent)
	scope.Calls = spent.Calls
	return scope, unseen(err, strconv.FormatInt(c.cfg.RootDepartmentID, 10))
}

func (c *Client) readScope(ctx context.Context, r *connectors.Receipt) (scope connectors.OrganisationScope, err error) {
	a, _, err := c.call(ctx, r, request{method: http.MethodGet, path: "/auth/scopes"}, nil)
	if err != nil {
		return scope, err
	}
	switch root := c.cfg.RootDepartmentID; {
	case a.Scopes == nil:
		scope.Cause = "auth/scopes does not say what the application may see"
	case !slices.Contains(a.Scopes.Depts, root) && !slices.Contains(a.Scopes.Depts, 1):
		scope.Cause = "the application's contact scope does not hold the root department, and what is outside it is not shown"
	default:
		scope.Whole = true
	}
	var raw rawDepartment
	q := request{path: pathDeptGet, body: map[string]any{"dept_id": c.cfg.RootDepartmentID}}
	if _, _, err := c.call(ctx, r, q, &raw); err != nil {
		return scope, err
	}
	if int64(raw.DeptID) != c.cfg.RootDepartmentID {
		return scope, vendorcode.MalformedRead("department/get shows another department than the root")
	}
	scope.Root = connectors.Unit{ID: strconv.FormatInt(c.cfg.RootDepartmentID, 10), Name: string(raw.Name), Key: string(raw.SourceID)}
	return scope, nil
}

// ReadUnits implements connectors.Organisation with one call: listsub, or
// department/list of contact v1 (DingTalk reference § 4.1, § 4.4, § 3.1).
// Pseudo departments have ids below 1 and are left out. The order is the
// list's: no number is shown.
func (c *Client) ReadUnits(ctx context.Context, id string) (connectors.Units, error) {
	var spent connectors.Receipt
	units, err := c.readUnits(ctx, &spent, id)
	units.Calls = spent.Calls
	return units, unseen(err, id)
}

func (c *Client) readUnits(ctx context.Context, r *connectors.Receipt, id string) (out connectors.Units, err error) {
	parent, err := connectors.OrgNumber(id)
	if err != nil {
		return out, err
	}
	subs, err := c.listSub(ctx, r, parent)
	if err != nil {
		return out, err
	}
	for i, s := range subs {
		if s.DeptID < 1 {
			continue
		}
		unit := connectors.Unit{ID: strconv.FormatInt(int64(s.DeptID), 10), Parent: id, Name: string(s.Name), Position: int64(i)}
		if s.SourceID != nil {
			unit.Key = string(*s.SourceID)
		}
		out.Units = append(out.Units, unit)
	}
	return out, nil
}

// ReadPeople implements connectors.Organisation with user/list, one call a
// page of 100 (DingTalk reference § 4.5, § 4.9). It shows no supervisor. That
// the first of a person's departments is the main one is not documented, but
// what the products around DingTalk assume.
func (c *Client) ReadPeople(ctx context.Context, unit, cursor string) (connectors.People, error) {
	var spent connectors.Receipt
	people, err := c.readPeople(ctx, &spent, unit, cursor)
	people.Calls = spent.Calls
	return people, unseen(err, unit)
}

func (c *Client) readPeople(ctx context.Context, r *connectors.Receipt, unit, cursor string) (out connectors.People, err error) {
	dept, err := connectors.OrgNumber(unit)
	if err != nil {
		return out, err
	}
	from, err := readCursor(cursor)
	if err != nil {
		return out, err
	}
	var raw struct {
		HasMore json.RawMessage `json:"has_more"`
		Next    *wire.Int       `json:"next_cursor"`
		List    *[]rawUser      `json:"list"`
	}
	q := request{path: pathUserList, body: map[string]any{"dept_id": dept, "cursor": from, "size": pageSize}}
	if _, _, err := c.call(ctx, r, q, &raw); err != nil {
		return out, err
	}
	if raw.List == nil {
		return out, vendorcode.MalformedRead("user/list shows no list")
	}
	next, err := furtherCursor(raw.HasMore, raw.Next, from)
	if err != nil {
		return out, err
	}
	if next > 0 {
		out.Next = strconv.FormatInt(next, 10)
	}
	for _, u := range *raw.List {
		if u.UserID == "" {
			return connectors.People{}, vendorcode.MalformedRead("user/list shows a person without userid")
		}
		out.People = append(out.People, u.person())
	}
	return out, nil
}

func readCursor(cursor string) (int64, error) {
	if cursor == "" {
		return 0, nil
	}
	from, err := strconv.ParseInt(cursor, 10, 64)
	if err != nil || from < 1 {
		return 0, orgflow.Faultf(orgflow.CodeInternal, "the cursor %q is not one that a page gave", cursor)
	}
	return from, nil
}

func (u rawUser) person() connectors.Person {
	p := connectors.Person{
		UserID: string(u.UserID), Name: string(u.Name), JobNumber: string(u.JobNumber), Title: string(u.Title),
		Mobile: string(u.Mobile), Active: bool(u.Active), Position: int64(u.DeptOrder), Leader: bool(u.Leader),
	}
	if len(u.Depts) > 0 {
		p.Main = strconv.FormatInt(u.Depts[0], 10)
	}
	return p
}

// ReadSupervisor implements connectors.Supervised with user/get, the only
// call that shows manager_userid (DingTalk reference § 4.8).
func (c *Client) ReadSupervisor(ctx context.Context, userID string) (string, int, error) {
	var spent connectors.Receipt
	var raw rawUser
	_, _, err := c.call(ctx, &spent, request{path: pathUserGet, body: map[string]any{"userid": userID}}, &raw)
	return string(raw.Manager), spent.Calls, unseen(err, "of person "+userID)
}
