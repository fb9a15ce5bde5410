package wecom

import (
	"context"
	"net/url"
	"strconv"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/vendorcode"
	"orgflow/connectors/wire"
)

var _ connectors.Organisation = (*Client)(nil)

// adviceNameless says why what user/list_id and department/simplelist show is
// no organisation.
const adviceNameless = "user/list_id and department/simplelist show ids without names, which make no tree of people; " +
	"use a secret that may read details (an application's whose visible range is everything, or an address trusted before 2022-08-15)"

// ReadScope implements connectors.Organisation with department/list of the
// root (WeCom reference § 5), which also answers whether details may be read:
// 48009 and 48008 are CodeForbidden here. An application sees departments
// outside its visible range as absent; the contacts-sync secret sees all, and
// Check proves that it is one.
func (c *Client) ReadScope(ctx context.Context) (connectors.OrganisationScope, error) {
	var spent connectors.Receipt
	c.blindUntil.Store(0) // asked anew: an administrator may have opened the reads
	list, err := c.deepList(ctx, &spent, c.cfg.RootDepartmentID)
	scope := connectors.OrganisationScope{Calls: spent.Calls}
	if err != nil {
		return scope, named(err)
	}
	root := strconv.FormatInt(c.cfg.RootDepartmentID, 10)
	for _, d := range list {
		if int64(d.ID) == c.cfg.RootDepartmentID {
			scope.Root = connectors.Unit{ID: root, Name: string(d.Name)}
			scope.Whole = true
		}
	}
	if !scope.Whole {
		return scope, &orgflow.Fault{Code: orgflow.CodePartialRead, Message: "department/list does not show the root department " + root}
	}
	return scope, nil
}

// named turns closed details into the fault of a read that needs names.
func named(err error) error {
	if !isBlind(err) {
		return err
	}
	f := *orgflow.AsFault(err)
	f.Code, f.Advice = orgflow.CodeForbidden, adviceNameless
	return &f
}

func (c *Client) deepList(ctx context.Context, r *connectors.Receipt, id int64) ([]rawDepartment, error) {
	var got struct {
		List []rawDepartment `json:"department"`
	}
	_, err := c.read(ctx, r, request{path: pathDeptList, query: idQuery(id)}, &got)
	if err == nil && got.List == nil {
		err = vendorcode.MalformedRead("department/list shows no list")
	}
	return got.List, err
}

// ReadUnits implements connectors.Organisation with department/list, which
// shows all levels at once (WeCom reference § 5). A larger order comes first.
func (c *Client) ReadUnits(ctx context.Context, id string) (connectors.Units, error) {
	dept, err := connectors.OrgNumber(id)
	if err != nil {
		return connectors.Units{}, err
	}
	var spent connectors.Receipt
	list, err := c.deepList(ctx, &spent, dept)
	out := connectors.Units{Deep: true, Calls: spent.Calls}
	if err != nil {
		return out, named(err)
	}
	for _, d := range list {
		if int64(d.ID) == dept {
			continue
		}
		if d.ID < 1 {
			return out, vendorcode.MalformedRead("department/list shows a department without id")
		}
		out.Units = append(out.Units, connectors.Unit{
			ID: strconv.FormatInt(int64(d.ID), 10), Parent: strconv.FormatInt(int64(d.Parent), 10),
			Name: string(d.Name), Position: -int64(d.Order),
		})
	}
	return out, nil
}

// ReadPeople implements connectors.Organisation with user/list, which has no
// pages (WeCom reference § 4.2). WeCom has no job number: the userid stands
// for it. Who leads a department and who supervises whom stand with the
// members.
func (c *Client) ReadPeople(ctx context.Context, unit, cursor string) (connectors.People, error) {
	dept, err := connectors.OrgNumber(unit)
	if err != nil {
		return connectors.People{}, err
	}
	if cursor != "" {
		return connectors.People{}, orgflow.Faultf(orgflow.CodeInternal, "the cursor %q is not one that ReadPeople gave", cursor)
	}
	var raw struct {
		List *[]rawMember `json:"userlist"`
	}
	var spent connectors.Receipt
	query := url.Values{"department_id": {unit}, "fetch_child": {"0"}}
	_, err = c.read(ctx, &spent, request{path: pathUserList, query: query}, &raw)
	out := connectors.People{Calls: spent.Calls}
	if err == nil && raw.List == nil {
		err = vendorcode.MalformedRead("user/list shows no list")
	}
	if err != nil {
		return out, named(err)
	}
	for _, m := range *raw.List {
		if m.UserID == "" {
			return connectors.People{Calls: spent.Calls}, vendorcode.MalformedRead("user/list shows a person without userid")
		}
		out.People = append(out.People, m.person(dept))
	}
	return out, nil
}

// rawMember is an element of user/list (WeCom reference § 4.1, § 4.2).
type rawMember struct {
	UserID   wire.Text   `json:"userid"`
	Name     wire.Text   `json:"name"`
	Mobile   wire.Text   `json:"mobile"`
	Position wire.Text   `json:"position"`
	Depts    wire.Ints   `json:"department"`
	Orders   wire.Ints   `json:"order"`
	Leads    wire.Ints   `json:"is_leader_in_dept"`
	Main     wire.Int    `json:"main_department"`
	Leader   *wire.Texts `json:"direct_leader"`
	Status   wire.Int    `json:"status"` // 1 active, 2 disabled, 4 not activated, 5 left
}

func (m rawMember) person(dept int64) connectors.Person {
	p := connectors.Person{
		UserID: string(m.UserID), Name: string(m.Name), Title: string(m.Position), Mobile: string(m.Mobile), Active: m.Status == 1,
	}
	if m.Main > 0 {
		p.Main = strconv.FormatInt(int64(m.Main), 10)
	}
	if m.Leader != nil {
		first := ""
		if len(*m.Leader) > 0 {
			first = (*m.Leader)[0]
		}
		p.Supervisor = &first
	}
	for i, id := range m.Depts {
		if id != dept {
			continue
		}
		if i < len(m.Orders) {
			p.Position = m.Orders[i]
		}
		p.Leader = i < len(m.Leads) && m.Leads[i] == 1
	}
	return p
}
