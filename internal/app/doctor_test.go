package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	wcsim "orgflow/connectors/wecom/sim"
	"orgflow/internal/doctor"
)

// Temporal away and one system without simulator: everything else is looked
// at all the same, and is in order. Nothing is written anywhere.
func TestDoctorLooksAtEverythingWhateverFails(t *testing.T) {
	t.Parallel()
	s := newSickbed(t)
	s.migrated()
	r := s.examined(doctor.Request{})
	s.wants(r, doctor.Failed, "temporal", "reachable", "127.0.0.1:1", "ORGFLOW_TEMPORAL_ADDR")
	s.wants(r, doctor.Skipped, "temporal", "the rest", "workers", "schedules", "payload key")
	s.wants(r, doctor.Failed, "emm_cloud", "connection", "http_404") // there is no such simulator
	for _, f := range r.Findings {
		if f.State != doctor.OK && f.Area != "temporal" && f.Area != "emm_cloud" {
			t.Errorf("%+v", f)
		}
	}
	for _, area := range []string{"settings", "files", "database", "http", "disk", "source", "ding_talk", "we_com", "ai_guan_huai", "scim", "erp"} {
		if len(of(r, area, "")) == 0 {
			t.Errorf("nothing of %s", area)
		}
	}
	for _, area := range []string{"database", "source", "ding_talk", "we_com", "ai_guan_huai", "scim", "erp"} {
		s.wants(r, doctor.OK, area, "clock", "agree")
	}
	for _, sim := range []string{"hcm", "dingtalk", "wecom", "aiguanhuai", "kingdee", "scim"} {
		var requests struct{ Total, Writes int }
		if err := json.Unmarshal([]byte(s.control("GET", sim, "requests", "")), &requests); err != nil || requests.Writes != 0 || requests.Total == 0 {
			t.Errorf("%s was asked %d times, %d of them writes (%v)", sim, requests.Total, requests.Writes, err)
		}
	}
}

// What each vendor refuses is told with what to do.
func TestDoctorNamesWhatAVendorRefuses(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		env          map[string]string
		sim, options string
		area, check  string
		parts        []string
	}{
		"DingTalk, secret":     {env: map[string]string{"DINGTALK_APPSECRET": "wrong-secret-77"}, area: "ding_talk", check: "token", parts: []string{"unauthorized", "appsecret", "company.json"}},
		"DingTalk, address":    {sim: "dingtalk", options: `{"denied_ip": true}`, area: "ding_talk", check: "departments", parts: []string{"60020", "192.0.2.1", "whitelist"}},
		"DingTalk, permission": {sim: "dingtalk", options: `{"missing_permissions": ["qyapi_get_department_member"]}`, area: "ding_talk", check: "members", parts: []string{"60011", "qyapi_get_department_member", "publish"}},
		"WeCom, secret":        {env: map[string]string{"WECOM_CORPSECRET": "wrong-secret-77"}, area: "we_com", check: "token", parts: []string{"40001", "corpsecret", "company.json"}},
		"WeCom, address":       {sim: "wecom", options: `{"denied_ip": true}`, area: "we_com", check: "contacts", parts: []string{"60020", "192.0.2.1"}},
		"WeCom, permission":    {env: map[string]string{"WECOM_CORPSECRET": wcsim.DefaultSettings().Secrets[1].Secret}, area: "we_com", check: "contacts", parts: []string{"forbidden", "通讯录同步"}},
		"WeCom, messages":      {env: map[string]string{"WECOM_AGENT_SECRET": "wrong-secret-77"}, area: "we_com", check: "messages", parts: []string{"40001", "agent_secret"}},
		"HCM, token":           {env: map[string]string{"HCM_TOKEN": "wrong-token-77"}, area: "source", check: "connection", parts: []string{"17003", "auth.token"}},
		"HCM, permission":      {sim: "hcm", options: `{"forbidden_models": ["Employee"]}`, area: "source", check: "Employee", parts: []string{"18003", "permission"}},
		"ERP, password":        {env: map[string]string{"K3_PASSWORD": "wrong-password-77"}, area: "erp", check: "connection", parts: []string{"unauthorized", "password", "lock"}},
		"ERP, permission":      {sim: "kingdee", options: `{"users": [{"username": "orgflow", "password": "kingdee-sim-password", "no_webapi": true}]}`, area: "erp", check: "connection", parts: []string{"forbidden", "WebAPI"}},
		"SCIM, token":          {env: map[string]string{"SCIM_TOKEN": "wrong-token-77"}, area: "scim", check: "connection", parts: []string{"unauthorized", "company.json"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSickbed(t)
			for k, v := range c.env {
				s.env[k] = v
			}
			if c.sim != "" {
				s.options(c.sim, c.options)
			}
			r := s.examined(doctor.Request{}) // without a database: it ends nothing
			s.wants(r, doctor.Failed, c.area, c.check, c.parts...)
			s.wants(r, doctor.Failed, "database", "reachable", "does not exist yet", "starter migrate")
			if _, err := os.Stat(strings.TrimPrefix(s.cfg.Database.DSN, "sqlite://")); err == nil {
				t.Error("it made a database")
			}
		})
	}
}

// A vendor's text may repeat what another connection's secret is.
func TestDoctorMasksSecretsInVendorsTexts(t *testing.T) {
	t.Parallel()
	s := newSickbed(t)
	s.control("POST", "dingtalk", "faults", `[{"path": "/auth/scopes", "body": {"errcode": 60011, "errmsg": "not for `+s.env["SCIM_TOKEN"]+`"}}]`)
	s.wants(s.examined(doctor.Request{}), doctor.Failed, "ding_talk", "scope", "not for [masked]")
}

// A reference that nobody set is told with file and name, once.
func TestDoctorNamesMissingReferences(t *testing.T) {
	t.Parallel()
	s := newSickbed(t)
	delete(s.env, "WECOM_CORPSECRET")
	r := s.examined(doctor.Request{})
	s.wants(r, doctor.Failed, "we_com", "connection", "companies/129/company.json:", "/consumers/we_com/corpsecret", "${WECOM_CORPSECRET}", "environment")
	for _, f := range of(r, "files", "") {
		if f.State != doctor.OK {
			t.Errorf("the files tell it, too: %+v", f)
		}
	}
	if found := of(r, "we_com", ""); len(found) != 1 {
		t.Errorf("it is told more than once: %+v", found)
	}
}

func TestDoctorComparesClocks(t *testing.T) {
	t.Parallel()
	s := newSickbed(t)
	s.migrated()
	s.now = func() time.Time { return time.Now().Add(-10 * time.Minute) }
	r := s.examined(doctor.Request{})
	for _, area := range []string{"database", "source", "ding_talk", "we_com", "ai_guan_huai", "scim", "erp"} {
		s.wants(r, doctor.Failed, area, "clock", "ahead of", "NTP")
	}
}

// The shipped demo company is looked at while there is no other, or when it
// is asked for.
func TestDoctorLeavesTheDemoCompanyOut(t *testing.T) {
	t.Parallel()
	s := newSickbed(t)
	s.cfg.MetaDir = t.TempDir()
	path := filepath.Join(s.cfg.MetaDir, "companies", "7", "company.json")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	rows := t.TempDir()
	company := fmt.Sprintf(`{"company_id": 7, "name": "甲", "source": {"type": "file", "dir": %q}, "consumers": {}}`, rows)
	for file, text := range map[string]string{path: company, filepath.Join(rows, "Employee.json"): `[{"id": 1}, {"id": 2}]`} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	seen := func(r doctor.Report) map[int64]bool {
		out := map[int64]bool{}
		for _, f := range r.Findings {
			out[f.CompanyID] = true
		}
		return out
	}
	r := s.examined(doctor.Request{})
	if got := seen(r); got[129] || !got[7] {
		t.Errorf("all: companies %v", got)
	}
	s.wants(r, doctor.OK, "source", "Employee", "2 rows")
	s.wants(r, doctor.Warning, "source", "Organization", "only jobs that read Organization need it")
	if got := seen(s.examined(doctor.Request{CompanyID: 129})); !got[129] || got[7] {
		t.Errorf("129: companies %v", got)
	}
	s.wants(s.examined(doctor.Request{CompanyID: 8}), doctor.Failed, "files", "company", "company 8", "configured: 7, 129")
}

// Who listens at the API's address is told apart.
func TestDoctorMeetsTheServer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		state  doctor.State
		says   string
	}{
		"ready": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"status": "ready"}`) }, doctor.OK, "is ready"},
		"not ready": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprint(w, `{"code": "unavailable"}`)
		}, doctor.Warning, "not ready"},
		"other":       {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `<html>`) }, doctor.Failed, "not orgflow"},
		"other, JSON": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{}`) }, doctor.Failed, "not orgflow"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(c.answer)
			defer server.Close()
			s := newSickbed(t)
			_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
			s.cfg.HTTPAddr = ":" + port // all interfaces
			s.wants(s.examined(doctor.Request{}), c.state, "http", "server", c.says)
		})
	}
}

// Settings that cannot be used are findings, and the exit code is 1.
func TestDoctorCommandWithBadSettings(t *testing.T) {
	settings(t)
	t.Setenv("ORGFLOW_DATABASE_URL", "")
	t.Setenv("ORGFLOW_DATA_DIR", t.TempDir())
	t.Setenv("ORGFLOW_HTTP_ADDR", "0.0.0.0:1")
	t.Setenv("SIM_URL", "http://127.0.0.1:1")
	code, out, errs := starter(t, "doctor")
	if code != 1 || errs != "" {
		t.Errorf("exit code %d: %s", code, errs)
	}
	for _, part := range []string{
		"failed   settings", "ORGFLOW_DATABASE_URL: required", "ORGFLOW_API_KEYS: required because", "no database is set", "0.0.0.0:1 can be reached from other machines",
		"ding_talk 129", "${HCM_TOKEN}", "connection refused",
	} {
		if !strings.Contains(out, part) {
			t.Errorf("it does not say %q", part)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
}

// One examination at a time asks the vendors; who gives up waiting is told.
func TestDoctorExaminesOnceAtATime(t *testing.T) {
	t.Parallel()
	s := newSickbed(t)
	held, release := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(held); <-release }))
	defer server.Close()
	s.cfg.HTTPAddr = server.Listener.Addr().String()
	d := s.doctor()
	done := make(chan doctor.Report)
	go func() { done <- d.Examine(t.Context(), doctor.Request{}) }()
	<-held
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	s.wants(d.Examine(ended, doctor.Request{}), doctor.Failed, "http", "doctor", "another examination")
	close(release)
	if r := <-done; len(r.Findings) < 20 {
		t.Errorf("the first one found %+v", r)
	}
}
