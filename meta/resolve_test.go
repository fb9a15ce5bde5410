package meta_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
)

// metaFile is a minimal fetch meta; the marker tells files apart.
func metaFile(marker string) string {
	return fmt.Sprintf(`{"description": %q, "fields": [{"key": "id", "field": ["id"]}, {"key": "name", "field": ["name"]}]}`, marker)
}

// TestResolutionOrder follows spec § 3.2: state, then consumer and service,
// then the default list; in each the company's layer first; {} is absent.
func TestResolutionOrder(t *testing.T) {
	const (
		companyState   = "companies/129/Employee.meta.list.st.json"
		state          = "Employee.meta.list.st.json"
		companyService = "companies/129/Employee.meta.list.ding_talk_person_new.json"
		service        = "Employee.meta.list.ding_talk_person_new.json"
		companyList    = "companies/129/Employee.meta.list.json"
		list           = "Employee.meta.list.json"
	)
	order := []string{companyState, state, companyService, service, companyList, list}
	s := openWith(t, nil)
	job := decode(t, s, jobWith(`"person_new"`, ""))
	job.Params.ExtraProperty = map[string]json.RawMessage{"state": json.RawMessage(`"st"`)}
	for first := range order {
		for _, blank := range []string{"absent", "{}", " { } "} {
			files := map[string]string{}
			for i, path := range order {
				switch {
				case i >= first:
					files[path] = metaFile(path)
				case blank != "absent":
					files[path] = blank
				case i >= 2: // shipped, so it has to be blanked to be absent
					files[path] = "{}"
				}
			}
			t.Run(order[first]+" "+blank, func(t *testing.T) {
				r, err := openWith(t, files).Resolve(job)
				if first >= 2 { // the state was asked for by name
					_, found := problems(t, err)
					if len(found) != 1 || found[0].Pointer != "/params/extra_property/state" {
						t.Errorf("problems = %v", found)
					}
					stateless := job
					stateless.Params.ExtraProperty = nil
					r, err = openWith(t, files).Resolve(stateless)
				}
				if err != nil {
					t.Fatal(err)
				}
				used := ""
				for _, l := range r.Services[0].Chain {
					if l.Used && strings.Contains(l.Name, ".meta.") {
						used = l.Path
					}
				}
				if used != order[first] {
					t.Errorf("used %s, want %s", used, order[first])
				}
				if got, want := r.Services[0].MetaFile.SHA256, orgflow.Hash([]byte(metaFile(order[first]))); got != want {
					t.Error("the hash is not that of the file")
				}
			})
		}
	}
}

func TestNoFetchMetaAtAll(t *testing.T) {
	s := openWith(t, map[string]string{"Organization.meta.list.json": "{}"})
	_, err := s.DecodeJob([]byte(jobWith(`"org_new"`, "")))
	code, got := problems(t, err)
	want := `service "org_new" has no fetch meta file; looked for companies/129/Organization.meta.list.ding_talk_org_new.json, ` +
		`Organization.meta.list.ding_talk_org_new.json, companies/129/Organization.meta.list.json, Organization.meta.list.json`
	if code != orgflow.CodeInvalidJob || len(got) != 1 || got[0].Pointer != "/services/0" || got[0].Message != want {
		t.Errorf("%s %v", code, got)
	}
}

// A broken file anywhere in the chain is an error with its place, even where
// a later file would do.
func TestBrokenFilesNeverFallThrough(t *testing.T) {
	cases := []struct{ path, content, want string }{
		{"companies/129/Employee.meta.list.ding_talk_person_new.json", "{\n  \"fields\": [,]\n}",
			`companies/129/Employee.meta.list.ding_talk_person_new.json:2:14: is not valid JSON: a value, in double quotes if it is a text, must stand here (no comma before a closing bracket)`},
		{"Employee.meta.list.ding_talk_person_new.json", `{"model": "Employee"}`,
			`Employee.meta.list.ding_talk_person_new.json:1:1: must have a list "fields" (or "columns", not both)`},
		{"companies/129/HcmDingSyncService.person_new.json", `{"model": "Employee", "fields": [{"key": "name"}]}`,
			`companies/129/HcmDingSyncService.person_new.json:1:11: /model: unknown key "model"; allowed: "fields"`},
		{"base_sync_data.person_standard.json", `{"fields": [{"key": "id"}]}`,
			`base_sync_data.person_standard.json:1:13: /fields/0/type: is required`},
		{"companies/129/HcmDingSyncService.person_new.json", "{\"fields\": [\n {\"key\": \"name\"}]}",
			`companies/129/HcmDingSyncService.person_new.json:1:12: /fields: no entry fills "userid", which the consumer requires; add one with "map": "userid"`},
		{"companies/129/Employee.meta.list.ding_talk_person_new.json", `{"standard": "nope", "fields": [{"key": "id"}]}`,
			`companies/129/Employee.meta.list.ding_talk_person_new.json:1:14: /standard: standard format "nope" does not exist; looked for companies/129/nope.json, nope.json`},
		{"services.json", `{"person_new": {"model": "Employee"}}`, `services.json:1:16: /person_new/kind: is required`},
	}
	for _, c := range cases {
		t.Run(c.path, func(t *testing.T) {
			_, err := openWith(t, map[string]string{c.path: c.content}).DecodeJob([]byte(jobWith(`"person_new"`, "")))
			code, got := problems(t, err)
			if code != orgflow.CodeInvalidConfig || got[0].String() != c.want {
				t.Errorf("%s\n got %s\nwant %s", code, got[0], c.want)
			}
		})
	}
}

func TestAStateForOneModelIsEnough(t *testing.T) {
	s := openWith(t, nil)
	r, err := s.Resolve(decode(t, s, specJob))
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Services[0].MetaFile.Name; got != "Organization.meta.list.json" {
		t.Errorf("departments use %s", got)
	}
	if got := r.Services[1].MetaFile; got.Name != "Employee.meta.list.abcd.json" || got.Layer != "company" {
		t.Errorf("persons use %+v", got)
	}
}

func TestAliasesUseTheirOriginalsFiles(t *testing.T) {
	s := openWith(t, nil)
	for _, service := range []string{"person_sync", "person_edit", "person_del"} {
		r, err := s.Resolve(decode(t, s, jobWith(`"`+service+`"`, "")))
		if err != nil {
			t.Fatal(err)
		}
		got := r.Services[0]
		if got.MetaFile.Name != "Employee.meta.list.ding_talk_person_new.json" || got.TemplateFile.Name != "HcmDingSyncService.person_new.json" {
			t.Errorf("%s uses %s and %s", service, got.MetaFile.Name, got.TemplateFile.Name)
		}
	}
}

func TestAnAliasPrefersItsOwnFiles(t *testing.T) {
	s := openWith(t, map[string]string{"companies/129/Employee.meta.list.ding_talk_person_sync.json": metaFile("own")})
	r, err := s.Resolve(decode(t, s, jobWith(`"person_sync"`, "")))
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Services[0].MetaFile.Name; got != "Employee.meta.list.ding_talk_person_sync.json" {
		t.Errorf("used %s", got)
	}
	_, err = s.DecodeJob([]byte(jobWith(`"person_sync", "person_new"`, "")))
	code, found := problems(t, err)
	if code != orgflow.CodeInvalidJob || found[0].Pointer != "/services" || !strings.Contains(found[0].Message, "run them as two jobs") {
		t.Errorf("services of one kind that disagree: %s %v", code, found)
	}
}

func TestServicesComeInCanonicalOrder(t *testing.T) {
	s := openWith(t, nil)
	r, err := s.Resolve(decode(t, s, jobWith(`"org_del", "person_del", "person_sync", "person_new", "org_sync", "org_new"`, `"operations": ["delete", "insert"]`)))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, service := range r.Services {
		got = append(got, fmt.Sprint(service.Service.Name, service.Operations))
	}
	want := []string{"org_new[insert delete]", "org_sync[]", "person_new[insert delete]", "person_sync[]", "person_del[delete]", "org_del[delete]"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	person, ok := r.Kind(orgflow.Person)
	if !ok || fmt.Sprint(person.Operations) != "[insert delete]" || person.Service.Name != "person_new" {
		t.Errorf("persons: %v %v", person.Service.Name, person.Operations)
	}
}

func TestKindUnitesTheOperationsOfItsServices(t *testing.T) {
	s := openWith(t, nil)
	r, err := s.Resolve(decode(t, s, jobWith(`"person_del", "person_sync"`, "")))
	if err != nil {
		t.Fatal(err)
	}
	person, _ := r.Kind(orgflow.Person)
	if fmt.Sprint(person.Operations) != "[update delete]" {
		t.Errorf("operations = %v", person.Operations)
	}
	if _, ok := r.Kind(orgflow.Org); ok {
		t.Error("the job has no departments")
	}
}

func TestRequestMerge(t *testing.T) {
	files := map[string]string{"companies/129/Employee.meta.list.ding_talk_person_new.json": `{"api": "private.people", "filter_dict": {"a": 1, "b": 2},
		"filter_str": "x", "sorts": [{"key": "number"}], "page_size": 50, "only_list": false,
		"columns": [{"key": "id", "field": ["id"]}, {"key": "name", "field": ["name"], "when": {"field": ["job_info", "on_job"], "op": "eq", "value": 1}},
		            {"key": "org_ids", "field": ["departments", "*", "origin_id"]}]}`}
	s := openWith(t, files)
	r, err := s.Resolve(decode(t, s, jobWith(`"person_new"`, `"filter_dict": {"b": [3], "c": {"gte": 4}}`)))
	if err != nil {
		t.Fatal(err)
	}
	got := r.Services[0].Request
	filter := map[string]json.RawMessage{"a": json.RawMessage("1"), "b": json.RawMessage("[3]"), "c": json.RawMessage(`{"gte":4}`)}
	if diff := cmp.Diff(filter, got.FilterDict); diff != "" {
		t.Error(diff)
	}
	if got.Model != "Employee" || got.API != "private.people" || *got.FilterStr != "x" || string(got.Sorts) != `[{"key": "number"}]` || got.PageSize != 50 || *got.OnlyList {
		t.Errorf("request = %+v", got)
	}
	var paths []string
	for _, c := range got.Columns {
		paths = append(paths, strings.Join(c.Field, "."))
	}
	// Conditions need their fields, and the template reads identity_card
	// from the raw row where no standard key supplies it.
	if diff := cmp.Diff("id name departments.origin_id job_info.on_job identity_card", strings.Join(paths, " ")); diff != "" {
		t.Error(diff)
	}
}

func TestRequestDefaults(t *testing.T) {
	s := openWith(t, nil)
	r, err := s.Resolve(decode(t, s, jobWith(`"org_new"`, "")))
	if err != nil {
		t.Fatal(err)
	}
	got := r.Services[0].Request
	if got.API != "hcm.model.list" || got.FilterStr != nil || string(got.Sorts) != `[{"key":"id","type":"asc"}]` || got.PageSize != 500 || !*got.OnlyList || got.FilterDict != nil {
		t.Errorf("request = %+v", got)
	}
}

func TestWhomAFilterIsFor(t *testing.T) {
	cases := []struct{ name, services, filter, org, person string }{
		{"flat, both kinds: persons", `"org_new", "person_new"`, `{"a": 1}`, "", "a"},
		{"flat, departments only", `"org_new"`, `{"a": 1}`, "a", ""},
		{"flat, persons only", `"person_new"`, `{"a": 1}`, "", "a"},
		{"per service", `"org_new", "person_new"`, `{"org_new": {"a": 1}, "person_new": {"b": 1}}`, "a", "b"},
		{"per service, one only", `"org_new", "person_new"`, `{"org_new": {"a": 1}}`, "a", ""},
	}
	s := openWith(t, nil)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r, err := s.Resolve(decode(t, s, jobWith(c.services, `"filter_dict": `+c.filter)))
			if err != nil {
				t.Fatal(err)
			}
			got := map[orgflow.Kind]string{}
			for _, service := range r.Services {
				for key := range service.Request.FilterDict {
					got[service.Service.Kind] += key
				}
			}
			if got[orgflow.Org] != c.org || got[orgflow.Person] != c.person {
				t.Errorf("org %q, person %q", got[orgflow.Org], got[orgflow.Person])
			}
		})
	}
}

func TestFilterHashChangesWithWhatIsRead(t *testing.T) {
	hash := func(files map[string]string, params string) string {
		s := openWith(t, files)
		r, err := s.Resolve(decode(t, s, jobWith(`"person_new"`, params)))
		if err != nil {
			t.Fatal(err)
		}
		return r.Services[0].FilterHash
	}
	base := hash(nil, `"filter_dict": {"a": [1, 2], "b": {"gte": 1, "lte": 2}}`)
	if base != hash(nil, `"filter_dict": {"b": {"lte":2,"gte":1}, "a": [1,2]}, "mode": "full"`) {
		t.Error("spacing, key order or mode changed the hash")
	}
	for name, other := range map[string]string{
		"filter": hash(nil, `"filter_dict": {"a": [1]}`),
		"state":  hash(nil, `"filter_dict": {"a": [1, 2], "b": {"gte": 1, "lte": 2}}, "extra_property": {"state": "abcd"}`),
		"file": hash(map[string]string{"companies/129/Employee.meta.list.ding_talk_person_new.json": metaFile("x")},
			`"filter_dict": {"a": [1, 2], "b": {"gte": 1, "lte": 2}}`),
	} {
		if other == base {
			t.Errorf("another %s left the hash as it was", name)
		}
	}
}

func TestARunKeepsTheFilesItBeganWith(t *testing.T) {
	before := openWith(t, nil)
	r, err := before.Resolve(decode(t, before, specJob))
	if err != nil {
		t.Fatal(err)
	}
	after := openWith(t, map[string]string{
		"companies/129/Employee.meta.list.abcd.json": "{ broken", "HcmDingSyncService.org_new.json": "{}", "services.json": "[]",
	})
	thawed, err := after.Thaw(r.Frozen(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r.Files, thawed.Files); diff != "" {
		t.Error(diff)
	}
	for i, service := range thawed.Services {
		if diff := cmp.Diff(r.Services[i].Request, service.Request); diff != "" {
			t.Error(diff)
		}
		if service.FilterHash != r.Services[i].FilterHash || service.Standard == nil || service.Template == nil {
			t.Errorf("service %s did not come back", service.Service.Name)
		}
	}
	if string(thawed.Frozen()) != string(r.Frozen()) {
		t.Error("the frozen form changed")
	}
}

func TestThawingTwiceCompilesOnce(t *testing.T) {
	s := openWith(t, nil)
	r, err := s.Resolve(decode(t, s, specJob))
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.Thaw(r.Frozen(), nil)
	if err != nil || again != r {
		t.Errorf("%p, %p, %v", r, again, err)
	}
}

func TestThawRefusesChangedContents(t *testing.T) {
	s := openWith(t, nil)
	r, err := s.Resolve(decode(t, s, specJob))
	if err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string]string{
		"content": strings.Replace(string(r.Frozen()), "工号", "工資", 1),
		"version": strings.Replace(string(r.Frozen()), `"version":1`, `"version":9`, 1),
		"cut off": string(r.Frozen()[:100]),
	} {
		if _, err := s.Thaw([]byte(raw), nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestFrozenFilesHoldNoConnections(t *testing.T) {
	s := openWith(t, nil)
	r, err := s.Resolve(decode(t, s, specJob))
	if err != nil {
		t.Fatal(err)
	}
	if frozen := string(r.Frozen()); strings.Contains(frozen, "DINGTALK_APPSECRET") || strings.Contains(frozen, "hush") {
		t.Error("a connection stands in the frozen files")
	}
}
