package dingtalk

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/conformance"
)

// wired is a client whose vendor sends the samples of its interface, but for
// one call.
func wired(t testing.TB, api string, wire http.RoundTripper) *Client {
	t.Helper()
	cfg := Config{BaseURL: "http://dingtalk.invalid", APIBaseURL: "http://dingtalk.invalid", AppKey: "dingkey", AppSecret: "dingsecret", AgentID: "1000001", API: api, QPS: new(float64(0))}
	c, err := New(cfg, Options{Transport: wire})
	if err != nil {
		t.Fatal(err)
	}
	c.jitter = func() float64 { return 0 }
	return c
}

// sampleFiles are the documented answers by interface.
var sampleFiles = map[string]string{"v2": "testdata/samples.json", "v1": "testdata/samples_v1.json"}

// sampled is what a sample is fed to and what must come of it: a value, or a
// fault's code and the vendor's.
type sampled struct {
	call  func(ctx context.Context, c *Client) (any, error)
	want  any
	fault string
}

func applied(e connectors.Effect) func(context.Context, *Client) (any, error) {
	return func(ctx context.Context, c *Client) (any, error) {
		r, err := c.Apply(ctx, e)
		return [2]any{r.ConsumerID, r.Pending}, err
	}
}

func token(ctx context.Context, c *Client) (any, error) {
	got, err := c.tokens.Token(ctx)
	return got.Value, err
}

func checked(ctx context.Context, c *Client) (any, error) { return nil, c.Check(ctx) }

func byMobile(ctx context.Context, c *Client) (any, error) {
	return c.userByMobile(ctx, new(connectors.Receipt), map[string]any{"mobile": "10000000001"})
}

func children(ctx context.Context, c *Client) (any, error) {
	org, err := c.ReadOrg(ctx, "1")
	return org.Children, err
}

func orgShown(ctx context.Context, c *Client) (any, error) {
	got, _, err := c.ReadRecord(ctx, orgflow.Org, "37489345")
	return got, err
}

func personShown(ctx context.Context, c *Client) (any, error) {
	got, _, err := c.ReadRecord(ctx, orgflow.Person, "E1")
	return got, err
}

func subDepartments(ctx context.Context, c *Client) (any, error) { return c.Departments(ctx, 1) }

func members(ctx context.Context, c *Client) (any, error) {
	page, err := c.ReadMembers(ctx, "2", "")
	page.Calls = 0
	return page, err
}

func punches(ctx context.Context, c *Client) (any, error) {
	day := time.Date(2020, 10, 29, 23, 59, 0, 0, china)
	page, err := c.ReadAttendance(ctx, connectors.AttendanceQuery{UserIDs: []string{"E1"}, From: day, To: day}, "")
	page.Calls = 0
	return page, err
}

// shownPunches are those of the samples: one that came late, one that was not
// made, whose time on the wire is the scheduled one.
func shownPunches() connectors.AttendancePage {
	at := func(hour, minute int) *time.Time { return new(time.Date(2020, 10, 29, hour, minute, 0, 0, china)) }
	return connectors.AttendancePage{Next: "50", Records: []orgflow.AttendanceRecord{
		{ID: 933202551, UserID: "E1", WorkDate: "2020-10-29", CheckType: "OnDuty", TimeResult: "Late", LocationResult: "Normal", BaseCheckTime: at(9, 0), UserCheckTime: at(9, 11),
			PlanID: 210071264, GroupID: 121325603, RecordID: 1070900223, SourceType: "ATM", ProcInstID: "cb992267-9b70-xxxx"},
		{ID: 933202552, UserID: "E1", WorkDate: "2020-10-29", CheckType: "OffDuty", TimeResult: "NotSigned", LocationResult: "NotSigned", BaseCheckTime: at(18, 0), Missing: true,
			PlanID: 210071265, GroupID: 121325603, SourceType: "SYSTEM"},
	}}
}

// attendanceSamples are the same under both interfaces.
var attendanceSamples = map[string]sampled{
	"attendance/list":                   {call: punches, want: shownPunches()},
	"attendance/list, nothing":          {call: punches, want: connectors.AttendancePage{}},
	"attendance/list, more than 7 days": {call: punches, fault: "invalid_record 41041"},
	"attendance/list, not permitted":    {call: punches, fault: "forbidden 60011"},
	"attendance/list, quota used up":    {call: punches, fault: "quota_exhausted 90020"},
}

var (
	personE1 = connectors.Effect{Kind: orgflow.Person, Op: orgflow.Update, ConsumerID: "E1", Fields: map[string]any{"title": "主管"}}
	org37    = connectors.Effect{Kind: orgflow.Org, Op: orgflow.Update, ConsumerID: "37489345", Fields: map[string]any{"name": "新名"}}
)

func deleted(kind orgflow.Kind, id string) connectors.Effect {
	return connectors.Effect{Kind: kind, Op: orgflow.Delete, ConsumerID: id}
}

// shownE1 is the person of the samples.
func shownE1(change func(fields map[string]any)) connectors.RemoteRecord {
	fields := map[string]any{
		"userid": "E1", "name": "测试甲", "mobile": "10000000001", "telephone": "010-00000000-2345", "job_number": "4", "title": "技术总监",
		"email": "e1@example.com", "org_email": "o1@example.com", "work_place": "未来park", "remark": "备注", "dept_id_list": "2,3,4",
		"hide_mobile": false, "hired_date": json.Number("1597573616828"), "exclusive_account": false,
	}
	change(fields)
	return connectors.RemoteRecord{Kind: orgflow.Person, ConsumerID: "E1", Fields: fields, Ext: map[string]any{"爱好": "旅游"}}
}

func inV2(map[string]any) {}

func inV1(f map[string]any) {
	f["dept_id_list"] = "2,3"
	delete(f, "exclusive_account")
}

// shownOrg37 is the department of the samples.
func shownOrg37(change func(fields map[string]any)) connectors.RemoteRecord {
	fields := map[string]any{
		"name": "市场部", "parent_id": "1", "order": json.Number("37489345"), "create_dept_group": true, "auto_add_user": true, "auto_approve_apply": false,
		"group_contain_sub_dept": false, "org_dept_owner": "E1", "dept_manager_userid_list": "E1,E2", "outer_dept": true,
		"outer_permit_depts": "500,600", "outer_permit_users": "E3", "hide_dept": true, "dept_permits": "3,4", "user_permits": "E4", "code": "D11", "brief": nil, "telephone": nil,
	}
	change(fields)
	return connectors.RemoteRecord{Kind: orgflow.Org, ConsumerID: "37489345", Key: "129:org:11", Fields: fields, Ext: map[string]any{}}
}

func shownOrgOfV1() connectors.RemoteRecord {
	shown := shownOrg37(func(f map[string]any) {
		f["outer_permit_users"], f["outer_permit_depts"] = "E3,E4", nil
		for _, other := range []string{"code", "brief", "telephone"} {
			delete(f, other)
		}
	})
	shown.Ext = nil // departments of v1 show none
	return shown
}

var samplesOfV2 = map[string]sampled{
	"token":                         {call: token, want: "fw8ef8we8f76e6f7s8df8s"},
	"token refused":                 {call: token, fault: "unauthorized invalidClientIdOrSecret"},
	"new family, permission denied": {call: token, fault: "forbidden Forbidden.AccessDenied.AccessTokenPermissionDenied"},
	"scopes":                        {call: checked},
	"wrapped token error":           {call: applied(deleted(orgflow.Person, "E1")), fault: "unauthorized 40014"},
	"business error":                {call: applied(personE1), fault: "not_found 60121"},
	"missing argument":              {call: applied(personE1), fault: "invalid_record 40"},
	"invalid argument":              {call: applied(personE1), fault: "invalid_record 41"},
	"unknown path":                  {call: applied(personE1), fault: "invalid_config 22"},
	"ban as a page":                 {call: applied(deleted(orgflow.Person, "E1")), fault: "throttled ip_ban"},
	"ban as JSON":                   {call: applied(deleted(orgflow.Person, "E1")), fault: "throttled ip_ban"},

	"department/create": {call: applied(orgInsert()), want: [2]any{"37489345", false}},
	"department/update": {call: applied(org37), want: [2]any{"37489345", false}},
	"department/delete": {call: applied(deleted(orgflow.Org, "37489345")), want: [2]any{"37489345", false}},
	"department/get":    {call: orgShown, want: shownOrg37(inV2)},
	"department/get, numbers as texts": {call: orgShown, want: connectors.RemoteRecord{
		Kind: orgflow.Org, ConsumerID: "37489345", Key: "129:org:11", Ext: map[string]any{}, Fields: map[string]any{
			"name": "市场部", "parent_id": "1", "order": json.Number("10"), "create_dept_group": true, "hide_dept": false, "dept_manager_userid_list": "E1",
			"org_dept_owner": nil, "outer_permit_depts": nil, "outer_permit_users": nil, "dept_permits": nil, "user_permits": nil, "code": nil, "brief": nil, "telephone": nil,
		},
	}},
	"department/listsub":   {call: subDepartments, want: []Department{{ID: 37489345, ParentID: 1, Name: "市场部", SourceID: "129:org:11"}}},
	"department/listsubid": {call: children, want: []string{"21", "22"}},

	"user/create":              {call: applied(personInsert()), want: [2]any{"E1", false}},
	"user/create, invited":     {call: applied(personInsert()), want: [2]any{"E1", true}},
	"user/update":              {call: applied(personE1), want: [2]any{"E1", false}},
	"user/delete":              {call: applied(deleted(orgflow.Person, "E1")), want: [2]any{"E1", false}},
	"user/delete, gone":        {call: applied(deleted(orgflow.Person, "E1")), want: [2]any{"E1", false}},
	"user/get":                 {call: personShown, want: shownE1(inV2)},
	"user/getbymobile":         {call: byMobile, want: "E1"},
	"user/list":                {call: members, want: connectors.RemotePage{Next: "10", Records: []connectors.RemoteRecord{shownE1(inV2)}}},
	"user/list, the last page": {call: members, want: connectors.RemotePage{}},
}

var card = connectors.Message{To: "E1", MessageText: orgflow.MessageText{Title: "待审批", Text: "编号 1", Link: "http://boards.invalid"}}

func sent(ctx context.Context, c *Client) (any, error) {
	id, _, err := c.SendMessage(ctx, card)
	return id, err
}

func delivery(ctx context.Context, c *Client) (any, error) {
	d, _, err := c.MessageResult(ctx, "256271667526", "E1")
	return string(d.State) + " " + d.Code, err
}

// samplesOfMessages are those of the one interface that both contact
// interfaces go with.
var samplesOfMessages = map[string]sampled{
	"asyncsend_v2":                            {call: sent, want: "256271667526"},
	"asyncsend_v2, without task":              {call: sent, fault: "unknown_outcome malformed"},
	"asyncsend_v2, wrong agent":               {call: sent, fault: "invalid_config 40056"},
	"asyncsend_v2, too long":                  {call: sent, fault: "invalid_record 34016"},
	"asyncsend_v2, too many receivers":        {call: sent, fault: "throttled 41046"},
	"getsendresult":                           {call: delivery, want: "delivered "},
	"getsendresult, on its way":               {call: delivery, want: "open "},
	"getsendresult, of somebody else":         {call: delivery, want: "open "},
	"getsendresult, dropped as repeated":      {call: delivery, want: "repeated 143106"},
	"getsendresult, dropped for the day":      {call: delivery, want: "dropped 143105"},
	"getsendresult, dropped without a reason": {call: delivery, want: "dropped "},
	"getsendresult, nobody":                   {call: delivery, want: "dropped invalid_user"},
	"getsendresult, failed":                   {call: delivery, want: "dropped failed_user"},
	"getsendresult, read all the same":        {call: delivery, want: "delivered "},
	"getsendresult, too many receivers":       {call: delivery, fault: "invalid_record 41052"},
}

var samplesOfV1 = map[string]sampled{
	"old token":         {call: token, want: "96fc7a7axxx"},
	"old token refused": {call: token, fault: "unauthorized 40096"},
	"scopes":            {call: checked},
	"bare token error":  {call: applied(deleted(orgflow.Person, "E1")), fault: "unauthorized 40014"},
	"unknown address":   {call: applied(deleted(orgflow.Person, "E1")), fault: "invalid_config 404"},

	"department/create":   {call: applied(orgInsert()), want: [2]any{"37489345", false}},
	"department/update":   {call: applied(org37), want: [2]any{"37489345", false}},
	"department/delete":   {call: applied(deleted(orgflow.Org, "37489345")), want: [2]any{"37489345", false}},
	"department/list":     {call: subDepartments, want: []Department{{ID: 37489345, ParentID: 1, Name: "市场部", SourceID: "129:org:11"}}},
	"department/list_ids": {call: children, want: []string{"21", "22"}},
	"department/get":      {call: orgShown, want: shownOrgOfV1()},

	"user/create":                    {call: applied(personInsert()), want: [2]any{"E1", false}},
	"user/update":                    {call: applied(personE1), want: [2]any{"E1", false}},
	"user/delete":                    {call: applied(deleted(orgflow.Person, "E1")), want: [2]any{"E1", false}},
	"user/get":                       {call: personShown, want: shownE1(inV1)},
	"user/get_by_mobile":             {call: byMobile, want: "E1"},
	"user/listbypage":                {call: members, want: connectors.RemotePage{Next: "100", Records: []connectors.RemoteRecord{shownE1(inV1)}}},
	"user/listbypage, the last page": {call: members, want: connectors.RemotePage{}},
}

// Every answer that the reference shows is decoded by the method that makes
// the call.
func TestTheSamplesOfTheReference(t *testing.T) {
	for api, table := range map[string]map[string]sampled{"v2": samplesOfV2, "v1": samplesOfV1} {
		table = maps.Clone(table)
		maps.Copy(table, attendanceSamples)
		vendor := vendorOf(t, api)
		for _, s := range vendor.Samples {
			of, known := table[s.Name]
			if !known {
				of, known = samplesOfMessages[s.Name]
			}
			t.Run(api+" "+s.Name, func(t *testing.T) {
				if !known {
					t.Fatal("nothing is done with this sample")
				}
				wire := &conformance.Wire{Samples: vendor.Good(), Broken: s.Path, Given: conformance.Answer{Status: s.Status, Body: s.Body()}}
				got, err := of.call(t.Context(), wired(t, api, wire))
				if of.fault != "" {
					f := orgflow.AsFault(err)
					if f == nil || string(f.Code)+" "+f.VendorCode != of.fault || f.Message == "" {
						t.Errorf("%v, %v, want %s", got, err, of.fault)
					}
				} else if d := cmp.Diff(of.want, got); err != nil || d != "" {
					t.Errorf("%v %s", err, d)
				}
				if wire.Asked(s.Path) == 0 {
					t.Errorf("the sample was not asked for, but %v", wire.Calls())
				}
			})
		}
	}
}
