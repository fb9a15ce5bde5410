package dingtalk

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/connectors"
)

// sampleDept is an answer of department/get as documented (DingTalk
// reference § 4.3).
const sampleDept = `{"errcode":0,"errmsg":"ok","request_id":"r","result":{"dept_id":37489345,"name":"市场部","parent_id":1,
	"source_identifier":"orgflow:7:org:11","create_dept_group":true,"auto_add_user":true,"auto_approve_apply":false,
	"from_union_org":false,"tags":"","order":176362815343598500,"group_contain_sub_dept":false,"org_dept_owner":"u1",
	"dept_manager_userid_list":["u1","u2"],"outer_dept":true,"outer_permit_depts":[3,4],"outer_permit_users":["u9"],
	"hide_dept":false,"code":"100","extention":"{\"faxNo\":\"020\"}","member_count":3,"owning_member_count":2}}`

func TestReadOrg(t *testing.T) {
	s := newStub(t, "v2").on(pathDeptGet, sampleDept).
		on(pathDeptListSubID, `{"errcode":0,"result":{"dept_id_list":[21,"22",-7]}}`)
	c := s.client()
	got, err := c.ReadOrg(t.Context(), "37489345")
	if err != nil {
		t.Fatal(err)
	}
	want := connectors.RemoteOrg{Calls: 3, Children: []string{"21", "22"}, Record: &connectors.RemoteRecord{ // a token, get, listsubid
		Kind: orgflow.Org, ConsumerID: "37489345", Key: "orgflow:7:org:11", Ext: map[string]any{"faxNo": "020"},
		Fields: map[string]any{
			"name": "市场部", "parent_id": "1", "order": json.Number("176362815343598500"), managers: "u1,u2", "org_dept_owner": "u1",
			"create_dept_group": true, "auto_add_user": true, "auto_approve_apply": false, "group_contain_sub_dept": false,
			"outer_dept": true, "hide_dept": false, "outer_permit_depts": "3,4", "outer_permit_users": "u9", "code": "100",
			"brief": nil, "telephone": nil, "dept_permits": nil, "user_permits": nil,
		},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestReadOrgOfTheRootShowsOnlyWhatIsBelow(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		s := newStub(t).on(pathDeptListSubID, `{"errcode":0,"result":{"dept_id_list":[]}}`)
		got, err := s.client().ReadOrg(t.Context(), "1")
		if err != nil || got.Record != nil || len(got.Children) != 0 {
			t.Errorf("got %+v, %v", got, err)
		}
		if n := len(s.calls(pathDeptGet)); n != 0 {
			t.Errorf("%d calls of department/get", n)
		}
	})
}

func TestADepartmentWithoutLeadersOrKeyIsKnownToHaveNone(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		s := newStub(t).on(pathDeptGet, `{"errcode":0,"result":{"dept_id":"7","name":"A","parent_id":"1","order":"3","dept_manager_userid_list":[]}}`).
			on(pathDeptListSubID, `{"errcode":0,"result":{"dept_id_list":[]}}`)
		got, err := s.client().ReadOrg(t.Context(), "7")
		if err != nil {
			t.Fatal(err)
		}
		if leaders, known := got.Record.Fields[managers]; !known || leaders != nil || got.Record.Key != "" || got.Record.Fields["order"] != json.Number("3") {
			t.Errorf("record %+v", got.Record)
		}
		if _, known := got.Record.Fields["hide_dept"]; known {
			t.Error("a switch that is not shown is not known to be off")
		}
		if ext := got.Record.Ext; len(ext) != 0 || (ext == nil) != (s.api == "v1") { // v1 does not show them
			t.Errorf("ext %v", ext)
		}
	})
}

// sampleUser is an element of user/list as documented (DingTalk reference § 4.9).
const sampleUser = `{"userid":"u1","unionid":"z21HjQ","name":"测试甲","avatar":"a","state_code":"86","mobile":"10000000001","hide_mobile":false,
	"telephone":"010-86123456-2345","job_number":"4","title":"技术总监","email":"e1@example.com","org_email":"e1@corp.example.com",
	"work_place":"未来park","remark":"备注","dept_id_list":[37,2,3],"dept_order":176362815343598500,"extension":"{\"爱好\":\"旅游\",\"年龄\":\"24\"}",
	"hired_date":1597573616828,"active":true,"admin":true,"boss":false,"leader":true,"exclusive_account":false}`

func TestReadMembers(t *testing.T) {
	s := newStub(t, "v2").on(pathUserList, `{"errcode":0,"result":{"has_more":false,"list":[`+sampleUser+`]}}`)
	got, err := s.client().ReadMembers(t.Context(), "37", "")
	if err != nil {
		t.Fatal(err)
	}
	want := connectors.RemotePage{Calls: 2, Records: []connectors.RemoteRecord{{
		Kind: orgflow.Person, ConsumerID: "u1", Ext: map[string]any{"爱好": "旅游", "年龄": "24"},
		Fields: map[string]any{
			"userid": "u1", "name": "测试甲", "mobile": "10000000001", "hide_mobile": false, "telephone": "010-86123456-2345",
			"job_number": "4", "title": "技术总监", "email": "e1@example.com", "org_email": "e1@corp.example.com", "work_place": "未来park",
			"remark": "备注", "dept_id_list": "37,2,3", "hired_date": json.Number("1597573616828"), "exclusive_account": false,
		},
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Fields that need a permission of their own are absent without it, so that
// their absence proves nothing (DingTalk reference § 2.6).
func TestWhatMayBeHiddenIsNotTakenForEmpty(t *testing.T) {
	s := newStub(t, "v2").on(pathUserList, `{"errcode":0,"result":{"has_more":false,"list":[{"userid":"u1","name":"测试甲","dept_id_list":[2],"active":"true","hired_date":0}]}}`)
	got, err := s.client().ReadMembers(t.Context(), "2", "")
	if err != nil {
		t.Fatal(err)
	}
	want := []connectors.RemoteRecord{{Kind: orgflow.Person, ConsumerID: "u1", Fields: map[string]any{
		"userid": "u1", "name": "测试甲", "dept_id_list": "2",
		"telephone": nil, "job_number": nil, "title": nil, "org_email": nil, "hired_date": nil,
	}}}
	if diff := cmp.Diff(want, got.Records); diff != "" {
		t.Error(diff)
	}
}

func TestANumberAbroadBearsItsPrefix(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		for _, c := range []struct{ code, mobile, want string }{
			{"86", "10000000001", "10000000001"}, {"", "10000000001", "10000000001"}, {"+86", "10000000001", "10000000001"},
			{"1", "5550100", "+1-5550100"}, {"+852", "55501000", "+852-55501000"}, {"852", "+852-55501000", "+852-55501000"},
		} {
			s := newStub(t).on(pathUserList, fmt.Sprintf(`{"errcode":0,"result":{"has_more":false,"list":[{"userid":"u","state_code":%q,"mobile":%q}]}}`, c.code, c.mobile))
			got, err := s.client().ReadMembers(t.Context(), "1", "")
			if err != nil || got.Records[0].Fields["mobile"] != c.want {
				t.Errorf("%+v: %v, %v", c, got.Records, err)
			}
		}
	})
}

func TestReadMembersGoesThroughAllPages(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		const members = 250
		s := newStub(t)
		s.handlers[pathUserList] = func(w http.ResponseWriter, _ *http.Request) {
			asked := s.calls(pathUserList)
			from := int(asked[len(asked)-1].body["cursor"].(float64))
			var list []string
			for i := from; i < min(from+100, members); i++ {
				list = append(list, fmt.Sprintf(`{"userid":"u%d","name":"n"}`, i))
			}
			next := fmt.Sprintf(`"has_more":true,"next_cursor":%d`, from+100)
			if from+100 >= members {
				next = `"has_more":false` // and no next_cursor
			}
			fmt.Fprintf(w, `{"errcode":0,"result":{%s,"list":[%s]}}`, next, strings.Join(list, ","))
		}
		c := s.client()
		seen := map[string]bool{}
		for cursor, pages := "", 1; ; pages++ {
			page, err := c.ReadMembers(t.Context(), "2", cursor)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range page.Records {
				seen[r.ConsumerID] = true
			}
			if cursor = page.Next; cursor == "" {
				if pages != 3 {
					t.Errorf("%d pages", pages)
				}
				break
			}
		}
		if len(seen) != members {
			t.Errorf("saw %d members, want %d", len(seen), members)
		}
	})
}

func TestWhatCannotBeReadIsNeverTakenForAbsent(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		const path = "the department itself"
		for name, c := range map[string]struct {
			path, answer string
			want         orgflow.Code
			says         string
		}{
			"a department outside the scope":     {pathDeptGet, failure("50004"), orgflow.CodePartialRead, "the read is incomplete, department 7"},
			"its departments outside the scope":  {pathDeptListSubID, wrapped("50004", "部门不在授权范围"), orgflow.CodePartialRead, "the read is incomplete, department 7"},
			"members outside the scope":          {pathUserList, failure("50002"), orgflow.CodePartialRead, "the read is incomplete, department 7"},
			"a department deleted meanwhile":     {pathDeptGet, failure("60003"), orgflow.CodeNotFound, "60003"},
			"a missing permission":               {pathUserList, failure("60011"), orgflow.CodeForbidden, "60011"},
			"more members and no cursor":         {pathUserList, `{"errcode":0,"result":{"has_more":true,"list":[]}}`, orgflow.CodeUnavailable, "no further cursor"},
			"another department than asked for":  {pathDeptGet, `{"errcode":0,"result":{"dept_id":8,"name":"A"}}`, orgflow.CodeUnavailable, "another department"},
			"an empty department":                {pathDeptGet, `{"errcode":0,"result":{}}`, orgflow.CodeUnavailable, "department/get"},
			"an order that is no number":         {pathDeptGet, `{"errcode":0,"result":{"dept_id":7,"order":"x"}}`, orgflow.CodeUnavailable, "order"},
			"ids that are no numbers":            {pathDeptListSubID, `{"errcode":0,"result":{"dept_id_list":["x"]}}`, orgflow.CodeUnavailable, "not as documented"},
			"a person without userid":            {pathUserList, `{"errcode":0,"result":{"has_more":false,"list":[{"name":"A"}]}}`, orgflow.CodeUnavailable, "without userid"},
			"attributes that are no JSON":        {pathUserList, `{"errcode":0,"result":{"has_more":false,"list":[{"userid":"A","extension":"x"}]}}`, orgflow.CodeUnavailable, "custom attributes"},
			"attributes that are not an object":  {pathUserList, `{"errcode":0,"result":{"has_more":false,"list":[{"userid":"A","extension":"[1]"}]}}`, orgflow.CodeUnavailable, "custom attributes"},
			"a country code that is not a text":  {pathUserList, `{"errcode":0,"result":{"has_more":false,"list":[{"userid":"A","state_code":{}}]}}`, orgflow.CodeUnavailable, "state_code"},
			"departments that are not a list":    {pathUserList, `{"errcode":0,"result":{"has_more":false,"list":[{"userid":"A","dept_id_list":{}}]}}`, orgflow.CodeUnavailable, "dept_id_list"},
			"calls that come too fast":           {pathUserList, failure("90018"), orgflow.CodeThrottled, "90018"},
			"an id that only another store knew": {path, "", orgflow.CodeInternal, "no department id"},
		} {
			t.Run(name, func(t *testing.T) {
				s := newStub(t).on(pathDeptGet, `{"errcode":0,"result":{"dept_id":7,"name":"A","parent_id":1}}`).
					on(pathDeptListSubID, `{"errcode":0,"result":{"dept_id_list":[]}}`).on(c.path, c.answer)
				id := "7"
				if c.path == path {
					id = "x"
				}
				var err error
				if c.path == pathUserList {
					_, err = s.client().ReadMembers(t.Context(), id, "")
				} else {
					_, err = s.client().ReadOrg(t.Context(), id)
				}
				if f := orgflow.AsFault(err); f == nil || f.Code != c.want || !strings.Contains(f.Error(), c.says) {
					t.Errorf("got %v, want %s saying %q", err, c.want, c.says)
				}
			})
		}
	})
}

func TestReadMembersRefusesACursorItNeverGave(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		for _, cursor := range []string{"x", "-1", "0"} {
			if _, err := newStub(t).client().ReadMembers(t.Context(), "1", cursor); orgflow.AsFault(err) == nil {
				t.Errorf("cursor %q was taken", cursor)
			}
		}
	})
}
