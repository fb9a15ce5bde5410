package schemas_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/schemas"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Each case is a document with one or more mistakes; the golden file holds
// what the user is told.
var messageCases = []struct{ name, kind, doc string }{
	{"empty file", schemas.Job, ""},
	{"not an object", schemas.Job, `[1]`},
	{"empty object", schemas.Job, `{}`},
	{"comment as in the platform's sample", schemas.Job, "{\n  \"services\": [\"person_new\"],   # services\n}"},
	{"missing comma", schemas.Job, "{\"services\": [\"a\"]\n \"consumer\": \"x\"}"},
	{"comma before brace", schemas.Job, `{"services": ["a"],}`},
	{"comma before bracket", schemas.Job, `{"services": ["a",]}`},
	{"unfinished", schemas.Job, `{"services": ["a"`},
	{"single quotes", schemas.Job, `{'services': []}`},
	{"line break in a text", schemas.Job, "{\"a\": \"b\nc\"}"},
	{"trailing garbage", schemas.Job, `{"services":["a"],"consumer":"x","company_id":1} {}`},
	{"invalid UTF-8", schemas.Job, "{\"consumer\": \"\xff\"}"},
	{"duplicate keys", schemas.Job, "{\"services\":[\"a\"],\n\"consumer\":\"x\",\"company_id\":1,\n\"consumer\":\"y\"}"},
	{"duplicate keys deep inside", schemas.Job, `{"services":["a"],"consumer":"x","company_id":1,"params":{"extra_property":{"a/b":1,"a/b":2}}}`},
	{"too deep", schemas.Job, strings.Repeat("[", 150) + strings.Repeat("]", 150)},
	{"unknown keys", schemas.Job, `{"services":["a"],"consumer":"x","company":129,"params":{"modee":"full","zzz":1}}`},
	{"wrong enum", schemas.Job, `{"services":["a"],"consumer":"x","company_id":1,"params":{"mode":"fulll","stages":["send","fetsh"],"approval":7}}`},
	{"wrong types", schemas.Job, `{"services":"a","consumer":1,"company_id":"129","params":[]}`},
	{"company 1.5", schemas.Job, `{"services":["a"],"consumer":"x","company_id":1.5}`},
	{"company 0", schemas.Job, `{"services":["a"],"consumer":"x","company_id":0}`},
	{"null", schemas.Job, `{"services":["a"],"consumer":"x","company_id":1,"params":{"mode":null,"dry_run":null}}`},
	{"empty lists", schemas.Job, `{"services":[],"consumer":"","company_id":1,"params":{"stages":[],"source_ids":[]}}`},
	{"repeated entries", schemas.Job, `{"services":["a","b","a"],"consumer":"x","company_id":1}`},
	{"limits", schemas.Job, `{"services":["a"],"consumer":"x","company_id":1,"params":{"delete_limit":{"percent":101,"count":-1,"counts":3}}}`},
	{"numbers that would fill the memory", schemas.Job, `{"services":["a"],"consumer":"x","company_id":1e999999999,"params":{"extra_property":{"x":1e-99999999999999999999}}}`},
	{"scope", schemas.Job, `{"services":["a"],"consumer":"x","company_id":1,"params":{"scope":"../x"}}`},
	{"source ids as numbers", schemas.Job, `{"services":["a"],"consumer":"x","company_id":1,"params":{"source_ids":[2]}}`},
	{"services: kind and name", schemas.Services, `{"Person":{},"person":{"model":"9x","kind":"human","standard":"","operations":["upsert"]}}`},
	{"fetch meta: neither fields nor columns", schemas.FetchMeta, `{"model":"Employee"}`},
	{"fetch meta: both", schemas.FetchMeta, `{"fields":[{"key":"id"}],"columns":[{"key":"id"}]}`},
	{"fetch meta: entries", schemas.FetchMeta, `{"fields":[{"key":"id","fields":["id"]},{"field":["x"],"type":"text"},{"key":"y","field":"y","is_extatr":true}]}`},
	{"fetch meta: transforms", schemas.FetchMeta, `{"fields":[{"key":"id","transforms":[{"op":"trimm"},{"opp":"trim"},{"op":"bind","kind":"dept"},{"op":"date","in":1}]}]}`},
	{"fetch meta: conditions", schemas.FetchMeta, `{"fields":[{"key":"a","when":{"op":"eq"}},{"key":"b","when":{"all":[{"field":["x"],"op":"equals"}]}},{"key":"d","when":{"op":"eq","value":1}},{"key":"c","when":{"all":[],"any":[{"field":["x"],"op":"eq"}]}}]}`},
	{"template: only fields", schemas.Template, `{"model":"Employee","fields":[{"key":"a"}]}`},
	{"template: no fields", schemas.Template, `{"fields":[]}`},
	{"standard", schemas.Standard, `{"fields":[{"key":"id"},{"key":"n","type":"text","map":"x"}]}`},
	{"company: unknown source", schemas.Company, `{"company_id":1,"source":{"type":"hmc"}}`},
	{"company: keys of the source type", schemas.Company, `{"company_id":1,"source":{"type":"file","dir":"x","base_url":"y"}}`},
	{"company: auth", schemas.Company, `{"company_id":1,"source":{"type":"hcm","base_url":"y","auth":{"mode":"basic","tokn":"hush"}}}`},
	{"company: consumer", schemas.Company, `{"company_id":1,"consumers":{"ding_talk":{"base_url":"b","appkey":"k","app_secret":"hush","qps":-1,"root":"mapp"},"Other":{}}}`},
	{"schedule: neither", schemas.Schedule, `{"id":"a","job":{}}`},
	{"schedule: both", schemas.Schedule, `{"id":"a b","cron":"* * * * *","calendar":[{"hour":2}],"job":{},"catchup_window":"10 minutes"}`},
	{"schedule: calendar", schemas.Schedule, `{"id":"a","calendar":[{"hour":true,"weekday":1}],"job":{},"overlap":"queue"}`},
	{"form: names", schemas.Form, `{"form_id":"A\";DROP TABLE x;--","date_feild":"FDate","key":"F ID","fields":["FA","FA"],"types":{"FA":"number"}}`},
	{"form: numbers", schemas.Form, `{"form_id":"A","date_field":"FDate","date_kind":"created","page_size":20000,"windows":{"window_days":0,"create_years":"2"},"organisations":{"field":"FOrg","values":[]},"entries":[{}]}`},
	{"load", schemas.Load, `{"company_id":"129","form":"A","kind":"creat","deep":1}`},
	{"flow: document", schemas.FlowDef, `{"schema":"flow-def/2","flowcode":"a","flowCode":"a b","name":"","form":{"board":"b","table":"a;b"},"nodes":[],"vars":{"a-b":null},"admins":["boss"]}`},
	{"flow: nodes", schemas.FlowDef, `{"schema":"flow-def/1","flowCode":"a","name":"A","form":{"board":"b"},"nodes":[{"type":"start"},{"seq":-1,"type":"approval"},{"seq":1,"type":"start","next":[]},{"seq":2,"type":"cc","approvers":[]},{"seq":3,"type":"end","next":[{"to":1}]}]}`},
	{"flow: rules and signs", schemas.FlowDef, `{"schema":"flow-def/1","flowCode":"a","name":"A","form":{"board":"b"},"nodes":[{"seq":1,"type":"approve","next":[{"to":0,"wen":"x"}],"approvers":[{"by":"manager"},{"by":"user"},{"by":"role","users":["E1"]},{"by":"supervisorChain","to":"bottom"}],"sign":{"mode":"vote","pass":{"percent":0,"weights":{"E1":0}},"ties":"pass"},"onReject":{"to":"start"},"approverMissing":{"do":"pass","users":["E1"]},"timeouts":[{"after":"24h","do":"remind"},{"after":"PT0S","do":"nudge"}],"notify":{"onTask":{"channels":["dingtalk","wecom"],"to":["boss"]},"onApproved":{}}}]}`},
	{"flow: sign without mode", schemas.FlowDef, `{"schema":"flow-def/1","flowCode":"a","name":"A","form":{"board":"b"},"policy":{"approverMissing":{"do":"toUsers"},"relaunch":{"from":["APPROVED"]}},"nodes":[{"seq":1,"type":"handle","next":[{"to":2}],"approvers":[{"by":"initiator"}],"sign":{"early":true},"onReject":{"to":"end"}},{"seq":2,"type":"trigger","http":{"url":"ftp://x","method":"GET"},"next":[{"to":3}]}]}`},
	{"unknown kind", "jobs", `{}`},
}

func TestMessages(t *testing.T) {
	var b strings.Builder
	for _, c := range messageCases {
		fmt.Fprintf(&b, "# %s\n", c.name)
		problems := schemas.Validate(c.kind, c.kind+".json", []byte(c.doc))
		if len(problems) == 0 {
			t.Errorf("%s: no problem found", c.name)
		}
		for _, p := range problems {
			fmt.Fprintln(&b, p)
			if strings.Contains(p.Message, "hush") {
				t.Errorf("%s: a value of the document stands in the message", c.name)
			}
		}
	}
	golden := filepath.Join("testdata", "messages.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("messages changed; if on purpose run with -update\n%s", diff)
	}
}

func TestValidDocuments(t *testing.T) {
	cases := map[string]struct{ kind, doc string }{
		"the specification's job": {schemas.Job, `{"services": ["org_new", "person_new"], "consumer": "ding_talk", "company_id": 129,
			"params": {"extra_property": {"state": "abcd"}, "filter_dict": {"job_info.position_status_id": [2, 7, 18, 19]}}}`},
		"byte order mark":            {schemas.Job, "\xEF\xBB\xBF" + `{"services":["a"],"consumer":"x","company_id":1}`},
		"anything in extra_property": {schemas.Job, `{"services":["a"],"consumer":"x","company_id":1,"params":{"extra_property":{"a":{"b":[null,1.5]}}}}`},
		"the seed's entry": {schemas.FetchMeta, `{"fields":[{"key": "id_card", "map": "测试自定义字段", "field": ["identity_card"],
			"is_extattr": true, "required": false, "type": "string"}]}`},
		"the contract's company": {schemas.Company, contractCompany},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := schemas.Validate(c.kind, "", []byte(c.doc)); len(got) > 0 {
				t.Errorf("problems: %v", got)
			}
		})
	}
}

const contractCompany = `{"company_id": 129, "name": "示例公司", "time_zone": "Asia/Shanghai",
 "source": {"type": "hcm", "base_url": "http://127.0.0.1:9090/hcm", "auth": {"mode": "bearer", "token": "${HCM_TOKEN}"}, "page_size": 500},
 "consumers": {
   "ding_talk":    {"base_url": "https://oapi.dingtalk.com", "api_base_url": "https://api.dingtalk.com", "api": "v2",
                    "corp_id": "…", "agent_id": "…", "appkey": "${DINGTALK_APPKEY}", "appsecret": "${DINGTALK_APPSECRET}",
                    "root_department_id": 1, "qps": 18},
   "we_com":       {"base_url": "https://qyapi.weixin.qq.com", "corpid": "…", "corpsecret": "${WECOM_CORPSECRET}", "root_department_id": 1, "qps": 30},
   "ai_guan_huai": {"base_url": "…", "corp_id": "…", "partner_id": "…", "signing": {"preset": "none"}, "push": "incremental"},
   "emm_cloud":    {"base_url": "…", "settings": {}}},
 "erp": {"type": "kingdee", "base_url": "…", "acct_id": "…", "username": "…", "password": "${K3_PASSWORD}"},
 "roles": {"flow_admin": ["E1"], "finance": ["E5", "E6"]},
 "notify": {"channels": ["ding_talk", "we_com"]}}`

// The documentation is made from the descriptions, so none may be missing.
func TestEveryPropertyIsDescribed(t *testing.T) {
	for _, kind := range append(schemas.Kinds(), "entry") {
		raw, err := schemas.Source(kind)
		if err != nil {
			t.Fatal(err)
		}
		var doc any
		if err := json.Unmarshal(raw, &doc); err != nil {
			t.Fatal(err)
		}
		describe(t, kind, doc)
	}
}

func describe(t *testing.T, at string, node any) {
	object, ok := node.(map[string]any)
	if !ok {
		return
	}
	properties, _ := object["properties"].(map[string]any)
	condition := strings.HasSuffix(at, "/if") // tests a value, describes none
	for name, property := range properties {
		p, _ := property.(map[string]any)
		if d, _ := p["description"].(string); d == "" && !condition {
			t.Errorf("%s/properties/%s has no description", at, name)
		}
		describe(t, at+"/properties/"+name, property)
	}
	for key, child := range object {
		if key == "properties" {
			continue
		}
		if list, ok := child.([]any); ok {
			for i, c := range list {
				describe(t, fmt.Sprintf("%s/%s/%d", at, key, i), c)
			}
			continue
		}
		describe(t, at+"/"+key, child)
	}
}

func TestDecodeKeepsNumbers(t *testing.T) {
	var got map[string]any
	raw := []byte(`{"services":["a"],"consumer":"x","company_id":9007199254740991}`)
	if problems := schemas.Decode(schemas.Job, "", raw, &got); len(problems) > 0 {
		t.Fatal(problems)
	}
	if got["company_id"] != json.Number("9007199254740991") {
		t.Errorf("company_id = %v", got["company_id"])
	}
}

func TestDecodeRefusesWholeNumbersWithAPoint(t *testing.T) {
	var job orgflow.Job
	got := schemas.Decode(schemas.Job, "", []byte(`{"services":["a"],"consumer":"x","company_id":129.0}`), &job)
	want := []orgflow.Problem{{Line: 1, Column: 47, Pointer: "/company_id", Message: "must be a whole number, written without point and exponent"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAt(t *testing.T) {
	raw := []byte("{\n  \"部门\": {\"a\": 1, \"b~c\": [true, false]}\n}")
	cases := map[string]struct{ line, column int }{
		"":               {1, 1},
		"/部门/a":          {2, 15},
		"/部门/b~0c/1":     {2, 32},
		"/部门/missing/xs": {2, 9},
	}
	for pointer, want := range cases {
		p := schemas.At("f.json", raw, pointer, "m")
		if p.Line != want.line || p.Column != want.column || p.Pointer != pointer || p.File != "f.json" {
			t.Errorf("At(%q) = %+v, want %d:%d", pointer, p, want.line, want.column)
		}
	}
}

func TestProblemsAreBounded(t *testing.T) {
	var b strings.Builder
	for i := range 300 {
		fmt.Fprintf(&b, `,"k%d":1`, i)
	}
	got := schemas.Validate(schemas.Job, "", []byte(`{"services":["a"],"consumer":"x","company_id":1`+b.String()+`}`))
	if len(got) != 101 || got[100].Message != "and 200 more problems; correct these first" {
		t.Errorf("%d problems, last %q", len(got), got[len(got)-1].Message)
	}
}

func TestDidYouMean(t *testing.T) {
	allowed := []string{"mode", "scope", "dry_run", "ding_talk"}
	cases := map[string]string{
		"modee": `; did you mean "mode"?`, "dingtalk": `; did you mean "ding_talk"?`, "MODE": `; did you mean "mode"?`,
		"socpe": `; did you mean "scope"?`, "xyz": "", "": "",
	}
	for got, want := range cases {
		if s := schemas.DidYouMean(got, allowed); s != want {
			t.Errorf("DidYouMean(%q) = %q, want %q", got, s, want)
		}
	}
}

func FuzzValidate(f *testing.F) {
	for _, c := range messageCases {
		f.Add(c.kind, []byte(c.doc))
	}
	f.Fuzz(func(t *testing.T, kind string, raw []byte) {
		problems := schemas.Validate(kind, "f", raw)
		for _, p := range problems {
			if p.Message == "" || p.Line < 0 || (p.Line > 0 && p.Column < 1) {
				t.Errorf("unusable problem %+v", p)
			}
		}
		if len(problems) == 0 && !json.Valid(trim(raw)) {
			t.Errorf("accepted invalid JSON %q", raw)
		}
	})
}

func trim(raw []byte) []byte { return []byte(strings.TrimPrefix(string(raw), "\xEF\xBB\xBF")) }
