package wecom

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/vendorcode"
)

// walk reads all below the root, as a run does.
func walk(t *testing.T, c connectors.Directory) map[string]connectors.RemoteRecord {
	t.Helper()
	out := map[string]connectors.RemoteRecord{}
	for queue := []string{"1"}; len(queue) > 0; queue = queue[1:] {
		org, err := c.ReadOrg(t.Context(), queue[0])
		if err != nil {
			t.Fatal(err)
		}
		queue = append(queue, org.Children...)
		if org.Record != nil {
			out["org "+org.Record.ConsumerID] = *org.Record
		}
		page, err := c.ReadMembers(t.Context(), queue[0], "")
		if err != nil || page.Next != "" {
			t.Fatal(page.Next, err)
		}
		for _, r := range page.Records {
			if old, twice := out["person "+r.ConsumerID]; twice && !cmp.Equal(old, r) {
				t.Errorf("%s is shown differently in two departments: %s", r.ConsumerID, cmp.Diff(old, r))
			}
			out["person "+r.ConsumerID] = r
		}
	}
	return out
}

func filled(t *testing.T, options string) *corp {
	c := newCorp(t, options)
	apply(t, c, connectors.Effect{Kind: orgflow.Org, Op: orgflow.Update, ConsumerID: "3", Fields: map[string]any{"parentid": "2", "order": "9"}})
	e := personInsert(func(f map[string]any) { f["email"], f["is_leader_in_dept"] = "e1@example.com", "0,1" })
	e.Ext = map[string]any{"工号": "E1"}
	apply(t, c, e)
	apply(t, c, personInsert(func(f map[string]any) {
		f["userid"], f["mobile"], f["department"], f["main_department"], f["direct_leader"] = "E2", "10000000002", "1", nil, "E1"
		delete(f, "position")
	}))
	return c
}

// What was sent is read back alike.
func TestADirectoryIsReadInTheFormsOfPayloads(t *testing.T) {
	got := walk(t, filled(t, ""))
	org := func(id, name, parent, order string, leader any) connectors.RemoteRecord {
		return connectors.RemoteRecord{Kind: orgflow.Org, ConsumerID: id, Ext: map[string]any{},
			Fields: map[string]any{"name": name, "parentid": parent, "order": json.Number(order), "department_leader": leader}}
	}
	want := map[string]connectors.RemoteRecord{
		"org 2": org("2", "研发", "1", "0", nil), "org 3": org("3", "销售", "2", "9", "E1"),
		"person E1": {Kind: orgflow.Person, ConsumerID: "E1", Ext: map[string]any{"工号": "E1"}, Fields: map[string]any{
			"userid": "E1", "name": "测试甲", "mobile": "10000000001", "email": "e1@example.com", "department": "2,3", "main_department": "2",
			"position": "工程师", "is_leader_in_dept": "0,1", "order": "0,0"}},
		"person E2": {Kind: orgflow.Person, ConsumerID: "E2", Fields: map[string]any{
			"userid": "E2", "name": "测试甲", "mobile": "10000000002", "department": "1", "main_department": "1", "position": nil,
			"is_leader_in_dept": "0", "order": "0", "direct_leader": "E1"}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// Where details are closed, it is known who is where, and nothing is taken
// for empty that is only not shown.
func TestADirectoryThatShowsNoDetails(t *testing.T) {
	c := filled(t, `{"details": "closed", "list_id_page": 1}`)
	c.counts()
	got := walk(t, c)
	fields := map[string]map[string]any{}
	for name, r := range got {
		fields[name] = r.Fields
		if r.Ext != nil {
			t.Errorf("%s: custom attributes are not shown", name)
		}
	}
	want := map[string]map[string]any{
		"org 2": {"parentid": "1", "order": json.Number("0")}, "org 3": {"parentid": "2", "order": json.Number("9")},
		"person E1": {"userid": "E1", "department": "2,3"}, "person E2": {"userid": "E2", "department": "1"},
	}
	if d := cmp.Diff(want, fields); d != "" {
		t.Error(d)
	}
	n := c.counts() // 48009 once, and list_id whole once: one row a page
	if n["user/list 48009"]+n["department/get 48009"] != 1 || n["user/list_id ok"] != 3 || n["department/simplelist ok"] != 3 {
		t.Errorf("calls: %v", n)
	}
	c.clock.Pass(blindFor)
	c.options(`{"details": "trimmed"}`)
	r := walk(t, c)["person E1"]
	if names := slices.Sorted(maps.Keys(r.Fields)); slices.Contains(names, "mobile") || !slices.Contains(names, "position") {
		t.Errorf("trimmed: %v", names)
	}
}

// What was written is not looked for in memberships read before.
func TestMembershipsAreReadAgainAfterAWrite(t *testing.T) {
	c := filled(t, `{"details": "closed"}`)
	walk(t, c)
	apply(t, c, personInsert(func(f map[string]any) { f["userid"], f["mobile"] = "E3", "10000000003" }))
	if page, err := c.ReadMembers(t.Context(), "2", ""); err != nil || len(page.Records) != 2 {
		t.Errorf("%+v, %v", page, err)
	}
	other := c.client("wecomsim-contacts")
	apply(t, other, personInsert(func(f map[string]any) { f["userid"], f["mobile"] = "E4", "10000000004" }))
	c.clock.Pass(membersLife + time.Second)
	if page, err := c.ReadMembers(t.Context(), "2", ""); err != nil || len(page.Records) != 3 {
		t.Errorf("%+v, %v", page, err)
	}
	c.options(`{"details": "open"}`)
	if err := c.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if page, err := c.ReadMembers(t.Context(), "2", ""); err != nil || page.Records[0].Fields["name"] == nil {
		t.Errorf("details were opened, a run began, and they are not read: %+v, %v", page, err)
	}
}

func TestADepartmentTooLargeToList(t *testing.T) {
	c := filled(t, `{"list_max": 1}`)
	apply(t, c, personInsert(func(f map[string]any) { f["userid"], f["mobile"] = "E3", "10000000003" }))
	page, err := c.ReadMembers(t.Context(), "2", "")
	if err != nil || len(page.Records) != 2 || len(page.Records[0].Fields) != 2 {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestReadsThatFail(t *testing.T) {
	c := newCorp(t, "")
	for _, mode := range details {
		c.options(`{"details": "` + mode + `"}`)
		if _, err := c.ReadOrg(t.Context(), "99"); orgflow.AsFault(err).Code != orgflow.CodeNotFound {
			t.Errorf("%s: a department that is gone: %v", mode, err)
		}
	}
	c.fault(`{"path": "/cgi-bin/user/list_id", "errcode": -1, "times": 1}`)
	if _, err := c.ReadMembers(t.Context(), "2", ""); !orgflow.AsFault(err).Transient() {
		t.Errorf("a list that broke off: %v", err)
	}
	if page, err := c.ReadMembers(t.Context(), "2", ""); err != nil || len(page.Records) != 0 {
		t.Errorf("the next try: %+v, %v", page, err)
	}
	broken, _ := scripted(t, map[string][]string{pathUserList: {`{"userlist":[{"name":"x"}]}`}})
	if _, err := broken.ReadMembers(t.Context(), "2", ""); orgflow.AsFault(err).VendorCode != vendorcode.Malformed {
		t.Errorf("a person without userid: %v", err)
	}
	looping, _ := scripted(t, map[string][]string{pathUserList: {code(48009)}, pathUserListID: {`{"next_cursor":"a","dept_user":[]}`}})
	if _, err := looping.ReadMembers(t.Context(), "2", ""); orgflow.AsFault(err).VendorCode != vendorcode.Malformed {
		t.Errorf("a cursor that repeats: %v", err)
	}
}

// What a person holds after an insert is recognised as what was wanted, so
// that nothing is written for the sake of writing.
func TestHoldsWhatWasSent(t *testing.T) {
	c := filled(t, "")
	e := personInsert(func(f map[string]any) {
		f["email"], f["is_leader_in_dept"], f["department"] = "e1@example.com", "1,0", "3,2"
	})
	e.Ext = map[string]any{"工号": "E1"}
	p, err := personFields.build(e)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.readPerson(t.Context(), new(connectors.Receipt), "E1")
	if err != nil || !personFields.holds(got, personFields.forUpdate(p)) {
		t.Errorf("not recognised: %v", err)
	}
	for name, other := range map[string]any{"position": "x", "department": []int64{2}, isLeader: []int64{0, 1}, "direct_leader": []string{"E2"}, "alias": "x"} {
		body := personFields.forUpdate(p)
		body[name] = other
		if personFields.holds(got, body) {
			t.Errorf("%s differs and is not noticed", name)
		}
	}
	for name, ext := range map[string]any{"value": "E9", "label": nil} {
		e.Ext = map[string]any{"工号": ext, "别的": "x"}
		if p, err = personFields.build(e); err != nil || personFields.holds(got, personFields.forUpdate(p)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
