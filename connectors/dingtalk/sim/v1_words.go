package dtsim

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// word is a parameter's name in v2 and in v1 (§ 3.6).
type word struct {
	now, old string
	form     form
}

// form is how v1 writes a value.
type form uint8

const (
	plain   form = iota
	bars         // "a|b" for "a,b"
	numbers      // [1,2] for "1,2", also as text
	attrs        // an object for its text; the text is taken too
	orders       // "{1:10}" for a list of objects
	titles
	bit // 0 or 1 for a boolean
)

var deptWords = []word{
	{"dept_id", "id", plain}, {"fetch_child", "fetch_child", plain},
	{"name", "name", plain}, {"parent_id", "parentid", plain}, {"order", "order", plain},
	{"create_dept_group", "createDeptGroup", plain}, {"auto_add_user", "autoAddUser", plain}, {"hide_dept", "deptHiding", plain},
	{"dept_permits", "deptPermits", bars}, {"user_permits", "userPermits", bars}, {"outer_dept", "outerDept", plain},
	{"outer_permit_depts", "outerPermitDepts", bars}, {"outer_permit_users", "outerPermitUsers", bars},
	{"outer_dept_only_self", "outerDeptOnlySelf", plain}, {"source_identifier", "sourceIdentifier", plain},
	{"auto_approve_apply", "autoApproveApply", plain}, {"extension", "ext", plain}, {"org_dept_owner", "orgDeptOwner", plain},
	{"dept_manager_userid_list", "deptManagerUseridList", bars}, {"group_contain_sub_dept", "groupContainSubDept", plain},
	{"group_contain_outer_dept", "groupContainOuterDept", plain}, {"group_contain_hidden_dept", "groupContainHiddenDept", plain},
}

var userWords = []word{
	{"userid", "userid", plain}, {"name", "name", plain}, {"mobile", "mobile", plain}, {"dept_id_list", "department", numbers},
	{"dept_order_list", "orderInDepts", orders}, {"dept_title_list", "positionInDepts", titles}, {"title", "position", plain},
	{"telephone", "tel", plain}, {"work_place", "workPlace", plain}, {"remark", "remark", plain}, {"email", "email", plain},
	{"org_email", "orgEmail", plain}, {"job_number", "jobnumber", plain}, {"hide_mobile", "isHide", plain}, {"senior_mode", "isSenior", plain},
	{"extension", "extattr", attrs}, {"hired_date", "hiredDate", plain}, {"manager_userid", "managerUserid", plain},
}

var pageWords = []word{
	{"dept_id", "department_id", plain}, {"cursor", "offset", plain}, {"size", "size", plain}, {"order_field", "order", plain},
}

// oldName is what v1 calls a parameter.
func oldName(words []word, now string) string {
	for _, w := range words {
		if w.now == now {
			return w.old
		}
	}
	return now
}

// mapText is a map as v1 writes it in a text: keys are numbers without quotes.
var mapText = regexp.MustCompile(`^\{\s*("?\d+"?\s*:\s*("[^"]*"|-?\d+)\s*(,\s*"?\d+"?\s*:\s*("[^"]*"|-?\d+)\s*)*)?\}$`)

var mapEntry = regexp.MustCompile(`"?(\d+)"?\s*:\s*("[^"]*"|-?\d+)`)

// in turns a value into v2's form; false is one in a form v1 does not take.
func (f form) in(raw json.RawMessage) (json.RawMessage, bool) {
	text, isText := string(raw), false
	if raw[0] == '"' {
		isText = json.Unmarshal(raw, &text) == nil
	}
	switch f {
	case bars:
		return quoted(strings.ReplaceAll(text, "|", ",")), isText
	case numbers:
		var list []json.Number
		if json.Unmarshal([]byte(text), &list) != nil || len(list) == 0 {
			return nil, false
		}
		ids := make([]string, len(list))
		for i, n := range list {
			ids[i] = n.String()
		}
		return quoted(strings.Join(ids, ",")), true
	case attrs:
		if text != "" && !strings.HasPrefix(text, "{") {
			return nil, false
		}
		encoded, err := json.Marshal(text)
		return encoded, err == nil
	case orders, titles:
		if !isText || !mapText.MatchString(text) {
			return nil, false
		}
		column := map[form]string{orders: "order", titles: "title"}[f]
		rows := []string{}
		for _, e := range mapEntry.FindAllStringSubmatch(text, -1) {
			rows = append(rows, fmt.Sprintf(`{"dept_id":%s,%q:%s}`, e[1], column, e[2]))
		}
		return json.RawMessage("[" + strings.Join(rows, ",") + "]"), true
	case bit:
		return json.RawMessage(strconv.FormatBool(text == "1")), text == "0" || text == "1"
	default:
		return raw, true
	}
}

// oldDept is the answer of /department/get (§ 3.3). Lists are joined texts,
// empty where there is nobody.
func oldDept(result map[string]json.RawMessage, _ *args) map[string]any {
	out := map[string]any{}
	for _, w := range deptWords {
		raw, shown := result[w.now]
		switch {
		case slices.Contains([]string{"outer_dept_only_self", "extension", "group_contain_outer_dept", "group_contain_hidden_dept"}, w.now):
		case w.form == bars:
			var list []any
			_ = json.Unmarshal(raw, &list) // absent is empty
			parts := make([]string, len(list))
			for i, v := range list {
				parts[i] = jsonText(v)
			}
			out[w.old] = strings.Join(parts, "|")
		case shown:
			out[w.old] = raw
		}
	}
	return out
}

func jsonText(v any) string {
	if n, ok := v.(float64); ok {
		return strconv.FormatFloat(n, 'f', -1, 64) // a department id
	}
	return fmt.Sprint(v)
}

// oldUser is a person of /user/get (§ 3.5) or of a list, which shows order
// and isLeader of the department instead of the maps.
func oldUser(p map[string]json.RawMessage) map[string]any {
	out := map[string]any{}
	for _, w := range userWords {
		if raw, shown := p[w.now]; shown && w.form == plain {
			out[w.old] = raw
		}
	}
	for now, old := range map[string]string{
		"unionid": "unionid", "active": "active", "admin": "isAdmin", "boss": "isBoss", "senior": "isSenior", "real_authed": "realAuthed",
		"state_code": "stateCode", "dept_id_list": "department", "dept_order": "order", "leader": "isLeader",
	} {
		if raw, shown := p[now]; shown {
			out[old] = raw
		}
	}
	if raw, shown := p["dept_order_list"]; shown {
		var rows []DeptOrder
		_ = json.Unmarshal(raw, &rows) // our own
		out["orderInDepts"] = asMapText(rows, func(r DeptOrder) (int64, any) { return r.DeptID, r.Order })
	}
	if raw, shown := p["leader_in_dept"]; shown {
		var rows []leaderIn
		_ = json.Unmarshal(raw, &rows) // our own
		out["isLeaderInDepts"] = asMapText(rows, func(r leaderIn) (int64, any) { return r.DeptID, r.Leader })
	}
	if raw, shown := p["extension"]; shown {
		var text string
		_ = json.Unmarshal(raw, &text) // our own
		out["extattr"] = json.RawMessage(text)
	}
	return out
}

func asMapText[T any](rows []T, entry func(T) (int64, any)) string {
	parts := make([]string, len(rows))
	for i, r := range rows {
		dept, value := entry(r)
		parts[i] = fmt.Sprintf("%d:%v", dept, value)
	}
	return "{" + strings.Join(parts, ",") + "}"
}
