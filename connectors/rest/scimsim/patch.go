package scimsim

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"orgflow/connectors/rest/simbase"
)

// operation is one of a PATCH (RFC 7644 § 3.5.2).
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

func patch(raw []byte, before simbase.Object) (simbase.Object, *refusal) {
	var body struct {
		Schemas    []string    `json:"schemas"`
		Operations []operation `json:"Operations"`
	}
	if err := json.Unmarshal(raw, &body); err != nil || !slices.Contains(body.Schemas, urnPatch) || len(body.Operations) == 0 {
		return nil, refuse(http.StatusBadRequest, "invalidSyntax", "the body is no PatchOp")
	}
	after := clone(before)
	for _, op := range body.Operations {
		if r := op.do(after); r != nil {
			return nil, r
		}
	}
	return after, nil
}

// clone copies a record and its objects, so that it can be changed.
func clone(o simbase.Object) simbase.Object {
	out := maps.Clone(o)
	for name, v := range out {
		if inner, isObject := v.(simbase.Object); isObject {
			out[name] = clone(inner)
		}
	}
	return out
}

var member = regexp.MustCompile(`^members\[value eq ("[^"]*")\]$`)

func (op operation) do(o simbase.Object) *refusal {
	if m := member.FindStringSubmatch(op.Path); m != nil {
		var id string
		if op.Op != "remove" || json.Unmarshal([]byte(m[1]), &id) != nil {
			return refuse(http.StatusBadRequest, "invalidPath", "%s", op.Path)
		}
		o["members"] = withoutMember(o, id)["members"]
		return nil
	}
	target, name := place(o, op.Path)
	if name == "" || name == "id" || strings.ContainsAny(name, "[]") {
		return refuse(http.StatusBadRequest, "invalidPath", "%s", op.Path)
	}
	switch op.Op {
	case "add":
		if name == "members" {
			return addMembers(o, op.Value)
		}
		target[name] = op.Value
	case "replace":
		target[name] = op.Value
	case "remove":
		delete(target, name)
	default:
		return refuse(http.StatusBadRequest, "invalidSyntax", "op")
	}
	return nil
}

// place finds the object that a path's last attribute belongs to.
func place(o simbase.Object, path string) (simbase.Object, string) {
	if attribute, is := strings.CutPrefix(path, urnEnterprise+":"); is {
		return inside(o, urnEnterprise), attribute
	}
	if first, rest, nested := strings.Cut(path, "."); nested {
		return inside(o, first), rest
	}
	return o, path
}

func inside(o simbase.Object, name string) simbase.Object {
	inner, isObject := o[name].(simbase.Object)
	if !isObject {
		inner = simbase.Object{}
		o[name] = inner
	}
	return inner
}

// addMembers adds those who are not members yet (§ 3.5.2.1).
func addMembers(o simbase.Object, v any) *refusal {
	list, isList := v.([]any)
	if !isList {
		return refuse(http.StatusBadRequest, "invalidValue", "members")
	}
	have, _ := o["members"].([]any)
	have = slices.Clone(have)
	known := members(o)
	for _, m := range list {
		one, _ := m.(simbase.Object)
		if id := simbase.Text(one["value"]); !slices.Contains(known, id) {
			have, known = append(have, m), append(known, id)
		}
	}
	o["members"] = have
	return nil
}
