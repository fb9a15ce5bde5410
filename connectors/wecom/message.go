package wecom

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/veil"
	"orgflow/connectors/vendorcode"
	"orgflow/connectors/wire"
)

const pathMessageSend = "/cgi-bin/message/send" // WeCom reference § 7

// Limits of a message (WeCom reference § 7). Where the reference names no
// unit it is taken for bytes, the smaller one.
const (
	maxCardTitle = 128
	maxCardText  = 512
	maxText      = 2048
	maxLink      = 2048
	// repeatedWithin is how long WeCom drops what it has sent, in seconds: the
	// longest it takes.
	repeatedWithin = 4 * 60 * 60
)

var _ connectors.Messenger = (*Client)(nil)

const (
	adviceSent      = "the same message is sent again; WeCom drops what it has sent within four hours, so it does not arrive twice"
	adviceAppSecret = "agent_secret is wrong; check agent_id and agent_secret of the consumer we_com in company.json against the application in the WeCom admin console"
	adviceAgent     = "set agent_id and agent_secret of the consumer we_com in company.json to the AgentId and Secret of the application that sends messages"
	adviceSend      = "check that agent_id and agent_secret of the consumer we_com in company.json belong together, and the application in the WeCom admin console: whether it is enabled, and its trusted addresses (企业可信IP)"
	adviceUnknown   = "WeCom knows no such userid, or the person is outside the application's visible range (可见范围)"
	adviceNoLicence = "the person has no licence for interfaces (接口许可); assign one in the WeCom admin console"
)

// MessageLimits implements connectors.Messenger (WeCom reference § 7).
func (c *Client) MessageLimits() []connectors.MessageLimit {
	return []connectors.MessageLimit{{Most: 30, Within: time.Minute}, {Most: 1000, Within: time.Hour}}
}

// SendMessage implements connectors.Messenger: message/send of the
// application (WeCom reference § 7), a text card where there is a link, else
// a text. There is no way to ask later; what WeCom says of the receiver it
// says at once.
func (c *Client) SendMessage(ctx context.Context, m connectors.Message) (string, connectors.Receipt, error) {
	var r connectors.Receipt
	agent, err := c.agent()
	if err != nil {
		return "", r, err
	}
	if m.To == "" || m.To[0] == '@' || strings.ContainsAny(m.To, "| \t\n") { // @all is everybody, a bar makes a list
		return "", r, connectors.Refuse("to", "is no userid")
	}
	if len(m.Link) > maxLink {
		return "", r, connectors.Refuse("link", "is longer than 2048 bytes; shorten the address texts lead to")
	}
	var got struct {
		ID         wire.Text `json:"msgid"`
		Invalid    wire.Text `json:"invaliduser"` // in lower case
		Unlicensed wire.Text `json:"unlicenseduser"`
	}
	q := request{path: pathMessageSend, write: true, app: true, body: messageBody(m, agent)}
	if f, err := c.call(ctx, &r, q, &got); err != nil {
		return "", r, veil.Fault(advised(f, err), []string{m.Title, m.Text})
	}
	switch {
	case names(got.Invalid, m.To):
		return "", r, &orgflow.Fault{Code: orgflow.CodeNotFound, VendorCode: "invaliduser", Message: "WeCom names the receiver as invalid", Advice: adviceUnknown}
	case names(got.Unlicensed, m.To):
		return "", r, &orgflow.Fault{Code: orgflow.CodeNeedsHuman, VendorCode: "unlicenseduser", Message: "WeCom names the receiver as without licence", Advice: adviceNoLicence}
	case got.ID == "":
		return "", r, &orgflow.Fault{
			Code: orgflow.CodeUnknownOutcome, VendorCode: vendorcode.Malformed, Advice: adviceSent,
			Message: "the answer to message/send carries no msgid",
		}
	}
	return string(got.ID), r, nil
}

// advised gives a fault the advice that fits an application; f is err's, nil
// where it is not the vendor's. It is a copy: a token's fault is everybody's.
func advised(f *orgflow.Fault, err error) error {
	if f == nil {
		f = orgflow.AsFault(err)
		if f.Code != orgflow.CodeUnknownOutcome {
			return err
		}
	}
	own := *f
	switch {
	case f.Code == orgflow.CodeUnknownOutcome:
		own.Advice = adviceSent
	case f.Code == orgflow.CodeForbidden, refusesToken(f.VendorCode):
		own.Advice = adviceSend
	}
	return &own
}

// agent is the application's AgentId, which company.json has as number or
// text. Only messages need it and its secret.
func (c *Client) agent() (int64, error) {
	text := strings.Trim(string(bytes.TrimSpace(c.cfg.AgentID)), `"`)
	id, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil || id < 1:
		return 0, noAgent("agent_id", "is missing or no number")
	case c.cfg.AgentSecret == "":
		return 0, noAgent("agent_secret", "is missing")
	}
	return id, nil
}

func noAgent(key, wrong string) error {
	return &orgflow.Fault{
		Code: orgflow.CodeInvalidConfig, Field: "/consumers/we_com/" + key, Advice: adviceAgent,
		Message: key + " " + wrong + "; messages cannot be sent without it",
	}
}

// messageBody is the body of message/send, short enough for WeCom. Equal
// messages make equal bytes, and WeCom drops the second of two (§ 7).
func messageBody(m connectors.Message, agent int64) map[string]any {
	body := map[string]any{
		"touser": m.To, "agentid": agent, "safe": 0,
		"enable_duplicate_check": 1, "duplicate_check_interval": repeatedWithin,
	}
	title, text := strings.ReplaceAll(bare(m.Title), "\n", " "), bare(m.Text)
	if m.Link == "" {
		body["msgtype"] = "text"
		body["text"] = map[string]string{"content": connectors.Shorten(title+"\n"+text, maxText)}
		return body
	}
	body["msgtype"] = "textcard"
	body["textcard"] = map[string]string{
		"title": connectors.Shorten(title, maxCardTitle), "description": connectors.Shorten(text, maxCardText), "url": m.Link, "btntxt": "详情",
	}
	return body
}

// tags are the signs by which texts of WeCom carry links and colours, with
// the ones people see instead: nobody's form field shall make one.
var tags = strings.NewReplacer("<", "＜", ">", "＞", "\r", "")

func bare(text string) string { return tags.Replace(text) }

// names tells whether a list joined with bars names a person; WeCom writes
// userids of answers in lower case.
func names(joined wire.Text, user string) bool {
	for one := range strings.SplitSeq(string(joined), "|") {
		if strings.EqualFold(strings.TrimSpace(one), user) {
			return true
		}
	}
	return false
}
