// Package signin lets people in: through DingTalk in a browser or inside its
// client, members of the organisation only, and through a link that works
// once on the machine itself. It keeps sessions, says who a request comes
// from and what they may do, and serves the pages for it.
//
// docs/sign-in.md tells the reasoning. In short: what a browser holds is
// random and stands in the database as a hash only; whatever is used to get in
// works once; who could not be found to be a member is not let in.
package signin

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/sync/singleflight"

	"orgflow/connectors"
	"orgflow/internal/config"
	"orgflow/internal/store"
	"orgflow/internal/web"
)

// How long things last.
const (
	// attemptLife is how long a sign-in that was begun, or an administrator's
	// link, can be finished.
	attemptLife = 10 * time.Minute
	// idleLife ends a session that is not used, absoluteLife any.
	idleLife     = 2 * time.Hour
	absoluteLife = 12 * time.Hour
	// verifyEvery is how often DingTalk is asked whether the person still is a
	// member; verifiedAtMost is how old the last yes may be while it gives no
	// answer.
	verifyEvery    = 15 * time.Minute
	verifiedAtMost = time.Hour
	// verifyTime bounds that question.
	verifyTime = 5 * time.Second
	// seenEvery is how often the use of a session is written down.
	seenEvery = time.Minute
)

// OriginLocal is the origin of a session that a link on the machine began.
const OriginLocal = "local"

const (
	originDingTalk = "ding_talk"
	localAdmin     = "local-admin"
)

// ErrAmbiguous says that it is not certain who somebody is, because the code that
// flows and roles call them by is also somebody else's.
var ErrAmbiguous = errors.New("the user code is that of several people")

// Store keeps sessions, attempts and the audit log.
type Store interface {
	CreateSession(ctx context.Context, n store.Session) error
	GetSession(ctx context.Context, id string) (store.Session, error)
	SeeSession(ctx context.Context, id string, seen, verified time.Time) error
	EndSession(ctx context.Context, id string) error
	EndSessionsOf(ctx context.Context, company int64, origin, userID string) (int, error)
	SaveAttempt(ctx context.Context, a store.Attempt) error
	TakeAttempt(ctx context.Context, id, purpose string) (store.Attempt, error)
	ForgetSignIns(ctx context.Context, before time.Time) error
	Audit(ctx context.Context, e store.AuditEntry) error
}

// Companies knows the companies, their connections and their people.
type Companies interface {
	// Companies lists those with a connection that people sign in through.
	Companies() []Company
	// Door is that connection.
	Door(company int64) (connectors.SignIn, error)
	// Identify says who a member is here and what they may do. ErrAmbiguous
	// where that is not certain.
	Identify(ctx context.Context, company int64, userID string) (Identity, error)
	// Written shows how a company's connection is configured, as it is
	// written: references to secrets, not their values.
	Written(company int64) map[string]string
}

// Company is one whose people can sign in.
type Company struct {
	ID   int64
	Name string
}

// Identity is a member as orgflow knows them.
type Identity struct {
	// Code is what flows and roles call them by: the job number where the
	// local organisation has one, else the userid.
	Code   string
	Access config.Access
	// Here: the newest version of the local organisation has them. AsOf is
	// that version's time, zero before the first pull.
	Here bool
	AsOf time.Time
}

// Caller is somebody who is signed in, as of one request.
type Caller struct {
	CompanyID int64
	Origin    string
	UserID    string
	Code      string
	Name      string
	Access    config.Access
	ExpiresAt time.Time // unless they sign out, or do nothing, before

	session string // id
}

// Deps is what a Service works with. All but the last three are needed.
type Deps struct {
	Store     Store
	Companies Companies
	Pages     *web.Pages
	// Open: without keys and on loopback everything is open to whoever
	// reaches it, the settings page too.
	Open bool

	Logger *slog.Logger // default: slog's own
	Now    func() time.Time
	// RequestID names a request in pages and logs; default none.
	RequestID func(context.Context) string
}

// Service signs people in and out. It is safe for concurrent use.
type Service struct {
	Deps
	tries    *tries
	verified singleflight.Group // by session
}

// New returns a Service.
func New(d Deps) *Service {
	if d.Logger == nil {
		d.Logger = slog.Default()
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.RequestID == nil {
		d.RequestID = func(context.Context) string { return "" }
	}
	return &Service{Deps: d, tries: newTries(d.Now)}
}

// ActionRefused is what the audit log calls an act for which somebody's role
// does not suffice.
const ActionRefused = "refused"

// Asked is what a request asks for, as the audit log names it; no query.
func Asked(r *http.Request) string {
	const most = 200 // characters are whole where they are ours
	asked := r.Method + " " + r.URL.Path
	return asked[:min(len(asked), most)]
}

// audit writes down what somebody did or tried, from where.
func (s *Service) audit(r *http.Request, e store.AuditEntry) error {
	e.From, e.At = Address(r), s.Now()
	if e.Subject == "" {
		e.Subject = "sign-in"
	}
	return s.Store.Audit(r.Context(), e)
}

// noteRefusal writes a refusal down. It is a refusal whether or not that
// succeeds.
func (s *Service) noteRefusal(r *http.Request, company int64, who, why string) {
	s.tries.failed(Address(r))
	s.Logger.WarnContext(r.Context(), "sign-in refused", "company", company, "who", who, "why", why,
		"address", Address(r), "request_id", s.RequestID(r.Context()))
	if err := s.audit(r, store.AuditEntry{CompanyID: company, Who: who, Action: "sign_in_refused", Detail: why}); err != nil {
		s.Logger.ErrorContext(r.Context(), "audit log", "error", err)
	}
}
