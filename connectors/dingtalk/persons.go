package dingtalk

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"strings"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/veil"
	"orgflow/connectors/vendorcode"
	"orgflow/connectors/wire"
)

// Paths of people (DingTalk reference § 4.5).
const (
	pathUserCreate   = "/topapi/v2/user/create"
	pathUserUpdate   = "/topapi/v2/user/update"
	pathUserDelete   = "/topapi/v2/user/delete"
	pathUserGet      = "/topapi/v2/user/get"
	pathUserByMobile = "/topapi/v2/user/getbymobile"
	pathUserList     = "/topapi/v2/user/list"
)

func (c *Client) applyPerson(ctx context.Context, r *connectors.Receipt, e connectors.Effect) error {
	if e.Op == orgflow.Delete {
		return c.deletePerson(ctx, r, e)
	}
	p, err := c.persons.build(e)
	if err != nil {
		return err
	}
	p.report(r)
	switch given, _ := p.body["userid"].(string); {
	case e.ConsumerID == "":
		r.ConsumerID = given
	case given != "" && given != e.ConsumerID:
		return connectors.Refuse("userid", "differs from the id under which the person is known; DingTalk cannot change a userid")
	default:
		p.body["userid"] = e.ConsumerID
	}
	switch e.Op {
	case orgflow.Insert:
		if e.Invited {
			err = c.seekPerson(ctx, r, e, p)
			break
		}
		err = c.insertPerson(ctx, r, e, p)
	case orgflow.Update:
		err = c.updatePerson(ctx, r, e, p.body)
	default:
		err = connectors.UnknownOp(e.Op)
	}
	return veil.Fault(err, veil.Values(p.body, personal))
}

// insertPerson creates a person, or takes over the one who is there already
// under the wanted userid (DingTalk reference § 4.6, § 5.2, § 5.3).
func (c *Client) insertPerson(ctx context.Context, r *connectors.Receipt, e connectors.Effect, p payload) error {
	if err := requirePerson(p.body); err != nil {
		return err
	}
	if e.InDoubt {
		if known, err := c.findPerson(ctx, r, p); known != nil || err != nil {
			if err != nil {
				return err
			}
			return c.settlePerson(ctx, r, p, known)
		}
	}
	return c.createPerson(ctx, r, p)
}

// createPerson creates a person, or invites who has to agree (40103).
func (c *Client) createPerson(ctx context.Context, r *connectors.Receipt, p payload) error {
	var created struct {
		UserID wire.Text `json:"userid"`
	}
	a, f, err := c.writePerson(ctx, r, pathUserCreate, p.body, &created)
	switch {
	case err == nil:
		r.ConsumerID = cmp.Or(string(created.UserID), r.ConsumerID)
		if r.ConsumerID == "" {
			return &orgflow.Fault{Code: orgflow.CodeUnknownOutcome, VendorCode: vendorcode.Malformed, Message: "the answer to user/create carries no userid"}
		}
		return nil
	case f == nil:
		return err
	case f.Code == orgflow.CodePending:
		r.Pending, r.Invited, r.Note = true, true, "DingTalk "+f.VendorCode+": invited, not in the directory until the person accepts"
		return nil
	case f.VendorCode == "60102":
		return c.adoptPerson(ctx, r, p, r.ConsumerID, f)
	case saysMobileTaken(f.VendorCode):
		return c.resolveMobile(ctx, r, p, a, f)
	}
	return f
}

// requirePerson names what an insert cannot do without.
func requirePerson(body map[string]any) error {
	for _, name := range []string{"name", "mobile", "dept_id_list"} {
		if _, given := body[name]; !given && (name != "mobile" || body["exclusive_account"] != true) {
			return connectors.Refuse(name, "is missing, DingTalk needs name, mobile and dept_id_list to create a person")
		}
	}
	return nil
}

// resolveMobile answers 60104 and 60107: the number is in use. If it is in
// use under the wanted userid, an earlier attempt was ours.
func (c *Client) resolveMobile(ctx context.Context, r *connectors.Receipt, p payload, a *answer, f *orgflow.Fault) error {
	holder := string(a.UserID) // sometimes given (DingTalk reference § 5.2)
	if holder == "" {
		var err error
		if holder, err = c.userByMobile(ctx, r, p.body); err != nil {
			return err
		}
	}
	if holder == "" || (r.ConsumerID != "" && !strings.EqualFold(holder, r.ConsumerID)) {
		return f
	}
	return c.adoptPerson(ctx, r, p, holder, f)
}

// adoptPerson takes over the person with this userid. Without a wanted
// userid the mobile alone is too little proof, so the name must agree too.
func (c *Client) adoptPerson(ctx context.Context, r *connectors.Receipt, p payload, userid string, conflict *orgflow.Fault) error {
	got, err := c.readPerson(ctx, r, userid)
	if err != nil {
		return err
	}
	if got == nil || (r.ConsumerID == "" && !c.persons.fields["name"].same(p.body["name"], got["name"])) {
		return conflict
	}
	r.Adopted = true
	return c.settlePerson(ctx, r, p, got)
}

// settlePerson makes an existing person as wanted, without a write if they
// are already. A mobile that differs cannot be changed and is reported.
func (c *Client) settlePerson(ctx context.Context, r *connectors.Receipt, p payload, got record) error {
	var userid, mobile, state wire.Text
	for name, into := range map[string]*wire.Text{"userid": &userid, "mobile": &mobile, "state_code": &state} {
		if raw := got[name]; raw != nil && json.Unmarshal(raw, into) != nil {
			return &orgflow.Fault{Code: orgflow.CodeUnavailable, VendorCode: vendorcode.Malformed, Message: "user/get: " + name + " is not as documented"}
		}
	}
	r.ConsumerID = cmp.Or(string(userid), r.ConsumerID)
	if wanted, ok := p.body["mobile"].(string); ok && mobile != "" && !sameMobile(wanted, string(mobile), string(state)) {
		r.Dropped = append(r.Dropped, "mobile")
		r.Note = "the person has another mobile number at DingTalk, which an update cannot change"
	}
	body := c.persons.forUpdate(p)
	body["userid"] = r.ConsumerID
	if c.persons.holds(got, body) {
		return nil
	}
	return c.changePerson(ctx, r, body)
}

// updatePerson changes a person (DingTalk reference § 4.7). It can be
// repeated; in doubt it is, unless the person reads back as wanted.
func (c *Client) updatePerson(ctx context.Context, r *connectors.Receipt, e connectors.Effect, body map[string]any) error {
	if r.ConsumerID == "" {
		return connectors.Refuse("userid", "is missing, an update needs the id of the person")
	}
	if len(body) < 2 { // the userid alone
		return nil
	}
	if e.InDoubt {
		got, err := c.readPerson(ctx, r, r.ConsumerID)
		if err != nil {
			return err
		}
		if got != nil && c.persons.holds(got, body) {
			return nil
		}
	}
	return c.changePerson(ctx, r, body)
}

// changePerson updates a person and looks whether what may not have been
// cleared was.
func (c *Client) changePerson(ctx context.Context, r *connectors.Receipt, body map[string]any) error {
	_, _, err := c.writePerson(ctx, r, pathUserUpdate, body, nil)
	if err != nil || len(c.persons.doubted(body)) == 0 {
		return err
	}
	got, err := c.readPerson(ctx, r, r.ConsumerID)
	c.persons.believe(r, body, got)
	return err
}

// deletePerson removes a person; one who is not there is a success (§ 5.5).
func (c *Client) deletePerson(ctx context.Context, r *connectors.Receipt, e connectors.Effect) error {
	if e.ConsumerID == "" {
		return connectors.Refuse("userid", "is missing, a delete needs the id of the person")
	}
	if e.InDoubt && !e.Invited {
		if got, err := c.readPerson(ctx, r, e.ConsumerID); got == nil || err != nil {
			return err
		}
	}
	f, err := c.removePerson(ctx, r, e.ConsumerID)
	if f == nil || !saysNoPerson(f.VendorCode) {
		return err
	}
	if e.Invited {
		return c.deleteJoined(ctx, r, e)
	}
	return nil
}

func (c *Client) removePerson(ctx context.Context, r *connectors.Receipt, userid string) (*orgflow.Fault, error) {
	_, f, err := c.call(ctx, r, request{path: pathUserDelete, write: true, body: map[string]any{"userid": userid}}, nil)
	return f, err
}

// writePerson writes, and once more without each optional field that
// DingTalk refuses while it would take the rest (§ 5.2).
func (c *Client) writePerson(ctx context.Context, r *connectors.Receipt, path string, body map[string]any, out any) (*answer, *orgflow.Fault, error) {
	for {
		a, f, err := c.call(ctx, r, request{path: path, write: true, body: body}, out)
		if f == nil {
			return a, nil, err
		}
		name := optionalField(f.VendorCode)
		if _, sent := body[name]; !sent {
			f = blameDepartments(f)
			return a, f, f
		}
		body = maps.Clone(body)
		delete(body, name)
		r.Dropped = append(r.Dropped, name)
		r.Note = "DingTalk " + f.VendorCode + ": " + name + " refused, the rest was accepted"
	}
}

// blameDepartments: in a call about a person an unknown department is one of
// dept_id_list, not the person (DingTalk reference § 5.5).
func blameDepartments(f *orgflow.Fault) *orgflow.Fault {
	if saysNoDepartment(f.VendorCode) || f.VendorCode == "40066" {
		f.Code, f.Field = orgflow.CodeBlocked, "dept_id_list"
		f.Advice = "a department of the person is not at DingTalk; it must be created first"
	}
	return f
}

// findPerson looks for what an attempt in doubt may have created.
func (c *Client) findPerson(ctx context.Context, r *connectors.Receipt, p payload) (record, error) {
	userid := r.ConsumerID
	if userid == "" {
		var err error
		if userid, err = c.userByMobile(ctx, r, p.body); userid == "" || err != nil {
			return nil, err
		}
	}
	got, err := c.readPerson(ctx, r, userid)
	if got != nil && r.ConsumerID == "" && !c.persons.fields["name"].same(p.body["name"], got["name"]) {
		return nil, err
	}
	return got, err
}

// readPerson returns what user/get shows, nil if there is no such person.
func (c *Client) readPerson(ctx context.Context, r *connectors.Receipt, userid string) (record, error) {
	var got record
	_, f, err := c.call(ctx, r, request{path: pathUserGet, body: map[string]any{"userid": userid}}, &got)
	if f != nil && saysNoPerson(f.VendorCode) {
		return nil, nil
	}
	if err == nil && wire.Blank(got["userid"]) {
		return nil, vendorcode.MalformedRead("user/get shows nobody and does not say that there is none")
	}
	return got, err
}

// userByMobile returns the userid with a number, empty if there is none
// (DingTalk reference § 4.5; 40104 says the number is none).
func (c *Client) userByMobile(ctx context.Context, r *connectors.Receipt, body map[string]any) (string, error) {
	var found struct {
		UserID wire.Text `json:"userid"`
	}
	_, f, err := c.call(ctx, r, request{path: pathUserByMobile, body: map[string]any{"mobile": body["mobile"]}}, &found)
	if f != nil && (saysNoPerson(f.VendorCode) || f.VendorCode == "40104") {
		return "", nil
	}
	if err == nil && found.UserID == "" {
		err = vendorcode.MalformedRead("user/getbymobile shows nobody and does not say that there is none")
	}
	return string(found.UserID), veil.Fault(err, veil.Values(body, personal))
}
