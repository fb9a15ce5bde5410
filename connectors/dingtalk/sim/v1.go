package dtsim

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"

	"orgflow/connectors/simctl"
)

// oldEndpoint is an API of the contact interface v1 (§ 3.1): the same
// organisation under other paths, names and shapes.
type oldEndpoint struct {
	method string // GET: the parameters are in the query
	v2     string // the API that does the work, whose permission it shares
	in     []word
	before func(map[string]json.RawMessage)                                // completes the parameters
	run    func(*Sim, *simctl.Call, *args) (any, *refusal)                 // instead of v2's
	answer func(result map[string]json.RawMessage, a *args) map[string]any // nil: nothing
}

var oldEndpoints = map[string]oldEndpoint{
	"/department/create":                    {method: http.MethodPost, v2: "/topapi/v2/department/create", in: deptWords, before: onlyForUpdates, answer: renamed("dept_id", "id")},
	"/department/update":                    {method: http.MethodPost, v2: "/topapi/v2/department/update", in: deptWords, answer: updatedDept},
	"/department/delete":                    {method: http.MethodGet, v2: "/topapi/v2/department/delete", in: deptWords},
	"/department/list":                      {method: http.MethodGet, v2: "/topapi/v2/department/listsub", in: deptWords, run: (*Sim).oldList, answer: renamed("list", "department")},
	"/department/get":                       {method: http.MethodGet, v2: "/topapi/v2/department/get", in: deptWords, answer: oldDept},
	"/department/list_ids":                  {method: http.MethodGet, v2: "/topapi/v2/department/listsubid", in: deptWords, answer: renamed("dept_id_list", "sub_dept_id_list")},
	"/department/list_parent_depts_by_dept": {method: http.MethodGet, v2: "/topapi/v2/department/listparentbydept", in: deptWords, answer: renamed("parent_id_list", "parentIds")},
	"/department/list_parent_depts":         {method: http.MethodGet, v2: "/topapi/v2/department/listparentbyuser", in: []word{{"userid", "userId", plain}}, answer: parentLists},
	"/user/create":                          {method: http.MethodPost, v2: "/topapi/v2/user/create", in: userWords, answer: renamed("userid", "userid", "unionId", "unionId")},
	"/user/update":                          {method: http.MethodPost, v2: "/topapi/v2/user/update", in: userWords},
	"/user/delete":                          {method: http.MethodGet, v2: "/topapi/v2/user/delete", in: userWords},
	"/user/get":                             {method: http.MethodGet, v2: "/topapi/v2/user/get", in: userWords, answer: func(r map[string]json.RawMessage, _ *args) map[string]any { return oldUser(r) }},
	"/user/simplelist":                      {method: http.MethodGet, v2: "/topapi/user/listsimple", in: pageWords, before: firstPage, answer: oldPage},
	"/user/listbypage":                      {method: http.MethodGet, v2: "/topapi/v2/user/list", in: pageWords, answer: oldPage},
	"/user/getDeptMember":                   {method: http.MethodGet, v2: "/topapi/user/listid", in: []word{{"dept_id", "deptId", plain}}, answer: renamed("userid_list", "userIds")},
	"/user/get_by_mobile":                   {method: http.MethodGet, v2: "/topapi/v2/user/getbymobile", in: userWords, answer: renamed("userid", "userid")},
	"/user/getUseridByUnionid":              {method: http.MethodGet, v2: "/topapi/user/getbyunionid", in: []word{{"unionid", "unionid", plain}}, answer: renamed("userid", "userid", "contact_type", "contactType")},
	"/user/get_org_user_count":              {method: http.MethodGet, v2: "/topapi/user/count", in: []word{{"only_active", "onlyActive", bit}}, answer: renamed("count", "count")},
}

// old answers a call of v1 by the API of v2 that does the same. Which checks
// come first is not documented; the order is that of § 13.
func (s *Sim) old(c *simctl.Call, e oldEndpoint) simctl.Answer {
	a := e.args(c)
	c.Key = endpoints[e.v2].key(a)
	if r := s.admit(c); r != nil {
		return s.failed(c, r)
	}
	if a.bad != nil {
		return s.failed(c, a.bad)
	}
	run := endpoints[e.v2].run
	if e.run != nil {
		run = e.run
	}
	result, r := run(s, c, a)
	if r != nil {
		return s.failed(c, r)
	}
	out := map[string]any{"errcode": 0, "errmsg": "ok"}
	if e.answer != nil {
		maps.Copy(out, e.answer(fieldsOf(result), a))
	}
	return simctl.JSON(http.StatusOK, simctl.OK, out)
}

// args reads the parameters of a v1 call under the names of v2.
func (e oldEndpoint) args(c *simctl.Call) *args {
	in := map[string]json.RawMessage{}
	a := &args{raw: map[string]json.RawMessage{}, call: c, old: e.in}
	if e.method == http.MethodGet {
		for name := range c.Query {
			in[name] = quoted(c.Query.Get(name))
		}
	} else if err := json.Unmarshal(c.Body, &in); err != nil {
		a.bad = refuse(43009, "需要传递的body参数不合法: the body is not a JSON object")
		return a
	}
	for _, w := range e.in {
		raw, sent := in[w.old]
		if !sent || string(raw) == "null" {
			continue
		}
		now, ok := w.form.in(raw)
		if !ok {
			code := 40035
			if w.form == numbers {
				code = 40025 // § 3.4
			}
			a.bad = refuse(code, "不合法的参数: %s", w.old)
			return a
		}
		a.raw[w.now] = now
	}
	if e.before != nil {
		e.before(a.raw)
	}
	return a
}

// onlyForUpdates takes out what a create does not know (§ 3.2).
func onlyForUpdates(in map[string]json.RawMessage) {
	for _, name := range []string{"auto_add_user", "group_contain_sub_dept", "group_contain_outer_dept", "group_contain_hidden_dept"} {
		delete(in, name)
	}
}

// firstPage gives simplelist the paging that it does not require.
func firstPage(in map[string]json.RawMessage) {
	for name, value := range map[string]string{"cursor": "0", "size": "100"} {
		if _, sent := in[name]; !sent {
			in[name] = json.RawMessage(value)
		}
	}
}

// oldList is /department/list: the sub-departments, with fetch_child those
// below them too (§ 3.1).
func (s *Sim) oldList(_ *simctl.Call, a *args) (any, *refusal) {
	id, ok := a.int("dept_id")
	if !ok {
		id = rootID
	}
	deep, _ := a.bool("fetch_child")
	if a.bad != nil {
		return nil, a.bad
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if _, r := s.readableDept(id); r != nil {
		return nil, r
	}
	list := []map[string]any{}
	for queue := []int64{id}; len(queue) > 0; queue = queue[1:] {
		for _, n := range s.dir.sortedKids(queue[0]) {
			one := map[string]any{"id": n.ID, "name": n.Name, "parentid": n.ParentID, "createDeptGroup": n.CreateGroup, "autoAddUser": n.AutoAddUser}
			if n.SourceIdentifier != "" {
				one["sourceIdentifier"] = n.SourceIdentifier
			}
			list = append(list, one)
			if deep {
				queue = append(queue, n.ID)
			}
		}
	}
	return map[string]any{"list": list}, nil
}

// renamed answers some fields of a result, given as v2's and v1's names.
func renamed(pairs ...string) func(map[string]json.RawMessage, *args) map[string]any {
	return func(result map[string]json.RawMessage, _ *args) map[string]any {
		out := map[string]any{}
		for pair := range slices.Chunk(pairs, 2) {
			out[pair[1]] = result[pair[0]]
		}
		return out
	}
}

func updatedDept(_ map[string]json.RawMessage, a *args) map[string]any {
	id, _ := a.int("dept_id")
	return map[string]any{"id": id}
}

// parentLists is the answer of list_parent_depts, in the form that its text
// gives: a list of lists.
func parentLists(result map[string]json.RawMessage, _ *args) map[string]any {
	var parents []struct {
		IDs []int64 `json:"parent_dept_id_list"`
	}
	_ = json.Unmarshal(result["parent_list"], &parents) // our own
	out := [][]int64{}
	for _, p := range parents {
		out = append(out, p.IDs)
	}
	return map[string]any{"department": out}
}

// oldPage is a page of a list; where the next one begins is not said (§ 3.1).
func oldPage(result map[string]json.RawMessage, _ *args) map[string]any {
	var people []map[string]json.RawMessage
	_ = json.Unmarshal(result["list"], &people) // our own
	list := []map[string]any{}
	for _, p := range people {
		list = append(list, oldUser(p))
	}
	return map[string]any{"userlist": list, "hasMore": result["has_more"]}
}

// fieldsOf returns a result's fields as they would be sent.
func fieldsOf(result any) map[string]json.RawMessage {
	fields := map[string]json.RawMessage{}
	if raw, err := json.Marshal(result); err == nil {
		_ = json.Unmarshal(raw, &fields) // no result has no fields
	}
	return fields
}

// quoted is a text as JSON; a text always encodes.
func quoted(s string) json.RawMessage {
	raw, _ := json.Marshal(s)
	return raw
}
