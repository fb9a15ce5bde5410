package rest

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/connectors/wire"
)

func value(t testing.TB, raw string) any {
	t.Helper()
	v, err := wire.Decode([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestPaths(t *testing.T) {
	doc := `{"a": {"b/c": [10, {"x": "y"}]}, "list": [{"t": "w", "v": 1}, {"t": "m", "v": 2}, {"t": "m"}], "null": null}`
	for p, want := range map[string]string{
		"": doc, "/a/b~1c/0": "10", "/a/b~1c/1/x": `"y"`, "/list/*/v": "[1, 2]", "/list/[t=m]/v": "2", "/null": "null",
		"/a/b~1c/2": "-", "/a/b~1c/-1": "-", "/x": "-", "/a/*": "-", "/list/[t=z]/v": "-", "/list/v": "-", "/null/x": "-",
	} {
		got, found := at(value(t, doc), p)
		if !found {
			got = value(t, `"-"`)
		}
		if want == "-" {
			want = `"-"`
		}
		if d := cmp.Diff(value(t, want), got); d != "" {
			t.Errorf("%s: %s", p, d)
		}
	}
	for _, p := range []string{"a", "/[x]", "/[=x]"} {
		if _, err := parsePath(p); err == nil {
			t.Errorf("%q passes", p)
		}
	}
}

// Equality is strict; what is not there equals nothing.
func TestPredicates(t *testing.T) {
	a := &answer{status: 200, json: true, body: value(t, `{"n": 0, "s": "0", "b": true, "null": null, "text": "a warning"}`)}
	for raw, want := range map[string]bool{
		`{"path": "/n", "equals": 0}`: true, `{"path": "/s", "equals": 0}`: false, `{"path": "/n", "equals": "0"}`: false, `{"path": "/n", "equals": false}`: false,
		`{"path": "/x", "equals": null}`: false, `{"path": "/n", "in": [1, 0]}`: true, `{"path": "/s", "in": [0, "0"]}`: true, `{"path": "/n", "in": [0.0]}`: false,
		`{"path": "/x", "absent": true}`: true, `{"path": "/null", "absent": true}`: false, `{"path": "/null", "present": true}`: false, `{"path": "/b", "present": true}`: true,
		`{"path": "/text", "contains": "warn"}`: true, `{"path": "/n", "contains": "0"}`: false,
		`{"status": ["2xx"]}`: true, `{"status": [201, "4xx"]}`: false, `{"not": {"path": "/n", "equals": 0}}`: false,
		`{"any": [{"status": [404]}, {"path": "/b", "equals": true}]}`: true, `{"all": [{"status": [200]}, {"path": "/b", "equals": false}]}`: false,
	} {
		var p Predicate
		if err := json.Unmarshal([]byte(raw), &p); err != nil {
			t.Fatal(err)
		}
		if got := p.holds(a); got != want {
			t.Errorf("%s: %v", raw, got)
		}
	}
}

func TestTemplates(t *testing.T) {
	entity := &Entity{Fields: map[string]Field{
		"name": {Path: "n"}, "age": {As: AsInt, Wire: "years"}, "tags": {As: AsList}, "mail": {Path: "mails", Shape: []any{map[string]any{"v": "{value}"}}},
		"groups": {As: AsList, Relation: &Relation{}},
	}}
	r := &record{entity: entity, kind: orgflow.Person, op: orgflow.Update, id: "E1", cleared: []string{"gone"}, extSent: true, ext: map[string]any{"工号": "7"}, set: map[string]any{
		"name": `a"b`, "age": json.Number("3"), "tags": []any{"x", "y"}, "mail": "m@x", "gone": "", "groups": []any{"g"},
	}}
	entity.Fields["gone"] = Field{Path: "gone"}
	c := &Client{settings: map[string]string{"t": "T"}, root: "1"}
	s := many{one{base{client: c}, r}, []*record{r, {entity: entity, set: map[string]any{}, id: "E2"}}}
	for template, want := range map[string]string{
		`"{field.age}"`: `3`, `"is {field.age}"`: `"is 3"`, `"{field.tags}"`: `["x", "y"]`, `"all {field.tags}"`: `"all x,y"`,
		`"{{x}} {settings.t|lower}"`: `"{x} t"`, `"n eq {field.name|json}"`: `"n eq \"a\\\"b\""`, `"{field.age|int}"`: `3`,
		`{"a": "{field.no}", "b": ["{field.no}", 1], "c": null}`:                        `{"b": [1], "c": null}`,
		`{"$fields": true, "years": 4, "id": "{id}"}`:                                   `{"name": "a\"b", "years": 4, "tags": ["x", "y"], "mail": [{"v": "m@x"}], "gone": "", "id": "E1"}`,
		`{"$each": "fields", "as": ["{path}", "{value}"]}`:                              `[["mails", [{"v": "m@x"}]], ["n", "a\"b"]]`,
		`{"$each": "cleared", "as": "{path}"}`:                                          `["gone"]`,
		`{"$each": "ext", "as": {"{name}": 1, "n": "{name}", "v": "{value}"}}`:          `[{"{name}": 1, "n": "工号", "v": "7"}]`,
		`{"$each": "field.tags", "as": "<{item}>"}`:                                     `["<x>", "<y>"]`,
		`{"$each": "records", "as": "{id}"}`:                                            `["E1", "E2"]`,
		`{"$concat": [["a"], {"$each": "field.tags", "as": "{item}"}, "{field.no}"]}`:   `["a", "x", "y"]`,
		`{"$first": ["{field.no}", "{field.name}"]}`:                                    `"a\"b"`,
		`{"$json": {"a": "{field.age}"}}`:                                               `"{\"a\":3}"`,
		`{"x": {"$if": "field.gone", "then": 1}, "y": {"$if": "field.age", "then": 1}}`: `{"y": 1}`,
		`{"x": {"$if": "ext", "then": "{ext.工号}"}}`:                                     `{"x": "7"}`,
	} {
		got, err := render(value(t, template), s)
		if err != nil {
			t.Errorf("%s: %v", template, err)
			continue
		}
		raw, err := wire.Encode(got)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(value(t, want), value(t, string(raw))); d != "" {
			t.Errorf("%s: %s", template, d)
		}
	}
	if _, err := render("{field.name|int}", s); err == nil {
		t.Error("a text passes for a whole number")
	}
}

// What goes out comes back as it was.
func TestFieldsComeBack(t *testing.T) {
	top := ""
	for name, x := range map[string]struct {
		f          Field
		in         any
		wire, back string
	}{
		"text":         {Field{}, "a", `"a"`, `"a"`},
		"int":          {Field{As: AsInt}, json.Number("7"), `7`, `7`},
		"int of text":  {Field{As: AsInt}, "7", `7`, `7`},
		"bool":         {Field{As: AsBool}, "1", `true`, `true`},
		"list":         {Field{As: AsList}, "a, b,a", `["a", "b"]`, `"a,b"`},
		"int list":     {Field{As: AsIntList}, []any{json.Number("1"), "2"}, `[1, 2]`, `"1,2"`},
		"enum":         {Field{Enum: map[string]any{"1": "m", "2": "f"}}, json.Number("2"), `"f"`, `"2"`},
		"date":         {Field{Date: &Date{In: "2006-01-02", Out: "20060102"}}, "2026-11-22", `"20261122"`, `"2026-11-22"`},
		"unix":         {Field{As: AsInt, Date: &Date{In: "2006-01-02", Out: "unix_ms"}}, "2026-11-22", `1795276800000`, `"2026-11-22"`},
		"root":         {Field{Root: &top}, "(top)", `""`, `"(top)"`},
		"root in list": {Field{As: AsList, Root: &top}, "(top)", `[]`, `"(top)"`},
	} {
		t.Run(name, func(t *testing.T) {
			wire, err := x.f.convert(x.in, "(top)")
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(value(t, x.wire), wire); d != "" {
				t.Errorf("sent: %s", d)
			}
			back, known := x.f.shown(value(t, x.wire), true, "(top)")
			if d := cmp.Diff(value(t, x.back), back); d != "" || !known {
				t.Errorf("read: %s", d)
			}
			if !x.f.sameValue(wire, value(t, x.wire), true) {
				t.Error("what was sent differs from what was read")
			}
		})
	}
}

func TestFieldsThatAreRefused(t *testing.T) {
	for name, x := range map[string]struct {
		f Field
		v any
	}{
		"no number": {Field{As: AsInt}, "1.5"}, "no bool": {Field{As: AsBool}, "yes"}, "too long": {Field{Max: 2}, "三个字"}, "too many": {Field{As: AsList, Max: 1}, "a,b"},
		"no date": {Field{Date: &Date{In: "2006-01-02", Out: "unix"}}, "22.11."}, "not in the enum": {Field{Enum: map[string]any{"1": 1}}, "2"},
		"an object": {Field{}, map[string]any{}}, "ids that are none": {Field{As: AsIntList}, "1,x"}, "no JSON": {Field{As: AsJSON}, "{"},
	} {
		if v, err := x.f.convert(x.v, "1"); err == nil {
			t.Errorf("%s passes as %v", name, v)
		}
	}
}
