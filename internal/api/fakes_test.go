package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"orgflow"
	"orgflow/internal/config"
	"orgflow/internal/doctor"
)

// world is everything behind the API, by hand.
type world struct {
	mu        sync.Mutex
	started   map[string]string // workflow id → job
	keys      map[string]string // idempotency
	starts    int
	lastJob   orgflow.Job
	lastRaw   string
	lastFiles map[string][]byte
	by        string
	steered   []string

	summary   orgflow.Summary
	runFilter RunFilter
	changes   ChangeFilter
	target    orgflow.Target
	record    orgflow.RecordKey
	limit     int
	examined  doctor.Request
	examineBy time.Time // the deadline of the checks
	heard     string
	dryRun    bool
	err       error                     // what every call answers, if set
	block     func(ctx context.Context) // runs before every answer
	logs      *bytes.Buffer
	flows     *flowWorld
}

func (w *world) begin(ctx context.Context) error {
	if w.block != nil {
		w.block(ctx)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		return ctx.Err()
	}
	return w.err
}

func decode(raw []byte) (orgflow.Job, error) {
	var job orgflow.Job
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&job); err != nil {
		return job, &orgflow.InvalidError{Code: orgflow.CodeInvalidJob, Problems: []orgflow.Problem{{Message: "not a job"}}}
	}
	var problems []orgflow.Problem
	if job.Params.Mode != "" && job.Params.Mode != orgflow.Full {
		problems = append(problems, orgflow.Problem{Pointer: "/params/mode", Message: "must be incremental, full or reconcile"})
	}
	if job.Consumer == "" {
		problems = append(problems, orgflow.Problem{Pointer: "/consumer", Message: "required"})
	}
	if len(problems) > 0 {
		return job, &orgflow.InvalidError{Code: orgflow.CodeInvalidJob, Problems: problems}
	}
	return job.WithDefaults(), nil
}

func (w *world) Start(ctx context.Context, job orgflow.Job, raw json.RawMessage, opts StartOptions) (Started, error) {
	if err := w.begin(ctx); err != nil {
		return Started{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	id := opts.WorkflowID
	if _, taken := w.started[id]; taken {
		if opts.IdempotencyKey == "" {
			return Started{}, orgflow.Faultf(orgflow.CodeConflict, "run %s exists", id)
		}
		return Started{ID: id, RunID: "r-" + id}, nil
	}
	w.started[id] = string(raw)
	w.starts++
	w.lastJob, w.lastRaw, w.by = job, string(raw), opts.By
	return Started{ID: id, RunID: "r-" + id}, nil
}

func (w *world) WhatIf(ctx context.Context, job orgflow.Job, suppose orgflow.Supposition) (orgflow.WhatIf, error) {
	w.lastJob, w.lastRaw, w.lastFiles = job, string(suppose.Rows), suppose.Files
	return orgflow.WhatIf{}, w.begin(ctx)
}

func (w *world) Remember(ctx context.Context, key, value string) (string, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if stored, ok := w.keys[key]; ok {
		return stored, false, nil
	}
	w.keys[key] = value
	return value, true, nil
}

func (w *world) steer(ctx context.Context, verb, id string, s Steering) error {
	w.mu.Lock()
	w.steered = append(w.steered, fmt.Sprintf("%s %s by %s (%s) key %q", verb, id, s.By, s.Reason, s.Key))
	w.mu.Unlock()
	return w.begin(ctx)
}

func (w *world) Approve(ctx context.Context, id string, s Steering) error {
	return w.steer(ctx, "approve", id, s)
}

func (w *world) Reject(ctx context.Context, id string, s Steering) error {
	return w.steer(ctx, "reject", id, s)
}

func (w *world) Undo(ctx context.Context, id string, o UndoOptions) (Started, error) {
	verb := strings.TrimSpace(fmt.Sprintf("undo %v %s", o.DryRun, o.Approval))
	return Started{ID: id + "-undone", URL: "/api/v1/sync-runs/" + id + "-undone"}, w.steer(ctx, verb, id, o.Steering)
}

func (w *world) Retry(ctx context.Context, id string, s Steering) (Started, error) {
	return Started{ID: id + "-again", URL: "/api/v1/sync-runs/" + id + "-again"}, w.steer(ctx, "retry", id, s)
}

func (w *world) Cancel(ctx context.Context, id string, s Steering) error {
	return w.steer(ctx, "cancel", id, s)
}
func (w *world) Pause(ctx context.Context, id string, s Steering) error {
	return w.steer(ctx, "pause", id, s)
}
func (w *world) Resume(ctx context.Context, id string, s Steering) error {
	return w.steer(ctx, "resume", id, s)
}
func (w *world) PauseSchedule(ctx context.Context, id string, s Steering) error {
	return w.steer(ctx, "pause", id, s)
}
func (w *world) ResumeSchedule(ctx context.Context, id string, s Steering) error {
	return w.steer(ctx, "resume", id, s)
}
func (w *world) TriggerSchedule(ctx context.Context, id string, s Steering) error {
	return w.steer(ctx, "trigger", id, s)
}
func (w *world) BackfillSchedule(ctx context.Context, id string, from, to time.Time, s Steering) error {
	return w.steer(ctx, "backfill "+from.UTC().Format(time.RFC3339)+" "+to.UTC().Format(time.RFC3339), id, s)
}

func (w *world) Summary(ctx context.Context, id string) (orgflow.Summary, error) {
	s := w.summary
	s.ID = id
	return s, w.begin(ctx)
}

func (w *world) ListRuns(ctx context.Context, f RunFilter) (RunPage, error) {
	w.runFilter = f
	return RunPage{Runs: []orgflow.Summary{w.summary}, NextCursor: "n"}, w.begin(ctx)
}

func (w *world) ListChanges(ctx context.Context, id string, f ChangeFilter) (ChangePage, error) {
	w.changes = f
	return ChangePage{}, w.begin(ctx)
}

func (w *world) RecordLog(ctx context.Context, target orgflow.Target, key orgflow.RecordKey, _ string, limit int) (LogPage, error) {
	w.target, w.record, w.limit = target, key, limit
	return LogPage{}, w.begin(ctx)
}

func (w *world) ListSchedules(ctx context.Context) ([]Schedule, error) { return nil, w.begin(ctx) }

func (w *world) ApplySchedules(ctx context.Context, dry bool) ([]ScheduleChange, error) {
	w.dryRun = dry
	return []ScheduleChange{{ID: "nightly", Action: "create"}}, w.begin(ctx)
}

func (w *world) Receive(ctx context.Context, target orgflow.Target, query url.Values, body []byte) ([]byte, error) {
	w.target, w.heard = target, query.Get("signature")+" "+string(body)
	return []byte(`{"encrypt":"success"}`), w.begin(ctx)
}

func newWorld() *world {
	w := &world{started: map[string]string{}, keys: map[string]string{}, logs: &bytes.Buffer{},
		summary: orgflow.Summary{ID: "x", CompanyID: 129, Consumer: "ding_talk", Status: orgflow.StatusRunning}}
	w.flows = &flowWorld{world: w}
	return w
}

func (w *world) deps() Deps {
	return Deps{
		Decode: decode, DecodePull: decodePull, Start: w, Steer: w, Runs: w, WhatIf: w, Records: w, Schedules: w, Events: w, Orgs: &organisation{world: w}, Views: &views{world: w}, Loads: &loads{world: w}, Idempotency: w,
		Doctor:          w,
		FlowDefinitions: w.flows, Flows: w.flows, Boards: w.flows, Absences: w.flows, FlowCalls: &flowCalls{world: w},
		Now:  func() time.Time { return time.Date(2026, 11, 21, 1, 0, 0, 0, time.UTC) },
		Addr: "127.0.0.1:8080", NewID: func() string { return "generated-id" },
		Logger:  slog.New(slog.NewTextHandler(w.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Timeout: time.Minute,
		Codec:   http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }),
	}
}

// keys returns one key per role; its token is "<role>-token".
func keys(t *testing.T) config.Keys {
	t.Helper()
	var list []string
	for _, role := range []string{"read", "operate", "approve", "admin"} {
		sum := sha256.Sum256([]byte(role + "-token"))
		list = append(list, role+"-key:"+role+":"+hex.EncodeToString(sum[:]))
	}
	parsed, problems := config.ParseKeys(strings.Join(list, ","))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return parsed
}

// call sends one request; headers are "Name: value".
func call(h http.Handler, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, "http://localhost:8080"+path, reader)
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func errorOf(t *testing.T, w *httptest.ResponseRecorder) Error {
	t.Helper()
	var e Error
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil {
		t.Fatalf("status %d, body is not JSON: %q", w.Code, w.Body)
	}
	if ct := w.Header().Get("Content-Type"); ct != "application/json" {
		t.Errorf("content type %q", ct)
	}
	if e.Code == "" || e.Message == "" || e.RequestID == "" || e.RequestID != w.Header().Get("X-Request-Id") {
		t.Errorf("incomplete error: %s", w.Body)
	}
	return e
}
