package restsim

import (
	"encoding/json"
	"maps"
	"net/url"
	"regexp"
	"strings"

	"orgflow/connectors/rest"
	"orgflow/connectors/simctl"
)

// input is a call, taken apart along the templates of its endpoint.
type input struct {
	sim      *Sim
	call     *simctl.Call
	endpoint endpoint
	vars     map[string]string // {id}, {page} … of path and query
	records  []values          // of the body
}

// values are a record's fields by target, in wire form.
type values map[string]any

var reference = regexp.MustCompile(`^\{([^{}|]+)\}$`)

// matchPath reads the references of a path.
func matchPath(template, path string) (map[string]string, bool) {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	vars := map[string]string{}
	for i := range want {
		text, err := url.PathUnescape(got[i])
		if err != nil {
			return nil, false
		}
		if m := reference.FindStringSubmatch(want[i]); m != nil && text != "" {
			vars[m[1]] = text
		} else if want[i] != text {
			return nil, false
		}
	}
	return vars, true
}

// queries reads the references of the query; false where a constant differs.
func (in *input) queries() bool {
	for name, t := range in.endpoint.call.Query {
		text, _ := t.(string)
		got := in.call.Query.Get(name)
		if m := reference.FindStringSubmatch(text); m != nil {
			in.vars[m[1]] = got
		} else if got != text {
			return false
		}
	}
	return true
}

// body takes the body apart.
func (in *input) body() *refusal {
	var got any
	if err := json.Unmarshal(in.call.Body, &got); err != nil {
		return refuse(rest.FailRecord, "the body is not JSON")
	}
	first := values{}
	if r := in.take(in.endpoint.call.Body, got, first); r != nil {
		return r
	}
	if len(in.records) == 0 {
		in.records = []values{first}
	}
	return nil
}

// take compares a template with what came, and collects the fields.
func (in *input) take(t, got any, into values) *refusal {
	switch t := t.(type) {
	case string:
		m := reference.FindStringSubmatch(t)
		switch {
		case m == nil && got != t:
			return refuse(rest.FailRecord, "a constant differs")
		case m == nil:
		case strings.HasPrefix(m[1], "field."):
			into[strings.TrimPrefix(m[1], "field.")] = got
		default:
			text, _ := got.(string)
			in.vars[m[1]] = text
		}
		return nil
	case map[string]any:
		if t["$each"] == "records" {
			return in.takeRecords(t["as"], got)
		}
		return in.takeObject(t, got, into)
	}
	return nil
}

func (in *input) takeRecords(t, got any) *refusal {
	list, isList := got.([]any)
	if !isList || len(list) == 0 {
		return refuse(rest.FailRecord, "the list of records is empty")
	}
	if b := in.endpoint.call.Batch; len(list) > b.MaxRecords || b.MaxBytes > 0 && len(in.call.Body) > b.MaxBytes {
		return refuse(rest.Bisect, "too many records")
	}
	for _, one := range list {
		record := values{}
		if r := in.take(t, one, record); r != nil {
			return r
		}
		in.records = append(in.records, record)
	}
	return nil
}

func (in *input) takeObject(t map[string]any, got any, into values) *refusal {
	object, isObject := got.(map[string]any)
	if !isObject {
		return refuse(rest.FailRecord, "an object is missing")
	}
	others := maps.Clone(object)
	for name, one := range t {
		v, sent := others[name]
		if name == "$fields" || !sent {
			continue
		}
		delete(others, name)
		if r := in.take(one, v, into); r != nil {
			return r
		}
	}
	for name, v := range others {
		target, known := in.endpoint.wire[name]
		if t["$fields"] != true || !known {
			return refuse(rest.FailRecord, "unknown field %s", name)
		}
		into[target] = v
	}
	return nil
}
