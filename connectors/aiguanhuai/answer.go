package aiguanhuai

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"orgflow"
	"orgflow/connectors/vendorcode"
	"orgflow/connectors/wire"
)

// answer is what came back, and what of it decides.
type answer struct {
	status int
	code   string // empty for success
	text   string
	task   string // body.taskId of a prepared push
}

// decodeAnswer never fails: what cannot be understood gets a code that is
// not success. errno decides whatever the HTTP status is (reference § A.3
// no. 13), but success is the number 0 under a status that is no failure,
// and nothing else.
func decodeAnswer(status int, body []byte) answer {
	a := answer{status: status}
	var fields map[string]json.RawMessage // exact names, unlike a struct's
	if err := json.Unmarshal(wire.Trim(body), &fields); err != nil || fields == nil {
		a.code = vendorcode.Unreadable(status)
		return a
	}
	a.text = textOf(fields["error"])
	switch code, understood := errnoOf(fields["errno"]); {
	case !understood:
		a.code = vendorcode.Unreadable(status)
	case code != "":
		a.code = code
	case status >= http.StatusMultipleChoices:
		a.code = vendorcode.Unreadable(status)
	}
	if a.code == "" {
		a.task = taskOf(fields["body"])
	}
	return a
}

// errnoOf reads a code. Zero is success only as a number: an answer that
// writes it otherwise is not the interface we know. A failure may come as
// text too.
func errnoOf(raw json.RawMessage) (code string, understood bool) {
	var n json.Number
	if json.Unmarshal(raw, &n) != nil || n == "" {
		return "", false
	}
	v, err := strconv.ParseInt(string(n), 10, 64)
	switch {
	case err != nil, v == 0 && raw[0] == '"':
		return "", false
	case v == 0:
		return "", true
	}
	return strconv.FormatInt(v, 10), true
}

// taskOf reads body.taskId, a text or a number.
func taskOf(raw json.RawMessage) string {
	var body struct {
		TaskID json.RawMessage `json:"taskId"`
	}
	if json.Unmarshal(raw, &body) != nil {
		return ""
	}
	return textOf(body.TaskID)
}

// textOf reads a text, or a number as text; anything else is empty.
func textOf(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return strings.TrimSpace(text)
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}

// fault returns what the answer means, nil for success.
func (c *Client) fault(a answer, write bool) *orgflow.Fault {
	if a.code == "" {
		return nil
	}
	f := meanings.Of(a.code, a.status, others).Fault(a.code, cmp.Or(a.text, "爱关怀 answered without a text"), write)
	if f.Code == orgflow.CodeThrottled {
		c.link.CountThrottled()
	}
	if key := c.cfg.Signing.Key; key != "" {
		f.Message = strings.ReplaceAll(f.Message, key, "***")
	}
	return f
}
