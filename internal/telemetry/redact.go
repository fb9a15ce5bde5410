package telemetry

import (
	"cmp"
	"log/slog"
	"maps"
	"regexp"
	"slices"
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
	// The longest first: what begins like another secret is masked whole.
	for _, s := range slices.SortedFunc(maps.Keys(r.known), func(a, b string) int { return cmp.Compare(len(b), len(a)) }) {
		pairs = append(pairs, s, mask)
	}
	r.replacer = strings.NewReplacer(pairs...)
}

// RedactorOf returns what masks a logger's lines, to make further values
// secret there; nil where nothing does.
func RedactorOf(log *slog.Logger) *Redactor {
	if log == nil {
		return nil
	}
	if h, ok := log.Handler().(*Handler); ok {
		return h.redactor
	}
	return nil
}

// SecretName tells whether what a setting of this name holds is secret:
// DINGTALK_APPSECRET, OPS_TOKEN.
func SecretName(name string) bool { return sensitive(name) }

// Text returns s with known secrets masked, and what looks like one: passwords
// in URLs, secret parameters, headers and keys of JSON, mobile numbers and
// identity cards. Errors of net/http carry whole URLs, vendors take their
// tokens as query parameters, and repeat what they refuse.
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
	if strings.Contains(s, ":") {
		s = header.ReplaceAllString(s, "${1}"+mask)
		s = member.ReplaceAllString(s, "${1}"+mask)
	}
	return mobile.ReplaceAllString(idCard.ReplaceAllString(s, "${1}"+mask), "${1}"+mask)
}

// secretNames are parts of parameters, headers and keys whose values are
// secret, however vendors spell what is before and behind them.
const secretNames = `(?:token|secret|passw(?:or)?d|api[-_]?key|private[-_]?key|authorization|cookie|session[-_]?id|signature|mobile|phone|id[-_]?card|identity[-_]?card)`

var (
	userInfo  = regexp.MustCompile(`(://[^/\s:@?#"']*:)[^/\s@"']+@`)
	parameter = regexp.MustCompile(`(?i)((?:\b[\w-]*` + secretNames + `|\bsign)(?:=|%3D))[^&\s"',;)]+`)
	bearer    = regexp.MustCompile(`([Bb]earer )[A-Za-z0-9._~+/=-]+`)
	// header is a line of a header as texts show it; a cookie's goes to the end.
	header = regexp.MustCompile(`(?i)(\b(?:(?:set-)?cookie|authorization|[\w-]*(?:-token|-api-key|-secret|sessionid)): *)[^\r\n"]+`)
	// member is a key of JSON with a text or a number, quotes escaped or not.
	member = regexp.MustCompile(`(?i)(\\*["'][\w-]*(?:` + secretNames + `|\bsign)\\*["']\s*:\s*)(?:\\*"(?:[^"\\]|\\+[^"\\])*\\*"|[^\s,}\]"\\]+)`)
	// mobile is a number of mainland China, or one of those that cannot exist.
	mobile = regexp.MustCompile(`((?:^|[^0-9A-Za-z_.-])(?:\+?86[- ]?)?)1(?:[3-9]\d|00)\d{8}\b`)
	// idCard is an identity card's number of 18 characters.
	idCard = regexp.MustCompile(`(^|[^0-9A-Za-z])[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[0-9Xx]\b`)
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

var sensitiveEndings = []string{"token", "secret", "password", "passwd", "apikey", "privatekey", "aeskey", "mobile", "idcard", "identitycard"}
