package wecom

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/vendorcode"
	"orgflow/connectors/wire"
)

// ReadOrg implements connectors.Directory with two calls: simplelist for the
// departments below, and department/get for the rest, one for the root.
//
// Where details may not be read (48009, 48008) a department shows its parent
// and order only; its name is unknown, so that nobody can be found by it.
func (c *Client) ReadOrg(ctx context.Context, id string) (connectors.RemoteOrg, error) {
	var spent connectors.Receipt
	org, err := c.readOrg(ctx, &spent, id)
	org.Calls = spent.Calls
	return org, err
}

func (c *Client) readOrg(ctx context.Context, r *connectors.Receipt, id string) (org connectors.RemoteOrg, err error) {
	dept, err := connectors.OrgNumber(id)
	if err != nil {
		return org, err
	}
	list, err := c.simpleList(ctx, r, dept)
	if err != nil {
		return org, err
	}
	if len(list) == 0 {
		return org, &orgflow.Fault{
			Code: orgflow.CodePartialRead, Message: "the read is incomplete, department " + id + " cannot be seen: department/simplelist shows nothing, not even it",
			Advice: "check root_department_id in company.json and the range of the secret in the WeCom admin console",
		}
	}
	var self *listedDepartment
	for i, d := range list {
		switch {
		case int64(d.ID) == dept:
			self = &list[i]
		case int64(d.Parent) == dept:
			org.Children = append(org.Children, strconv.FormatInt(int64(d.ID), 10))
		}
	}
	if dept == c.cfg.RootDepartmentID {
		return org, nil
	}
	got, err := c.readDepartment(ctx, r, dept)
	switch {
	case isBlind(err) && self != nil:
		org.Record = shownPlace(*self)
		return org, nil
	case err != nil:
		return connectors.RemoteOrg{}, err
	case got == nil:
		return connectors.RemoteOrg{}, &orgflow.Fault{Code: orgflow.CodeNotFound, VendorCode: "60003", Message: "department " + id + " was deleted meanwhile"}
	}
	org.Record, err = shownOrg(got, id)
	return org, err
}

// shownPlace is what simplelist tells of a department.
func shownPlace(d listedDepartment) *connectors.RemoteRecord {
	return &connectors.RemoteRecord{
		Kind: orgflow.Org, ConsumerID: strconv.FormatInt(int64(d.ID), 10),
		Fields: map[string]any{
			"parentid": strconv.FormatInt(int64(d.Parent), 10),
			"order":    json.Number(strconv.FormatInt(int64(d.Order), 10)),
		},
	}
}

// shownOrg is a department of department/get.
func shownOrg(got record, id string) (*connectors.RemoteRecord, error) {
	d, err := got.department()
	if err != nil {
		return nil, err
	}
	if strconv.FormatInt(int64(d.ID), 10) != id {
		return nil, vendorcode.MalformedRead("department/get shows another department than the one asked for")
	}
	out := shownPlace(listedDepartment{ID: d.ID, Parent: d.Parent, Order: d.Order})
	out.Ext = map[string]any{}
	out.Fields["name"] = emptyIsNil(string(d.Name))
	out.Fields[leaders] = emptyIsNil(strings.Join(d.Leaders, ","))
	if raw, shown := got["name_en"]; shown {
		value, err := departmentFields.fields["name_en"].shown(raw)
		if err != nil {
			return nil, vendorcode.MalformedRead("department/get shows a name_en that is not as documented")
		}
		out.Fields["name_en"] = value
	}
	return out, nil
}

func emptyIsNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// ReadMembers implements connectors.Directory with user/list, which has no
// pages. Where details may not be read, or the answer would be too large
// (45029), user/list_id tells who is where, and nothing else (members.go).
func (c *Client) ReadMembers(ctx context.Context, org, cursor string) (connectors.RemotePage, error) {
	var spent connectors.Receipt
	page, err := c.readMembers(ctx, &spent, org, cursor)
	page.Calls = spent.Calls
	return page, err
}

func (c *Client) readMembers(ctx context.Context, r *connectors.Receipt, org, cursor string) (page connectors.RemotePage, err error) {
	dept, err := connectors.OrgNumber(org)
	if err != nil {
		return page, err
	}
	if cursor != "" {
		return page, orgflow.Faultf(orgflow.CodeInternal, "the cursor %q is not one that ReadMembers gave", cursor)
	}
	var raw struct {
		List []record `json:"userlist"`
	}
	query := url.Values{"department_id": {org}, "fetch_child": {"0"}}
	f, err := c.read(ctx, r, request{path: pathUserList, query: query}, &raw)
	if isBlind(err) || f != nil && f.VendorCode == "45029" {
		return c.membersByID(ctx, r, dept)
	}
	if err == nil && raw.List == nil {
		err = vendorcode.MalformedRead("user/list shows no list")
	}
	if err != nil {
		return page, err
	}
	for _, got := range raw.List {
		person, err := shownPerson(got)
		if err != nil {
			return connectors.RemotePage{}, err
		}
		page.Records = append(page.Records, person)
	}
	return page, nil
}

// listedFields are the fields of user/get and user/list that a payload can
// have; true where absence means empty. What new secrets are not shown
// (WeCom reference § 3) is not known to be empty.
var listedFields = map[string]bool{
	"userid": false, "name": false, "department": false, "main_department": false, "position": true, "direct_leader": false,
	isLeader: false, "order": false, "alias": false, "telephone": false, "external_position": false,
	"mobile": false, "email": false, "biz_mail": false, "gender": false, "address": false,
}

func shownPerson(got record) (connectors.RemoteRecord, error) {
	out := connectors.RemoteRecord{Kind: orgflow.Person, Fields: map[string]any{}}
	for name, emptyShows := range listedFields {
		raw, there := got[name]
		if wire.Blank(raw) && !(emptyShows && there) {
			continue
		}
		value, err := personFields.fields[name].shown(raw)
		if err != nil {
			return out, vendorcode.MalformedRead("user/list shows a " + name + " that is not as documented")
		}
		if n, isNumber := value.(json.Number); isNumber && name == "main_department" {
			value = n.String() // a reference, which payloads write as text
		}
		out.Fields[name] = value
	}
	if out.Fields["gender"] == "0" { // not defined
		out.Fields["gender"] = nil
	}
	id, _ := out.Fields["userid"].(string)
	if out.ConsumerID = id; id == "" {
		return out, vendorcode.MalformedRead("user/list shows a person without userid")
	}
	var err error
	out.Ext, err = shownExt(got[extAttr])
	return out, err
}

// shown turns an answer's value into the form of a payload; nil is empty.
func (f field) shown(raw json.RawMessage) (any, error) {
	if wire.Blank(raw) {
		return nil, nil
	}
	switch f.wire {
	case wireInt:
		var n wire.Int
		if err := json.Unmarshal(raw, &n); err != nil || n == 0 && f.least > 0 {
			return nil, err
		}
		return json.Number(strconv.FormatInt(int64(n), 10)), nil
	case wireDeptIDs, wireUserIDs, wireOrders, wireFlags:
		var list wire.Texts
		err := json.Unmarshal(raw, &list)
		return strings.Join(list, ","), err
	case wireText:
		var s wire.Text
		err := json.Unmarshal(raw, &s)
		return emptyIsNil(string(s)), err
	default:
		return nil, errors.New("not a field that a list shows")
	}
}

// shownExt reads custom attributes by label; nil if they are not shown.
func shownExt(raw json.RawMessage) (map[string]any, error) {
	if wire.Blank(raw) {
		return nil, nil
	}
	var got struct {
		Attrs []struct {
			Type  wire.Int  `json:"type"`
			Name  wire.Text `json:"name"`
			Value wire.Text `json:"value"` // older answers
			Text  struct {
				Value wire.Text `json:"value"`
			} `json:"text"`
			Web struct {
				URL   wire.Text `json:"url"`
				Title wire.Text `json:"title"`
			} `json:"web"`
		} `json:"attrs"`
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		return nil, vendorcode.MalformedRead("the custom attributes are not as documented")
	}
	labels := make(map[string]any, len(got.Attrs))
	for _, a := range got.Attrs {
		switch {
		case a.Type == 1:
			labels[string(a.Name)] = map[string]any{"url": string(a.Web.URL), "title": string(a.Web.Title)}
		case a.Type == 0 && a.Text.Value == "":
			labels[string(a.Name)] = string(a.Value)
		case a.Type == 0:
			labels[string(a.Name)] = string(a.Text.Value)
		}
	}
	return labels, nil
}

// sortedIDs joins department ids as a payload does.
func sortedIDs(list []int64) string {
	list = slices.Clone(list)
	slices.Sort(list)
	parts := make([]string, len(list))
	for i, id := range list {
		parts[i] = strconv.FormatInt(id, 10)
	}
	return strings.Join(parts, ",")
}
