package dingtalk

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/connectors"
)

// line is a request as it came over the wire.
type line struct {
	Method, Path, Query string // without the token
	Body                string
}

// vendorV1 is a client of a vendor that answers in the words of v1 and the
// requests it makes, the token's left out.
func vendorV1(t testing.TB, answers map[string]string) (*Client, *[]line) {
	var lines []line
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		query := r.URL.Query()
		query.Del("access_token")
		if r.URL.Path == "/gettoken" {
			_, _ = io.WriteString(w, `{"errcode":0,"errmsg":"ok","access_token":"T1","expires_in":7200}`)
			return
		}
		lines = append(lines, line{r.Method, r.URL.Path, query.Encode(), string(raw)})
		_, _ = io.WriteString(w, answers[r.URL.Path])
	}))
	t.Cleanup(server.Close)
	c, err := New(Config{BaseURL: server.URL, API: "v1", AppKey: "dingkey", AppSecret: "dingsecret", QPS: new(float64(0))}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c, &lines
}

const okV1 = `{"errcode":0,"errmsg":"ok"}`

// What goes over the wire is DingTalk reference § 3.1, § 3.2 and § 3.4, byte
// by byte.
func TestRequestsOfV1(t *testing.T) {
	department := map[string]any{
		"name": "helloworld", "parent_id": "1", "order": 10, "create_dept_group": true, "hide_dept": true, "dept_permits": "3,4",
		"user_permits": []any{"u1", "u2"}, "outer_dept": true, "outer_permit_depts": "5", "outer_permit_users": "u3,u4", "outer_dept_only_self": true,
		"auto_approve_apply": false, "extension": `{"a":"b"}`, "parentBalanceFirst": true,
	}
	person := map[string]any{
		"userid": "fuleli", "name": "测试甲", "mobile": "10000000001", "dept_id_list": "100001,2", "title": "工程师", "telephone": "010-1",
		"work_place": "A", "remark": "r", "email": "a@example.com", "org_email": "o@example.com", "job_number": "7", "hide_mobile": true, "senior_mode": false,
		"hired_date": json.Number("1597573616828"), "manager_userid": "u1",
		"dept_order_list": []any{map[string]any{"dept_id": 2, "order": json.Number("176362815343598512")}, map[string]any{"dept_id": 100001, "order": 20}},
		"dept_title_list": []any{map[string]any{"dept_id": 2, "title": `a "b"`}},
	}
	for name, tc := range map[string]struct {
		effect connectors.Effect
		want   line
	}{
		"department/create": {
			connectors.Effect{Kind: orgflow.Org, Op: orgflow.Insert, Key: "orgflow:7:org:11", Fields: department},
			line{"POST", "/department/create", "", `{"autoApproveApply":false,"createDeptGroup":true,"deptHiding":true,"deptPermits":"3|4","ext":"{\"a\":\"b\"}","name":"helloworld","order":"10","outerDept":true,"outerDeptOnlySelf":true,"outerPermitDepts":"5","outerPermitUsers":"u3|u4","parentBalanceFirst":true,"parentid":"1","sourceIdentifier":"orgflow:7:org:11","userPermits":"u1|u2"}`},
		},
		"department/update": {
			connectors.Effect{Kind: orgflow.Org, Op: orgflow.Update, ConsumerID: "7", Fields: map[string]any{managers: "u1,u2", "org_dept_owner": "u1", "auto_add_user": true, "language": "zh_CN", "group_contain_hidden_dept": true}},
			line{"POST", "/department/update", "", `{"autoAddUser":true,"deptManagerUseridList":"u1|u2","groupContainHiddenDept":true,"id":7,"lang":"zh_CN","orgDeptOwner":"u1"}`},
		},
		"department/delete": {
			connectors.Effect{Kind: orgflow.Org, Op: orgflow.Delete, ConsumerID: "7"},
			line{"GET", "/department/delete", "id=7", ""},
		},
		"user/create": {
			connectors.Effect{Kind: orgflow.Person, Op: orgflow.Insert, ConsumerID: "fuleli", Fields: person, Ext: map[string]any{"爱好": "旅游", "年龄": json.Number("24")}},
			line{"POST", "/user/create", "", `{"department":[100001,2],"email":"a@example.com","extattr":{"年龄":"24","爱好":"旅游"},"hiredDate":1597573616828,"isHide":true,"isSenior":false,"jobnumber":"7","managerUserid":"u1","mobile":"10000000001","name":"测试甲","orderInDepts":"{2:176362815343598512,100001:20}","orgEmail":"o@example.com","position":"工程师","positionInDepts":"{2:\"a \\\"b\\\"\"}","remark":"r","tel":"010-1","userid":"fuleli","workPlace":"A"}`},
		},
		"user/update never carries a mobile": {
			connectors.Effect{Kind: orgflow.Person, Op: orgflow.Update, ConsumerID: "fuleli", Fields: map[string]any{"mobile": "10000000002", "title": ""}, Clear: []string{"爱好"}},
			line{"POST", "/user/update", "", `{"extattr":{},"position":"","userid":"fuleli"}`},
		},
		"user/delete": {
			connectors.Effect{Kind: orgflow.Person, Op: orgflow.Delete, ConsumerID: "a b&c"},
			line{"GET", "/user/delete", "userid=a+b%26c", ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, lines := vendorV1(t, map[string]string{
				"/department/create": `{"errcode":0,"errmsg":"ok","id":7}`, "/department/update": `{"errcode":0,"errmsg":"ok","id":7}`, "/department/delete": okV1,
				"/user/create": `{"errcode":0,"errmsg":"ok","userid":"fuleli","unionId":"n"}`, "/user/update": okV1, "/user/delete": okV1,
			})
			r := apply(t, c, tc.effect)
			if diff := cmp.Diff([]line{tc.want}, *lines); diff != "" {
				t.Error(diff)
			}
			if r.Writes != 1 || r.Calls != 2 || r.ConsumerID == "" {
				t.Errorf("receipt %+v", r)
			}
		})
	}
}

// Answers as documented: DingTalk reference § 3.3 and § 3.5, numbers and
// booleans also as the texts that official samples show.
const (
	sampleDeptV1 = `{"errcode":"0","errmsg":"ok","id":"37489345","name":"市场部","order":176362815343598500,"parentid":1,
	"sourceIdentifier":"orgflow:7:org:11","createDeptGroup":"true","autoAddUser":true,"autoApproveApply":false,"groupContainSubDept":false,
	"orgDeptOwner":"u1","deptGroupChatId":"chat","deptManagerUseridList":"u1|u2","outerDept":true,"outerPermitUsers":"u3|u4","outerPermitDepts":"",
	"deptHiding":false,"deptPermits":"","userPermits":""}`
	sampleUserV1 = `{"errcode":0,"errmsg":"ok","userid":"u1","unionid":"z21HjQ","name":"测试甲","position":"技术总监","mobile":"10000000001","tel":"010-86123456-2345",
	"workPlace":"未来park","remark":"备注","email":"e1@example.com","orgEmail":"o@example.com","jobnumber":"4","active":"true","avatar":"a","isAdmin":false,
	"isBoss":false,"isHide":true,"isSenior":true,"realAuthed":true,"stateCode":"86","hiredDate":1597573616828,"managerUserid":"u9","department":[2,3],
	"orderInDepts":"{2:176362815343598512,3:1}","isLeaderInDepts":"{2:false,3:true}","extattr":{"爱好":"旅游"},"tags":{},
	"roles":[{"id":149507744,"name":"总监","groupName":"职务","type":1}]}`
)

func TestReadOrgOfV1(t *testing.T) {
	c, lines := vendorV1(t, map[string]string{"/department/get": sampleDeptV1, "/department/list_ids": `{"errcode":0,"sub_dept_id_list":[21,"22",-7]}`})
	got, err := c.ReadOrg(t.Context(), "37489345")
	if err != nil {
		t.Fatal(err)
	}
	want := connectors.RemoteOrg{Calls: 3, Children: []string{"21", "22"}, Record: &connectors.RemoteRecord{
		Kind: orgflow.Org, ConsumerID: "37489345", Key: "orgflow:7:org:11", // custom fields are not shown: unknown
		Fields: map[string]any{
			"name": "市场部", "parent_id": "1", "order": json.Number("176362815343598500"), managers: "u1,u2", "org_dept_owner": "u1",
			"create_dept_group": true, "auto_add_user": true, "auto_approve_apply": false, "group_contain_sub_dept": false,
			"outer_dept": true, "hide_dept": false, "outer_permit_depts": nil, "outer_permit_users": "u3,u4", "dept_permits": nil, "user_permits": nil,
		},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]line{{"GET", "/department/get", "id=37489345", ""}, {"GET", "/department/list_ids", "id=37489345", ""}}, *lines); diff != "" {
		t.Error(diff)
	}
}

func TestGetUserOfV1(t *testing.T) {
	c, _ := vendorV1(t, map[string]string{"/user/get": sampleUserV1})
	got, err := c.GetUser(t.Context(), "u1")
	if err != nil {
		t.Fatal(err)
	}
	want := User{
		UserID: "u1", UnionID: "z21HjQ", Name: "测试甲", Mobile: "10000000001", StateCode: "86", Title: "技术总监", JobNumber: "4", Email: "e1@example.com",
		OrgEmail: "o@example.com", Telephone: "010-86123456-2345", WorkPlace: "未来park", Remark: "备注", Manager: "u9", Departments: []int64{2, 3},
		Extension: `{"爱好":"旅游"}`, HiredDate: 1597573616828, Leader: true, Active: true, HideMobile: true, Senior: true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// What the sample shows is taken for what was sent: in doubt nothing is
// written again.
func TestAPersonReadBackInV1IsRecognised(t *testing.T) {
	c, _ := vendorV1(t, map[string]string{"/user/get": sampleUserV1, "/user/update": okV1})
	e := connectors.Effect{Kind: orgflow.Person, Op: orgflow.Update, ConsumerID: "u1", InDoubt: true, Ext: map[string]any{"爱好": "旅游"}, Fields: map[string]any{
		"name": "测试甲", "title": "技术总监", "telephone": "010-86123456-2345", "work_place": "未来park", "job_number": "4", "org_email": "o@example.com",
		"dept_id_list": "3,2", "hide_mobile": true, "senior_mode": true, "hired_date": 1597573616828, "manager_userid": "u9",
		"dept_order_list": []any{map[string]any{"dept_id": 2, "order": json.Number("176362815343598512")}},
	}}
	if r := apply(t, c, e); r.Writes != 0 {
		t.Errorf("%d writes", r.Writes)
	}
	e.Fields["title"] = "顾问"
	if r := apply(t, c, e); r.Writes != 1 {
		t.Errorf("%d writes of a change", r.Writes)
	}
}

func TestReadMembersOfV1(t *testing.T) {
	element := strings.NewReplacer(`"errcode":0,"errmsg":"ok",`, "", `"tags":{},`, `"order":7,"isLeader":true,"tags":{},`).Replace(sampleUserV1)
	c, lines := vendorV1(t, map[string]string{"/user/listbypage": `{"errcode":0,"errmsg":"ok","hasMore":"true","userlist":[` + element + `,{"userid":"u2","name":"测试乙","position":"","department":[2]}]}`})
	got, err := c.ReadMembers(t.Context(), "2", "100")
	if err != nil {
		t.Fatal(err)
	}
	want := connectors.RemotePage{Calls: 2, Next: "200", Records: []connectors.RemoteRecord{
		{Kind: orgflow.Person, ConsumerID: "u1", Ext: map[string]any{"爱好": "旅游"}, Fields: map[string]any{
			"userid": "u1", "name": "测试甲", "mobile": "10000000001", "hide_mobile": true, "telephone": "010-86123456-2345",
			"job_number": "4", "title": "技术总监", "email": "e1@example.com", "org_email": "o@example.com", "work_place": "未来park",
			"remark": "备注", "dept_id_list": "2,3", "hired_date": json.Number("1597573616828"),
		}},
		// Which fields the list shows is not documented one by one: what is
		// not there is unknown, what is there and empty is empty.
		{Kind: orgflow.Person, ConsumerID: "u2", Fields: map[string]any{"userid": "u2", "name": "测试乙", "title": nil, "dept_id_list": "2"}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]line{{"GET", "/user/listbypage", "department_id=2&offset=100&size=100", ""}}, *lines); diff != "" {
		t.Error(diff)
	}
}

// Whether department/list names the department itself, and what is below its
// children, is not documented; neither is taken for a child.
func TestDepartmentsOfV1(t *testing.T) {
	c, lines := vendorV1(t, map[string]string{"/department/list": `{"errcode":0,"errmsg":"ok","department":[{"id":1,"name":"根"},
		{"id":"21","name":"研发","parentid":"1","createDeptGroup":true,"autoAddUser":false,"sourceIdentifier":"k"},{"id":22,"name":"组","parentid":21},{"id":23,"name":"销售","parentid":1}]}`})
	got, err := c.Departments(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Department{{ID: 21, ParentID: 1, Name: "研发", SourceID: "k"}, {ID: 23, ParentID: 1, Name: "销售"}}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]line{{"GET", "/department/list", "fetch_child=false&id=1", ""}}, *lines); diff != "" {
		t.Error(diff)
	}
}
