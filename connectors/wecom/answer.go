package wecom

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"orgflow"
	"orgflow/connectors/vendorcode"
	"orgflow/connectors/wire"
)

// codeWarning is errcode 0, and a text that warns (WeCom reference § 1).
const codeWarning = "warning"

// answer is what came back.
type answer struct {
	ErrCode json.RawMessage `json:"errcode"`
	ErrMsg  wire.Text       `json:"errmsg"`

	body   json.RawMessage
	status int
	code   string // empty for success
}

// decodeAnswer never fails: what cannot be understood gets a code that is
// not success. An answer without errcode is a success (WeCom reference § 1).
func decodeAnswer(status int, body []byte) answer {
	a := answer{status: status}
	trimmed := wire.Trim(body)
	if len(trimmed) == 0 || trimmed[0] != '{' || json.Unmarshal(trimmed, &a) != nil {
		return answer{status: status, code: vendorcode.Unreadable(status)}
	}
	a.body = trimmed
	var code wire.Text
	if a.ErrCode != nil && (code.UnmarshalJSON(a.ErrCode) != nil || code == "") {
		return answer{status: status, code: vendorcode.Unreadable(status)}
	}
	switch {
	case code != "" && code != "0":
		a.code = string(code)
	case status < 200 || status >= 300:
		a.code = vendorcode.Unreadable(status)
	}
	return a
}

// warns tells whether a success was one in part only: fields of a wrong type
// were ignored, the others applied (WeCom reference § 1). No code says so.
func (a *answer) warns() bool {
	return strings.Contains(strings.ToLower(string(a.ErrMsg)), "warning")
}

// fault returns what the answer means, nil for success. began is when the
// call was made.
func (c *Client) fault(a *answer, q request, began time.Time) *orgflow.Fault {
	if a.code == "" {
		return nil
	}
	text := cmp.Or(string(a.ErrMsg), "WeCom answered "+a.code+" without a text")
	f := meaningOf(a.code, a.status).Fault(a.code, text, q.write)
	if f.Code == orgflow.CodeThrottled {
		c.link.CountThrottled()
		c.pace(f, q.path, began)
	}
	for _, secret := range []string{c.cfg.CorpSecret, c.cfg.AgentSecret} {
		if secret != "" {
			f.Message = strings.ReplaceAll(f.Message, secret, "***")
		}
	}
	return f
}

// pace says how long to wait after a throttle answer.
func (c *Client) pace(f *orgflow.Fault, path string, began time.Time) {
	if f.VendorCode != "45009" {
		f.RetryAfter += time.Duration(c.jitter() * float64(4*time.Second)) // 1 to 5 s
		return
	}
	wait, hopeless := c.frequency.hit(path, began, c.link.Now())
	if hopeless {
		f.Code, f.RetryAfter = orgflow.CodeForbidden, 0
		f.Advice = "WeCom still refuses this call after an hour's pause: the limit of the day or month is used up; run again after midnight (a month's block lasts 30 days), or lower qps in company.json"
		return
	}
	f.RetryAfter = wait + c.spread()
}

// spread keeps callers from coming back all at once.
func (c *Client) spread() time.Duration {
	return 300*time.Millisecond + time.Duration(c.jitter()*float64(700*time.Millisecond))
}

// blocked is the fault while an API is blocked, nil otherwise.
func (c *Client) blocked(path string) *orgflow.Fault {
	left := c.frequency.left(path, c.link.Now())
	if left <= 0 {
		return nil
	}
	return &orgflow.Fault{
		Code: orgflow.CodeThrottled, VendorCode: "45009", RetryAfter: left + c.spread(),
		Message: "not sent: WeCom has blocked " + path + " for a while", Advice: adviceSlow,
	}
}
