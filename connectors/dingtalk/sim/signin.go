package dtsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"orgflow/connectors/simctl"
)

// Paths of signing in (§ 8). The page of login.dingtalk.com stands beside the
// interfaces, and so does a stand-in for the script that gives an application
// inside DingTalk its code.
const (
	pathAuthorize = "/oauth2/auth"
	pathUserToken = "/v1.0/oauth2/userAccessToken"
	pathMe        = "/v1.0/contact/users/me"
	pathScript    = "/jsapi.js"
)

// outsider is somebody with a DingTalk account who is in no organisation here.
const outsider = "-outsider"

// appCodeLife is documented (§ 8.4); that of a browser's code is not, and
// taken to be the same.
const appCodeLife = 5 * time.Minute

// grant is what a code or a user's token stands for. Grants live in memory:
// after a restart people sign in again.
type grant struct {
	kind    string // "browser", "app", "token"
	client  string // the application
	userid  string
	corp    string
	consent bool
	expires time.Time
}

// grants holds codes and users' tokens.
type grants struct {
	mu sync.Mutex
	m  map[string]grant
	n  uint64
}

func (g *grants) issue(now time.Time, v grant) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.m == nil {
		g.m = map[string]grant{}
	}
	g.n++
	seed := mix(uint64(now.UnixNano())) ^ mix(g.n)
	value := fmt.Sprintf("%016x%016x", seed, mix(seed))
	g.m[value] = v
	return value
}

// take returns a code's grant and forgets it: a code works once.
func (g *grants) take(value, kind string, now time.Time) (grant, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	v, ok := g.m[value]
	if !ok || v.kind != kind {
		return grant{}, false
	}
	delete(g.m, value)
	return v, now.Before(v.expires)
}

func (g *grants) look(value string) (grant, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	v, ok := g.m[value]
	return v, ok && v.kind == "token"
}

func (g *grants) clear() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.m = nil
}

// chooser is the page on which DingTalk asks who signs in.
var chooser = template.Must(template.New("chooser").Parse(`<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>DingTalk simulator</title>
<style>body{font:16px/1.6 system-ui,sans-serif;max-width:36rem;margin:2rem auto;padding:0 1rem}a{display:block;padding:.5rem .75rem;margin:.25rem 0;border:1px solid #767676;border-radius:.4rem;color:#0b57d0;text-decoration:none}</style></head>
<body><h1>模拟钉钉登录</h1><p lang="en">DingTalk simulator: who signs in to {{.Client}}?</p>
{{range .People}}<a href="{{.URL}}" data-userid="{{.ID}}">{{.Name}} <small>{{.ID}}</small></a>
{{end}}<a href="{{.Outsider}}" data-userid="-outsider">外部人员 <small lang="en">somebody outside the organisation</small></a>
<a href="{{.Refuse}}">拒绝授权 <small lang="en">refuse</small></a></body></html>`))

type choice struct{ ID, Name, URL string }

// authorize is the page of § 8.1; with a userid it goes back with a code.
func (s *Sim) authorize(c *simctl.Call) simctl.Answer {
	q, set := c.Query, s.settings.Load()
	back, err := url.Parse(q.Get("redirect_uri"))
	_, known := set.secrets[q.Get("client_id")]
	switch {
	case !known:
		return badPage("client_id 不存在: no application has this client_id")
	case err != nil || back.Host == "" || (back.Scheme != "http" && back.Scheme != "https"):
		return badPage("redirect_uri 不合法: not an address")
	case len(set.RedirectURIs) > 0 && !slices.Contains(set.RedirectURIs, q.Get("redirect_uri")):
		return badPage("redirect_uri 未登记: " + q.Get("redirect_uri") + " is not among the application's redirect addresses")
	case q.Get("response_type") != "code" || !slices.Contains(strings.Fields(q.Get("scope")), "openid"):
		return badPage("response_type must be code, and scope openid or openid corpid")
	}
	switch id := q.Get("userid"); {
	case q.Get("refuse") != "":
		return goBack(back, url.Values{"error": {"access_denied"}, "state": {q.Get("state")}})
	case id != "":
		return s.chosen(c, back, id)
	}
	return s.choose(c)
}

func badPage(text string) simctl.Answer {
	return simctl.Answer{Status: http.StatusBadRequest, ContentType: "text/plain; charset=utf-8", Outcome: "refused", Body: []byte(text)}
}

func goBack(to *url.URL, add url.Values) simctl.Answer {
	q := to.Query()
	for k, v := range add {
		q[k] = v
	}
	out := *to
	out.RawQuery = q.Encode()
	return simctl.Answer{Status: http.StatusFound, ContentType: "text/plain", Header: map[string]string{"Location": out.String()}, Outcome: simctl.OK}
}

// choose lists the first people by userid; ?find narrows them.
func (s *Sim) choose(c *simctl.Call) simctl.Answer {
	with := func(key, value string) string {
		q := url.Values{}
		for k, v := range c.Query {
			q[k] = v
		}
		q.Set(key, value)
		return "?" + q.Encode()
	}
	var page struct {
		Client           string
		People           []choice
		Outsider, Refuse string
	}
	page.Client, page.Outsider, page.Refuse = c.Query.Get("client_id"), with("userid", outsider), with("refuse", "1")
	s.mu.RLock()
	for _, u := range s.dir.users {
		if find := c.Query.Get("find"); strings.Contains(u.UserID, find) || strings.Contains(u.Name, find) {
			page.People = append(page.People, choice{u.UserID, u.Name, with("userid", u.UserID)})
		}
	}
	s.mu.RUnlock()
	slices.SortFunc(page.People, func(x, y choice) int { return strings.Compare(x.ID, y.ID) })
	page.People = page.People[:min(len(page.People), 30)]
	var b bytes.Buffer
	if err := chooser.Execute(&b, page); err != nil {
		return badPage(err.Error())
	}
	return simctl.Answer{ContentType: "text/html; charset=utf-8", Outcome: simctl.OK, Body: b.Bytes()}
}

// chosen goes back with a code, under both names of newer documents.
func (s *Sim) chosen(c *simctl.Call, back *url.URL, id string) simctl.Answer {
	s.mu.RLock()
	_, here := s.dir.users[id]
	s.mu.RUnlock()
	if !here && id != outsider {
		return badPage("nobody has the userid " + id)
	}
	g := grant{kind: "browser", client: c.Query.Get("client_id"), userid: id, consent: c.Query.Get("prompt") == "consent", expires: c.At.Add(appCodeLife)}
	if slices.Contains(strings.Fields(c.Query.Get("scope")), "corpid") {
		g.corp = s.settings.Load().CorpID
	}
	code := s.grants.issue(c.At, g)
	return goBack(back, url.Values{"authCode": {code}, "code": {code}, "state": {c.Query.Get("state")}})
}

// userToken is POST /v1.0/oauth2/userAccessToken (§ 8.2).
func (s *Sim) userToken(c *simctl.Call) simctl.Answer {
	var in struct {
		ID     string `json:"clientId"`
		Secret string `json:"clientSecret"`
		Grant  string `json:"grantType"`
		Code   string `json:"code"`
	}
	if a, ok := s.newBody(c, &in); !ok {
		return a
	}
	set := s.settings.Load()
	if want, known := set.secrets[in.ID]; !known || want != in.Secret {
		return s.newFailed(http.StatusBadRequest, "invalidClientIdOrSecret", "无效的clientId或者clientSecret")
	}
	if in.Grant != "authorization_code" {
		return s.newFailed(http.StatusBadRequest, "unsupported.grant.type", "grantType is not supported")
	}
	g, ok := s.grants.take(in.Code, "browser", c.At)
	if !ok || g.client != in.ID {
		return s.newFailed(http.StatusBadRequest, "invalidParameter.authCode.notFound", "不存在的临时授权码")
	}
	g.kind, g.expires = "token", c.At.Add(time.Duration(set.TokenSeconds)*time.Second)
	return simctl.JSON(http.StatusOK, simctl.OK, struct {
		Token   string `json:"accessToken"`
		Refresh string `json:"refreshToken"`
		Expires int    `json:"expireIn"`
		Corp    string `json:"corpId,omitempty"`
	}{s.grants.issue(c.At, g), s.grants.issue(c.At, grant{kind: "refresh"}), set.TokenSeconds, g.corp})
}

// me is GET /v1.0/contact/users/me (§ 8.3).
func (s *Sim) me(c *simctl.Call) simctl.Answer {
	set := s.settings.Load()
	token := c.Header.Get("X-Acs-Dingtalk-Access-Token")
	g, ok := s.grants.look(token)
	_, isApp, _ := s.tokens.Owner(token, c.At)
	switch {
	case token == "":
		return s.newFailed(http.StatusBadRequest, "AuthenticationFailed.MissingParameter", "x-acs-dingtalk-access-token is mandatory")
	case isApp, ok && set.missing[permMe], ok && set.ConsentNeeded && !g.consent:
		return s.denied(permMe)
	case !ok:
		return s.newFailed(http.StatusBadRequest, "InvalidAuthentication", "不合法的access_token")
	case !c.At.Before(g.expires):
		return s.newFailed(http.StatusBadRequest, "accesstoken.expired", "access_token已过期")
	}
	out := map[string]string{"nick": "外部人员", "openId": "open" + outsider, "unionId": "union" + outsider}
	if g.userid != outsider {
		s.mu.RLock()
		u := s.dir.users[g.userid]
		s.mu.RUnlock()
		if u == nil { // removed meanwhile: the account stays, the organisation does not know it
			return simctl.JSON(http.StatusOK, simctl.OK, map[string]string{"nick": "x", "openId": "open-gone", "unionId": "union-gone"})
		}
		out = map[string]string{"nick": u.Name, "openId": "open" + u.UnionID, "unionId": u.UnionID}
	}
	return simctl.JSON(http.StatusOK, simctl.OK, out)
}

// denied is the new family's answer to a missing permission (§ 1.2).
func (s *Sim) denied(scope string) simctl.Answer {
	const code = "Forbidden.AccessDenied.AccessTokenPermissionDenied"
	return simctl.JSON(http.StatusForbidden, code, map[string]any{
		"code": code, "requestid": s.requestUUID(), "message": "没有调用该接口的权限",
		"accessdenieddetail": map[string]any{"requiredScopes": []string{scope}},
	})
}

// getUserInfo is /topapi/v2/user/getuserinfo (§ 8.4).
func (s *Sim) getUserInfo(c *simctl.Call, a *args) (any, *refusal) {
	code := a.needStr("code")
	if a.bad != nil {
		return nil, a.bad
	}
	g, ok := s.grants.take(code, "app", c.At)
	if !ok {
		return nil, refuse(40078, "不存在的临时授权码")
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	u := s.dir.users[g.userid]
	if u == nil {
		return nil, errUserAbsent
	}
	return struct {
		UserID   string `json:"userid"`
		UnionID  string `json:"unionid"`
		Name     string `json:"name"`
		DeviceID string `json:"device_id"`
		Sys      bool   `json:"sys"`
		SysLevel int    `json:"sys_level"`
	}{u.UserID, u.UnionID, u.Name, "simulated-device", u.SysLevel > 0, u.SysLevel}, nil
}

// appCode is the control call that gives an application inside DingTalk its
// code: {"userid": "E1001"} → {"code": "…"}.
func (s *Sim) appCode(raw json.RawMessage) (any, error) {
	var in struct {
		UserID string `json:"userid"`
	}
	if err := simctl.DecodeStrict(raw, &in); err != nil {
		return nil, err
	}
	s.mu.RLock()
	_, here := s.dir.users[in.UserID]
	s.mu.RUnlock()
	if !here {
		return nil, errors.New("userid: nobody has it")
	}
	return map[string]string{"code": s.newAppCode(in.UserID)}, nil
}

func (s *Sim) newAppCode(userid string) string {
	now := s.desk.Now()
	return s.grants.issue(now, grant{kind: "app", userid: userid, expires: now.Add(appCodeLife)})
}

// script stands in for dingtalk.open.js inside the DingTalk of the person
// whom the setting in_app_user names.
func (s *Sim) script() simctl.Answer {
	user := s.settings.Load().InAppUser
	s.mu.RLock()
	_, here := s.dir.users[user]
	s.mu.RUnlock()
	text := `window.dd = {requestAuthCode: o => setTimeout(() => o.fail({errorCode: "-1", errorMessage: "not inside DingTalk"}))}`
	if here {
		text = `window.dd = {requestAuthCode: o => setTimeout(() => o.success({code: "` + s.newAppCode(user) + `"}))}`
	}
	return simctl.Answer{ContentType: "text/javascript; charset=utf-8", Outcome: simctl.OK, Body: []byte(text)}
}
