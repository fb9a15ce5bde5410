package dingtalk

import (
	"context"
	"encoding/json"
	"strings"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/veil"
	"orgflow/connectors/vendorcode"
	"orgflow/connectors/wire"
)

// seekPerson looks for somebody who was invited (DingTalk reference § 5.3):
// as long as they have not accepted, user/get answers 60121. Whether DingTalk
// keeps the userid that was asked for is unconfirmed, so that before anything
// is sent the number is looked up too, which with the same name is proof
// enough. The daily look does without: it costs one read.
//
// It may be repeated. In doubt whether an invitation went out it counts as
// sent: asking a person twice is worse than asking some days later.
func (c *Client) seekPerson(ctx context.Context, r *connectors.Receipt, e connectors.Effect, p payload) error {
	known, err := c.readPerson(ctx, r, r.ConsumerID)
	if known == nil && err == nil && e.Reinvite {
		known, err = c.personByMobile(ctx, r, p)
	}
	switch {
	case err != nil:
		return err
	case known != nil:
		return c.settlePerson(ctx, r, p, known)
	case !e.Reinvite:
		r.Pending, r.Note = true, "has not joined yet"
		return nil
	case e.InDoubt:
		r.Pending, r.Invited, r.Note = true, true, "has not joined yet; an invitation may have gone out, and counts as sent"
		return nil
	}
	return c.inviteAgain(ctx, r, p)
}

// inviteAgain sends another invitation. What DingTalk answers while the first
// is open is unconfirmed: 40103 again is assumed; a number in use that nobody
// can be found under says that the invitation still stands.
func (c *Client) inviteAgain(ctx context.Context, r *connectors.Receipt, p payload) error {
	if err := requirePerson(p.body); err != nil {
		return err
	}
	err := c.createPerson(ctx, r, p)
	if f := orgflow.AsFault(err); f != nil && saysMobileTaken(f.VendorCode) {
		holder, lookup := c.userByMobile(ctx, r, p.body)
		if lookup != nil || holder != "" {
			return err
		}
		r.Pending, r.Invited, r.Note = true, true, "DingTalk "+f.VendorCode+": the invitation still stands"
		return nil
	}
	if err == nil && r.Pending {
		r.Note = "invited again; " + r.Note
	}
	return err
}

// personByMobile returns the person with the number and the name, nil if
// there is none.
func (c *Client) personByMobile(ctx context.Context, r *connectors.Receipt, p payload) (record, error) {
	if p.body["mobile"] == nil {
		return nil, nil
	}
	userid, err := c.userByMobile(ctx, r, p.body)
	if userid == "" || err != nil || strings.EqualFold(userid, r.ConsumerID) {
		return nil, err
	}
	got, err := c.readPerson(ctx, r, userid)
	if got == nil || !c.persons.fields["name"].same(p.body["name"], got["name"]) {
		return nil, err
	}
	return got, nil
}

// deleteJoined removes a leaver who was invited and is not there under the
// userid asked for, in case they joined under another one. Who has not joined
// is not there at all, which is a success; the invitation itself cannot be
// taken back.
func (c *Client) deleteJoined(ctx context.Context, r *connectors.Receipt, e connectors.Effect) error {
	e.Op = orgflow.Insert // what recognises a person are fields of an insert
	p, err := c.persons.build(e)
	if err != nil {
		return err
	}
	got, err := c.personByMobile(ctx, r, p)
	if got == nil || err != nil {
		return veil.Fault(err, veil.Values(p.body, personal))
	}
	var userid wire.Text
	if json.Unmarshal(got["userid"], &userid) != nil || userid == "" {
		return &orgflow.Fault{Code: orgflow.CodeUnavailable, VendorCode: vendorcode.Malformed, Message: "user/get: userid is not as documented"}
	}
	f, err := c.removePerson(ctx, r, string(userid))
	if f != nil && saysNoPerson(f.VendorCode) {
		return nil
	}
	return veil.Fault(err, veil.Values(p.body, personal))
}
