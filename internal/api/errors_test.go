package api

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"strings"
	"testing"
	"time"

	"orgflow"
)

func TestEveryFaultHasItsStatus(t *testing.T) {
	for code, status := range map[orgflow.Code]int{
		orgflow.CodeNotFound: 404, orgflow.CodeConflict: 409, orgflow.CodeTargetBusy: 409, orgflow.CodeThrottled: 429,
		orgflow.CodeUnavailable: 503, orgflow.CodeInvalidJob: 400, orgflow.CodeInvalidConfig: 422,
		orgflow.CodeUnauthorized: 502, orgflow.CodeInternal: 500, "never_heard_of": 500,
	} {
		w := newWorld()
		w.err = fmt.Errorf("wrapped: %w", &orgflow.Fault{Code: code, Message: "m", Field: "/f"})
		res := call(New(w.deps()), "GET", "/api/v1/sync-runs/x", "")
		if e := errorOf(t, res); res.Code != status || e.Code != code {
			t.Errorf("%s: %d %s, want %d", code, res.Code, res.Body, status)
		}
	}
}

// TestTheTableKnowsEveryCode reads the codes from the source, so that a new
// one cannot be forgotten.
func TestTheTableKnowsEveryCode(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../fault.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, "Code") {
			return true
		}
		if literal, ok := spec.Values[0].(*ast.BasicLit); ok {
			n++
			if _, known := statuses[orgflow.Code(strings.Trim(literal.Value, `"`))]; !known {
				t.Errorf("%s has no HTTP status", spec.Names[0].Name)
			}
		}
		return true
	})
	if n < 15 {
		t.Errorf("found only %d codes", n)
	}
}

func TestWhatIsNotMeantForCallersIsNotShown(t *testing.T) {
	for name, err := range map[string]error{
		"plain error":    errors.New("pq: password of Alice"),
		"internal fault": &orgflow.Fault{Code: orgflow.CodeInternal, Message: "pq: password of Alice"},
		"cause":          &orgflow.Fault{Code: orgflow.CodeUnavailable, Message: "try later", Err: errors.New("Alice")},
	} {
		w := newWorld()
		w.err = err
		res := call(New(w.deps()), "GET", "/api/v1/sync-runs/x", "", "X-Request-Id: my-id")
		if e := errorOf(t, res); strings.Contains(res.Body.String(), "Alice") || e.RequestID != "my-id" {
			t.Errorf("%s: %s", name, res.Body)
		}
		if log := w.logs.String(); !strings.Contains(log, "request failed") || !strings.Contains(log, "my-id") {
			t.Errorf("%s: the log does not help: %s", name, log)
		}
	}
}

func TestFaultDetailsReachTheCaller(t *testing.T) {
	w := newWorld()
	w.err = &orgflow.Fault{Code: orgflow.CodeThrottled, VendorCode: "90018", Message: "too fast", Advice: "wait", RetryAfter: 1500 * time.Millisecond}
	res := call(New(w.deps()), "GET", "/api/v1/sync-runs/x", "")
	if e := errorOf(t, res); e.Message != "90018 too fast (wait)" || res.Header().Get("Retry-After") != "2" {
		t.Errorf("%s, Retry-After %q", res.Body, res.Header().Get("Retry-After"))
	}
}

func TestUnknownRoutesAndMethods(t *testing.T) {
	h := New(newWorld().deps())
	for _, c := range []struct {
		method, path string
		status       int
		code         orgflow.Code
		allow        string
	}{
		{"GET", "/nothing", 404, "route_not_found", ""},
		{"GET", "/api/v1/sync-runs/x/approve/y", 404, "route_not_found", ""},
		{"DELETE", "/api/v1/sync-runs", 405, "method_not_allowed", "GET, HEAD, POST"},
		{"GET", "/api/v1/sync-runs/x/cancel", 405, "method_not_allowed", "POST"},
		{"PUT", "/healthz", 405, "method_not_allowed", "GET, HEAD"},
	} {
		res := call(h, c.method, c.path, "")
		e := errorOf(t, res)
		if res.Code != c.status || e.Code != c.code || res.Header().Get("Allow") != c.allow {
			t.Errorf("%s %s: %d %s, Allow %q", c.method, c.path, res.Code, res.Body, res.Header().Get("Allow"))
		}
	}
}

func TestBadParametersNameTheParameter(t *testing.T) {
	h := New(newWorld().deps())
	for path, field := range map[string]string{
		"/api/v1/sync-runs?limit=0":                            "limit",
		"/api/v1/sync-runs?limit=501":                          "limit",
		"/api/v1/sync-runs?limit=many":                         "limit",
		"/api/v1/sync-runs?status=sleeping":                    "status",
		"/api/v1/sync-runs?company_id=x":                       "company_id",
		"/api/v1/sync-runs?compnay_id=1":                       "compnay_id", //nolint:misspell // the user's typing error
		"/api/v1/sync-runs/x/changes?state=gone":               "state",
		"/api/v1/sync-runs/x/changes?op=upsert":                "op",
		"/api/v1/records/129/ding_talk/robot/1/log":            "kind",
		"/api/v1/records/abc/ding_talk/person/1/log":           "company",
		"/api/v1/sync-runs?cursor=" + strings.Repeat("c", 600): "cursor",
	} {
		res := call(h, "GET", path, "")
		e := errorOf(t, res)
		if res.Code != http.StatusUnprocessableEntity || e.Code != "invalid_parameter" || e.Field != field || len(e.Problems) == 0 {
			t.Errorf("%s: %d %s, want field %s", path, res.Code, res.Body, field)
		}
	}
}

func TestASlowAnswerEndsAsTimeout(t *testing.T) {
	w := newWorld()
	w.block = func(ctx context.Context) { <-ctx.Done() }
	d := w.deps()
	d.Timeout = time.Millisecond
	res := call(New(d), "GET", "/api/v1/sync-runs/x", "")
	if e := errorOf(t, res); res.Code != http.StatusGatewayTimeout || e.Code != "timeout" {
		t.Errorf("%d %s", res.Code, res.Body)
	}
}

func TestAPanicIsAnAnswer(t *testing.T) {
	w := newWorld()
	w.block = func(context.Context) { panic("secret thing") }
	res := call(New(w.deps()), "GET", "/api/v1/sync-runs/x", "")
	if e := errorOf(t, res); res.Code != 500 || e.Code != orgflow.CodeInternal || strings.Contains(res.Body.String(), "secret") {
		t.Errorf("%d %s", res.Code, res.Body)
	}
	if !strings.Contains(w.logs.String(), "secret thing") || !strings.Contains(w.logs.String(), "goroutine") {
		t.Errorf("the log lacks panic or stack: %s", w.logs)
	}
}
