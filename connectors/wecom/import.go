package wecom

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/veil"
)

var _ connectors.Importer = (*Client)(nil)

const (
	// importLimit: what takes thousands of calls one by one is a file of less
	// than 1 MB, far from the 20 MB it may have (WeCom reference § 6).
	importLimit = 5000
	// importWorth is how many lines a file must have: a job takes an upload,
	// a start and several polls, so few people are faster one by one.
	importWorth = 50
)

// ImportLimit implements connectors.Importer.
func (c *Client) ImportLimit() int { return importLimit }

// PlanImport implements connectors.Importer. It looks up which departments
// and persons exist, with two calls that every contacts-sync secret may make
// (WeCom reference § 3): a department that is missing would be created, and
// so would a person that a mere update speaks of.
func (c *Client) PlanImport(ctx context.Context, effects []connectors.Effect) (plan connectors.ImportPlan, err error) {
	var spent connectors.Receipt
	defer func() { plan.Calls = spent.Calls }()
	list, err := c.simpleList(ctx, &spent, defaultRoot)
	if err != nil {
		return plan, err
	}
	at := standing{departments: make(map[int64]bool, len(list)), invites: c.cfg.ToInvite}
	for _, d := range list {
		at.departments[int64(d.ID)] = true
	}
	if at.people, err = c.present(ctx, &spent, effects); err != nil {
		return plan, err
	}
	return importFiles(effects, at), nil
}

// present returns those of the effects' persons that are at WeCom, by userid
// in small letters. All memberships go by, and only these are kept.
func (c *Client) present(ctx context.Context, r *connectors.Receipt, effects []connectors.Effect) (map[string]bool, error) {
	asked := make(map[string]bool, len(effects))
	for _, e := range effects {
		asked[strings.ToLower(personID(e))] = true
	}
	there := map[string]bool{}
	err := c.eachMembership(ctx, r, func(userid string, _ int64) {
		if id := strings.ToLower(userid); asked[id] {
			there[id] = true
		}
	})
	return there, err
}

// personID is the userid an effect is about.
func personID(e connectors.Effect) string {
	if e.ConsumerID != "" {
		return e.ConsumerID
	}
	id, _ := e.Fields["userid"].(string)
	return id
}

// Veil implements connectors.Importer.
func (c *Client) Veil(text string, e connectors.Effect) string {
	if p, err := personFields.build(e); err == nil { // it went into a file
		text = veil.Text(text, veil.Values(p.body, personal))
	}
	return veil.Text(text, veil.Values(e.Fields, personal)) // as the template gave it
}

// standing is what a file has to know of the enterprise.
type standing struct {
	departments map[int64]bool
	people      map[string]bool // by userid in small letters
	invites     bool            // what a job says of invitations
}

// row turns an effect into a line. fits is false for what a file cannot
// carry or must not, and for what would fail as it is: Apply says why. The
// error is of what must not be sent in any way.
func (at standing) row(e connectors.Effect) (row importRow, fits bool, err error) {
	if !at.mayGo(e) {
		return row, false, nil
	}
	p, err := personFields.build(e)
	if err != nil || len(p.dropped) > 0 {
		return row, false, nil //nolint:nilerr // Apply meets it without a call
	}
	p.body["userid"] = personID(e)
	if e.Op == orgflow.Insert {
		if requirePerson(p.body) != nil {
			return row, false, nil //nolint:nilerr // as above
		}
		if invite, given := p.body["to_invite"]; given && invite != at.invites {
			return row, false, nil
		}
		for _, dept := range p.body["department"].([]int64) {
			if !at.departments[dept] {
				return row, false, &orgflow.Fault{
					Code: orgflow.CodeBlocked, Field: "department", Message: fmt.Sprintf("department %d is not at WeCom, which would create one of this id by itself", dept),
					Advice: "create the department first; nothing was sent",
				}
			}
		}
		withoutMain(p.body)
	}
	row.id = personID(e)
	row = row.fill(p.body)
	return row, len(row.rest) == 0 && len(row.captions) > 1 && !slices.Contains(row.cells, ""), nil
}

// mayGo tells whether a file would do to the person what Apply does. Who is
// there already is taken over by Apply, with care, unless an earlier file of
// ours may have created them. Departments move together with leader flags
// that have to be read (seats.go), and a changed mobile number has to be
// looked at afterwards (mobile.go).
func (at standing) mayGo(e connectors.Effect) bool {
	there := at.people[strings.ToLower(personID(e))]
	switch {
	case e.Kind != orgflow.Person || len(e.Clear) > 0 || personID(e) == "":
		return false
	case e.Op == orgflow.Insert:
		return !there || e.InDoubt
	case e.Op != orgflow.Update || !there:
		return false
	}
	for _, name := range []string{"department", isLeader, "order", "mobile"} {
		if _, given := e.Fields[name]; given {
			return false
		}
	}
	return true
}

// withoutMain leaves out the main department of somebody who has one only.
func withoutMain(body map[string]any) {
	if departments := body["department"].([]int64); len(departments) == 1 && body["main_department"] == departments[0] {
		delete(body, "main_department")
	}
}
