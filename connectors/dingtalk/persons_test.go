package dingtalk

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/connectors"
)

// storedE1 is user/get of the person of personInsert, as DingTalk would show it.
const storedE1 = `{"errcode":"0","errmsg":"ok","result":{"userid":"E1","unionid":"u","name":"测试甲","mobile":"10000000001","state_code":"86",
 "dept_id_list":[3,2],"title":"工程师","email":"e1@example.com","active":"true","hide_mobile":false,"senior":false},"request_id":"r"}`

func TestInsertPersonSendsTheDocumentedBody(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		s := newStub(t).on(pathUserCreate, `{"errcode":"0","errmsg":"ok","result":{"userid":"E1","unionId":"n"},"request_id":"r"}`)
		e := personInsert()
		e.Fields["dept_id_list"] = []any{json.Number("2"), "3", float64(2)}
		e.Fields["hired_date"] = float64(1577808000000)
		e.Fields["senior_mode"] = "true"
		e.Fields["remark"] = nil
		e.Fields["telephone"] = ""
		e.Ext = map[string]any{"工号": json.Number("7"), "爱好": "旅游<a>", "无": nil}
		r := apply(t, s.client(), e)

		if diff := cmp.Diff(connectors.Receipt{ConsumerID: "E1", Calls: 2, Writes: 1}, r); diff != "" {
			t.Error(diff)
		}
		want := map[string]any{
			"userid": "E1", "name": "测试甲", "mobile": "10000000001", "dept_id_list": "2,3", "title": "工程师", "email": "e1@example.com",
			"hired_date": 1577808000000.0, "senior_mode": true, "extension": `{"工号":"7","爱好":"旅游<a>"}`,
		}
		if diff := cmp.Diff(want, s.calls(pathUserCreate)[0].body); diff != "" {
			t.Error(diff)
		}
	})
}

func TestInsertPersonConflicts(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		const changed = `{"errcode":0,"result":{"userid":"E1","name":"旧名","mobile":"10000000001","dept_id_list":[2]}}`
		for name, tc := range map[string]struct {
			script  map[string][]string
			want    connectors.Receipt
			code    orgflow.Code // of the fault, if one is due
			updates int
		}{
			"60102, the person differs: updated": {
				script: map[string][]string{pathUserCreate: {failure("60102")}, pathUserGet: {changed}, pathUserUpdate: {okAnswer}},
				want:   connectors.Receipt{ConsumerID: "E1", Adopted: true, Calls: 4, Writes: 2}, updates: 1,
			},
			"60102, the person is as wanted: not written again": {
				script: map[string][]string{pathUserCreate: {failure("60102")}, pathUserGet: {storedE1}},
				want:   connectors.Receipt{ConsumerID: "E1", Adopted: true, Calls: 3, Writes: 1},
			},
			"60102, but nobody to be read": {
				script: map[string][]string{pathUserCreate: {failure("60102")}, pathUserGet: {failure("60121")}},
				want:   connectors.Receipt{ConsumerID: "E1", Calls: 3, Writes: 1}, code: orgflow.CodeConflict,
			},
			"60104 with our own userid in the answer": {
				script: map[string][]string{pathUserCreate: {`{"errcode":60104,"errmsg":"x","userid":"E1"}`}, pathUserGet: {storedE1}},
				want:   connectors.Receipt{ConsumerID: "E1", Adopted: true, Calls: 3, Writes: 1},
			},
			"60104, getbymobile names another person": {
				script: map[string][]string{pathUserCreate: {failure("60104")}, pathUserByMobile: {`{"errcode":0,"result":{"userid":"X9"}}`}},
				want:   connectors.Receipt{ConsumerID: "E1", Calls: 3, Writes: 1}, code: orgflow.CodeConflict,
			},
			"60107, getbymobile finds nobody": {
				script: map[string][]string{pathUserCreate: {failure("60107")}, pathUserByMobile: {failure("60121")}},
				want:   connectors.Receipt{ConsumerID: "E1", Calls: 3, Writes: 1}, code: orgflow.CodeConflict,
			},
			"40103: invited": {
				script: map[string][]string{pathUserCreate: {failure("40103")}},
				want:   connectors.Receipt{ConsumerID: "E1", Pending: true, Invited: true, Calls: 2, Writes: 1, Note: "DingTalk 40103: invited, not in the directory until the person accepts"},
			},
			"60106: taken without the e-mail": {
				script: map[string][]string{pathUserCreate: {failure("60106"), `{"errcode":0,"result":{"userid":"E1"}}`}},
				want:   connectors.Receipt{ConsumerID: "E1", Dropped: []string{"email"}, Calls: 3, Writes: 2, Note: "DingTalk 60106: email refused, the rest was accepted"},
			},
			"60106 again without the e-mail: a fault, no loop": {
				script: map[string][]string{pathUserCreate: {failure("60106"), failure("60106")}},
				want:   connectors.Receipt{ConsumerID: "E1", Dropped: []string{"email"}, Calls: 3, Writes: 2, Note: "DingTalk 60106: email refused, the rest was accepted"}, code: orgflow.CodeInvalidRecord,
			},
			"40100 without a telephone sent: a fault": {
				script: map[string][]string{pathUserCreate: {failure("40100")}},
				want:   connectors.Receipt{ConsumerID: "E1", Calls: 2, Writes: 1}, code: orgflow.CodeInvalidRecord,
			},
			"60003: an unknown department blocks the person": {
				script: map[string][]string{pathUserCreate: {failure("60003")}},
				want:   connectors.Receipt{ConsumerID: "E1", Calls: 2, Writes: 1}, code: orgflow.CodeBlocked,
			},
			"errcode 0 without a result is not success": {
				script: map[string][]string{pathUserCreate: {`{"errcode":0,"errmsg":"ok","result":7}`}},
				want:   connectors.Receipt{ConsumerID: "E1", Calls: 2, Writes: 1}, code: orgflow.CodeUnknownOutcome,
			},
		} {
			t.Run(name, func(t *testing.T) {
				s := newStub(t)
				for path, answers := range tc.script {
					s.on(path, answers...)
				}
				var r connectors.Receipt
				if tc.code != "" {
					var f *orgflow.Fault
					r, f = applyFault(t, s.client(), personInsert(), tc.code)
					if f.Advice == "" {
						t.Error("the fault carries no advice")
					}
				} else {
					r = apply(t, s.client(), personInsert())
				}
				if diff := cmp.Diff(tc.want, r); diff != "" {
					t.Error(diff)
				}
				updates := s.calls(pathUserUpdate)
				if len(updates) != tc.updates {
					t.Fatalf("%d updates, want %d", len(updates), tc.updates)
				}
				for _, u := range updates {
					if _, sent := u.body["mobile"]; sent || u.body["userid"] != "E1" {
						t.Errorf("an update must carry the userid and never a mobile: %v", u.body)
					}
				}
			})
		}
	})
}

func TestAdoptedPersonWithAnotherMobile(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		other := strings.Replace(storedE1, "10000000001", "10000000002", 1)
		s := newStub(t).on(pathUserCreate, failure("60102")).on(pathUserGet, other)
		r := apply(t, s.client(), personInsert())
		if !r.Adopted || !slices.Equal(r.Dropped, []string{"mobile"}) || strings.Contains(r.Note, "1000000") {
			t.Fatalf("receipt %+v; want adopted, mobile dropped, no number in the note", r)
		}
	})
}

func TestInsertWithoutUserID(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		e := personInsert()
		e.ConsumerID = ""
		delete(e.Fields, "userid")
		t.Run("DingTalk chooses it", func(t *testing.T) {
			s := newStub(t).on(pathUserCreate, `{"errcode":0,"result":{"userid":"1234567890"}}`)
			if r := apply(t, s.client(), e); r.ConsumerID != "1234567890" {
				t.Fatalf("consumer id %q", r.ConsumerID)
			}
		})
		t.Run("a number alone is no proof", func(t *testing.T) {
			foreign := strings.Replace(storedE1, "测试甲", "测试乙", 1)
			s := newStub(t).on(pathUserCreate, failure("60104")).
				on(pathUserByMobile, `{"errcode":0,"result":{"userid":"E1"}}`).on(pathUserGet, foreign)
			applyFault(t, s.client(), e, orgflow.CodeConflict)
		})
	})
}

func TestPersonInDoubt(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		insert, update := personInsert(), personInsert()
		update.Op = orgflow.Update
		gone := connectors.Effect{Kind: orgflow.Person, Op: orgflow.Delete, ConsumerID: "E1"}
		unlike := strings.Replace(storedE1, "工程师", "高级工程师", 1)
		for name, tc := range map[string]struct {
			effect connectors.Effect
			script map[string][]string
			writes int
		}{
			"insert took effect":              {insert, map[string][]string{pathUserGet: {storedE1}}, 0},
			"insert took effect, now differs": {insert, map[string][]string{pathUserGet: {unlike}, pathUserUpdate: {okAnswer}}, 1},
			"insert did not take effect":      {insert, map[string][]string{pathUserGet: {failure("33012")}, pathUserCreate: {`{"errcode":0,"result":{"userid":"E1"}}`}}, 1},
			"update took effect":              {update, map[string][]string{pathUserGet: {storedE1}}, 0},
			"update did not take effect":      {update, map[string][]string{pathUserGet: {unlike}, pathUserUpdate: {okAnswer}}, 1},
			"update cannot be seen":           {update, map[string][]string{pathUserGet: {strings.Replace(storedE1, `"email":"e1@example.com",`, "", 1)}, pathUserUpdate: {okAnswer}}, 1},
			"delete took effect":              {gone, map[string][]string{pathUserGet: {failure("60121")}}, 0},
			"delete did not take effect":      {gone, map[string][]string{pathUserGet: {storedE1}, pathUserDelete: {okAnswer}}, 1},
		} {
			t.Run(name, func(t *testing.T) {
				s := newStub(t)
				for path, answers := range tc.script {
					s.on(path, answers...)
				}
				tc.effect.InDoubt = true
				r := apply(t, s.client(), tc.effect)
				if r.Writes != tc.writes || r.ConsumerID != "E1" {
					t.Fatalf("receipt %+v, want %d writes", r, tc.writes)
				}
			})
		}
	})
}

func TestUpdatePerson(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		s := newStub(t).on(pathUserUpdate, okAnswer).on(pathUserGet, storedE1)
		e := personInsert()
		e.Op = orgflow.Update
		e.Fields = map[string]any{"userid": "E1", "mobile": "10000000009", "title": "总监", "manager_userid": ""}
		e.Clear = []string{"work_place", "hired_date", "hide_mobile", "login_email", "爱好"}
		r := apply(t, s.client(), e)
		want := map[string]any{
			"userid": "E1", "title": "总监", "work_place": "", "hide_mobile": false,
			"extension": "{}", "force_update_fields": "manager_userid",
		}
		if diff := cmp.Diff(s.clearing(want), s.calls(pathUserUpdate)[0].body); diff != "" {
			t.Error(diff)
		}
		if !slices.Equal(r.Dropped, []string{"hired_date", "login_email"}) || !strings.Contains(r.Note, "hired_date") {
			t.Errorf("dropped %v, note %q; want what DingTalk cannot clear", r.Dropped, r.Note)
		}
	})
}

func TestUpdateOfNothingMakesNoCall(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		e := connectors.Effect{Kind: orgflow.Person, Op: orgflow.Update, ConsumerID: "E1", Fields: map[string]any{"mobile": "10000000001"}}
		if r := apply(t, newStub(t).client(), e); r.Calls != 0 {
			t.Fatalf("%d calls", r.Calls)
		}
	})
}

func TestDeletePerson(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		e := connectors.Effect{Kind: orgflow.Person, Op: orgflow.Delete, ConsumerID: "E1"}
		for _, answer := range []string{okAnswer, failure("33012"), failure("60121")} {
			if r := apply(t, newStub(t).on(pathUserDelete, answer).client(), e); r.Writes != 1 {
				t.Errorf("%s: %+v", answer, r)
			}
		}
		applyFault(t, newStub(t).on(pathUserDelete, failure("50002")).client(), e, orgflow.CodeNeedsHuman)
	})
}

func TestVendorTextsLosePersonalData(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		s := newStub(t).on(pathUserCreate, `{"errcode":60103,"errmsg":"手机号码 10000000001 of 测试甲 不合法 dingsecret"}`)
		_, f := applyFault(t, s.client(), personInsert(), orgflow.CodeInvalidRecord)
		for _, secret := range []string{"10000000001", "测试甲", "dingsecret"} {
			if strings.Contains(f.Error(), secret) {
				t.Errorf("%q stands in %q", secret, f.Error())
			}
		}
	})
}
