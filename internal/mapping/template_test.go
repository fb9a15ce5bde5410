package mapping

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
)

func recordOf(fields, raw string) orgflow.Record {
	r := orgflow.Record{Kind: orgflow.Person, SourceID: "1", Raw: json.RawMessage(raw)}
	_ = json.Unmarshal([]byte(fields), &r.Fields)
	return r
}

func TestTemplateReadOrder(t *testing.T) {
	tpl := mustTemplate(t, `[{"key":"position","map":"x","field":["title"],"default":"D"}]`, TemplateOptions{})
	for name, c := range map[string]struct{ fields, raw, want string }{
		"standard by field": {`{"position":"key","ext":{"title":"field"}}`, `{"title":"raw"}`, "field"},
		"standard by key":   {`{"position":"key"}`, `{"title":"raw"}`, "key"},
		"raw by field":      {`{"position":""}`, `{"title":"raw"}`, "raw"},
		"default":           {`{}`, `{"title":""}`, "D"},
		"raw row is gone":   {`{}`, ``, "D"},
	} {
		t.Run(name, func(t *testing.T) {
			p, issues := tpl.Payload(recordOf(c.fields, c.raw))
			if p.Fields["x"] != c.want || len(issues) > 0 {
				t.Errorf("got %v %v, want %s", p.Fields, issues, c.want)
			}
		})
	}
}

// sent is what a one-entry template sends of a standard record.
func sent(t *testing.T, entry, fields string, opts TemplateOptions) (any, []Issue) {
	t.Helper()
	p, issues := mustTemplate(t, "["+entry+"]", opts).Payload(recordOf(fields, `{}`))
	return p.Fields["x"], issues
}

func TestTransforms(t *testing.T) {
	num := func(s string) any { return json.Number(s) }
	ref := orgflow.Ref
	for _, c := range []struct {
		name, steps, value string
		want               any
	}{
		{"value_map", `{"op":"value_map","map":{"1":"M","2":"F"}}`, `1`, "M"},
		{"value_map keeps by default", `{"op":"value_map","map":{"1":"M"}}`, `9`, num("9")},
		{"value_map null", `{"op":"value_map","map":{"1":"M"},"on_miss":"null"}`, `9`, nil},
		{"value_map to null", `{"op":"value_map","map":{"1":null}}`, `"1"`, nil},
		{"value_map to a number", `{"op":"value_map","map":{"a":12345678901234567890}}`, `"a"`, num("12345678901234567890")},
		{"value_map per element", `{"op":"value_map","map":{"1":"a","2":""},"on_miss":"keep"}`, `[1,2,3]`, []any{"a", num("3")}},
		{"value_map of a boolean", `{"op":"value_map","map":{"false":"no"}}`, `false`, "no"},
		{"date to unix_ms", `{"op":"date","in":"yyyy-MM-dd","out":"unix_ms"}`, `"2024-03-01"`, num("1709222400000")},
		{"date to unix_s in a zone", `{"op":"date","out":"unix_s","tz":"UTC"}`, `"2024-03-01"`, num("1709251200")},
		{"date from unix_ms", `{"op":"date","in":"unix_ms","out":"yyyy-MM-dd HH:mm"}`, `1709222400000`, "2024-03-01 00:00"},
		{"date from unix_s", `{"op":"date","in":["unix_s"]}`, `"1709222400"`, "2024-03-01"},
		{"date list of in", `{"op":"date","in":["yyyy年M月d日","dd.MM.yyyy"],"out":"yyyymmdd"}`, `"01.03.2024"`, "20240301"},
		{"date in Chinese", `{"op":"date","in":["yyyy年M月d日","dd.MM.yyyy"],"out":"yyyymmdd"}`, `"2024年3月1日"`, "20240301"},
		{"date Go style", `{"op":"date","in":"2006-01-02","out":"Jan 2, 2006"}`, `"2024-03-01"`, "Mar 1, 2024"},
		{"date open end", `{"op":"date"}`, `"至今"`, nil},
		{"date far future", `{"op":"date"}`, `"9999-12-31"`, nil},
		{"date keeps the wall clock on the day summer time began", `{"op":"date"}`, `"1986-05-04"`, "1986-05-04"},
		{"join", `{"op":"join"}`, `["a",1,"a"]`, "a,1,a"},
		{"join unique max", `{"op":"join","sep":"|","unique":true,"max":2}`, `["a","a","b","c"]`, "a|b"},
		{"join of one", `{"op":"join"}`, `"a"`, "a"},
		{"split", `{"op":"split","sep":";","unique":true}`, `"a;;b;a"`, []any{"a", "b"}},
		{"split max", `{"op":"split","max":1}`, `"a,b"`, []any{"a"}},
		{"concat", `{"op":"concat","parts":["<",{"field":["name"]},{"text":"/"},{"field":["number"]}]}`, `"v"`, "<N/7"},
		{"concat skips empty", `{"op":"concat","sep":"-","skip_empty":true,"parts":[{"field":["name"]},{"field":["mobile"]},{"field":["number"]}]}`, `"v"`, "N-7"},
		{"concat keeps empty places", `{"op":"concat","sep":"-","parts":[{"field":["name"]},{"field":["mobile"]},{"field":["number"]}]}`, `"v"`, "N--7"},
		{"concat without any field value leaves the value", `{"op":"concat","parts":["tel ",{"field":["mobile"]}]}`, `"v"`, "v"},
		{"concat builds from nothing", `{"op":"concat","parts":[{"field":["name"]}]}`, `""`, "N"},
		{"bind", `{"op":"bind","kind":"person"}`, `1002`, ref(orgflow.Person, "1002")},
		{"bind and join", `{"op":"bind","kind":"org"},{"op":"join"}`, `["1",2]`, ref(orgflow.Org, "1") + "," + ref(orgflow.Org, "2")},
		{"bind of 0 refers to nothing", `{"op":"bind","kind":"person"}`, `0`, nil},
		{"trim", `{"op":"trim"}`, `"\t a　"`, "a"},
		{"trim to nothing", `{"op":"trim"}`, `"  "`, nil},
		{"nothing is trimmed by itself", `{"op":"suffix","value":"."}`, `" a "`, " a ."},
		{"upper", `{"op":"upper"}`, `"aé"`, "AÉ"},
		{"lower per element", `{"op":"lower"}`, `["A","B"]`, []any{"a", "b"}},
		{"prefix", `{"op":"prefix","value":"E"}`, `7`, "E7"},
		{"replace", `{"op":"replace","old":"a","new":""}`, `"banana"`, "bnn"},
		{"substr", `{"op":"substr","start":1,"end":3}`, `"研发一部"`, "发一"},
		{"substr from the end", `{"op":"substr","start":-2}`, `"abcd"`, "cd"},
		{"substr to before the end", `{"op":"substr","end":-1}`, `"abcd"`, "abc"},
		{"substr beyond", `{"op":"substr","start":9}`, `"abcd"`, nil},
		{"pad", `{"op":"pad","width":5}`, `42`, "00042"},
		{"pad right", `{"op":"pad","width":3,"side":"right","value":"部"}`, `"a"`, "a部部"},
		{"pad of what is long enough", `{"op":"pad","width":1}`, `"ab"`, "ab"},
		{"mask", `{"op":"mask","start":3,"end":-4}`, `"10012345678"`, "100****5678"},
		{"digits", `{"op":"digits"}`, `"No. １2-3"`, "123"},
		{"phone national", `{"op":"phone"}`, `"+86 100-1234 5678"`, "10012345678"},
		{"phone 0086", `{"op":"phone"}`, `"0086(100)12345678"`, "10012345678"},
		{"phone 86 without a plus", `{"op":"phone"}`, `"8610012345678"`, "10012345678"},
		{"phone abroad", `{"op":"phone"}`, `"+852 1234 5678"`, "+85212345678"},
		{"phone of another home", `{"op":"phone","default_country":"852"}`, `"+852 1234 5678"`, "12345678"},
		{"phone as a number", `{"op":"phone"}`, `10012345678`, "10012345678"},
		{"case", `{"op":"case","cases":[{"when":{"field":["number"],"op":"eq","value":"7"},"then":"seven"}]}`, `"v"`, "seven"},
		{"case else", `{"op":"case","cases":[{"when":{"field":["number"],"op":"eq","value":8},"then":"x"}],"else":{"a":1}}`, `"v"`, map[string]any{"a": num("1")}},
		{"case without else leaves the value", `{"op":"case","cases":[{"when":{"field":["number"],"op":"eq","value":8},"then":"x"}]}`, `"v"`, "v"},
		{"case else null", `{"op":"case","cases":[{"when":{"field":["number"],"op":"eq","value":8},"then":"x"}],"else":null}`, `"v"`, nil},
		{"case builds from nothing", `{"op":"case","cases":[{"when":{"field":["number"],"op":"notempty"},"then":11}]}`, `null`, num("11")},
		{"cast", `{"op":"cast","to":"int"},{"op":"prefix","value":"n"}`, `"3.0"`, "n3"},
		{"others skip what is empty", `{"op":"prefix","value":"E"},{"op":"pad","width":5}`, `""`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, issues := sent(t, `{"key":"position","map":"x","transforms":[`+c.steps+`]}`,
				`{"name":"N","number":"7","position":`+c.value+`}`, TemplateOptions{})
			if diff := cmp.Diff(c.want, got); diff != "" || len(issues) > 0 {
				t.Errorf("issues %v (-want +got):\n%s", issues, diff)
			}
		})
	}
}

func TestTransformFailures(t *testing.T) {
	for name, c := range map[string]struct{ steps, value, message string }{
		"value_map error": {`{"op":"value_map","map":{"1":"M"},"on_miss":"error"}`, `"secret"`, "no code of value_map"},
		"date":            {`{"op":"date","in":"yyyy"}`, `"secret"`, "is no date"},
		"phone":           {`{"op":"phone"}`, `"secret"`, "no phone number"},
		"cast":            {`{"op":"cast","to":"int"}`, `"secret"`, "no int"},
		"upper an object": {`{"op":"upper"}`, `{"a":"secret"}`, "works on text"},
		"bind an object":  {`{"op":"bind","kind":"org"}`, `{"a":"secret"}`, "works on text"},
		"join objects":    {`{"op":"join"}`, `[{"a":"secret"}]`, "join takes"},
	} {
		t.Run(name, func(t *testing.T) {
			_, issues := sent(t, `{"key":"position","map":"x","transforms":[`+c.steps+`]}`, `{"position":`+c.value+`}`, TemplateOptions{})
			if len(issues) != 1 || !issues[0].Fatal || issues[0].Key != "position" || issues[0].Map != "x" ||
				!strings.Contains(issues[0].Message, c.message) || strings.Contains(issues[0].Message, "secret") {
				t.Errorf("issues %+v", issues)
			}
		})
	}
}

func TestLookup(t *testing.T) {
	find := func(model, by, value string) (map[string]any, bool, error) {
		switch {
		case model != "Grade" || by != "id":
			return nil, false, errors.New("unexpected lookup")
		case value == "1":
			return map[string]any{"name": "P5", "level": 5, "parent": map[string]any{"name": "P"}}, true, nil
		case value == "2":
			return map[string]any{"name": ""}, true, nil
		}
		return nil, false, nil
	}
	for name, c := range map[string]struct {
		args, value string
		want        any
		issues      int
		fatal       bool
	}{
		"found":                 {``, `1`, "P5", 0, false},
		"another field":         {`,"emit":"level"`, `1`, json.Number("5"), 0, false},
		"with parent":           {`,"with_parent":true`, `1`, "P&P5", 0, false},
		"missing warns":         {``, `3`, nil, 1, false},
		"empty counts as miss":  {``, `2`, nil, 1, false},
		"missing kept":          {`,"on_miss":"keep"`, `3`, json.Number("3"), 0, false},
		"missing is an error":   {`,"on_miss":"error"`, `3`, nil, 1, true},
		"failure is an error":   {`,"by":"code"`, `1`, nil, 1, true},
		"no value asks nothing": {``, `""`, nil, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, issues := sent(t, `{"key":"position","map":"x","transforms":[{"op":"lookup","model":"Grade"`+c.args+`}]}`,
				`{"position":`+c.value+`}`, TemplateOptions{Lookup: find})
			if diff := cmp.Diff(c.want, got); diff != "" || len(issues) != c.issues {
				t.Fatalf("issues %v (-want +got):\n%s", issues, diff)
			}
			if c.issues > 0 && (issues[0].Fatal != c.fatal || issues[0].Key != "position" || issues[0].Map != "x") {
				t.Errorf("issue %+v", issues[0])
			}
		})
	}
}

func TestConditions(t *testing.T) {
	for _, c := range []struct {
		when string
		want bool
	}{
		{`{"field":["status_id"],"op":"in","value":[2,7]}`, true},
		{`{"field":["status_id"],"op":"in","value":["2"]}`, true},
		{`{"field":["status_id"],"op":"notin","value":[2,7]}`, false},
		{`{"field":["status_id"],"op":"eq","value":2.0}`, true},
		{`{"field":["number"],"op":"eq","value":"7"}`, false},
		{`{"field":["number"],"op":"eq","value":7}`, true},
		{`{"field":["mobile"],"op":"eq","value":null}`, true},
		{`{"field":["mobile"],"op":"ne","value":"x"}`, true},
		{`{"field":["mobile"],"op":"notin","value":["x"]}`, true},
		{`{"field":["mobile"],"op":"empty"}`, true},
		{`{"field":["mobile"],"op":"notempty"}`, false},
		{`{"field":["mobile"],"op":"lt","value":5}`, false},
		{`{"field":["order"],"op":"notempty"}`, true},
		{`{"field":["status_id"],"op":"gt","value":1}`, true},
		{`{"field":["status_id"],"op":"gte","value":2}`, true},
		{`{"field":["status_id"],"op":"lt","value":"10"}`, true},
		{`{"field":["status_id"],"op":"lte","value":1.999}`, false},
		{`{"field":["entry_date"],"op":"gte","value":"2024-01-01"}`, true},
		{`{"field":["entry_date"],"op":"lt","value":5}`, false},
		{`{"field":["name"],"op":"prefix","value":"测"}`, true},
		{`{"field":["name"],"op":"match","value":"甲$"}`, true},
		{`{"field":["org_ids"],"op":"eq","value":"12"}`, true},
		{`{"field":["org_ids"],"op":"ne","value":"12"}`, false},
		{`{"field":["org_ids","0"],"op":"eq","value":"12"}`, false},
		{`{"field":["raw_only"],"op":"eq","value":1}`, true},
		{`{"all":[{"field":["name"],"op":"notempty"},{"field":["mobile"],"op":"notempty"}]}`, false},
		{`{"any":[{"field":["name"],"op":"notempty"},{"field":["mobile"],"op":"notempty"}]}`, true},
		{`{"not":{"field":["mobile"],"op":"notempty"}}`, true},
	} {
		t.Run(c.when, func(t *testing.T) {
			tpl := mustTemplate(t, `[{"key":"name","map":"x","required":true,"on_update":"clear","when":`+c.when+`}]`, TemplateOptions{})
			p, issues := tpl.Payload(recordOf(`{"name":"测试甲","number":"007","status_id":2,"order":0,"org_ids":["11","12"],"entry_date":"2024-03-01"}`, `{"raw_only":1}`))
			if _, got := p.Fields["x"]; got != c.want || len(issues) > 0 {
				t.Errorf("holds %v %v, want %v", got, issues, c.want)
			}
		})
	}
}

func TestOnUpdate(t *testing.T) {
	tpl := mustTemplate(t, `[{"key":"name","map":"skip","on_update":"skip"},{"key":"number","map":"send"},
	 {"key":"mobile","map":"clear","on_update":"clear"},{"key":"id_card","map":"custom","is_extattr":true,"on_update":"clear"},
	 {"key":"org_ids","map":"depts","on_update":"clear","type":"array"}]`, TemplateOptions{})
	p, _ := tpl.Payload(recordOf(`{"name":"n","org_ids":[]}`, `{}`))
	want := orgflow.Payload{
		Fields:     map[string]any{"skip": "n", "clear": nil, "depts": nil},
		Ext:        map[string]any{"custom": nil},
		CreateOnly: []string{"skip"},
		Sensitive:  []string{"clear", "custom"},
	}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReferencesPassDeclaredTypes(t *testing.T) {
	bind := `"transforms":[{"op":"bind","kind":"org"}]}`
	one, two := orgflow.Ref(orgflow.Org, "1"), orgflow.Ref(orgflow.Org, "2")
	for name, c := range map[string]struct {
		typ, value string
		want       any
	}{
		"int":          {`"int"`, `"1"`, one},
		"string":       {`"string"`, `"1"`, one},
		"array of int": {`"array","item_type":"int"`, `["1","2"]`, []any{one, two}},
		"array of one": {`"array","item_type":"int"`, `"1"`, []any{one}},
	} {
		t.Run(name, func(t *testing.T) {
			got, issues := sent(t, `{"key":"position","map":"x","max_length":1,"type":`+c.typ+`,`+bind, `{"position":`+c.value+`}`, TemplateOptions{})
			if diff := cmp.Diff(c.want, got); diff != "" || len(issues) > 0 {
				t.Errorf("issues %v (-want +got):\n%s", issues, diff)
			}
		})
	}
}

func TestMaxLengthCountsCharacters(t *testing.T) {
	entry := `{"key":"name","map":"x","max_length":3}`
	if got, issues := sent(t, entry, `{"name":"测试甲"}`, TemplateOptions{}); got != "测试甲" || len(issues) > 0 {
		t.Errorf("three characters: %v %v", got, issues)
	}
	_, issues := sent(t, entry, `{"name":"测试甲乙"}`, TemplateOptions{})
	if len(issues) != 1 || !issues[0].Fatal || !strings.Contains(issues[0].Message, "4 characters; allowed are 3") {
		t.Errorf("four characters: %+v", issues)
	}
}

func TestDateTransformIsNotRewrittenByADateType(t *testing.T) {
	got, issues := sent(t, `{"key":"entry_date","map":"x","type":"date","transforms":[{"op":"date","out":"yyyymmdd"}]}`, `{"entry_date":"2024-03-01"}`, TemplateOptions{})
	if got != "20240301" || len(issues) > 0 {
		t.Errorf("got %v %v", got, issues)
	}
}

func TestTraceShowsEveryStepAndMasks(t *testing.T) {
	s := mustStandard(t, orgflow.Person, fetchMeta, personStandard)
	lines, err := s.Trace(json.RawMessage(row))
	if err != nil {
		t.Fatal(err)
	}
	got := lines[3]
	if diff := cmp.Diff(TraceLine{Pointer: "/fields/3", Key: "mobile", Map: "mobile", Sensitive: true, From: "field",
		Source: "10****78", After: "10****78", Target: "10****78", Used: true}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if lines[4].Used || !lines[5].Used {
		t.Errorf("the second department entry supplies the value: %+v %+v", lines[4], lines[5])
	}
	rec, _ := s.Map(json.RawMessage(row))
	tpl := mustTemplate(t, template, TemplateOptions{})
	traced := tpl.Trace(rec)
	if diff := cmp.Diff(TraceLine{Pointer: "/fields/3", Key: "org_ids", Map: "dept_id_list", From: "field",
		Source: []any{"300"}, After: "@org:300", Target: "@org:300", Used: true}, traced[3]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if last := traced[5]; last.From != "key" || last.Target != "TE****01" || !last.IsExtattr {
		t.Errorf("the seed's entry: %+v", last)
	}
	if lines := tpl.Trace(recordOf(`{}`, `{}`)); !strings.Contains(lines[0].Note, "required") {
		t.Errorf("missing required: %+v", lines[0])
	}
	if _, err := s.Trace(json.RawMessage(`7`)); err == nil {
		t.Error("a row that is no object has no trace")
	}
}

func TestMask(t *testing.T) {
	for in, want := range map[string]string{"": "", "x": "****", "1234567": "****", "12345678": "12****78", "测试甲乙丙丁戊己": "测试****戊己"} {
		if got := Mask(in); got != want {
			t.Errorf("Mask(%q) = %q, want %q", in, got, want)
		}
	}
}
