package kdsim

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"orgflow/connectors/simctl"
)

// args are a call's arguments by name, whatever shape they came in (§ 1).
type args struct {
	values map[string]json.RawMessage
	named  bool // by name, where some services want data as a text
}

// readArgs reads the body: parameters as list or text, named, or form
// encoded. A bare list is refused with 500.
func readArgs(c *simctl.Call, names []string) (args, *simctl.Answer) {
	in := args{values: map[string]json.RawMessage{}}
	if c.IsForm() {
		in.named = true
		for k, v := range c.Form() {
			raw, err := json.Marshal(v[0])
			if err != nil {
				continue
			}
			in.values[strings.ToLower(k)] = raw
		}
		return in.positional(names)
	}
	body := bytes.TrimSpace(c.Body)
	var doc map[string]json.RawMessage
	if len(body) == 0 {
		return in, nil
	}
	if json.Unmarshal(body, &doc) != nil || doc == nil {
		return in, broken("Additional text found in JSON string after finishing deserializing object.")
	}
	in.named = true
	for k, v := range doc {
		in.values[strings.ToLower(k)] = v
	}
	return in.positional(names)
}

// positional takes parameters apart, where there are any.
func (a args) positional(names []string) (args, *simctl.Answer) {
	raw, ok := a.values["parameters"]
	if !ok {
		return a, nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		raw = json.RawMessage(text)
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		return a, broken("Error reading parameters.")
	}
	out := args{values: map[string]json.RawMessage{}}
	for i, v := range list[:min(len(list), len(names))] {
		out.values[names[i]] = v
	}
	return out, nil
}

func broken(message string) *simctl.Answer {
	return &simctl.Answer{Status: http.StatusInternalServerError, Outcome: "http_500", ContentType: "text/plain; charset=utf-8", Body: []byte(message)}
}

// text is an argument as text; empty where it is absent or no scalar.
func (a args) text(name string) string {
	return scalarText(a.values[name])
}

func scalarText(raw json.RawMessage) string {
	var v any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if dec.Decode(&v) != nil || v == nil {
		return ""
	}
	switch v.(type) {
	case string, json.Number, bool:
		return simctl.Plain(v)
	}
	return ""
}

// data is an argument that is an object, or one as text.
func (a args) data(name string, into any) bool {
	raw := a.values[name]
	var text string
	if json.Unmarshal(raw, &text) == nil {
		raw = json.RawMessage(text)
	} else if a.named {
		return false // 接口参数 data 不能为空 (§ 1)
	}
	raw = bytes.TrimSpace(raw)
	return len(raw) > 0 && raw[0] == '{' && json.Unmarshal(raw, into) == nil
}
