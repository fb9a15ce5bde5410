package mapping

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
)

// entriesOf decodes entries as a meta file has them.
func entriesOf(t testing.TB, text string) []Entry {
	t.Helper()
	var list []Entry
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		t.Fatalf("entries: %v", err)
	}
	return list
}

const personStandard = `[
 {"key":"id","type":"string","required":true}, {"key":"name","type":"string","required":true},
 {"key":"number","type":"string"}, {"key":"mobile","type":"string","sensitive":true},
 {"key":"birthday","type":"date"}, {"key":"id_card","type":"string","sensitive":true},
 {"key":"org_ids","type":"array","item_type":"string"}, {"key":"position","type":"string"},
 {"key":"status_id","type":"int"}, {"key":"entry_date","type":"date"}, {"key":"manager_id","type":"string"},
 {"key":"order","type":"int"}, {"key":"ext","type":"object"}]`

const orgStandard = `[{"key":"id","type":"string","required":true},{"key":"name","type":"string","required":true},
 {"key":"parent_id","type":"string"},{"key":"order","type":"int"},{"key":"ext","type":"object"}]`

// fetchMeta is the fetch meta of HCM reference § 4.3, with the contract's
// departments-before-department rule.
const fetchMeta = `[
 {"key":"id","field":["id"],"required":true,"type":"string"},
 {"key":"name","field":["name"],"required":true,"type":"string"},
 {"key":"number","field":["number"],"required":true,"type":"string"},
 {"key":"mobile","field":["mobile"],"type":"string"},
 {"key":"org_ids","field":["departments","*","origin_id"],"type":"array","item_type":"string"},
 {"key":"org_ids","field":["department","origin_id"],"required":true,"type":"array","item_type":"string"},
 {"key":"position","field":["position","name"],"type":"string"},
 {"key":"status_id","field":["job_info","position_status_id"],"type":"int"},
 {"key":"entry_date","field":["job_info","begin_date"],"type":"date"},
 {"key":"id_card","map":"测试自定义字段","field":["identity_card"],"is_extattr":true,"required":false,"type":"string"}]`

// template is the target template of HCM reference § 4.4; its last entry is
// the seed's, unchanged.
const template = `[
 {"key":"number","map":"userid","field":["number"],"required":true,"type":"string"},
 {"key":"name","map":"name","field":["name"],"required":true,"type":"string","max_length":80},
 {"key":"mobile","map":"mobile","field":["mobile"],"required":true,"type":"string"},
 {"key":"org_ids","map":"dept_id_list","field":["org_ids"],"required":true,"type":"string",
  "transforms":[{"op":"bind","kind":"org"},{"op":"join","sep":","}]},
 {"key":"entry_date","map":"hired_date","field":["entry_date"],"required":false,"type":"int",
  "transforms":[{"op":"date","in":"2006-01-02","out":"unix_ms","tz":"Asia/Shanghai"}]},
 {"key":"id_card","map":"测试自定义字段","field":["identity_card"],"is_extattr":true,"required":false,"type":"string"}]`

const row = `{"id":7001,"name":"测试甲","number":"E0001","mobile":"10012345678","identity_card":"TEST-ID-0001",
 "department_id":310,"department":{"origin_id":300,"name":"研发部"},"position":{"origin_id":90,"name":"工程师"},
 "job_info":{"position_status_id":2,"on_job":1,"begin_date":"2024-03-01"}}`

func mustStandard(t testing.TB, kind orgflow.Kind, meta, standard string) *Standard {
	t.Helper()
	s, problems := CompileStandard(kind, entriesOf(t, meta), entriesOf(t, standard), "")
	if s == nil {
		t.Fatalf("problems: %v", problems)
	}
	return s
}

func mustTemplate(t testing.TB, entries string, opts TemplateOptions) *Template {
	t.Helper()
	tpl, problems := CompileTemplate(orgflow.Person, entriesOf(t, entries), entriesOf(t, personStandard), opts)
	if tpl == nil {
		t.Fatalf("problems: %v", problems)
	}
	return tpl
}

func TestReferenceExampleFromRowToPayload(t *testing.T) {
	rec, issues := mustStandard(t, orgflow.Person, fetchMeta, personStandard).Map(json.RawMessage(row))
	if len(issues) > 0 {
		t.Fatalf("issues: %v", issues)
	}
	want := map[string]string{"id": `"7001"`, "name": `"测试甲"`, "number": `"E0001"`, "mobile": `"10012345678"`,
		"org_ids": `["300"]`, "position": `"工程师"`, "status_id": `2`, "entry_date": `"2024-03-01"`, "id_card": `"TEST-ID-0001"`}
	if diff := cmp.Diff(want, textsOf(rec.Fields)); diff != "" {
		t.Errorf("standard record (-want +got):\n%s", diff)
	}
	if rec.SourceID != "7001" || string(rec.Raw) != row || rec.Kind != orgflow.Person {
		t.Errorf("record head: id %q kind %q", rec.SourceID, rec.Kind)
	}

	p, issues := mustTemplate(t, template, TemplateOptions{}).Payload(rec)
	if len(issues) > 0 {
		t.Fatalf("issues: %v", issues)
	}
	wantPayload := orgflow.Payload{
		Fields: map[string]any{"userid": "E0001", "name": "测试甲", "mobile": "10012345678",
			"dept_id_list": orgflow.Ref(orgflow.Org, "300"), "hired_date": json.Number("1709222400000")},
		Ext:       map[string]any{"测试自定义字段": "TEST-ID-0001"},
		Sensitive: []string{"mobile", "测试自定义字段"},
	}
	if diff := cmp.Diff(wantPayload, p); diff != "" {
		t.Errorf("payload (-want +got):\n%s", diff)
	}
}

func textsOf(fields map[string]json.RawMessage) map[string]string {
	out := make(map[string]string, len(fields))
	for k, v := range fields {
		out[k] = string(v)
	}
	return out
}

// mapped runs one fetch entry for key "position" (or whichever it names) and
// returns that standard value.
func mapped(t *testing.T, entry, fields string) (string, []Issue) {
	t.Helper()
	meta := `[{"key":"id","field":["id"]},{"key":"name","field":["name"]},` + entry + `]`
	s := mustStandard(t, orgflow.Person, meta, personStandard)
	rec, issues := s.Map(json.RawMessage(`{"id":1,"name":"n",` + fields + `}`))
	key := entriesOf(t, "["+entry+"]")[0].Key
	if v, ok := rec.Fields[key]; ok {
		return string(v), issues
	}
	var ext map[string]json.RawMessage
	if raw := rec.Fields["ext"]; raw != nil {
		if err := json.Unmarshal(raw, &ext); err != nil {
			t.Fatalf("ext: %v", err)
		}
	}
	return string(ext[key]), issues
}

func TestFieldPaths(t *testing.T) {
	for _, c := range []struct{ name, field, row, want string }{
		{"segments", `["a","b"]`, `"a":{"b":"x"}`, `"x"`},
		{"one dotted segment", `["a.b"]`, `"a":{"b":"x"}`, `"x"`},
		{"a flat column with a dot wins over the path", `["a.b"]`, `"a":{"b":"x"},"a.b":"flat"`, `"flat"`},
		{"an empty flat column does not", `["a.b"]`, `"a":{"b":"x"},"a.b":""`, `"x"`},
		{"number picks an element", `["a","1","b"]`, `"a":[{"b":"x"},{"b":"y"}]`, `"y"`},
		{"number beyond the list", `["a","2","b"]`, `"a":[{"b":"x"}]`, ``},
		{"number as an object's key", `["a","1"]`, `"a":{"1":"x"}`, `"x"`},
		{"a list gives its first element", `["a","b"]`, `"a":[{"b":"x"},{"b":"y"}]`, `"x"`},
		{"strictly the first", `["a","b"]`, `"a":[{},{"b":"y"}]`, ``},
		{"an empty list gives nothing", `["a","b"]`, `"a":[]`, ``},
		{"star collects all and leaves out what is empty", `["a","*","b"]`, `"a":[{"b":"x"},{"b":""},{"b":null},{},{"b":0}]`, `["x",0]`},
		{"star on what is no list counts it as one", `["a","*","b"]`, `"a":{"b":"x"}`, `["x"]`},
		{"two stars flatten", `["a","*","b","*"]`, `"a":[{"b":[1,2]},{"b":[3]}]`, `[1,2,3]`},
		{"star dotted", `["a.*.b"]`, `"a":[{"b":1},{"b":2}]`, `[1,2]`},
		{"star with nothing is no value", `["a","*","b"]`, `"a":[{},{}]`, ``},
		{"through a scalar", `["a","b","c"]`, `"a":{"b":"x"}`, ``},
		{"a whole object", `["a"]`, `"a":{"y":1,"x":[true,null]}`, `{"x":[true,null],"y":1}`},
		{"zero is a value", `["a"]`, `"a":0`, `0`},
		{"false is a value", `["a"]`, `"a":false`, `false`},
		{"empty text is none", `["a"]`, `"a":""`, ``},
		{"null is none", `["a"]`, `"a":null`, ``},
		{"a blank is a value", `["a"]`, `"a":" "`, `" "`},
		{"text is brought into NFC", `["a"]`, `"a":"e\u0301"`, `"é"`},
		{"quotes and control characters are escaped", `["a"]`, `"a":"\"\\\n"`, `"\"\\\u000a"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, issues := mapped(t, `{"key":"free","field":`+c.field+`}`, c.row)
			if got != c.want || len(issues) > 0 {
				t.Errorf("got %s %v, want %s", got, issues, c.want)
			}
		})
	}
}

func TestTypes(t *testing.T) {
	for _, c := range []struct{ typ, value, want, fault string }{
		{`"string"`, `7001`, `"7001"`, ""},
		{`"string"`, `7001.0`, `"7001"`, ""},
		{`"string"`, `9007199254740993`, `"9007199254740993"`, ""},
		{`"string"`, `true`, `"true"`, ""},
		{`"string"`, `["a"]`, ``, "is no string"},
		{`"int"`, `9007199254740993`, `9007199254740993`, ""},
		{`"int"`, `"3.0"`, `3`, ""},
		{`"int"`, `3.5`, ``, "has a fraction"},
		{`"int"`, `1e3`, `1000`, ""},
		{`"int"`, `1e999999999`, ``, "no int"},
		{`"int"`, `1e999`, ``, "more than 64 digits"},
		{`"int"`, `"007"`, `7`, ""},
		{`"int"`, `-0`, `0`, ""},
		{`"int"`, `"zwei"`, ``, "no int"},
		{`"int"`, `" 3"`, ``, "no int"},
		{`"int"`, `true`, ``, "no int"},
		{`"float"`, `1.50`, `1.5`, ""},
		{`"float"`, `0.1`, `0.1`, ""},
		{`"float"`, `-12.034e1`, `-120.34`, ""},
		{`"float"`, `1e-400`, `1e-400`, ""},
		{`"bool"`, `1`, `true`, ""},
		{`"bool"`, `"FALSE"`, `false`, ""},
		{`"bool"`, `"yes"`, ``, "no bool"},
		{`"date"`, `"2024-03-01 10:11:12"`, `"2024-03-01"`, ""},
		{`"date"`, `"2024/3/1"`, `"2024-03-01"`, ""},
		{`"date"`, `20240301`, `"2024-03-01"`, ""},
		{`"date"`, `"2024-02-29T20:00:00Z"`, `"2024-03-01"`, ""},
		{`"date"`, `"至今"`, ``, ""},
		{`"date"`, `"9999-12-31"`, ``, ""},
		{`"date"`, `"bald"`, ``, "no date"},
		{`"date"`, `"2024-02-30"`, ``, "no date"},
		{`"datetime"`, `"2024-03-01 10:11:12"`, `"2024-03-01T10:11:12+08:00"`, ""},
		{`"array"`, `"x"`, `["x"]`, ""},
		{`"array"`, `[]`, ``, ""},
		{`"array","item_type":"int"`, `["1",2.0,null,""]`, `[1,2]`, ""},
		{`"array","item_type":"int"`, `["1","x"]`, ``, "element 1"},
		{`"object"`, `{"a":1}`, `{"a":1}`, ""},
		{`"object"`, `"secret"`, ``, "no object"},
	} {
		t.Run(c.typ+" of "+c.value, func(t *testing.T) {
			got, issues := mapped(t, `{"key":"free","field":["v"],"type":`+c.typ+`}`, `"v":`+c.value)
			if c.fault != "" {
				if len(issues) != 1 || !issues[0].Fatal || issues[0].Key != "free" || !strings.Contains(issues[0].Message, c.fault) {
					t.Fatalf("issues %v, want one fatal with %q", issues, c.fault)
				}
				if strings.Contains(issues[0].Message, strings.Trim(c.value, `"`)) {
					t.Errorf("the message shows the value: %s", issues[0].Message)
				}
				return
			}
			if got != c.want || len(issues) > 0 {
				t.Errorf("got %s %v, want %s", got, issues, c.want)
			}
		})
	}
}

func TestStandardTypeCompletesTheEntry(t *testing.T) {
	got, issues := mapped(t, `{"key":"status_id","field":["s"],"type":"string"}`, `"s":"2.0"`)
	if got != `2` || len(issues) > 0 {
		t.Errorf("got %s %v", got, issues)
	}
}

func TestOrgParents(t *testing.T) {
	meta := `[{"key":"id","field":["origin_id"]},{"key":"id","field":["id"]},{"key":"name","field":["name"]},{"key":"parent_id","field":["parent_id"]}]`
	s := mustStandard(t, orgflow.Org, meta, orgStandard)
	for in, want := range map[string]string{`1`: "1", `"1"`: "1", `0`: "", `"0"`: "", `""`: "", `null`: ""} {
		rec, issues := s.Map(json.RawMessage(`{"id":12,"origin_id":11,"name":"研发部","parent_id":` + in + `}`))
		_, kept := rec.Fields["parent_id"]
		if rec.ParentID != want || kept != (want != "") || rec.SourceID != "11" || len(issues) > 0 {
			t.Errorf("parent_id %s: parent %q kept %v id %q issues %v", in, rec.ParentID, kept, rec.SourceID, issues)
		}
	}
}

func TestRejections(t *testing.T) {
	s := mustStandard(t, orgflow.Person, fetchMeta, personStandard)
	for name, c := range map[string]struct{ row, key, message, id string }{
		"no object":           {`[1]`, "", "no JSON object", ""},
		"no JSON":             {`{`, "", "no JSON object", ""},
		"no identity":         {`{"name":"n","number":"1","department":{"origin_id":1}}`, "id", "required", ""},
		"missing required":    {`{"id":1,"number":"1","department":{"origin_id":1}}`, "name", `required field "name"`, "1"},
		"first of two fails":  {`{"id":1,"name":"n","number":"1"}`, "org_ids", "required", "1"},
		"reserved characters": {`{"id":1,"name":"n\ue000","number":"1","department":{"origin_id":1}}`, "name", "reserved", "1"},
	} {
		t.Run(name, func(t *testing.T) {
			rec, issues := s.Map(json.RawMessage(c.row))
			if len(issues) != 1 || !issues[0].Fatal || issues[0].Key != c.key || !strings.Contains(issues[0].Message, c.message) {
				t.Errorf("issues %+v", issues)
			}
			if rec.SourceID != c.id {
				t.Errorf("source id %q, want %q", rec.SourceID, c.id)
			}
		})
	}
}

func TestFirstEntryOfAKeyWins(t *testing.T) {
	s := mustStandard(t, orgflow.Person, fetchMeta, personStandard)
	for in, want := range map[string]string{
		`"departments":[{"origin_id":11},{"origin_id":12}],"department":{"origin_id":9}`: `["11","12"]`,
		`"departments":[],"department":{"origin_id":9}`:                                  `["9"]`,
		`"department":{"origin_id":9}`:                                                   `["9"]`,
	} {
		rec, issues := s.Map(json.RawMessage(`{"id":1,"name":"n","number":"1",` + in + `}`))
		if got := string(rec.Fields["org_ids"]); got != want || len(issues) > 0 {
			t.Errorf("%s: got %s %v, want %s", in, got, issues, want)
		}
	}
}

func TestUnknownKeysGoToExtAndObjectsMerge(t *testing.T) {
	meta := `[{"key":"id","field":["id"]},{"key":"name","field":["name"]},
	 {"key":"u_level","field":["u_level"]},{"key":"ext.u_team","field":["team"]},
	 {"key":"ext","field":["one"]},{"key":"ext","field":["two"]}]`
	s := mustStandard(t, orgflow.Person, meta, personStandard)
	rec, issues := s.Map(json.RawMessage(`{"id":1,"name":"n","u_level":"P5","team":"T","one":{"a":1,"n":{"x":1}},"two":{"a":2,"b":3,"n":{"y":2}}}`))
	want := `{"a":1,"b":3,"n":{"x":1,"y":2},"u_level":"P5","u_team":"T"}`
	if got := string(rec.Fields["ext"]); got != want || len(issues) > 0 {
		t.Errorf("ext %s %v, want %s", got, issues, want)
	}
	tpl := mustTemplate(t, `[{"key":"ext.u_level","map":"a"},{"key":"u_team","map":"b"},{"key":"x","map":"c","field":["n","y"]}]`, TemplateOptions{})
	p, _ := tpl.Payload(rec)
	if diff := cmp.Diff(map[string]any{"a": "P5", "b": "T", "c": json.Number("2")}, p.Fields); diff != "" {
		t.Error(diff)
	}
}

func TestColumns(t *testing.T) {
	meta := `[{"key":"name","field":["name"]},{"key":"id","field":["origin_id"]},
	 {"key":"org_ids","field":["departments","*","origin_id"]},{"key":"org_ids","field":["department","origin_id"]},
	 {"key":"position","field":["position.name"],"when":{"all":[{"field":["job_info","on_job"],"op":"eq","value":1}]},
	  "transforms":[{"op":"concat","parts":["-",{"field":["level","0","name"]}]},{"op":"case","cases":[{"when":{"field":["flag"],"op":"empty"},"then":"x"}]}]}]`
	got := mustStandard(t, orgflow.Person, meta, personStandard).Columns()
	want := []Column{{"name", []string{"name"}}, {"id", []string{"origin_id"}},
		{"org_ids", []string{"departments", "origin_id"}}, {"org_ids", []string{"department", "origin_id"}},
		{"position", []string{"position.name"}},
		{"job_info.on_job", []string{"job_info", "on_job"}}, {"level.name", []string{"level", "name"}}, {"flag", []string{"flag"}},
		{"id", []string{"id"}}}
	byPath := func(a, b Column) int { return strings.Compare(strings.Join(a.Field, "."), strings.Join(b.Field, ".")) }
	slices.SortFunc(got, byPath)
	slices.SortFunc(want, byPath)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
}
