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
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/api"
	"orgflow/internal/app"
	"orgflow/internal/config"
	"orgflow/internal/console"
	"orgflow/internal/signin"
	"orgflow/internal/store"
	"orgflow/internal/web"
)

// syncWorld is the console over a real database and real files; what would
// reach Temporal is written down instead.
type syncWorld struct {
	t      *testing.T
	app    *app.App
	server *httptest.Server
	asked  []string // what was asked of the runs: "pause run-1 E2 user:E2 because"
	fault  error    // what the next such answer is
	starts []api.StartOptions
	jobs   []orgflow.Job
	acts   []string // of the audit log
	words  []string // that stood for retries and undos

	visitors map[string]visitor
}

var people = map[string]config.Access{"reader": config.AccessRead, "operator": config.AccessOperate, "approver": config.AccessApprove}

// Companies, Door, Identify and Written make the world a signin.Companies.
func (w *syncWorld) Companies() []signin.Company { return nil }

func (w *syncWorld) Door(int64) (connectors.SignIn, error) {
	return nil, orgflow.Faultf(orgflow.CodeUnavailable, "nobody is asked")
}

func (w *syncWorld) Identify(_ context.Context, _ int64, userID string) (signin.Identity, error) {
	return signin.Identity{Code: userID, Access: people[userID], Here: true}, nil
}

func (w *syncWorld) Written(int64) map[string]string { return nil }

func (w *syncWorld) note(verb, id string, s api.Steering) error {
	w.asked = append(w.asked, strings.Join([]string{verb, id, s.By, s.Key, s.Reason}, " "))
	return w.fault
}

func (w *syncWorld) Cancel(_ context.Context, id string, s api.Steering) error {
	return w.note("cancel", id, s)
}

func (w *syncWorld) Pause(_ context.Context, id string, s api.Steering) error {
	return w.note("pause", id, s)
}

func (w *syncWorld) Resume(_ context.Context, id string, s api.Steering) error {
	return w.note("resume", id, s)
}

func (w *syncWorld) Approve(_ context.Context, id string, s api.Steering) error {
	return w.note("approve", id, s)
}

func (w *syncWorld) Reject(_ context.Context, id string, s api.Steering) error {
	return w.note("reject", id, s)
}

func (w *syncWorld) Retry(_ context.Context, id string, s api.Steering) (api.Started, error) {
	w.words = append(w.words, s.Once)
	return api.Started{ID: "again"}, w.note("retry", id, s)
}

func (w *syncWorld) Undo(_ context.Context, id string, o api.UndoOptions) (api.Started, error) {
	w.words = append(w.words, o.Once)
	return api.Started{ID: "undone"}, w.note(fmt.Sprintf("undo(dry %v)", o.DryRun), id, o.Steering)
}

func (w *syncWorld) Start(_ context.Context, job orgflow.Job, _ json.RawMessage, o api.StartOptions) (api.Started, error) {
	w.jobs, w.starts = append(w.jobs, job), append(w.starts, o)
	return api.Started{ID: o.WorkflowID}, w.fault
}

const clearSecret = "in-clear-text-9c1f"

func newSyncWorld(t *testing.T, open bool) *syncWorld {
	t.Helper()
	w := &syncWorld{t: t}
	dir := t.TempDir()
	w.put(dir, "companies/129/company.json", `{"company_id": 129, "name": "示例公司",
		"source": {"type": "hcm", "base_url": "http://127.0.0.1:1/hcm", "auth": {"mode": "bearer", "token": "${HCM_TOKEN}"}},
		"consumers": {"ding_talk": {"base_url": "http://127.0.0.1:1", "api": "v2", "appkey": "app", "appsecret": "`+clearSecret+`", "root_department_id": 1}}}`)
	w.app = openApp(t, dir)
	runs, mux := w.app.Runs(), chi.NewRouter()
	console.New(console.Deps{
		SignIn: signin.New(signin.Deps{Store: w.app.Store, Companies: w, Pages: web.New(), Open: open, Logger: w.app.Log}),
		Runs:   runs, Plans: runs, WhatIf: runs, Records: runs, Start: w, Steer: w, Once: w.app.Store, Files: w.app.Meta,
		WebUI: "http://webui.test", Namespace: "staging",
		Audit: func(_ context.Context, who, action, subject, _ string) error {
			w.acts = append(w.acts, who+" "+action+" "+subject)
			return nil
		},
	}).Routes(mux)
	mux.Handle("/static/*", web.Static())
	w.server = httptest.NewServer(mux)
	t.Cleanup(w.server.Close)
	return w
}

func (w *syncWorld) put(dir, name, text string) {
	w.t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// visitor is somebody's browser; "" is nobody's.
type visitor struct {
	w      *syncWorld
	cookie string
}

func (w *syncWorld) as(who string) visitor {
	w.t.Helper()
	if who == "" {
		return visitor{w: w}
	}
	raw := sha256.Sum256([]byte(who))
	token := base64.RawURLEncoding.EncodeToString(raw[:])
	sum, now := sha256.Sum256([]byte(token)), time.Now()
	err := w.app.Store.CreateSession(w.t.Context(), store.Session{
		ID: hex.EncodeToString(sum[:]), CompanyID: 129, Origin: "ding_talk", UserID: who, Name: who,
		CreatedAt: now, SeenAt: now, VerifiedAt: now, ExpiresAt: now.Add(time.Hour),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return visitor{w: w, cookie: "orgflow-session=" + token}
}

type page struct {
	status int
	body   string
	to     string // where a redirect leads
	header http.Header
}

func (v visitor) do(method, path string, form url.Values, origin string) page {
	v.w.t.Helper()
	req, err := http.NewRequest(method, v.w.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.w.t.Fatal(err)
	}
	req.Header.Set("Accept-Language", "en")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if origin != "" {
		req.Header.Set("Origin", origin)
		req.Header.Set("Referer", origin+"/sync/parked")
	}
	if v.cookie != "" {
		req.Header.Set("Cookie", v.cookie)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		v.w.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.w.t.Fatal(err)
	}
	return page{res.StatusCode, string(body), res.Header.Get("Location"), res.Header}
}

func (v visitor) get(path string) page { v.w.t.Helper(); return v.do("GET", path, nil, "") }

// post sends a form as our own pages do; fields are names and values.
func (v visitor) post(path string, fields ...string) page {
	v.w.t.Helper()
	return v.do("POST", path, form(fields...), v.w.server.URL)
}

func form(fields ...string) url.Values {
	out := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		out.Add(fields[i], fields[i+1])
	}
	return out
}

func (p page) has(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(p.body, text) {
			t.Errorf("%d: the page lacks %q:\n%s", p.status, text, p.main())
		}
	}
}

// main is the page without its frame.
func (p page) main() string {
	_, rest, _ := strings.Cut(p.body, "<main")
	return rest
}

func (p page) hasNot(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(p.body, text) {
			t.Errorf("%d: the page has %q:\n%s", p.status, text, p.main())
		}
	}
}

const script = `<script>alert(1)</script>`

// payload is what a change sends.
func payload(t *testing.T, fields map[string]any, sensitive ...string) json.RawMessage {
	t.Helper()
	raw, err := orgflow.Payload{Fields: fields, Sensitive: sensitive}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// seed stores three runs: "parked" waits for approval, "failed" has ended with
// failures, "going" is being applied.
func (w *syncWorld) seed() {
	w.t.Helper()
	ctx, t := w.t.Context(), w.t
	department := orgflow.Change{
		ID: 1, Kind: orgflow.Org, Op: orgflow.Insert, SourceID: "11", Wave: 1, State: orgflow.Done, Reason: "new",
		Payload: payload(t, map[string]any{"name": "平台组", "parent_id": orgflow.Ref(orgflow.Org, "10")}),
	}
	person := orgflow.Change{
		ID: 2, Kind: orgflow.Person, Op: orgflow.Insert, SourceID: "1001", Wave: 2, State: orgflow.Done, Reason: "new",
		Payload: payload(t, map[string]any{"name": script, "mobile": "10000001001", "dept_id_list": []any{orgflow.Ref(orgflow.Org, "11")}}, "mobile"),
	}
	moved := orgflow.Change{
		ID: 3, Kind: orgflow.Person, Op: orgflow.Update, SourceID: "1002", ConsumerID: "E1002", Wave: 3, State: orgflow.Failed, Reason: "changed",
		Fields:  map[string]orgflow.Diff{"title": {Before: "工程师", After: "首席"}, "dept_id_list": {Before: []any{"@org:10"}, After: []any{"@org:11"}}},
		Payload: payload(t, map[string]any{"name": "李四", "title": "首席", "dept_id_list": []any{orgflow.Ref(orgflow.Org, "11")}}),
		Error:   &orgflow.Fault{Code: orgflow.CodeInvalidRecord, VendorCode: "60121", Message: "找不到该用户", Advice: "look whether the person still exists"},
	}
	left := orgflow.Change{
		ID: 4, Kind: orgflow.Person, Op: orgflow.Delete, SourceID: "1003", ConsumerID: "E1003", Wave: 4, State: orgflow.Parked, Reason: "not in the source any more; 3 deletes are more than 1 %",
		Before: payload(t, map[string]any{"name": "王五", "dept_id_list": []any{orgflow.Ref(orgflow.Org, "10")}}),
	}
	for _, run := range []struct {
		id      string
		changes []orgflow.Change
		status  orgflow.Status
		phase   orgflow.Phase
	}{
		{"parked", []orgflow.Change{department, person, left}, orgflow.StatusAwaitingApproval, orgflow.PhaseOf(orgflow.Person, orgflow.Delete)},
		{"failed", []orgflow.Change{department, person, moved}, orgflow.StatusCompletedWithFailures, orgflow.PhaseOf(orgflow.Person, orgflow.Update)},
		{"going", []orgflow.Change{department}, orgflow.StatusRunning, orgflow.PhaseOf(orgflow.Org, orgflow.Insert)},
	} {
		w.run(run.id, run.changes)
		if err := w.app.Store.SetPhase(ctx, run.id, run.phase); err != nil {
			t.Fatal(err)
		}
		if run.status.Terminal() {
			if _, err := w.app.Store.FinishRun(ctx, run.id, run.status, nil, []string{"a note " + script}); err != nil {
				t.Fatal(err)
			}
		} else if err := w.app.Store.SetStatus(ctx, run.id, run.status); err != nil {
			t.Fatal(err)
		}
	}
}

// run stores a run that read two departments and planned changes.
func (w *syncWorld) run(id string, changes []orgflow.Change) {
	w.t.Helper()
	ctx, t, s := w.t.Context(), w.t, w.app.Store
	job := orgflow.Job{Services: []string{"org_new", "person_new"}, Consumer: "ding_talk", CompanyID: 129}.WithDefaults()
	_, _, err := s.CreateRun(ctx, store.NewRun{FirstRunID: "first-" + id, WorkflowID: id, Job: job, StartedAt: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	snap, err := s.BeginSnapshot(ctx, store.NewSnapshot{RunID: id, Target: job.Target(), Scope: "default", Service: "org_new", Kind: orgflow.Org})
	if err != nil {
		t.Fatal(err)
	}
	var rows []store.StagedRow
	for _, d := range [][3]string{{"10", "", "信息部"}, {"11", "10", "平台组"}} {
		name, err := json.Marshal(d[2])
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, store.StagedRow{Record: orgflow.Record{Kind: orgflow.Org, SourceID: d[0], ParentID: d[1], Fields: map[string]json.RawMessage{"name": name}}})
	}
	if _, err := s.StagePage(ctx, snap.ID, rows); err != nil {
		t.Fatal(err)
	}
	if _, err := s.FinishSnapshot(ctx, snap.ID, store.SnapshotResult{Read: 2, Declared: 2, Complete: true}); err != nil {
		t.Fatal(err)
	}
	plan := store.PlanMeta{Hash: "plan-" + id, Counts: map[orgflow.Kind]orgflow.PlanCount{orgflow.Org: {Insert: 1}, orgflow.Person: {Insert: 1}}}
	if err := s.SavePlan(ctx, id, plan, slices.Values(changes)); err != nil {
		t.Fatal(err)
	}
}
