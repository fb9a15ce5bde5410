package dingtalk

import (
	"maps"
	"strings"
	"testing"

	"orgflow"
	"orgflow/connectors"
)

// v1 has no force_update_fields, and that an empty value clears is nowhere
// documented: it is read back and not believed.
func TestAClearThatDidNotHappenIsReported(t *testing.T) {
	clear := func(kind orgflow.Kind, id, name string) connectors.Effect {
		return connectors.Effect{Kind: kind, Op: orgflow.Update, ConsumerID: id, Fields: map[string]any{}, Clear: []string{name}}
	}
	emptied := map[string]string{"/department/get": strings.Replace(sampleDeptV1, "u1|u2", "", 1), "/user/get": strings.Replace(sampleUserV1, `"managerUserid":"u9",`, "", 1)}
	kept := map[string]string{"/department/get": sampleDeptV1, "/user/get": sampleUserV1}
	for _, e := range []connectors.Effect{clear(orgflow.Org, "37489345", managers), clear(orgflow.Person, "u1", "manager_userid")} {
		for _, reads := range []map[string]string{emptied, kept} {
			answers := map[string]string{"/department/update": okV1, "/user/update": okV1}
			maps.Copy(answers, reads)
			c, _ := vendorV1(t, answers)
			r := apply(t, c, e)
			if dropped := len(r.Dropped) == 1 && r.Dropped[0] == e.Clear[0] && r.Note != ""; dropped != (reads["/user/get"] == sampleUserV1) {
				t.Errorf("%v: %+v", e.Clear, r)
			}
		}
	}
}

// What v1 does not have is refused with what comes nearest, and nothing is
// sent; its profile says the same before a run begins.
func TestFieldsThatV1DoesNotHave(t *testing.T) {
	c, lines := vendorV1(t, nil)
	for _, tc := range []struct {
		kind orgflow.Kind
		name string
		says string
	}{
		{orgflow.Org, "brief", "extension (ext of v1)"},
		{orgflow.Org, "parentid", "templates call this field parent_id"},
		{orgflow.Org, "deptManagerUseridList", "dept_manager_userid_list"},
		{orgflow.Org, "nonsense", "allowed are"},
		{orgflow.Person, "dept_position_list", "dept_title_list (positionInDepts of v1)"},
		{orgflow.Person, "ext_attrs_update_mode", "always replaces"},
		{orgflow.Person, "exclusive_account", "no enterprise accounts"},
		{orgflow.Person, "jobnumber", "job_number"},
	} {
		e := connectors.Effect{Kind: tc.kind, Op: orgflow.Update, ConsumerID: "7", Fields: map[string]any{tc.name: "x"}}
		_, f := applyFault(t, c, e, orgflow.CodeInvalidRecord)
		if f.Field != tc.name || !strings.Contains(f.Message, tc.says) {
			t.Errorf("%s: %q, want %q", tc.name, f.Message, tc.says)
		}
	}
	if len(*lines) > 0 {
		t.Errorf("sent %v", *lines)
	}
	p := c.Profile()
	if p.PersonNameMax != 64 || p.OrgRefused["code"] == "" || p.PersonRefused["login_email"] == "" {
		t.Errorf("profile %+v", p)
	}
	if v2 := newStub(t, "v2").client().Profile(); len(v2.OrgRefused)+len(v2.PersonRefused) > 0 || v2.PersonNameMax != 80 {
		t.Errorf("profile of v2 %+v", v2)
	}
}

// A field that v2 had set and v1 does not have cannot be cleared, and is no
// custom attribute either.
func TestAFieldOfV2IsNotClearedThroughV1(t *testing.T) {
	c, lines := vendorV1(t, nil)
	r := apply(t, c, connectors.Effect{Kind: orgflow.Person, Op: orgflow.Update, ConsumerID: "u1", Clear: []string{"dept_position_list"}})
	if len(r.Dropped) != 1 || len(*lines) != 0 {
		t.Errorf("receipt %+v after %v", r, *lines)
	}
}

func TestLimitsOfV1(t *testing.T) {
	c, _ := vendorV1(t, map[string]string{"/user/update": okV1, "/department/update": okV1})
	for name, max := range map[string]int{"name": 64, "title": 64, "telephone": 50, "work_place": 50, "remark": 1000, "email": 64, "job_number": 64} {
		e := connectors.Effect{Kind: orgflow.Person, Op: orgflow.Update, ConsumerID: "u1", Fields: map[string]any{name: strings.Repeat("甲", max)}}
		apply(t, c, e)
		e.Fields[name] = strings.Repeat("甲", max+1)
		if _, f := applyFault(t, c, e, orgflow.CodeInvalidRecord); f.Field != name {
			t.Errorf("field %s", f.Field)
		}
	}
}

func TestAnApplicationWithoutV1IsToldAboutV2(t *testing.T) {
	c, _ := vendorV1(t, map[string]string{"/user/update": failure("60011")})
	_, f := applyFault(t, c, updateTitle(), orgflow.CodeForbidden)
	if !strings.Contains(f.Advice, `"api": "v2"`) {
		t.Errorf("advice %q", f.Advice)
	}
	_, f = applyFault(t, newStub(t, "v2").on(pathUserUpdate, failure("60011")).client(), updateTitle(), orgflow.CodeForbidden)
	if strings.Contains(f.Advice, "v1") {
		t.Errorf("advice of v2 %q", f.Advice)
	}
}

// Every call of v1 finds a word for every field a request can have.
func TestEveryFieldOfV1HasAWord(t *testing.T) {
	for table, words := range map[*fieldTable][]v1Field{&departmentFieldsV1: departmentV1, &personFieldsV1: personV1} {
		for name := range table.fields {
			if _, ok := wordFor(words, name); !ok {
				t.Errorf("%s has no word for %s", table.record, name)
			}
		}
	}
}
