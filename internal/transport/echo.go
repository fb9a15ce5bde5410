package transport

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// echoMark stands where a vendor repeated a secret of ours.
const echoMark = "***"

// unechoed takes the secrets of a request out of the answer to it. Vendors
// repeat what they refuse ("invalid access_token: …"), and what they say goes
// into errors, logs and the record log.
//
// Only refusals are treated so: the answer that brings a token may show what
// a later request will send.
func unechoed(req *http.Request, body []byte) []byte {
	for _, secret := range secretsOf(req) {
		for _, form := range written(secret) {
			body = bytes.ReplaceAll(body, form, []byte(echoMark))
		}
	}
	return body
}

// shortestSecret is the shortest text taken for a secret: shorter ones are in
// words that have nothing to do with it.
const shortestSecret = 6

// secretsOf are the values that a request sends under names of secrets, the
// longest first: one may be part of another.
func secretsOf(req *http.Request) []string {
	var found []string
	add := func(name, value string) {
		if secretName(name) && len(value) >= shortestSecret {
			found = append(found, value)
		}
	}
	for name, values := range req.URL.Query() {
		for _, v := range values {
			add(name, v)
		}
	}
	for name, values := range req.Header {
		for _, v := range values {
			add(name, v)
			if _, credentials, ok := strings.Cut(v, " "); ok { // behind "Bearer"
				add(name, credentials)
			}
		}
	}
	for _, cookie := range req.Cookies() {
		add("cookie", cookie.Value)
	}
	secretsOfBody(req, add)
	slices.SortFunc(found, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(found)
}

// secretsOfBody reads a body once more, where it can be.
func secretsOfBody(req *http.Request, add func(name, value string)) {
	if req.GetBody == nil {
		return
	}
	r, err := req.GetBody()
	if err != nil {
		return
	}
	defer r.Close()
	raw, err := io.ReadAll(r)
	if err != nil {
		return
	}
	var doc any
	if json.Unmarshal(raw, &doc) == nil {
		walkTexts("", doc, add)
		return
	}
	if form, err := url.ParseQuery(string(raw)); err == nil {
		for name, values := range form {
			for _, v := range values {
				add(name, v)
			}
		}
	}
}

func walkTexts(name string, v any, visit func(name, value string)) {
	switch v := v.(type) {
	case string:
		visit(name, v)
	case []any:
		for _, element := range v {
			walkTexts(name, element, visit)
		}
	case map[string]any:
		for key, element := range v {
			walkTexts(key, element, visit)
		}
	}
}

// secretName tells whether what stands under a name is a secret. Vendors
// spell them in every way: access_token, corpsecret, kdservice-sessionid.
func secretName(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{"token", "secret", "password", "passwd", "sign", "authorization", "cookie", "session", "apikey", "api_key", "api-key", "ticket"},
		func(part string) bool { return strings.Contains(name, part) })
}

// written are the ways in which an answer may repeat a text: as it is, in
// JSON, in JSON with slashes escaped, and in an address.
func written(secret string) [][]byte {
	forms := [][]byte{[]byte(secret)}
	if quoted, err := json.Marshal(secret); err == nil {
		forms = append(forms, quoted[1:len(quoted)-1], bytes.ReplaceAll(quoted[1:len(quoted)-1], []byte("/"), []byte(`\/`)))
	}
	return append(forms, []byte(url.QueryEscape(secret)), []byte(url.PathEscape(secret)))
}
