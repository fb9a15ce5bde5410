package dingtalk

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"orgflow"
	"orgflow/connectors/vendorcode"
	"orgflow/connectors/wire"
)

// codeIPBan is the code of an answer that bans this address.
const codeIPBan = "ip_ban" // DingTalk reference § 10.3

const banTime = 5 * time.Minute

// answer is what came back: both envelopes, the IP ban's, and what of it
// decides (DingTalk reference § 1.1, § 1.2, § 10.3).
type answer struct {
	envelope
	status int
	code   string // empty for success
	body   []byte // of JSON
}

// envelope has the keys of both families and of the ban. Keys match without
// regard to case.
type envelope struct {
	ErrCode *wire.Text      `json:"errcode"`
	ErrMsg  wire.Text       `json:"errmsg"`
	SubCode wire.Text       `json:"sub_code"`
	SubMsg  wire.Text       `json:"sub_msg"`
	Result  json.RawMessage `json:"result"`
	UserID  wire.Text       `json:"userid"` // with 60104: who has the number

	Code    wire.Text `json:"code"`
	Message wire.Text `json:"message"`
	Denied  *struct {
		RequiredScopes wire.Texts `json:"requiredScopes"`
	} `json:"accessdenieddetail"`

	Punish wire.Text `json:"punish"`

	// Payloads at the top level: tokens (§ 2.2, § 2.1) and scopes (§ 2.5).
	AccessToken wire.Text      `json:"accessToken"`
	ExpireIn    wire.Int       `json:"expireIn"`
	OldToken    wire.Text      `json:"access_token"`
	ExpiresIn   wire.Int       `json:"expires_in"`
	Scopes      *authOrgScopes `json:"auth_org_scopes"`
}

// decodeAnswer never fails: what cannot be understood gets a code that is
// not success. newFamily says which success test applies.
func decodeAnswer(status int, body []byte, newFamily bool) answer {
	a := answer{status: status}
	trimmed := wire.Trim(body)
	if len(trimmed) > 0 && trimmed[0] == '<' {
		a.code = htmlCode(status)
		return a
	}
	if err := json.Unmarshal(trimmed, &a.envelope); err != nil || len(trimmed) == 0 || trimmed[0] != '{' {
		a.envelope = envelope{}
		a.code = vendorcode.Unreadable(status)
		return a
	}
	a.body = trimmed
	a.code = a.decide(newFamily)
	return a
}

func (a *answer) decide(newFamily bool) string {
	switch {
	case a.Punish == "deny":
		return codeIPBan
	case set(a.SubCode):
		return string(a.SubCode)
	case a.ErrCode != nil && set(*a.ErrCode):
		return string(*a.ErrCode)
	case a.ErrCode != nil && *a.ErrCode == "0" && a.status >= 200 && a.status < http.StatusMultipleChoices:
		return ""
	case set(a.Code):
		return string(a.Code)
	case newFamily && a.status >= 200 && a.status < 300:
		return ""
	}
	return vendorcode.Unreadable(a.status)
}

// set tells whether a code says something: 0 and "" do not.
func set(code wire.Text) bool { return code != "" && code != "0" }

// htmlCode tells the page of an IP ban, whose status is not documented, from
// a gateway's page and from a wrong address.
func htmlCode(status int) string {
	switch {
	case status < http.StatusMultipleChoices, status == http.StatusForbidden,
		status == http.StatusMethodNotAllowed, status == http.StatusTooManyRequests:
		return codeIPBan
	}
	return vendorcode.Unreadable(status)
}

// text returns the vendor's words, with the scopes it asks for.
func (a *answer) text() string {
	msg := string(a.SubMsg)
	if msg == "" {
		msg = string(a.ErrMsg)
	}
	if msg == "" {
		msg = string(a.Message)
	}
	if a.Denied != nil && len(a.Denied.RequiredScopes) > 0 {
		msg += " requiredScopes=[" + strings.Join(a.Denied.RequiredScopes, ",") + "]"
	}
	return msg
}

// fault returns what the answer means, nil for success.
func (c *Client) fault(a *answer, write bool) *orgflow.Fault {
	if a.code == "" {
		return nil
	}
	f := meaningOf(a.code, a.status).Fault(a.code, cmp.Or(a.text(), "DingTalk answered without a text"), write)
	if missesPermission(a.code) {
		f.Advice += c.forbidden
	}
	if f.Code == orgflow.CodeThrottled {
		c.link.CountThrottled()
		f.RetryAfter = c.releaseIn(f.Message, f.RetryAfter)
	}
	if a.code == codeIPBan {
		f.RetryAfter = banTime
		c.bannedUntil.Store(c.link.Now().Add(banTime).UnixNano())
	}
	f.Message = strings.ReplaceAll(f.Message, c.cfg.AppSecret, "***")
	return f
}

// banned is the fault while an IP ban lasts, nil otherwise: calls during a
// ban would only prolong it, so none is made.
func (c *Client) banned() *orgflow.Fault {
	until := c.bannedUntil.Load()
	if until == 0 {
		return nil
	}
	left := time.Unix(0, until).Sub(c.link.Now())
	if left <= 0 {
		return nil
	}
	m := meaningOf(codeIPBan, 0)
	return &orgflow.Fault{
		Code: orgflow.CodeThrottled, VendorCode: codeIPBan, Advice: m.Advice, RetryAfter: left,
		Message: "not sent: DingTalk has banned this address for a while",
	}
}
