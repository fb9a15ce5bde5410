package signin_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ask sends a request to the handler as it would arrive from elsewhere.
func (w *world) ask(method, target, from string, change func(*http.Request)) *httptest.ResponseRecorder {
	w.t.Helper()
	r := httptest.NewRequest(method, target, nil)
	r.RemoteAddr = from
	if strings.HasPrefix(target, "https:") {
		r.TLS = &tls.ConnectionState{}
	}
	if change != nil {
		change(r)
	}
	rec := httptest.NewRecorder()
	w.server.Config.Handler.ServeHTTP(rec, r)
	return rec
}

// Cookies travel over TLS only, from the host that set them, except on this
// machine; no script reads them.
func TestCookiesAreGuarded(t *testing.T) {
	w := newWorld(t, databases["sqlite"](t))
	w.ding += `, "callback_url": "https://orgflow.example/signin/dingtalk/callback"`
	w.write()
	const prefix = "__Host-"
	begin := w.ask("GET", "https://orgflow.example/signin/dingtalk", "192.0.2.7:1234", nil).Result()
	if len(begin.Cookies()) != 1 || !strings.Contains(begin.Header.Get("Location"), "redirect_uri=https%3A%2F%2Forgflow.example%2F") {
		t.Fatalf("%v", begin.Header)
	}
	attempt := begin.Cookies()[0]
	back := w.browser().get(begin.Header.Get("Location") + "&userid=E1").location()
	in := w.ask("GET", back, "192.0.2.7:1234", func(r *http.Request) { r.AddCookie(attempt) }).Result()
	var session *http.Cookie
	for _, c := range in.Cookies() {
		if c.Name == prefix+"orgflow-session" {
			session = c
		}
	}
	if in.StatusCode != http.StatusSeeOther || session == nil {
		t.Fatalf("%d %v", in.StatusCode, in.Cookies())
	}
	for _, c := range []*http.Cookie{attempt, session} {
		if !strings.HasPrefix(c.Name, prefix) || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge <= 0 {
			t.Errorf("%s", c)
		}
	}
	me := func(target string, c *http.Cookie) int {
		return w.ask("GET", target, "192.0.2.7:1234", func(r *http.Request) { r.AddCookie(c) }).Code
	}
	if code := me("https://orgflow.example/api/v1/me", session); code != http.StatusOK {
		t.Errorf("with the session: %d", code)
	}
	if code := me("http://orgflow.example/api/v1/me", &http.Cookie{Name: "orgflow-session", Value: session.Value}); code != http.StatusUnauthorized {
		t.Errorf("a cookie without the prefix counts beyond this machine: %d", code)
	}
	bogus := session.Name + "=" + strings.Repeat("A", 43)
	for _, cookies := range []string{session.Name + "=" + session.Value + "; " + bogus, bogus + "; " + session.Name + "=" + session.Value} {
		code := w.ask("GET", "https://orgflow.example/api/v1/me", "192.0.2.7:1234", func(r *http.Request) { r.Header.Set("Cookie", cookies) }).Code
		if code != http.StatusUnauthorized {
			t.Errorf("two cookies of one name: %d", code)
		}
	}
	// On this machine there is no TLS.
	b := w.browser()
	w.ding = ""
	w.write()
	out := b.get("/signin/dingtalk")
	plain, err := http.ParseSetCookie(out.header.Get("Set-Cookie"))
	if err != nil || plain.Name != "orgflow-signin" || plain.Secure || !plain.HttpOnly || plain.SameSite != http.SameSiteLaxMode {
		t.Errorf("%v, %v", plain, err)
	}
}

// The address DingTalk sends people back to is configured, never what a
// request says its host is; the sign-in begins where it will end.
func TestTheCallbackIsTheConfiguredOne(t *testing.T) {
	w := newWorld(t, databases["sqlite"](t))
	if a := w.ask("GET", "https://evil.example/signin/dingtalk", "192.0.2.7:1", nil); a.Code != http.StatusBadGateway || !strings.Contains(a.Body.String(), "callback_url") {
		t.Errorf("without a configured one: %d %s", a.Code, a.Body)
	}
	w.ding += `, "callback_url": "https://orgflow.example/signin/dingtalk/callback"`
	w.write()
	a := w.ask("GET", "http://127.0.0.1:8080/signin/dingtalk?to=/settings", "127.0.0.1:1", nil)
	if want := "https://orgflow.example/signin/dingtalk?moved=1&to=%2Fsettings"; a.Header().Get("Location") != want {
		t.Errorf("from another host: %s, want %s", a.Header().Get("Location"), want)
	}
}

func TestReturnPathsAreOurs(t *testing.T) {
	w := newWorld(t, databases["sqlite"](t))
	for to, want := range map[string]string{
		"/settings":                    "/settings",
		"/runs?state=failed":           "/runs?state=failed",
		"https://evil.example":         "/",
		"//evil.example":               "/",
		`/\evil.example`:               "/",
		"/\t/evil.example":             "/",
		"javascript:alert(1)":          "/",
		"settings":                     "/",
		"/signout":                     "/",
		"/" + strings.Repeat("x", 600): "/",
	} {
		b := w.browser()
		if in := b.get(b.leave("?to="+url.QueryEscape(to), "E1")); in.location() != want {
			t.Errorf("%q leads to %q, want %q", to, in.location(), want)
		}
	}
}

// A browser sends its cookie whoever made it send the request.
func TestForeignPagesCannotUseASession(t *testing.T) {
	w := newWorld(t, databases["sqlite"](t))
	b := w.browser()
	b.signIn("E1")
	for what, headers := range map[string][]string{
		"another origin":            {"Origin", "https://evil.example"},
		"another port":              {"Origin", "http://127.0.0.1:1"},
		"no origin":                 {"Origin", "null"},
		"nothing":                   nil,
		"cross-site":                {"Sec-Fetch-Site", "cross-site"},
		"same-site":                 {"Sec-Fetch-Site", "same-site"},
		"typed":                     {"Sec-Fetch-Site", "none"},
		"cross-site, origin forged": {"Sec-Fetch-Site", "cross-site", "Origin", w.server.URL},
	} {
		for _, path := range []string{"/signout", "/settings/dingtalk/test", "/api/v1/sync-runs", "/api/v1/sync-runs/x/approve", "/api/v1/schedules"} {
			if a := b.do("POST", path, url.Values{"company": {"129"}}, headers...); a.status != http.StatusForbidden {
				t.Errorf("%s, %s: %d %s", what, path, a.status, a.body)
			}
		}
		b.is("session E1 admin")
	}
	for _, headers := range [][]string{{"Origin", w.server.URL}, {"Sec-Fetch-Site", "same-origin"}} {
		if a := b.do("POST", "/api/v1/sync-runs/x/approve", nil, headers...); a.status == http.StatusForbidden || a.status == http.StatusUnauthorized {
			t.Errorf("our own page, %v: %d %s", headers, a.status, a.body)
		}
	}
	if a := b.do("POST", "/api/v1/sync-runs/x/approve", nil, "Authorization", "Bearer wrong", "Origin", w.server.URL); a.status != http.StatusUnauthorized {
		t.Errorf("a wrong key beside a session: %d", a.status)
	}
}

// Somebody who is signed in acts in their own name.
func TestNobodyActsInAnothersName(t *testing.T) {
	w := newWorld(t, databases["sqlite"](t))
	b := w.browser()
	b.signIn("E1")
	for by, want := range map[string]int{"E2": http.StatusUnprocessableEntity, "E1": http.StatusNotFound, "": http.StatusNotFound} {
		for _, verb := range []string{"approve", "undo", "retry"} {
			r, err := http.NewRequest(http.MethodPost, w.server.URL+"/api/v1/sync-runs/x/"+verb, strings.NewReader(`{"by": "`+by+`"}`))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Origin", w.server.URL)
			res, err := b.http.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != want {
				t.Errorf("%s by %q: %d, want %d", verb, by, res.StatusCode, want)
			}
		}
	}
}

// The link of an administrator: once, within ten minutes, on this machine.
func TestAnAdministratorsLinkWorksOnceAndHere(t *testing.T) {
	forEachDB(t, func(w *world) {
		link := func() (page, token string) {
			address, err := w.app.AdminLink(context.Background())
			if err != nil {
				w.t.Fatal(err)
			}
			u, err := url.Parse(address)
			if err != nil || u.Host != "127.0.0.1:8080" {
				w.t.Fatalf("%s %v", address, err)
			}
			return u.RequestURI(), u.Query().Get("token")
		}
		page, token := link()
		form := url.Values{"token": {token}}
		for range 2 { // looking uses nothing up
			if a := w.browser().get(page); a.status != http.StatusOK || !strings.Contains(a.body, token) {
				w.t.Fatalf("%d %s", a.status, a.body)
			}
		}
		far := func(target, from string, headers ...string) int {
			return w.ask("POST", target, from, func(r *http.Request) {
				r.PostForm = form
				r.Header.Set("Sec-Fetch-Site", "same-origin")
				for i := 0; i+1 < len(headers); i += 2 {
					r.Header.Set(headers[i], headers[i+1])
				}
			}).Code
		}
		for what, code := range map[string]int{
			"another machine": far("http://127.0.0.1/signin/local", "192.0.2.7:1"), "another host name": far("https://orgflow.example/signin/local", "127.0.0.1:1"),
			"through a proxy": far("http://127.0.0.1/signin/local", "127.0.0.1:1", "X-Forwarded-For", "127.0.0.1"),
		} {
			if code != http.StatusForbidden {
				w.t.Errorf("%s: %d", what, code)
			}
		}
		b := w.browser()
		if a := b.do("POST", "/signin/local", form, "Origin", "https://evil.example"); a.status != http.StatusForbidden {
			w.t.Errorf("a foreign page: %d", a.status)
		}
		if a := b.post("/signin/local", form); a.status != http.StatusSeeOther {
			w.t.Fatalf("%d %s", a.status, a.body)
		}
		b.is("session local-admin admin")
		if a := w.browser().post("/signin/local", form); a.status != http.StatusForbidden {
			w.t.Errorf("a second time: %d", a.status)
		}
		session := b.cookie("orgflow-session")
		if a := w.ask("GET", "http://127.0.0.1/api/v1/me", "192.0.2.7:1", func(r *http.Request) {
			r.AddCookie(&http.Cookie{Name: "orgflow-session", Value: session})
		}); a.Code != http.StatusUnauthorized {
			w.t.Errorf("the session on another machine: %d", a.Code)
		}
		_, late := link()
		w.clock.add(10 * time.Minute)
		if a := w.browser().post("/signin/local", url.Values{"token": {late}}); a.status != http.StatusForbidden {
			w.t.Errorf("after ten minutes: %d", a.status)
		}
		b.is("session local-admin admin")
	})
}

func TestTheSettingsPageSaysWhatIsMissing(t *testing.T) {
	w := newWorld(t, databases["sqlite"](t))
	b := w.browser()
	if a := b.get("/settings"); a.location() != "/signin?to=%2Fsettings" {
		t.Errorf("nobody: %d %s", a.status, a.location())
	}
	reader := w.browser()
	reader.signIn("E2")
	if a := reader.get("/settings"); a.status != http.StatusForbidden {
		t.Errorf("a reader: %d", a.status)
	}
	if a := reader.post("/settings/dingtalk/test", url.Values{"company": {"129"}}); a.status != http.StatusForbidden {
		t.Errorf("a reader tests: %d", a.status)
	}
	b.signIn("E1")
	page := b.get("/settings")
	for _, want := range []string{"corp-1", "dingsim-app", "company.json · appsecret", ">set<", "/signin/dingtalk/callback", "/signin/dingtalk/app"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page lacks %q\n%s", want, page.body)
		}
	}
	if strings.Contains(page.body, "dingsim-secret") {
		t.Error("the page shows the secret")
	}
	test := func() string {
		a := b.post("/settings/dingtalk/test", url.Values{"company": {"129"}})
		if a.status != http.StatusOK {
			t.Fatalf("%d", a.status)
		}
		return a.body
	}
	if got := strings.Count(test(), "✓ works"); got != 6 {
		t.Errorf("%d steps work", got)
	}
	for options, want := range map[string][]string{
		`{"missing_permissions": ["qyapi_get_member"]}`:         {"60011", "qyapi_get_member", "publish the version"},
		`{"denied_ip": true}`:                                   {"60020", "192.0.2.1", "IP whitelist"},
		`{"apps": [{"appkey": "other", "appsecret": "other"}]}`: {"invalidClientIdOrSecret", "check appkey and appsecret", "not tried"},
		`{"scope_departments": [10]}`:                           {"50004", "widen the scope"},
	} {
		w.control("POST", "reset", "", nil)
		w.control("PUT", "options", `{"qps": 0, "corp_id": "corp-1"}`, nil)
		w.control("PUT", "state", people, nil)
		w.control("PUT", "options", options, nil)
		body := test()
		for _, text := range want {
			if !strings.Contains(body, text) {
				t.Errorf("%s: the result lacks %q\n%s", options, text, body)
			}
		}
	}
}

// Names at DingTalk are anybody's choice.
func TestNamesAreTexts(t *testing.T) {
	w := newWorld(t, databases["sqlite"](t))
	b := w.browser()
	b.signIn("E2")
	for _, path := range []string{"/", "/signin", "/signout", "/settings"} {
		if a := b.get(path); strings.Contains(a.body, "<script>alert") || !strings.Contains(a.body, "&lt;script&gt;") {
			t.Errorf("%s: %s", path, a.body)
		}
	}
}

// The log of what was done says who, from where, and nothing secret.
func TestRefusalsAreWrittenDown(t *testing.T) {
	w := newWorld(t, databases["sqlite"](t))
	b := w.browser()
	b.get(b.leave("", "-outsider"))
	b.get("/signin/dingtalk/callback?state=x&authCode=secret-code")
	b.signIn("E1")
	b.post("/settings/dingtalk/test", url.Values{"company": {"129"}})
	want := []string{"unknown sign_in_refused", "unknown sign_in_refused", "E1 sign_in"}
	if diff := cmp.Diff(want, w.acts()); diff != "" {
		t.Error(diff)
	}
	tests, _, err := w.app.Store.AuditLog(context.Background(), "ding_talk", "", 10)
	if err != nil || len(tests) != 1 || tests[0].Who != "E1" || tests[0].Action != "test_connection" {
		t.Errorf("%+v %v", tests, err)
	}
}
