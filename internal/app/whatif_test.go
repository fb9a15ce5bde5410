package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"orgflow"
	"orgflow/internal/app"
	"orgflow/internal/cli"
	"orgflow/internal/config"
)

// settings are a starter's, with a database and a consumer's secrets, and
// without a Temporal that answers or the source's token: a what-if needs
// neither.
func settings(t *testing.T) {
	t.Helper()
	for name, value := range map[string]string{
		"ORGFLOW_DATABASE_URL":  "sqlite://" + filepath.Join(t.TempDir(), "orgflow.db"),
		"ORGFLOW_TEMPORAL_ADDR": "127.0.0.1:1",
		"DINGTALK_APPKEY":       "k",
		"DINGTALK_APPSECRET":    "s",
	} {
		t.Setenv(name, value)
	}
}

func starter(t *testing.T, args ...string) (code int, out, err string) {
	t.Helper()
	var o, e bytes.Buffer
	code = cli.Main(context.Background(), args, cli.Stdio{In: strings.NewReader(""), Out: &o, Err: &e}, app.CLI)
	return code, o.String(), e.String()
}

const (
	whatIfJob  = `{"services": ["org_new", "person_new"], "consumer": "ding_talk", "company_id": 129}`
	whatIfRows = `{
  "org_new": [{"id": 1, "origin_id": 1, "name": "公司"}, {"id": 99, "origin_id": 99, "name": "新部门", "parent_id": 1}],
  "person_new": [{"id": 9001, "number": "E9001", "name": "新员工", "mobile": "10000009001", "identity_card": "TEST-9001",
                  "department": {"origin_id": 99}, "position": {"name": "工程师"}, "job_info": {"position_status_id": 2}}]
}`
)

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWhatIfOnTheCommandLineNeedsTheDatabaseOnly(t *testing.T) {
	settings(t)
	if code, _, err := starter(t, "migrate"); code != 0 {
		t.Fatal(err)
	}
	job, rows := write(t, "job.json", whatIfJob), write(t, "rows.json", whatIfRows)
	code, out, err := starter(t, "what-if", "--file", job, "--rows", rows)
	if code != 0 {
		t.Fatalf("%d\n%s", code, err)
	}
	for _, want := range []string{"insert  org:99  planned", "name: – → 新部门", "insert  person:9001 → E9001  planned", "dept_id_list: – → @org:99", "after 1"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	if strings.Contains(out, "TEST-9001") {
		t.Error("the id card is shown:\n" + out)
	}
	if code, list, _ := starter(t, "runs", "list"); code != 0 || list != "" {
		t.Errorf("a question left a run behind:\n%s", list)
	}
	bad := write(t, "rows.json", "{\n  \"person_new\": [{\"name\": \"无号\"}],\n  \"people\": [{}]\n}")
	code, _, err = starter(t, "what-if", "--file", job, "--rows", bad)
	for _, want := range []string{"rows.json:2:18: /person_new/0: has no id", `rows.json:3:13: /people: unknown service of this job "people"`} {
		if code != cli.ExitFailed || !strings.Contains(err, want) {
			t.Errorf("%d: %q is missing in\n%s", code, want, err)
		}
	}
}

func TestWhatIfOverHTTP(t *testing.T) {
	settings(t)
	cfg, err := config.Load(config.RoleStarter)
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.Open(context.Background(), cfg, app.Logger(cfg, io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := a.Store.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	h := a.Handler("")
	ask := func(body string) *httptest.ResponseRecorder {
		res := httptest.NewRecorder()
		h.ServeHTTP(res, httptest.NewRequest(http.MethodPost, "http://localhost:8080/api/v1/what-if", strings.NewReader(body)))
		return res
	}
	res := ask(`{"job": ` + whatIfJob + `, "rows": ` + whatIfRows + `}`)
	var got orgflow.WhatIf
	if err := json.Unmarshal(res.Body.Bytes(), &got); res.Code != 200 || err != nil {
		t.Fatalf("%d %s", res.Code, res.Body)
	}
	if len(got.Changes) != 2 || got.Changes[1].SourceID != "9001" || got.Changes[1].DependsOn[0] != got.Changes[0].ID ||
		got.Plan[orgflow.Person].Insert != 1 || len(got.Notes) != 2 || got.Issues == nil {
		t.Errorf("%s", res.Body)
	}
	if strings.Contains(res.Body.String(), "TEST-9001") || !strings.Contains(res.Body.String(), orgflow.Masked) {
		t.Errorf("not masked: %s", res.Body)
	}
	unknown := httptest.NewRecorder() // it may have begun a moment ago, which Temporal would know
	h.ServeHTTP(unknown, httptest.NewRequest(http.MethodGet, "http://localhost:8080/api/v1/sync-runs/nobody-knows-this-run", nil))
	if unknown.Code != http.StatusServiceUnavailable || !strings.Contains(unknown.Body.String(), "start it or set ORGFLOW_TEMPORAL_ADDR") {
		t.Errorf("Temporal is away: %d %s", unknown.Code, unknown.Body)
	}
	if res := ask(`{"job": ` + whatIfJob + `, "rows": {"person_new": [{}]}}`); res.Code != 400 || !strings.Contains(res.Body.String(), `"field":"/rows/person_new/0"`) {
		t.Errorf("%d %s", res.Code, res.Body)
	}
}
