package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"orgflow"
)

func reply(status int, body string) http.RoundTripper {
	return Func(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}, nil
	})
}

func TestChainListsTheOutermostFirst(t *testing.T) {
	var order []string
	named := func(name string) Layer {
		return func(next http.RoundTripper) http.RoundTripper {
			return Func(func(req *http.Request) (*http.Response, error) {
				order = append(order, name)
				return next.RoundTrip(req)
			})
		}
	}
	_, err := send(t, t.Context(), Chain(reply(200, ""), named("a"), named("b")), http.MethodGet, "http://x", &Call{})
	if err != nil || !slices.Equal(order, []string{"a", "b"}) {
		t.Fatalf("order %v, err %v", order, err)
	}
}

func TestBodyCapDecodesAndKeepsTheBody(t *testing.T) {
	for name, tc := range map[string]struct {
		limit int64
		fails bool
	}{"exactly the cap": {5, false}, "one too long": {4, true}} {
		t.Run(name, func(t *testing.T) {
			var decoded string
			call := &Call{Decode: func(status int, body []byte) string {
				decoded = string(body)
				return "E1"
			}}
			res, err := send(t, t.Context(), Chain(reply(200, "12345"), BodyCap(tc.limit)), http.MethodGet, "http://x", call)
			if tc.fails {
				if err == nil || decoded != "" {
					t.Fatalf("err %v, decoded %q; want a refusal before decoding", err, decoded)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			again, _ := io.ReadAll(res.Body)
			if decoded != "12345" || string(again) != "12345" || call.Code() != "E1" {
				t.Fatalf("decoded %q, body %q, code %q", decoded, again, call.Code())
			}
		})
	}
}

func TestLogShowsNeitherQueryNorBody(t *testing.T) {
	var out bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	rt := Chain(reply(200, "secret-answer"), Log(logger, "ding_talk"), BodyCap(100))
	call := &Call{Decode: func(int, []byte) string { return "40014" }}
	if _, err := send(t, t.Context(), rt, http.MethodPost, "http://x/topapi/v2/user/get?access_token=secret-token", call); err != nil {
		t.Fatal(err)
	}
	line := out.String()
	if strings.Contains(line, "secret") {
		t.Errorf("the log shows secrets: %s", line)
	}
	for _, want := range []string{"level=WARN", "vendor=ding_talk", "method=POST", "path=/topapi/v2/user/get", "status=200", "vendor_code=40014", "took="} {
		if !strings.Contains(line, want) {
			t.Errorf("the log lacks %s: %s", want, line)
		}
	}
}

func TestMetricsCountByOutcome(t *testing.T) {
	reg := prometheus.NewRegistry()
	metrics, err := NewPrometheus(reg)
	if err != nil {
		t.Fatal(err)
	}
	failing := func(err error) http.RoundTripper {
		return Func(func(*http.Request) (*http.Response, error) { return nil, err })
	}
	for outcome, tc := range map[string]struct {
		base http.RoundTripper
		code string
	}{
		"ok":          {reply(200, ""), ""},
		"60121":       {reply(200, ""), "60121"},
		"other":       {reply(200, ""), strings.Repeat("9", 100)},
		"unavailable": {failing(orgflow.Faultf(orgflow.CodeUnavailable, "x")), ""},
		"canceled":    {failing(context.Canceled), ""},
	} {
		call := &Call{Path: "/p", Decode: func(int, []byte) string { return tc.code }}
		_, _ = send(t, t.Context(), Chain(tc.base, Metrics(metrics, "v"), BodyCap(10)), http.MethodGet, "http://x", call)
		if n := gathered(t, reg, "outcome", outcome); n != 1 {
			t.Errorf("outcome %s counted %v times, want 1", outcome, n)
		}
	}
	if n := gathered(t, reg, "path", "/p"); n != 10 {
		t.Errorf("%v calls counted and measured on the path, want 5 each", n)
	}
}

// gathered sums counters and histogram counts that bear the label.
func gathered(t *testing.T, reg *prometheus.Registry, label, value string) (sum float64) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			for _, pair := range m.GetLabel() {
				if pair.GetName() == label && pair.GetValue() == value {
					sum += m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
				}
			}
		}
	}
	return sum
}

type limiterFunc func(context.Context) error

func (f limiterFunc) Wait(ctx context.Context) error { return f(ctx) }

func TestRateWaitsBeforeSending(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	shared := orgflow.Faultf(orgflow.CodeUnavailable, "the budget's store is down")
	for name, tc := range map[string]struct {
		ctx   context.Context
		wait  error
		check func(error) bool
	}{
		"turn given":      {t.Context(), nil, func(err error) bool { return err == nil }},
		"context ended":   {ended, errors.New("any"), func(err error) bool { return errors.Is(err, context.Canceled) }},
		"no room":         {t.Context(), errors.New("would exceed"), func(err error) bool { return orgflow.AsFault(err).Code == orgflow.CodeThrottled }},
		"limiter's fault": {t.Context(), shared, func(err error) bool { return err == error(shared) }},
	} {
		t.Run(name, func(t *testing.T) {
			sent := false
			base := Func(func(*http.Request) (*http.Response, error) {
				sent = true
				return &http.Response{Body: http.NoBody}, nil
			})
			rt := Chain(base, Rate(limiterFunc(func(context.Context) error { return tc.wait })))
			_, err := send(t, tc.ctx, rt, http.MethodPost, "http://x", &Call{})
			if !tc.check(err) || sent != (tc.wait == nil) {
				t.Fatalf("err %v, sent %v", err, sent)
			}
		})
	}
}

func TestPerSecond(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	slow, unlimited := PerSecond(0.001), PerSecond(0)
	if slow.Wait(ctx) != nil || slow.Wait(ctx) == nil {
		t.Error("one call in 1000 s: the second within 10 s must be refused, the first not")
	}
	for range 100 {
		if err := unlimited.Wait(ctx); err != nil {
			t.Fatal(err)
		}
	}
}
