package telemetry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"orgflow/internal/config"
	"orgflow/internal/trail"
)

const secret = "s3cr3t-value"

func logged(f func(*slog.Logger)) string {
	var b bytes.Buffer
	f(NewLogger(&b, config.LogJSON, slog.LevelDebug, NewRedactor(secret, "", "abc")))
	return b.String()
}

func TestSensitiveAttributesAreMasked(t *testing.T) {
	for _, key := range []string{"token", "access_token", "AccessToken", "appsecret", "corp_secret", "password",
		"Authorization", "X-API-Key", "api_key", "mobile", "Mobile", "manager_mobile", "identity_card", "id_card", "email", "Cookie", "sign"} {
		for _, value := range []any{"visible", 10012345678, []byte("visible"), errors.New("visible"), map[string]any{"a": "visible"}} {
			line := logged(func(l *slog.Logger) { l.Info("m", key, value) })
			if strings.Contains(line, "visible") || strings.Contains(line, "10012345678") || !strings.Contains(line, mask) {
				t.Errorf("%s=%v is shown: %s", key, value, line)
			}
		}
	}
}

func TestInnocentAttributesAreShown(t *testing.T) {
	for _, key := range []string{"token_renewals", "run_id", "record", "signal", "design", "secret_name_missing", "phonebook_size", "key"} {
		if line := logged(func(l *slog.Logger) { l.Info("m", key, "visible") }); !strings.Contains(line, `"visible"`) {
			t.Errorf("%s is masked: %s", key, line)
		}
	}
	if line := logged(func(l *slog.Logger) { l.Info("abc alphabet", "n", 42) }); !strings.Contains(line, "abc alphabet") || !strings.Contains(line, "42") {
		t.Errorf("a three-letter secret garbled the log: %s", line)
	}
}

func TestKnownSecretsAreMaskedEverywhere(t *testing.T) {
	type holder struct{ Inner string }
	for name, f := range map[string]func(*slog.Logger){
		"message":    func(l *slog.Logger) { l.Info("using " + secret) },
		"string":     func(l *slog.Logger) { l.Info("m", "url", "https://x/?q="+secret) },
		"error":      func(l *slog.Logger) { l.Info("m", "error", fmt.Errorf("x: %w", errors.New(secret))) },
		"struct":     func(l *slog.Logger) { l.Info("m", "v", holder{secret}) },
		"slice":      func(l *slog.Logger) { l.Info("m", "v", []string{secret}) },
		"map":        func(l *slog.Logger) { l.Info("m", "v", map[string]any{"deep": map[string]any{"x": secret}}) },
		"group":      func(l *slog.Logger) { l.Info("m", slog.Group("g", slog.Group("h", "x", secret))) },
		"with":       func(l *slog.Logger) { l.With("x", secret).WithGroup("g").With("y", secret).Info("m", "z", secret) },
		"log valuer": func(l *slog.Logger) { l.Info("m", "v", valuer{}) },
	} {
		if line := logged(f); strings.Contains(line, secret) || !strings.Contains(line, mask) {
			t.Errorf("%s: %s", name, line)
		}
	}
}

type valuer struct{}

func (valuer) LogValue() slog.Value { return slog.GroupValue(slog.String("x", secret)) }

func TestSecretsInURLsAreMaskedUnknown(t *testing.T) {
	r := NewRedactor()
	for text, want := range map[string]string{
		`Get "https://oapi.dingtalk.com/x?access_token=abc123&id=1": EOF`: `Get "https://oapi.dingtalk.com/x?access_token=[masked]&id=1": EOF`,
		"https://q.com/gettoken?corpid=c&corpsecret=zz":                   "https://q.com/gettoken?corpid=c&corpsecret=[masked]",
		"postgres://u:p%40ss@h:5432/db":                                   "postgres://u:[masked]@h:5432/db",
		"Authorization: Bearer abc.def-g":                                 "Authorization: [masked]",
		"http://127.0.0.1:8080/x@y":                                       "http://127.0.0.1:8080/x@y",
		"host=db password=pp sslmode=off":                                 "host=db password=[masked] sslmode=off",
		"title=x design=y token_renewals=1":                               "title=x design=y token_renewals=1",
	} {
		if got := r.Text(text); got != want {
			t.Errorf("Text(%q)\n got %q\nwant %q", text, got, want)
		}
	}
}

func TestSecretsCanBeAddedWhileLogging(t *testing.T) {
	r := NewRedactor()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			r.Add(fmt.Sprintf("late-secret-%d", i))
			if got := r.Text(fmt.Sprintf("x late-secret-%d", i)); got != "x "+mask {
				t.Errorf("got %q", got)
			}
		})
	}
	wg.Wait()
}

func TestLinesSayWhatTheWorkIsAbout(t *testing.T) {
	span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}})
	ctx := trace.ContextWithSpanContext(t.Context(), span)
	ctx = trail.With(ctx, slog.String("run_id", "sync-1"), slog.String("record", secret), slog.String("mobile", "visible"))
	line := logged(func(l *slog.Logger) { l.InfoContext(ctx, "m", "run_id", "of the line") })
	for _, want := range []string{`"run_id":"of the line"`, `"record":"[masked]"`, `"mobile":"[masked]"`,
		`"trace_id":"01000000000000000000000000000000"`, `"span_id":"0200000000000000"`} {
		if !strings.Contains(line, want) {
			t.Errorf("the line lacks %s: %s", want, line)
		}
	}
	if strings.Count(line, "run_id") != 1 {
		t.Errorf("run_id is said twice: %s", line)
	}
	if line := logged(func(l *slog.Logger) { l.InfoContext(t.Context(), "m") }); strings.Contains(line, "_id") {
		t.Errorf("a line about nothing has ids: %s", line)
	}
}

func TestFormatAndLevel(t *testing.T) {
	write := func(format config.LogFormat, level slog.Level) string {
		var b bytes.Buffer
		l := NewLogger(&b, format, level, NewRedactor())
		l.Info("quiet")
		l.Warn("loud")
		return b.String()
	}
	if got := write(config.LogText, slog.LevelInfo); !strings.Contains(got, "msg=quiet") {
		t.Errorf("text: %s", got)
	}
	got := write(config.LogAuto, slog.LevelWarn) // a buffer is no terminal
	if !json.Valid([]byte(got)) || strings.Contains(got, "quiet") || !strings.Contains(got, "loud") {
		t.Errorf("automatic format at level warn: %s", got)
	}
}

func TestMetricsAreServed(t *testing.T) {
	r := NewRegistry()
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: "orgflow_test_total"})
	r.MustRegister(c)
	c.Inc()
	w := httptest.NewRecorder()
	MetricsHandler(r).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, want := range []string{"orgflow_test_total 1", "go_goroutines", "go_build_info"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s is missing", want)
		}
	}
}

// A secret that begins like another one is masked whole.
func TestTheLongerSecretIsMaskedFirst(t *testing.T) {
	for range 20 { // the order of a map
		r := NewRedactor("hush-1", "hush-1-and-more", "hush-1-and")
		if got := r.Text("a hush-1-and-more b hush-1 c hush-1-and"); got != "a [masked] b [masked] c [masked]" {
			t.Fatal(got)
		}
	}
}
