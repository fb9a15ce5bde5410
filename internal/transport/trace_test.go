package transport

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"orgflow"
	"orgflow/internal/trail"
)

// traced runs work inside a span and returns the spans that came of it.
func traced(t *testing.T, work func(context.Context)) tracetest.SpanStubs {
	t.Helper()
	memory := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(memory))
	ctx, span := provider.Tracer("test").Start(t.Context(), "around")
	work(ctx)
	spans := memory.GetSpans()
	span.End()
	for _, s := range spans {
		if s.SpanContext.TraceID() != span.SpanContext().TraceID() || s.Parent.SpanID() != span.SpanContext().SpanID() {
			t.Errorf("span %s is not in the trace around it", s.Name)
		}
	}
	return spans
}

// told is everything that a span shows, as text.
func told(s tracetest.SpanStub) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %q\n", s.Name, s.Status.Code, s.Status.Description)
	for _, a := range s.Attributes {
		fmt.Fprintf(&b, "%s=%s\n", a.Key, a.Value.String())
	}
	for _, e := range s.Events {
		fmt.Fprintf(&b, "event %s %v\n", e.Name, e.Attributes)
	}
	return b.String()
}

// The whole chain of a connector, with all that must not be seen in the
// request and in the answer.
func TestASpanSaysWhatWasCalledAndNothingThatWasSaid(t *testing.T) {
	var header http.Header
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header
		_, _ = io.WriteString(w, `{"errcode": 40014, "errmsg": "secret-answer"}`)
	}))
	t.Cleanup(vendor.Close)
	link := NewLink(Vendor{Name: "ding_talk", MaxBody: 1000}, Options{})
	spans := traced(t, func(ctx context.Context) {
		ctx = trail.With(ctx, slog.String("run_id", "sync-1"), slog.String("record", "person:1001"))
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, vendor.URL+"/topapi/v2/user/get?access_token=secret-token", strings.NewReader("secret-body"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "secret-header")
		if _, err := link.Send(req, &Call{Decode: func(int, []byte) string { return "40014" }}); err != nil {
			t.Fatal(err)
		}
	})
	if len(spans) != 1 {
		t.Fatalf("%d spans of one call", len(spans))
	}
	got := told(spans[0])
	if strings.Contains(got, "secret") {
		t.Errorf("the span shows secrets:\n%s", got)
	}
	for _, want := range []string{
		"ding_talk /topapi/v2/user/get Error \"40014\"\n", "orgflow.vendor=ding_talk\n", "http.request.method=POST\n",
		"server.address=" + strings.TrimPrefix(vendor.URL, "http://") + "\n", "url.template=/topapi/v2/user/get\n",
		"http.response.status_code=200\n", "orgflow.outcome=40014\n", "orgflow.run_id=sync-1\n", "orgflow.record=person:1001\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the span lacks %s:\n%s", want, got)
		}
	}
	if header.Get("Traceparent") != "" {
		t.Error("the vendor is told of the trace")
	}
}

func TestASpanSaysHowACallEnded(t *testing.T) {
	for want, tc := range map[string]struct {
		err  error
		code string
	}{
		`Unset ""`:            {},
		`Error "60121"`:       {code: "60121"},
		`Error "other"`:       {code: strings.Repeat("9", 100)},
		`Error "unavailable"`: {err: orgflow.Faultf(orgflow.CodeUnavailable, "dial tcp: secret")},
		`Error "canceled"`:    {err: context.Canceled},
	} {
		base := reply(200, "{}")
		if tc.err != nil {
			base = Func(func(*http.Request) (*http.Response, error) { return nil, tc.err })
		}
		spans := traced(t, func(ctx context.Context) {
			call := &Call{Path: "/p", Decode: func(int, []byte) string { return tc.code }}
			_, _ = send(t, ctx, Chain(base, Trace("v"), BodyCap(10)), http.MethodGet, "http://x/people/E1", call)
		})
		if got := told(spans[0]); !strings.HasPrefix(got, "v /p "+want) || strings.Contains(got, "secret") || strings.Contains(got, "E1") {
			t.Errorf("want %s, the span says\n%s", want, got)
		}
	}
}

// A program whose traces are off, or a trace that is not among those that are
// sampled, has no spans, and what is called gets the request as it is.
func TestNoTraceNoSpan(t *testing.T) {
	memory := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(memory), sdktrace.WithSampler(sdktrace.NeverSample()))
	unsampled, span := provider.Tracer("test").Start(t.Context(), "around")
	for _, ctx := range []context.Context{t.Context(), unsampled} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://x", nil)
		if err != nil {
			t.Fatal(err)
		}
		same, call := StartSpan(req, "v", "/p")
		call.End(200, "ok")
		if same != req {
			t.Error("the request was changed")
		}
	}
	span.End()
	if n := len(memory.GetSpans()); n != 0 {
		t.Errorf("%d spans", n)
	}
}

// A call's span does not hold the time it waited for the rate budget: that is
// no fault of the vendor's.
func TestACallWaitsForTheBudgetBeforeItsSpanBegins(t *testing.T) {
	var waiting trace.SpanContext
	link := NewLink(Vendor{Name: "v", MaxBody: 10}, Options{
		Transport: reply(200, "{}"),
		Limiter: limiterFunc(func(ctx context.Context) error {
			waiting = trace.SpanContextFromContext(ctx)
			return nil
		}),
	})
	spans := traced(t, func(ctx context.Context) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://x", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := link.Send(req, &Call{Path: "/p"}); err != nil {
			t.Fatal(err)
		}
	})
	if len(spans) != 1 || waiting.SpanID() != spans[0].Parent.SpanID() {
		t.Errorf("waited in span %s, want %v's parent", waiting.SpanID(), spans)
	}
}
