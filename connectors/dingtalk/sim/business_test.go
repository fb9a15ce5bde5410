package dtsim_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestUserLife(t *testing.T) {
	w := newWorld(t, "")
	d1, d2 := w.dept("研发部", 1), w.dept("市场部", 1)
	a := w.must("/v2/user/create", fmt.Sprintf(`{"userid":"E1","name":"测试甲","mobile":"%s","dept_id_list":"%s,%s","email":"E1@example.com",
		"dept_order_list":[{"dept_id":%s,"order":5}],"extension":"{\"爱好\":\"旅游\",\"车位\":3}","hired_date":1700000000000}`, mobile(1), d1, d2, d1))
	if a.text("result.userid") != "E1" || a.text("result.unionId") == "" {
		t.Fatalf("create answered %s", a.body)
	}
	a = w.must("/v2/user/get", `{"userid":"E1"}`)
	for path, want := range map[string]string{
		"result.active": "false", "result.mobile": mobile(1), "result.extension": `{"爱好":"旅游","车位":"3"}`, "result.state_code": "86",
		"result.dept_id_list": "[" + d1 + "," + d2 + "]", "result.leader_in_dept.0.leader": "false",
		"result.dept_order_list.0.order": "5", "result.dept_order_list.1.order": "176362815343598512", "result.title": "",
	} {
		if got := a.text(path); got != want {
			t.Errorf("%s = %q, want %q", path, got, want)
		}
	}
	w.must("/v2/user/update", `{"userid":"E1","title":"工程师","dept_id_list":"`+d2+`"}`)
	if a = w.must("/v2/user/get", `{"userid":"E1"}`); a.text("result.title") != "工程师" || a.text("result.dept_id_list") != "["+d2+"]" || a.text("result.email") != "E1@example.com" {
		t.Errorf("after the update: %s", a.body)
	}
	if got := w.must("/v2/user/getbymobile", `{"mobile":"+86-`+mobile(1)+`"}`).text("result.userid"); got != "E1" {
		t.Errorf("getbymobile found %q", got)
	}
	w.must("/v2/user/delete", `{"userid":"E1"}`)
	if got := w.call("/v2/user/get", `{"userid":"E1"}`).code(); got != "60121" {
		t.Errorf("a deleted user answers %s", got)
	}
	w.user("E1", 1, d1) // the same userid and number are free again
}

// rule is one documented refusal.
type rule struct {
	name, options, path, body, want string
}

func (r rule) run(t *testing.T, prepare func(*world)) {
	t.Run(r.name, func(t *testing.T) {
		w := newWorld(t, r.options)
		prepare(w)
		before := w.state()
		if got := w.call(r.path, r.body).code(); got != r.want {
			t.Errorf("%s %s answered %s, want %s", r.path, r.body, got, r.want)
		}
		if r.want != "0" && r.want != "40103" && w.state() != before {
			t.Error("a refused call changed the state")
		}
	})
}

func TestUserRules(t *testing.T) {
	const create, update = "/v2/user/create", "/v2/user/update"
	long := func(n int) string { return strings.Repeat("长", n) }
	with := func(more string) string {
		return `{"userid":"N1","name":"新人","mobile":"` + mobile(9) + `","dept_id_list":"1"` + more + `}`
	}
	body := func(id, name, mobile, depts string) string {
		return fmt.Sprintf(`{"userid":%q,"name":%q,"mobile":%q,"dept_id_list":%q}`, id, name, mobile, depts)
	}
	many := func(n int) string { return strings.TrimSuffix(strings.Repeat("1,", n), ",") }
	seq := func(n int) string {
		var b []string
		for i := range n {
			b = append(b, fmt.Sprint(i+1))
		}
		return strings.Join(b, ",")
	}
	for _, r := range []rule{
		{"§4.6 name missing", "", create, `{"mobile":"10000000009","dept_id_list":"1"}`, "40"},
		{"§4.6 mobile missing", "", create, `{"name":"新人","dept_id_list":"1"}`, "40"},
		{"§4.6 dept_id_list missing", "", create, `{"name":"新人","mobile":"10000000009"}`, "40"},
		{"§4.6 dept_id_list as array", "", create, `{"name":"新人","mobile":"10000000009","dept_id_list":[1]}`, "41"},
		{"§1 body not JSON", "", create, `{"name":`, "43009"},
		{"§4.6 name 80", "", create, body("N1", long(80), mobile(9), "1"), "0"},
		{"§4.6 name 81", "", create, body("N1", long(81), mobile(9), "1"), "60112"},
		{"§4.6 userid 65", "", create, body(strings.Repeat("u", 65), "新人", mobile(9), "1"), "40003"},
		{"§4.6 userid generated", "", create, `{"name":"新人","mobile":"10000000009","dept_id_list":"1"}`, "0"},
		{"§4.6 title 200", "", create, with(`,"title":"` + long(200) + `"`), "0"},
		{"§4.6 title 201", "", create, with(`,"title":"` + long(201) + `"`), "40067"},
		{"§4.6 job_number 51", "", create, with(`,"job_number":"` + long(51) + `"`), "60123"},
		{"§4.6 job_number not unique", "", create, with(`,"job_number":"J1"`), "0"},
		{"§4.6 telephone 51", "", create, with(`,"telephone":"` + long(51) + `"`), "40063"},
		{"§4.6 work_place 101", "", create, with(`,"work_place":"` + long(101) + `"`), "40064"},
		{"§4.6 remark 2001", "", create, with(`,"remark":"` + long(2001) + `"`), "40065"},
		{"§4.6 email 51", "", create, with(`,"email":"` + long(40) + `@example.com"`), "60105"},
		{"§4.6 hired_date 0", "", create, with(`,"hired_date":0`), "40035"},
		{"§4.6 two main positions", "", create, with(`,"dept_position_list":[{"dept_id":1,"is_main":true},{"dept_id":1,"is_main":true}]`), "40035"},
		{"§4.6 extension not an object", "", create, with(`,"extension":"[1]"`), "60122"},
		{"§4.6 extension 2001", "", create, with(`,"extension":"{\"a\":\"` + long(2001) + `\"}"`), "60122"},
		{"§4.6 extension undeclared", `{"declared_ext_attrs":["爱好"]}`, create, with(`,"extension":"{\"别的\":\"1\"}"`), "40035"},
		{"§4.6 extension declared", `{"declared_ext_attrs":["爱好"]}`, create, with(`,"extension":"{\"爱好\":\"1\"}"`), "0"},
		{"§4.6 manager unknown", "", create, with(`,"manager_userid":"nobody"`), "60128"},
		{"§4.6 manager of wrong type", "", create, with(`,"manager_userid":["E1"]`), "41"},
		{"§4.6 extension as object", "", create, with(`,"extension":{"a":"b"}`), "41"},
		{"§4.6 manager known", "", create, with(`,"manager_userid":"E1"`), "0"},
		{"§4.6 100 departments, one twice", "", create, body("N1", "新人", mobile(9), many(101)), "0"},
		{"§4.6 101 departments", "", create, body("N1", "新人", mobile(9), seq(101)), "40066"},
		{"§5.5 dept_id_list malformed", "", create, body("N1", "新人", mobile(9), "1;2"), "40025"},
		{"§5.5 department unknown", "", create, body("N1", "新人", mobile(9), "999"), "60003"},
		{"§5.4 department -7", "", create, body("N1", "新人", mobile(9), "-7"), "40009"},
		{"§5.2 userid taken", "", create, body("E1", "新人", mobile(9), "1"), "60102"},
		{"§5.1 mobile short", "", create, body("N1", "新人", "1000000000", "1"), "60103"},
		{"§5.1 mobile letters", "", create, body("N1", "新人", "1000000000x", "1"), "60103"},
		{"§5.1 mobile foreign", "", create, body("N1", "新人", "+852-0000000", "1"), "0"},
		{"§5.1 mobile taken", "", create, body("N1", "新人", mobile(1), "1"), "60104"},
		{"§5.1 mobile taken, +86 spelling", "", create, body("N1", "新人", "+86-"+mobile(1), "1"), "60104"},
		{"§5.2 telephone taken", "", create, with(`,"telephone":"010-1"`), "40100"},
		{"§5.2 email taken in other case", "", create, with(`,"email":"E1@EXAMPLE.com"`), "40101"},
		{"§5.3 protected number", `{"protected_mobiles":["10000000009"]}`, create, with(""), "40103"},
		{"§5.3 protected by pattern", `{"protected_mobiles":["100.*9"]}`, create, with(""), "40103"},
		{"§13 order: userid before mobile", "", create, body("E1", "新人", "bad", "1"), "60102"},
		{"§13 order: length before department", "", create, body("N1", long(81), mobile(9), "999"), "60112"},
		{"§5.2 member cap", `{"member_cap":1}`, create, with(""), "40024"},
		{"§0 member cap as busy", `{"member_cap":1,"member_cap_code":-1}`, create, with(""), "-1"},
		{"§4.6 exclusive account", "", create, with(`,"exclusive_account":true`), "40035"},
		{"§4.7 update unknown", "", update, `{"userid":"nobody","title":"x"}`, "60121"},
		{"§4.7 update userid missing", "", update, `{"title":"x"}`, "40"},
		{"§4.7 update empty departments", "", update, `{"userid":"E1","dept_id_list":""}`, "40025"},
		{"§4.7 update empty name", "", update, `{"userid":"E1","name":""}`, "60112"},
		{"§5.1 same mobile ignored", "", update, `{"userid":"E1","mobile":"10000000001"}`, "0"},
		{"§5.1 other mobile, inactive", "", update, `{"userid":"E1","mobile":"10000000009"}`, "41054"},
		{"§5.1 other mobile, registered", `{"registered_mobiles":["10000000009"]}`, update, `{"userid":"E1","mobile":"10000000009"}`, "40021"},
		{"§0 HR mode title", `{"hr_positions":true}`, update, `{"userid":"E1","title":"x"}`, "12150"},
		{"§0 HR mode other field", `{"hr_positions":true}`, update, `{"userid":"E1","remark":"x"}`, "0"},
		{"§4.5 delete unknown", "", "/v2/user/delete", `{"userid":"nobody"}`, "60121"},
		{"§13 delete unknown, switch", `{"delete_missing_code":33012}`, "/v2/user/delete", `{"userid":"nobody"}`, "33012"},
		{"§4.1 listparentbyuser unknown", "", "/v2/department/listparentbyuser", `{"userid":"nobody"}`, "33012"},
		{"§4.5 getbymobile malformed", "", "/v2/user/getbymobile", `{"mobile":"12"}`, "40104"},
		{"§4.5 getbymobile unknown", "", "/v2/user/getbymobile", `{"mobile":"10000000009"}`, "60121"},
		{"§4.5 list size 101", "", "/v2/user/list", `{"dept_id":1,"cursor":0,"size":101}`, "40035"},
		{"§4.5 list cursor 100001", "", "/v2/user/list", `{"dept_id":1,"cursor":100001,"size":1}`, "40035"},
		{"§4.5 list cursor missing", "", "/v2/user/list", `{"dept_id":1,"size":1}`, "40"},
		{"§4.5 listsimple size 0", "", "/user/listsimple", `{"dept_id":1,"cursor":0,"size":0}`, "40069"},
		{"§4.5 listsimple cursor -1", "", "/user/listsimple", `{"dept_id":1,"cursor":-1,"size":1}`, "40068"},
		{"§4.5 list order unknown", "", "/v2/user/list", `{"dept_id":1,"cursor":0,"size":1,"order_field":"x"}`, "40070"},
		{"§4.5 count needs only_active", "", "/user/count", `{}`, "40"},
		{"§1 capitalised boolean", "", "/user/count", `{"only_active":"True"}`, "41"},
	} {
		r.run(t, func(w *world) {
			w.must(create, `{"userid":"E1","name":"甲","mobile":"10000000001","dept_id_list":"1","telephone":"010-1","email":"e1@example.com","job_number":"J1"}`)
		})
	}
}

func TestDepartmentRules(t *testing.T) {
	const create, update, del = "/v2/department/create", "/v2/department/update", "/v2/department/delete"
	// The prepared tree: A(561000001) with B(561000002) below it and E1 in B; C(561000003).
	const a, b, c = "561000001", "561000002", "561000003"
	users := func(n int) string {
		var l []string
		for i := range n {
			l = append(l, fmt.Sprintf("U%d", i))
		}
		return strings.Join(l, ",")
	}
	for _, r := range []rule{
		{"§4.2 name missing", "", create, `{"parent_id":1}`, "40"},
		{"§4.2 parent missing", "", create, `{"name":"新"}`, "40"},
		{"§4.2 parent of wrong type", "", create, `{"name":"新","parent_id":"x"}`, "41"},
		{"§4.2 name 64", "", create, `{"name":"` + strings.Repeat("长", 64) + `","parent_id":1}`, "0"},
		{"§4.2 name 65", "", create, `{"name":"` + strings.Repeat("长", 65) + `","parent_id":1}`, "60001"},
		{"§4.2 name with hyphen", "", create, `{"name":"A-B","parent_id":1}`, "60009"},
		{"§4.2 name with wide comma", "", create, `{"name":"甲，乙","parent_id":1}`, "60009"},
		{"§4.2 order 0", "", create, `{"name":"新","parent_id":1,"order":0}`, "40011"},
		{"§4.2 51 user_permits", "", create, `{"name":"新","parent_id":1,"user_permits":"` + users(51) + `"}`, "600109"},
		{"§4.2 update 51 user_permits", "", update, `{"dept_id":` + c + `,"user_permits":"` + users(51) + `"}`, "60109"},
		{"§4.2 update 50+1 permits", "", update, `{"dept_id":` + c + `,"dept_permits":"1","user_permits":"` + users(50) + `"}`, "60109"},
		{"§4.2 code 31", "", update, `{"dept_id":` + c + `,"code":"` + strings.Repeat("c", 31) + `"}`, "40035"},
		{"§5.4 parent unknown", "", create, `{"name":"新","parent_id":999}`, "60004"},
		{"§5.4 parent -7", "", create, `{"name":"新","parent_id":-7}`, "40009"},
		{"§5.4 duplicate sibling", "", create, `{"name":"A","parent_id":1}`, "60008"},
		{"§5.4 duplicate sibling, switch", `{"duplicate_dept_code":60021}`, create, `{"name":"A","parent_id":1}`, "60021"},
		{"§5.4 same name elsewhere", "", create, `{"name":"A","parent_id":` + a + `}`, "0"},
		{"§5.4 rename to sibling", "", update, `{"dept_id":` + c + `,"name":"A"}`, "60008"},
		{"§5.4 rename to own name", "", update, `{"dept_id":` + c + `,"name":"C"}`, "0"},
		{"§5.4 move", "", update, `{"dept_id":` + c + `,"parent_id":` + b + `}`, "0"},
		{"§5.4 move under itself", "", update, `{"dept_id":` + a + `,"parent_id":` + a + `}`, "60010"},
		{"§5.4 move below itself", "", update, `{"dept_id":` + a + `,"parent_id":` + b + `}`, "60010"},
		{"§5.4 move to unknown", "", update, `{"dept_id":` + a + `,"parent_id":999}`, "60004"},
		{"§5.4 update root", "", update, `{"dept_id":1,"name":"x"}`, "60018"},
		{"§4.1 update unknown", "", update, `{"dept_id":999,"name":"x"}`, "60003"},
		{"§4.2 manager not a member", "", update, `{"dept_id":` + a + `,"dept_manager_userid_list":"E1"}`, "40031"},
		{"§4.2 manager a member", "", update, `{"dept_id":` + b + `,"dept_manager_userid_list":"E1"}`, "0"},
		{"§4.2 owner not a member", "", update, `{"dept_id":` + a + `,"org_dept_owner":"E1"}`, "40093"},
		{"§5.4 delete root", "", del, `{"dept_id":1}`, "60007"},
		{"§5.4 delete unknown", "", del, `{"dept_id":999}`, "60003"},
		{"§5.4 delete with members", "", del, `{"dept_id":` + b + `}`, "60005"},
		{"§5.4 delete with members below", "", del, `{"dept_id":` + a + `}`, "60005"},
		{"§5.4 delete empty", "", del, `{"dept_id":` + c + `}`, "0"},
		{"§4.1 get unknown", "", "/v2/department/get", `{"dept_id":999}`, "60003"},
		{"§4.1 get -7", "", "/v2/department/get", `{"dept_id":-7}`, "40009"},
	} {
		r.run(t, func(w *world) {
			w.dept("A", 1)
			w.dept("B", a)
			w.dept("C", 1)
			w.user("E1", 1, b)
		})
	}
}
