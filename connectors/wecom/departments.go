package wecom

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strconv"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/vendorcode"
	"orgflow/connectors/wire"
)

// Paths of departments (WeCom reference § 5).
const (
	pathDeptCreate     = "/cgi-bin/department/create"
	pathDeptUpdate     = "/cgi-bin/department/update"
	pathDeptDelete     = "/cgi-bin/department/delete"
	pathDeptGet        = "/cgi-bin/department/get"
	pathDeptList       = "/cgi-bin/department/list"
	pathDeptSimpleList = "/cgi-bin/department/simplelist"
)

func (c *Client) applyDepartment(ctx context.Context, r *connectors.Receipt, e connectors.Effect) error {
	if e.Op == orgflow.Delete { // needs no payload
		return c.deleteDepartment(ctx, r, e)
	}
	p, err := departmentFields.build(e)
	if err != nil {
		return err
	}
	p.report(r)
	switch e.Op {
	case orgflow.Insert:
		return c.insertDepartment(ctx, r, e, p.body)
	case orgflow.Update:
		return c.updateDepartment(ctx, r, e, p)
	default:
		return connectors.UnknownOp(e.Op)
	}
}

// insertDepartment creates a department under the id that follows from its
// key. What is there already under it is an earlier attempt's, or the record
// of another key, and then the next candidate is tried (deptid.go).
func (c *Client) insertDepartment(ctx context.Context, r *connectors.Receipt, e connectors.Effect, body map[string]any) error {
	for _, name := range []string{"name", "parentid"} {
		if _, given := body[name]; !given {
			return connectors.Refuse(name, "is missing, WeCom needs name and parentid to create a department")
		}
	}
	if e.Key == "" {
		return orgflow.Faultf(orgflow.CodeInternal, "a department is inserted without a key, from which its id follows")
	}
	for n := range candidates {
		id := candidate(e.Key, n)
		done, err := c.insertAs(ctx, r, e, body, id)
		if done || err != nil {
			return err
		}
	}
	return &orgflow.Fault{
		Code: orgflow.CodeConflict, Message: "every department id that follows from the record's key is another department's",
		Advice: "delete or renumber the departments in the way at WeCom; report it if there are none",
	}
}

// insertAs tries one id. done is false where it is another department's.
func (c *Client) insertAs(ctx context.Context, r *connectors.Receipt, e connectors.Effect, body map[string]any, id int64) (done bool, err error) {
	if e.InDoubt {
		found, err := c.lookup(ctx, r, id)
		if err != nil {
			return false, err
		}
		if found != nil {
			return c.settleDepartment(ctx, r, body, found)
		}
	}
	var created struct {
		ID wire.Int `json:"id"`
	}
	wanted := maps.Clone(body)
	wanted["id"] = id
	f, err := c.call(ctx, r, request{path: pathDeptCreate, body: wanted, write: true, serial: true}, &created)
	switch {
	case err == nil && int64(created.ID) != id:
		return true, &orgflow.Fault{
			Code: orgflow.CodeUnknownOutcome, VendorCode: vendorcode.Malformed,
			Message: "the answer to department/create carries another id than the one that was chosen",
		}
	case err == nil:
		r.ConsumerID = strconv.FormatInt(id, 10)
		return true, nil
	case f == nil || f.VendorCode != "60008":
		return true, blameParent(f, err)
	}
	found, err := c.lookup(ctx, r, id)
	switch {
	case err != nil:
		return true, err
	case found != nil:
		return c.settleDepartment(ctx, r, body, found)
	}
	return true, c.adoptSibling(ctx, r, body, f)
}

// blameParent: where the department itself is only about to be created, one
// that is not found is its parent.
func blameParent(f *orgflow.Fault, err error) error {
	if f == nil {
		return err
	}
	if saysNoDepartment(f.VendorCode) {
		m := meaningOf("60004", 0)
		f.Code, f.Field, f.Advice = m.Code, m.Field, m.Advice
	}
	return f
}

// found is a department that exists. Without details name and order are
// not known.
type found struct {
	id, parent int64
	name       string
	details    record // nil where they may not be read
}

// lookup finds a department by id, with its details if they can be read; nil
// if there is none.
func (c *Client) lookup(ctx context.Context, r *connectors.Receipt, id int64) (*found, error) {
	got, err := c.readDepartment(ctx, r, id)
	if err == nil && got == nil {
		return nil, nil
	}
	if err == nil {
		var raw rawDepartment
		if raw, err = got.department(); err != nil {
			return nil, err
		}
		return &found{id: id, parent: int64(raw.Parent), name: string(raw.Name), details: got}, nil
	}
	if !isBlind(err) {
		return nil, err
	}
	list, err := c.simpleList(ctx, r, id)
	if f, ok := errors.AsType[*orgflow.Fault](err); ok && saysNoDepartment(f.VendorCode) {
		return nil, nil
	}
	for _, d := range list {
		if int64(d.ID) == id {
			return &found{id: id, parent: int64(d.Parent)}, err
		}
	}
	return nil, err
}

// settleDepartment makes a department under our id as wanted, without a
// write if it is already. One with neither our name nor our parent is
// another record's.
func (c *Client) settleDepartment(ctx context.Context, r *connectors.Receipt, body map[string]any, d *found) (done bool, err error) {
	sameParent := body["parentid"] == d.parent
	sameName := d.details != nil && body["name"] == d.name
	if !sameParent && !sameName {
		return false, nil
	}
	r.ConsumerID = strconv.FormatInt(d.id, 10)
	if d.details != nil && departmentFields.holds(d.details, body) {
		return true, nil
	}
	return true, c.writeDepartment(ctx, r, body)
}

// adoptSibling answers 60008 where our id is free: the name is taken under
// the parent, by a department that orgflow did not create or by one of
// another record.
func (c *Client) adoptSibling(ctx context.Context, r *connectors.Receipt, body map[string]any, conflict *orgflow.Fault) error {
	parent, _ := body["parentid"].(int64)
	var got struct {
		List []rawDepartment `json:"department"`
	}
	_, err := c.read(ctx, r, request{path: pathDeptList, query: idQuery(parent)}, &got)
	if isBlind(err) {
		conflict.Advice = "a department with this name exists under the same parent, and names cannot be read here; rename or delete it in the admin console, then run again"
		return conflict
	}
	if err == nil && got.List == nil {
		err = vendorcode.MalformedRead("department/list shows no list")
	}
	if err != nil {
		return err
	}
	var same []rawDepartment
	for _, d := range got.List {
		if int64(d.Parent) == parent && string(d.Name) == body["name"] {
			same = append(same, d)
		}
	}
	if len(same) != 1 || ownID(int64(same[0].ID)) {
		return conflict
	}
	r.Adopted = true
	r.ConsumerID = strconv.FormatInt(int64(same[0].ID), 10)
	return c.writeDepartment(ctx, r, body)
}

// updateDepartment changes, renames or moves a department and sets who leads
// it. All of it may be repeated; in doubt what reads back as wanted is not.
func (c *Client) updateDepartment(ctx context.Context, r *connectors.Receipt, e connectors.Effect, p payload) error {
	id, err := departmentID(e.ConsumerID)
	if err != nil {
		return err
	}
	if len(p.body) > 0 && !(e.InDoubt && c.holdsDepartment(ctx, r, id, p.body)) {
		if err := c.writeDepartment(ctx, r, p.body); err != nil {
			return err
		}
	}
	if p.leaders != nil {
		return c.setLeaders(ctx, r, id, p.leaders)
	}
	return nil
}

// holdsDepartment tells whether a department surely is as wanted.
func (c *Client) holdsDepartment(ctx context.Context, r *connectors.Receipt, id int64, body map[string]any) bool {
	got, err := c.readDepartment(ctx, r, id)
	return err == nil && got != nil && departmentFields.holds(got, body)
}

// writeDepartment updates the department of the receipt.
func (c *Client) writeDepartment(ctx context.Context, r *connectors.Receipt, fields map[string]any) error {
	id, err := departmentID(r.ConsumerID)
	if err != nil {
		return err
	}
	body := maps.Clone(fields)
	body["id"] = id
	_, err = c.call(ctx, r, request{path: pathDeptUpdate, body: body, write: true, serial: true}, nil)
	return err
}

// deleteDepartment removes a department; one that is not there is a success,
// so that a delete in doubt can be repeated.
func (c *Client) deleteDepartment(ctx context.Context, r *connectors.Receipt, e connectors.Effect) error {
	id, err := departmentID(e.ConsumerID)
	if err != nil {
		return err
	}
	if id == 1 || id == c.cfg.RootDepartmentID {
		return connectors.Refuse("id", "the root department is never deleted; check the binding of the root")
	}
	f, err := c.call(ctx, r, request{path: pathDeptDelete, query: idQuery(id), write: true, serial: true}, nil)
	if f != nil && saysNoDepartment(f.VendorCode) {
		return nil
	}
	return err
}

// readDepartment returns what department/get shows, nil if there is none.
func (c *Client) readDepartment(ctx context.Context, r *connectors.Receipt, id int64) (record, error) {
	var got struct {
		Department record `json:"department"`
	}
	f, err := c.read(ctx, r, request{path: pathDeptGet, query: idQuery(id)}, &got)
	if f != nil && saysNoDepartment(f.VendorCode) {
		return nil, nil
	}
	if err == nil && wire.Blank(got.Department["id"]) {
		return nil, vendorcode.MalformedRead("department/get shows no department")
	}
	return got.Department, err
}

// listedDepartment is an element of department/simplelist.
type listedDepartment struct {
	ID     wire.Int `json:"id"`
	Parent wire.Int `json:"parentid"`
	Order  wire.Int `json:"order"`
}

// simpleList returns a department and all below it, without names. It is
// open to every secret (WeCom reference § 3).
func (c *Client) simpleList(ctx context.Context, r *connectors.Receipt, id int64) ([]listedDepartment, error) {
	var got struct {
		List []listedDepartment `json:"department_id"`
	}
	_, err := c.call(ctx, r, request{path: pathDeptSimpleList, query: idQuery(id)}, &got)
	if err == nil && (got.List == nil || slices.ContainsFunc(got.List, listedDepartment.hollow)) {
		err = vendorcode.MalformedRead("department/simplelist shows no list, or a department without id or parent")
	}
	return got.List, err
}

// hollow: nobody can say where it is, so that it would be left out.
func (d listedDepartment) hollow() bool { return d.ID < 1 || d.ID != defaultRoot && d.Parent < 1 }

func idQuery(id int64) url.Values { return url.Values{"id": {strconv.FormatInt(id, 10)}} }

func departmentID(id string) (int64, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || n < 1 || n > maxDepartmentID {
		return 0, connectors.Refuse("id", "must be the department's id at WeCom, a whole number of 1 or more")
	}
	return n, nil
}
