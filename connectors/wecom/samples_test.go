package wecom

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/conformance"
)

// wired is a client on a wire without a network.
func wired(t testing.TB, wire http.RoundTripper) *Client {
	t.Helper()
	c, err := New(Config{BaseURL: "http://wecom.invalid", CorpID: "wwsample0000000001", CorpSecret: "secret", AgentID: json.RawMessage("1000002"), AgentSecret: "appsecret", QPS: new(float64(0))}, Options{Transport: wire})
	if err != nil {
		t.Fatal(err)
	}
	c.jitter = func() float64 { return 0 }
	return c
}

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
		return r.ConsumerID, err
	}
}

func tokenOf(ctx context.Context, c *Client) (any, error) {
	got, err := c.tokens.Token(ctx)
	return got.Value, err
}

// personShown is user/get as the client reads it, nil for nobody.
func personShown(ctx context.Context, c *Client) (any, error) {
	got, err := c.readPerson(ctx, new(connectors.Receipt), "E1")
	if err != nil || got == nil {
		return nil, err
	}
	return shownPerson(got)
}

func orgShown(ctx context.Context, c *Client) (any, error) {
	org, err := c.ReadOrg(ctx, "2")
	if err != nil {
		return nil, err
	}
	return *org.Record, nil
}

func childrenOf(ctx context.Context, c *Client) (any, error) {
	org, err := c.ReadOrg(ctx, "1")
	return org.Children, err
}

func membersOf(ctx context.Context, c *Client) (any, error) {
	page, err := c.ReadMembers(ctx, "2", "")
	return page.Records, err
}

// memberships are the rows of user/list_id.
func memberships(ctx context.Context, c *Client) (any, error) {
	var rows []any
	err := c.eachMembership(ctx, new(connectors.Receipt), func(userid string, dept int64) { rows = append(rows, [2]any{userid, dept}) })
	return rows, err
}

func byMobile(ctx context.Context, c *Client) (any, error) {
	userid, known, err := c.userByMobile(ctx, new(connectors.Receipt), "10000000001")
	return [2]any{userid, known}, err
}

// adopted inserts a department whose name is taken, by one that list shows.
func adopted(ctx context.Context, c *Client) (any, error) {
	r := new(connectors.Receipt)
	body := map[string]any{"name": "广州研发中心", "parentid": int64(1)}
	return nil2(r, c.adoptSibling(ctx, r, body, &orgflow.Fault{Code: orgflow.CodeConflict, VendorCode: "60008", Message: "department existed"}))
}

func nil2(r *connectors.Receipt, err error) (any, error) { return r.ConsumerID, err }

func started(kind string) func(context.Context, *Client) (any, error) {
	return func(ctx context.Context, c *Client) (any, error) {
		job, _, err := c.StartImport(ctx, connectors.Import{Kind: kind, File: []byte("x"), IDs: []string{"E1"}, Effects: []int{0}})
		return job, err
	}
}

func polled(kind string) func(context.Context, *Client) (any, error) {
	return func(ctx context.Context, c *Client) (any, error) {
		got, _, err := c.PollImport(ctx, connectors.ImportJob{ID: "xxxxx", Kind: kind})
		return got, err
	}
}

// shownE1 is the member of the samples.
func shownE1(change func(fields map[string]any, r *connectors.RemoteRecord)) connectors.RemoteRecord {
	out := connectors.RemoteRecord{Kind: orgflow.Person, ConsumerID: "E1", Ext: map[string]any{"工号": "E1"}, Fields: map[string]any{
		"userid": "E1", "name": "测试甲", "department": "1,2", "order": "1,2", "position": "后台工程师", "mobile": "10000000001", "gender": "1",
		"email": "e1@example.com", "is_leader_in_dept": "1,0", "direct_leader": "E2", "telephone": "020-000000", "alias": "jack",
		"address": "广州市海珠区", "main_department": "1",
	}}
	change(out.Fields, &out)
	return out
}

var (
	updateE1 = connectors.Effect{Kind: orgflow.Person, Op: orgflow.Update, ConsumerID: "E1", Fields: map[string]any{"position": "主管"}}
	org2     = connectors.Effect{Kind: orgflow.Org, Op: orgflow.Update, ConsumerID: "2", Fields: map[string]any{"name": "新名"}}
	dropOrg  = connectors.Effect{Kind: orgflow.Org, Op: orgflow.Delete, ConsumerID: "2"}
)

var samplesOfMembers = map[string]sampled{
	"gettoken":                 {call: tokenOf, want: "accesstoken000001"},
	"gettoken, wrong secret":   {call: tokenOf, fault: "unauthorized 40001"},
	"gettoken, retired secret": {call: tokenOf, fault: "unauthorized 40091"},
	"gettoken, no secret":      {call: tokenOf, fault: "invalid_config 41004"},

	"user/create":                    {call: applied(personInsert()), want: "E1"},
	"user/create, number taken":      {call: applied(personInsert()), fault: "conflict 60104"},
	"user/create, in a closed range": {call: applied(personInsert()), fault: "forbidden 48002"},
	"user/update":                    {call: applied(updateE1), want: "E1"},
	"user/update, in part":           {call: applied(updateE1), fault: "invalid_record warning"},
	"user/delete":                    {call: applied(deleteE1()), want: "E1"},
	"user/delete, without errcode":   {call: applied(deleteE1()), want: "E1"},
	"user/delete, gone":              {call: applied(deleteE1()), want: "E1"},
	"user/delete, the creator":       {call: applied(deleteE1()), fault: "needs_human 301005"},
	"user/get": {call: personShown, want: shownE1(func(f map[string]any, r *connectors.RemoteRecord) {
		f["biz_mail"], f["external_position"] = "e1@mail.example.com", "产品经理"
		r.Ext["主页"] = map[string]any{"url": "http://www.example.com", "title": "标题"}
	})},
	"user/get, gone":   {call: personShown, want: nil},
	"user/get, closed": {call: personShown, fault: "forbidden 48009"},
	"user/list":        {call: membersOf, want: []connectors.RemoteRecord{shownE1(func(map[string]any, *connectors.RemoteRecord) {})}},
	"user/list of a new secret": {call: membersOf, want: []connectors.RemoteRecord{{
		Kind: orgflow.Person, ConsumerID: "E1", Ext: map[string]any{}, Fields: map[string]any{
			"userid": "E1", "name": "测试甲", "department": "1,2", "order": "0,0", "position": nil, "is_leader_in_dept": "0,0", "main_department": "1",
		},
	}}},
	"user/list, nobody": {call: membersOf, want: []connectors.RemoteRecord(nil)},
	"user/list_id":      {call: memberships, want: []any{[2]any{"E1", int64(1)}, [2]any{"E1", int64(2)}, [2]any{"E2", int64(2)}}},
	"user/getuserid":    {call: byMobile, want: [2]any{"E1", true}},
}

var samplesOfOthers = map[string]sampled{
	"department/create":            {call: applied(orgInsert()), fault: "unknown_outcome malformed"}, // the sample's id is not the one that was sent
	"department/update":            {call: applied(org2), want: "2"},
	"department/delete":            {call: applied(dropOrg), want: "2"},
	"department/delete, not empty": {call: applied(dropOrg), fault: "blocked 60005"},
	"department/get": {call: orgShown, want: connectors.RemoteRecord{Kind: orgflow.Org, ConsumerID: "2", Ext: map[string]any{}, Fields: map[string]any{
		"name": "广州研发中心", "name_en": "RDGZ", "department_leader": "E1,E2", "parentid": "1", "order": json.Number("10"),
	}}},
	"department/list":       {call: adopted, want: "2"},
	"department/simplelist": {call: childrenOf, want: []string{"2"}},

	"media/upload":                 {call: started(SyncPeople), want: connectors.ImportJob{ID: "xxxxx", Kind: SyncPeople}},
	"batch/syncuser":               {call: started(SyncPeople), want: connectors.ImportJob{ID: "xxxxx", Kind: SyncPeople}},
	"batch/syncuser, another runs": {call: started(SyncPeople), fault: "throttled 302008"},
	"batch/getresult of members": {call: polled(SyncPeople), want: connectors.ImportResult{Done: true, Total: 3, Percentage: 100, Lines: []connectors.ImportLine{
		{ID: "E1"}, {ID: "E2", Fault: &orgflow.Fault{Code: orgflow.CodeInvalidRecord, VendorCode: "60103", Message: "invalid mobile", Field: "mobile"}},
	}}},
	"batch/getresult of departments": {call: polled(SyncPeople), fault: "internal "}, // a job of a kind that is never started
	"batch/getresult, running":       {call: polled(SyncPeople), want: connectors.ImportResult{Total: 3, Percentage: 33}},
	"batch/getresult, purged":        {call: polled(SyncPeople), fault: "not_found 40089"},
}

var card = connectors.Message{To: "E1", MessageText: orgflow.MessageText{Title: "待审批", Text: "编号 1", Link: "http://boards.invalid"}}

func sent(ctx context.Context, c *Client) (any, error) {
	id, _, err := c.SendMessage(ctx, card)
	return id, err
}

var samplesOfMessages = map[string]sampled{
	"message/send":                         {call: sent, want: "MSGID0001"},
	"message/send, others are invalid":     {call: sent, want: "MSGID0001"},
	"message/send, the receiver is not":    {call: sent, fault: "not_found invaliduser"},
	"message/send, the receiver alone":     {call: sent, fault: "invalid_record 81013"},
	"message/send, without licence":        {call: sent, fault: "needs_human unlicenseduser"},
	"message/send, wrong agent":            {call: sent, fault: "invalid_config 40056"},
	"message/send, by the contacts secret": {call: sent, fault: "forbidden 48002"},
	"message/send, too long":               {call: sent, fault: "invalid_record 45002"},
	"message/send, busy":                   {call: sent, fault: "unavailable -1"},
	"message/send, without msgid":          {call: sent, fault: "unknown_outcome malformed"},
}

// Every answer that the reference shows is decoded by the method that makes
// the call.
func TestTheSamplesOfTheReference(t *testing.T) {
	vendor := weCom(t)
	for _, s := range vendor.Samples {
		of, known := samplesOfMembers[s.Name]
		if !known {
			of, known = samplesOfOthers[s.Name]
		}
		if !known {
			of, known = samplesOfMessages[s.Name]
		}
		t.Run(s.Name, func(t *testing.T) {
			if !known {
				t.Fatal("nothing is done with this sample")
			}
			wire := &conformance.Wire{Samples: vendor.Good(), Broken: s.Path, Given: conformance.Answer{Status: s.Status, Body: s.Body()}}
			got, err := of.call(t.Context(), wired(t, wire))
			if of.fault != "" {
				f := orgflow.AsFault(err)
				if f == nil || string(f.Code)+" "+f.VendorCode != of.fault || f.Message == "" {
					t.Errorf("%v, %v, want %s", got, err, of.fault)
				}
			} else if d := cmp.Diff(of.want, got, cmpopts.IgnoreFields(orgflow.Fault{}, "Advice")); err != nil || d != "" {
				t.Errorf("%v %s", err, d)
			}
			if wire.Asked(s.Path) == 0 {
				t.Errorf("the sample was not asked for, but %v", wire.Calls())
			}
		})
	}
}
