package dingtalk

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"

	"orgflow/connectors/wire"
)

// fromV1 makes a request of v1 one of v2, for the script, and returns a
// writer whose answer is sent in the shape of v1 when it is done. It uses the
// client's own tables the other way round: that these are right is shown by
// the documented samples (v1_test.go) and by the simulator.
func (s *stub) fromV1(got *seen, r *http.Request, w http.ResponseWriter) (http.ResponseWriter, func()) {
	path, call := v2Call(got.path)
	if path == "" && got.path != pathScopes {
		s.t.Errorf("%s %s is no call of v1", r.Method, got.path)
		return w, func() {}
	}
	if call != nil {
		if r.Method != call.method {
			s.t.Errorf("%s %s, want %s", r.Method, got.path, call.method)
		}
		got.body = call.heard(got.body, r)
	}
	if path != "" {
		got.path = path
	}
	rec := httptest.NewRecorder()
	return rec, func() {
		if p := recover(); p != nil { // the handler broke the connection
			panic(p)
		}
		maps.Copy(w.Header(), rec.Header())
		w.WriteHeader(rec.Code)
		_, _ = w.Write(toV1(call, rec.Body.Bytes()))
	}
}

// v2Call returns the path of v2 that a path of v1 stands for, and the call.
func v2Call(path string) (string, *v1Call) {
	if path == getToken.path {
		return pathToken, nil
	}
	for v2, call := range callsV1 {
		if call.path == path {
			return v2, call
		}
	}
	return "", nil
}

// wirePath is the path on the wire of a path of v2.
func (s *stub) wirePath(v2 string) string {
	if s.api == "v1" {
		return callsV1[v2].path
	}
	return v2
}

// heard is a request in the words of v2.
func (c *v1Call) heard(body map[string]any, r *http.Request) map[string]any {
	in := map[string]any{}
	maps.Copy(in, body)
	for name := range r.URL.Query() {
		in[name] = r.URL.Query().Get(name)
	}
	out := map[string]any{}
	for _, f := range c.fields {
		v, ok := in[f.v1]
		if !ok || f.shown {
			continue
		}
		switch f.form {
		case formBars:
			v = strings.ReplaceAll(v.(string), "|", ",")
		case formNumbers:
			var ids []string
			for _, id := range v.([]any) {
				ids = append(ids, strconv.Itoa(int(id.(float64))))
			}
			v = strings.Join(ids, ",")
		case formObject:
			raw, _ := wire.Encode(v)
			v = string(raw)
		}
		if text, ok := v.(string); ok && (f.form == formDigits || slices.Contains([]string{"dept_id", "cursor", "size"}, f.v2)) {
			v, _ = strconv.ParseFloat(text, 64)
		}
		out[f.v2] = v
	}
	return out
}

// toV1 brings a scripted answer into the shape of v1; what cannot be read
// goes out as it is.
func toV1(call *v1Call, raw []byte) []byte {
	var in record
	if json.Unmarshal(raw, &in) != nil {
		return raw
	}
	out := maps.Clone(in)
	delete(out, "result")
	if call == nil { // the token
		for v2, v1 := range map[string]string{"accessToken": "access_token", "expireIn": "expires_in"} {
			if v, ok := in[v2]; ok {
				out[v1], out["errcode"] = v, json.RawMessage("0")
			}
		}
		return encodeTest(out)
	}
	var object record
	var list []record
	switch {
	case json.Unmarshal(in["result"], &list) == nil:
		out["department"] = encodeTest(call.told(list))
	case json.Unmarshal(in["result"], &object) == nil && call.needs == "userlist":
		if json.Unmarshal(object["list"], &list) == nil {
			out["userlist"] = encodeTest(call.told(list))
		}
		if more, ok := object["has_more"]; ok {
			out["hasMore"] = more
		}
	case object != nil:
		maps.Copy(out, call.told([]record{object})[0])
	}
	return encodeTest(out)
}

// told renames fields from v2 to v1.
func (c *v1Call) told(in []record) []record {
	out := make([]record, len(in))
	for i, one := range in {
		out[i] = record{}
		for _, f := range c.fields {
			if v, ok := one[f.v2]; ok && !f.asked {
				out[i][f.v1] = v
			}
		}
	}
	return out
}

func encodeTest(v any) json.RawMessage {
	raw, err := wire.Encode(v)
	if err != nil {
		panic(err)
	}
	return raw
}

// clearing is an update's body as the dialect clears: v1 has no
// force_update_fields and sends the empty value.
func (s *stub) clearing(body map[string]any) map[string]any {
	body = maps.Clone(body)
	if names, ok := body[forceFields].(string); ok && s.api == "v1" {
		delete(body, forceFields)
		for name := range strings.SplitSeq(names, ",") {
			body[name] = ""
		}
	}
	return body
}
