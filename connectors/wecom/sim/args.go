package wcsim

import (
	"bytes"
	"encoding/json"
	"strconv"

	"orgflow/connectors/simctl"
)

// args are the parameters of a call: of the query for GET, of a JSON body
// for POST. A value of a wrong type is ignored, and the answer warns (§ 1).
type args struct {
	raw    map[string]json.RawMessage
	call   *simctl.Call
	warned bool
	bad    *refusal
}

func parseArgs(c *simctl.Call) *args {
	a := &args{call: c}
	if len(c.Body) == 0 || c.Path == "/cgi-bin/media/upload" {
		return a
	}
	if json.Unmarshal(c.Body, &a.raw) != nil || a.raw == nil {
		a.bad = refuse(40035, "invalid parameter: the body is not a JSON object")
	}
	return a
}

func (a *args) logKey(name string) string {
	if name == "" {
		return ""
	}
	if v := a.call.Query.Get(name); v != "" {
		return v
	}
	var s string
	raw := a.raw[name]
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

func (a *args) has(name string) bool {
	v, ok := a.raw[name]
	return ok && string(v) != "null"
}

// into decodes a body parameter; one of a wrong type is ignored.
func (a *args) into(name string, v any) bool {
	if !a.has(name) {
		return false
	}
	dec := json.NewDecoder(bytes.NewReader(a.raw[name]))
	if dec.Decode(v) != nil {
		a.warned = true
		return false
	}
	return true
}

func (a *args) str(name string) (string, bool) {
	var s string
	ok := a.into(name, &s)
	return s, ok
}

func (a *args) int(name string) (int64, bool) {
	var n int64
	ok := a.into(name, &n)
	return n, ok
}

func (a *args) ints(name string) ([]int64, bool) {
	var l []int64
	ok := a.into(name, &l)
	return l, ok
}

// query reads a number of the query; absent it is 0.
func (a *args) query(name string) (int64, *refusal) {
	text := a.call.Query.Get(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, refuse(40058, "invalid request parameter %s", name)
	}
	return n, nil
}

// wrote is a write's success text, with the warning if one is due.
func (a *args) wrote(text string) string {
	if a.warned {
		return text + ". Warning: wrong json format. "
	}
	return text
}
