package meta_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/meta"
)

const seedJob = `{"services": ["person_new"], "consumer": "ding_talk", "company_id": 129,
 "params": {"extra_property": {"state": "abcd"},
            "filter_dict": {"job_info.position_status_id": [2, 7, 18, 19, 20, 21, 22, 25, 27, 14]}}}`

const specJob = `{"services": ["org_new", "person_new"], "consumer": "ding_talk", "company_id": 129,
 "params": {"extra_property": {"state": "abcd"},
            "filter_dict": {"job_info.position_status_id": [2, 7, 18, 19]}}}`

// job builds a job for company 129 and DingTalk with the given params.
func jobWith(services, params string) string {
	return `{"services": [` + services + `], "consumer": "ding_talk", "company_id": 129, "params": {` + params + `}}`
}

func TestJobsOfTheDocumentsAreAccepted(t *testing.T) {
	for name, raw := range map[string]string{"seed": seedJob, "specification": specJob, "no params": `{"services":["org_new"],"consumer":"ding_talk","company_id":129}`} {
		t.Run(name, func(t *testing.T) { decode(t, openWith(t, nil), raw) })
	}
}

func TestDefaultsAreFilledIn(t *testing.T) {
	job := decode(t, openWith(t, nil), jobWith(`"person_new"`, ""))
	want := orgflow.Params{
		Stages: []orgflow.Stage{orgflow.StageFetch, orgflow.StageSend}, Operations: []orgflow.Op{orgflow.Insert, orgflow.Update, orgflow.Delete},
		Mode: orgflow.Incremental, Approval: orgflow.ApprovalOnThreshold, DeleteLimit: &orgflow.DeleteLimit{Percent: 10, Count: 200},
		OnLimit: orgflow.LimitPark, MobileChange: orgflow.MobileRecreate, Scope: "default", OnRunning: orgflow.RunningFail,
	}
	if diff := cmp.Diff(want, job.Params); diff != "" {
		t.Error(diff)
	}
}

func TestAnUndoNeedsNoFilesAndFetchesNothing(t *testing.T) {
	s := openWith(t, map[string]string{"companies/129/HcmDingSyncService.person_new.json": `{"broken`})
	job := decode(t, s, jobWith(`"person_new"`, `"undo": "sync-1", "dry_run": true, "delete_limit": {"count": 5}`))
	if job.Has(orgflow.StageFetch) || !job.Has(orgflow.StageSend) || job.Params.Undo != "sync-1" || job.Params.DeleteLimit.Count != 5 {
		t.Errorf("%+v", job.Params)
	}
}

func TestADeleteLimitGivenInPartKeepsTheOtherDefault(t *testing.T) {
	s := openWith(t, nil)
	for params, want := range map[string]orgflow.DeleteLimit{
		`"delete_limit": {"percent": 0}`:             {Percent: 0, Count: 200},
		`"delete_limit": {"count": 5}`:               {Percent: 10, Count: 5},
		`"delete_limit": {}`:                         {Percent: 10, Count: 200},
		`"delete_limit": {"percent": 1, "count": 0}`: {Percent: 1, Count: 0},
	} {
		if got := decode(t, s, jobWith(`"person_new"`, params)).Params.DeleteLimit; *got != want {
			t.Errorf("%s: %+v, want %+v", params, *got, want)
		}
	}
}

func TestExtraPropertyIsPassedOnUnchanged(t *testing.T) {
	s := openWith(t, nil)
	job := decode(t, s, jobWith(`"person_new"`, `"extra_property": {"x": {"b": [1.50, null]}, "only_list": false}`))
	r, err := s.Resolve(job)
	if err != nil {
		t.Fatal(err)
	}
	got := r.Services[0].Request
	want := map[string]json.RawMessage{"x": json.RawMessage(`{"b":[1.50,null]}`), "only_list": json.RawMessage("false")}
	if diff := cmp.Diff(want, got.ExtraProperty); diff != "" {
		t.Error(diff)
	}
	if *got.OnlyList {
		t.Error("only_list of the job did not win")
	}
}

func TestRefusals(t *testing.T) {
	const services = `known: "org_del", "org_edit", "org_new", "org_reverse", "org_sync", "person_del", "person_edit", "person_new", "person_sync"`
	const plain = `must be a plain name (letters, digits, "_", at most 64), as it names the file <Model>.meta.list.<state>.json`
	const shape = `must be a value, a list of values, or an object of operators such as {"gte": …}`
	cases := []struct {
		name, job string
		want      []string // pointer: message
	}{
		{"unknown services", jobWith(`"person_new", "persn_new", "x"`, ""), []string{
			`/services/1: unknown service "persn_new"; ` + services + `; did you mean "person_new"?`,
			`/services/2: unknown service "x"; ` + services}},
		{"unknown consumer", `{"services":["org_new"],"consumer":"dingtalk","company_id":129}`, []string{
			`/consumer: unknown consumer "dingtalk"; known: "ai_guan_huai", "ding_talk", "emm_cloud", "scim", "we_com"; did you mean "ding_talk"?`}},
		{"company without configuration", `{"services":["org_new"],"consumer":"ding_talk","company_id":130}`, []string{
			`/company_id: company 130 has no configuration (companies/130/company.json); configured: 129`}},
		{"everything at once", `{"services":["nope"],"consumer":"nobody","company_id":1,"params":{"mode":"fast","extra_property":{"state":"../x"},"filter_dict":{"a":[]},"source_ids":[""]},"extra":1}`, []string{
			`/params/mode: must be one of "incremental", "full", "reconcile"`,
			`/params/source_ids/0: must not be empty`,
			`/extra: unknown key "extra"; allowed: "company_id", "consumer", "params", "services"`,
			`/company_id: company 1 has no configuration (companies/1/company.json); configured: 129`,
			`/consumer: unknown consumer "nobody"; known: "ai_guan_huai", "ding_talk", "emm_cloud", "scim", "we_com"`,
			`/services/0: unknown service "nope"; ` + services,
			`/params/extra_property/state: ` + plain,
			`/params/filter_dict/a: must not be an empty list: some gateways ignore it and answer every record; leave the key out instead`}},
		{"state that does not exist", jobWith(`"person_new"`, `"extra_property": {"state": "nope"}`), []string{
			`/params/extra_property/state: no fetch meta file for state "nope": "Employee.meta.list.nope.json" is absent or {}; put one into companies/129, or leave the state out`}},
		{"state that exists for no service", jobWith(`"person_new", "org_new"`, `"extra_property": {"state": "nope"}`), []string{
			`/params/extra_property/state: no fetch meta file for state "nope": "Employee.meta.list.nope.json", "Organization.meta.list.nope.json" are absent or {}; put one into companies/129, or leave the state out`}},
		{"state with a path", jobWith(`"person_new"`, `"extra_property": {"state": "../../etc/passwd"}`), []string{`/params/extra_property/state: ` + plain}},
		{"state with an ending", jobWith(`"person_new"`, `"extra_property": {"state": "abcd.json"}`), []string{`/params/extra_property/state: ` + plain}},
		{"empty state", jobWith(`"person_new"`, `"extra_property": {"state": ""}`), []string{`/params/extra_property/state: ` + plain}},
		{"state null", jobWith(`"person_new"`, `"extra_property": {"state": null}`), []string{`/params/extra_property/state: ` + plain}},
		{"state a number", jobWith(`"person_new"`, `"extra_property": {"state": 1}`), []string{`/params/extra_property/state: ` + plain}},
		{"fields given by the job", jobWith(`"person_new"`, `"extra_property": {"fields": []}`), []string{
			`/params/extra_property/fields: is made from the fetch meta file and cannot be given by a job; choose a file with "state" instead`}},
		{"filter with an object in a list", jobWith(`"person_new"`, `"filter_dict": {"a": [{"b": 1}], "c": {}}`), []string{
			`/params/filter_dict/a: ` + shape,
			`/params/filter_dict/c: must name an operator, such as {"gte": …}, or be left out`}},
		{"filter for a service not in the job", jobWith(`"person_new"`, `"filter_dict": {"org_new": {"a": 1}}`), []string{
			`/params/filter_dict/org_new: service "org_new" is not in /services of this job; allowed: "person_new"`}},
		{"filter half flat, half per service", jobWith(`"person_new"`, `"filter_dict": {"person_new": {"a": 1}, "b/c": 2}`), []string{
			`/params/filter_dict/b~1c: is no service, while other keys are; write either one flat filter or one filter per service: {"person_new": {…}}`}},
		{"filter of a service that is no object", jobWith(`"person_new"`, `"filter_dict": {"person_new": [1]}`), []string{
			`/params/filter_dict/person_new: must be the filter of service "person_new", an object`}},
		{"filter for a misspelt service", jobWith(`"person_new"`, `"filter_dict": {"persn_new": {"a": 1}}`), []string{
			`/params/filter_dict/persn_new: "persn_new" is neither a service nor likely a field; did you mean "person_new"?`}},
		{"source ids", jobWith(`"person_new"`, `"source_ids": ["2", "person:2", "org:2", "dept:2", "person:"]`), []string{
			`/params/source_ids/2: names a record of kind "org", which no service of this job moves; its kinds: "person"`,
			`/params/source_ids/3: has the unknown prefix "dept:"; allowed: "org:", "person:" or none`,
			`/params/source_ids/4: must name a record: "2", "person:2" or "org:2"`}},
		{"an undo with anything of its own", jobWith(`"person_new"`, `"undo": "sync-1", "mode": "full", "stages": ["send"], "extra_property": {"a": 1}`), []string{
			`/params/extra_property: cannot stand beside "undo": the undone run says which records change and how; beside it are allowed: approval, delete_limit, dry_run, mobile_change, on_limit, on_running, scope`,
			`/params/stages: cannot stand beside "undo": the undone run says which records change and how; beside it are allowed: approval, delete_limit, dry_run, mobile_change, on_limit, on_running, scope`,
			`/params/mode: cannot stand beside "undo": the undone run says which records change and how; beside it are allowed: approval, delete_limit, dry_run, mobile_change, on_limit, on_running, scope`}},
		{"an undo of nothing", jobWith(`"person_new"`, `"undo": ""`), []string{`/params/undo: must not be empty`}},
		{"operations that leave nothing", jobWith(`"person_del", "org_sync"`, `"operations": ["insert"]`), []string{
			`/params/operations: leaves nothing to do: "person_del", "org_sync" can run "update", "delete" only`}},
		{"not JSON", `{"services": ["person_new"], # services`, []string{`: is not valid JSON: comments are not allowed`}},
	}
	s := openWith(t, nil)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			job, err := s.DecodeJob([]byte(c.job))
			code, found := problems(t, err)
			if code != orgflow.CodeInvalidJob {
				t.Errorf("code = %s", code)
			}
			var got []string
			for _, p := range found {
				got = append(got, p.Pointer+": "+p.Message)
				if p.Line == 0 || p.Column == 0 {
					t.Errorf("%s has no place", p.Pointer)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if len(job.Services) > 0 {
				t.Error("a refused job was returned")
			}
		})
	}
}

func TestAConsumerWithoutTemplateIsRefused(t *testing.T) {
	s := openWith(t, map[string]string{"BaseSyncEmmCloudService.person_new.json": "{}", "companies/7/company.json": `{"company_id": 7, "source": {"type": "file", "dir": "d"},
		"consumers": {"emm_cloud": {"base_url": "u"}}}`})
	_, err := s.DecodeJob([]byte(`{"services":["person_sync"],"consumer":"emm_cloud","company_id":7}`))
	_, got := problems(t, err)
	want := `service "person_sync" has no template for consumer "emm_cloud"; looked for companies/7/BaseSyncEmmCloudService.person_sync.json, ` +
		`BaseSyncEmmCloudService.person_sync.json, companies/7/BaseSyncEmmCloudService.person_new.json, BaseSyncEmmCloudService.person_new.json; put one there, or choose another consumer`
	if len(got) != 1 || got[0].Pointer != "/services/0" || got[0].Message != want {
		t.Errorf("problems = %v", got)
	}
	fetch := `{"services":["person_sync"],"consumer":"emm_cloud","company_id":7,"params":{"stages":["fetch"]}}`
	if _, err := s.DecodeJob([]byte(fetch)); err != nil {
		t.Errorf("a job that only fetches needs no template: %v", err)
	}
}

func TestAConsumerTheCompanyHasNotIsRefused(t *testing.T) {
	s := openWith(t, map[string]string{"companies/7/company.json": `{"company_id": 7, "source": {"type": "file", "dir": "d"}, "consumers": {"scim": {"base_url": "u"}}}`})
	_, err := s.DecodeJob([]byte(`{"services":["person_new"],"consumer":"we_com","company_id":7}`))
	_, got := problems(t, err)
	want := `company 7 has no connection to consumer "we_com" in companies/7/company.json; it has: "scim"`
	if len(got) != 1 || got[0].Pointer != "/consumer" || got[0].Message != want {
		t.Errorf("problems = %v", got)
	}
}

func TestAConsumerWithoutConnectorIsRefused(t *testing.T) {
	s := openWith(t, nil, meta.WithConnectors("we_com"))
	_, err := s.DecodeJob([]byte(seedJob))
	_, got := problems(t, err)
	if len(got) != 1 || got[0].Pointer != "/consumer" || got[0].Message != `this build has no connector for consumer "ding_talk"; it has: "we_com"` {
		t.Errorf("problems = %v", got)
	}
}

func TestACompanyWithoutSourceCannotFetch(t *testing.T) {
	s := openWith(t, map[string]string{"companies/7/company.json": `{"company_id": 7,
		"consumers": {"ding_talk": {"base_url": "u", "api_base_url": "u", "appkey": "k", "appsecret": "s"}}}`})
	_, err := s.DecodeJob([]byte(`{"services":["org_new"],"consumer":"ding_talk","company_id":7}`))
	_, got := problems(t, err)
	if len(got) != 1 || got[0].Pointer != "/company_id" || !strings.Contains(got[0].Message, `has no "source"`) {
		t.Errorf("problems = %v", got)
	}
	if _, err := s.DecodeJob([]byte(`{"services":["org_new"],"consumer":"ding_talk","company_id":7,"params":{"stages":["send"]}}`)); err != nil {
		t.Errorf("sending needs no source: %v", err)
	}
}

func TestABrokenCompanyFileIsNotTheJobsFault(t *testing.T) {
	s := openWith(t, map[string]string{"companies/129/company.json": "{\n \"company_id\": 129,,\n}"})
	_, err := s.DecodeJob([]byte(seedJob))
	code, got := problems(t, err)
	if code != orgflow.CodeInvalidConfig || len(got) != 1 || got[0].File != "companies/129/company.json" || got[0].Line != 2 || got[0].Column != 20 {
		t.Errorf("%s %+v", code, got)
	}
}

func FuzzDecodeJob(f *testing.F) {
	s := openWith(f, nil)
	for _, seed := range []string{seedJob, specJob, "", "{}", "[]", "null", `{"params":{"delete_limit":{}}}`, `{"services":["org_new"],"consumer":"ding_talk","company_id":1e5}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		job, err := s.DecodeJob(raw)
		if err != nil {
			if _, found := problems(t, err); len(found) == 0 {
				t.Errorf("refused without a problem: %q", raw)
			}
			return
		}
		if job.CompanyID != 129 || job.Consumer != "ding_talk" || len(job.Services) == 0 || job.Params.Mode == "" {
			t.Errorf("accepted %+v", job)
		}
		again, err := json.Marshal(job)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.DecodeJob(again); err != nil {
			t.Errorf("a decoded job is refused when it comes again: %v", err)
		}
	})
}
