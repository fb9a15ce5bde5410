package approval

// Event is something people are told about.
type Event string

// The events. A definition may have a notice for each of them, a node for
// those that concern one node: onTask, onDone, onUrge, onRemind, onCC.
const (
	OnTask      Event = "onTask"      // a task was opened
	OnDone      Event = "onDone"      // a visit has passed
	OnUrge      Event = "onUrge"      // urged by hand
	OnRemind    Event = "onRemind"    // reminded by a timeout
	OnCC        Event = "onCC"        // a copy
	OnApproved  Event = "onApproved"  // the flow is APPROVED
	OnRejected  Event = "onRejected"  // the flow is REJECTED
	OnReturned  Event = "onReturned"  // the flow is RETURNED
	OnDiscarded Event = "onDiscarded" // the flow is DISCARDED
	OnFaulted   Event = "onFaulted"   // the flow is FAULTED
)

// Notify holds notices by event. An event that is absent has its default
// (see DefaultNotice).
type Notify map[Event]Notice

// Notice says who is told, with which text, on which ways. What is absent is
// the default's.
type Notice struct {
	Tpl      string    `json:"tpl,omitempty"`
	To       []Who     `json:"to,omitzero"`       // empty: nobody
	Channels []Channel `json:"channels,omitzero"` // nil: the company's
}

// Channel is a way to people.
type Channel string

// The channels (approval reference, Settled 6).
const (
	ChannelDingTalk Channel = "ding_talk"
	ChannelWeCom    Channel = "we_com"
)

// DefaultNotice returns what is sent where a definition says nothing
// (approval reference, Settled 5): a new task tells its assignee; end, return
// and discard tell the initiator and whoever had an open task. A passed visit
// tells nobody.
func DefaultNotice(e Event) Notice {
	switch e {
	case OnTask:
		return Notice{Tpl: "todo", To: []Who{WhoAssignee}}
	case OnDone:
		return Notice{Tpl: "progress", To: []Who{}}
	case OnUrge:
		return Notice{Tpl: "urge", To: []Who{WhoAssignee}}
	case OnRemind:
		return Notice{Tpl: "remind", To: []Who{WhoAssignee}}
	case OnCC:
		return Notice{Tpl: "cc", To: []Who{WhoAssignee}}
	case OnApproved:
		return Notice{Tpl: "approved", To: []Who{WhoInitiator, WhoOpen}}
	case OnRejected:
		return Notice{Tpl: "rejected", To: []Who{WhoInitiator, WhoOpen}}
	case OnReturned:
		return Notice{Tpl: "returned", To: []Who{WhoInitiator, WhoOpen}}
	case OnDiscarded:
		return Notice{Tpl: "discarded", To: []Who{WhoInitiator, WhoOpen}}
	case OnFaulted:
		return Notice{Tpl: "faulted", To: []Who{WhoAdmins}}
	}
	return Notice{To: []Who{}}
}

// NoticeOf returns what is sent for an event at a node, or for the whole flow
// when n is nil: the node's notice over the definition's over the default,
// key by key.
func (d *Definition) NoticeOf(n *Node, e Event) Notice {
	out := DefaultNotice(e)
	out.overlay(d.Notify[e])
	if n != nil {
		out.overlay(n.Notify[e])
	}
	return out
}

func (n *Notice) overlay(over Notice) {
	if over.Tpl != "" {
		n.Tpl = over.Tpl
	}
	if over.To != nil {
		n.To = over.To
	}
	if over.Channels != nil {
		n.Channels = over.Channels
	}
}
