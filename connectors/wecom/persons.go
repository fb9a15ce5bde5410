package wecom

import (
	"context"
	"maps"
	"net/url"

	"strings"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/veil"
	"orgflow/connectors/vendorcode"
	"orgflow/connectors/wire"
)

// Paths of people (WeCom reference § 4.2).
const (
	pathUserCreate      = "/cgi-bin/user/create"
	pathUserUpdate      = "/cgi-bin/user/update"
	pathUserDelete      = "/cgi-bin/user/delete"
	pathUserBatchDelete = "/cgi-bin/user/batchdelete"
	pathUserGet         = "/cgi-bin/user/get"
	pathUserList        = "/cgi-bin/user/list"
	pathUserListID      = "/cgi-bin/user/list_id"
	pathUserByMobile    = "/cgi-bin/user/getuserid"
)

func (c *Client) applyPerson(ctx context.Context, r *connectors.Receipt, e connectors.Effect) error {
	if e.Op == orgflow.Delete {
		return c.deletePerson(ctx, r, e)
	}
	p, err := personFields.build(e)
	if err != nil {
		return err
	}
	p.report(r)
	switch given, _ := p.body["userid"].(string); {
	case e.ConsumerID == "":
		r.ConsumerID = given
	case given != "" && !strings.EqualFold(given, e.ConsumerID):
		return connectors.Refuse("userid", "differs from the id under which the person is known; a userid is not changed")
	default:
		p.body["userid"] = e.ConsumerID
	}
	if r.ConsumerID == "" {
		return connectors.Refuse("userid", "is missing, a person is known to WeCom by it")
	}
	switch e.Op {
	case orgflow.Insert:
		err = c.insertPerson(ctx, r, e, p)
	case orgflow.Update:
		err = c.updatePerson(ctx, r, e, p.body)
	default:
		err = connectors.UnknownOp(e.Op)
	}
	return veil.Fault(err, veil.Values(p.body, personal))
}

// insertPerson creates a person, or takes over the one who is there already
// under the wanted userid. The userid is ours, so that a repeated create can
// only answer 60102 (WeCom reference § 4.1, § 11).
func (c *Client) insertPerson(ctx context.Context, r *connectors.Receipt, e connectors.Effect, p payload) error {
	if err := requirePerson(p.body); err != nil {
		return err
	}
	if _, given := p.body["to_invite"]; !given {
		p.body["to_invite"] = c.cfg.ToInvite // left out it means true
	}
	if e.InDoubt {
		got, err := c.readPerson(ctx, r, r.ConsumerID)
		if err != nil && !isBlind(err) {
			return err
		}
		if got != nil {
			return c.settlePerson(ctx, r, p, got)
		}
	}
	f, err := c.writePerson(ctx, r, pathUserCreate, p.body)
	switch {
	case f == nil:
		return err
	case f.VendorCode == "60102", f.VendorCode == "60104" && strings.EqualFold(mobileOwner(f.Message), r.ConsumerID):
		return c.takeOver(ctx, r, e, p)
	}
	return f
}

// requirePerson names what an insert cannot do without.
func requirePerson(body map[string]any) error {
	for _, name := range []string{"userid", "name", "department"} {
		if _, given := body[name]; !given {
			return connectors.Refuse(name, "is missing, WeCom needs userid, name and department to create a person")
		}
	}
	_, mobile := body["mobile"]
	_, email := body["email"]
	if !mobile && !email {
		return connectors.Refuse("mobile", "is missing and so is email; WeCom needs one of them to create a person")
	}
	return checkSeats(body)
}

// takeOver brings a person who is there already up to date.
func (c *Client) takeOver(ctx context.Context, r *connectors.Receipt, e connectors.Effect, p payload) error {
	r.Adopted = !e.InDoubt
	got, err := c.readPerson(ctx, r, r.ConsumerID)
	if err != nil && !isBlind(err) {
		return err
	}
	if got == nil { // not readable, or gone this moment: the update will tell
		return c.changePerson(ctx, r, personFields.forUpdate(p))
	}
	return c.settlePerson(ctx, r, p, got)
}

// settlePerson makes an existing person as wanted, without a write if they
// are already.
func (c *Client) settlePerson(ctx context.Context, r *connectors.Receipt, p payload, got record) error {
	body := personFields.forUpdate(p)
	var userid wire.Text
	if err := wire.Field(got["userid"], &userid); err == nil && userid != "" {
		r.ConsumerID = string(userid) // as WeCom spells it
		body["userid"] = r.ConsumerID
	}
	if personFields.holds(got, body) {
		return nil
	}
	return c.changePerson(ctx, r, body)
}

// updatePerson changes a person. It can be repeated; in doubt it is, unless
// the person reads back as wanted.
func (c *Client) updatePerson(ctx context.Context, r *connectors.Receipt, e connectors.Effect, body map[string]any) error {
	if len(body) < 2 { // the userid alone
		return nil
	}
	if e.InDoubt {
		if got, err := c.readPerson(ctx, r, r.ConsumerID); err == nil && got != nil && personFields.holds(got, body) {
			return nil
		}
	}
	return c.changePerson(ctx, r, body)
}

// changePerson completes what WeCom takes together only, writes, and makes
// sure of a mobile number, which it may ignore in silence.
func (c *Client) changePerson(ctx context.Context, r *connectors.Receipt, body map[string]any) error {
	body, err := c.complete(ctx, r, body)
	if err != nil {
		return err
	}
	if err := checkSeats(body); err != nil {
		return err
	}
	if _, err := c.writePerson(ctx, r, pathUserUpdate, body); err != nil {
		return err
	}
	if mobile, _ := body["mobile"].(string); mobile != "" {
		return c.verifyMobile(ctx, r, mobile)
	}
	return nil
}

// deletePerson removes a person; one who is not there is a success, so that
// a delete in doubt can be repeated.
func (c *Client) deletePerson(ctx context.Context, r *connectors.Receipt, e connectors.Effect) error {
	if e.ConsumerID == "" {
		return connectors.Refuse("userid", "is missing, a delete needs the id of the person")
	}
	f, err := c.call(ctx, r, request{path: pathUserDelete, query: url.Values{"userid": {e.ConsumerID}}, write: true}, nil)
	if f != nil && saysNoPerson(f.VendorCode) {
		return nil
	}
	return err
}

// writePerson writes, and once more without each optional field that WeCom
// refuses while it would take the rest (WeCom reference § 11).
func (c *Client) writePerson(ctx context.Context, r *connectors.Receipt, path string, body map[string]any) (*orgflow.Fault, error) {
	for {
		f, err := c.call(ctx, r, request{path: path, body: body, write: true, serial: path == pathUserCreate}, nil)
		if f == nil {
			return nil, err
		}
		name := optionalField(f.VendorCode, body)
		if _, sent := body[name]; !sent {
			return asBoth(blameDepartments(f))
		}
		body = maps.Clone(body)
		delete(body, name)
		r.Dropped = append(r.Dropped, name)
		noteThat(r, "WeCom "+f.VendorCode+": "+name+" refused, the rest was accepted")
	}
}

// blameDepartments: in a call about a person an unknown department is one of
// theirs.
func blameDepartments(f *orgflow.Fault) *orgflow.Fault {
	if saysNoDepartment(f.VendorCode) {
		f.Code, f.Field = orgflow.CodeBlocked, "department"
		f.Advice = "a department of the person is not at WeCom; it must be created first"
	}
	return f
}

// readPerson returns what user/get shows, nil if there is no such person.
func (c *Client) readPerson(ctx context.Context, r *connectors.Receipt, userid string) (record, error) {
	var got record
	f, err := c.read(ctx, r, request{path: pathUserGet, query: url.Values{"userid": {userid}}}, &got)
	if f != nil {
		if saysNoPerson(f.VendorCode) {
			return nil, nil
		}
		return nil, err
	}
	if err == nil && wire.Blank(got["userid"]) {
		return nil, vendorcode.MalformedRead("user/get shows nobody and does not say that there is none")
	}
	return got, err
}
