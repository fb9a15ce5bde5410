package telemetry

import (
	"regexp"
	"strings"
	"sync"
)

const mask = "[masked]"

// minSecret is the shortest text taken for a secret: masking every "a" of a
// log would hide the log, not the secret.
const minSecret = 6

// Redactor masks secrets in texts. Safe for concurrent use. Code is expected
// not to log secrets at all; this is what stands behind that.
type Redactor struct {
	mu       sync.RWMutex
	replacer *strings.Replacer
	known    map[string]bool
}

// NewRedactor returns a redactor that knows some secret values.
func NewRedactor(secrets ...string) *Redactor {
	r := &Redactor{known: map[string]bool{}}
	r.Add(secrets...)
	return r
}

// Add makes further values secret, those resolved from the environment while
// the program runs for example. Values under 6 characters are ignored.
func (r *Redactor) Add(secrets ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	changed := false
	for _, s := range secrets {
		if len(s) >= minSecret && !r.known[s] {
			r.known[s], changed = true, true
		}
	}
	if !changed {
		return
	}
	pairs := make([]string, 0, 2*len(r.known))
	for s := range r.known {
		pairs = append(pairs, s, mask)
	}
	r.replacer = strings.NewReplacer(pairs...)
}

// Text returns s with known secrets, passwords in URLs and secret query
// parameters masked. Errors of net/http carry whole URLs, and vendors take
// their tokens as query parameters.
func (r *Redactor) Text(s string) string {
	r.mu.RLock()
	replacer := r.replacer
	r.mu.RUnlock()
	if replacer != nil {
		s = replacer.Replace(s)
	}
	if strings.Contains(s, "://") {
		s = userInfo.ReplaceAllString(s, "${1}"+mask+"@")
	}
	if strings.Contains(s, "=") {
		s = parameter.ReplaceAllString(s, "${1}"+mask)
	}
	if strings.Contains(s, "earer ") {
		s = bearer.ReplaceAllString(s, "${1}"+mask)
	}
	return s
}

var (
	userInfo  = regexp.MustCompile(`(://[^/\s:@?#"']*:)[^/\s@"']+@`)
	parameter = regexp.MustCompile(`(?i)\b((?:access_?token|token|app_?secret|corp_?secret|client_?secret|secret|password|passwd|api_?key|sign|signature|mobile|phone)=)[^&\s"',;)]+`)
	bearer    = regexp.MustCompile(`([Bb]earer )[A-Za-z0-9._~+/=-]+`)
)

// sensitive tells whether an attribute's name says that its value must not be
// shown. Names are compared without case, "_", "-" and ".".
func sensitive(key string) bool {
	k := normal.Replace(strings.ToLower(key))
	if sensitiveNames[k] {
		return true
	}
	for _, ending := range sensitiveEndings {
		if strings.HasSuffix(k, ending) {
			return true
		}
	}
	return false
}

var normal = strings.NewReplacer("_", "", "-", "", ".", "", " ", "")

var sensitiveNames = map[string]bool{
	"authorization": true, "cookie": true, "setcookie": true, "sign": true, "signature": true,
	"mobile": true, "phone": true, "telephone": true, "tel": true, "email": true,
	"idcard": true, "identitycard": true, "idnumber": true, "birthday": true,
	"payloadkey": true, "xapikey": true,
}

var sensitiveEndings = []string{"token", "secret", "password", "passwd", "apikey", "privatekey", "mobile", "idcard", "identitycard"}
