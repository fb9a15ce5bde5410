package api

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/prometheus/client_golang/prometheus"

	"orgflow"
	"orgflow/internal/trail"
)

type traceKey struct{}

// trace follows one request through the middlewares; the handlers fill it in.
type trace struct {
	id     string
	caller caller
}

func traceOf(ctx context.Context) *trace {
	t, _ := ctx.Value(traceKey{}).(*trace)
	if t == nil {
		return &trace{}
	}
	return t
}

// RequestID is the id of the request whose context this is; empty for none.
func RequestID(ctx context.Context) string { return requestID(ctx) }

func requestID(ctx context.Context) string { return traceOf(ctx).id }

// note remembers the caller for the access log.
func note(ctx context.Context, who caller) { traceOf(ctx).caller = who }

var acceptableID = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,128}$`)

func randomID() string { return strings.ToLower(rand.Text()) }

// identified gives every request an id: the caller's if it is a plain one.
func (s *server) identified(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-Id")
		if !acceptableID.MatchString(id) {
			id = s.NewID()
		}
		h := w.Header()
		h.Set("X-Request-Id", id)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		ctx := trail.With(r.Context(), slog.String("request_id", id))
		next.ServeHTTP(w, r.WithContext(context.WithValue(ctx, traceKey{}, &trace{id: id})))
	})
}

// observed logs and counts every request: no query strings, no bodies.
func (s *server) observed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := s.Now()
		// chi would make a context of its own; ours tells the route afterwards.
		route := chi.NewRouteContext()
		route.Routes = s.router
		ctx, span := s.startSpan(context.WithValue(r.Context(), chi.RouteCtxKey, route), r)
		r = r.WithContext(ctx)
		ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		next.ServeHTTP(ww, r)

		status, took := ww.Status(), s.Now().Sub(start)
		if status == 0 {
			status = http.StatusOK
		}
		s.meter.observe(r.Method, route.RoutePattern(), status, took)
		endSpan(span, r.Method, route.RoutePattern(), status)
		t := traceOf(ctx)
		s.Logger.LogAttrs(ctx, levelOf(status, route.RoutePattern()), "http request",
			slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Int("status", status),
			slog.Int("bytes", ww.BytesWritten()), slog.Duration("took", took),
			slog.String("request_id", t.id), slog.String("caller", t.caller.key))
	})
}

// levelOf keeps probes out of the log unless they fail.
func levelOf(status int, route string) slog.Level {
	switch {
	case status >= http.StatusInternalServerError:
		return slog.LevelWarn
	case route == "/healthz" || route == "/readyz" || route == "/metrics":
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// recovered turns a panic into a 500 and a log entry with its stack.
func (s *server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { //nolint:contextcheck // the request carries it
			v := recover()
			if v == nil {
				return
			}
			if v == http.ErrAbortHandler { //nolint:errorlint // net/http means this very value too
				panic(v)
			}
			s.Logger.ErrorContext(r.Context(), "panic while answering", "request_id", requestID(r.Context()),
				"panic", v, "stack", string(debug.Stack()))
			if ww, ok := w.(middleware.WrapResponseWriter); ok && ww.Status() != 0 {
				return // the answer has begun; it cannot be taken back
			}
			s.write(w, r, &Error{Code: orgflow.CodeInternal, Message: "something went wrong inside orgflow; its log tells more under this request_id"})
		}()
		next.ServeHTTP(w, r)
	})
}

// deadline bounds the work on a request.
func (s *server) deadline(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), s.Timeout)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// jsonWhateverTheType reads bodies of the API as JSON: boards send them as
// text/plain, as a form, or without a type.
func (s *server) jsonWhateverTheType(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/") {
			r.Header.Set("Content-Type", "application/json")
		}
		next.ServeHTTP(w, r)
	})
}

func (s *server) notFound(w http.ResponseWriter, r *http.Request) {
	s.write(w, r, &Error{Code: codeNoRoute, Message: "there is no " + r.URL.Path + " here; /openapi.json lists all addresses"})
}

func (s *server) methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if s.router.Match(chi.NewRouteContext(), m, r.URL.Path) {
			allowed = append(allowed, m)
			if m == http.MethodGet {
				allowed = append(allowed, http.MethodHead) // see middleware.GetHead
			}
		}
	}
	list := strings.Join(allowed, ", ")
	s.write(w, r, &Error{Code: codeMethod, Message: r.Method + " is not possible here; allowed: " + list, headers: http.Header{"Allow": {list}}})
}

// meter counts requests by route pattern, never by path.
type meter struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newMeter(r prometheus.Registerer) meter {
	m := meter{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "orgflow_http_requests_total", Help: "HTTP requests answered.",
		}, []string{"method", "route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "orgflow_http_request_seconds", Help: "Time to answer HTTP requests.",
		}, []string{"route"}),
	}
	r.MustRegister(m.requests, m.seconds)
	return m
}

func (m meter) observe(method, route string, status int, took time.Duration) {
	method, route = known(method, route)
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(route).Observe(took.Seconds())
}

// known is a route for metrics and traces: what strangers try must not become
// labels.
func known(method, route string) (string, string) {
	if route == "" || strings.HasSuffix(route, "*") {
		return "any", "none"
	}
	return method, route
}
