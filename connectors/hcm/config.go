package hcm

import (
	"cmp"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/egress"
)

// Mode says how the gateway knows us (HCM reference § 1.2).
type Mode string

// Modes of authentication.
const (
	Bearer            Mode = "bearer"             // Authorization: Bearer <token>; the default
	BearerInner       Mode = "bearer_inner"       // the same with header hcminner: 1
	Cookie            Mode = "cookie"             // cookie token=<token>
	Header            Mode = "header"             // header token: <token>
	OuterToken        Mode = "outer_token"        // header OuterToken: <token>
	ClientCredentials Mode = "client_credentials" // a bearer token issued at TokenURL
	NoAuth            Mode = "none"
)

const allowedModes = "bearer, bearer_inner, cookie, header, outer_token, client_credentials, none"

// Defaults of Config.
const (
	DefaultPageSize     = 500
	DefaultMaxPages     = 20_000
	DefaultTimeout      = 60 * time.Second
	DefaultTokenSeconds = 7200 // the platform's own default (HCM reference § 1.2)
)

// Config is a connection to a gateway, secrets resolved.
type Config struct {
	// BaseURL is the gateway's address without /api, http or https.
	BaseURL string
	Auth    Auth
	// PageSize is used where a query names none.
	PageSize int
	// MaxPages is a hard stop: asking for a page behind it is
	// CodePartialRead, whatever the gateway would still answer.
	MaxPages int
	// Timeout bounds one request and the reading of its answer.
	Timeout time.Duration
	// QPS bounds the requests per second of this source; 0 is no bound.
	QPS float64
	// SendState goes out as extra_property.state where the job gives none.
	// Empty, the default, sends none.
	SendState string
	// HTTPClient is used without its redirects; nil is a plain client that
	// calls whom Allowed allows.
	HTTPClient *http.Client
	// Allowed is who may be called.
	Allowed egress.List
}

// Auth holds the credentials. Token serves all modes but ClientCredentials.
type Auth struct {
	Mode   Mode
	Token  string
	Header string // mode header: its name; default "token"

	// Client credentials: no public document shows the platform's token
	// endpoint, so every name is configurable.
	TokenURL          string
	ClientID          string
	ClientSecret      string
	GrantType         string // default client_credentials
	Scope             string
	ClientIDField     string // default client_id
	ClientSecretField string // default client_secret
	JSONBody          bool   // send JSON instead of a form
	TokenField        string // dotted path in the answer; default access_token
	ExpiresField      string // dotted path of the life in seconds; default expires_in

	// TokenSeconds is the life of a token whose answer names none. Tokens
	// are renewed at 80 % of their life.
	TokenSeconds int
}

// Option adjusts New.
type Option func(*Source)

// WithSleep replaces the wait between tries. It must return the context's
// error when the context ends first.
func WithSleep(sleep Sleep) Option { return func(s *Source) { s.sleep = sleep } }

// WithClock replaces the clock that a token's life is measured with.
func WithClock(now func() time.Time) Option { return func(s *Source) { s.tokens.now = now } }

// WithTokenFunc takes tokens from fetch instead of Auth.Token or Auth.TokenURL,
// for deployments whose login is neither. A life of 0 is Auth.TokenSeconds.
func WithTokenFunc(fetch TokenFunc) Option { return func(s *Source) { s.tokens.fetch = fetch } }

// WithLogger sets where warnings of the gateway go; default is nowhere.
func WithLogger(log *slog.Logger) Option { return func(s *Source) { s.log = log } }

func (c Config) withDefaults() Config {
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	a := &c.Auth
	a.Mode = cmp.Or(a.Mode, Bearer)
	a.Header = cmp.Or(a.Header, "token")
	a.GrantType = cmp.Or(a.GrantType, "client_credentials")
	a.ClientIDField = cmp.Or(a.ClientIDField, "client_id")
	a.ClientSecretField = cmp.Or(a.ClientSecretField, "client_secret")
	a.TokenField = cmp.Or(a.TokenField, "access_token")
	a.ExpiresField = cmp.Or(a.ExpiresField, "expires_in")
	a.TokenSeconds = cmp.Or(a.TokenSeconds, DefaultTokenSeconds)
	c.PageSize = cmp.Or(c.PageSize, DefaultPageSize)
	c.MaxPages = cmp.Or(c.MaxPages, DefaultMaxPages)
	c.Timeout = cmp.Or(c.Timeout, DefaultTimeout)
	return c
}

// problems lists everything that is wrong with the configuration. Values are
// not shown: they are addresses and secrets.
func (c Config) problems(ownToken bool) []orgflow.Problem {
	var out []orgflow.Problem
	add := func(at, message string) { out = append(out, orgflow.Problem{Pointer: at, Message: message}) }
	if !webAddress(c.BaseURL) {
		add("/base_url", "must be an http or https address without user, query and fragment, e.g. https://hcm.example.com")
	}
	if c.PageSize < 1 {
		add("/page_size", "must be 1 or more")
	}
	if c.MaxPages < 1 {
		add("/max_pages", "must be 1 or more")
	}
	if c.Timeout < 0 {
		add("/timeout_seconds", "must be more than 0")
	}
	if c.QPS < 0 {
		add("/qps", "must be more than 0")
	}
	if c.Auth.TokenSeconds < 1 {
		add("/auth/token_seconds", "must be 1 or more")
	}
	return append(out, c.Auth.problems(ownToken)...)
}

func (a Auth) problems(ownToken bool) []orgflow.Problem {
	var out []orgflow.Problem
	add := func(at, message string) { out = append(out, orgflow.Problem{Pointer: "/auth/" + at, Message: message}) }
	switch a.Mode {
	case NoAuth:
	case Bearer, BearerInner, Cookie, Header, OuterToken:
		if a.Token == "" && !ownToken {
			add("token", "is missing; name it as ${NAME}, or set mode to none")
		}
		if !headerValue(a.Token) {
			add("token", "carries characters that no header may carry (blanks, line ends, ;)")
		}
		if !headerValue(a.Header) {
			add("header", "is no name of a header")
		}
	case ClientCredentials:
		if ownToken {
			break
		}
		if !webAddress(a.TokenURL) {
			add("token_url", "must be an http or https address without user, query and fragment")
		}
		if a.ClientID == "" || a.ClientSecret == "" {
			add("client_id", "client_credentials needs client_id and client_secret")
		}
	default:
		add("mode", "unknown mode; allowed: "+allowedModes)
	}
	return out
}

func webAddress(s string) bool {
	u, ok := connectors.BaseAddress(s)
	return ok && u.User == nil && u.Fragment == ""
}

func headerValue(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] >= 0x7f || s[i] == ';' {
			return false
		}
	}
	return true
}
