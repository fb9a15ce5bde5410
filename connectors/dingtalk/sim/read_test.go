package dtsim_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestPaging(t *testing.T) {
	w := newWorld(t, "")
	d := w.dept("研发部", 1)
	for i := range 5 {
		w.must("/v2/user/create", fmt.Sprintf(`{"userid":"E%d","name":"甲","mobile":"%s","dept_id_list":"%s","dept_order_list":[{"dept_id":%s,"order":%d}]}`, i, mobile(i), d, d, 10*(i%3)))
	}
	var got []string
	cursor, calls := "0", 0
	for {
		a := w.must("/v2/user/list", `{"dept_id":`+d+`,"cursor":`+cursor+`,"size":2}`)
		for i := range 2 {
			if id := a.text(fmt.Sprintf("result.list.%d.userid", i)); id != "" {
				got = append(got, id+"/"+a.text(fmt.Sprintf("result.list.%d.dept_order", i)))
			}
		}
		calls++
		if a.text("result.has_more") != "true" {
			if strings.Contains(a.body, "next_cursor") {
				t.Errorf("§4.5 next_cursor on the last page: %s", a.body)
			}
			break
		}
		cursor = a.text("result.next_cursor")
	}
	if fmt.Sprint(got) != "[E2/20 E1/10 E4/10 E0/0 E3/0]" || calls != 3 {
		t.Errorf("§13 larger order first: %v in %d calls", got, calls)
	}
	w.must("/v2/user/update", `{"userid":"E1","title":"x"}`)
	for order, want := range map[string]string{"entry_asc": `"E0"`, "entry_desc": `"E4"`, "modify_desc": `"E1"`, "modify_asc": `"E0"`} {
		a := w.must("/user/listsimple", `{"dept_id":`+d+`,"cursor":0,"size":1,"order_field":"`+order+`"}`)
		if !strings.Contains(a.text("result.list"), want) {
			t.Errorf("§3.1 %s begins with %s", order, a.body)
		}
	}
	if a := w.must("/user/listid", `{"dept_id":`+d+`}`); a.text("result.userid_list") != `["E2","E1","E4","E0","E3"]` {
		t.Errorf("§4.5 listid %s", a.body)
	}
	if a := w.must("/v2/user/list", `{"dept_id":1,"cursor":0,"size":100}`); a.text("result.list") != "[]" {
		t.Errorf("§13 the listing is not of direct members: %s", a.body)
	}
	if a := w.must("/v2/department/get", `{"dept_id":1}`); a.text("result.member_count") != "5" || a.text("result.owning_member_count") != "0" {
		t.Errorf("§4.3 counts %s", a.body)
	}
}

func TestDepartmentReads(t *testing.T) {
	w := newWorld(t, "")
	a := w.dept("甲", 1)
	b := w.must("/v2/department/create", `{"name":"乙","parent_id":1,"order":5,"source_identifier":"org:2","hide_dept":true,"user_permits":"E1"}`).text("result.dept_id")
	c := w.dept("丙", a)
	if len(a) != 9 || a >= b || b >= c {
		t.Errorf("§13 ids are not increasing 9-digit numbers: %s %s %s", a, b, c)
	}
	if got := w.must("/v2/department/listsub", `{}`); got.text("result.0.dept_id") != b || got.text("result.0.source_identifier") != "org:2" || got.text("result.2") != "" {
		t.Errorf("§13 direct children, smaller order first: %s", got.body)
	}
	if got := w.must("/v2/department/listsubid", `{"dept_id":`+a+`}`).text("result.dept_id_list"); got != "["+c+"]" {
		t.Errorf("§4.1 listsubid %s", got)
	}
	if got := w.must("/v2/department/listparentbydept", `{"dept_id":`+c+`}`).text("result.parent_id_list"); got != "["+c+","+a+",1]" {
		t.Errorf("§4.1 parents %s", got)
	}
	w.user("E1", 1, c+",1")
	if got := w.must("/v2/department/listparentbyuser", `{"userid":"E1"}`).text("result.parent_list"); got != `[{"parent_dept_id_list":[`+c+`,`+a+`,1]},{"parent_dept_id_list":[1]}]` {
		t.Errorf("§4.1 parents of a user %s", got)
	}
	got := w.must("/v2/department/get", `{"dept_id":`+b+`}`)
	if got.text("result.user_permits") != `["E1"]` || got.text("result.dept_permits") != "[]" || strings.Contains(got.body, "outer_permit") {
		t.Errorf("§4.3 lists are arrays, absent without their switch: %s", got.body)
	}
	if got := w.must("/v2/department/get", `{"dept_id":`+a+`}`).text("result.order"); got != a {
		t.Errorf("§13 default order %s", got)
	}
	if got := w.must("/v2/department/get", `{"dept_id":1}`); strings.Contains(got.body, "parent_id") {
		t.Errorf("§4.3 the root has a parent: %s", got.body)
	}
}

func TestDeleteDepartmentWithChildren(t *testing.T) {
	w := newWorld(t, "")
	a := w.dept("甲", 1)
	b := w.dept("乙", a)
	if got := w.call("/v2/department/delete", `{"dept_id":`+a+`}`).code(); got != "60006" {
		t.Errorf("§13 answers %s", got)
	}
	w.options(`{"dept_delete_cascade":true}`)
	w.must("/v2/department/delete", `{"dept_id":`+a+`}`)
	if got := w.call("/v2/department/get", `{"dept_id":`+b+`}`).code(); got != "60003" {
		t.Errorf("§13 the child of a cascade answers %s", got)
	}
	if c := w.dept("丙", 1); c <= b {
		t.Errorf("an id was given out again: %s after %s", c, b)
	}
}

func TestDepthAndWidth(t *testing.T) {
	w := newWorld(t, "")
	parent := "1"
	for i := range 19 {
		parent = w.dept(fmt.Sprint("层", i+2), parent)
	}
	if got := w.call("/v2/department/create", `{"name":"21","parent_id":`+parent+`}`).code(); got != "60002" {
		t.Errorf("§5.4 level 21 answers %s", got)
	}
	tall := w.dept("高", 1)
	w.dept("上", tall)
	up := w.must("/v2/department/listparentbydept", `{"dept_id":`+parent+`}`).text("result.parent_id_list.1") // level 19
	if got := w.call("/v2/department/update", `{"dept_id":`+tall+`,"parent_id":`+up+`}`).code(); got != "60002" {
		t.Errorf("§5.4 moving two levels under level 19 answers %s", got)
	}
	for i := range 1000 {
		w.dept(fmt.Sprint("子", i), tall)
		if i == 998 {
			break // one was there
		}
	}
	if got := w.call("/v2/department/create", `{"name":"多","parent_id":`+tall+`}`).code(); got != "60110" {
		t.Errorf("§13 child 1001 answers %s", got)
	}
	for i := range 1000 {
		w.user(fmt.Sprint("U", i), i, tall)
	}
	if got := w.call("/v2/user/create", `{"name":"多","mobile":"10000009999","dept_id_list":"`+tall+`"}`).code(); got != "40023" {
		t.Errorf("§5.4 member 1001 answers %s", got)
	}
}

func TestLookups(t *testing.T) {
	w := newWorld(t, "")
	if err := w.sim.PutState([]byte(`{"users":[{"userid":"E1","name":"甲","mobile":"10000000001","dept_id_list":[1],"active":true,"sys_level":1},
		{"userid":"E2","name":"乙","mobile":"10000000002","dept_id_list":[1]}]}`)); err != nil {
		t.Fatal(err)
	}
	union := w.must("/v2/user/get", `{"userid":"E1"}`).text("result.unionid")
	if a := w.must("/user/getbyunionid", `{"unionid":"`+union+`"}`); a.text("result") != `{"contact_type":0,"userid":"E1"}` {
		t.Errorf("§4.5 getbyunionid %s", a.body)
	}
	if a := w.must("/user/count", `{"only_active":true}`); a.text("result.count") != "1" {
		t.Errorf("§4.5 count %s", a.body)
	}
	if a := w.must("/user/count", `{"only_active":false}`); a.text("result.count") != "2" {
		t.Errorf("§4.5 count %s", a.body)
	}
	if a := w.must("/user/listadmin", ``); a.text("result") != `[{"sys_level":1,"userid":"E1"}]` {
		t.Errorf("§4.5 listadmin %s", a.body)
	}
	w.must("/v2/user/delete", `{"userid":"E2"}`)
	w.user("E5", 2, "1")
	if got := w.must("/v2/user/getbymobile", `{"mobile":"10000000002"}`).text("result.userid"); got != "E5" {
		t.Errorf("§13 a freed number finds %s", got)
	}
}
