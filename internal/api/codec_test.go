package api

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"orgflow/internal/config"
	"orgflow/internal/signin"
)

const webUI = "https://temporal.example.com"

// codecWorld is a server that knows its Web UI; the codec answers what it is
// sent.
func codecWorld(t *testing.T, access config.Access, change func(*Deps)) http.Handler {
	t.Helper()
	d := newWorld().deps()
	d.Links.WebUI = webUI + "/ui/"
	d.Keys = keys(t)
	if access > config.AccessNone {
		d.SignIn = &signedIn{who: &signin.Caller{CompanyID: 129, Code: "E1", Access: access}}
	}
	if change != nil {
		change(&d)
	}
	return New(d)
}

// The Web UI calls across origins with the session of whoever is signed in.
func TestTheWebUIDecodesForWhoIsSignedIn(t *testing.T) {
	for _, c := range []struct {
		path   string
		access config.Access
		origin string
		want   int
	}{
		{"decode", config.AccessRead, webUI, 200},
		{"encode", config.AccessOperate, webUI, 200},
		{"encode", config.AccessRead, webUI, 403},
		{"decode", config.AccessNone, webUI, 401},
		{"decode", config.AccessAdmin, "https://evil.example", 403},
		{"decode", config.AccessAdmin, webUI + ".evil.example", 403},
		{"decode", config.AccessAdmin, "http://temporal.example.com", 403},
		{"decode", config.AccessAdmin, "null", 403},
		{"decode", config.AccessAdmin, "http://localhost:8080", 200}, // our own page
	} {
		h := codecWorld(t, c.access, nil)
		res := call(h, "POST", "/codec/"+c.path, `{"payloads":[]}`, "Origin: "+c.origin)
		if res.Code != c.want || (c.want == 200) != (res.Body.String() == `{"payloads":[]}`) {
			t.Errorf("%+v: %d %s", c, res.Code, res.Body)
		}
		// Without these headers the browser would not show the page why.
		allow, credentials := "", ""
		if c.origin == webUI {
			allow, credentials = webUI, "true"
		}
		if got := res.Header(); got.Get("Access-Control-Allow-Origin") != allow || got.Get("Access-Control-Allow-Credentials") != credentials || got.Get("Vary") != "Origin" {
			t.Errorf("%+v: headers %v", c, got)
		}
	}
}

// The origin opens the codec and nothing else.
func TestTheWebUIsOriginDoesNothingElse(t *testing.T) {
	h := codecWorld(t, config.AccessAdmin, nil)
	if res := call(h, "POST", "/api/v1/sync-runs", job, "Origin: "+webUI); res.Code != 403 || errorOf(t, res).Code != "cross_origin" {
		t.Errorf("%d %s", res.Code, res.Body)
	}
}

func TestABrowserAsksBeforeItSendsCredentials(t *testing.T) {
	h := codecWorld(t, config.AccessNone, nil)
	for origin, want := range map[string]int{webUI: 204, "https://evil.example": 403} {
		res := call(h, "OPTIONS", "/codec/decode", "", "Origin: "+origin, "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: content-type,x-namespace")
		if res.Code != want || (want == 204) != strings.Contains(res.Header().Get("Access-Control-Allow-Headers"), "X-Namespace") {
			t.Errorf("%s: %d %v", origin, res.Code, res.Header())
		}
	}
}

// Programs, Temporal's CLI for one, send a key and no origin.
func TestProgramsDecodeWithAKey(t *testing.T) {
	h := codecWorld(t, config.AccessNone, nil)
	for header, want := range map[string]int{
		"X-API-Key: read-token": 200, "Authorization: Bearer read-token": 200, "X-API-Key: wrong": 401, "Accept: */*": 401,
	} {
		if res := call(h, "POST", "/codec/decode", "{}", header); res.Code != want {
			t.Errorf("%s: %d %s", header, res.Code, res.Body)
		}
	}
	if res := call(h, "POST", "/codec/decode", "{}", "X-API-Key: read-token", "Sec-Fetch-Site: cross-site"); res.Code != 403 {
		t.Errorf("a foreign page without an origin: %d", res.Code)
	}
}

// On loopback without keys whoever is at the machine may decode; its browser
// knows the Web UI by several names, and no foreign page is let in.
func TestOnAnOpenServerOnlyTheWebUIDecodes(t *testing.T) {
	h := codecWorld(t, config.AccessNone, func(d *Deps) { d.Keys, d.Links.WebUI = nil, "http://127.0.0.1:8233" })
	for origin, want := range map[string]int{
		"http://127.0.0.1:8233": 200, "http://localhost:8233": 200, "http://[::1]:8233": 200,
		"http://localhost:3000": 403, "https://localhost:8233": 403, "http://evil.example:8233": 403, "http://localhost:8233.evil.example": 403,
	} {
		if res := call(h, "POST", "/codec/decode", "{}", "Origin: "+origin); res.Code != want {
			t.Errorf("%s: %d %s", origin, res.Code, res.Body)
		}
	}
}

func TestTheCodecReadsNoMoreThanAPageOfHistory(t *testing.T) {
	var read error
	h := codecWorld(t, config.AccessNone, func(d *Deps) {
		d.Codec = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, read = io.Copy(io.Discard, r.Body)
		})
	})
	large := strings.Repeat("x", maxCodec+1)
	if res := call(h, "POST", "/codec/decode", large, "X-API-Key: read-token"); res.Code != 413 || read != nil {
		t.Errorf("%d, read until %v", res.Code, read)
	}
	r := httptest.NewRequest(http.MethodPost, "http://localhost:8080/codec/decode", strings.NewReader(large))
	r.ContentLength = -1 // a body that does not say how large it is
	r.Header.Set("X-API-Key", "read-token")
	h.ServeHTTP(httptest.NewRecorder(), r)
	if read == nil || !strings.Contains(fmt.Sprint(read), "too large") {
		t.Errorf("read until %v", read)
	}
}

func TestWithoutPayloadKeysThereIsNoCodec(t *testing.T) {
	h := codecWorld(t, config.AccessNone, func(d *Deps) { d.Codec = nil })
	if res := call(h, "POST", "/codec/decode", "{}", "X-API-Key: read-token"); res.Code != 404 || !strings.Contains(res.Body.String(), "ORGFLOW_PAYLOAD_KEY") {
		t.Errorf("%d %s", res.Code, res.Body)
	}
}
