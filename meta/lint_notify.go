package meta

import (
	"encoding/json"
	"fmt"
	"slices"

	"orgflow"
)

// messageKeys are what a consumer needs to bring messages to people.
var messageKeys = map[string][]string{"ding_talk": {"agent_id"}, "we_com": {"agent_id", "agent_secret"}}

// notices warns of notices to operators that can reach nobody.
func (l *lint) notices(c Company) {
	doc := c.notify()
	named := slices.Contains(doc.Channels, orgflow.ChannelWebhook)
	if named && doc.Webhook == nil {
		l.warn(c.file, "/notify/channels", "nothing can be posted over webhook: notify.webhook is not described")
	}
	if doc.Webhook != nil && !named && len(doc.Channels) > 0 {
		l.warn(c.file, "/notify/webhook", "is not used: add webhook to notify.channels")
	}
	if len(doc.Operators) == 0 && doc.Webhook == nil && (doc.On != nil || doc.Digest != "") {
		l.warn(c.file, "/notify", "nobody is told how runs end: name operators, or a webhook")
	}
}

// channels warns of channels over which no message can go.
func (l *lint) channels(c Company) {
	for i, name := range c.notify().Channels {
		if name == orgflow.ChannelWebhook {
			continue
		}
		pointer := fmt.Sprintf("/notify/channels/%d", i)
		var settings map[string]json.RawMessage
		if err := json.Unmarshal(c.doc.Consumers[name], &settings); err != nil || settings == nil {
			l.warn(c.file, pointer, "no message can be sent over %s: consumers has no such entry", name)
			continue
		}
		for _, key := range messageKeys[name] {
			if _, ok := settings[key]; !ok {
				l.warn(c.file, pointer, "no message can be sent over %s: consumers.%s has no %s", name, name, key)
			}
		}
	}
}
