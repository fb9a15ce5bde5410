package dingtalk

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/wire"
)

// record is an answer of get, field by field as it came.
type record map[string]json.RawMessage

// holds tells whether a record read back already is as the body of an
// update wants it. What get does not show counts as different, so that it is
// written again, which is harmless.
func (t fieldTable) holds(got record, body map[string]any) bool {
	for name, want := range body {
		switch name {
		case "userid", "dept_id", attrsMode:
			continue
		case forceFields:
			for forced := range strings.SplitSeq(want.(string), ",") {
				if !wire.Blank(got[forced]) {
					return false
				}
			}
			continue
		}
		f := t.fields[name]
		if f.read != "" {
			name = f.read
		}
		if f.hidden || !f.same(want, got[name]) {
			return false
		}
	}
	return true
}

// doubted lists the fields that a body clears by a value of which it is not
// documented that it does.
func (t fieldTable) doubted(body map[string]any) []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(body)) {
		if t.fields[name].doubted && body[name] == "" {
			list = append(list, name)
		}
	}
	return list
}

// believe notes the fields that a record read back still has although they
// were cleared.
func (t fieldTable) believe(r *connectors.Receipt, body map[string]any, got record) {
	for _, name := range t.doubted(body) {
		if !wire.Blank(got[name]) {
			r.Dropped = append(r.Dropped, name)
			r.Note = "DingTalk took an empty " + name + " and did not clear it"
		}
	}
}

// same compares a wire value with what get answered; nil is absent.
func (f field) same(want any, got json.RawMessage) bool {
	if wire.Blank(got) {
		return want == "" || want == "{}"
	}
	switch f.wire {
	case wireInt:
		var n wire.Int
		return json.Unmarshal(got, &n) == nil && want == int64(n)
	case wireBool:
		var b wire.Bool
		return json.Unmarshal(got, &b) == nil && want == bool(b)
	case wireDeptIDs, wireUserIDs:
		var list wire.Texts
		return json.Unmarshal(got, &list) == nil && wire.SameSet(wire.Split(want.(string)), list)
	case wireJSON:
		return sameObject(want.(string), got)
	case wireRows:
		return f.sameRows(want.([]map[string]any), got)
	default:
		var s wire.Text
		return json.Unmarshal(got, &s) == nil && want == string(s)
	}
}

// sameObject compares JSON texts; get may answer the object itself.
func sameObject(want string, got json.RawMessage) bool {
	var s string
	if json.Unmarshal(got, &s) == nil {
		got = json.RawMessage(s)
	}
	var a, b map[string]any
	if json.Unmarshal([]byte(want), &a) != nil || json.Unmarshal(got, &b) != nil {
		return false
	}
	return reflect.DeepEqual(a, b)
}

// sameRows tells whether every wanted row is there; rows of other
// departments do not matter.
func (f field) sameRows(want []map[string]any, got json.RawMessage) bool {
	var rows []record
	if json.Unmarshal(got, &rows) != nil {
		return false
	}
	for _, w := range want {
		if !slices.ContainsFunc(rows, func(r record) bool { return f.sameRow(w, r) }) {
			return false
		}
	}
	return true
}

func (f field) sameRow(want map[string]any, got record) bool {
	for name, value := range want {
		if !f.rows[name].same(value, got[name]) {
			return false
		}
	}
	return true
}

// sameMobile compares two numbers whatever country prefix and separators
// they are written with.
func sameMobile(a, b, stateCode string) bool {
	a, b = orgflow.BareMobile(a), orgflow.BareMobile(b)
	return a == b || a == orgflow.BareMobile(stateCode)+b
}
