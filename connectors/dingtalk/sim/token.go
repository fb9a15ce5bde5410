package dtsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"orgflow/connectors/simctl"
	"orgflow/connectors/simtoken"
)

// token returns an application's token (§ 2): while it lives the same one,
// its life begun anew; afterwards a new one (§ 2.1). Both token calls hand out
// the same one, and both hosts accept it (§ 2.4).
func (s *Sim) token(app string, set *compiled) (string, error) {
	k, err := s.tokens.Issue(s.desk, app, time.Duration(set.TokenSeconds)*time.Second, simtoken.Extend, func(n int, now time.Time) string {
		seed := mix(uint64(now.UnixNano())) ^ mix(uint64(n))
		return fmt.Sprintf("%016x%016x", seed, mix(seed))
	})
	return k.Value, err
}

// getToken is GET /gettoken (§ 2.1). Parameters count in the query only.
func (s *Sim) getToken(c *simctl.Call) simctl.Answer {
	set := s.settings.Load()
	key, secret, wrong := c.Query.Get("appkey"), c.Query.Get("appsecret"), refuse(40096, "不合法的appKey或appSecret")
	if key == "" && c.Query.Get("corpid") != "" { // the 2015 variant
		key, secret, wrong = c.Query.Get("corpid"), c.Query.Get("corpsecret"), refuse(40089, "不合法的corpId或corpSecret")
	}
	if key == "" {
		return s.failed(c, refuse(40035, "缺少参数 corpid or appkey"))
	}
	if want, ok := set.secrets[key]; !ok || want != secret {
		return s.failed(c, wrong)
	}
	value, err := s.token(key, set)
	if err != nil {
		return s.failed(c, busy)
	}
	return simctl.JSON(http.StatusOK, simctl.OK, struct {
		Errcode int    `json:"errcode"`
		Errmsg  string `json:"errmsg"`
		Token   string `json:"access_token"`
		Expires int    `json:"expires_in"`
	}{0, "ok", value, set.TokenSeconds})
}

// newToken is POST /v1.0/oauth2/accessToken (§ 2.2).
func (s *Sim) newToken(c *simctl.Call) simctl.Answer {
	var in struct {
		AppKey    string `json:"appKey"`
		AppSecret string `json:"appSecret"`
	}
	if a, ok := s.newBody(c, &in); !ok {
		return a
	}
	if in.AppKey == "" {
		return s.newFailed(http.StatusBadRequest, "MissingappKey", "appKey is mandatory for this action.")
	}
	if in.AppSecret == "" {
		return s.newFailed(http.StatusBadRequest, "MissingappSecret", "appSecret is mandatory for this action.")
	}
	set := s.settings.Load()
	if want, ok := set.secrets[in.AppKey]; !ok || want != in.AppSecret {
		return s.newFailed(http.StatusBadRequest, "invalidClientIdOrSecret", "无效的clientId或者clientSecret")
	}
	value, err := s.token(in.AppKey, set)
	if err != nil {
		return s.newFailed(http.StatusInternalServerError, "systemError", "系统繁忙")
	}
	return simctl.JSON(http.StatusOK, simctl.OK, struct {
		Token   string `json:"accessToken"`
		Expires int    `json:"expireIn"` // without an s (§ 2.2)
	}{value, set.TokenSeconds})
}

// unifiedToken is POST /v1.0/oauth2/{corpId}/token (§ 2.3).
func (s *Sim) unifiedToken(c *simctl.Call, corp string) simctl.Answer {
	var in struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
		Grant  string `json:"grant_type"`
	}
	if a, ok := s.newBody(c, &in); !ok {
		return a
	}
	set := s.settings.Load()
	want, known := set.secrets[in.ID]
	switch {
	case set.CorpID != "" && corp != set.CorpID:
		return s.newFailed(http.StatusInternalServerError, "unknownError", "未知错误")
	case in.Grant != "client_credentials":
		return s.newFailed(http.StatusBadRequest, "unsupported.grant.type", "grant_type is not supported")
	case !known:
		return s.newFailed(http.StatusBadRequest, "invalid.client", "invalid client")
	case want != in.Secret:
		return s.newFailed(http.StatusUnauthorized, "unauthorized.client", "unauthorized client")
	}
	value, err := s.token(in.ID, set)
	if err != nil {
		return s.newFailed(http.StatusInternalServerError, "server.error", "系统繁忙")
	}
	return simctl.JSON(http.StatusOK, simctl.OK, struct {
		Token   string `json:"access_token"`
		Expires int    `json:"expires_in"`
	}{value, set.TokenSeconds})
}

// newBody decodes a new-family body: JSON only (§ 1).
func (s *Sim) newBody(c *simctl.Call, into any) (simctl.Answer, bool) {
	if len(c.Body) == 0 || c.IsForm() {
		return s.newFailed(http.StatusBadRequest, "Missingbody", "body is mandatory for this action."), false
	}
	if err := json.Unmarshal(c.Body, into); err != nil {
		return s.newFailed(http.StatusBadRequest, "InvalidParameter", "the body is not valid JSON"), false
	}
	return simctl.Answer{}, true
}

// scopes is GET /auth/scopes (§ 2.5); its token errors are bare, not wrapped (§ 1.1).
func (s *Sim) scopes(c *simctl.Call) simctl.Answer {
	if r := s.admit(c); r != nil {
		return s.failed(c, r)
	}
	set := s.settings.Load()
	dept := set.ScopeDepartments
	if set.scope == nil {
		dept = []int64{rootID}
	}
	fields := []string{}
	for _, f := range []struct{ name, permission string }{
		{"name", ""}, {"mobile", permMobile}, {"email", permEmail},
	} {
		if !set.missing[f.permission] {
			fields = append(fields, f.name)
		}
	}
	return simctl.JSON(http.StatusOK, simctl.OK, map[string]any{
		"errcode": 0, "errmsg": "ok", "auth_user_field": fields, "condition_field": []string{},
		"auth_org_scopes": map[string]any{"authed_user": []string{}, "authed_dept": dept},
	})
}

// unifiedCorp returns the corpId of a unified token path.
func unifiedCorp(path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, "/v1.0/oauth2/")
	if !ok {
		return "", false
	}
	corp, ok := strings.CutSuffix(rest, "/token")
	return corp, ok && corp != "" && !strings.Contains(corp, "/")
}

// platformText is the observed 90002 text with its release time (§ 10.1).
func platformText(path string, now time.Time) string {
	const layout = "2006-01-02 15:04:05"
	now = now.In(china)
	api := "dingtalk.oapi." + strings.ReplaceAll(strings.TrimPrefix(path, "/topapi/"), "/", ".")
	return "当前所有钉钉应用调用该接口次数过多，超出了该接口承受的最大qps，请求被暂时限制了，建议错开整点时刻调用该接口, apiPath(" + api + "), 从 " +
		now.Format(layout) + " 到 " + now.Format(layout) + " 请求总次数超过 " + strconv.Itoa(1200) + " 次, 限制将在 " + now.Add(time.Second).Format(layout) + " 结束."
}
