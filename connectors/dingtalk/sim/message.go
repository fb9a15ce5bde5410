package dtsim

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"orgflow/connectors/simctl"
)

// What became of a message for one receiver.
const (
	messageDelivered = "delivered"
	messageDropped   = "dropped" // silently: asyncsend_v2 has answered ok
	messageInvalid   = "invalid" // there is no such userid
)

const (
	maxReceivers = 100   // of a call (§ 7.1)
	maxMsg       = 2_048 // bytes (§ 7.1)
	resultKept   = 24 * time.Hour
	firstTask    = int64(256_271_667_000)
)

// Message is a work notification for one receiver.
type Message struct {
	TaskID  int64           `json:"task_id"`
	AgentID int64           `json:"agent_id"`
	UserID  string          `json:"userid"`
	Msg     json.RawMessage `json:"msg"`
	SentAt  time.Time       `json:"sent_at"`
	State   string          `json:"state"`
	Code    string          `json:"code,omitempty"` // of one that was dropped (§ 7.4)
}

// mailbox holds all messages, in the order in which they came.
type mailbox struct {
	list     []*Message
	byTask   map[int64][]*Message
	today    map[dayOf]int    // delivered, by receiver and day
	words    map[wordsOf]bool // delivered, by receiver, day and content
	lastTask int64
}

// dayOf is a receiver's day, of one application.
type dayOf struct {
	agent int64
	user  string
	day   string
}

type wordsOf struct {
	dayOf
	content [sha256.Size]byte
}

func newMailbox() mailbox {
	return mailbox{byTask: map[int64][]*Message{}, today: map[dayOf]int{}, words: map[wordsOf]bool{}, lastTask: firstTask}
}

func (m *Message) on() dayOf {
	return dayOf{m.AgentID, m.UserID, m.SentAt.In(china).Format(time.DateOnly)}
}

// said is the message's content for its receiver on its day.
func (m *Message) said() wordsOf { return wordsOf{m.on(), simctl.Words(m.Msg)} }

func (b *mailbox) put(m *Message) {
	b.list = append(b.list, m)
	b.byTask[m.TaskID] = append(b.byTask[m.TaskID], m)
	b.lastTask = max(b.lastTask, m.TaskID)
	if m.State == messageDelivered {
		b.today[m.on()]++
		b.words[m.said()] = true
	}
}

func (m *Message) change() simctl.Change {
	return simctl.Change{Kind: kindMessage, ID: fmt.Sprintf("%d/%s", m.TaskID, m.UserID), Value: m}
}

func (m *Message) check() error {
	if m.TaskID < 1 || m.UserID == "" || !json.Valid(m.Msg) {
		return fmt.Errorf("task_id, userid and msg are needed")
	}
	if allowed := []string{messageDelivered, messageDropped, messageInvalid}; !slices.Contains(allowed, m.State) {
		return fmt.Errorf("state is %q: allowed are %v", m.State, allowed)
	}
	return nil
}

// sendMessage is asyncsend_v2 (§ 7.1): ok whatever becomes of the message
// (§ 7.3, § 13). Departments and everybody as receivers are not simulated.
func (s *Sim) sendMessage(c *simctl.Call, a *args) (any, *refusal) {
	agent := a.needInt("agent_id")
	list, _ := a.str("userid_list")
	var raw json.RawMessage
	if !a.into("msg", &raw) {
		a.missing("msg")
	}
	if a.bad != nil {
		return nil, a.bad
	}
	var msg bytes.Buffer
	if json.Compact(&msg, raw) != nil {
		return nil, busy
	}
	if r := s.checkMessage(c, agent, names(list), msg.Bytes()); r != nil {
		return nil, r
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	task := s.dir.mail.lastTask + 1
	var changes []simctl.Change
	for _, id := range slices.Compact(slices.Sorted(slices.Values(names(list)))) {
		m := &Message{TaskID: task, AgentID: agent, UserID: id, Msg: msg.Bytes(), SentAt: s.desk.Now()}
		s.judge(m)
		changes = append(changes, m.change())
	}
	if err := s.commit(changes...); err != nil {
		return nil, busy
	}
	c.Wrote = true
	return flat{"task_id": task}, nil
}

// checkMessage is what asyncsend_v2 answers for: agent, number of receivers,
// form and lengths (§ 7.1, § 7.2).
func (s *Sim) checkMessage(c *simctl.Call, agent int64, users []string, msg []byte) *refusal {
	if r := s.knownAgent(c, agent); r != nil {
		return r
	}
	switch {
	case len(users) == 0:
		return refuse(1, "Platform System error")
	case len(users) > maxReceivers && s.settings.Load().ManyReceivers == "refuse":
		return refuse(40035, "不合法的参数: userid_list")
	case len(msg) > maxMsg:
		return refuse(34016, "消息内容超出长度限制")
	}
	return checkMsg(msg)
}

// knownAgent tells whether an agent is the calling application's.
func (s *Sim) knownAgent(c *simctl.Call, agent int64) *refusal {
	app, _, _ := s.tokens.Owner(c.Query.Get("access_token"), s.desk.Now())
	for _, one := range s.settings.Load().Apps {
		if one.AppKey == app && one.AgentID != 0 && one.AgentID != agent {
			return refuse(40056, "不合法的agentid")
		}
	}
	return nil
}

// msgKeys are the keys of the types that are simulated, with their limits in
// characters; those without a limit are required all the same (§ 7.2).
var msgKeys = map[string]map[string]int{
	"text":        {"content": 5000},
	"markdown":    {"title": 64, "text": 5000},
	"link":        {"messageUrl": 0, "picUrl": 0, "title": 64, "text": 5000},
	"action_card": {"markdown": 5000, "single_title": 20, "single_url": 500},
}

func checkMsg(raw []byte) *refusal {
	var msg map[string]json.RawMessage
	var kind string
	if json.Unmarshal(raw, &msg) != nil || json.Unmarshal(msg["msgtype"], &kind) != nil || msgKeys[kind] == nil || len(msg) != 2 {
		return refuse(40035, "不合法的参数: msg")
	}
	var body map[string]json.RawMessage
	if json.Unmarshal(msg[kind], &body) != nil {
		return refuse(40035, "不合法的参数: msg.%s", kind)
	}
	for key, most := range msgKeys[kind] {
		var text string
		switch {
		case json.Unmarshal(body[key], &text) != nil || text == "":
			return refuse(40035, "缺少参数 msg.%s.%s", kind, key)
		case most > 0 && chars(text) > most:
			return refuse(34016, "消息内容超出长度限制: %s", key)
		}
	}
	return nil
}

// judge decides what becomes of a message: nobody says so at once (§ 7.3).
func (s *Sim) judge(m *Message) {
	set, box := s.settings.Load(), &s.dir.mail
	m.State = messageDropped
	switch {
	case s.dir.users[m.UserID] == nil:
		m.State = messageInvalid
	case slices.Contains(set.MessageBlocked, m.UserID):
		m.Code = "1430004"
	case box.words[m.said()]:
		m.Code = "143106"
	case set.MessagesPerDay > 0 && box.today[m.on()] >= set.MessagesPerDay:
		m.Code = "143105"
	default:
		m.State = messageDelivered
	}
}

// messageResult is getsendresult (§ 7.4): what became of the message for each
// receiver; nothing is said while it is being sent, and after a day.
func (s *Sim) messageResult(c *simctl.Call, a *args) (any, *refusal) {
	list, sent, r := s.messagesOf(c, a)
	if r != nil {
		return nil, r
	}
	type forbidden struct {
		Code  string `json:"code"`
		Count int    `json:"count"`
		User  string `json:"userid"`
	}
	invalid, unread, reasons := []string{}, []string{}, []forbidden{}
	for _, m := range list {
		switch {
		case !sent || s.desk.Now().Sub(m.SentAt) > resultKept:
		case m.State == messageInvalid:
			invalid = append(invalid, m.UserID)
		case m.State == messageDropped:
			reasons = append(reasons, forbidden{m.Code, 1, m.UserID})
		default:
			unread = append(unread, m.UserID)
		}
	}
	return flat{"send_result": map[string]any{
		"invalid_user_id_list": invalid, "forbidden_user_id_list": []string{}, "failed_user_id_list": []string{},
		"read_user_id_list": []string{}, "unread_user_id_list": unread, "invalid_dept_id_list": []int64{}, "forbidden_list": reasons,
	}}, nil
}

// messageProgress is getsendprogress (§ 7.4).
func (s *Sim) messageProgress(c *simctl.Call, a *args) (any, *refusal) {
	_, sent, r := s.messagesOf(c, a)
	if r != nil {
		return nil, r
	}
	percent, status := 0, 1
	if sent {
		percent, status = 100, 2
	}
	return flat{"progress": map[string]int{"progress_in_percent": percent, "status": status}}, nil
}

// messagesOf returns a task's messages and whether all of it is sent.
func (s *Sim) messagesOf(c *simctl.Call, a *args) (list []*Message, sent bool, r *refusal) {
	agent, task := a.needInt("agent_id"), a.needInt("task_id")
	if a.bad != nil {
		return nil, false, a.bad
	}
	if r := s.knownAgent(c, agent); r != nil {
		return nil, false, r
	}
	c.Key = strconv.FormatInt(task, 10)
	s.mu.RLock()
	defer s.mu.RUnlock()
	list = s.dir.mail.byTask[task]
	if len(list) == 0 || list[0].AgentID != agent {
		return nil, false, refuse(400002, "参数错误: task_id")
	}
	return list, !s.desk.Now().Before(list[0].SentAt.Add(time.Duration(s.settings.Load().MessageSeconds) * time.Second)), nil
}
