package dingtalk

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/vendorcode"
	"orgflow/connectors/wire"
)

// Paths of signing in (DingTalk reference § 8).
const (
	pathAuthorize   = "/oauth2/auth"
	pathUserToken   = "/v1.0/oauth2/userAccessToken"
	pathMe          = "/v1.0/contact/users/me"
	pathByUnionID   = "/topapi/user/getbyunionid"
	pathGetUserInfo = "/topapi/v2/user/getuserinfo"
)

const headerToken = "x-acs-dingtalk-access-token"

var _ connectors.SignIn = (*Client)(nil)

// SignInURL implements connectors.SignIn (DingTalk reference § 8.1). The
// organisation is chosen beforehand where its id is known; consent is asked
// for, because without it users/me may refuse.
func (c *Client) SignInURL(redirect, state string) string {
	q := url.Values{
		"redirect_uri": {redirect}, "response_type": {"code"}, "client_id": {c.clientID()},
		"scope": {"openid"}, "prompt": {"consent"}, "state": {state},
	}
	if c.cfg.CorpID != "" {
		q.Set("scope", "openid corpid")
		q.Set("corpId", c.cfg.CorpID)
	}
	// The reference wants the space as %20.
	return c.login() + pathAuthorize + "?" + strings.ReplaceAll(q.Encode(), "+", "%20")
}

// login is the address of the sign-in page: login.dingtalk.com beside
// api.dingtalk.com, else where the new family is.
func (c *Client) login() string {
	if strings.HasPrefix(c.api, "https://api.dingtalk.") {
		return strings.Replace(c.api, "//api.", "//login.", 1)
	}
	return c.api
}

func (c *Client) clientID() string { return cmp.Or(c.cfg.ClientID, c.cfg.AppKey) }

func (c *Client) clientSecret() string { return cmp.Or(c.cfg.ClientSecret, c.cfg.AppSecret) }

// SignInSettings implements connectors.SignIn.
func (c *Client) SignInSettings() connectors.SignInSettings {
	return connectors.SignInSettings{
		CorpID: c.cfg.CorpID, AgentID: c.cfg.AgentID, ClientID: c.clientID(), SecretSet: c.clientSecret() != "",
		CallbackURL: c.cfg.CallbackURL, ScriptURL: c.cfg.ScriptURL, BaseURL: c.cfg.BaseURL,
	}
}

// MemberByBrowserCode implements connectors.SignIn: code → token of the user
// → unionid → userid → record (DingTalk reference § 8.2, § 8.3). A code is
// spent by the first answer; none of the calls with it is repeated.
func (c *Client) MemberByBrowserCode(ctx context.Context, code string) (connectors.Member, error) {
	body := map[string]string{
		"clientId": c.clientID(), "clientSecret": c.clientSecret(), "grantType": "authorization_code", "code": code,
	}
	a, err := c.newFamily(ctx, http.MethodPost, pathUserToken, "", body)
	if err != nil {
		return connectors.Member{}, err
	}
	var granted struct {
		CorpID wire.Text `json:"corpId"`
	}
	if json.Unmarshal(a.body, &granted) != nil || a.AccessToken == "" {
		return connectors.Member{}, vendorcode.MalformedRead("userAccessToken shows no token")
	}
	if granted.CorpID != "" && c.cfg.CorpID != "" && string(granted.CorpID) != c.cfg.CorpID {
		return connectors.Member{}, noMember("signed in for another organisation")
	}
	union, err := c.unionID(ctx, string(a.AccessToken))
	if err != nil {
		return connectors.Member{}, err
	}
	userID, err := c.byUnionID(ctx, union)
	if err != nil {
		return connectors.Member{}, err
	}
	return c.member(ctx, userID, union)
}

// unionID asks who a user's token belongs to.
func (c *Client) unionID(ctx context.Context, token string) (string, error) {
	a, err := c.newFamily(ctx, http.MethodGet, pathMe, token, nil)
	if err != nil {
		f := orgflow.AsFault(err)
		if f.Code == orgflow.CodeForbidden {
			f.Advice = "grant Contact.User.Read (个人权限 · 通讯录个人信息读权限) to the application in the DingTalk developer console and publish the version"
		}
		return "", err
	}
	var me struct {
		UnionID wire.Text `json:"unionId"`
	}
	if json.Unmarshal(a.body, &me) != nil || me.UnionID == "" {
		return "", vendorcode.MalformedRead("users/me shows no unionId")
	}
	return string(me.UnionID), nil
}

// byUnionID finds the member; 60121 is nobody, and so is an external contact.
func (c *Client) byUnionID(ctx context.Context, union string) (string, error) {
	var found struct {
		UserID  wire.Text `json:"userid"`
		Contact *wire.Int `json:"contact_type"`
	}
	var spent connectors.Receipt
	_, f, err := c.call(ctx, &spent, request{path: pathByUnionID, body: map[string]any{"unionid": union}}, &found)
	switch {
	case f != nil && saysNoPerson(f.VendorCode):
		return "", noMember(f.VendorCode + " " + f.Message)
	case err != nil:
		return "", err
	case found.UserID == "" || found.Contact == nil:
		return "", vendorcode.MalformedRead("getbyunionid shows no userid or no contact_type")
	case *found.Contact != 0:
		return "", noMember("an external contact, not one of the staff")
	}
	return string(found.UserID), nil
}

// MemberByAppCode implements connectors.SignIn with getuserinfo (DingTalk
// reference § 8.4). The call is repeated only where it was refused for the
// application's token, before the code was looked at.
func (c *Client) MemberByAppCode(ctx context.Context, code string) (connectors.Member, error) {
	var who struct {
		UserID  wire.Text `json:"userid"`
		UnionID wire.Text `json:"unionid"`
	}
	var spent connectors.Receipt
	_, f, err := c.call(ctx, &spent, request{path: pathGetUserInfo, body: map[string]any{"code": code}}, &who)
	switch {
	case f != nil && saysNoPerson(f.VendorCode):
		return connectors.Member{}, noMember(f.VendorCode + " " + f.Message)
	case err != nil:
		return connectors.Member{}, err
	case who.UserID == "":
		return connectors.Member{}, vendorcode.MalformedRead("getuserinfo shows no userid")
	}
	return c.member(ctx, string(who.UserID), string(who.UnionID))
}

// MemberByID implements connectors.SignIn.
func (c *Client) MemberByID(ctx context.Context, userID string) (connectors.Member, error) {
	return c.member(ctx, userID, "")
}

// member reads the record of somebody: it is the proof that they are in the
// directory now. union, where known, must be theirs.
func (c *Client) member(ctx context.Context, userID, union string) (connectors.Member, error) {
	var raw struct {
		UserID  wire.Text `json:"userid"`
		UnionID wire.Text `json:"unionid"`
		Name    wire.Text `json:"name"`
	}
	var spent connectors.Receipt
	_, f, err := c.call(ctx, &spent, request{path: pathUserGet, body: map[string]any{"userid": userID}}, &raw)
	switch {
	case f != nil && saysNoPerson(f.VendorCode):
		return connectors.Member{}, noMember(f.VendorCode + " " + f.Message)
	case err != nil:
		return connectors.Member{}, err
	case string(raw.UserID) != userID:
		return connectors.Member{}, vendorcode.MalformedRead("user/get shows somebody else than asked for")
	case union != "" && raw.UnionID != "" && string(raw.UnionID) != union:
		return connectors.Member{}, vendorcode.MalformedRead("user/get and the sign-in disagree about who this is")
	}
	return connectors.Member{UserID: userID, Name: string(raw.Name)}, nil
}

func noMember(why string) *orgflow.Fault {
	return &orgflow.Fault{
		Code: orgflow.CodeNotFound, Message: "not a member of the organisation: " + why,
		Advice: "only members of the DingTalk organisation sign in; the administrator adds people there",
	}
}

// newFamily makes one call of the new family with a user's token, or none.
// Nothing is repeated.
func (c *Client) newFamily(ctx context.Context, method, path, token string, body any) (*answer, error) {
	w := outgoing{url: c.api + path, newFamily: true, userToken: token}
	w.method, w.path = method, path
	var err error
	if body != nil {
		if w.raw, err = wire.Encode(body); err != nil {
			return nil, &orgflow.Fault{Code: orgflow.CodeInternal, Message: "encoding the request of " + path, Err: err}
		}
	}
	var spent connectors.Receipt
	a, err := c.send(ctx, &spent, w)
	if err != nil {
		return nil, err
	}
	if f := c.fault(a, false); f != nil {
		c.link.SlowDown(ctx, f)
		if secret := c.cfg.ClientSecret; secret != "" {
			f.Message = strings.ReplaceAll(f.Message, secret, "***")
		}
		return nil, f
	}
	return a, nil
}
