package dingtalk

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/connectors"
)

func TestInsertDepartment(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		s := newStub(t).on(pathDeptCreate, `{"errcode":"0","errmsg":"ok","result":{"dept_id":37489345},"request_id":"r"}`)
		r := apply(t, s.client(), orgInsert())
		if diff := cmp.Diff(connectors.Receipt{ConsumerID: "37489345", Calls: 2, Writes: 1}, r); diff != "" {
			t.Error(diff)
		}
		want := map[string]any{"name": "研发部", "parent_id": 1.0, "order": 10.0, "source_identifier": "129:org:11"}
		if diff := cmp.Diff(want, s.calls(pathDeptCreate)[0].body); diff != "" {
			t.Error(diff)
		}
	})
}

func TestInsertDepartmentSendsTheRestAfterwards(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		s := newStub(t).on(pathDeptCreate, `{"errcode":0,"result":{"dept_id":"7"}}`).on(pathDeptUpdate, okAnswer)
		e := orgInsert()
		e.Fields["auto_add_user"] = true
		r := apply(t, s.client(), e)
		if diff := cmp.Diff(map[string]any{"dept_id": 7.0, "auto_add_user": true}, s.calls(pathDeptUpdate)[0].body); diff != "" {
			t.Error(diff)
		}
		if _, sent := s.calls(pathDeptCreate)[0].body["auto_add_user"]; sent || r.Writes != 2 {
			t.Errorf("create must not carry auto_add_user; receipt %+v", r)
		}
	})
}

func subs(elements string) string {
	return `{"errcode":0,"errmsg":"ok","result":[` + elements + `],"request_id":"r"}`
}

func TestInsertDepartmentMeetsASibling(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		const (
			ours    = `{"dept_id":7,"name":"老名","parent_id":1,"source_identifier":"129:org:11"}`
			nobodys = `{"dept_id":8,"name":"研发部","parent_id":1,"source_identifier":""}`
			foreign = `{"dept_id":9,"name":"研发部","parent_id":1,"source_identifier":"erp-1"}`
			silent  = `{"dept_id":10,"name":"研发部","parent_id":1}`
			other   = `{"dept_id":11,"name":"研发部二","parent_id":1}`
		)
		for name, tc := range map[string]struct {
			subs, detail string
			id           string // adopted
		}{
			"ours by source_identifier, whatever its name": {subs(other + "," + ours), "", "7"},
			"nobody's, exactly the name":                   {subs(other + "," + nobodys), "", "8"},
			"listsub does not tell, get says ours":         {subs(silent), `{"errcode":0,"result":{"dept_id":10,"source_identifier":"129:org:11"}}`, "10"},
			"listsub does not tell, get says nobody's":     {subs(silent), `{"errcode":0,"result":{"dept_id":10,"name":"研发部"}}`, "10"},
			"listsub does not tell, get says foreign":      {subs(silent), `{"errcode":0,"result":{"dept_id":10,"source_identifier":"erp"}}`, ""},
			"foreign":         {subs(foreign), "", ""},
			"several":         {subs(nobodys + "," + foreign), "", ""},
			"none to be seen": {subs(other), "", ""},
		} {
			for _, code := range []string{"60008", "60021"} {
				t.Run(code+" "+name, func(t *testing.T) {
					s := newStub(t).on(pathDeptCreate, failure(code)).on(pathDeptListSub, tc.subs).on(pathDeptUpdate, okAnswer)
					if tc.detail != "" {
						s.on(pathDeptGet, tc.detail)
					}
					if tc.id == "" {
						applyFault(t, s.client(), orgInsert(), orgflow.CodeConflict)
						if n := len(s.calls(pathDeptUpdate)); n != 0 {
							t.Errorf("%d updates of a department that is not ours", n)
						}
						return
					}
					r := apply(t, s.client(), orgInsert())
					if r.ConsumerID != tc.id || !r.Adopted || r.Writes != 2 {
						t.Fatalf("receipt %+v, want %s adopted", r, tc.id)
					}
					if body := s.calls(pathDeptUpdate)[0].body; body["source_identifier"] != "129:org:11" || body["name"] != "研发部" {
						t.Errorf("update %v", body)
					}
				})
			}
		}
	})
}

func TestDepartmentInDoubt(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		update := connectors.Effect{
			Kind: orgflow.Org, Op: orgflow.Update, ConsumerID: "7",
			Fields: map[string]any{"name": "研发部", "parent_id": 1, managers: []any{"E1", "E2"}}, Clear: []string{"dept_permits"},
		}
		gone := connectors.Effect{Kind: orgflow.Org, Op: orgflow.Delete, ConsumerID: "7"}
		const (
			found  = `{"errcode":0,"result":[{"dept_id":7,"name":"研发部","parent_id":1,"source_identifier":"129:org:11"}]}`
			equal  = `{"errcode":0,"result":{"dept_id":7,"name":"研发部","parent_id":1,"order":"10","source_identifier":"129:org:11","dept_manager_userid_list":["E2","E1"]}}`
			unlike = `{"errcode":0,"result":{"dept_id":7,"name":"研发部","parent_id":2,"order":10}}`
		)
		for name, tc := range map[string]struct {
			effect connectors.Effect
			script map[string]string
			writes int
		}{
			"insert took effect":              {orgInsert(), map[string]string{pathDeptListSub: found, pathDeptGet: equal}, 0},
			"insert took effect, now differs": {orgInsert(), map[string]string{pathDeptListSub: found, pathDeptGet: unlike, pathDeptUpdate: okAnswer}, 1},
			"insert did not take effect":      {orgInsert(), map[string]string{pathDeptListSub: subs(""), pathDeptCreate: `{"errcode":0,"result":{"dept_id":7}}`}, 1},
			"update took effect":              {update, map[string]string{pathDeptGet: equal}, 0},
			"update did not take effect":      {update, map[string]string{pathDeptGet: unlike, pathDeptUpdate: okAnswer}, 1},
			"delete took effect":              {gone, map[string]string{pathDeptGet: failure("60003")}, 0},
			"delete did not take effect":      {gone, map[string]string{pathDeptGet: equal, pathDeptDelete: okAnswer}, 1},
		} {
			t.Run(name, func(t *testing.T) {
				s := newStub(t)
				for path, answer := range tc.script {
					s.on(path, answer)
				}
				tc.effect.InDoubt = true
				if r := apply(t, s.client(), tc.effect); r.Writes != tc.writes || r.ConsumerID != "7" || r.Adopted {
					t.Fatalf("receipt %+v, want %d writes on 7", r, tc.writes)
				}
			})
		}
	})
}

func TestUpdateDepartment(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		for name, tc := range map[string]struct {
			fields map[string]any
			clear  []string
			want   map[string]any
		}{
			"leaders are joined":         {map[string]any{managers: []any{"E1", "E2", "E1"}}, nil, map[string]any{managers: "E1,E2"}},
			"leaders cleared by name":    {map[string]any{"name": "A"}, []string{managers}, map[string]any{"name": "A", forceFields: managers}},
			"leaders cleared by nothing": {map[string]any{managers: []any{}}, nil, map[string]any{forceFields: managers}},
			"texts cleared":              {nil, []string{"dept_permits", "user_permits"}, map[string]any{"dept_permits": "", "user_permits": ""}},
		} {
			t.Run(name, func(t *testing.T) {
				s := newStub(t).on(pathDeptUpdate, okAnswer).on(pathDeptGet, `{"errcode":0,"result":{"dept_id":7}}`)
				apply(t, s.client(), connectors.Effect{Kind: orgflow.Org, Op: orgflow.Update, ConsumerID: "7", Fields: tc.fields, Clear: tc.clear})
				want := s.clearing(tc.want)
				want["dept_id"] = 7.0
				if diff := cmp.Diff(want, s.calls(pathDeptUpdate)[0].body); diff != "" {
					t.Error(diff)
				}
			})
		}
	})
}

func TestMissingParentBlocksTheInsert(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		for _, code := range []string{"60004", "60003", "40009"} {
			s := newStub(t).on(pathDeptCreate, failure(code)).on(pathDeptListSub, failure(code))
			for _, inDoubt := range []bool{false, true} {
				e := orgInsert()
				e.InDoubt = inDoubt
				if _, f := applyFault(t, s.client(), e, orgflow.CodeBlocked); f.Field != "parent_id" || f.VendorCode != code {
					t.Errorf("%s, in doubt %v: %+v", code, inDoubt, f)
				}
			}
		}
	})
}

func TestLeaderWhoIsNoMemberBlocksTheDepartment(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		s := newStub(t).on(pathDeptUpdate, failure("60121"))
		e := connectors.Effect{Kind: orgflow.Org, Op: orgflow.Update, ConsumerID: "7", Fields: map[string]any{managers: "E9"}}
		if _, f := applyFault(t, s.client(), e, orgflow.CodeBlocked); f.Field != managers {
			t.Errorf("field %q", f.Field)
		}
	})
}

func TestDeleteDepartment(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		e := connectors.Effect{Kind: orgflow.Org, Op: orgflow.Delete, ConsumerID: "7"}
		for _, answer := range []string{okAnswer, failure("60003"), failure("40009")} {
			apply(t, newStub(t).on(pathDeptDelete, answer).client(), e)
		}
		for _, code := range []string{"60005", "60006"} {
			applyFault(t, newStub(t).on(pathDeptDelete, failure(code)).client(), e, orgflow.CodeBlocked)
		}
	})
}

// What can be known to fail is refused before any call, with the field's name.
func TestRefusedLocally(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		org := func(op orgflow.Op, id string, fields map[string]any) connectors.Effect {
			return connectors.Effect{Kind: orgflow.Org, Op: op, ConsumerID: id, Key: "k", Fields: fields}
		}
		person := func(op orgflow.Op, id string, fields map[string]any, clear ...string) connectors.Effect {
			return connectors.Effect{Kind: orgflow.Person, Op: op, ConsumerID: id, Fields: fields, Clear: clear}
		}
		for field, effects := range map[string][]connectors.Effect{
			managers:       {org(orgflow.Insert, "", map[string]any{"name": "A", "parent_id": 1, managers: "E1"})},
			"name":         {org(orgflow.Insert, "", map[string]any{"parent_id": 1}), org(orgflow.Update, "7", map[string]any{"name": "甲-乙"}), person(orgflow.Insert, "E1", map[string]any{"mobile": "1", "dept_id_list": 1}), person(orgflow.Update, "E1", nil, "name")},
			"parent_id":    {org(orgflow.Insert, "", map[string]any{"name": "A"}), org(orgflow.Update, "7", map[string]any{"parent_id": "x"})},
			sourceID:       {org(orgflow.Insert, "", map[string]any{"name": "A", "parent_id": 1, sourceID: "mine"})},
			"dept_id":      {org(orgflow.Update, "", map[string]any{"name": "A"}), org(orgflow.Delete, "x", nil), org(orgflow.Update, "7", map[string]any{"dept_id": 7})},
			"naem":         {person(orgflow.Update, "E1", map[string]any{"naem": "A"})},
			"userid":       {person(orgflow.Update, "E1", map[string]any{"userid": "E2"}), person(orgflow.Update, "", map[string]any{"title": "x"}), person(orgflow.Delete, "", nil)},
			"dept_id_list": {person(orgflow.Update, "E1", map[string]any{"dept_id_list": []any{}}), person(orgflow.Insert, "E1", map[string]any{"name": "A", "mobile": "1"})},
			"mobile":       {person(orgflow.Insert, "E1", map[string]any{"name": "A", "dept_id_list": "1"})},
			"title":        {person(orgflow.Update, "E1", map[string]any{"title": "a"}, "title")},
			"extension":    {{Kind: orgflow.Person, Op: orgflow.Update, ConsumerID: "E1", Fields: map[string]any{"extension": "{}"}, Ext: map[string]any{"a": "b"}}},
		} {
			for _, e := range effects {
				s := newStub(t)
				r, f := applyFault(t, s.client(), e, orgflow.CodeInvalidRecord)
				if f.Field != field || f.Message == "" || r.Calls != 0 || len(s.seen) != 0 {
					t.Errorf("%v: field %q, message %q, %d calls; want field %s and no call", e.Fields, f.Field, f.Message, r.Calls, field)
				}
			}
		}
	})
}

func TestProfileNamesFieldsThatExist(t *testing.T) {
	p := newStub(t, "v2").client().Profile()
	person := slices.Concat(p.RequiredPerson, p.PersonImmutable, p.UniquePersonFields,
		[]string{p.PersonFields.ID, p.PersonFields.Name, p.PersonFields.Mobile, p.PersonFields.JobNumber, p.PersonFields.Email, p.PersonFields.Orgs, p.PersonFields.Manager})
	for _, name := range person {
		if _, ok := personFields.fields[name]; !ok {
			t.Errorf("person field %q does not exist", name)
		}
	}
	for _, name := range append(p.RequiredOrg, p.OrgFields.Name, p.OrgFields.Parent, p.OrgFields.Leaders) {
		if _, ok := departmentFields.fields[name]; !ok {
			t.Errorf("department field %q does not exist", name)
		}
	}
}
