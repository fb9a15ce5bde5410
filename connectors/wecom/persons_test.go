package wecom

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/connectors"
	wcsim "orgflow/connectors/wecom/sim"
)

func TestAPersonIsCreatedWithoutInvitation(t *testing.T) {
	c := newCorp(t, `{"ext_attrs": ["工号"]}`)
	apply(t, c, personInsert(func(f map[string]any) { f["userid"], f["mobile"] = "B1", "10000000009" }))
	e := personInsert(func(f map[string]any) {
		f["email"], f["gender"], f["direct_leader"], f["is_leader_in_dept"], f["telephone"] = "e1@example.com", 1, "B1", "0,1", ""
	})
	e.Ext = map[string]any{"工号": "E1", "主页": map[string]any{"url": "https://example.com", "title": "主页"}}
	if r := apply(t, c, e); r.ConsumerID != "E1" || r.Adopted || r.Writes != 1 {
		t.Errorf("receipt %+v", r)
	}
	want := &wcsim.User{
		UserID: "E1", Name: "测试甲", Mobile: "10000000001", Email: "e1@example.com", Department: []int64{2, 3}, Order: []int64{0, 0},
		Leader: []int64{0, 1}, MainDepartment: 2, DirectLeader: []string{"B1"}, Position: "工程师", Gender: "1", Enable: 1, Status: 4,
		ExtAttr: &wcsim.Attributes{Attrs: []wcsim.Attribute{{Name: "工号", Text: &wcsim.AttrTxt{Value: "E1"}}}}, // an unknown label is ignored
	}
	if d := cmp.Diff(want, c.user("E1")); d != "" {
		t.Error(d)
	}
}

func TestAPersonWhoIsThereIsTakenOver(t *testing.T) {
	for _, mode := range details {
		t.Run(mode, func(t *testing.T) {
			c := newCorp(t, `{"details": "`+mode+`"}`)
			apply(t, c, personInsert(func(f map[string]any) { f["userid"], f["position"] = "e1", "旧" }))
			r := apply(t, c, personInsert())
			if u := c.state().Users; len(u) != 1 || u[0].Position != "工程师" || !r.Adopted {
				t.Errorf("%+v, receipt %+v", u, r)
			}
			if mode == "open" {
				if r := apply(t, c, personInsert()); r.Writes != 1 { // the create alone
					t.Errorf("as wanted, and written %d times", r.Writes)
				}
			}
		})
	}
}

func TestAPersonInDoubt(t *testing.T) {
	for _, mode := range details {
		t.Run(mode, func(t *testing.T) {
			c := newCorp(t, `{"details": "`+mode+`"}`)
			c.fault(`{"path": "/cgi-bin/user/create", "after_commit": true, "times": 1}`)
			_ = refused(t, c, personInsert(), orgflow.CodeUnknownOutcome)
			if r := apply(t, c, inDoubt(personInsert())); r.Adopted || len(c.state().Users) != 1 {
				t.Errorf("receipt %+v", r)
			}
			change := personUpdate(map[string]any{"position": "主管"})
			c.fault(`{"path": "/cgi-bin/user/update", "after_commit": true, "times": 1}`)
			_ = refused(t, c, change, orgflow.CodeUnknownOutcome)
			if r := apply(t, c, inDoubt(change)); mode == "open" && r.Writes != 0 {
				t.Errorf("an update that took effect was written again")
			}
			gone := connectors.Effect{Kind: orgflow.Person, Op: orgflow.Delete, ConsumerID: "E1"}
			c.fault(`{"path": "/cgi-bin/user/delete", "after_commit": true, "times": 1}`)
			_ = refused(t, c, gone, orgflow.CodeUnknownOutcome)
			apply(t, c, inDoubt(gone)) // 60111 is success
		})
	}
}

func TestAMobileThatIsTaken(t *testing.T) {
	c := newCorp(t, "")
	apply(t, c, personInsert(func(f map[string]any) { f["userid"] = "X9" }))
	f := refused(t, c, personInsert(), orgflow.CodeConflict)
	if f.VendorCode != "60104" || f.Field != "mobile" || !strings.Contains(f.Message, "X9") || strings.Contains(f.Message, "10000000001") {
		t.Errorf("fault %+v", f)
	}
	for msg, want := range map[string]string{
		"mobile existed:E-1_a.b@c, hint: [1]": "E-1_a.b@c", "mobile existed:": "", "number taken": "", "x mobile existed:E2": "E2",
	} {
		if got := mobileOwner(msg); got != want {
			t.Errorf("owner in %q is %q", msg, got)
		}
	}
}

// A member who has activated keeps the number, and the answer is a success.
func TestAMobileThatStaysIsNotBelieved(t *testing.T) {
	for _, mode := range []string{"open", "trimmed", "closed"} {
		t.Run(mode, func(t *testing.T) {
			c := newCorp(t, `{"details": "`+mode+`"}`)
			apply(t, c, personInsert())
			change := personUpdate(map[string]any{"mobile": "10000000002", "position": "主管"})
			if r := apply(t, c, change); len(r.Dropped) > 0 || c.user("E1").Mobile != "10000000002" {
				t.Fatalf("before activation: %+v", r)
			}
			if _, err := c.sim.Actions()["activate"](json.RawMessage(`{"userid": "E1"}`)); err != nil {
				t.Fatal(err)
			}
			change.Fields["mobile"] = "10000000003"
			if r := apply(t, c, change); !slices.Equal(r.Dropped, []string{"mobile"}) || r.Note == "" || c.user("E1").Mobile != "10000000002" {
				t.Errorf("after activation: %+v", r)
			}
			c.fault(`{"path": "/cgi-bin/user/getuserid", "errcode": 48002}`)
			if r := apply(t, c, change); mode != "open" && (len(r.Dropped) > 0 || !strings.Contains(r.Note, "could not be read")) {
				t.Errorf("unverifiable: %+v", r)
			}
		})
	}
}

// A success that warns was one in part only.
func TestAWarningIsNoSuccess(t *testing.T) {
	for path, e := range map[string]connectors.Effect{pathUserCreate: personInsert(), pathUserUpdate: personUpdate(map[string]any{"position": "x"})} {
		c, _ := scripted(t, map[string][]string{path: {`{"errcode":0,"errmsg":"updated. Warning: wrong json format. "}`}})
		if f := refused(t, c, e, orgflow.CodeInvalidRecord); f.VendorCode != codeWarning {
			t.Errorf("fault %+v", f)
		}
	}
}

func TestFieldsThatWeComRefusesAreLeftOut(t *testing.T) {
	for _, x := range []struct {
		code    int
		field   string
		also    string
		dropped bool
	}{
		{301012, "position", "", true}, {301013, "telephone", "", true}, {60144, "biz_mail", "", true}, {60142, "email", "", true},
		{60141, "email", "", false}, {60106, "email", "", false}, {60103, "mobile", "", false},
	} {
		c, _ := scripted(t, map[string][]string{pathUserCreate: {code(x.code), `{"errmsg":"created"}`}})
		e := personInsert(func(f map[string]any) {
			f["telephone"], f["email"] = "021-1", "e1@example.com"
			if x.field == "biz_mail" {
				f["biz_mail"] = "b1@example.com"
			}
		})
		r, err := c.Apply(t.Context(), e)
		if x.dropped != (err == nil) || x.dropped && (!slices.Equal(r.Dropped, []string{x.field}) || r.Writes != 2) {
			t.Errorf("%d: %+v, %v", x.code, r, err)
		}
	}
}

// order and is_leader_in_dept count beside department only; a change of
// departments carries along what stood beside those that stay.
func TestSeatsGoTogether(t *testing.T) {
	c := newCorp(t, `{"department_resets_leader": true}`)
	apply(t, c, personInsert(func(f map[string]any) { f["is_leader_in_dept"], f["order"] = []any{json.Number("0"), true}, "5,6" }))
	apply(t, c, personUpdate(map[string]any{"department": "3,1"}))
	if u := c.user("E1"); !cmp.Equal(u.Department, []int64{3, 1}) || !cmp.Equal(u.Leader, []int64{1, 0}) || !cmp.Equal(u.Order, []int64{6, 0}) {
		t.Errorf("moved: %+v", u)
	}
	apply(t, c, personUpdate(map[string]any{"is_leader_in_dept": "0,1"}))
	if u := c.user("E1"); !cmp.Equal(u.Department, []int64{3, 1}) || !cmp.Equal(u.Leader, []int64{0, 1}) || !cmp.Equal(u.Order, []int64{6, 0}) {
		t.Errorf("flags alone: %+v", u)
	}
	_ = refused(t, c, personUpdate(map[string]any{"is_leader_in_dept": "1"}), orgflow.CodeInvalidRecord)
	_ = refused(t, c, personUpdate(map[string]any{"department": "2", "main_department": "3"}), orgflow.CodeInvalidRecord)
	c.options(`{"details": "closed"}`)
	if r := apply(t, c, personUpdate(map[string]any{"department": "2"})); !strings.Contains(r.Note, "left to WeCom") {
		t.Errorf("receipt %+v", r)
	}
	_ = refused(t, c, personUpdate(map[string]any{"is_leader_in_dept": "1"}), orgflow.CodeNeedsHuman)
	_ = refused(t, c, personUpdate(map[string]any{"department": "77"}), orgflow.CodeBlocked)
}

func TestClearing(t *testing.T) {
	c := newCorp(t, "")
	apply(t, c, personInsert(func(f map[string]any) { f["email"], f["direct_leader"], f["gender"] = "e1@example.com", "", "2" }))
	apply(t, c, personUpdate(map[string]any{"direct_leader": "E1"}))
	e := personUpdate(nil)
	e.Clear = []string{"email", "position", "direct_leader", "gender"}
	r := apply(t, c, e)
	if u := c.user("E1"); u.Email != "" || u.Position != "" || len(u.DirectLeader) != 0 || u.Gender != "2" || !slices.Equal(r.Dropped, []string{"gender"}) {
		t.Errorf("%+v, receipt %+v", u, r)
	}
	e.Clear = []string{"name"}
	_ = refused(t, c, e, orgflow.CodeInvalidRecord)
}

func TestWhatAPersonMayBe(t *testing.T) {
	c := newCorp(t, "")
	for name, value := range map[string]any{
		"userid": "_E1", "name": "", "alias": strings.Repeat("张", 65), "mobile": "1000 000", "email": "a@b", "department": "", "order": "1",
		"is_leader_in_dept": "2,0", "main_department": "9", "direct_leader": "a1,a2,a3,a4,a5,a6", "position": strings.Repeat("x", 129), "gender": 3,
		"telephone": "分机1", "external_position": strings.Repeat("职", 13), "address": strings.Repeat("x", 129), "to_invite": "maybe", "enable": 2,
		"extattr": map[string]any{}, "nickname": "x", "new_userid": "E2", "external_profile": "{",
	} {
		e := personInsert(func(f map[string]any) { f[name] = value })
		if f := refused(t, c, e, orgflow.CodeInvalidRecord); f.Field != name {
			t.Errorf("%s: %+v", name, f)
		}
	}
	for label, value := range map[string]any{"长": strings.Repeat("x", 65), "页": map[string]any{"url": "ftp://x", "title": "x"}, "列": []any{"x"}} {
		e := personInsert()
		e.Ext = map[string]any{label: value}
		_ = refused(t, c, e, orgflow.CodeInvalidRecord)
	}
	for _, missing := range []string{"name", "department", "mobile"} {
		_ = refused(t, c, personInsert(func(f map[string]any) { delete(f, missing) }), orgflow.CodeInvalidRecord)
	}
	if n := c.counts(); len(n) != 0 {
		t.Errorf("calls were made: %v", n)
	}
}

func TestRemovalsFindTheBadID(t *testing.T) {
	c := newCorp(t, `{"creator": "P77"}`)
	s := c.state()
	var effects []connectors.Effect
	for i := range 250 {
		id := fmt.Sprintf("P%d", i)
		effects = append(effects, connectors.Effect{Kind: orgflow.Person, Op: orgflow.Delete, ConsumerID: id})
		if i != 130 { // has gone already
			s.Users = append(s.Users, wcsim.User{UserID: id, Name: "员工", Mobile: fmt.Sprintf("100%08d", i), Department: []int64{2}})
		}
	}
	c.put(s)
	got := c.RemovePersons(t.Context(), effects)
	for i, r := range got.Results {
		if f := orgflow.AsFault(r.Err); (f != nil) != (i == 77) || f != nil && f.Code != orgflow.CodeNeedsHuman {
			t.Errorf("delete %d: %v", i, r.Err)
		}
	}
	if left := c.state().Users; len(left) != 1 || got.Calls > 45 {
		t.Errorf("%d are left after %d calls", len(left), got.Calls)
	}
	for i := range effects {
		effects[i].InDoubt = true
	}
	if got := c.RemovePersons(t.Context(), effects); got.Calls != len(effects) {
		t.Errorf("deletes in doubt took %d calls, want one each", got.Calls)
	}
	if got := c.RemovePersons(t.Context(), nil); len(got.Results)+got.Calls != 0 {
		t.Error(got)
	}
}

// What is wrong with every call is no fault of an id: nothing is halved, and
// what was not sent is not in doubt.
func TestRemovalsStopAtWhatMeetsEveryCall(t *testing.T) {
	effects := make([]connectors.Effect, 300)
	for i := range effects {
		effects[i] = connectors.Effect{Kind: orgflow.Person, Op: orgflow.Delete, ConsumerID: fmt.Sprintf("P%d", i)}
	}
	for name, tc := range map[string]struct {
		fault       string
		first, rest orgflow.Code
	}{
		"the address is not trusted": {`{"errcode": 60020}`, orgflow.CodeForbidden, orgflow.CodeForbidden},
		"no answer":                  {`{"after_commit": true, "drop_connection": true}`, orgflow.CodeUnknownOutcome, orgflow.CodeUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCorp(t, `{}`)
			c.fault(strings.Replace(tc.fault, "{", `{"path": "/cgi-bin/user/batchdelete", `, 1))
			got := c.RemovePersons(t.Context(), effects)
			first, rest := orgflow.AsFault(got.Results[0].Err), orgflow.AsFault(got.Results[299].Err)
			if first == nil || rest == nil || first.Code != tc.first || rest.Code != tc.rest || got.Writes != 1 {
				t.Errorf("%v, then %v, after %d writes", first, rest, got.Writes)
			}
		})
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	c := newCorp(t, `{}`)
	if got := c.RemovePersons(stopped, effects); got.Calls != 0 || orgflow.AsFault(got.Results[0].Err) == nil {
		t.Errorf("a stopped run made %d calls", got.Calls)
	}
}

// Creations go one after the other, as the vendor asks (6000 otherwise).
func TestCreationsAreSerial(t *testing.T) {
	c := newCorp(t, `{"latency_ms": 2}`)
	errs := make(chan error)
	for i := range 8 {
		go func() {
			_, err := c.Apply(t.Context(), personInsert(func(f map[string]any) {
				f["userid"], f["mobile"] = fmt.Sprintf("P%d", i), fmt.Sprintf("100%08d", i)
			}))
			errs <- err
		}()
	}
	var err error
	for range 8 {
		err = errors.Join(err, <-errs)
	}
	if n := c.counts(); err != nil || n["user/create 6000"] > 0 {
		t.Errorf("%v, %v", n, err)
	}
}
