package dtsim_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

const authorize = "/oauth2/auth?client_id=dingsim-app&redirect_uri=http%3A%2F%2Fx.example%2Fcb&response_type=code&scope=openid%20corpid&prompt=consent&state=S"

// code signs somebody in on DingTalk's page.
func (w *world) code(query string) string {
	w.t.Helper()
	r := w.page(authorize + query)
	back, err := url.Parse(r.Get("Location"))
	if err != nil || back.Query().Get("state") != "S" || back.Query().Get("authCode") != back.Query().Get("code") {
		w.t.Fatalf("%v %v", r, err)
	}
	return back.Query().Get("code")
}

// page asks for a page and returns the headers of the answer.
func (w *world) page(path string) http.Header {
	rec := httptest.NewRecorder()
	w.host.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/dingtalk"+path, nil))
	return rec.Header()
}

func exchange(code string) string {
	return `{"clientId":"dingsim-app","clientSecret":"dingsim-secret","grantType":"authorization_code","code":"` + code + `"}`
}

func TestThePageRefusesWhatDingTalkWould(t *testing.T) {
	w := newWorld(t, `{"redirect_uris": ["http://x.example/cb"]}`)
	for name, c := range map[string][2]string{
		"client":   {"client_id=dingsim-app", "client_id=other"},
		"redirect": {"x.example", "y.example"},
		"scheme":   {"http%3A%2F%2F", "javascript%3A%2F%2F"},
		"type":     {"response_type=code", "response_type=token"},
		"scope":    {"scope=openid", "scope=profile"},
		"nobody":   {"state=S", "state=S&userid=nobody"},
	} {
		if a := w.do("GET", strings.Replace(authorize, c[0], c[1], 1), ""); a.status != 400 {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := w.do("GET", authorize, ""); a.status != 200 || !strings.Contains(a.body, "外部人员") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestACodeSignsInOnceAndNotForLong(t *testing.T) {
	w := newWorld(t, `{"corp_id": "corp-1"}`)
	w.user("E1", 1, "1")
	const path = "/v1.0/oauth2/userAccessToken"
	code := w.code("&userid=E1")
	a := w.do("POST", path, exchange(code))
	if a.status != 200 || a.text("corpId") != "corp-1" || a.text("expireIn") != "7200" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	me := func(token string) answer {
		return w.do("GET", "/v1.0/contact/users/me", "", "x-acs-dingtalk-access-token", token)
	}
	who := me(a.text("accessToken"))
	if who.status != 200 || w.must("/user/getbyunionid", `{"unionid":"`+who.text("unionId")+`"}`).text("result.userid") != "E1" || who.text("userid") != "" {
		t.Errorf("%s", who.body)
	}
	refused := func(what string, got answer, status int, code string) {
		t.Helper()
		if got.status != status || got.text("code") != code {
			t.Errorf("%s: %d %s", what, got.status, got.body)
		}
	}
	const unknown, denied = "invalidParameter.authCode.notFound", "Forbidden.AccessDenied.AccessTokenPermissionDenied"
	refused("the code again", w.do("POST", path, exchange(code)), 400, unknown)
	refused("a wrong secret", w.do("POST", path, strings.Replace(exchange("x"), "dingsim-secret", "x", 1)), 400, "invalidClientIdOrSecret")
	refused("no token", me(""), 400, "AuthenticationFailed.MissingParameter")
	refused("the application's token", me(w.token), 403, denied)
	refused("an unknown token", me("x"), 400, "InvalidAuthentication")
	w.clock.Pass(2 * time.Hour)
	refused("an old token", me(a.text("accessToken")), 400, "accesstoken.expired")
	late := w.code("&userid=E1")
	w.clock.Pass(5 * time.Minute)
	refused("an old code", w.do("POST", path, exchange(late)), 400, unknown)
	a = w.do("POST", path, exchange(w.code("&userid=E1&prompt=none")))
	if a.status != 200 {
		t.Fatal(a.body)
	}
}

func TestConsentIsNeeded(t *testing.T) {
	w := newWorld(t, "")
	w.user("E1", 1, "1")
	query := strings.Replace(authorize, "&prompt=consent", "", 1) + "&userid=E1"
	back, err := url.Parse(w.page(query).Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	a := w.do("POST", "/v1.0/oauth2/userAccessToken", exchange(back.Query().Get("code")))
	token := a.text("accessToken")
	if a := w.do("GET", "/v1.0/contact/users/me", "", "x-acs-dingtalk-access-token", token); a.status != 403 || a.text("accessdenieddetail.requiredScopes.0") != "Contact.User.Read" {
		t.Errorf("%d %s", a.status, a.body)
	}
	w.options(`{"consent_needed": false}`)
	if a := w.do("GET", "/v1.0/contact/users/me", "", "x-acs-dingtalk-access-token", token); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestAnApplicationsCodeIsAnotherKind(t *testing.T) {
	w := newWorld(t, "")
	w.user("E1", 1, "1")
	var code string
	if status, body := w.control("POST", "app-code", `{"userid":"E1"}`); status != 200 {
		t.Fatal(body)
	} else {
		_, rest, _ := strings.Cut(body, `"code":"`)
		code, _, _ = strings.Cut(rest, `"`)
	}
	if status, _ := w.control("POST", "app-code", `{"userid":"E9"}`); status != 400 {
		t.Errorf("nobody's code: %d", status)
	}
	if a := w.do("POST", "/v1.0/oauth2/userAccessToken", exchange(code)); a.text("code") != "invalidParameter.authCode.notFound" {
		t.Errorf("in a browser: %s", a.body)
	}
	if a := w.must("/v2/user/getuserinfo", `{"code":"`+code+`"}`); a.text("result.userid") != "E1" {
		t.Errorf("%s", a.body)
	}
	for _, used := range []string{code, w.code("&userid=E1")} {
		if a := w.call("/v2/user/getuserinfo", `{"code":"`+used+`"}`); a.code() != "40078" {
			t.Errorf("%s", a.body)
		}
	}
}
