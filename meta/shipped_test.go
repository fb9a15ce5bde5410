package meta_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"orgflow"
	"orgflow/meta"
)

// service resolves one shipped service of company 129 for DingTalk.
func service(t *testing.T, name string) meta.ResolvedService {
	t.Helper()
	s := openWith(t, nil)
	r, err := s.Resolve(decode(t, s, jobWith(`"`+name+`"`, "")))
	if err != nil {
		t.Fatal(err)
	}
	return r.Services[0]
}

func TestWhichDepartmentsAPersonIsIn(t *testing.T) {
	cases := map[string]struct{ row, want string }{
		"departments win, first is main": {`"department": {"origin_id": 9}, "departments": [{"origin_id": 11}, {"origin_id": 12}]`, `["11","12"]`},
		"department alone":               {`"department": {"origin_id": 9, "id": 1}`, `["9"]`},
		"empty departments":              {`"department": {"origin_id": 9}, "departments": []`, `["9"]`},
		"id where there is no origin_id": {`"department": {"id": 8}`, `["8"]`},
		"ids of departments":             {`"departments": [{"id": 3}, {"id": 4}]`, `["3","4"]`},
		"none":                           {`"department": null`, ``},
	}
	person := service(t, "person_new")
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			rec, issues := person.Standard.Map([]byte(`{"id": 1, "name": "测试甲", ` + c.row + `}`))
			if len(issues) > 0 || string(rec.Fields["org_ids"]) != c.want {
				t.Errorf("org_ids = %s, issues %v", rec.Fields["org_ids"], issues)
			}
		})
	}
}

func TestHowADepartmentIsKnown(t *testing.T) {
	cases := map[string]struct{ row, id, parent string }{
		"contract":             {`{"id": 11, "origin_id": 11, "number": "D11", "name": "研发部", "parent_id": 1, "sort": 10, "manager_id": 1001}`, "11", "1"},
		"history row":          {`{"id": 110, "origin_id": 11, "name": "研发部", "parent_id": 77, "parent": {"origin_id": 1}}`, "11", "1"},
		"id alone":             {`{"id": 12, "name": "研发部", "parent_id": "1"}`, "12", "1"},
		"root":                 {`{"id": 1, "origin_id": 1, "name": "公司"}`, "1", ""},
		"root with null":       {`{"id": 1, "origin_id": null, "name": "公司", "parent_id": null}`, "1", ""},
		"root with empty text": {`{"id": 1, "name": "公司", "parent_id": ""}`, "1", ""},
	}
	org := service(t, "org_new")
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			rec, issues := org.Standard.Map([]byte(c.row))
			if len(issues) > 0 || rec.SourceID != c.id || rec.ParentID != c.parent {
				t.Errorf("id %q, parent %q, issues %v", rec.SourceID, rec.ParentID, issues)
			}
		})
	}
}

func payloadOf(t *testing.T, s meta.ResolvedService, row string) orgflow.Payload {
	t.Helper()
	rec, issues := s.Standard.Map(json.RawMessage(row))
	if len(issues) > 0 {
		t.Fatal(issues)
	}
	p, issues := s.Template.Payload(rec)
	if len(issues) > 0 {
		t.Fatal(issues)
	}
	return p
}

func TestDepartmentForDingTalk(t *testing.T) {
	org := service(t, "org_new")
	p := payloadOf(t, org, `{"id": 11, "origin_id": 11, "number": "D11", "name": " 研发部 ", "parent_id": 1, "sort": 10, "manager_id": 1001}`)
	want := map[string]string{"name": "研发部", "parent_id": orgflow.Ref(orgflow.Org, "1"), "order": "10", "dept_manager_userid_list": orgflow.Ref(orgflow.Person, "1001")}
	for name, value := range want {
		if got := fmt.Sprint(p.Fields[name]); got != value {
			t.Errorf("%s = %q, want %q", name, got, value)
		}
	}
	if len(p.Fields) != len(want) || len(p.Ext) != 0 {
		t.Errorf("payload = %v", p)
	}
}

// DingTalk takes orders above 0 only (DingTalk reference § 4.2).
func TestOrderZeroIsLeftOut(t *testing.T) {
	org := service(t, "org_new")
	for _, sort := range []string{"0", "-1", "null", `""`} {
		p := payloadOf(t, org, `{"id": 11, "name": "研发部", "parent_id": 1, "sort": `+sort+`}`)
		if order, ok := p.Fields["order"]; ok {
			t.Errorf("sort %s gives order %v", sort, order)
		}
	}
}

func TestPersonForDingTalk(t *testing.T) {
	p := payloadOf(t, service(t, "person_new"), employee)
	want := map[string]string{
		"userid": "E1001", "name": "测试甲", "mobile": "10000000001", "email": "e1001@example.com", "job_number": "E1001", "title": "工程师",
		"hired_date": "1577808000000", "dept_id_list": orgflow.Ref(orgflow.Org, "11") + "," + orgflow.Ref(orgflow.Org, "12"), "manager_userid": orgflow.Ref(orgflow.Person, "1002"),
	}
	for name, value := range want {
		if got := fmt.Sprint(p.Fields[name]); got != value {
			t.Errorf("%s = %q, want %q", name, got, value)
		}
	}
	if len(p.Fields) != len(want) {
		t.Errorf("fields = %v", p.Fields)
	}
	if fmt.Sprint(p.Ext) != "map[测试自定义字段:TEST-ID-000001]" || fmt.Sprint(p.Sensitive) != "[测试自定义字段]" {
		t.Errorf("custom attributes %v, sensitive %v", p.Ext, p.Sensitive)
	}
}

// A person without a department reaches the planner, which holds it or puts
// it under the root as the consumer's settings say.
func TestAPersonWithoutDepartmentIsLeftToThePlanner(t *testing.T) {
	p := payloadOf(t, service(t, "person_new"), `{"id": 1, "number": "E1", "name": "测试甲", "mobile": "10000000002"}`)
	if _, ok := p.Fields["dept_id_list"]; ok {
		t.Errorf("fields = %v", p.Fields)
	}
}
