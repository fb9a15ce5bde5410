package orgflow

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// MessageText is what one person gets to read: the body of a message in the
// outbox. Two that shall both arrive must differ, because providers drop what
// they take for a repetition (approval reference C.6).
type MessageText struct {
	Title string `json:"title"`
	Text  string `json:"text"`
	Link  string `json:"link,omitempty"` // where to see and do it; empty is none
	// Notice is the same for programs, in messages to operators; nil in others.
	Notice *NoticeFacts `json:"notice,omitempty"`
}

// NoticeFacts say in words for programs what a message tells operators.
type NoticeFacts struct {
	CompanyID int64       `json:"company_id"`
	Event     NoticeEvent `json:"event"`
	Telling   string      `json:"telling"` // first, digest, clear
	Job       string      `json:"job"`
	Cause     string      `json:"cause,omitempty"`
	Count     int         `json:"count"` // occurrences it tells of for the first time
	Since     time.Time   `json:"since"`
	// Over: it has stopped meanwhile.
	Over bool `json:"over"`
	// Ref is the run, or the flow, that it happened to last.
	Ref string `json:"ref,omitempty"`
}

// Encode writes the text as it is stored. Equal texts have equal bytes.
func (m MessageText) Encode() (string, error) {
	raw, err := json.Marshal(m)
	if err != nil {
		return "", fmt.Errorf("encode a message: %w", err)
	}
	return string(raw), nil
}

// DecodeMessage reads a stored text. A body that cannot be sent is a fault
// with CodeInvalidRecord, which does not show it.
func DecodeMessage(body string) (MessageText, error) {
	var m MessageText
	dec := json.NewDecoder(bytes.NewReader([]byte(body)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&m); err != nil || dec.More() {
		return m, &Fault{Code: CodeInvalidRecord, Message: `the stored message is not {"title", "text", "link"}`, Err: err}
	}
	if m.Title == "" || m.Text == "" {
		return m, Faultf(CodeInvalidRecord, "the stored message has no title or no text")
	}
	return m, nil
}
