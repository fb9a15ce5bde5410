package meta_test

import (
	"slices"
	"strings"
	"testing"

	"orgflow"
	"orgflow/meta"
)

const (
	hrHub = `{"service_class": "HubService", "auth": {"kind": "none"}, "answer": {},
  "person": {"fields": {"no": {"required": true}, "name": {}}, "profile": {"name": "name"}}}`
	hrHubCompany = `{"company_id": 7, "source": {"type": "file", "dir": "d"}, "consumers": {"hr_hub": {"base_url": "u"}}}`
	hrHubJob     = `{"services":["person_new"],"consumer":"hr_hub","company_id":7}`
)

// A file in the company's layer is a consumer.
func TestADefinitionMakesAConsumer(t *testing.T) {
	files := map[string]string{
		"companies/7/company.json":               hrHubCompany,
		"companies/7/hr_hub.consumer.json":       hrHub,
		"companies/7/HubService.person_new.json": `{"fields": [{"key": "number", "map": "no", "field": ["number"], "required": true}]}`,
	}
	s := openWith(t, files, meta.WithConnectors("ding_talk"))
	job, err := s.DecodeJob([]byte(hrHubJob))
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Resolve(job)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(r.Files, func(f orgflow.UsedFile) bool { return f.Name == "hr_hub.consumer.json" && f.Layer == meta.LayerCompany }) {
		t.Errorf("the run does not show its definition: %+v", r.Files)
	}
	company, err := s.Company(7)
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := company.Definition("hr_hub"); err != nil || string(raw) != hrHub {
		t.Errorf("%s, %v", raw, err)
	}
	for _, name := range []string{"ding_talk", "../7/hr_hub", ""} {
		if raw, err := company.Definition(name); raw != nil || err != nil {
			t.Errorf("%q: %s, %v", name, raw, err)
		}
	}
	files["companies/7/HubService.person_new.json"] = `{"fields": [{"key": "name", "map": "name", "field": ["name"]}]}`
	if got := openWith(t, files).Lint(7); !slices.ContainsFunc(got, func(p orgflow.Problem) bool { return strings.Contains(p.String(), `"no"`) }) {
		t.Errorf("a template that leaves a required field out passes: %v", got)
	}
}

func TestABrokenDefinitionIsPointedAt(t *testing.T) {
	files := map[string]string{
		"companies/7/company.json":         hrHubCompany,
		"companies/7/hr_hub.consumer.json": "{\"auth\": {\"kind\": \"oauth\"},\n\"answer\": {\"succes\": 1}}",
	}
	complain := func([]byte) []orgflow.Problem {
		return []orgflow.Problem{{Pointer: "/person/insert", Message: "must say what happens after a lost answer"}}
	}
	s := openWith(t, files, meta.WithDefinitions(complain))
	var got []string
	for _, p := range s.Lint(7) {
		got = append(got, p.String())
	}
	for _, want := range []string{"hr_hub.consumer.json:1:19: /auth/kind", "hr_hub.consumer.json:2:22: /answer/succes", "/service_class: is required"} {
		if !slices.ContainsFunc(got, func(p string) bool { return strings.Contains(p, want) }) {
			t.Errorf("%q is not in %v", want, got)
		}
	}
	files["companies/7/hr_hub.consumer.json"] = hrHub
	s = openWith(t, files, meta.WithDefinitions(complain))
	company, err := s.Company(7)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := company.Definition("hr_hub"); err == nil || !strings.Contains(err.Error(), "hr_hub.consumer.json:2:13: /person/insert") {
		t.Errorf("the program's own check is not asked, or its place is lost: %v", err)
	}
}
