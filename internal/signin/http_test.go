package signin_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
)

func TestMembersComeInAndGoOut(t *testing.T) {
	forEachDB(t, func(w *world) {
		b := w.browser()
		b.is("401")
		if in := b.get(b.leave("?to=/settings", "E1")); in.status != http.StatusSeeOther || in.location() != "/settings" {
			w.t.Fatalf("%d %s %s", in.status, in.location(), in.body)
		}
		b.is("session E1 admin")
		if page := b.get("/"); !strings.Contains(page.body, "管理员") {
			w.t.Errorf("the page does not say who is signed in: %s", page.body)
		}
		other := w.browser()
		other.signIn("E1")
		if out := b.post("/signout", nil); out.status != http.StatusSeeOther {
			w.t.Errorf("sign out: %d", out.status)
		}
		b.is("401")
		other.is("session E1 admin")
		b.signIn("E1")
		b.post("/signout", url.Values{"everywhere": {"1"}})
		b.is("401")
		other.is("401")
		want := []string{"E1 sign_in", "E1 sign_in", "E1 sign_out", "E1 sign_in", "E1 sign_out"}
		if diff := cmp.Diff(want, w.acts()); diff != "" {
			w.t.Error(diff)
		}
	})
}

// Whoever is not a member, or cannot be found to be one, stays outside.
func TestNobodyElseComesIn(t *testing.T) {
	forEachDB(t, func(w *world) {
		refused := func(what string, a response, status int, says string) {
			w.t.Helper()
			if a.status != status || !strings.Contains(a.body, says) || a.location() != "" {
				w.t.Errorf("%s: %d, want %d and %q\n%s", what, a.status, status, says, a.body)
			}
		}
		b := w.browser()
		refused("an outsider", b.get(b.leave("", "-outsider")), 403, "You are not a member")
		back := b.leave("", "E3")
		w.fire("E3")
		refused("somebody removed meanwhile", b.get(back), 403, "You are not a member")
		back = b.leave("", "E2")
		w.control("POST", "faults", `[{"path": "/topapi/user/getbyunionid", "times": 1, "errcode": "-1"}]`, nil)
		refused("DingTalk is busy", b.get(back), 503, "could not be found out")
		back = b.leave("", "E2")
		w.control("POST", "faults", `[{"path": "/topapi/v2/user/get", "times": 1, "drop_connection": true}]`, nil)
		refused("the last answer is lost", b.get(back), 503, "could not be found out")
		back = b.leave("", "E2")
		w.control("PUT", "options", `{"missing_permissions": ["Contact.User.Read"]}`, nil)
		refused("a permission is missing", b.get(back), 502, "Contact.User.Read")
		w.control("PUT", "options", `{"missing_permissions": [], "corp_id": "corp-2"}`, nil)
		refused("another organisation", b.get(b.leave("", "E2")), 403, "You are not a member")
		w.control("PUT", "options", `{"corp_id": "corp-1"}`, nil)
		out := b.get("/signin/dingtalk")
		refused("refused at DingTalk", b.get(b.get(out.location()+"&refuse=1").location()), 403, "You refused")
		b.is("401")
		for _, act := range w.acts() {
			if !strings.HasSuffix(act, "sign_in_refused") {
				w.t.Errorf("%s", act)
			}
		}
	})
}

// State, code, browser and time must all be right, and each is used up.
func TestASignInWorksOnceInItsBrowser(t *testing.T) {
	forEachDB(t, func(w *world) {
		no := func(what string, b *browser, callback string) {
			w.t.Helper()
			if a := b.get(callback); a.status < 400 {
				w.t.Errorf("%s: %d %s", what, a.status, a.location())
			}
			b.is("401")
		}
		change := func(callback, key, value string) string {
			u, _ := url.Parse(callback)
			q := u.Query()
			q.Set(key, value)
			if value == "" {
				q.Del(key)
			}
			u.RawQuery = q.Encode()
			return u.String()
		}
		used := w.browser()
		back := used.leave("", "E1")
		attempt := used.cookie("orgflow-signin")
		if in := used.get(back); in.status != http.StatusSeeOther {
			w.t.Fatalf("%d", in.status)
		}
		if used.cookie("orgflow-signin") != "" {
			w.t.Error("the cookie of the attempt is still there")
		}
		replay := w.browser()
		replay.setCookie("orgflow-signin", attempt)
		no("the same callback again", replay, back)

		b := w.browser()
		fresh := replay.leave("", "E1") // a code that was not used
		no("a used state with a fresh code", b, change(back, "authCode", mustQuery(fresh, "authCode")))

		back = b.leave("", "E1")
		no("another browser", w.browser(), back)
		no("the right one afterwards", b, back)

		no("without a state", b, change(b.leave("", "E1"), "state", ""))
		no("with another state", b, change(b.leave("", "E1"), "state", strings.Repeat("A", 43)))
		no("with junk", b, change(b.leave("", "E1"), "state", "x'; DROP TABLE api_session; --"))
		no("without a code", b, change(change(b.leave("", "E1"), "code", ""), "authCode", ""))
		no("with two codes", b, change(b.leave("", "E1"), "code", "other"))
		back = b.leave("", "E1")
		b.leave("", "E1") // begins anew
		no("an attempt that was begun anew", b, back)

		back = b.leave("", "E1")
		w.clock.add(10 * time.Minute)
		no("after ten minutes", b, back)
	})
}

func mustQuery(address, key string) string {
	u, err := url.Parse(address)
	if err != nil {
		panic(err)
	}
	return u.Query().Get(key)
}

// Inside DingTalk: its client gives the page a code.
func TestInsideDingTalkTheClientVouches(t *testing.T) {
	forEachDB(t, func(w *world) {
		b := w.browser()
		if page := b.get("/signin/dingtalk/app"); strings.Contains(page.body, "jsapi") || strings.Contains(page.body, "app-signin.js") || !strings.Contains(page.body, "/signin/dingtalk?company=129") {
			w.t.Errorf("without its script the browser's way remains: %s", page.body)
		}
		w.ding += fmt.Sprintf(`, "script_url": %q`, w.sim+"/jsapi.js")
		w.write()
		begin := func(b *browser) (state string) {
			page := b.get("/signin/dingtalk/app")
			if !strings.Contains(page.body, `data-corp="corp-1" data-client="dingsim-app"`) || !strings.Contains(page.header.Get("Content-Security-Policy"), "script-src 'self' http://127.0.0.1:") {
				w.t.Fatalf("%v %s", page.header, page.body)
			}
			_, rest, _ := strings.Cut(page.body, `name="state" value="`)
			state, _, _ = strings.Cut(rest, `"`)
			return state
		}
		code := func(userid string) string {
			var out struct{ Code string }
			w.control("POST", "app-code", fmt.Sprintf(`{"userid": %q}`, userid), &out)
			return out.Code
		}
		state, first := begin(b), code("E2")
		form := url.Values{"state": {state}, "code": {first}}
		for what, headers := range map[string][]string{"a foreign page": {"Origin", "https://evil.example"}, "no origin": nil, "cross-site": {"Sec-Fetch-Site", "cross-site"}} {
			if a := b.do("POST", "/signin/dingtalk/app", form, headers...); a.status != 403 {
				w.t.Errorf("%s: %d", what, a.status)
			}
		}
		if a := b.post("/signin/dingtalk/app", form); a.status != http.StatusSeeOther {
			w.t.Fatalf("%d %s", a.status, a.body)
		}
		b.is("session E2 read")

		other := w.browser()
		for what, try := range map[string]func() url.Values{
			"the same again":      func() url.Values { return form },
			"a used code":         func() url.Values { return url.Values{"state": {begin(other)}, "code": {first}} },
			"no code":             func() url.Values { return url.Values{"state": {begin(other)}} },
			"another one's state": func() url.Values { return url.Values{"state": {begin(w.browser())}, "code": {code("E1")}} },
			"a browser's state": func() url.Values {
				return url.Values{"state": {mustQuery(other.leave("", "E1"), "state")}, "code": {code("E1")}}
			},
			"a browser's code": func() url.Values {
				c := mustQuery(other.leave("", "E1"), "authCode")
				return url.Values{"state": {begin(other)}, "code": {c}}
			},
			"somebody who is gone": func() url.Values {
				c := code("E3")
				w.fire("E3")
				return url.Values{"state": {begin(other)}, "code": {c}}
			},
		} {
			if a := other.post("/signin/dingtalk/app", try()); a.status != 403 {
				w.t.Errorf("%s: %d %s", what, a.status, a.body)
			}
		}
		back := other.leave("", "E1")
		if a := other.get(strings.Replace(back, mustQuery(back, "state"), begin(other), 1)); a.status != 403 {
			w.t.Errorf("the client's state in a browser: %d", a.status)
		}
		other.is("401")
	})
}

func TestSessionsEnd(t *testing.T) {
	forEachDB(t, func(w *world) {
		b := w.browser()
		b.signIn("E1")
		for range 5 { // in use it goes on
			w.clock.add(119 * time.Minute)
			b.is("session E1 admin")
		}
		w.clock.add(119 * time.Minute)
		b.is("session E1 admin")
		w.clock.add(7 * time.Minute)
		b.is("401") // twelve hours are over
		b.signIn("E1")
		w.clock.add(2 * time.Hour)
		b.is("401") // not used for two hours
	})
}

func TestWhoLeavesIsSignedOut(t *testing.T) {
	forEachDB(t, func(w *world) {
		one, two := w.browser(), w.browser()
		one.signIn("E1")
		two.signIn("E2")
		w.fire("E2")
		w.clock.add(14 * time.Minute)
		two.is("session E2 read") // DingTalk is asked every quarter of an hour
		w.clock.add(time.Minute)
		two.is("401")
		one.is("session E1 admin")

	})
}

// A pull that did not find somebody ends their sessions with the next request,
// unless they signed in after it.
func TestWhoAPullDoesNotFindIsSignedOut(t *testing.T) {
	forEachDB(t, func(w *world) {
		one, three := w.browser(), w.browser()
		one.signIn("E1")
		three.signIn("E3")
		w.pulled(0, orgflow.OrgMember{UserID: "E1", JobNumber: "E1", Name: "管理员"})
		one.is("session E1 admin")
		three.is("401")
		w.clock.add(time.Hour) // after the pull
		three.signIn("E3")
		three.is("session E3 read")
	})
}

// While DingTalk gives no answer the last one holds for an hour.
func TestASilentDingTalkSignsNobodyOutAtOnceAndKeepsNobodyForEver(t *testing.T) {
	forEachDB(t, func(w *world) {
		b := w.browser()
		b.signIn("E1")
		w.control("POST", "faults", `[{"path": "/topapi/v2/user/get", "times": 1000, "http_status": 503}]`, nil)
		w.clock.add(59 * time.Minute)
		b.is("session E1 admin")
		w.clock.add(time.Minute)
		b.is("503")
		w.control("DELETE", "faults", "", nil)
		b.is("session E1 admin")
	})
}

func TestRolesAreThoseOfThisMoment(t *testing.T) {
	forEachDB(t, func(w *world) {
		b := w.browser()
		b.signIn("E2")
		b.is("session E2 read")
		w.pulled(0, orgflow.OrgMember{UserID: "E1", JobNumber: "N1", Name: "管理员"}, orgflow.OrgMember{UserID: "E2", JobNumber: "N2", Name: "员工二"})
		for _, c := range []struct{ roles, want string }{
			{`{}`, "session N2 read"},
			{`{"operate": ["N2"]}`, "session N2 operate"},
			{`{"operate": ["N2"], "approve": ["N1", "N2"]}`, "session N2 approve"},
			{`{"approve": ["department:D10"]}`, "session N2 approve"},   // above theirs
			{`{"approve": ["department:11"]}`, "session N2 approve"},    // theirs
			{`{"approve": ["department:平台组"]}`, "session N2 read"},      // no names
			{`{"admin": ["department:none", "E2"]}`, "session N2 read"}, // E2 is not what they are called by
			{`{"flow_admin": ["N2"]}`, "session N2 read"},
		} {
			w.roles = c.roles
			w.write()
			if got := b.me(); got != c.want {
				w.t.Errorf("roles %s: %s, want %s", c.roles, got, c.want)
			}
		}
	})
}

// Job numbers are not unique at DingTalk; nobody becomes somebody else by one.
func TestASharedJobNumberLetsNobodyIn(t *testing.T) {
	forEachDB(t, func(w *world) {
		w.pulled(0, orgflow.OrgMember{UserID: "E1", JobNumber: "N1", Name: "管理员"}, orgflow.OrgMember{UserID: "E2", JobNumber: "N1", Name: "员工二"},
			orgflow.OrgMember{UserID: "E9", JobNumber: "E3", Name: "员工九"})
		for _, id := range []string{"E1", "E2", "E3"} {
			b := w.browser()
			if a := b.get(b.leave("", id)); a.status != 403 || !strings.Contains(a.body, "not unique") {
				w.t.Errorf("%s: %d %s", id, a.status, a.body)
			}
		}
	})
}

// What can be read is not told apart by company, so where there are several,
// being a member of one is not enough.
func TestWithSeveralCompaniesARoleIsNeeded(t *testing.T) {
	w := newWorld(t, databases["sqlite"](t))
	w.company(200, `{"company_id": 200, "name": "另一家"}`)
	b := w.browser()
	if a := b.get(b.leave("?company=129", "E2")); a.status != 403 || !strings.Contains(a.body, "not been given any role") {
		t.Errorf("%d %s", a.status, a.body)
	}
	b.signIn("E1")
}

// A browser cannot bring a session of somebody else's choice along.
func TestSessionsAreMadeAtSignInOnly(t *testing.T) {
	w := newWorld(t, databases["sqlite"](t))
	b := w.browser()
	chosen := strings.Repeat("A", 43)
	b.setCookie("orgflow-session", chosen)
	b.signIn("E1")
	first := b.cookie("orgflow-session")
	if first == chosen || len(first) != 43 {
		t.Errorf("the session is %q", first)
	}
	b.signIn("E2")
	second := b.cookie("orgflow-session")
	if second == first {
		t.Error("signing in again kept the session")
	}
	for _, dead := range []string{first, chosen, "", "x", second + "x", first[:42]} {
		other := w.browser()
		other.setCookie("orgflow-session", dead)
		other.is("401")
	}
	var stored int
	if err := w.app.Store.DB().Get(&stored, `SELECT count(*) FROM api_session WHERE id = $1 OR id LIKE '%' || $1 || '%'`, second); err != nil || stored != 0 {
		t.Errorf("the token itself is in the database: %d, %v", stored, err)
	}
}

func TestTooManyFailuresHaveToWait(t *testing.T) {
	w := newWorld(t, databases["sqlite"](t))
	b := w.browser()
	for range 20 {
		if a := b.get("/signin/dingtalk/callback?state=" + strings.Repeat("A", 43) + "&authCode=x"); a.status != 403 {
			t.Fatalf("%d", a.status)
		}
	}
	a := b.get("/signin/dingtalk/callback?state=x&authCode=x")
	if a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") != "600" {
		t.Errorf("%d, Retry-After %q", a.status, a.header.Get("Retry-After"))
	}
	if a := b.get("/signin/dingtalk"); a.status != http.StatusTooManyRequests {
		t.Errorf("begin: %d", a.status)
	}
	w.clock.add(10 * time.Minute)
	b.signIn("E1")
}

// Behind a proxy on this machine each client has tries of its own; what a
// client says of itself does not count.
func TestTriesAreCountedByClient(t *testing.T) {
	w := newWorld(t, databases["sqlite"](t))
	b := w.browser()
	try := func(forwarded string) int {
		return b.do("GET", "/signin/dingtalk/callback?state=x", nil, "X-Forwarded-For", forwarded).status
	}
	for i := range 20 {
		if status := try(fmt.Sprintf("203.0.113.%d, 192.0.2.1", i)); status != 403 {
			t.Fatalf("%d", status)
		}
	}
	for forwarded, want := range map[string]int{
		"192.0.2.1": 429, "203.0.113.99, 192.0.2.1": 429, "::ffff:192.0.2.1": 429, "192.0.2.2": 403, "2001:db8::1": 403, "junk": 403,
	} {
		if status := try(forwarded); status != want {
			t.Errorf("%s: %d, want %d", forwarded, status, want)
		}
	}
	far := w.ask("GET", "https://orgflow.example/signin/dingtalk/callback?state=x", "192.0.2.1:5", func(r *http.Request) {
		r.Header.Set("X-Forwarded-For", "192.0.2.77") // nobody else is believed
	})
	if far.Code != 429 {
		t.Errorf("another machine that claims to be a proxy: %d", far.Code)
	}
}
