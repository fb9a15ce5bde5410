package wecom

import (
	"context"
	"strings"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/veil"
	"orgflow/connectors/wire"
)

// verifyMobile finds out whether a changed number was taken: that of somebody
// who has activated is ignored, and the answer is a success all the same
// (WeCom reference § 4.2).
func (c *Client) verifyMobile(ctx context.Context, r *connectors.Receipt, wanted string) error {
	got, err := c.readPerson(ctx, r, r.ConsumerID)
	if err != nil && !isBlind(err) {
		return err
	}
	var taken bool
	if raw, shown := got["mobile"]; shown && !wire.Blank(raw) { // new secrets are not shown it (§ 3)
		var mobile wire.Text
		taken = mobile.UnmarshalJSON(raw) == nil && orgflow.BareMobile(wanted) == orgflow.BareMobile(string(mobile))
	} else {
		holder, known, err := c.userByMobile(ctx, r, wanted)
		if err != nil {
			return err
		}
		if !known {
			noteThat(r, "whether the mobile number was taken could not be read")
			return nil
		}
		taken = strings.EqualFold(holder, r.ConsumerID)
	}
	if !taken {
		r.Dropped = append(r.Dropped, "mobile")
		noteThat(r, "WeCom kept the old mobile number: a person who has activated changes it in the app")
	}
	return nil
}

// userByMobile returns the userid with a number, empty if there is none.
// known is false where WeCom does not tell: it blocks the call for a day
// after many wrong numbers (WeCom reference § 4.2).
func (c *Client) userByMobile(ctx context.Context, r *connectors.Receipt, mobile string) (userid string, known bool, err error) {
	var found struct {
		UserID wire.Text `json:"userid"`
	}
	f, err := c.call(ctx, r, request{path: pathUserByMobile, body: map[string]any{"mobile": mobile}}, &found)
	switch {
	case err == nil:
		return string(found.UserID), found.UserID != "", nil
	case f == nil:
		return "", false, err
	case saysNoPerson(f.VendorCode):
		return "", true, nil
	case f.Code == orgflow.CodeUnavailable:
		return "", false, veil.Fault(err, []string{mobile})
	}
	return "", false, nil
}

// mobileOwner is the userid in the text of 60104, "mobile existed:<userid>",
// the one text that the vendor's table tells to read (WeCom reference § 11).
func mobileOwner(msg string) string {
	_, rest, found := strings.Cut(msg, "mobile existed:")
	if !found {
		return ""
	}
	end := strings.IndexFunc(rest, func(r rune) bool {
		return !strings.ContainsRune("_-@.", r) && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	if end < 0 {
		end = len(rest)
	}
	return rest[:end]
}
