package dingtalk

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"orgflow"
	"orgflow/connectors"
)

const (
	grantedToken = `{"accessToken":"U1","refreshToken":"R","expireIn":7200,"corpId":"corp-1"}`
	someMe       = `{"nick":"小一","openId":"o","unionId":"union-1","avatarUrl":""}`
	someStaff    = `{"errcode":0,"errmsg":"ok","result":{"contact_type":0,"userid":"E1"}}`
	somePerson   = `{"errcode":0,"errmsg":"ok","result":{"userid":"E1","unionid":"union-1","name":"员工一"}}`
)

// door is a stub whose every answer about signing in is as documented.
func door(t *testing.T) *stub {
	return newStub(t, "v2").on(pathUserToken, grantedToken).on(pathMe, someMe).on(pathByUnionID, someStaff).on(pathUserGet, somePerson).
		on(pathGetUserInfo, `{"errcode":0,"errmsg":"ok","result":{"userid":"E1","unionid":"union-1","name":"x","sys":false,"sys_level":0}}`)
}

func (s *stub) doorman() *Client {
	c := s.client()
	c.cfg.CorpID = "corp-1"
	return c
}

func TestABrowserIsSentToDingTalk(t *testing.T) {
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{BaseURL: "https://oapi.dingtalk.com", AppKey: "k", AppSecret: "s"},
			"https://login.dingtalk.com/oauth2/auth?client_id=k&prompt=consent&redirect_uri=https%3A%2F%2Fx%2Fcb&response_type=code&scope=openid&state=S"},
		{Config{BaseURL: "https://oapi.dingtalk.io", AppKey: "k", AppSecret: "s", ClientID: "c", ClientSecret: "cs", CorpID: "corp"},
			"https://login.dingtalk.io/oauth2/auth?client_id=c&corpId=corp&prompt=consent&redirect_uri=https%3A%2F%2Fx%2Fcb&response_type=code&scope=openid%20corpid&state=S"},
		{Config{BaseURL: "http://127.0.0.1:9090/dingtalk", AppKey: "k", AppSecret: "s"},
			"http://127.0.0.1:9090/dingtalk/oauth2/auth?client_id=k&prompt=consent&redirect_uri=https%3A%2F%2Fx%2Fcb&response_type=code&scope=openid&state=S"},
	} {
		client, err := New(c.cfg, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := client.SignInURL("https://x/cb", "S"); got != c.want {
			t.Errorf("%s\nwant\n%s", got, c.want)
		}
	}
}

func TestACodeBecomesAMember(t *testing.T) {
	s := door(t)
	var token string
	s.handlers[pathMe] = func(w http.ResponseWriter, r *http.Request) {
		token = r.Header.Get("x-acs-dingtalk-access-token")
		_, _ = io.WriteString(w, someMe)
	}
	want := connectors.Member{UserID: "E1", Name: "员工一"}
	c := s.doorman()
	for way, ask := range map[string]func() (connectors.Member, error){
		"browser": func() (connectors.Member, error) { return c.MemberByBrowserCode(t.Context(), "code-1") },
		"app":     func() (connectors.Member, error) { return c.MemberByAppCode(t.Context(), "code-2") },
		"id":      func() (connectors.Member, error) { return c.MemberByID(t.Context(), "E1") },
	} {
		if got, err := ask(); got != want || err != nil {
			t.Errorf("%s: %+v %v", way, got, err)
		}
	}
	sent := s.calls(pathUserToken)
	if len(sent) != 1 || sent[0].body["code"] != "code-1" || sent[0].body["grantType"] != "authorization_code" || sent[0].body["clientSecret"] != "dingsecret" || token != "U1" {
		t.Errorf("%+v, token %q", sent, token)
	}
}

// Whatever DingTalk answers, only a whole and consistent yes is one, and a
// code is sent once.
func TestOnlyAWholeYesIsOne(t *testing.T) {
	for name, c := range map[string]struct {
		path, answer string
		want         orgflow.Code
	}{
		"code unknown":          {pathUserToken, `{"code":"invalidParameter.authCode.notFound","requestid":"X","message":"不存在的临时授权码"}`, orgflow.CodeNeedsHuman},
		"no token":              {pathUserToken, `{"expireIn":7200}`, orgflow.CodeUnavailable},
		"another organisation":  {pathUserToken, `{"accessToken":"U1","corpId":"corp-2"}`, orgflow.CodeNotFound},
		"not JSON":              {pathUserToken, `accessToken`, orgflow.CodeUnavailable},
		"wrong secret":          {pathUserToken, `{"code":"invalidClientIdOrSecret","message":"dingsecret is wrong"}`, orgflow.CodeUnauthorized},
		"permission missing":    {pathMe, `{"code":"Forbidden.AccessDenied.AccessTokenPermissionDenied","accessdenieddetail":{"requiredScopes":["Contact.User.Read"]}}`, orgflow.CodeForbidden},
		"user token over":       {pathMe, `{"code":"accesstoken.expired","message":"x"}`, orgflow.CodeUnauthorized},
		"no unionid":            {pathMe, `{"nick":"小一"}`, orgflow.CodeUnavailable},
		"empty":                 {pathMe, `{}`, orgflow.CodeUnavailable},
		"not in the directory":  {pathByUnionID, `{"errcode":60121,"errmsg":"找不到该用户"}`, orgflow.CodeNotFound},
		"external contact":      {pathByUnionID, `{"errcode":0,"result":{"contact_type":1,"userid":"E1"}}`, orgflow.CodeNotFound},
		"contact not said":      {pathByUnionID, `{"errcode":0,"result":{"userid":"E1"}}`, orgflow.CodeUnavailable},
		"no userid":             {pathByUnionID, `{"errcode":0,"result":{"contact_type":0}}`, orgflow.CodeUnavailable},
		"no result":             {pathByUnionID, `{"errcode":0}`, orgflow.CodeUnavailable},
		"busy":                  {pathByUnionID, `{"errcode":-1,"errmsg":"系统繁忙"}`, orgflow.CodeUnavailable},
		"IP":                    {pathByUnionID, `{"errcode":88,"sub_code":"60020","sub_msg":"ip","errmsg":"x"}`, orgflow.CodeForbidden},
		"removed meanwhile":     {pathUserGet, `{"errcode":60121,"errmsg":"找不到该用户"}`, orgflow.CodeNotFound},
		"somebody else":         {pathUserGet, `{"errcode":0,"result":{"userid":"E2","unionid":"union-1","name":"x"}}`, orgflow.CodeUnavailable},
		"somebody else's union": {pathUserGet, `{"errcode":0,"result":{"userid":"E1","unionid":"union-2","name":"x"}}`, orgflow.CodeUnavailable},
	} {
		s := door(t).on(c.path, c.answer)
		m, err := s.doorman().MemberByBrowserCode(t.Context(), "code")
		f := orgflow.AsFault(err)
		if m != (connectors.Member{}) || err == nil || f.Code != c.want {
			t.Errorf("%s: %+v %v, want %s", name, m, err, c.want)
			continue
		}
		if strings.Contains(f.Error(), "dingsecret") {
			t.Errorf("%s: the fault shows the secret: %v", name, f)
		}
		if n := len(s.calls(pathUserToken)); n != 1 {
			t.Errorf("%s: the code was sent %d times", name, n)
		}
	}
	for name, c := range map[string]struct {
		answer string
		want   orgflow.Code
	}{
		"code unknown": {`{"errcode":40078,"errmsg":"不存在的临时授权码"}`, orgflow.CodeNeedsHuman},
		"nobody":       {`{"errcode":60121,"errmsg":"找不到该用户"}`, orgflow.CodeNotFound},
		"no userid":    {`{"errcode":0,"result":{"name":"x"}}`, orgflow.CodeUnavailable},
		"busy":         {`{"errcode":-1,"errmsg":"系统繁忙"}`, orgflow.CodeUnavailable},
	} {
		s := door(t).on(pathGetUserInfo, c.answer)
		if m, err := s.doorman().MemberByAppCode(t.Context(), "code"); m != (connectors.Member{}) || orgflow.AsFault(err) == nil || orgflow.AsFault(err).Code != c.want || len(s.calls(pathGetUserInfo)) != 1 {
			t.Errorf("in the client, %s: %+v %v, want %s", name, m, err, c.want)
		}
	}
}

// A refused application token is renewed: the code was not looked at.
func TestARefusedTokenUsesNoCodeUp(t *testing.T) {
	s := door(t).on(pathGetUserInfo, `{"errcode":88,"sub_code":"40014","sub_msg":"不合法的access_token","errmsg":"x"}`,
		`{"errcode":0,"errmsg":"ok","result":{"userid":"E1","unionid":"union-1"}}`)
	if m, err := s.doorman().MemberByAppCode(t.Context(), "code"); err != nil || m.UserID != "E1" {
		t.Errorf("%+v %v", m, err)
	}
}

func TestSignInSettingsAreChecked(t *testing.T) {
	base := Config{BaseURL: "https://oapi.dingtalk.com", AppKey: "k", AppSecret: "s"}
	for what, change := range map[string]func(*Config){
		"callback_url":  func(c *Config) { c.CallbackURL = "orgflow.example/cb" },
		"script_url":    func(c *Config) { c.ScriptURL = "javascript:alert(1)" },
		"client_secret": func(c *Config) { c.ClientID = "x" },
	} {
		cfg := base
		change(&cfg)
		if _, err := New(cfg, Options{}); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
	cfg := base
	cfg.ClientID, cfg.ClientSecret = "c", "cs"
	c, err := New(cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(c.SignInURL("https://x", "s"))
	if set := c.SignInSettings(); set.ClientID != "c" || !set.SecretSet || u.Query().Get("client_id") != "c" {
		t.Errorf("%+v", set)
	}
}
