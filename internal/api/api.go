// Package api is orgflow's HTTP side: chi routes described by an OpenAPI 3.1
// document, API keys, one table of errors. It decides nothing about runs; it
// asks the small interfaces of Deps.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/prometheus/client_golang/prometheus"
	oteltrace "go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"orgflow"
	"orgflow/internal/config"
	"orgflow/internal/telemetry"
	"orgflow/internal/web"
)

// Deps is what the API asks and how it is set up. Every interface is needed;
// the rest has defaults.
type Deps struct {
	// Decode reads and validates a job; all problems of a bad one come back
	// as one *orgflow.InvalidError. Nothing is started before it agrees.
	Decode func(raw []byte) (orgflow.Job, error)
	// DecodePull does the same with what a pull is asked for.
	DecodePull func(raw []byte) (orgflow.PullInput, error)
	Start      Starter
	Steer      Steerer
	Runs       Runs
	WhatIf     WhatIf
	Records    Records
	Schedules  Schedules
	Events     Events
	Orgs       Orgs
	// Loads loads forms of an ERP.
	Loads Loads
	// FlowDefinitions, Flows, Boards, Absences and FlowCalls are the parts of approval
	// flows that need no workflow.
	FlowDefinitions FlowDefinitions
	Flows           Flows
	Boards          Boards
	Absences        Absences
	// FlowCalls answers boards that steer approval flows.
	FlowCalls FlowCalls
	Views     Views
	// SignIn knows who is signed in and serves the pages for it; nil: nobody
	// can sign in.
	SignIn SignIn
	// Console adds the pages for people; nil: there are none.
	Console func(chi.Router)
	// Pages renders pages; default: those of package web.
	Pages *web.Pages
	// Audit writes down who did what to what, and from where; default: nobody
	// does. What runs, pulls and schedules are
	// told, those who tell them write down.
	Audit func(ctx context.Context, who, action, subject, origin string) error
	// Idempotency keeps the keys of starts.
	Idempotency Idempotency
	// Doctor examines the installation.
	Doctor Doctor
	// Checks are what /readyz asks: database, Temporal.
	Checks []Check

	// Addr is the address listened on. On loopback without keys every route
	// is open, and requests must name this machine as their host.
	Addr string
	Keys config.Keys
	// KeyRing has the keys that are accepted now; default: Keys. Whether
	// there are any is decided at the start: a server never opens later.
	KeyRing *config.KeyRing
	// Rate bounds the requests a minute of one client, RateFailures the
	// unknown API keys a minute of one address; 0 is no bound.
	Rate, RateFailures int
	// Links are shown on the start page; the origin of the Web UI's may call
	// the codec.
	Links Links
	// Codec is the remote codec of Temporal payloads; nil: there is none.
	Codec http.Handler

	Logger *slog.Logger         // default: slog's own
	Meter  *prometheus.Registry // default: a new one
	Tracer oteltrace.Tracer     // default: makes no spans
	// Timeout bounds the work on a request; default 30 s.
	Timeout time.Duration
	// NewID makes request ids; default: random.
	NewID func() string
	Now   func() time.Time
}

const (
	// MaxBody is the largest accepted request body, in bytes.
	MaxBody = 1 << 20
	// bodyTime bounds the reading of a body. It is longer than the default
	// Timeout, because net/http takes an expired read deadline during the
	// handler for a client that went away.
	bodyTime       = 45 * time.Second
	defaultTimeout = 30 * time.Second
)

type server struct {
	Deps
	router *chi.Mux
	huma   huma.API
	meter  meter
}

// New returns the handler of all routes. It panics when an interface of d is
// missing: that is a defect of the program, met at its start.
func New(d Deps) http.Handler {
	s := newServer(d)
	return s.chain()
}

func newServer(d Deps) *server {
	if missing := d.missing(); len(missing) > 0 {
		panic("api: needed: " + strings.Join(missing, ", "))
	}
	s := &server{Deps: d.withDefaults(), router: chi.NewRouter()}
	s.meter = newMeter(s.Meter)
	s.router.Use(middleware.GetHead)
	s.router.NotFound(s.notFound)
	s.router.MethodNotAllowed(s.methodNotAllowed)
	s.huma = humachi.New(s.router, s.humaConfig())
	s.huma.UseMiddleware(s.authorizeOperation)
	s.routes()
	return s
}

// missing names the parts without which there is no API.
func (d Deps) missing() []string {
	var names []string
	for _, part := range []struct {
		name  string
		there bool
	}{
		{"Decode", d.Decode != nil}, {"DecodePull", d.DecodePull != nil}, {"Start", d.Start != nil}, {"Steer", d.Steer != nil}, {"Runs", d.Runs != nil},
		{"WhatIf", d.WhatIf != nil}, {"Records", d.Records != nil}, {"Schedules", d.Schedules != nil}, {"Events", d.Events != nil},
		{"Orgs", d.Orgs != nil}, {"Views", d.Views != nil}, {"Loads", d.Loads != nil}, {"Idempotency", d.Idempotency != nil},
		{"FlowDefinitions", d.FlowDefinitions != nil}, {"Flows", d.Flows != nil}, {"Boards", d.Boards != nil},
		{"Absences", d.Absences != nil}, {"FlowCalls", d.FlowCalls != nil}, {"Doctor", d.Doctor != nil},
	} {
		if !part.there {
			names = append(names, part.name)
		}
	}
	return names
}

func (d Deps) withDefaults() Deps {
	if d.Logger == nil {
		d.Logger = slog.Default()
	}
	if d.Meter == nil {
		d.Meter = telemetry.NewRegistry()
	}
	if d.Tracer == nil {
		d.Tracer = noop.Tracer{}
	}
	if d.Audit == nil {
		d.Audit = func(context.Context, string, string, string, string) error { return nil }
	}
	if d.Pages == nil {
		d.Pages = web.New()
	}
	if d.Timeout == 0 {
		d.Timeout = defaultTimeout
	}
	if d.NewID == nil {
		d.NewID = randomID
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	return d
}

// routes registers everything. A route without an entry here does not exist.
func (s *server) routes() {
	s.runRoutes()
	s.whatIfRoutes()
	s.recordRoutes()
	s.scheduleRoutes()
	s.orgRoutes()
	s.erpRoutes()
	s.flowDefinitionRoutes()
	s.flowReadRoutes()
	s.flowCallRoutes()
	s.decisionRoutes()
	s.boardRoutes()
	s.absenceRoutes()
	s.viewRoutes()
	s.healthRoutes()
	s.doctorRoutes()
	s.codecRoutes()
	s.router.Post(pathEvents, s.receiveEvent)
	s.describeEvents()
	s.meRoutes()
	if s.Console == nil { // whose start page shows more to whoever may look
		s.router.Get("/", s.startPage)
	}
	s.router.Get("/static/*", web.Static().ServeHTTP)
	if s.SignIn != nil {
		s.SignIn.Routes(s.router)
	}
	if s.Console != nil {
		s.Console(s.router)
	}
	s.router.With(s.authorize(config.AccessRead)).Get("/openapi.json", s.openAPI)
	s.router.With(s.authorize(config.AccessRead)).Get("/metrics", telemetry.MetricsHandler(s.Meter).ServeHTTP)
	s.finishDocument()
}

// chain puts what every request passes around the routes, outermost first.
func (s *server) chain() http.Handler {
	var h http.Handler = s.router
	for _, wrap := range []func(http.Handler) http.Handler{
		s.jsonWhateverTheType,
		s.limited,
		s.deadline,
		s.sameOrigin,
		s.ownHost,
		s.recovered,
		s.observed,
		s.identified,
	} {
		h = wrap(h)
	}
	return h
}
