package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"orgflow/internal/config"
	"orgflow/internal/signin"
)

// accessKey is where an operation's metadata keeps the level it needs.
const accessKey = "access"

type callerKey struct{}

// caller is who sent a request, as far as is known.
type caller struct {
	key     string         // name of the API key; "user:CODE" of somebody signed in
	address string         // where the request came from
	person  *signin.Caller // nil: nobody is signed in, or a key was used
	access  config.Access  // what they may do
}

func callerOf(ctx context.Context) caller {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c
}

// name is what acts of the caller are signed with.
func (c caller) name() string {
	if c.person != nil {
		return c.person.Code
	}
	return c.key
}

// subject tells callers apart whose Idempotency-Keys are different ones even
// where they read alike. A user code is unique in a company only.
func (c caller) subject() string {
	if p := c.person; p != nil {
		return fmt.Sprintf("user:%d:%s:%s", p.CompanyID, p.Origin, p.UserID)
	}
	return c.key
}

// open: without keys the server listens on loopback only (config sees to it)
// and everything is open to whoever is not signed in.
func (s *server) open() bool { return len(s.Keys) == 0 && config.Loopback(s.Addr) }

// admit decides whether a request may do what needs a level. A key counts
// before a session.
func (s *server) admit(r *http.Request, need config.Access) (caller, *Error) {
	if need == config.AccessNone {
		return caller{}, nil
	}
	who := caller{address: signin.Address(r)}
	token := tokenOf(r)
	if token == "" {
		person, refused := s.session(r, need)
		if refused != nil || person != nil {
			who.person = person
			if person != nil {
				who.key, who.access = "user:"+person.Code, person.Access
			}
			return who, refused
		}
	}
	switch {
	case s.open():
		who.access = config.AccessAdmin
		return who, ledHere(r, need)
	case token == "":
		return caller{}, unauthenticated("an API key is needed: send it as \"Authorization: Bearer KEY\" or \"X-API-Key: KEY\"; people sign in at /signin")
	}
	key, ok := s.keys(r.Context()).Find(token)
	if !ok {
		return caller{}, unauthenticated("this API key is not known; ORGFLOW_API_KEYS of the server lists the accepted ones by hash")
	}
	who.key, who.access = key.Name, key.Access
	if key.Access < need {
		return who, &Error{Code: codePermission, Message: "the key \"" + key.Name + "\" has role " + key.Access.String() + "; this needs " + need.String()}
	}
	return who, nil
}

// noteRefused writes down who was refused for the want of a role. Who is not
// known is not written down: strangers must not fill the audit log.
func (s *server) noteRefused(r *http.Request, who caller, refused *Error) {
	if refused.Code != codePermission {
		return
	}
	by := steeringOf(who, nil)
	if err := s.Audit(r.Context(), by.By, signin.ActionRefused, signin.Asked(r), by.Origin()); err != nil {
		s.Logger.ErrorContext(r.Context(), "audit log", "error", err, "who", by.By, "action", signin.ActionRefused, "request_id", requestID(r.Context()))
	}
}

// session admits somebody who is signed in; nil is nobody. A browser sends
// its cookie whoever made it send the request. So a session changes something
// only where the browser says that one of our own pages asked for it, and
// never by a GET.
func (s *server) session(r *http.Request, need config.Access) (*signin.Caller, *Error) {
	if s.SignIn == nil {
		return nil, nil
	}
	person, err := s.SignIn.Who(r)
	if err != nil {
		return nil, s.answer(r.Context(), err)
	}
	if person == nil {
		return nil, nil
	}
	switch {
	case safe(r.Method) && need > config.AccessRead:
		if s.open() {
			return nil, nil
		}
		return person, &Error{Code: codePermission, Message: "a session changes nothing by " + r.Method + ": use POST, or an API key"}
	case !safe(r.Method) && !signin.SameOrigin(r) && !fromWebUI(r.Context()):
		return nil, &Error{Code: codeCrossOrigin, Field: "Origin", Message: "a session changes something only where one of orgflow's own pages asks for it; programs use an API key"}
	case person.Access < need:
		return person, &Error{Code: codePermission, Message: "you (" + person.Code + ") have role " + person.Access.String() + "; this needs " + need.String()}
	}
	return person, nil
}

// ledHere refuses to change something by a GET to which a page of another
// origin leads a browser on this machine. Programs and typed addresses pass.
func ledHere(r *http.Request, need config.Access) *Error {
	site := r.Header.Get("Sec-Fetch-Site")
	if !safe(r.Method) || need <= config.AccessRead || site == "" || site == "none" || site == "same-origin" {
		return nil
	}
	return &Error{Code: codeCrossOrigin, Field: "Sec-Fetch-Site",
		Message: "a page of another origin must not change anything here; call the API from a program or from its own pages"}
}

// safe methods change nothing, says HTTP; the boards' paths take GET all the
// same.
func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// keys are those accepted now.
func (s *server) keys(ctx context.Context) config.Keys {
	if s.KeyRing == nil {
		return s.Keys
	}
	keys, err := s.KeyRing.Keys()
	if err != nil {
		s.Logger.ErrorContext(ctx, "API keys stay as they were", "setting", "ORGFLOW_API_KEYS_FILE", "error", err)
	}
	return keys
}

// did writes down what the caller has done. It is done: that it could not be
// written down is for the log.
func (s *server) did(ctx context.Context, action, subject string) {
	by := steering(ctx, nil)
	if err := s.Audit(ctx, by.By, action, subject, by.Origin()); err != nil {
		s.Logger.ErrorContext(ctx, "audit log", "error", err, "who", by.By, "action", action, "subject", subject, "request_id", requestID(ctx))
	}
}

func unauthenticated(message string) *Error {
	return &Error{Code: codeUnauthenticated, Message: message, headers: http.Header{"Www-Authenticate": {`Bearer realm="orgflow"`}}}
}

func tokenOf(r *http.Request) string {
	scheme, token, found := strings.Cut(r.Header.Get("Authorization"), " ")
	if found && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	return strings.TrimSpace(r.Header.Get("X-API-Key"))
}

// authorizeOperation guards huma's operations. One that does not say what it
// needs, needs everything.
func (s *server) authorizeOperation(ctx huma.Context, next func(huma.Context)) {
	need, ok := ctx.Operation().Metadata[accessKey].(config.Access)
	if !ok {
		need = config.AccessAdmin
	}
	r, w := humachi.Unwrap(ctx)
	who, refused := s.admit(r, need)
	if refused != nil {
		s.noteRefused(r, who, refused)
		s.write(w, r, refused)
		return
	}
	note(r.Context(), who)
	next(huma.WithValue(ctx, callerKey{}, who))
}

// authorize guards plain routes.
func (s *server) authorize(need config.Access) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			who, refused := s.admit(r, need)
			if refused != nil {
				s.noteRefused(r, who, refused)
				s.write(w, r, refused)
				return
			}
			note(r.Context(), who)
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, who)))
		})
	}
}

// ownHost refuses requests for another host while the API is open to whoever
// reaches it: a web page whose name is made to resolve to 127.0.0.1 (DNS
// rebinding) still sends its own name. With keys such a page lacks the key,
// and a proxy in front may use any name.
func (s *server) ownHost(next http.Handler) http.Handler {
	if len(s.Keys) > 0 || !config.Loopback(s.Addr) {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !config.LocalHost(r.Host) {
			s.write(w, r, &Error{Code: codeWrongHost, Field: "Host",
				Message: "without API keys orgflow answers only to localhost and 127.0.0.1; set ORGFLOW_API_KEYS to use another host name"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// sameOrigin refuses what a browser sends on behalf of a foreign page and
// would change something. Programs send no Origin and pass.
func (s *server) sameOrigin(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.AddInsecureBypassPattern(pathCodec + "/") // which looks for itself, see ofWebUI
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.write(w, r, &Error{Code: codeCrossOrigin, Field: "Origin",
			Message: "a page of another origin must not change anything here; call the API from a program or from its own pages"})
	}))
	return protection.Handler(next)
}
