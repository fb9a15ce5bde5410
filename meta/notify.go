package meta

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"orgflow"
)

// notifyDoc is "notify" of a company's file; its schema was checked. Texts
// that may hold references are resolved when they are used, one by one: what
// one needs must not depend on another.
type notifyDoc struct {
	Channels  []string              `json:"channels"`
	Link      json.RawMessage       `json:"link"`
	TaskLink  json.RawMessage       `json:"task_link"`
	Operators []string              `json:"operators"`
	Webhook   json.RawMessage       `json:"webhook"`
	On        []orgflow.NoticeEvent `json:"on"`
	Digest    string                `json:"digest"`
	Language  string                `json:"language"`
	Console   json.RawMessage       `json:"console"`
}

// Languages of notices.
const (
	Chinese = "zh"
	English = "en"
)

// defaultDigest is the window of a company that names none.
const defaultDigest = time.Hour

func (c Company) notify() (doc notifyDoc) {
	if c.doc.Notify != nil {
		_ = json.Unmarshal(c.doc.Notify, &doc) // its schema was checked
	}
	return doc
}

// Channels returns the consumers that carry messages, in order of preference.
func (c Company) Channels() []string {
	return slices.DeleteFunc(c.notify().Channels, func(name string) bool { return name == orgflow.ChannelWebhook })
}

// Links returns where messages lead to, with their placeholders: those about
// flows and those about tasks of boards; "" where the company does not say.
func (c Company) Links() (flow, task string, err error) {
	doc := c.notify()
	if err := c.section("/notify/link", doc.Link, &flow); err != nil {
		return "", "", err
	}
	return flow, task, c.section("/notify/task_link", doc.TaskLink, &task)
}

// NoticeSettings say who is told how runs end, of what and how.
type NoticeSettings struct {
	Operators []string // user codes
	Channels  []string // that reach them; orgflow.ChannelWebhook among them
	On        []orgflow.NoticeEvent
	Window    time.Duration // of digests
	Language  string        // Chinese or English
	Console   string        // address without a slash at its end; "": none
}

// Nobody tells whether there is nobody to tell.
func (n NoticeSettings) Nobody() bool {
	return len(n.Operators) == 0 && !slices.Contains(n.Channels, orgflow.ChannelWebhook)
}

// Notices returns the company's settings of notices to operators. Without
// channels named, the webhook is one if it is described, and so is each of
// the consumers given that the company has a connection for.
func (c Company) Notices(consumers ...string) (NoticeSettings, error) {
	doc := c.notify()
	n := NoticeSettings{Operators: doc.Operators, Channels: doc.Channels, On: doc.On, Window: window(doc.Digest), Language: cmp.Or(doc.Language, Chinese)}
	if len(n.Channels) == 0 {
		n.Channels = append(slices.DeleteFunc(slices.Clone(consumers), func(name string) bool { return !c.HasConsumer(name) }), orgflow.ChannelWebhook)
	}
	if doc.Webhook == nil {
		n.Channels = slices.DeleteFunc(n.Channels, func(name string) bool { return name == orgflow.ChannelWebhook })
	}
	if doc.On == nil {
		n.On = orgflow.NoticeEvents()
	}
	err := c.section("/notify/console", doc.Console, &n.Console)
	n.Console = strings.TrimRight(n.Console, "/")
	return n, err
}

// window reads minutes or hours; the schema allows nothing else.
func window(text string) time.Duration {
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return d
	}
	return defaultDigest
}

// Webhook is where notices to operators are posted to. The result holds
// secrets in clear text: keep it in memory and out of logs.
type Webhook struct {
	URL    string `json:"url"`
	Secret string `json:"secret"` // "": nothing is signed
}

// Webhook returns the company's webhook with references resolved. Without
// one it is a fault with CodeInvalidConfig.
func (c Company) Webhook() (w Webhook, err error) {
	raw := c.notify().Webhook
	if raw == nil {
		return w, orgflow.Faultf(orgflow.CodeInvalidConfig, "%s: /notify/webhook: is required to post notices", c.file.path)
	}
	return w, c.section("/notify/webhook", raw, &w)
}
