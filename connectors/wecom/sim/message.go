package wcsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"orgflow/connectors/simctl"
)

// What became of a message for one receiver.
const (
	messageDelivered = "delivered"
	messageDropped   = "dropped" // silently: message/send has answered ok
)

// Limits of messages (§ 7).
const (
	maxReceivers    = 1000
	maxContent      = 2048 // bytes of text and markdown
	maxCardTitle    = 128  // bytes, the strict reading
	maxCardText     = 512
	defaultInterval = 1800 // seconds within which a repetition is dropped
	maxInterval     = 4 * 60 * 60
)

// Message is an application's message for one receiver.
type Message struct {
	ID      string          `json:"msgid"`
	AgentID int64           `json:"agentid"`
	UserID  string          `json:"userid"`
	Type    string          `json:"msgtype"`
	Content json.RawMessage `json:"content"`
	SentAt  time.Time       `json:"sent_at"`
	State   string          `json:"state"`
	Reason  string          `json:"reason,omitempty"` // of one that was dropped
}

func (m *Message) change() simctl.Change {
	return simctl.Change{Kind: kindMessage, ID: m.ID + "/" + m.UserID, Value: m}
}

func (m *Message) check() error {
	if m.ID == "" || m.UserID == "" || !json.Valid(m.Content) {
		return fmt.Errorf("msgid, userid and content are needed")
	}
	if m.State != messageDelivered && m.State != messageDropped {
		return fmt.Errorf("state is %q: allowed are %s and %s", m.State, messageDelivered, messageDropped)
	}
	return nil
}

// said is what tells a repetition: receiver, type and content.
func (m *Message) said() string {
	return fmt.Sprintf("%s %s %x", m.member(), m.Type, simctl.Words(m.Content))
}

// member is a member of the enterprise as an application sees them.
func (m *Message) member() string { return fmt.Sprintf("%d %s", m.AgentID, strings.ToLower(m.UserID)) }

// mailbox holds all messages, in the order in which they came.
type mailbox struct {
	list []*Message
	got  map[string][]time.Time // delivered, by member
	said map[string]time.Time   // when these words were delivered last
	ids  map[string]bool
}

func newMailbox() mailbox {
	return mailbox{got: map[string][]time.Time{}, said: map[string]time.Time{}, ids: map[string]bool{}}
}

func (b *mailbox) put(m *Message) {
	b.list = append(b.list, m)
	b.ids[m.ID] = true
	if m.State == messageDelivered {
		b.got[m.member()] = append(b.got[m.member()], m.SentAt)
		b.said[m.said()] = m.SentAt
	}
}

func (b *mailbox) nextID() string {
	for n := len(b.ids) + 1; ; n++ {
		if id := "MSG" + strconv.Itoa(n); !b.ids[id] {
			return id
		}
	}
}

// within counts the messages a member was brought in a time before now.
func (b *mailbox) within(member string, d time.Duration, now time.Time) int {
	n := 0
	for _, at := range slices.Backward(b.got[member]) {
		if now.Sub(at) >= d {
			break
		}
		n++
	}
	return n
}

// sendMessage is message/send (§ 7) to members: ok where one of them is
// known. Departments and tags as receivers are not simulated.
func (s *Sim) sendMessage(c *simctl.Call, a *args) simctl.Answer {
	m, repeated, r := s.message(c, a)
	if r != nil {
		return failed(r)
	}
	to, _ := a.str("touser")
	s.mu.Lock()
	defer s.mu.Unlock()
	known, invalid, unlicensed := s.receivers(to)
	if len(known)+len(unlicensed) == 0 {
		return failed(coded(81013))
	}
	m.ID = s.dir.mail.nextID()
	changes := make([]simctl.Change, len(known))
	for i, u := range known {
		one := *m
		one.UserID = u
		s.judge(&one, repeated)
		changes[i] = one.change()
	}
	if err := s.commit(changes...); err != nil {
		return failed(coded(-1))
	}
	c.Wrote = len(changes) > 0
	return succeeded("ok", map[string]any{
		"msgid": m.ID, "invaliduser": strings.Join(invalid, "|"), "unlicenseduser": strings.Join(unlicensed, "|"), "invalidparty": "", "invalidtag": "",
	})
}

// message checks a call's message, and how long a repetition of it is
// dropped; 0 is not at all.
func (s *Sim) message(c *simctl.Call, a *args) (*Message, time.Duration, *refusal) {
	m := &Message{SentAt: s.desk.Now()}
	agent, ok := a.int("agentid")
	if secret, _, _ := s.tokens.Owner(c.Query.Get("access_token"), m.SentAt); !ok || s.settings.Load().secrets[secret].agent() != agent {
		return nil, 0, coded(40056)
	}
	m.AgentID = agent
	m.Type, _ = a.str("msgtype")
	if r := checkContent(m, a); r != nil {
		return nil, 0, r
	}
	check, _ := a.int("enable_duplicate_check")
	seconds, given := a.int("duplicate_check_interval")
	if !given || seconds <= 0 {
		seconds = defaultInterval
	}
	if check != 1 {
		seconds = 0
	}
	return m, time.Duration(min(seconds, maxInterval)) * time.Second, nil
}

// contents are the keys of the types that are simulated, with their limits
// in bytes; 0 is none.
var contents = map[string]map[string]int{
	"text": {"content": maxContent}, "markdown": {"content": maxContent},
	"textcard": {"title": maxCardTitle, "description": maxCardText, "url": 0},
}

func checkContent(m *Message, a *args) *refusal {
	keys, raw := contents[m.Type], json.RawMessage(nil)
	var body map[string]json.RawMessage
	if keys == nil || !a.into(m.Type, &raw) || json.Unmarshal(raw, &body) != nil {
		return refuse(40035, "invalid parameter: msgtype and its content")
	}
	for key, most := range keys {
		var text string
		switch {
		case json.Unmarshal(body[key], &text) != nil || text == "":
			return refuse(40035, "invalid parameter: %s.%s is missing", m.Type, key)
		case most > 0 && len(text) > most:
			return coded(45002)
		}
	}
	var content bytes.Buffer
	if json.Compact(&content, raw) != nil {
		return coded(-1)
	}
	m.Content = content.Bytes()
	return nil
}

// receivers sorts userids, of which those of answers are in lower case (§ 7).
func (s *Sim) receivers(list string) (known, invalid, unlicensed []string) {
	set := s.settings.Load()
	if list == "@all" {
		for _, u := range s.dir.users {
			known = append(known, u.UserID)
		}
		slices.Sort(known)
		return known, nil, nil
	}
	for id := range strings.SplitSeq(list, "|") {
		u := s.dir.user(id)
		switch {
		case id == "" || len(known) >= maxReceivers:
		case u == nil:
			invalid = append(invalid, strings.ToLower(id))
		case slices.Contains(set.Unlicensed, u.UserID):
			unlicensed = append(unlicensed, strings.ToLower(id))
		case !slices.Contains(known, u.UserID):
			known = append(known, u.UserID)
		}
	}
	return known, invalid, unlicensed
}

// judge decides what becomes of a message: nobody says so (§ 7).
func (s *Sim) judge(m *Message, repeated time.Duration) {
	set, box := s.settings.Load(), &s.dir.mail
	m.State = messageDropped
	said, before := box.said[m.said()]
	switch {
	case before && m.SentAt.Sub(said) < repeated:
		m.Reason = "repeated"
	case set.MessagesPerMinute > 0 && box.within(m.member(), time.Minute, m.SentAt) >= set.MessagesPerMinute:
		m.Reason = "per_minute"
	case set.MessagesPerHour > 0 && box.within(m.member(), time.Hour, m.SentAt) >= set.MessagesPerHour:
		m.Reason = "per_hour"
	default:
		m.State = messageDelivered
	}
}
