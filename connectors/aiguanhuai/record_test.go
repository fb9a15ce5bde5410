package aiguanhuai_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/aiguanhuai"
	aghsim "orgflow/connectors/aiguanhuai/sim"
)

func with(e connectors.Effect, change func(*connectors.Effect)) connectors.Effect {
	change(&e)
	return e
}

// The vendor's sample person, comments and orgSource aside, arrives as it
// was written.
func TestTheSamplePerson(t *testing.T) {
	v := newVendor(t)
	c := v.client()
	allDone(t, c.ApplyBatch(t.Context(), []connectors.Effect{department("143a04cf9442271505711864597826f7", "(top)"), department("14acf08686cba213270baa94cb7acdce", "")}))
	r, err := c.Apply(t.Context(), connectors.Effect{Kind: orgflow.Person, Op: orgflow.Insert, Fields: map[string]any{
		"userId": "124ad449954134f171885724c7fb63a1", "account": "zhangac", "realName": "测试甲", "gender": json.Number("2"),
		"email": "zhangac@example.com", "mobile": "10000000001", "status": "1", "birthday": "19871219", "joinDate": "20091103", "position": "测试",
		"departmentId": []any{"143a04cf9442271505711864597826f7", "14acf08686cba213270baa94cb7acdce", "143a04cf9442271505711864597826f7"},
	}})
	if err != nil || r.ConsumerID != "124ad449954134f171885724c7fb63a1" || r.Calls != 1 || r.Writes != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	want := aghsim.Person{
		UserID: "124ad449954134f171885724c7fb63a1", Account: "zhangac", RealName: "测试甲", Gender: 2, Email: "zhangac@example.com",
		Mobile: "10000000001", Position: "测试", Status: 1, Birthday: "19871219", JoinDate: "20091103", OrgSource: 11,
		Departments: []string{"143a04cf9442271505711864597826f7", "14acf08686cba213270baa94cb7acdce"},
	}
	if got := v.person(want.UserID); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

// A record that cannot be right costs no call, and its fault names the field
// but shows no value.
func TestRecordsRefusedBeforeAnyCall(t *testing.T) {
	set := func(name string, value any) connectors.Effect {
		return with(person(1), func(e *connectors.Effect) { e.Fields[name] = value })
	}
	for name, c := range map[string]struct {
		effect connectors.Effect
		field  string
	}{
		"no status":               {set("status", nil), "status"},
		"a status nobody knows":   {set("status", json.Number("2")), "status"},
		"a status in words":       {set("status", "在职"), "status"},
		"retired, for department": {with(department("D1", ""), func(e *connectors.Effect) { e.Fields["status"] = json.Number("12") }), "status"},
		"a gender nobody knows":   {set("gender", json.Number("3")), "gender"},
		"a date with dashes":      {set("birthday", "1987-12-19"), "birthday"},
		"no name":                 {set("realName", ""), "realName"},
		"no account":              {set("account", nil), "account"},
		"an unknown field":        {set("salary", "100"), "salary"},
		"a list where text goes":  {set("position", []any{"a"}), "position"},
		"a custom attribute":      {with(person(1), func(e *connectors.Effect) { e.Ext = map[string]any{"工号": "E1"} }), "ext"},
		"a needed field cleared":  {with(person(1), func(e *connectors.Effect) { e.Op = orgflow.Update; e.Clear = []string{"realName"} }), "realName"},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVendor(t)
			r, err := v.client().Apply(t.Context(), c.effect)
			f := orgflow.AsFault(err)
			if f == nil || f.Code != orgflow.CodeInvalidRecord || f.Field != c.field || r.Calls != 0 {
				t.Fatalf("%+v after %d calls", f, r.Calls)
			}
			if strings.Contains(f.Error(), "1987") || strings.Contains(f.Error(), "在职") {
				t.Errorf("%v shows the value", f)
			}
			if n := v.sim.Desk().Requests().Total; n != 0 {
				t.Errorf("%d calls", n)
			}
		})
	}
}

func TestUpdatesAndDeletes(t *testing.T) {
	v := newVendor(t)
	c := v.client()
	allDone(t, c.ApplyBatch(t.Context(), []connectors.Effect{department("D1", "")}))
	insert := with(person(1), func(e *connectors.Effect) {
		e.Fields["departmentId"], e.Fields["position"], e.Fields["gender"] = []any{"D1"}, "工程师", json.Number("1")
	})
	if _, err := c.Apply(t.Context(), insert); err != nil {
		t.Fatal(err)
	}
	// What is cleared is sent empty; an id never changes.
	update := with(person(1), func(e *connectors.Effect) {
		e.Op, e.Fields["userId"], e.Clear = orgflow.Update, "another", []string{"position", "departmentId", "gender", "mobile"}
		delete(e.Fields, "mobile")
	})
	if _, err := c.Apply(t.Context(), update); err != nil {
		t.Fatal(err)
	}
	p := v.person("E1")
	if p.Position != "" || p.Mobile != "" || p.Gender != 0 || len(p.Departments) != 0 || p.Status != 1 {
		t.Errorf("%+v", p)
	}
	// A delete is status 11, with all that is needed beside it.
	if _, err := c.Apply(t.Context(), with(person(1), func(e *connectors.Effect) { e.Op = orgflow.Delete })); err != nil {
		t.Fatal(err)
	}
	if p = v.person("E1"); p.Status != 11 || p.RealName != "测试1" {
		t.Errorf("%+v", p)
	}
	if _, err := c.Apply(t.Context(), with(department("D1", ""), func(e *connectors.Effect) { e.Op, e.ConsumerID = orgflow.Delete, "D1" })); err != nil {
		t.Fatal(err)
	}
	if d := v.state().Departments[0]; d.Status != 11 {
		t.Errorf("%+v", d)
	}
}

func TestSettingsOfTheOpenQuestions(t *testing.T) {
	v := newVendor(t)
	v.options(`{"org_source": 1, "task_param": "task_id"}`)
	if _, err := v.client().Apply(t.Context(), person(1)); orgflow.AsFault(err) == nil {
		t.Error("orgSource 11 was taken where 1 is asked for")
	}
	c := v.client(func(cfg *aiguanhuai.Config) { cfg.OrgSource, cfg.TaskParam = new(1), "task_id" })
	task, err := c.BeginPush(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	allDone(t, c.AddToPush(t.Context(), task.ID, people(1)))
	if _, err := c.CompletePush(t.Context(), task.ID); err != nil {
		t.Error(err)
	}
}

// A vendor's text may repeat what was sent.
func TestPersonalValuesStayOutOfFaults(t *testing.T) {
	c := scripted(t, 200, `{"errno":200008,"error":"数据格式错误: 测试1 10000000001 invalid"}`)
	_, err := c.Apply(t.Context(), person(1))
	if f := orgflow.AsFault(err); f == nil || f.Message != "数据格式错误: *** *** invalid" {
		t.Errorf("%v", f)
	}
}
