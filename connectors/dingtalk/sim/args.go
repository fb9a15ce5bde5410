package dtsim

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"orgflow/connectors/simctl"
)

// args are the parameters of an old-family call, from a JSON or a form body
// (§ 1). The getters do the gateway's part: a missing required parameter is
// 40, one of the wrong type 41; the first such finding is kept in bad.
type args struct {
	raw  map[string]json.RawMessage
	call *simctl.Call
	form bool
	old  []word // of a v1 call: its words, so that v1's limits and codes apply
	bad  *refusal
}

func parseArgs(c *simctl.Call) *args {
	a := &args{call: c}
	if len(c.Body) == 0 {
		return a
	}
	if c.IsForm() {
		a.form = true
		return a
	}
	if err := json.Unmarshal(c.Body, &a.raw); err != nil {
		a.bad = refuse(43009, "需要传递的body参数不合法: the body is not a JSON object")
	}
	return a
}

func (a *args) missing(name string) {
	if a.bad == nil {
		a.bad = refuse(40, "Missing required arguments:%s", name)
		if a.old != nil {
			a.bad = refuse(40035, "缺少参数 %s", oldName(a.old, name))
		}
	}
}

func (a *args) invalid(name string) {
	if a.bad == nil {
		a.bad = refuse(41, "Invalid arguments:%s", name)
		if a.old != nil {
			a.bad = refuse(40035, "不合法的参数: %s", oldName(a.old, name))
		}
	}
}

// has reports whether the parameter was sent; null counts as not sent.
func (a *args) has(name string) bool {
	if a.form {
		return a.call.Form().Has(name)
	}
	v, ok := a.raw[name]
	return ok && string(v) != "null"
}

// str returns a text. A number is taken as its digits, as the form encoding
// would have it.
func (a *args) str(name string) (string, bool) {
	if !a.has(name) {
		return "", false
	}
	if a.form {
		return a.call.Form().Get(name), true
	}
	v := a.raw[name]
	switch c := v[0]; {
	case c == '"':
		if s := string(v[1 : len(v)-1]); !strings.ContainsRune(s, '\\') && utf8.ValidString(s) {
			return s, true
		}
		var s string
		if json.Unmarshal(v, &s) == nil {
			return s, true
		}
	case c == '-' || (c >= '0' && c <= '9'):
		return string(v), true
	}
	a.invalid(name)
	return "", false
}

// needStr returns a required text; the empty text counts as missing.
func (a *args) needStr(name string) string {
	s, ok := a.str(name)
	if !ok || s == "" {
		a.missing(name)
	}
	return s
}

// int returns an integer; digits in a text are taken too.
func (a *args) int(name string) (int64, bool) {
	s, ok := a.str(name)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil {
		a.invalid(name)
		return 0, false
	}
	return n, true
}

func (a *args) needInt(name string) int64 {
	n, ok := a.int(name)
	if !ok {
		a.missing(name)
	}
	return n
}

// bool returns a boolean; the texts true and false are taken too, others
// ("True", "1") are not (§ 1, observed).
func (a *args) bool(name string) (bool, bool) {
	if !a.has(name) {
		return false, false
	}
	var s string
	if a.form {
		s = a.call.Form().Get(name)
	} else {
		s = strings.Trim(string(a.raw[name]), `"`)
	}
	switch s {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	a.invalid(name)
	return false, false
}

// into decodes a structured parameter: plain in a JSON body, JSON text in a
// form (and, as SDKs do, in a JSON body too).
func (a *args) into(name string, v any) bool {
	if !a.has(name) {
		return false
	}
	var raw []byte
	if a.form {
		raw = []byte(a.call.Form().Get(name))
	} else {
		raw = a.raw[name]
		if raw[0] == '"' {
			var s string
			if json.Unmarshal(raw, &s) == nil {
				raw = []byte(s)
			}
		}
	}
	if err := json.Unmarshal(raw, v); err != nil {
		a.invalid(name)
		return false
	}
	return true
}

// setStr and setBool overwrite the target with a parameter that was sent.
func (a *args) setStr(name string, to *string) {
	if s, ok := a.str(name); ok {
		*to = s
	}
}

func (a *args) setBool(name string, to *bool) {
	if b, ok := a.bool(name); ok {
		*to = b
	}
}

// ids splits a comma list of department ids.
func ids(list string) ([]int64, bool) {
	var out []int64
	seen := map[int64]bool{}
	for _, p := range strings.Split(list, ",") {
		n, err := strconv.ParseInt(strings.TrimSpace(p), 10, 64)
		if err != nil {
			return nil, false
		}
		if !seen[n] {
			seen[n] = true
			out = append(out, n)
		}
	}
	return out, true
}

// names splits a comma list of userids.
func names(list string) []string {
	var out []string
	for _, p := range strings.Split(list, ",") {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}

func chars(s string) int { return utf8.RuneCountInString(s) }
