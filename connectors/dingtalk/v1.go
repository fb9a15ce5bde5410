package dingtalk

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"orgflow/connectors/wire"
)

// v1Call is a call of the contact interface v1 that stands for one of v2
// (DingTalk reference § 3.1).
type v1Call struct {
	method string // with GET everything goes into the query
	path   string
	fields []v1Field
	fixed  map[string]string                     // parameters that are always the same
	answer func(*v1Call, v1Reading) (any, error) // nil: nothing but the errcode
	needs  string                                // what the answer of a success cannot be without
}

// v1Reading is a successful answer on its way to v2's form.
type v1Reading struct {
	asked map[string]any // the request, in v2's words
	top   record         // the answer: v1 has no "result"
}

// callsV1 is DingTalk reference § 3.1 for every call the client makes.
//
// A delete is a GET, which the wire may repeat by itself when a connection
// breaks before the answer: deleting again is harmless.
var callsV1 = map[string]*v1Call{
	pathDeptCreate:    {method: http.MethodPost, path: "/department/create", fields: departmentV1, answer: (*v1Call).record, needs: "id"},
	pathDeptUpdate:    {method: http.MethodPost, path: "/department/update", fields: departmentV1},
	pathDeptDelete:    {method: http.MethodGet, path: "/department/delete", fields: departmentV1},
	pathDeptGet:       {method: http.MethodGet, path: "/department/get", fields: departmentV1, answer: (*v1Call).record, needs: "id"},
	pathDeptListSub:   {method: http.MethodGet, path: "/department/list", fields: departmentV1, fixed: map[string]string{"fetch_child": "false"}, answer: (*v1Call).children, needs: "department"},
	pathDeptListSubID: {method: http.MethodGet, path: "/department/list_ids", fields: departmentV1, answer: (*v1Call).record, needs: "sub_dept_id_list"},

	pathUserCreate:   {method: http.MethodPost, path: "/user/create", fields: personV1, answer: (*v1Call).record, needs: "userid"},
	pathUserUpdate:   {method: http.MethodPost, path: "/user/update", fields: personV1},
	pathUserDelete:   {method: http.MethodGet, path: "/user/delete", fields: personV1},
	pathUserGet:      {method: http.MethodGet, path: "/user/get", fields: personV1, answer: (*v1Call).record, needs: "userid"},
	pathUserByMobile: {method: http.MethodGet, path: "/user/get_by_mobile", fields: personV1, answer: (*v1Call).record, needs: "userid"},
	pathUserList:     {method: http.MethodGet, path: "/user/listbypage", fields: personPageV1, answer: (*v1Call).page, needs: "userlist"},
}

// speak translates a request. A field without a row in the table is a
// mistake of ours: the field tables of v1 let no such field through.
func (c *v1Call) speak(q request) (spoken, error) {
	asked, _ := q.body.(map[string]any)
	out := spoken{request: q, query: url.Values{}}
	out.method, out.path = c.method, c.path
	params := make(map[string]any, len(asked)+len(c.fixed))
	for name, value := range asked {
		f, ok := wordFor(c.fields, name)
		if !ok {
			return spoken{}, fmt.Errorf("v1 has no word for %s", name)
		}
		worded, err := f.form.send(value)
		if err != nil {
			return spoken{}, fmt.Errorf("%s: %w", name, err)
		}
		params[f.v1] = worded
	}
	if out.body = any(params); c.method == http.MethodGet {
		out.body = nil
		for name, value := range params {
			out.query.Set(name, plainV1(value))
		}
	}
	for name, value := range c.fixed {
		out.query.Set(name, value)
	}
	out.result = func(a *answer) (json.RawMessage, error) { return c.result(asked, a) }
	return out, nil
}

func wordFor(fields []v1Field, v2 string) (v1Field, bool) {
	i := slices.IndexFunc(fields, func(f v1Field) bool { return f.v2 == v2 && !f.shown })
	if i < 0 {
		return v1Field{}, false
	}
	return fields[i], true
}

// plainV1 is a value as a query has it: numbers, texts and booleans.
func plainV1(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	default:
		return fmt.Sprint(v)
	}
}

// result turns an answer into v2's form. Without the field that shows that
// the call did what it was asked it is malformed, and never taken for an
// empty list or for nobody.
func (c *v1Call) result(asked map[string]any, a *answer) (json.RawMessage, error) {
	if c.answer == nil {
		return nil, nil
	}
	var top record
	if err := json.Unmarshal(a.body, &top); err != nil {
		return nil, err
	}
	if raw := top[c.needs]; len(raw) == 0 || string(raw) == "null" {
		return nil, fmt.Errorf("it carries no %s", c.needs)
	}
	result, err := c.answer(c, v1Reading{asked: asked, top: top})
	if err != nil {
		return nil, err
	}
	return json.Marshal(result)
}

// record renames the fields of an object. What v2 has no name for is left out.
func (c *v1Call) record(r v1Reading) (any, error) { return c.rename(r.top), nil }

func (c *v1Call) rename(in record) record {
	out := make(record, len(in))
	for _, f := range c.fields {
		raw, ok := in[f.v1]
		if !ok || f.asked {
			continue
		}
		if raw = f.form.read(raw); raw != nil {
			out[f.v2] = raw
		}
	}
	return out
}

// children is the answer of department/list. Whether it lists the department
// itself is not documented, so that it and whatever is not directly below it
// is left out.
func (c *v1Call) children(r v1Reading) (any, error) {
	var list []record
	if err := json.Unmarshal(r.top["department"], &list); err != nil {
		return nil, err
	}
	asked, _ := r.asked["dept_id"].(int64)
	out := make([]record, 0, len(list))
	for _, one := range list {
		var id, parent wire.Int
		if wire.Field(one["id"], &id) != nil || wire.Field(one["parentid"], &parent) != nil || id == 0 {
			return nil, errors.New("it lists a department without an id")
		}
		if int64(id) == asked || parent != 0 && int64(parent) != asked {
			continue
		}
		out = append(out, c.rename(one))
	}
	return out, nil
}

// page is the answer of user/listbypage. v1 counts on by the size that was
// asked for and says only whether there is more. A full page that does not
// say so either is malformed: it must not look like the last one.
func (c *v1Call) page(r v1Reading) (any, error) {
	var list []record
	if err := json.Unmarshal(r.top["userlist"], &list); err != nil {
		return nil, err
	}
	var more wire.Bool
	if err := wire.Field(r.top["hasMore"], &more); err != nil {
		return nil, err
	}
	if wire.Blank(r.top["hasMore"]) && len(list) >= pageSize {
		return nil, errors.New("it does not say whether there is more")
	}
	out := map[string]any{"has_more": bool(more)}
	people := make([]record, 0, len(list))
	for _, one := range list {
		people = append(people, c.rename(one))
	}
	out["list"] = people
	if from, _ := r.asked["cursor"].(int64); bool(more) && len(list) > 0 {
		out["next_cursor"] = from + pageSize
	}
	return out, nil
}

// rowsV1 makes the rows of v2 from pairs of a department and a value.
func rowsV1(pairs []pair, column string) (json.RawMessage, error) {
	rows := make([]record, 0, len(pairs))
	for _, p := range pairs {
		rows = append(rows, record{"dept_id": json.RawMessage(strconv.FormatInt(p.dept, 10)), column: p.value})
	}
	return json.Marshal(rows)
}

// without returns a copy of a table of fields without some of them.
func without(fields map[string]field, gone map[string]string) map[string]field {
	out := maps.Clone(fields)
	for name := range gone {
		delete(out, name)
	}
	return out
}
