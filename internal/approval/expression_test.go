package approval_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orgflow/internal/approval"
)

// asking is a definition whose only condition is when.
func asking(when string) *approval.Definition {
	return &approval.Definition{
		Vars: map[string]any{"limit": json.Number("50000"), "kinds": []any{"a", "b"}, "open": true, "id": json.Number("9007199254740993"), "word": "x"},
		Nodes: []approval.Node{{Next: []approval.Edge{
			{To: 1, When: when}, {To: 2, Default: true},
		}}},
	}
}

// facts reads a form, with the initiator of all tests.
func facts(t testing.TB, form string) approval.Facts {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(form))
	dec.UseNumber()
	f := approval.Facts{Initiator: approval.Person{UserCode: "E1", UserName: "n", DeptName: "客服部", Depts: []string{"D1"}, Roles: []string{"finance"}}}
	if err := dec.Decode(&f.Form); err != nil {
		t.Fatal(err)
	}
	return f
}

func holds(t testing.TB, when, form string) (bool, error) {
	t.Helper()
	x, problems := approval.Compile(asking(when))
	if len(problems) > 0 {
		t.Fatalf("%s: %v", when, problems)
	}
	return x.Bind(facts(t, form)).Holds(when)
}

func TestConditions(t *testing.T) {
	for _, c := range []struct {
		when, form string
		want       bool
	}{
		{`form.amount > 50000`, `{"amount": 50001}`, true},
		{`form.amount > 50000`, `{"amount": 50000}`, false},
		{`form.amount > 50000`, `{"amount": 50000.01}`, true},
		{`form.amount > 50000`, `{"amount": 5.0001e4}`, true},
		{`form.amount > 50000.5`, `{"amount": 50001}`, true},
		{`form.amount >= 50000.0`, `{"amount": 50000}`, true},
		{`form.amount == 50000`, `{"amount": 50000}`, true},
		{`form.amount == 50000`, `{"amount": 50000.0}`, true},
		{`form.amount == 0.1`, `{"amount": 0.1}`, true},
		{`form.amount in [1, 2.5]`, `{"amount": 1}`, true},
		{`form.amount * 2.0 + 1.5 > 100.0`, `{"amount": 50}`, true},
		{`int(form.count) % 2 == 0`, `{"count": 4}`, true},
		{`form.a < form.b`, `{"a": 1, "b": 1.5}`, true},
		{`form.id == 9007199254740993`, `{"id": 9007199254740993}`, true},
		{`form.id == 9007199254740993`, `{"id": 9007199254740992}`, false},
		{`form.id == vars.id`, `{"id": 9007199254740992}`, false},
		{`form.big > 1`, `{"big": 1e400}`, true},
		{`form.amount > vars.limit`, `{"amount": 50001}`, true},
		{`form.kind in vars.kinds && vars.open`, `{"kind": "b"}`, true},
		{`vars.word == "x"`, `{}`, true},
		{`form.urgent`, `{"urgent": true}`, true},
		{`form["金额"] > 1`, `{"金额": 2}`, true},
		{`form.address.city == "杭州"`, `{"address": {"city": "杭州"}}`, true},
		{`form.items.exists(i, i.price > 10)`, `{"items": [{"price": 5}, {"price": 11}]}`, true},
		{`form.items[0].price > 10`, `{"items": [{"price": 11}]}`, true},
		{`size(form.items) > 1`, `{"items": [1, 2]}`, true},
		{`form.note == null`, `{"note": null}`, true},
		{`form.code.startsWith("A")`, `{"code": "AB"}`, true},
		{`"finance" in initiator.roles && initiator.deptName == "客服部" && initiator.userCode == "E1"`, `{}`, true},
		{`has(form.amount) && form.amount > 1`, `{}`, false},
		{`has(form.a.b) ? form.a.b > 1 : false`, `{"a": {}}`, false},
		// A number that is held as text.
		{`double(form.amount) > 50000.0`, `{"amount": "60000"}`, true},
		{`form.amount == 60000`, `{"amount": "60000"}`, false},
	} {
		got, err := holds(t, c.when, c.form)
		if err != nil || got != c.want {
			t.Errorf("%s of %s = %v, %v; want %v", c.when, c.form, got, err, c.want)
		}
	}
}

func TestAConditionWithoutAnswerIsAnError(t *testing.T) {
	for _, c := range []struct{ when, form, want string }{
		{`form.amount > 50000`, `{}`, "form.amount is missing"},
		{`form.kind == "a" && form.amount > 50000`, `{"kind": "b"}`, "form.amount is missing"},
		{`form.amount > 50000 || true`, `{}`, "form.amount is missing"},
		{`form.a.b == 1 || true`, `{"a": {}}`, "form.a.b is missing"},
		{`form.a.b == 1 || true`, `{"a": 3}`, "form.a.b is missing"},
		{`has(form.a.b) && true`, `{}`, "form.a is missing"},
		{`form.amount > 50000`, `{"amount": "secret"}`, "the values do not fit: form.amount is a text"},
		{`form.amount > 50000`, `{"amount": null}`, "the values do not fit: form.amount is null"},
		{`double(form.amount) > 1.0`, `{"amount": "secret"}`, "the values do not fit: form.amount is a text"},
		{`form.a / form.b > 1.0`, `{"a": "secret", "b": [1]}`, "the values do not fit: form.a is a text, form.b is a list"},
		{`form.items.exists(i, i.price > 10)`, `{"items": [{}]}`, "the values do not fit: form.items is a list"},
		{`form.urgent`, `{"urgent": "true"}`, "yields string instead of true or false"},
		{`form.x.map(a, form.x.map(b, form.x.map(c, 1))).size() > 0`, `{"x": [` + strings.Repeat("1,", 200) + `1]}`, "it takes too long; make it simpler or the form smaller"},
	} {
		got, err := holds(t, c.when, c.form)
		var failed *approval.ExpressionError
		if !errors.As(err, &failed) || failed.Reason != c.want || got {
			t.Errorf("%s of %.40s = %v, %v; want %s", c.when, c.form, got, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: a value of the form stands in the error %v", c.when, err)
		}
	}
}

func TestExpressionsThatAreRefused(t *testing.T) {
	for _, c := range []struct{ when, want string }{
		{`form.amount >`, `line 1, column 14: Syntax error`},
		{`amount > 1`, `undeclared reference to 'amount'`},
		{`initiator.mobile == "1"`, `undeclared reference to 'initiator.mobile'`},
		{`vars.limt > 1`, `did you mean 'vars.limit'?`},
		{`form.secret > 1`, `field "secret" is not in form.snapshot`},
		{`form.amuont > 1`, `did you mean "amount"?`},
		{`form["secret"] > 1`, `field "secret" is not in form.snapshot`},
		{`has(form.secret)`, `field "secret" is not in form.snapshot`},
		{`size(form) > 1`, `form may be used with a fixed field only`},
		{`"amount" in form`, `form may be used with a fixed field only`},
		{`form.exists(k, k == "a")`, `form may be used with a fixed field only`},
		{`form[form.kind] == 1`, `form may be used with a fixed field only`},
		{`form.amount`, ``}, // a value of the form may be true or false
		{`form.amount * 2 > 1.0`, `write 2.0 instead of 2`},
		{`1 + form.amount > 1.0`, `write 2.0 instead of 2`},
		{`vars.limit * 2 > 1.0`, `no matching overload`},
		{`1 + 1`, `must yield true or false, this yields int`},
		{`"a"`, `must yield true or false, this yields string`},
		{`now() > 1`, `undeclared reference to 'now'`},
	} {
		d := asking(c.when)
		d.Form.Snapshot = []string{"amount", "kind"}
		_, problems := approval.Compile(d)
		if c.want == "" {
			if len(problems) > 0 {
				t.Errorf("%s: %v", c.when, problems)
			}
			continue
		}
		if len(problems) == 0 || problems[0].Pointer != "/nodes/0/next/0/when" || !strings.Contains(problems[0].Message, c.want) {
			t.Errorf("%s: %v, want %s", c.when, problems, c.want)
		}
	}
}

func TestPeopleByExpression(t *testing.T) {
	for _, c := range []struct {
		expr, form string
		want       []string
	}{
		{`form.owner`, `{"owner": " E5 "}`, []string{"E5"}},
		{`form.owners`, `{"owners": ["E5", "", "E6"]}`, []string{"E5", "E6"}},
		{`form.owners.split(",")`, `{"owners": "E5, E6"}`, []string{"E5", "E6"}},
		{`form.big ? ["E1"] : [form.owner, "E2"]`, `{"big": false, "owner": "E5"}`, []string{"E5", "E2"}},
		{`form.items.map(i, i.owner)`, `{"items": [{"owner": "E5"}, {"owner": "E6"}]}`, []string{"E5", "E6"}},
		{`form.owner`, `{"owner": ""}`, nil},
		{`form.owner`, `{"owner": 5}`, []string{"error"}},
		{`form.owner`, `{"owner": [5]}`, []string{"error"}},
		{`form.owner`, `{}`, []string{"error"}},
	} {
		d := &approval.Definition{Nodes: []approval.Node{{Approvers: []approval.Approver{{By: approval.RuleExpr, Expr: c.expr}}}}}
		x, problems := approval.Compile(d)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		got, err := x.Bind(facts(t, c.form)).People(c.expr)
		if failed := new(approval.ExpressionError); errors.As(err, &failed) {
			got = []string{"error"}
		} else if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s of %s: %s", c.expr, c.form, diff)
		}
	}
	d := &approval.Definition{Nodes: []approval.Node{{Approvers: []approval.Approver{{By: approval.RuleExpr, Expr: `1.5`}}}}}
	if _, problems := approval.Compile(d); len(problems) != 1 || !strings.Contains(problems[0].Message, "must yield user codes") {
		t.Errorf("an expression that yields a number: %v", problems)
	}
}

func TestFieldsThatNamePeople(t *testing.T) {
	x, _ := approval.Compile(&approval.Definition{})
	b := x.Bind(facts(t, `{"one": "E5", "many": ["E5", 6, null, " "], "none": null, "object": {"secret": 1}}`))
	for name, want := range map[string][]string{"one": {"E5"}, "many": {"E5", "6"}, "none": nil} {
		got, err := b.Field(name)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
	for name, want := range map[string]string{"gone": "form.gone is missing", "object": "form.object holds an object where a text is needed"} {
		if _, err := b.Field(name); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}

func TestOnlyExpressionsOfTheDefinitionAreAnswered(t *testing.T) {
	x, _ := approval.Compile(asking(`form.a > 1`))
	_, err := x.Bind(facts(t, `{"a": 2}`)).Holds(`form.a > 2`)
	var failed *approval.ExpressionError
	if err == nil || errors.As(err, &failed) {
		t.Errorf("error = %v, want one that is not the form's fault", err)
	}
}

// Comparing a whole or decimal number with a literal gives what comparing
// them as written gives.
func TestComparisonsAreThoseOfTheNumbersAsWritten(t *testing.T) {
	x, problems := approval.Compile(asking(`form.a < form.b`))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	number := rapid.Custom(func(t *rapid.T) int64 { return rapid.Int64Range(-1e15, 1e15).Draw(t, "cents") })
	rapid.Check(t, func(t *rapid.T) {
		a, b := number.Draw(t, "a"), number.Draw(t, "b")
		if rapid.Bool().Draw(t, "near") {
			b = a + rapid.Int64Range(-2, 2).Draw(t, "step")
		}
		got, err := x.Bind(approval.Facts{Form: map[string]any{"a": decimal(a), "b": decimal(b)}}).Holds(`form.a < form.b`)
		if err != nil || got != (a < b) {
			t.Fatalf("%s < %s = %v, %v", decimal(a), decimal(b), got, err)
		}
	})
}

// decimal writes cents as JSON does, whole numbers without a point.
func decimal(cents int64) json.Number {
	if cents%100 == 0 {
		return json.Number(fmt.Sprint(cents / 100))
	}
	sign := ""
	if cents < 0 {
		sign, cents = "-", -cents
	}
	return json.Number(fmt.Sprintf("%s%d.%02d", sign, cents/100, cents%100))
}

func TestTheCacheKeepsTheDefinitionsUsedLast(t *testing.T) {
	cache := approval.NewCache(2)
	get := func(key string) *approval.Expressions {
		x, err := cache.Get(key, asking(`form.a > 1`))
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	a, b := get("a"), get("b")
	if get("a") != a {
		t.Error("a was compiled again")
	}
	get("c") // takes the place of b
	if get("a") != a {
		t.Error("a was dropped, though b was used longer ago")
	}
	if get("b") == b {
		t.Error("b was kept beyond the cache's size")
	}
	if _, err := cache.Get("d", asking(`form.a >`)); err == nil {
		t.Error("a definition that does not compile was taken")
	}
}

func TestExpressionsServeManyAtOnce(t *testing.T) {
	cache := approval.NewCache(4)
	d := asking(`form.a > 1 && form.items.all(i, i < 10)`)
	var group sync.WaitGroup
	for n := range 16 {
		group.Go(func() {
			x, err := cache.Get("k", d)
			if err != nil {
				t.Error(err)
				return
			}
			f := approval.Facts{Form: map[string]any{"a": json.Number(fmt.Sprint(n)), "items": []any{json.Number("1")}}}
			if got, err := x.Bind(f).Holds(`form.a > 1 && form.items.all(i, i < 10)`); err != nil || got != (n > 1) {
				t.Errorf("%d: %v, %v", n, got, err)
			}
		})
	}
	group.Wait()
}
