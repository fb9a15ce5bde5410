package dingtalk

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/vendorcode"
	"orgflow/connectors/wire"
)

var (
	_ connectors.Directory = (*Client)(nil)
	_ connectors.Lookup    = (*Client)(nil)
)

// pathDeptListSubID lists the ids below a department whatever the
// application's scope (DingTalk reference § 4.1).
const pathDeptListSubID = "/topapi/v2/department/listsubid"

// ReadOrg implements connectors.Directory.
//
// It costs two calls, one for the root. The ids come from listsubid, because
// listsub is limited by the application's scope and could leave a department
// out without a word; a department outside the scope then shows as 50004
// when it is read itself. department/get is needed for every department:
// no list shows order and dept_manager_userid_list, and listsub does not
// always show source_identifier (DingTalk reference § 4.1, § 4.3, § 4.4).
// With one page of members at least, a directory costs three calls per
// department, two for the root, and one more per further hundred members of
// a department; none counts against the monthly quota (§ 11).
func (c *Client) ReadOrg(ctx context.Context, id string) (connectors.RemoteOrg, error) {
	var spent connectors.Receipt
	org, err := c.readOrg(ctx, &spent, id)
	org.Calls = spent.Calls
	return org, unseen(err, id)
}

func (c *Client) readOrg(ctx context.Context, r *connectors.Receipt, id string) (org connectors.RemoteOrg, err error) {
	dept, err := connectors.OrgNumber(id)
	if err != nil {
		return org, err
	}
	if dept != c.cfg.RootDepartmentID {
		if org.Record, err = c.remoteOrg(ctx, r, dept); err != nil {
			return connectors.RemoteOrg{}, err
		}
	}
	var subs struct {
		IDs *idList `json:"dept_id_list"`
	}
	q := request{path: pathDeptListSubID, body: map[string]any{"dept_id": dept}}
	if _, _, err := c.call(ctx, r, q, &subs); err != nil {
		return connectors.RemoteOrg{}, err
	}
	if subs.IDs == nil {
		return connectors.RemoteOrg{}, vendorcode.MalformedRead("department/listsubid shows no list")
	}
	for _, sub := range *subs.IDs {
		if sub > 0 { // pseudo departments have negative ids (§ 4.1)
			org.Children = append(org.Children, strconv.FormatInt(sub, 10))
		}
	}
	return org, nil
}

func (c *Client) remoteOrg(ctx context.Context, r *connectors.Receipt, dept int64) (*connectors.RemoteRecord, error) {
	var got record
	q := request{path: pathDeptGet, body: map[string]any{"dept_id": dept}}
	if _, _, err := c.call(ctx, r, q, &got); err != nil {
		return nil, err
	}
	var id wire.Int
	if wire.Field(got["dept_id"], &id) != nil || int64(id) != dept {
		return nil, vendorcode.MalformedRead("department/get shows another department than the one asked for")
	}
	return c.shownOrg(got)
}

// shownOrg is a department of department/get (DingTalk reference § 4.3),
// which shows every field that has a value.
func (c *Client) shownOrg(got record) (*connectors.RemoteRecord, error) {
	out := connectors.RemoteRecord{Kind: orgflow.Org, Fields: map[string]any{}}
	var id, key wire.Text
	if wire.Field(got["dept_id"], &id) != nil || wire.Field(got[sourceID], &key) != nil {
		return nil, vendorcode.MalformedRead("department/get shows an id that is none")
	}
	out.ConsumerID, out.Key = string(id), string(key)
	for name, f := range c.departments.fields {
		raw := got[name]
		if name == sourceID || f.hidden || f.wire == wireJSON || f.wire == wireBool && wire.Blank(raw) {
			continue
		}
		value, err := f.shown(raw)
		if err != nil {
			return nil, vendorcode.MalformedRead("department/get shows a " + name + " that is not as documented")
		}
		if n, isNumber := value.(json.Number); isNumber && name == "parent_id" {
			value = n.String() // a reference, which payloads write as text
		}
		out.Fields[name] = value
	}
	var err error
	out.Ext, err = shownExt(got["extention"])
	if out.Ext == nil && !c.departments.fields["extension"].hidden {
		out.Ext = map[string]any{}
	}
	return &out, err
}

// ReadMembers implements connectors.Directory with user/list, one call a
// page of 100 (DingTalk reference § 4.5).
//
// It shows the fields of § 4.9; manager_userid and others that only user/get
// shows are not listed. Of those that are absent without their permission
// (§ 2.6) absence says nothing; the others are known to be empty then. Who
// leads a department stands with the department.
func (c *Client) ReadMembers(ctx context.Context, org, cursor string) (connectors.RemotePage, error) {
	var spent connectors.Receipt
	page, err := c.readMembers(ctx, &spent, org, cursor)
	page.Calls = spent.Calls
	return page, unseen(err, org)
}

func (c *Client) readMembers(ctx context.Context, r *connectors.Receipt, org, cursor string) (page connectors.RemotePage, err error) {
	dept, err := connectors.OrgNumber(org)
	if err != nil {
		return page, err
	}
	var from int64
	if cursor != "" {
		if from, err = strconv.ParseInt(cursor, 10, 64); err != nil || from < 1 {
			return page, orgflow.Faultf(orgflow.CodeInternal, "the cursor %q is not one that ReadMembers gave", cursor)
		}
	}
	var raw struct {
		HasMore json.RawMessage `json:"has_more"`
		Next    *wire.Int       `json:"next_cursor"`
		List    []record        `json:"list"`
	}
	q := request{path: pathUserList, body: map[string]any{"dept_id": dept, "cursor": from, "size": pageSize}}
	if _, _, err := c.call(ctx, r, q, &raw); err != nil {
		return page, err
	}
	if raw.List == nil {
		return page, vendorcode.MalformedRead("user/list shows no list")
	}
	next, err := furtherCursor(raw.HasMore, raw.Next, from)
	if err != nil {
		return page, err
	}
	if next > 0 {
		page.Next = strconv.FormatInt(next, 10)
	}
	for _, got := range raw.List {
		person, err := c.shownPerson(got)
		if err != nil {
			return connectors.RemotePage{}, err
		}
		page.Records = append(page.Records, person)
	}
	return page, nil
}

// ReadRecord implements connectors.Lookup with one call: department/get
// (DingTalk reference § 4.3) or user/get (§ 4.8). It shows the same fields as
// ReadOrg and ReadMembers, so that it does not matter which of them was used.
func (c *Client) ReadRecord(ctx context.Context, kind orgflow.Kind, id string) (connectors.RemoteRecord, int, error) {
	var spent connectors.Receipt
	var got *connectors.RemoteRecord
	var err error
	if kind == orgflow.Org {
		var dept int64
		if dept, err = connectors.OrgNumber(id); err == nil {
			got, err = c.remoteOrg(ctx, &spent, dept)
		}
		err = unseen(err, id)
	} else {
		got, err = c.remotePerson(ctx, &spent, id)
		err = unseen(err, "of person "+id)
	}
	if err != nil {
		return connectors.RemoteRecord{}, spent.Calls, err
	}
	return *got, spent.Calls, nil
}

func (c *Client) remotePerson(ctx context.Context, r *connectors.Receipt, userid string) (*connectors.RemoteRecord, error) {
	var got record
	q := request{path: pathUserGet, body: map[string]any{"userid": userid}}
	if _, _, err := c.call(ctx, r, q, &got); err != nil {
		return nil, err
	}
	person, err := c.shownPerson(got)
	if err == nil && person.ConsumerID != userid {
		err = vendorcode.MalformedRead("user/get shows another person than the one asked for")
	}
	return &person, err
}

// listedFields are the fields of an element of user/list (DingTalk reference
// § 4.9) that a payload can have; true where absence means empty.
var listedFields = map[string]bool{
	"userid": false, "name": false, "mobile": false, "dept_id_list": false, "hide_mobile": false,
	"telephone": true, "job_number": true, "title": true, "org_email": true, "hired_date": true,
	"email": false, "work_place": false, "remark": false,
	"login_id": false, "exclusive_account": false, "exclusive_account_type": false,
}

func (c *Client) shownPerson(got record) (connectors.RemoteRecord, error) {
	out := connectors.RemoteRecord{Kind: orgflow.Person, Fields: map[string]any{}}
	for name, emptyShows := range listedFields {
		raw := got[name]
		f, known := c.persons.fields[name]
		if !known || wire.Blank(raw) && !(emptyShows && (c.listsAll || raw != nil)) {
			continue
		}
		value, err := f.shown(raw)
		if err != nil {
			return out, vendorcode.MalformedRead("a person is shown with a " + name + " that is not as documented")
		}
		out.Fields[name] = value
	}
	id, _ := out.Fields["userid"].(string)
	if out.ConsumerID = id; id == "" {
		return out, vendorcode.MalformedRead("a person is shown without userid")
	}
	if err := dialAbroad(out.Fields, got["state_code"]); err != nil {
		return out, err
	}
	var err error
	out.Ext, err = shownExt(got["extension"])
	return out, err
}

// dialAbroad writes a number of another country as a payload does, with its
// prefix (DingTalk reference § 4.6).
func dialAbroad(fields map[string]any, stateCode json.RawMessage) error {
	var code wire.Text
	if err := wire.Field(stateCode, &code); err != nil {
		return vendorcode.MalformedRead("a person is shown with a state_code that is not as documented")
	}
	prefix := strings.TrimLeft(string(code), "+0")
	mobile, known := fields["mobile"].(string)
	if known && prefix != "" && prefix != "86" && !strings.HasPrefix(mobile, "+") {
		fields["mobile"] = "+" + prefix + "-" + mobile
	}
	return nil
}

// shown turns an answer's value into the form of a payload; nil is empty.
func (f field) shown(raw json.RawMessage) (any, error) {
	if wire.Blank(raw) {
		return nil, nil
	}
	switch f.wire {
	case wireInt:
		var n wire.Int
		if err := json.Unmarshal(raw, &n); err != nil || n == 0 {
			return nil, err
		}
		return json.Number(strconv.FormatInt(int64(n), 10)), nil
	case wireBool:
		var b wire.Bool
		err := json.Unmarshal(raw, &b)
		return bool(b), err
	case wireDeptIDs, wireUserIDs:
		var list wire.Texts
		err := json.Unmarshal(raw, &list)
		return strings.Join(list, ","), err
	case wireText:
		var s wire.Text
		err := json.Unmarshal(raw, &s)
		return string(s), err
	default:
		return nil, errors.New("not a field that a list shows")
	}
}

// shownExt reads custom attributes: JSON text, or the object itself; nil if
// they are not shown.
func shownExt(raw json.RawMessage) (map[string]any, error) {
	if wire.Blank(raw) {
		return nil, nil
	}
	var inner string
	if json.Unmarshal(raw, &inner) == nil {
		raw = json.RawMessage(inner)
	}
	var labels map[string]any
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	if err := dec.Decode(&labels); err != nil {
		return nil, vendorcode.MalformedRead("the custom attributes are not the JSON text of an object")
	}
	return labels, nil
}

// unseen marks what the application may not see (50002, 50004): the read is
// not whole, and what is missing in it is not gone.
func unseen(err error, dept string) error {
	if f, ok := errors.AsType[*orgflow.Fault](err); ok && (f.VendorCode == "50002" || f.VendorCode == "50004") {
		f.Code = orgflow.CodePartialRead
		f.Message = "the read is incomplete, department " + dept + " cannot be seen: " + f.Message
	}
	return err
}

// idList reads a list of ids that shows what is there: nothing but a list
// may be an empty one.
type idList []int64

func (l *idList) UnmarshalJSON(b []byte) error {
	if len(b) == 0 || b[0] != '[' {
		return wire.ErrType
	}
	return (*wire.Ints)(l).UnmarshalJSON(b)
}
