package wecom

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"orgflow/connectors/vendorcode"
	"orgflow/connectors/wire"
)

// record is an answer, field by field as it came.
type record map[string]json.RawMessage

// rawDepartment is a department of department/get and department/list
// (WeCom reference § 5).
type rawDepartment struct {
	ID      wire.Int   `json:"id"`
	Name    wire.Text  `json:"name"`
	Parent  wire.Int   `json:"parentid"`
	Order   wire.Int   `json:"order"`
	Leaders wire.Texts `json:"department_leader"`
}

func (got record) department() (rawDepartment, error) {
	var d rawDepartment
	raw, err := json.Marshal(map[string]json.RawMessage(got))
	if err == nil {
		err = json.Unmarshal(raw, &d)
	}
	if err != nil {
		return d, vendorcode.MalformedRead("a department is not shown as documented")
	}
	return d, nil
}

// holds tells whether a record read back already is as the body of an
// update wants it. What is not shown counts as different, so that it is
// written again, which is harmless.
func (t fieldTable) holds(got record, body map[string]any) bool {
	for name, want := range body {
		switch name {
		case "userid", "id":
			continue
		case isLeader, "order":
			if list, ok := want.([]int64); ok {
				if !sameBeside(got, name, body["department"], list) {
					return false
				}
				continue
			}
		case extAttr:
			if !sameAttributes(want, got[name]) {
				return false
			}
			continue
		}
		if f := t.fields[name]; f.hidden || !f.same(want, got[name]) {
			return false
		}
	}
	return true
}

// same compares a wire value with what was shown; nil is absent.
func (f field) same(want any, got json.RawMessage) bool {
	if wire.Blank(got) {
		return isEmpty(want)
	}
	switch f.wire {
	case wireInt:
		var n wire.Int
		return json.Unmarshal(got, &n) == nil && want == int64(n)
	case wireDeptIDs:
		var list wire.Ints
		departments, ok := want.([]int64)
		return ok && json.Unmarshal(got, &list) == nil && wire.SameSet(departments, []int64(list))
	case wireUserIDs:
		var list wire.Texts
		people, ok := want.([]string)
		return ok && json.Unmarshal(got, &list) == nil && wire.SameSet(people, []string(list))
	case wireText:
		var s wire.Text
		return json.Unmarshal(got, &s) == nil && want == string(s)
	default:
		return false
	}
}

func isEmpty(want any) bool {
	switch v := want.(type) {
	case string:
		return v == ""
	case []string:
		return len(v) == 0
	case []int64:
		return len(v) == 0
	}
	return false
}

// sameBeside compares flags or orders department by department.
func sameBeside(got record, name string, departments any, want []int64) bool {
	old, err := got.seats()
	if err != nil {
		return false
	}
	depts, ok := departments.([]int64)
	if !ok {
		depts = old.departments
	}
	list := map[string][]int64{isLeader: old.flags, "order": old.orders}[name]
	if len(depts) != len(want) || list == nil && len(want) > 0 {
		return false
	}
	return slices.Equal(carried(old, list, depts), want)
}

// sameAttributes compares custom attributes by label.
func sameAttributes(want any, got json.RawMessage) bool {
	raw, err := json.Marshal(want)
	if err != nil {
		return false
	}
	wanted, err := shownExt(raw)
	if err != nil {
		return false
	}
	have, err := shownExt(got)
	if err != nil || have == nil {
		return false
	}
	for label, v := range wanted {
		if old, there := have[label]; !reflect.DeepEqual(old, v) && (there || v != "") {
			return false
		}
	}
	return true
}

// containsFold looks for a userid: WeCom ignores their case.
func containsFold(list []string, id string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, id) })
}
