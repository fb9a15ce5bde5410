package api

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-chi/httprate"

	"orgflow"
	"orgflow/internal/signin"
)

// limitWindow is what rates are counted in. The window slides: what was asked
// half a minute ago still counts half.
const limitWindow = time.Minute

// limits bound what one client asks. The counts are of this process: of
// several servers each allows as much.
type limits struct {
	requests *httprate.RateLimiter // by client; nil: no bound
	guesses  *httprate.RateLimiter // unknown keys, by address; nil: no bound
	most     int                   // guesses
}

func newLimits(requests, guesses int) limits {
	l := limits{most: guesses}
	// Who guesses is told when to try again by the answer's own header.
	retry := httprate.WithResponseHeaders(httprate.ResponseHeaders{RetryAfter: "Retry-After"})
	silent := httprate.WithResponseHeaders(httprate.ResponseHeaders{})
	if requests > 0 {
		l.requests = httprate.NewRateLimiter(requests, limitWindow, retry)
	}
	if guesses > 0 {
		l.guesses = httprate.NewRateLimiter(guesses, limitWindow, silent)
	}
	return l
}

// guessedOften tells whether an address has tried too many unknown keys.
func (l limits) guessedOften(address string) bool {
	if l.guesses == nil {
		return false
	}
	_, rate, err := l.guesses.Status(address)
	return err == nil && rate > float64(l.most)-0.5 // from where OnLimit counts no further
}

// guessed counts an unknown key.
func (l limits) guessed(w http.ResponseWriter, r *http.Request, address string) {
	if l.guesses != nil {
		l.guesses.OnLimit(w, r, address)
	}
}

// limited refuses clients that ask too much, and addresses that try keys.
// Probes pass, and on open loopback everybody who is not signed in.
//
// While an address tries keys, no key from there is looked at, a right one
// neither: to answer that one differently would tell which it is.
func (s *server) limited(next http.Handler) http.Handler {
	l := newLimits(s.Rate, s.RateFailures)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" || r.URL.Path == "/readyz" {
			next.ServeHTTP(w, r)
			return
		}
		// Who is signed in is looked up here and not again.
		r = r.WithContext(signin.Once(r.Context()))
		address := httprate.CanonicalizeIP(signin.Address(r))
		if tokenOf(r) != "" && !s.open() && l.guessedOften(address) {
			s.write(w, r, tooOften(fmt.Sprintf("more than %d unknown API keys in a minute from %s; none is looked at before they are over", l.most, address), "ORGFLOW_HTTP_RATE_FAILURES"))
			return
		}
		client, unknownKey := s.client(r, address)
		if unknownKey {
			l.guessed(w, r, address)
		}
		if l.requests != nil && client != "" && l.requests.OnLimit(w, r, client) {
			s.write(w, r, tooOften(fmt.Sprintf("more than %d requests in a minute from %s", s.Rate, client), "ORGFLOW_HTTP_RATE"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// client is by what requests are counted: a key that is known, somebody who
// is signed in, else the address. What a caller could make up, an unknown key
// or a cookie of nobody, would get a count of its own with every request.
// Empty: there is no bound.
func (s *server) client(r *http.Request, address string) (client string, unknownKey bool) {
	if token := tokenOf(r); token != "" && !s.open() {
		if key, ok := s.keys(r.Context()).Find(token); ok {
			return "key " + key.Name, false
		}
		return "address " + address, true
	}
	if s.SignIn != nil {
		if who, err := s.SignIn.Who(r); err == nil && who != nil { // an error is for who asks again, and told by them
			return "user " + who.Code, false
		}
	}
	if s.open() {
		return "", false
	}
	return "address " + address, false
}

func tooOften(message, setting string) *Error {
	return &Error{
		Code: orgflow.CodeThrottled, Message: message + "; try again in a minute (" + setting + " of the server is the bound)",
		headers: http.Header{"Retry-After": {strconv.Itoa(int(limitWindow.Seconds()))}},
	}
}
