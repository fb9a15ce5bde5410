package api

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite golden files")

func routesOf(t *testing.T, s *server) []string {
	t.Helper()
	var routes []string
	if err := chi.Walk(s.router, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		routes = append(routes, method+" "+route)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(routes)
	return routes
}

// TestOpenAPIDocument compares with the checked-in document: a difference is
// a change of the interface that others program against.
func TestOpenAPIDocument(t *testing.T) {
	s := newServer(newWorld().deps())
	got, err := s.document()
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	const file = "testdata/openapi.json"
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("the document changed; if that is meant, run: go test ./internal/api -run OpenAPI -update\n%s", diff)
	}
	res := call(s.chain(), "GET", "/openapi.json", "")
	if !json.Valid(res.Body.Bytes()) || !strings.Contains(res.Body.String(), `"openapi": "3.1.0"`) {
		t.Errorf("served: %.100s", res.Body)
	}
}

func TestEveryRouteIsDescribed(t *testing.T) {
	s := newServer(newWorld().deps())
	for _, route := range routesOf(t, s) {
		method, path, _ := strings.Cut(route, " ")
		if path == "/" || path == "/openapi.json" || path == "/static/*" { // pages, and the document itself
			continue
		}
		item := s.huma.OpenAPI().Paths[path]
		if item == nil || (method == "GET" && item.Get == nil) || (method == "POST" && item.Post == nil) ||
			(method == "PUT" && item.Put == nil) || (method == "DELETE" && item.Delete == nil) {
			t.Errorf("%s is not in the document", route)
		}
	}
}

func TestHealthAndReadiness(t *testing.T) {
	w := newWorld()
	d := w.deps()
	var database error
	d.Checks = []Check{
		{"database", func(context.Context) error { return database }},
		{"Temporal", func(context.Context) error { return nil }},
	}
	h := New(d)
	if res := call(h, "GET", "/readyz", ""); res.Code != 200 || strings.TrimSpace(res.Body.String()) != `{"status":"ready","checks":{"Temporal":"ok","database":"ok"}}` {
		t.Errorf("%d %s", res.Code, res.Body)
	}
	database = errors.New("dial tcp 10.0.0.5:5432")
	res := call(h, "GET", "/readyz", "")
	if e := errorOf(t, res); res.Code != 503 || !strings.Contains(e.Message, "database") || strings.Contains(e.Message, "Temporal") || strings.Contains(e.Message, "10.0.0.5") {
		t.Errorf("%d %s", res.Code, res.Body)
	}
	if !strings.Contains(w.logs.String(), "10.0.0.5") {
		t.Error("the log does not say why")
	}
	if res := call(h, "GET", "/healthz", ""); res.Code != 200 || strings.TrimSpace(res.Body.String()) != `{"status":"ok"}` {
		t.Errorf("healthz does not depend on others: %d %s", res.Code, res.Body)
	}
	if res := call(h, "HEAD", "/healthz", ""); res.Code != 200 {
		t.Errorf("HEAD: %d", res.Code)
	}
}

func TestStartPageListsTheAddresses(t *testing.T) {
	d := newWorld().deps()
	d.Links.WebUI = "http://127.0.0.1:8233"
	res := call(New(d), "GET", "/", "")
	for _, want := range []string{"http://127.0.0.1:8233", "/openapi.json", "/api/v1/sync-runs", "同步", "English"} {
		if !strings.Contains(res.Body.String(), want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if !strings.HasPrefix(res.Header().Get("Content-Type"), "text/html") || res.Header().Get("Content-Security-Policy") == "" {
		t.Errorf("headers %v", res.Header())
	}
}

func TestAccessLogShowsNoQueryAndNoBody(t *testing.T) {
	w := newWorld()
	h := New(w.deps())
	call(h, "GET", "/api/v1/sync-runs?cursor=hidden-query", "", "X-Request-Id: id-1")
	call(h, "POST", "/api/v1/sync-runs/x/cancel", `{"reason":"hidden-body"}`, "X-Request-Id: bad id\twith junk")
	log := w.logs.String()
	if strings.Contains(log, "hidden") {
		t.Errorf("too much: %s", log)
	}
	for _, want := range []string{"path=/api/v1/sync-runs ", "status=200", "request_id=id-1", "request_id=generated-id", "method=POST", "status=202"} {
		if !strings.Contains(log, want) {
			t.Errorf("%s is missing in %s", want, log)
		}
	}
}

func TestAccessLogNamesTheKey(t *testing.T) {
	w := newWorld()
	d := w.deps()
	d.Keys = keys(t)
	h := New(d)
	call(h, "GET", "/api/v1/sync-runs", "", "X-API-Key: read-token")
	call(h, "GET", "/metrics", "", "X-API-Key: admin-token")
	if log := w.logs.String(); !strings.Contains(log, "caller=read-key") || !strings.Contains(log, "caller=admin-key") || strings.Contains(log, "-token") {
		t.Errorf("%s", log)
	}
}

func TestMetricsCountByRoute(t *testing.T) {
	h := New(newWorld().deps())
	call(h, "GET", "/api/v1/sync-runs/some-id", "")
	call(h, "GET", "/wp-admin/some-id", "")
	body := call(h, "GET", "/metrics", "").Body.String()
	for _, want := range []string{
		`orgflow_http_requests_total{method="GET",route="/api/v1/sync-runs/{id}",status="200"} 1`,
		`orgflow_http_requests_total{method="any",route="none",status="404"} 1`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if strings.Contains(body, "some-id") {
		t.Error("an id became a label")
	}
}

func TestServeStopsGracefully(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	arrived, release := make(chan struct{}), make(chan struct{})
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-release
		_, _ = io.WriteString(w, "finished")
	})
	l, err := Listen("127.0.0.1:0", "ORGFLOW_HTTP_ADDR")
	if err != nil {
		t.Fatal(err)
	}
	served, answer := make(chan error, 1), make(chan string, 1)
	go func() { served <- ServeListener(ctx, l, h, slog.New(slog.DiscardHandler)) }()
	go func() {
		res, err := http.Get("http://" + l.Addr().String())
		if err != nil {
			answer <- err.Error()
			return
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		answer <- string(body)
	}()
	<-arrived
	stop() // while the request is in flight
	close(release)
	if got := <-answer; got != "finished" {
		t.Errorf("the request in flight got %q", got)
	}
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

// A stopping server says first that it is not ready, and answers everything
// else as before, so that a load balancer has time to notice.
func TestADrainingServerIsNotReadyAndAnswers(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	l, err := Listen("127.0.0.1:0", "ORGFLOW_HTTP_ADDR")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() {
		served <- serve(ctx, l, New(newWorld().deps()), time.Hour, slog.New(slog.DiscardHandler))
	}()
	look := func(path string) int {
		res, err := http.Get("http://" + l.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	if got := look("/readyz"); got != http.StatusOK {
		t.Errorf("before: /readyz answers %d", got)
	}
	stop()
	for path, want := range map[string]int{"/readyz": 503, "/healthz": 200, "/api/v1/sync-runs": 200} {
		if got := look(path); got != want {
			t.Errorf("draining: %s answers %d, want %d", path, got, want)
		}
	}
	_ = l.Close() // for want of an hour
	if err := <-served; err == nil {
		t.Error("a server whose listener broke ended without an error")
	}
}

func TestADrainEnds(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	l, err := Listen("127.0.0.1:0", "ORGFLOW_HTTP_ADDR")
	if err != nil {
		t.Fatal(err)
	}
	if err := serve(ctx, l, http.NotFoundHandler(), time.Millisecond, slog.New(slog.DiscardHandler)); err != nil {
		t.Error(err)
	}
}

func TestABusyAddressNamesItsSetting(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	addr := l.Addr().String()
	err = Serve(context.Background(), addr, nil, 0, slog.New(slog.DiscardHandler))
	want := "ORGFLOW_HTTP_ADDR=" + addr + " is in use by another program; stop it or set ORGFLOW_HTTP_ADDR to a free address"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}
