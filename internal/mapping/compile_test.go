package mapping

import (
	"strings"
	"testing"

	"orgflow"
)

func TestTemplateProblemsNamePointerAndWhatIsAllowed(t *testing.T) {
	for _, c := range []struct{ entry, pointer, message string }{
		{`{"map":"x"}`, "/key", "key is missing"},
		{`{"key":"name","type":"text"}`, "/type", "allowed: string, int"},
		{`{"key":"name","type":"string","item_type":"int"}`, "/item_type", "type array only"},
		{`{"key":"name","type":"array","item_type":"x"}`, "/item_type", "allowed: string, int"},
		{`{"key":"name","field":["a",""]}`, "/field", "segment is empty"},
		{`{"key":"name","field":["a..b"]}`, "/field", "segment is empty"},
		{`{"key":"name","on_update":"maybe"}`, "/on_update", "allowed: send, skip, clear"},
		{`{"key":"name","max_length":-1}`, "/max_length", "1 or more"},
		{`{"key":"name","default":"\ue000"}`, "/default", "reserved"},
		{`{"key":"name","transforms":[{"op":"shout"}]}`, "/transforms/0/op", "allowed: bind, case, cast"},
		{`{"key":"name","transforms":[{"op":"trim"},{"op":"trim","sep":","}]}`, "/transforms/1/sep", "takes no sep"},
		{`{"key":"name","transforms":[{"op":"value_map"}]}`, "/transforms/0/map", "needs a map"},
		{`{"key":"name","transforms":[{"op":"value_map","map":{"a/b":"\ue001"}}]}`, "/transforms/0/map/a~1b", "reserved"},
		{`{"key":"name","transforms":[{"op":"value_map","map":{"a":1},"on_miss":"x"}]}`, "/transforms/0/on_miss", "keep, null, error"},
		{`{"key":"name","transforms":[{"op":"date","in":["yyyy-QQ"]}]}`, "/transforms/0/in", "is unknown; allowed"},
		{`{"key":"name","transforms":[{"op":"date","out":"MM-dd"}]}`, "/transforms/0/out", "has no year"},
		{`{"key":"name","transforms":[{"op":"date","out":"yyyyMd"}]}`, "/transforms/0/out", "separator"},
		{`{"key":"name","transforms":[{"op":"date","out":"yyyy-02"}]}`, "/transforms/0/out", "Go-style"},
		{`{"key":"name","transforms":[{"op":"date","in":"yy ss,ss"}]}`, "/transforms/0/in", "ambiguous"},
		{`{"key":"name","transforms":[{"op":"date","tz":"Mars/Base"}]}`, "/transforms/0/tz", "IANA"},
		{`{"key":"name","transforms":[{"op":"lookup","model":"M"}]}`, "/transforms/0/op", "not available"},
		{`{"key":"name","transforms":[{"op":"bind","kind":"dog"}]}`, "/transforms/0/kind", "allowed: org, person"},
		{`{"key":"name","transforms":[{"op":"bind","kind":"org"},{"op":"upper"}]}`, "/transforms/1/op", "cannot follow bind"},
		{`{"key":"name","transforms":[{"op":"prefix"}]}`, "/transforms/0/value", "needs a value"},
		{`{"key":"name","transforms":[{"op":"replace","new":"x"}]}`, "/transforms/0/old", "needs old"},
		{`{"key":"name","transforms":[{"op":"pad","width":5000}]}`, "/transforms/0/width", "1 to 1000"},
		{`{"key":"name","transforms":[{"op":"pad","width":5,"value":"ab"}]}`, "/transforms/0/value", "one character"},
		{`{"key":"name","transforms":[{"op":"pad","width":5,"side":"up"}]}`, "/transforms/0/side", "left, right"},
		{`{"key":"name","transforms":[{"op":"phone","default_country":"CN"}]}`, "/transforms/0/default_country", "1 to 3 digits"},
		{`{"key":"name","transforms":[{"op":"cast","to":"number"}]}`, "/transforms/0/to", "allowed: string"},
		{`{"key":"name","transforms":[{"op":"join","max":-1}]}`, "/transforms/0/max", "1 or more"},
		{`{"key":"name","transforms":[{"op":"concat"}]}`, "/transforms/0/parts", "needs parts"},
		{`{"key":"name","transforms":[{"op":"concat","parts":["a",{"text":"a","field":["b"]}]}]}`, "/transforms/0/parts/1", "either"},
		{`{"key":"name","transforms":[{"op":"case"}]}`, "/transforms/0/cases", "needs cases"},
		{`{"key":"name","transforms":[{"op":"case","cases":[{"when":{},"then":1}]}]}`, "/transforms/0/cases/0/when", "exactly one"},
		{`{"key":"name","when":{"field":["a"],"op":"eq","value":1,"not":{"field":["a"],"op":"empty"}}}`, "/when", "exactly one"},
		{`{"key":"name","when":{"all":[]}}`, "/when/all", "at least one"},
		{`{"key":"name","when":{"any":[{"op":"eq","value":1}]}}`, "/when/any/0/field", "needs a field"},
		{`{"key":"name","when":{"not":{"field":["a"],"op":"like","value":1}}}`, "/when/not/op", "allowed: eq, ne"},
		{`{"key":"name","when":{"field":["a"],"op":"in","value":1}}`, "/when/value", "needs a list"},
		{`{"key":"name","when":{"field":["a"],"op":"gt"}}`, "/when/value", "a number or a text"},
		{`{"key":"name","when":{"field":["a"],"op":"empty","value":1}}`, "/when/value", "takes no value"},
		{`{"key":"name","when":{"field":["a"],"op":"match","value":"("}}`, "/when/value", "regular expression"},
		{`{"key":"name","when":{"field":["a"],"op":"prefix","value":3}}`, "/when/value", "needs a text"},
	} {
		t.Run(c.entry, func(t *testing.T) {
			tpl, problems := CompileTemplate(orgflow.Person, entriesOf(t, `[{"key":"id"},`+c.entry+`]`), entriesOf(t, personStandard), TemplateOptions{})
			if tpl != nil {
				t.Fatal("compiled in spite of a problem")
			}
			for _, p := range problems {
				if p.Pointer == "/fields/1"+c.pointer && strings.Contains(p.Message, c.message) && !p.Warning {
					return
				}
			}
			t.Errorf("problems %v", problems)
		})
	}
}

func TestFetchMetaProblems(t *testing.T) {
	base := `{"key":"id","field":["id"]},{"key":"name","field":["name"]}`
	for _, c := range []struct{ entries, identity, pointer, message string }{
		{base + `,{"key":"x","field":["x"],"transforms":[{"op":"bind","kind":"org"}]}`, "", "/fields/2/transforms/0/op", "belongs to templates"},
		{base + `,{"key":"x","field":["x"],"on_update":"clear"}`, "", "/fields/2/on_update", "belongs to templates"},
		{base + `,{"key":"x"}`, "", "/fields/2/field", "nothing fills the entry"},
		{base, "code", "/identity", `"code"`},
		{`{"key":"id","field":["id"]}`, "", "/fields", `no entry fills "name"`},
	} {
		t.Run(c.pointer, func(t *testing.T) {
			s, problems := CompileStandard(orgflow.Person, entriesOf(t, "["+c.entries+"]"), entriesOf(t, personStandard), c.identity)
			if s != nil || len(problems) != 1 || problems[0].Pointer != c.pointer || !strings.Contains(problems[0].Message, c.message) {
				t.Errorf("problems %v", problems)
			}
		})
	}
}

func TestUnknownKindIsAProblem(t *testing.T) {
	if _, problems := CompileTemplate("dog", nil, nil, TemplateOptions{}); len(problems) != 1 || !strings.Contains(problems[0].Message, "org, person") {
		t.Errorf("problems %v", problems)
	}
}

func TestWarningsDoNotPreventCompilation(t *testing.T) {
	tpl, problems := CompileTemplate(orgflow.Person, entriesOf(t, `[{"key":"nickname"},{"key":"name"},{"key":"name"}]`), entriesOf(t, personStandard), TemplateOptions{})
	if tpl == nil || len(problems) != 2 || !problems[0].Warning || !problems[1].Warning {
		t.Fatalf("problems %v", problems)
	}
	if got := tpl.RawColumns(); len(got) != 0 {
		t.Errorf("raw columns %v", got)
	}
}

func TestRequiredTargets(t *testing.T) {
	_, problems := CompileTemplate(orgflow.Person, entriesOf(t, `[{"key":"name"},{"key":"number","map":"userid","is_extattr":true}]`),
		entriesOf(t, personStandard), TemplateOptions{Required: []string{"name", "userid"}})
	if len(problems) != 1 || problems[0].Pointer != "/fields" || !strings.Contains(problems[0].Message, `"userid"`) {
		t.Errorf("problems %v", problems)
	}
}

func TestRawColumns(t *testing.T) {
	tpl := mustTemplate(t, `[{"key":"id_card","field":["identity_card"]},{"key":"name","field":["name"]},{"key":"position","field":["position.code"]},
	 {"key":"mobile","transforms":[{"op":"concat","parts":[{"field":["unit","*","name"]}]}]}]`, TemplateOptions{})
	got := tpl.RawColumns()
	if len(got) != 2 || got[0].Key != "identity_card" || got[1].Key != "unit.name" {
		t.Errorf("raw columns %v", got)
	}
}

func TestCheckStandard(t *testing.T) {
	problems := CheckStandard(entriesOf(t, `[{"key":"id","type":"string"},{"key":"id"},{"type":"int"},{"key":"x","type":"text"}]`))
	want := []string{"/fields/1/key", "/fields/2/key", "/fields/3/type"}
	if len(problems) != len(want) {
		t.Fatalf("problems %v", problems)
	}
	for i, p := range problems {
		if p.Pointer != want[i] {
			t.Errorf("problem %d at %s, want %s", i, p.Pointer, want[i])
		}
	}
}

func TestPartIsATextOrAnObject(t *testing.T) {
	var p Part
	if err := p.UnmarshalJSON([]byte(`"a"`)); err != nil || p.Text != "a" {
		t.Errorf("text: %+v %v", p, err)
	}
	if err := p.UnmarshalJSON([]byte(`{"field":["a"]}`)); err != nil || p.Text != "" || len(p.Field) != 1 {
		t.Errorf("object: %+v %v", p, err)
	}
	for _, bad := range []string{`{"feild":["a"]}`, `7`, `["a"]`} {
		if err := p.UnmarshalJSON([]byte(bad)); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}
