package api

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"orgflow/internal/config"
)

// accessKey is where an operation's metadata keeps the level it needs.
const accessKey = "access"

type callerKey struct{}

// caller is who sent a request, as far as is known.
type caller struct{ key string }

func callerOf(ctx context.Context) caller {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c
}

// admit decides whether a request may do what needs a level. Without keys the
// server listens on loopback only (config sees to it) and everything is open.
func (s *server) admit(r *http.Request, need config.Access) (caller, *Error) {
	if need == config.AccessNone || (len(s.Keys) == 0 && config.Loopback(s.Addr)) {
		return caller{}, nil
	}
	token := tokenOf(r)
	if token == "" {
		return caller{}, unauthenticated("an API key is needed: send it as \"Authorization: Bearer KEY\" or \"X-API-Key: KEY\"")
	}
	key, ok := s.Keys.Find(token)
	if !ok {
		return caller{}, unauthenticated("this API key is not known; ORGFLOW_API_KEYS of the server lists the accepted ones by hash")
	}
	if key.Access < need {
		return caller{}, &Error{Code: codePermission, Message: "the key \"" + key.Name + "\" has role " + key.Access.String() + "; this needs " + need.String()}
	}
	return caller{key: key.Name}, nil
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
		if !localHost(r.Host) {
			s.write(w, r, &Error{Code: codeWrongHost, Field: "Host",
				Message: "without API keys orgflow answers only to localhost and 127.0.0.1; set ORGFLOW_API_KEYS to use another host name"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

func localHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// sameOrigin refuses what a browser sends on behalf of a foreign page and
// would change something. Programs send no Origin and pass.
func (s *server) sameOrigin(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.write(w, r, &Error{Code: codeCrossOrigin, Field: "Origin",
			Message: "a page of another origin must not change anything here; call the API from a program or from its own pages"})
	}))
	return protection.Handler(next)
}
