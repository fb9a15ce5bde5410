package signing

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Request is what is sent: the inputs of a signature.
type Request struct {
	Method string
	Path   string // as it stands in the request line, without the query
	Query  url.Values
	Header map[string]string
	// Form is a form-encoded body; Body is any other, byte by byte.
	Form url.Values
	Body []byte
}

// clone returns a request whose parts can be changed.
func (r Request) clone() Request {
	r.Query, r.Form, r.Header = cloneValues(r.Query), cloneValues(r.Form), maps.Clone(r.Header)
	return r
}

func cloneValues(v url.Values) url.Values {
	if v == nil {
		return nil
	}
	out := make(url.Values, len(v))
	for name, list := range v {
		out[name] = slices.Clone(list)
	}
	return out
}

// Bytes is the body as it is sent.
func (r Request) Bytes() []byte {
	if r.Form != nil {
		return []byte(r.Form.Encode())
	}
	return r.Body
}

// put places a value.
func (r *Request) put(p Placement, value string) error {
	switch p.In {
	case "query":
		if r.Query == nil {
			r.Query = url.Values{}
		}
		r.Query.Set(p.Name, value)
	case "form":
		if r.Form == nil {
			r.Form = url.Values{}
		}
		r.Form.Set(p.Name, value)
	case "header":
		if r.Header == nil {
			r.Header = map[string]string{}
		}
		r.Header[p.Name] = value
	case "json":
		body, err := splice(r.Body, p.Name, value)
		if err != nil {
			return err
		}
		r.Body = body
	}
	return nil
}

// splice adds a field to the end of a JSON object without touching the rest.
func splice(body []byte, name, value string) ([]byte, error) {
	trimmed := bytes.TrimRight(body, " \t\r\n")
	if !json.Valid(body) || trimmed[len(trimmed)-1] != '}' {
		return nil, errors.New("signing: a value is to be placed in the body, which is no JSON object")
	}
	field, err := json.Marshal(map[string]string{name: value})
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	open := trimmed[:len(trimmed)-1]
	out := slices.Clone(open)
	if last := bytes.TrimRight(open, " \t\r\n"); last[len(last)-1] != '{' {
		out = append(out, ',')
	}
	return append(out, field[1:]...), nil
}

// pair is a named input.
type pair struct{ name, value string }

// pairsFrom lists the named inputs of one place, by name.
func (r Request) pairsFrom(from string) ([]pair, error) {
	switch from {
	case "query":
		return valuePairs(r.Query), nil
	case "form":
		return valuePairs(r.Form), nil
	case "header":
		out := make([]pair, 0, len(r.Header))
		for _, name := range slices.Sorted(maps.Keys(r.Header)) {
			out = append(out, pair{name, r.Header[name]})
		}
		return out, nil
	}
	return jsonPairs(r.Body)
}

func valuePairs(v url.Values) []pair {
	out := make([]pair, 0, len(v))
	for _, name := range slices.Sorted(maps.Keys(v)) {
		for _, value := range v[name] {
			out = append(out, pair{name, value})
		}
	}
	return out
}

// jsonPairs lists the fields of a JSON object: texts bare, everything else
// as it was written; a null is empty.
func jsonPairs(body []byte) ([]pair, error) {
	if len(body) == 0 {
		return nil, nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return nil, errors.New("signing: the body's fields are signed, and the body is no JSON object")
	}
	out := make([]pair, 0, len(fields))
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		raw := fields[name]
		value := string(raw)
		var text *string
		if json.Unmarshal(raw, &text) == nil { // a text or null
			value = ""
			if text != nil {
				value = *text
			}
		}
		out = append(out, pair{name, value})
	}
	return out, nil
}

// named returns one named input, empty if the request has none.
func (r Request) named(from, name string) (string, error) {
	list, err := r.pairsFrom(from)
	for _, p := range list {
		if p.name == name || from == "header" && strings.EqualFold(p.name, name) {
			return p.value, nil
		}
	}
	return "", err
}
