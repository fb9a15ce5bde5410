package dingtalk

import (
	"context"
	"maps"
	"strconv"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/vendorcode"
	"orgflow/connectors/wire"
)

// Paths of departments (DingTalk reference § 4.1).
const (
	pathDeptCreate  = "/topapi/v2/department/create"
	pathDeptUpdate  = "/topapi/v2/department/update"
	pathDeptDelete  = "/topapi/v2/department/delete"
	pathDeptGet     = "/topapi/v2/department/get"
	pathDeptListSub = "/topapi/v2/department/listsub"
)

func (c *Client) applyDepartment(ctx context.Context, r *connectors.Receipt, e connectors.Effect) error {
	if e.Op == orgflow.Delete { // needs no payload
		return c.deleteDepartment(ctx, r, e)
	}
	p, err := c.departments.build(e)
	if err != nil {
		return err
	}
	p.report(r)
	switch e.Op {
	case orgflow.Insert:
		return c.insertDepartment(ctx, r, e, p)
	case orgflow.Update:
		return c.updateDepartment(ctx, r, e, p.body)
	default:
		return connectors.UnknownOp(e.Op)
	}
}

// insertDepartment creates a department under the key by which it can be
// recognised, or takes over the sibling that is in the way and is ours or
// nobody's (DingTalk reference § 4.2, § 5.4).
func (c *Client) insertDepartment(ctx context.Context, r *connectors.Receipt, e connectors.Effect, p payload) error {
	if err := requireDepartment(p.body, e.Key); err != nil {
		return err
	}
	if e.Key != "" {
		p.body[sourceID] = e.Key
	}
	if e.InDoubt {
		found, err := c.findDepartment(ctx, r, p.body)
		if err != nil {
			return err
		}
		if found != nil {
			return c.settleDepartment(ctx, r, p, found)
		}
	}
	var created struct {
		DeptID wire.Int `json:"dept_id"`
	}
	_, f, err := c.call(ctx, r, request{path: pathDeptCreate, write: true, body: p.body}, &created)
	switch {
	case err == nil && created.DeptID < 1:
		return &orgflow.Fault{Code: orgflow.CodeUnknownOutcome, VendorCode: vendorcode.Malformed, Message: "the answer to department/create carries no dept_id"}
	case err == nil:
		r.ConsumerID = strconv.FormatInt(int64(created.DeptID), 10)
		return c.setLater(ctx, r, p)
	case f == nil:
		return err
	case saysSiblingName(f.VendorCode):
		return c.adoptSibling(ctx, r, p, f)
	}
	return blameParent(f)
}

// blameParent: where the department itself is only about to be created, one
// that is not found is its parent.
func blameParent(f *orgflow.Fault) *orgflow.Fault {
	if saysNoDepartment(f.VendorCode) {
		m := meaningOf("60004", 0)
		f.Code, f.Field, f.Advice = m.Code, m.Field, m.Advice
	}
	return f
}

// requireDepartment names what an insert cannot do without.
func requireDepartment(body map[string]any, key string) error {
	for _, name := range []string{"name", "parent_id"} {
		if _, given := body[name]; !given {
			return connectors.Refuse(name, "is missing, DingTalk needs name and parent_id to create a department")
		}
	}
	if given, ok := body[sourceID]; ok && key != "" && given != key {
		return connectors.Refuse(sourceID, "is set by orgflow, which recognises its departments by it; take it out of the template")
	}
	return nil
}

// setLater sets what create does not take. Should it fail, the department is
// there under its key, and the repeated insert finds it.
func (c *Client) setLater(ctx context.Context, r *connectors.Receipt, p payload) error {
	if len(p.later) == 0 {
		return nil
	}
	return c.writeDepartment(ctx, r, p.later)
}

// adoptSibling answers 60008 and 60021: the name is taken under the parent.
func (c *Client) adoptSibling(ctx context.Context, r *connectors.Receipt, p payload, conflict *orgflow.Fault) error {
	found, err := c.findDepartment(ctx, r, p.body)
	if err != nil {
		return err
	}
	if found == nil {
		return conflict
	}
	r.Adopted = true
	r.ConsumerID = strconv.FormatInt(found.id, 10)
	return c.writeDepartment(ctx, r, c.departments.forUpdate(p))
}

// settleDepartment makes the department that an attempt in doubt created as
// wanted, without a write if it is already.
func (c *Client) settleDepartment(ctx context.Context, r *connectors.Receipt, p payload, found *sibling) error {
	r.Adopted = !found.ours
	r.ConsumerID = strconv.FormatInt(found.id, 10)
	body := c.departments.forUpdate(p)
	got, err := c.readDepartment(ctx, r, found.id)
	if err != nil {
		return err
	}
	if got != nil && c.departments.holds(got, body) {
		return nil
	}
	return c.writeDepartment(ctx, r, body)
}

// updateDepartment changes, renames or moves a department (§ 4.2).
func (c *Client) updateDepartment(ctx context.Context, r *connectors.Receipt, e connectors.Effect, body map[string]any) error {
	id, err := departmentID(e)
	if err != nil || len(body) == 0 {
		return err
	}
	if e.InDoubt {
		got, err := c.readDepartment(ctx, r, id)
		if err != nil {
			return err
		}
		if got != nil && c.departments.holds(got, body) {
			return nil
		}
	}
	return c.writeDepartment(ctx, r, body)
}

// writeDepartment updates the department of the receipt.
func (c *Client) writeDepartment(ctx context.Context, r *connectors.Receipt, fields map[string]any) error {
	id, err := strconv.ParseInt(r.ConsumerID, 10, 64)
	if err != nil {
		return orgflow.Faultf(orgflow.CodeInternal, "the department id is not a number")
	}
	body := maps.Clone(fields)
	body["dept_id"] = id
	_, f, err := c.call(ctx, r, request{path: pathDeptUpdate, write: true, body: body}, nil)
	if f != nil && (saysNoPerson(f.VendorCode) || f.VendorCode == "40031") {
		f.Code, f.Field = orgflow.CodeBlocked, managers
		f.Advice = "a department manager must be a member of the department first"
	}
	if err != nil || len(c.departments.doubted(fields)) == 0 {
		return err
	}
	got, err := c.readDepartment(ctx, r, id)
	c.departments.believe(r, fields, got)
	return err
}

// deleteDepartment removes a department; one that is not there is a success.
func (c *Client) deleteDepartment(ctx context.Context, r *connectors.Receipt, e connectors.Effect) error {
	id, err := departmentID(e)
	if err != nil {
		return err
	}
	if e.InDoubt {
		if got, err := c.readDepartment(ctx, r, id); got == nil || err != nil {
			return err
		}
	}
	body := map[string]any{"dept_id": id}
	_, f, err := c.call(ctx, r, request{path: pathDeptDelete, write: true, body: body}, nil)
	if f != nil && saysNoDepartment(f.VendorCode) {
		return nil
	}
	return err
}

func departmentID(e connectors.Effect) (int64, error) {
	id, err := strconv.ParseInt(e.ConsumerID, 10, 64)
	if err != nil || id < 1 {
		return 0, connectors.Refuse("dept_id", "must be the department's id at DingTalk, a whole number of 1 or more")
	}
	return id, nil
}

// readDepartment returns what department/get shows, nil if there is none.
func (c *Client) readDepartment(ctx context.Context, r *connectors.Receipt, id int64) (record, error) {
	var got record
	_, f, err := c.call(ctx, r, request{path: pathDeptGet, body: map[string]any{"dept_id": id}}, &got)
	if f != nil && saysNoDepartment(f.VendorCode) {
		return nil, nil
	}
	if err == nil && wire.Blank(got["dept_id"]) {
		return nil, vendorcode.MalformedRead("department/get shows no department and does not say that there is none")
	}
	return got, err
}
