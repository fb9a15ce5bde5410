package hcm

import (
	"bytes"
	"cmp"
	"encoding/json"
	"strconv"
)

// answer is a successful list call: rows, and how many match in all (-1 when
// the gateway does not say).
type answer struct {
	rows    []json.RawMessage
	count   int
	warning string
}

// envelope is everything a gateway may wrap its answer in (HCM reference
// § 1.6). All keys are optional.
type envelope struct {
	Result  json.RawMessage `json:"result"`
	Data    json.RawMessage `json:"data"`
	List    json.RawMessage `json:"list"`
	Total   json.RawMessage `json:"total"`
	Count   json.RawMessage `json:"count"`
	Success *bool           `json:"success"`

	ErrCode     json.RawMessage `json:"errcode"`
	ErrMsg      string          `json:"errmsg"`
	Message     string          `json:"message"`
	Description string          `json:"description"`

	Strategy json.RawMessage `json:"hcm_transfer_strategy"` // the browser's encrypted envelope
	Param    json.RawMessage `json:"hcm_param"`
}

// listing is what holds the rows, whatever it is called.
type listing struct {
	List  json.RawMessage `json:"list"`
	Data  json.RawMessage `json:"data"`
	Total json.RawMessage `json:"total"`
	Count json.RawMessage `json:"count"`
}

// listed finds the rows: result.list, result.data, data.list, data as an
// array, and list itself under pure_result. No list at all is not an empty
// one: found is then false.
func (e envelope) listed() (a answer, found bool) {
	outer := listing{List: e.List, Total: e.Total, Count: e.Count}
	for _, raw := range []json.RawMessage{e.Result, e.Data} {
		if rows, ok := array(raw); ok {
			return answer{rows: rows, count: outer.declared(len(rows))}, true
		}
		var l listing
		if !isObject(raw) || json.Unmarshal(raw, &l) != nil {
			continue
		}
		if a, ok := l.rows(outer); ok {
			return a, true
		}
	}
	return outer.rows(outer)
}

func (l listing) rows(outer listing) (answer, bool) {
	for _, raw := range []json.RawMessage{l.List, l.Data} {
		if rows, ok := array(raw); ok {
			count := l.declared(len(rows))
			if count < 0 {
				count = outer.declared(len(rows))
			}
			return answer{rows: rows, count: count}, true
		}
	}
	// "list": null is an empty page only where the gateway counts 0 as well.
	if l.List != nil && isNull(l.List) && l.declared(0) == 0 {
		return answer{}, true
	}
	return answer{}, false
}

// declared reads total before count. A number below the rows on the page is
// no count of what matches.
func (l listing) declared(rows int) int {
	for _, raw := range []json.RawMessage{l.Total, l.Count} {
		text := string(bytes.Trim(raw, `"`))
		if n, err := strconv.Atoi(text); err == nil && n >= rows {
			return n
		}
	}
	return -1
}

func array(raw json.RawMessage) ([]json.RawMessage, bool) {
	if len(raw) == 0 || raw[0] != '[' {
		return nil, false
	}
	var rows []json.RawMessage
	if json.Unmarshal(raw, &rows) != nil {
		return nil, false
	}
	return rows, true
}

func isObject(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '{' }

func isNull(raw json.RawMessage) bool { return string(raw) == "null" }

// code is the vendor's error number as text; empty for none and for 0.
// error_code is only a log index and never looked at.
func (e envelope) code() string {
	if isNull(e.ErrCode) {
		return ""
	}
	text := string(bytes.Trim(e.ErrCode, `"`))
	if text == "0" {
		return ""
	}
	return text
}

func (e envelope) message() string {
	return cmp.Or(e.ErrMsg, e.Message, e.Description, "no message")
}
