package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	dtsim "orgflow/connectors/dingtalk/sim"
	"orgflow/connectors/simctl"
	"orgflow/internal/app"
	"orgflow/internal/config"
)

// viewWorld is the program's HTTP side with one company whose DingTalk is
// simulated.
type viewWorld struct {
	t    *testing.T
	http http.Handler
	host *simctl.Host
}

func newViewWorld(t *testing.T, api string) *viewWorld {
	t.Helper()
	host := simctl.NewHost(dtsim.New(dtsim.Options{}))
	server := httptest.NewServer(host)
	t.Cleanup(server.Close)
	dir := t.TempDir()
	company := fmt.Sprintf(`{"company_id": 129, "name": "示例公司", "time_zone": "Asia/Shanghai", "consumers": {"ding_talk":
		{"base_url": "%[1]s/dingtalk", "api_base_url": "%[1]s/dingtalk", "api": %q, "appkey": "dingsim-app", "appsecret": "dingsim-secret", "root_department_id": 1, "qps": 0}}}`, server.URL, api)
	path := filepath.Join(dir, "companies", "129", "company.json")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(company), 0o600); err != nil {
		t.Fatal(err)
	}
	settings(t)
	t.Setenv("ORGFLOW_META_DIR", dir)
	cfg, err := config.Load(config.RoleStarter)
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.Open(context.Background(), cfg, app.Logger(cfg, io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	w := &viewWorld{t: t, http: a.Handler(""), host: host}
	w.control("PUT", "options", `{"qps": 0, "school_department": true}`, nil)
	return w
}

// control steers the simulator.
func (w *viewWorld) control(method, what, body string, into any) {
	w.t.Helper()
	rec := httptest.NewRecorder()
	w.host.ServeHTTP(rec, httptest.NewRequest(method, "/_sim/dingtalk/"+what, strings.NewReader(body)))
	if rec.Code != http.StatusOK {
		w.t.Fatalf("%s %s: %s", method, what, rec.Body)
	}
	if into != nil {
		if err := json.Unmarshal(rec.Body.Bytes(), into); err != nil {
			w.t.Fatal(err)
		}
	}
}

// called counts the vendor calls of a path since the last time, and those of
// all others but tokens.
func (w *viewWorld) called(path string) (of, others int) {
	w.t.Helper()
	var r struct {
		Paths map[string]map[string]int
	}
	w.control("GET", "requests", "", &r)
	for p, outcomes := range r.Paths {
		for _, n := range outcomes {
			switch p {
			case path:
				of += n
			case "/v1.0/oauth2/accessToken", "/gettoken":
			default:
				others += n
			}
		}
	}
	w.control("DELETE", "requests", "", nil)
	return of, others
}

// view is what a path of old answers.
type view[T any] struct {
	Code    int
	Message string
	Data    T
	Age     int `json:"age_seconds"`
	Calls   int
}

func (w *viewWorld) ask(method, path string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	w.http.ServeHTTP(rec, httptest.NewRequest(method, "http://localhost:8080"+path, nil))
	return rec
}

func viewOf[T any](w *viewWorld, path string) view[T] {
	w.t.Helper()
	rec := w.ask("GET", path)
	var v view[T]
	if err := json.Unmarshal(rec.Body.Bytes(), &v); rec.Code != http.StatusOK || err != nil || v.Message != "ok" {
		w.t.Fatalf("%s: %d %s", path, rec.Code, rec.Body)
	}
	return v
}

// refused asks for what is refused, and returns status and answer.
func (w *viewWorld) refused(path string) (status int, code, field, message string) {
	w.t.Helper()
	rec := w.ask("GET", path)
	var e struct{ Code, Field, Message string }
	if err := json.Unmarshal(rec.Body.Bytes(), &e); err != nil {
		w.t.Fatalf("%s: %d %s", path, rec.Code, rec.Body)
	}
	return rec.Code, e.Code, e.Field, e.Message
}
