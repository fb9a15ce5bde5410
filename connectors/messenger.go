package connectors

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"orgflow"
)

// Messenger is implemented by consumers that bring messages to people. A
// call is for one person, so that a repetition is the same call to the byte:
// neither DingTalk nor WeCom knows an idempotency key, but both drop a
// message that equals one they sent the same person not long ago (approval
// reference C.6).
type Messenger interface {
	// SendMessage hands a message over and returns the provider's id of it.
	// Equal messages make equal requests. After CodeUnknownOutcome the same
	// message is sent again: it arrives once where the provider drops
	// repetitions, and never with other words. A receiver or text that the
	// provider refuses is CodeNotFound, CodeNeedsHuman or CodeInvalidRecord;
	// missing settings are CodeInvalidConfig. Nothing is longer than the
	// provider allows: what is not short enough is cut, its last line kept.
	SendMessage(ctx context.Context, m Message) (id string, r Receipt, err error)
	// MessageLimits are how many messages one person gets; what goes beyond
	// is accepted and silently dropped.
	MessageLimits() []MessageLimit
}

// MessageTracker is implemented by messengers that can tell later what became
// of a message. Of others, accepted is all that can be known.
type MessageTracker interface {
	// MessageResult tells what became of the message with the provider's id
	// that was sent to a person.
	MessageResult(ctx context.Context, id, to string) (Delivery, Receipt, error)
	// MessageKept is how long after sending the provider can still tell.
	MessageKept() time.Duration
}

// Message is what one person shall read.
type Message struct {
	To string // id at the consumer
	// Key is the same for every try of a message, and no other's: for
	// receivers that know repetitions by it.
	Key string
	orgflow.MessageText
}

// MessageLimit is a number of messages in a time.
type MessageLimit struct {
	Most   int
	Within time.Duration
}

// DeliveryState is what became of a message that a provider took.
type DeliveryState string

// What becomes of it.
const (
	DeliveryOpen    DeliveryState = "open" // not known yet
	DeliveryDone    DeliveryState = "delivered"
	DeliveryDropped DeliveryState = "dropped"
	// DeliveryRepeated: dropped, because the person got the same words today.
	DeliveryRepeated DeliveryState = "repeated"
)

// Delivery is a message's state with the provider's reason.
type Delivery struct {
	State  DeliveryState
	Code   string // the provider's; empty where it has none
	Reason string // in English; no personal data
}

// Shorten cuts a text to so many bytes and keeps its last line whole, which
// tells one message from another. Equal texts are cut alike. A text that has
// no room even for that is cut at its end.
func Shorten(text string, most int) string {
	const sign = "…"
	if len(text) <= most {
		return text
	}
	head, last := text, ""
	if at := strings.LastIndexByte(text, '\n'); at >= 0 && len(text)-at+len(sign) <= most {
		head, last = text[:at], text[at:]
	}
	room := most - len(last) - len(sign)
	if room < 0 {
		return ""
	}
	for room > 0 && !utf8.RuneStart(head[room]) {
		room--
	}
	return head[:room] + sign + last
}
