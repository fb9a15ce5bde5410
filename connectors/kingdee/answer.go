package kingdee

import (
	"context"
	"encoding/json"
	"strings"

	"orgflow"
	"orgflow/connectors/veil"
	"orgflow/connectors/vendorcode"
	"orgflow/connectors/wire"
)

// answer is what came back.
type answer struct {
	in     string // the session it was asked in
	status int
	body   []byte // JSON, where code is empty
	found         // what went wrong; without a code nothing did
}

// responseStatus is the object that failures come in (Kingdee reference § 3.1).
type responseStatus struct {
	ErrorCode wire.Text    `json:"ErrorCode"`
	IsSuccess *wire.Bool   `json:"IsSuccess"`
	Errors    []fieldError `json:"Errors"`
	MsgCode   wire.Text    `json:"MsgCode"`
}

type fieldError struct {
	Field   wire.Text       `json:"FieldName"`
	Message *wire.Text      `json:"Message"`
	Index   json.RawMessage `json:"DIndex"`
}

// failed tells whether a status is one of a failure. One that says nothing
// of success is judged by its errors.
func (s *responseStatus) failed() bool {
	if s.IsSuccess != nil {
		return !bool(*s.IsSuccess)
	}
	return len(s.Errors) > 0 || s.MsgCode != "" && s.MsgCode != "0"
}

// read understands an answer in the order of Kingdee reference § 3.2. It
// never fails: what cannot be understood gets a code that is not success.
func (a *answer) read(status int, body []byte) {
	a.status = status
	body = wire.Trim(body)
	good := status >= 200 && status < 300
	plain := body
	if len(body) > 0 && body[0] == '"' { // the text in JSON
		var s string
		if json.Unmarshal(body, &s) == nil {
			plain = []byte(s)
		}
	}
	words, isError := strings.CutPrefix(string(plain[:min(len(plain), maxWords)]), "response_error:")
	switch {
	case len(body) == 0 && good:
		a.code, a.text = codeEmpty, "the answer is empty"
	case isError:
		a.found = classify(codeText, strings.ToValidUTF8(words, ""))
	case !json.Valid(body):
		a.code = vendorcode.Unreadable(status)
	default:
		a.readJSON(body, good)
	}
}

// maxWords bounds what is looked at of a plain text, in bytes.
const maxWords = 4096

func (a *answer) readJSON(body []byte, good bool) {
	if f := failure(body); f.code != "" {
		a.found = f
		return
	}
	if !good {
		a.code = vendorcode.Unreadable(a.status)
		return
	}
	a.body = body
}

// found is a failure in an answer.
type found struct {
	code  string // the vendor's or one of ours; empty for none
	text  string // the vendor's words
	field string // a field key that the words name
}

// failure looks for a failure in JSON of an answer: down through lists of a
// single element, a Result with a status that is no success, or a list of
// errors. Empty is none.
func failure(body []byte) found {
	at := body
	for {
		first, only := firstElement(at)
		if !only || first[0] != '[' && first[0] != '{' {
			break
		}
		at = first
	}
	switch at[0] {
	case '[':
		return listed(at)
	case '{':
		return told(at)
	}
	return found{}
}

// told is a failure that an object tells of.
func told(object []byte) found {
	var doc struct {
		Result json.RawMessage `json:"Result"`
		fieldError
	}
	if json.Unmarshal(object, &doc) != nil {
		return found{code: vendorcode.Malformed, text: "an error that is not as documented"}
	}
	if doc.Message != nil && len(doc.Index) > 0 && doc.Result == nil {
		return classify(codeErrors, string(*doc.Message))
	}
	if len(doc.Result) == 0 || doc.Result[0] != '{' {
		return found{}
	}
	var result struct {
		Status *responseStatus `json:"ResponseStatus"`
	}
	if json.Unmarshal(doc.Result, &result) != nil {
		return found{code: vendorcode.Malformed, text: "a status that is not as documented"}
	}
	if result.Status == nil || !result.Status.failed() {
		return found{}
	}
	return result.Status.meaning()
}

// listed is a failure that is a list of several errors.
func listed(list []byte) found {
	first, _ := firstElement(list)
	if len(first) == 0 || first[0] != '{' {
		return found{}
	}
	var all []fieldError
	if json.Unmarshal(list, &all) != nil {
		return found{} // rows of another kind: the caller refuses them
	}
	for _, e := range all {
		if e.Message == nil || len(e.Index) == 0 {
			return found{}
		}
	}
	return classify(codeErrors, messages(all))
}

func messages(list []fieldError) string {
	var texts []string
	for _, e := range list {
		if e.Message != nil && *e.Message != "" {
			texts = append(texts, string(*e.Message))
		}
	}
	return strings.Join(texts, "; ")
}

// meaning is the code of a status: what its words say, its MsgCode, or its
// ErrorCode.
func (s *responseStatus) meaning() found {
	fallback := string(s.MsgCode)
	if fallback == "" || fallback == "0" {
		fallback = codeError + string(s.ErrorCode)
	}
	if fallback == codeSession {
		return found{code: codeSession, text: messages(s.Errors)}
	}
	return classify(fallback, messages(s.Errors))
}

// lost tells whether the server has lost the session (Kingdee reference
// § 3.2): it says so, or answers with nothing at all.
func (a *answer) lost() bool { return a.code == codeSession || a.code == codeEmpty }

// session is what the answer tells of the session. A gateway's error page
// and what nobody can read tell nothing.
func (a *answer) session() outcome {
	switch {
	case a.lost():
		return sessionLost
	case a.code == vendorcode.Malformed || strings.HasPrefix(a.code, vendorcode.HTTP):
		return sessionUnknown
	}
	return sessionWorked
}

// fault returns what the answer means, nil for success.
func (c *Client) fault(ctx context.Context, a *answer) *orgflow.Fault {
	if a.code == "" || a.code == codeNoData {
		return nil
	}
	f := a.meant(append(c.secrets(), a.in)...)
	if f.Code == orgflow.CodeThrottled {
		c.link.CountThrottled()
		c.link.SlowDown(ctx, f)
	}
	return f
}

// secrets are what no text of the vendor may show.
func (c *Client) secrets() []string { return []string{c.cfg.Password, c.cfg.AppSecret} }

// maxMessage bounds a vendor's text, in characters: exceptions bring their
// stack along.
const maxMessage = 300

// meant is the fault of an answer that is no success.
func (a *answer) meant(secrets ...string) *orgflow.Fault {
	text := a.text
	if text == "" {
		text = "the ERP answered " + a.code + " without a text"
	}
	text = veil.Text(text, secrets) // before it is cut: half a secret would not be found
	if runes := []rune(text); len(runes) > maxMessage {
		text = string(runes[:maxMessage]) + "…"
	}
	f := meaningOf(a.code, a.status).Fault(a.code, text, false)
	if a.field != "" {
		f.Field = a.field
	}
	return f
}
