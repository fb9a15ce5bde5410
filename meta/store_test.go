package meta_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"orgflow"
	"orgflow/meta"
)

// environment is what the shipped company refers to.
var environment = map[string]string{"HCM_TOKEN": "hush-token", "DINGTALK_APPKEY": "hush-key", "DINGTALK_APPSECRET": "hush-secret", "WECOM_CORPID": "hush-corp", "WECOM_CORPSECRET": "hush-corpsecret", "EMM_CLIENT_ID": "emm", "EMM_CLIENT_SECRET": "s", "SCIM_TOKEN": "t",
	"K3_PASSWORD": "hush-k3"}

func lookup(env map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := env[name]; return v, ok }
}

// openWith lays files over the shipped ones.
func openWith(t testing.TB, files map[string]string, options ...meta.Option) *meta.Store {
	t.Helper()
	dir := t.TempDir()
	for path, content := range files {
		put(t, dir, path, content)
	}
	s, err := meta.Open(dir, lookup(environment), options...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t testing.TB, dir, path, content string) {
	t.Helper()
	full := filepath.Join(dir, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// problems returns code and problems of an error, one per line.
func problems(t testing.TB, err error) (orgflow.Code, []orgflow.Problem) {
	t.Helper()
	var invalid *orgflow.InvalidError
	if !errors.As(err, &invalid) {
		t.Fatalf("error %v is no *orgflow.InvalidError", err)
	}
	return invalid.Code, invalid.Problems
}

func decode(t testing.TB, s *meta.Store, raw string) orgflow.Job {
	t.Helper()
	job, err := s.DecodeJob([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return job
}

func TestOpenNamesTheSettingOfAMissingDirectory(t *testing.T) {
	_, err := meta.Open(filepath.Join(t.TempDir(), "nowhere"), nil)
	if err == nil || !strings.Contains(err.Error(), "ORGFLOW_META_DIR") {
		t.Errorf("error = %v", err)
	}
}

func TestServices(t *testing.T) {
	services := openWith(t, nil).Services()
	for name, want := range map[string]struct {
		model string
		kind  orgflow.Kind
		ops   string
	}{
		"org_new": {"Organization", orgflow.Org, "insert update delete"}, "org_sync": {"Organization", orgflow.Org, "update"},
		"org_edit": {"Organization", orgflow.Org, "update"}, "org_reverse": {"Organization", orgflow.Org, "update"}, "org_del": {"Organization", orgflow.Org, "delete"},
		"person_new": {"Employee", orgflow.Person, "insert update delete"}, "person_sync": {"Employee", orgflow.Person, "update"},
		"person_edit": {"Employee", orgflow.Person, "update"}, "person_del": {"Employee", orgflow.Person, "delete"},
	} {
		got := services[name]
		var ops []string
		for _, op := range got.Operations {
			ops = append(ops, string(op))
		}
		if got.Name != name || got.Model != want.model || got.Kind != want.kind || strings.Join(ops, " ") != want.ops {
			t.Errorf("%s = %+v", name, got)
		}
	}
	if len(services) != 9 {
		t.Errorf("%d services", len(services))
	}
}

func TestCompaniesAreThoseWithAConfiguration(t *testing.T) {
	s := openWith(t, map[string]string{
		"companies/7/company.json":   `{"company_id": 7}`,
		"companies/8/company.json":   `{}`,
		"companies/07/company.json":  `{"company_id": 7}`,
		"companies/abc/company.json": `{"company_id": 7}`,
		"companies/9/other.json":     `{"company_id": 9}`,
	})
	if got := s.Companies(); len(got) != 2 || got[0] != 7 || got[1] != 129 {
		t.Errorf("companies = %v", got)
	}
}

func TestAnEmptyFileLaidOverRemovesTheShippedCompany(t *testing.T) {
	s := openWith(t, map[string]string{"companies/129/company.json": "{ }"})
	_, err := s.Company(129)
	if orgflow.AsFault(err).Code != orgflow.CodeNotFound {
		t.Errorf("error = %v", err)
	}
}
