package app_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	aghsim "orgflow/connectors/aiguanhuai/sim"
	dtsim "orgflow/connectors/dingtalk/sim"
	hcmsim "orgflow/connectors/hcm/sim"
	kdsim "orgflow/connectors/kingdee/sim"
	"orgflow/connectors/rest/scimsim"
	"orgflow/connectors/rest/simbase"
	"orgflow/connectors/simctl"
	wcsim "orgflow/connectors/wecom/sim"
	"orgflow/internal/app"
	"orgflow/internal/config"
	"orgflow/internal/doctor"
	"orgflow/internal/store"
)

// sickbed is an installation with the shipped company and simulators of its
// systems. Nobody is at Temporal's address.
type sickbed struct {
	t    *testing.T
	cfg  config.Config
	host *simctl.Host
	env  map[string]string
	now  func() time.Time
}

func newSickbed(t *testing.T) *sickbed {
	t.Helper()
	hcm := hcmsim.New(hcmsim.Options{})
	if err := hcm.PutState([]byte(`{"models": {"Organization": [{"id": 1, "name": "示例"}], "Employee": []}}`)); err != nil {
		t.Fatal(err)
	}
	host := simctl.NewHost(hcm, dtsim.New(dtsim.Options{}), wcsim.New(wcsim.Options{}), aghsim.New(aghsim.Options{}), kdsim.New(kdsim.Options{}), scimsim.New(simbase.Options{}))
	server := httptest.NewServer(host)
	t.Cleanup(server.Close)
	return &sickbed{
		t: t, host: host, now: time.Now,
		cfg: config.Config{
			Role: config.RoleDoctor, HTTPAddr: "127.0.0.1:1", DataDir: t.TempDir(),
			Temporal: config.Temporal{Addr: "127.0.0.1:1", Namespace: "default", TaskQueue: "orgflow"},
			Database: config.Database{Driver: config.SQLite, DSN: "sqlite://" + filepath.Join(t.TempDir(), "orgflow.db")},
		},
		env: map[string]string{
			"SIM_URL": server.URL, "HCM_TOKEN": hcmsim.DefaultSettings().Token,
			"DINGTALK_APPKEY": dtsim.DefaultSettings().Apps[0].AppKey, "DINGTALK_APPSECRET": dtsim.DefaultSettings().Apps[0].AppSecret,
			"WECOM_CORPID": wcsim.DefaultSettings().CorpID, "WECOM_CORPSECRET": wcsim.DefaultSettings().Secrets[0].Secret,
			"SCIM_TOKEN": scimsim.DefaultSettings().Token, "K3_PASSWORD": kdsim.DefaultSettings().Users[0].Password,
			"EMM_CLIENT_ID": "emm-client", "EMM_CLIENT_SECRET": "emm-secret-77",
		},
	}
}

func (s *sickbed) options(sim, options string) {
	s.t.Helper()
	s.control("PUT", sim, "options", options)
}

func (s *sickbed) control(method, sim, what, body string) string {
	s.t.Helper()
	rec := httptest.NewRecorder()
	s.host.ServeHTTP(rec, httptest.NewRequest(method, "/_sim/"+sim+"/"+what, strings.NewReader(body)))
	if rec.Code != http.StatusOK {
		s.t.Fatalf("%s: %s", sim, rec.Body)
	}
	return rec.Body.String()
}

// migrated gives the installation a database.
func (s *sickbed) migrated() {
	s.t.Helper()
	db, err := store.Open(s.t.Context(), s.cfg.Database.DSN, store.Options{})
	if err == nil {
		err = db.Migrate(s.t.Context())
	}
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *sickbed) doctor() *app.Doctor {
	getenv := func(name string) (string, bool) { v, ok := s.env[name]; return v, ok }
	d, err := app.NewDoctor(s.cfg, app.WithEnv(getenv), app.WithClock(s.now))
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

func (s *sickbed) examined(r doctor.Request) doctor.Report {
	s.t.Helper()
	d := s.doctor()
	report := d.Examine(s.t.Context(), r)
	if err := d.Close(); err != nil {
		s.t.Error(err)
	}
	raw, err := json.Marshal(report)
	if err != nil {
		s.t.Fatal(err)
	}
	for name, value := range s.env {
		if strings.HasSuffix(name, "SECRET") || strings.HasSuffix(name, "TOKEN") || strings.HasSuffix(name, "PASSWORD") {
			if strings.Contains(string(raw), value) {
				s.t.Errorf("it shows the value of %s: %s", name, raw)
			}
		}
	}
	return report
}

// of are the findings of an area's check; a check that is empty is any.
func of(r doctor.Report, area, check string) (found []doctor.Finding) {
	for _, f := range r.Findings {
		if f.Area == area && (check == "" || f.Check == check) {
			found = append(found, f)
		}
	}
	return found
}

func (s *sickbed) wants(r doctor.Report, state doctor.State, area, check string, parts ...string) {
	s.t.Helper()
	found := of(r, area, check)
	for _, f := range found {
		hit := f.State == state
		for _, part := range parts {
			hit = hit && strings.Contains(f.Found+" "+f.Advice, part)
		}
		if hit {
			return
		}
	}
	s.t.Errorf("%s %s is not %s with %q: %+v", area, check, state, parts, found)
}
