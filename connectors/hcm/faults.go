package hcm

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"orgflow"
)

// refusedToken marks a fault that a new token may cure.
type refusedToken struct{ fault *orgflow.Fault }

func (e *refusedToken) Error() string { return e.fault.Error() }
func (e *refusedToken) Unwrap() error { return e.fault }

// verdict is what a vendor code means for us.
type verdict struct {
	code   orgflow.Code
	renew  bool
	advice string
}

// warningCode comes beside rows: log it and go on.
const warningCode = "51005"

const unavailableAdvice = "the gateway has a passing problem; the run tries again by itself"

// verdictOf is the table of HCM reference § 1.6. The second result is false
// for a code that is not in it.
func verdictOf(code string) (verdict, bool) {
	switch code {
	case "11002":
		return verdict{orgflow.CodeUnauthorized, false, "the password of the source's account is wrong; correct it where the token is issued"}, true
	case "11006":
		return verdict{orgflow.CodeUnauthorized, false, "the gateway asks for an image code; log in by hand once, or use a token that needs no interactive login"}, true
	case "17003":
		return verdict{orgflow.CodeUnauthorized, true, "most often an expired or foreign token: check auth.token and that it was issued by this gateway; else read the gateway's log"}, true
	case "18003":
		return verdict{orgflow.CodeForbidden, false, "give the source's account permission to read this model"}, true
	case "40016":
		return verdict{orgflow.CodeUnauthorized, true, "the gateway's signature or rule check failed; check auth.mode and auth.token"}, true
	case "400014":
		return verdict{orgflow.CodeInvalidConfig, false, "the gateway refuses a value of the request; check filter_dict and fields of the meta file"}, true
	case "51001", "51002", "51003", warningCode:
		return verdict{orgflow.CodeUnavailable, false, unavailableAdvice}, true
	case "51006":
		return verdict{orgflow.CodeUnauthorized, true, "the login has expired and a new token did not help; renew auth.token"}, true
	case "80001":
		return verdict{orgflow.CodeInvalidConfig, false, "the gateway does not know this model; check model in the meta file or in services.json"}, true
	}
	return verdict{}, false
}

// verdictOfStatus judges by HTTP status where the body names no known code.
func verdictOfStatus(status int) (verdict, bool) {
	switch {
	case status >= 500:
		return verdict{orgflow.CodeUnavailable, false, unavailableAdvice}, true
	case status == http.StatusUnauthorized:
		return verdict{orgflow.CodeUnauthorized, true, "the gateway refuses the token; check auth.mode and auth.token"}, true
	case status == http.StatusForbidden:
		return verdict{orgflow.CodeForbidden, false, "the gateway refuses access; check the account's permissions and its address allow-list"}, true
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed:
		return verdict{orgflow.CodeInvalidConfig, false, "wrong path or method; base_url must be the gateway's address without /api"}, true
	case status == http.StatusRequestTimeout:
		return verdict{orgflow.CodeUnavailable, false, unavailableAdvice}, true
	case status == http.StatusTooManyRequests:
		return verdict{orgflow.CodeThrottled, false, "the gateway asks to slow down; the run waits and goes on"}, true
	case status >= 300 && status < 400:
		return verdict{orgflow.CodeUnauthorized, true, "the gateway redirects, most often to its login page; check base_url, auth.mode and auth.token"}, true
	}
	return verdict{}, false
}

// readAnswer turns status and body into rows or a fault. Whatever cannot be
// read as rows is a fault, never an empty page.
func readAnswer(status int, header http.Header, body []byte) (answer, error) {
	var e envelope
	if err := decodeEnvelope(body, &e); err != nil {
		return answer{}, unreadable(status, header, body)
	}
	code := e.code()
	failed := code != "" || e.Success != nil && !*e.Success || status < 200 || status > 299
	a, found := e.listed()
	if !failed && found {
		return a, nil
	}
	if code == warningCode && found && status >= 200 && status <= 299 {
		a.warning = shorten(e.message())
		return a, nil
	}
	if !failed {
		return answer{}, shapeless(e)
	}
	v, known := verdictOf(code)
	if !known {
		v, known = verdictOfStatus(status)
	}
	if !known {
		v = verdict{orgflow.CodeInternal, false, "orgflow does not know this code; ask the platform's support, with the time of the call"}
	}
	return answer{}, v.fault(cmp.Or(code, httpCode(status)), shorten(e.message()), header)
}

func decodeEnvelope(body []byte, e *envelope) error {
	body = bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\xef\xbb\xbf"))
	if len(body) > 0 && body[0] == '[' {
		e.Data = body
		if !json.Valid(body) {
			return errors.New("broken array")
		}
		return nil
	}
	return json.Unmarshal(body, e)
}

func (v verdict) fault(vendorCode, message string, header http.Header) error {
	f := &orgflow.Fault{Code: v.code, VendorCode: vendorCode, Message: message, Advice: v.advice}
	if v.code == orgflow.CodeThrottled {
		f.RetryAfter = retryAfter(header)
	}
	if v.renew {
		return &refusedToken{f}
	}
	return f
}

// httpCode stands in for a vendor code where the answer has none; a success
// status tells nothing.
func httpCode(status int) string {
	if status >= 200 && status <= 299 {
		return ""
	}
	return "HTTP " + strconv.Itoa(status)
}

// unreadable is an answer that is no JSON: a login page, a proxy's error
// page, or JSON that broke off.
func unreadable(status int, header http.Header, body []byte) error {
	text := bytes.TrimSpace(body)
	v, known := verdictOfStatus(status)
	switch {
	case known:
	case len(text) == 0:
		v = verdict{orgflow.CodeUnavailable, false, unavailableAdvice}
	case text[0] == '{' || text[0] == '[':
		v = verdict{orgflow.CodeUnavailable, false, "the answer broke off or is damaged; the run tries again by itself"}
	default:
		v = verdict{orgflow.CodeUnauthorized, true, "the gateway answers with a page, most often its login page; check base_url, auth.mode and auth.token"}
	}
	return v.fault(httpCode(status), fmt.Sprintf("HTTP %d with a body that is no JSON: %q", status, glimpse(text)), header)
}

// shapeless is JSON without an error and without rows.
func shapeless(e envelope) error {
	f := orgflow.Faultf(orgflow.CodeInvalidConfig, "the answer holds no list of rows")
	f.Advice = "expected result.list, result.data, data.list or data; check api and model of the meta file"
	if e.Strategy != nil || e.Param != nil {
		f.Message = "the answer is encrypted (hcm_transfer_strategy)"
		f.Advice = "ask the platform to answer plain JSON to this account (transfer_strategy=no)"
	}
	return f
}

// retryAfter reads the header in seconds; a date or nothing leaves the wait
// to the caller.
func retryAfter(header http.Header) time.Duration {
	n, err := strconv.Atoi(header.Get("Retry-After"))
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(min(n, 3600)) * time.Second
}

const (
	maxMessage = 300
	maxGlimpse = 80
)

func shorten(s string) string {
	if runes := []rune(s); len(runes) > maxMessage {
		return string(runes[:maxMessage]) + "…"
	}
	return s
}

// longWord finds what may be a token, a number or a name in a foreign page:
// any run of letters and digits with a digit in it, or of 20 and more.
var longWord = regexp.MustCompile(`[\pL\pN_\-+/=.]*\pN[\pL\pN_\-+/=.]*|[\pL\pN_\-+/=.]{20,}`)

// glimpse is the beginning of a page, fit for an error: what looks like a
// number or a token is masked.
func glimpse(body []byte) string {
	if len(body) > 16*maxGlimpse {
		body = body[:16*maxGlimpse]
	}
	text := longWord.ReplaceAllString(strings.ToValidUTF8(string(body), "?"), "***")
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if runes := []rune(text); len(runes) > maxGlimpse {
		return string(runes[:maxGlimpse]) + "…"
	}
	return text
}

// scrub takes our secrets out of a vendor's message, which may echo them.
func scrub(err error, secrets ...string) error {
	f := orgflow.AsFault(err)
	for _, secret := range secrets {
		if len(secret) >= 4 {
			f.Message = strings.ReplaceAll(f.Message, secret, "***")
		}
	}
	return err
}
