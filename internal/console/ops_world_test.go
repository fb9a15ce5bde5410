package console_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/app"
	"orgflow/internal/console"
	"orgflow/internal/store"
)

// opsWorld is the pages over the program's own files and database. What needs
// Temporal is told by hand.
type opsWorld struct {
	t         *testing.T
	app       *app.App
	meta      string
	server    *httptest.Server
	routes    chi.Routes
	schedules *opsSchedules
	loads     *opsLoads
	audits    []string
}

// opsEvil is what names may be.
const opsEvil = `<script>alert(1)</script>`

// opsLoads starts and cancels by hand.
type opsLoads struct {
	*app.Loads
	started  []string
	canceled []string
	err      error
}

func (l *opsLoads) StartLoad(_ context.Context, raw json.RawMessage) (api.Started, error) {
	l.started = append(l.started, string(raw))
	return api.Started{ID: "erp-129-SAL_SaleOrder~1"}, l.err
}

func (l *opsLoads) CancelLoad(_ context.Context, id string, s api.Steering) error {
	l.canceled = append(l.canceled, id+" "+s.By+" "+s.Reason)
	return l.err
}

// opsSchedules are schedules as Temporal tells them.
type opsSchedules struct {
	console.Schedules
	list   []api.Schedule
	detail console.ScheduleDetail
	done   []string
	err    error
}

func (s *opsSchedules) ListSchedules(context.Context) ([]api.Schedule, error) { return s.list, s.err }

func (s *opsSchedules) ShowSchedule(_ context.Context, id string) (console.ScheduleDetail, error) {
	if id != s.detail.ID {
		return console.ScheduleDetail{}, orgflow.Faultf(orgflow.CodeNotFound, "there is no schedule %q", id)
	}
	return s.detail, s.err
}

func (s *opsSchedules) steer(verb, id string, by api.Steering) error {
	s.done = append(s.done, strings.Join([]string{verb, id, by.By, by.Reason}, " "))
	return s.err
}

func (s *opsSchedules) PauseSchedule(_ context.Context, id string, by api.Steering) error {
	return s.steer("pause", id, by)
}

func (s *opsSchedules) ResumeSchedule(_ context.Context, id string, by api.Steering) error {
	return s.steer("resume", id, by)
}

func (s *opsSchedules) TriggerSchedule(_ context.Context, id string, by api.Steering) error {
	return s.steer("trigger", id, by)
}

// newOpsWorld opens everything to this machine, as without API keys; with
// closed somebody has to be signed in.
func newOpsWorld(t *testing.T, closed bool) *opsWorld {
	t.Helper()
	w := &opsWorld{t: t, meta: t.TempDir()}
	w.put("companies/129/company.json", `{"company_id": 129, "name": "`+opsEvil+`", "roles": {"operate": ["E2"]}, "consumers": {
		"ding_talk": {"base_url": "https://user:clear-password@oapi.example/x?token=clear-token", "appkey": "${OPS_KEY}", "appsecret": "${OPS_SECRET}", "qps": 7.5, "agent_id": "clear-agent"},
		"we_com": {"base_url": "https://wecom.example", "corpid": "corp", "corpsecret": "${OPS_MISSING}"}},
		"erp": {"type": "kingdee", "base_url": "https://erp.example/k3cloud/", "acct_id": "a", "username": "u", "password": "clear-password"}}`)
	w.put("companies/129/forms/SAL_SaleOrder.json", `{"form_id": "SAL_SaleOrder", "date_field": "FModifyDate", "description": "`+opsEvil+`", "entries": [{"id": "FEntry"}]}`)
	w.put("companies/129/forms/BD_Broken.json", `{"form_id": "BD_Broken"}`)
	t.Setenv("OPS_KEY", "secret-key-value")
	t.Setenv("OPS_SECRET", "secret-secret-value")
	if closed {
		t.Setenv("ORGFLOW_API_KEYS", "ops:admin:"+strings.Repeat("ab", 32))
	}
	w.app = openApp(t, w.meta)
	w.schedules, w.loads = &opsSchedules{}, &opsLoads{Loads: w.app.Loads()}
	r := chi.NewRouter()
	console.New(console.Deps{
		SignIn: w.app.SignIn(), Runs: w.app.Runs(), Steer: w.app.Runs(), Flows: w.app.Flows(), FlowDesk: w.app.Flows(), Pulls: w.app.Orgs(), Consumers: w.app.Consumers(), Forms: w.app.Loads(),
		Loads: w.loads, Schedules: w.schedules, WebUI: "http://temporal.example", Namespace: "default",
		Audit: func(_ context.Context, who, action, subject, _ string) error {
			w.audits = append(w.audits, who+" "+action+" "+subject)
			return nil
		},
	}).Routes(r)
	w.routes, w.server = r, httptest.NewServer(r)
	t.Cleanup(w.server.Close)
	return w
}

func (w *opsWorld) put(name, text string) {
	w.t.Helper()
	path := filepath.Join(w.meta, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// signIn makes a session of somebody and returns the cookie.
func (w *opsWorld) signIn(userID string) *http.Cookie {
	w.t.Helper()
	token := base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat(userID, 32)[:32]))
	sum, now := sha256.Sum256([]byte(token)), time.Now()
	err := w.app.Store.CreateSession(context.Background(), store.Session{
		ID: hex.EncodeToString(sum[:]), CompanyID: 129, Origin: "ding_talk", UserID: userID, Name: opsEvil,
		CreatedAt: now, SeenAt: now, VerifiedAt: now, ExpiresAt: now.Add(time.Hour),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return &http.Cookie{Name: "orgflow-session", Value: token}
}

// page asks for a page, in English, and returns status and text; location is
// where it leads to.
func (w *opsWorld) page(path string, as *http.Cookie) (status int, body, location string) {
	w.t.Helper()
	return w.send("GET", path, nil, "", as)
}

// form sends a form as a page of an origin does.
func (w *opsWorld) form(path string, values url.Values, origin string, as *http.Cookie) (status int, body, location string) {
	w.t.Helper()
	return w.send("POST", path, values, origin, as)
}

func (w *opsWorld) send(method, path string, values url.Values, origin string, as *http.Cookie) (int, string, string) {
	w.t.Helper()
	req, err := http.NewRequest(method, w.server.URL+path, strings.NewReader(values.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Accept-Language", "en")
	if method == "POST" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", origin)
		req.Header.Set("Referer", w.server.URL+"/erp")
	}
	if as != nil {
		req.AddCookie(as)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return res.StatusCode, string(body), res.Header.Get("Location")
}

// shows fails where a page lacks a text, or lets a script through.
func (w *opsWorld) shows(path string, want ...string) string {
	w.t.Helper()
	status, body, _ := w.page(path, nil)
	if status != http.StatusOK {
		w.t.Fatalf("%s: %d %s", path, status, body)
	}
	for _, text := range want {
		if !strings.Contains(body, text) {
			w.t.Errorf("%s lacks %q: %s", path, text, body)
		}
	}
	if strings.Contains(body, "<script>alert") {
		w.t.Errorf("%s lets a script through", path)
	}
	return body
}

// load records a load of a form that ended so, with the rows of a create.
func (w *opsWorld) load(run string, status orgflow.Status, fault *orgflow.Fault, rows ...[]any) store.Load {
	w.t.Helper()
	ctx, db := context.Background(), w.app.Store
	in := orgflow.LoadInput{CompanyID: 129, FormID: "SAL_SaleOrder", Kind: orgflow.LoadCreate}
	load, ok, err := db.CreateLoad(ctx, store.NewLoad{FirstRunID: run, WorkflowID: orgflow.ERPWorkflowID(129, in.FormID), Input: in})
	if err != nil || !ok {
		w.t.Fatal(ok, err)
	}
	table := store.LoadTable{Name: "ERP_SAL_SaleOrder", Key: "FID", Date: "FModifyDate", Columns: []store.LoadColumn{
		{Name: "FID", Type: orgflow.ERPInteger}, {Name: "FModifyDate", Type: orgflow.ERPTime}, {Name: "FNote", Type: orgflow.ERPText}}}
	from := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	windows := []store.LoadWindow{{Seq: 1, From: from, Until: from.AddDate(0, 1, 0)}, {Seq: 2, From: from.AddDate(0, 1, 0), Until: from.AddDate(0, 2, 0)}}
	if err := db.OpenLoad(ctx, load.ID, store.OpenedLoad{Plan: []byte(`{}`), Tables: []store.LoadTable{table}, Windows: windows}); err != nil {
		w.t.Fatal(err)
	}
	var keys []string
	for _, r := range rows {
		keys = append(keys, fmt.Sprint(r[0]))
	}
	if _, err := db.SavePage(ctx, store.LoadPage{LoadID: load.ID, Kind: in.Kind, Table: table, Window: windows[0], Read: len(rows), Rows: rows, Keys: keys, Done: true, Calls: 3}); err != nil {
		w.t.Fatal(err)
	}
	if status == orgflow.StatusRunning {
		return load
	}
	if status == orgflow.StatusCompleted {
		if err := db.SwapLoad(ctx, load.ID); err != nil {
			w.t.Fatal(err)
		}
	}
	if _, err := db.FinishLoad(ctx, load.ID, status, fault); err != nil {
		w.t.Fatal(err)
	}
	return load
}
