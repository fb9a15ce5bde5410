package meta_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"orgflow"
	"orgflow/meta"
)

func TestConnectionResolvesSecrets(t *testing.T) {
	company, err := openWith(t, nil).Company(129)
	if err != nil {
		t.Fatal(err)
	}
	var ding struct {
		BaseURL   string   `json:"base_url"`
		AppKey    string   `json:"appkey"`
		AppSecret string   `json:"appsecret"`
		Root      int64    `json:"root_department_id"`
		QPS       *float64 `json:"qps"`
	}
	if err := company.Connection("ding_talk", &ding); err != nil {
		t.Fatal(err)
	}
	if ding.BaseURL != "http://127.0.0.1:9090/dingtalk" || ding.AppKey != "hush-key" || ding.AppSecret != "hush-secret" || ding.Root != 1 || *ding.QPS != 18 {
		t.Errorf("connection = %+v", ding)
	}
	var source json.RawMessage
	if err := company.SourceConnection(&source); err != nil || !strings.Contains(string(source), `"token":"hush-token"`) {
		t.Errorf("source: %v", err)
	}
	if company.SourceType() != "hcm" || company.TimeZone.String() != "Asia/Shanghai" || company.Name != "示例公司" {
		t.Errorf("company = %s %s %s", company.SourceType(), company.TimeZone, company.Name)
	}
}

// The settings page says where a value comes from, whatever the value is.
func TestWhatIsWrittenShowsReferencesAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "companies", "7", "company.json")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	text := `{"company_id": 7, "consumers": {"ding_talk": {"base_url": "${URL:-http://hush-url}/x", "appkey": "hush-key", "appsecret": "a${SECRET}b",
		"client_secret": "${file:/run/secrets/x}", "events": {"token": "hushtoken", "aes_key": "${AES}"}}}}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := meta.Open(dir, lookup(nil))
	if err != nil {
		t.Fatal(err)
	}
	company, err := s.Company(7)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"base_url": "${URL}", "appkey": "", "appsecret": "${SECRET}", "client_secret": "${file:/run/secrets/x}", "events": "${AES}"}
	if got := company.Written("ding_talk"); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := company.Written("we_com"); len(got) != 0 {
		t.Errorf("a connection that is not there: %v", got)
	}
}

// Whoever masks secrets hears of each that is resolved, and of nothing else.
func TestWhoMasksSecretsHearsThem(t *testing.T) {
	heard := map[string]bool{}
	s, err := meta.Open("", lookup(map[string]string{"DINGTALK_APPKEY": "app", "DINGTALK_APPSECRET": "hush-secret", "SIM_URL": "http://sim"}),
		meta.WithSecrets(func(ref, value string) { heard[ref+" "+value] = true }))
	if err != nil {
		t.Fatal(err)
	}
	company, err := s.Company(129)
	if err != nil {
		t.Fatal(err)
	}
	if !company.Shipped() {
		t.Error("the demo company is the program's own")
	}
	if err := company.Connection("ding_talk", new(json.RawMessage)); err != nil {
		t.Fatal(err)
	}
	if want := map[string]bool{"${DINGTALK_APPKEY} app": true, "${DINGTALK_APPSECRET} hush-secret": true, "${SIM_URL:-http://127.0.0.1:9090} http://sim": true}; fmt.Sprint(heard) != fmt.Sprint(want) {
		t.Errorf("heard %v", heard)
	}
}

func TestAMissingSecretNamesReferenceAndFileOnly(t *testing.T) {
	s, err := meta.Open("", lookup(map[string]string{"DINGTALK_APPSECRET": "hush-secret"}))
	if err != nil {
		t.Fatal(err)
	}
	company, err := s.Company(129)
	if err != nil {
		t.Fatal(err)
	}
	err = company.Connection("ding_talk", new(json.RawMessage))
	code, got := problems(t, err)
	want := "companies/129/company.json:16:17: /consumers/ding_talk/appkey: refers to ${DINGTALK_APPKEY}, which is not set in the environment"
	if code != orgflow.CodeInvalidConfig || len(got) != 1 || got[0].String() != want {
		t.Errorf("%s %v", code, got)
	}
	if strings.Contains(err.Error(), "hush") {
		t.Error("a secret stands in the error")
	}
}

func TestNoWayOfPrintingACompanyShowsItsSecrets(t *testing.T) {
	s := openWith(t, map[string]string{"companies/7/company.json": `{"company_id": 7, "consumers": {"ding_talk":
		{"base_url": "u", "api_base_url": "u", "appkey": "hush", "appsecret": "hush"}}}`})
	company, err := s.Company(7)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(company)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{fmt.Sprint(company), fmt.Sprintf("%+v", company), fmt.Sprintf("%#v", company), fmt.Sprintf("%s %d %x", company, company, company), fmt.Sprintf("%v", &company), string(raw)} {
		if strings.Contains(shown, "hush") || strings.Contains(shown, fmt.Sprintf("%x", "hush")) {
			t.Errorf("shown: %s", shown)
		}
	}
}

func TestAWrongTypeDoesNotRepeatTheValue(t *testing.T) {
	company, err := openWith(t, nil).Company(129)
	if err != nil {
		t.Fatal(err)
	}
	err = company.Connection("ding_talk", &struct {
		AppSecret int `json:"appsecret"`
	}{})
	_, got := problems(t, err)
	if len(got) != 1 || got[0].Pointer != "/consumers/ding_talk/appsecret" || strings.Contains(err.Error(), "hush") {
		t.Errorf("problems = %v", got)
	}
}

func TestExpand(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "secret", "from file\n")
	put(t, dir, "empty", "\n")
	file := func(name string) string { return "${file:" + filepath.Join(dir, name) + "}" }
	s, err := meta.Open("", lookup(map[string]string{"A": "x", "B_2": "${A}", "EMPTY": ""}))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"": "", "plain": "plain", "${A}": "x", "a${A}b${A}": "axbx", "${B_2}": "${A}", "$A": "$A", "$${A}": "${A}", file("secret"): "from file", "100%": "100%",
	} {
		if got, err := s.Expand("f.json", "/p", text); err != nil || got != want {
			t.Errorf("Expand(%q) = %q, %v; want %q", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"hush${NOPE}":         "f.json: /p: refers to ${NOPE}, which is not set in the environment",
		"hush${EMPTY}":        "f.json: /p: refers to ${EMPTY}, which is not set in the environment",
		"hush${A":             "f.json: /p: has a reference that is not ${NAME}, ${NAME:-default} or ${file:/path}; write $${ for a literal ${",
		"hush${hush hush}":    "f.json: /p: has a reference that is not ${NAME}, ${NAME:-default} or ${file:/path}; write $${ for a literal ${",
		"hush${}":             "f.json: /p: has a reference that is not ${NAME}, ${NAME:-default} or ${file:/path}; write $${ for a literal ${",
		"hush${file:rel}":     "f.json: /p: refers to ${file:rel}; the path must be absolute",
		"hush" + file("gone"): "f.json: /p: refers to " + file("gone") + ", which does not exist",
		file("empty"):         "f.json: /p: refers to " + file("empty") + ", which is empty",
		file(""):              "f.json: /p: refers to " + file("") + ", which cannot be read: is a directory",
	} {
		got, err := s.Expand("f.json", "/p", text)
		_, found := problems(t, err)
		if found[0].String() != want || got != "" {
			t.Errorf("Expand(%q) = %q, %v", text, got, found[0])
		}
		if strings.Contains(err.Error(), "hush") {
			t.Errorf("the text stands in the error: %v", err)
		}
	}
}

func TestSecret(t *testing.T) {
	s := openWith(t, nil)
	if got, err := s.Secret("${HCM_TOKEN}"); err != nil || got != "hush-token" {
		t.Errorf("%q, %v", got, err)
	}
	for _, ref := range []string{"HCM_TOKEN", "${X}", "x${HCM_TOKEN}", ""} {
		if _, err := s.Secret(ref); err == nil {
			t.Errorf("Secret(%q): no error", ref)
		}
	}
}

func TestBrokenCompanies(t *testing.T) {
	cases := map[string]struct{ content, want string }{
		"other id":    {`{"company_id": 8}`, `companies/7/company.json:1:16: /company_id: must be 7, as the directory says`},
		"time zone":   {`{"company_id": 7, "time_zone": "Beijing"}`, `companies/7/company.json:1:32: /time_zone: must be an IANA time zone such as "Asia/Shanghai" or "UTC"`},
		"unknown key": {`{"company_id": 7, "sources": {}}`, `companies/7/company.json:1:30: /sources: unknown key "sources"; allowed: "company_id", "consumers", "erp", "name", "notify", "roles", "source", "time_zone", "triggers"; did you mean "source"?`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := openWith(t, map[string]string{"companies/7/company.json": c.content}).Company(7)
			if _, got := problems(t, err); len(got) != 1 || got[0].String() != c.want {
				t.Errorf("problems = %v", got)
			}
		})
	}
}

func TestAnUnreadableFileIsNotAMissingOne(t *testing.T) {
	s := openWith(t, map[string]string{"services.json/x": ""}) // a directory where a file should be
	_, err := s.DecodeJob([]byte(seedJob))
	code, got := problems(t, err)
	if code != orgflow.CodeInvalidConfig || got[0].File != "services.json" || strings.Contains(got[0].Message, os.TempDir()) {
		t.Errorf("%s %v", code, got)
	}
}
