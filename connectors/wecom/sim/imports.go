package wcsim

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"orgflow/connectors/simctl"
)

// table is an import file.
type table struct {
	header []string
	rows   [][]string
}

func (t table) cell(row []string, caption string) string {
	if at := slices.Index(t.header, caption); at >= 0 && at < len(row) {
		return strings.TrimSpace(row[at])
	}
	return ""
}

// captions are the members' columns (§ 6) with their parameters.
var captions = map[string]string{
	"姓名": "name", "帐号": "userid", "手机号": "mobile", "邮箱": "email", "所在部门": "department", "职位": "position", "性别": "",
	"是否部门内领导": "is_leader_in_dept", "排序": "order", "别名": "alias", "地址": "address", "座机": "telephone", "禁用": "enable",
}

// readTable reads a file, with or without a byte order mark.
func readTable(raw []byte, kind string) (table, *refusal) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(raw, []byte("\ufeff"))))
	r.FieldsPerRecord = -1
	lines, err := r.ReadAll()
	if err != nil || len(lines) < 2 {
		return table{}, coded(40092)
	}
	t := table{lines[0], lines[1:]}
	needed := []string{"帐号"}
	if kind == "replace_party" {
		needed = []string{"部门名称", "部门ID", "父部门ID"}
	}
	for _, caption := range needed {
		if !slices.Contains(t.header, caption) {
			return table{}, coded(40092)
		}
	}
	return t, nil
}

// perform carries out a job and says what became of each line. The caller
// holds s.mu.
func (s *Sim) perform(j *job, t table) []jobLine {
	if j.Type == "replace_party" {
		return s.performParties(t)
	}
	gone := []string{}
	if j.Type == "replace_user" {
		gone = s.dir.absent(t)
	}
	var lines []jobLine
	for _, row := range t.rows {
		line := jobLine{UserID: t.cell(row, "帐号"), ErrMsg: "ok"}
		if r := s.importUser(j, t, row); r != nil {
			line.ErrCode, line.ErrMsg = r.code, r.text
		}
		lines = append(lines, line)
	}
	for _, id := range gone {
		if changes, r := s.removal([]string{id}); r == nil {
			_ = s.commit(changes...) // a line for them is not documented
		}
	}
	return lines
}

// importUser creates or updates one member.
func (s *Sim) importUser(j *job, t table, row []string) *refusal {
	a := &args{raw: map[string]json.RawMessage{"to_invite": encoded(j.Invite)}, call: &simctl.Call{}}
	var attrs []Attribute
	for i, caption := range t.header {
		value := ""
		if i < len(row) {
			value = strings.TrimSpace(row[i])
		}
		name, known := captions[caption]
		switch {
		case strings.HasPrefix(caption, "禁用项说明"):
		case !known:
			attrs = append(attrs, Attribute{Name: caption, Text: &AttrTxt{value}})
		case name == "" || value == "":
		default:
			if !s.importCell(a, name, value) {
				return coded(41019)
			}
		}
	}
	if len(attrs) > 0 {
		a.raw["extattr"] = encoded(Attributes{attrs})
	}
	check := s.newUser
	if s.dir.user(t.cell(row, "帐号")) != nil {
		check = s.changedUser
	}
	u, r := check(a)
	if r == nil && s.commit(userChange(u)) != nil {
		return coded(-1)
	}
	return r
}

// importCell turns a cell into a parameter; false if it is malformed.
func (s *Sim) importCell(a *args, name, value string) bool {
	switch name {
	case "department", "order", "is_leader_in_dept":
		list, ok := numbers(value)
		if !ok {
			return false
		}
		if name == "department" {
			s.pendingDepartments(list)
		}
		a.raw[name] = encoded(list)
	case "enable":
		a.raw[name] = encoded(map[bool]int{true: 0, false: 1}[value == "1"])
	default:
		a.raw[name] = encoded(value)
	}
	return true
}

func numbers(list string) ([]int64, bool) {
	var out []int64
	for part := range strings.SplitSeq(list, ";") {
		n, err := strconv.ParseInt(strings.TrimSpace(part), 10, 64)
		if err != nil {
			return nil, false
		}
		out = append(out, n)
	}
	return out, true
}

// pendingDepartments creates departments that a file names and nobody has
// created, below 其他（待设置部门） (§ 6, since 2024-05-15).
func (s *Sim) pendingDepartments(ids []int64) {
	const pending = "其他（待设置部门）"
	for _, id := range ids {
		if s.dir.Depts[id] != nil || id <= 1 || id > maxID {
			continue
		}
		home, ok := s.dir.Kids[rootID][pending]
		if !ok {
			home = s.dir.lastDept + 1
			_ = s.commit(deptChange(&Department{ID: home, Name: pending, ParentID: rootID}))
		}
		_ = s.commit(deptChange(&Department{ID: id, Name: "待设置部门" + strconv.FormatInt(id, 10), ParentID: home}))
	}
}

// performParties makes the tree what the file says: rows that are missing
// are deleted once empty.
func (s *Sim) performParties(t table) []jobLine {
	var lines []jobLine
	named := map[int64]bool{rootID: true}
	for _, row := range t.rows {
		id, _ := strconv.ParseInt(t.cell(row, "部门ID"), 10, 64)
		named[id] = true
		action, r := s.importParty(t, row, id)
		line := jobLine{PartyID: id, Action: action, ErrMsg: "ok"}
		if r != nil {
			line.ErrCode, line.ErrMsg = r.code, r.text
		}
		lines = append(lines, line)
	}
	for again := true; again; { // leaves first
		again = false
		for id := range s.dir.Depts {
			if !named[id] && s.dir.nodes(id) == 0 {
				_ = s.commit(simctl.Change{Kind: kindDept, ID: strconv.FormatInt(id, 10)})
				again = true
				break
			}
		}
	}
	return lines
}

// importParty creates or changes one department. The action is a bit mask: 1
// new, 2 renamed, 4 moved, 8 reordered.
func (s *Sim) importParty(t table, row []string, id int64) (action int, _ *refusal) {
	parent, _ := strconv.ParseInt(t.cell(row, "父部门ID"), 10, 64)
	order, _ := strconv.ParseInt(t.cell(row, "排序"), 10, 64)
	n := &Department{ID: id, Name: t.cell(row, "部门名称"), ParentID: parent, Order: order}
	if id <= 1 || id > maxID {
		return 0, coded(60123)
	}
	levels := 1
	old := s.dir.Depts[id]
	if old == nil {
		action = 1
	} else {
		levels, n.NameEN = s.dir.Height(id), old.NameEN
		if n.Name != old.Name {
			action |= 2
		}
		if n.ParentID != old.ParentID {
			action |= 4
		}
		if order == 0 {
			n.Order = old.Order
		} else if order != old.Order {
			action |= 8
		}
	}
	if r := fillDept(n, &args{}); r != nil {
		return action, r
	}
	if r := s.dir.checkPlace(n, levels); r != nil {
		return action, r
	}
	if s.commit(deptChange(n)) != nil {
		return action, coded(-1)
	}
	return action, nil
}
