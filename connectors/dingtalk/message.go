package dingtalk

import (
	"context"
	"encoding/json"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/veil"
	"orgflow/connectors/vendorcode"
	"orgflow/connectors/wire"
)

// Paths of work notifications (DingTalk reference § 7).
const (
	pathMessageSend   = "/topapi/message/corpconversation/asyncsend_v2"
	pathMessageResult = "/topapi/message/corpconversation/getsendresult"
)

// Limits of a message (DingTalk reference § 7.1, § 7.2).
const (
	maxMessage      = 2048 // bytes of msg
	maxMessageTitle = 64   // characters
	maxMessageLink  = 500  // characters of single_url
	linkButton      = "查看详情"
)

var (
	_ connectors.Messenger      = (*Client)(nil)
	_ connectors.MessageTracker = (*Client)(nil)
)

const (
	adviceSent  = "the same message is sent again; DingTalk brings equal words to a person once a day, so it does not arrive twice"
	adviceAgent = "set agent_id of the consumer ding_talk in company.json to the application's AgentId (digits)"
)

// MessageLimits implements connectors.Messenger (DingTalk reference § 7.3).
func (c *Client) MessageLimits() []connectors.MessageLimit {
	return []connectors.MessageLimit{{Most: 500, Within: 24 * time.Hour}}
}

// MessageKept implements connectors.MessageTracker (DingTalk reference § 7.4).
func (c *Client) MessageKept() time.Duration { return 24 * time.Hour }

// SendMessage implements connectors.Messenger: asyncsend_v2 (DingTalk
// reference § 7.1), an action card with a button where there is a link, else
// markdown. What is answered is that DingTalk took the message; it may drop
// it all the same (§ 7.3).
func (c *Client) SendMessage(ctx context.Context, m connectors.Message) (string, connectors.Receipt, error) {
	var r connectors.Receipt
	agent, f := c.agent()
	if f != nil {
		return "", r, f
	}
	if m.To == "" || strings.ContainsAny(m.To, ", \t\n") { // a comma would make it a list
		return "", r, connectors.Refuse("to", "is no userid")
	}
	msg, err := messageBody(m.MessageText)
	if err != nil {
		return "", r, err
	}
	body := map[string]any{"agent_id": agent, "userid_list": m.To, "msg": msg}
	a, f, err := c.call(ctx, &r, request{path: pathMessageSend, write: true, body: body}, nil)
	if err != nil {
		if f != nil && f.Code == orgflow.CodeUnknownOutcome {
			f.Advice = adviceSent
		}
		return "", r, veil.Fault(err, []string{m.Title, m.Text})
	}
	var got struct {
		TaskID wire.Text `json:"task_id"`
	}
	if json.Unmarshal(a.body, &got) != nil || got.TaskID == "" || got.TaskID == "0" {
		return "", r, &orgflow.Fault{
			Code: orgflow.CodeUnknownOutcome, VendorCode: vendorcode.Malformed, Advice: adviceSent,
			Message: "the answer to asyncsend_v2 carries no task_id",
		}
	}
	return string(got.TaskID), r, nil
}

// agent is the application's AgentId. Only messages need it.
func (c *Client) agent() (int64, *orgflow.Fault) {
	id, err := strconv.ParseInt(c.cfg.AgentID, 10, 64)
	if err != nil || id < 1 {
		return 0, &orgflow.Fault{
			Code: orgflow.CodeInvalidConfig, Field: "/consumers/ding_talk/agent_id", Advice: adviceAgent,
			Message: "agent_id is missing or no number; messages cannot be sent without it",
		}
	}
	return id, nil
}

// messageBody is the msg of a text, short enough for DingTalk. Equal texts
// make equal bytes.
func messageBody(t orgflow.MessageText) (json.RawMessage, error) {
	if utf8.RuneCountInString(t.Link) > maxMessageLink {
		return nil, connectors.Refuse("link", "is longer than the 500 characters DingTalk takes; shorten the address texts lead to")
	}
	title := cutRunes(strings.ReplaceAll(printed(t.Title), "\n", " "), maxMessageTitle)
	text := printed(t.Text)
	with := func(room int) []byte {
		raw, err := wire.Encode(messageCard(title, connectors.Shorten(text, room), t.Link))
		if err != nil { // of texts: cannot fail
			return make([]byte, maxMessage+1)
		}
		return raw
	}
	// Signs take more room on the way than in the text, some more than others.
	tooLong := sort.Search(len(text)+1, func(room int) bool { return len(with(room)) > maxMessage })
	if tooLong == 0 {
		return nil, connectors.Refuse("text", "has no room beside title and link in the 2048 bytes DingTalk takes")
	}
	return with(tooLong - 1), nil
}

func messageCard(title, text, link string) any {
	// Line ends of markdown need two spaces around them (§ 7.2).
	markdown := "### " + bare(title) + "\n" + bare(text)
	markdown = strings.ReplaceAll(markdown, "\n", "  \n  ")
	if link == "" {
		return map[string]any{"msgtype": "markdown", "markdown": map[string]string{"title": title, "text": markdown}}
	}
	return map[string]any{"msgtype": "action_card", "action_card": map[string]string{
		"title": title, "markdown": markdown, "single_title": linkButton, "single_url": link,
	}}
}

// marks are signs of markdown with the ones people see instead: what
// somebody typed into a form must not become a link, a picture or a heading.
var marks = strings.NewReplacer("[", "［", "]", "］", "*", "＊", "`", "｀", "<", "＜", "#", "＃", ">", "＞")

func bare(text string) string { return marks.Replace(text) }

// printed takes out what cannot be seen, but for line ends.
func printed(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' {
			return -1
		}
		return r
	}, text)
}

func cutRunes(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}

// sendResult is send_result of getsendresult (DingTalk reference § 7.4).
type sendResult struct {
	Invalid   wire.Texts `json:"invalid_user_id_list"`
	Forbidden wire.Texts `json:"forbidden_user_id_list"`
	Failed    wire.Texts `json:"failed_user_id_list"`
	Read      wire.Texts `json:"read_user_id_list"`
	Unread    wire.Texts `json:"unread_user_id_list"`
	Reasons   []struct {
		Code wire.Text `json:"code"`
		User wire.Text `json:"userid"`
	} `json:"forbidden_list"`
}

// MessageResult implements connectors.MessageTracker.
func (c *Client) MessageResult(ctx context.Context, id, to string) (connectors.Delivery, connectors.Receipt, error) {
	var r connectors.Receipt
	none := connectors.Delivery{State: connectors.DeliveryOpen}
	agent, f := c.agent()
	if f != nil {
		return none, r, f
	}
	task, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return none, r, orgflow.Faultf(orgflow.CodeInvalidRecord, "the stored id of the message is no task_id of DingTalk")
	}
	a, _, err := c.call(ctx, &r, request{path: pathMessageResult, body: map[string]any{"agent_id": agent, "task_id": task}}, nil)
	if err != nil {
		return none, r, err
	}
	var got struct {
		Result *sendResult `json:"send_result"`
	}
	if json.Unmarshal(a.body, &got) != nil || got.Result == nil {
		return none, r, vendorcode.MalformedRead("the answer to getsendresult is not as documented")
	}
	return got.Result.of(to), r, nil
}

// of tells what became of one person's message. Who has read it has got it,
// whatever else is said; who is in no list is still to be reached.
func (s *sendResult) of(user string) connectors.Delivery {
	if named(s.Read, user) {
		return connectors.Delivery{State: connectors.DeliveryDone}
	}
	for _, f := range s.Reasons {
		if strings.EqualFold(string(f.User), user) {
			return dropped(string(f.Code))
		}
	}
	switch {
	case named(s.Invalid, user):
		return connectors.Delivery{State: connectors.DeliveryDropped, Code: "invalid_user", Reason: "DingTalk knows no such userid, or the person is outside the application's scope"}
	case named(s.Forbidden, user):
		return dropped("")
	case named(s.Failed, user):
		return connectors.Delivery{State: connectors.DeliveryDropped, Code: "failed_user", Reason: "DingTalk could not deliver it"}
	case named(s.Unread, user):
		return connectors.Delivery{State: connectors.DeliveryDone}
	}
	return connectors.Delivery{State: connectors.DeliveryOpen}
}

func named(list wire.Texts, user string) bool {
	for _, one := range list {
		if strings.EqualFold(one, user) {
			return true
		}
	}
	return false
}

// dropReasons are the codes of forbidden_list (DingTalk reference § 7.4).
var dropReasons = map[string]string{
	"143103": "too many messages at once; DingTalk dropped it", "143104": "too many messages at once; DingTalk dropped it",
	"143105": "the person has had as many messages of this application as DingTalk brings in a day",
	"143205": "the person has had as many messages of this application as DingTalk brings in a day",
	"143106": "the person has had the same words today", "143206": "the person has had the same words today",
	"1430000": "DingTalk found no receiver", "1430002": "it contains words DingTalk does not accept",
	"1430003": "DingTalk protects its system", "1430004": "executive protection (高管模式) keeps the message from the person",
}

func dropped(code string) connectors.Delivery {
	d := connectors.Delivery{State: connectors.DeliveryDropped, Code: code, Reason: dropReasons[code]}
	if code == "143106" || code == "143206" {
		d.State = connectors.DeliveryRepeated
	}
	if d.Reason == "" {
		d.Reason = "DingTalk dropped it and gives no reason that is documented"
	}
	return d
}
