package wecom

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"orgflow"
	"orgflow/connectors"
)

// column is a column of the members' import file (WeCom reference § 6).
type column struct {
	caption string
	field   string // wire name
}

// peopleColumns are those whose content is documented. 性别 is not: the file
// wants words where the API takes numbers, and no source says which.
var peopleColumns = []column{
	{"姓名", "name"}, {"帐号", "userid"}, {"手机号", "mobile"}, {"邮箱", "email"}, {"所在部门", "department"}, {"职位", "position"},
	{"是否部门内领导", isLeader}, {"排序", "order"}, {"别名", "alias"}, {"地址", "address"}, {"座机", "telephone"}, {"禁用", "enable"},
}

var departmentColumns = []string{"部门名称", "部门ID", "父部门ID", "排序"}

// maxFile is the largest file that media/upload takes, in bytes.
const maxFile = 20 << 20

// PeopleFiles are import files with what they cannot carry.
type PeopleFiles struct {
	Imports []Import
	// Rest names, by userid, the fields that have no column: they have to
	// follow as updates of their own once the import is done.
	Rest map[string][]string
	// Refused are rows that are in no file, by userid.
	Refused map[string]*orgflow.Fault
}

// ImportPeople makes the files of an incremental import (batch/syncuser) of
// these inserts and updates. Each effect must carry the record's whole
// payload: a row is created or updated as it stands.
//
// Rows with different fields filled go into different files, because whether
// an empty cell clears is not documented, while a column that is absent
// certainly leaves the field alone. known tells which departments exist: for
// any other id WeCom would create a department by itself, so a row that names
// one is refused here.
func ImportPeople(rows []connectors.Effect, known func(id int64) bool) PeopleFiles {
	out := PeopleFiles{Rest: map[string][]string{}, Refused: map[string]*orgflow.Fault{}}
	groups := map[string][]importRow{}
	var order []string
	for _, e := range rows {
		row, err := importable(e, known)
		if err != nil {
			out.Refused[row.id] = orgflow.AsFault(err)
			continue
		}
		if len(row.rest) > 0 {
			out.Rest[row.id] = row.rest
		}
		key := strings.Join(row.captions, "\x00")
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], row)
	}
	for _, key := range order {
		out.Imports = append(out.Imports, peopleImports(groups[key])...)
	}
	return out
}

// importRow is one line of a file.
type importRow struct {
	id              string
	captions, cells []string
	rest            []string
}

// importable turns a person's effect into a row.
func importable(e connectors.Effect, known func(id int64) bool) (row importRow, err error) {
	row.id, _ = e.Fields["userid"].(string)
	if row.id == "" {
		row.id = e.ConsumerID
	}
	if e.Kind != orgflow.Person || e.Op == orgflow.Delete || len(e.Clear) > 0 {
		return row, refuse("", "only whole inserts and updates of persons that clear nothing go into an import file")
	}
	p, err := personFields.build(connectors.Effect{Kind: e.Kind, Op: orgflow.Insert, Fields: e.Fields, Ext: e.Ext})
	if err != nil {
		return row, err
	}
	p.body["userid"] = row.id
	if err := requirePerson(p.body); err != nil {
		return row, err
	}
	for _, dept := range p.body["department"].([]int64) {
		if !known(dept) {
			return row, &orgflow.Fault{
				Code: orgflow.CodeBlocked, Field: "department", Message: fmt.Sprintf("department %d is not at WeCom, which would create one of this id by itself", dept),
				Advice: "create the department first; nothing was sent",
			}
		}
	}
	return row.fill(p.body), nil
}

// fill puts the fields into their columns.
func (row importRow) fill(body map[string]any) importRow {
	for _, c := range peopleColumns {
		if v, given := body[c.field]; given {
			row.captions, row.cells = append(row.captions, c.caption), append(row.cells, cell(c.field, v))
		}
	}
	for _, name := range sortedNames(body) {
		if name == "to_invite" {
			continue // belongs to the job
		}
		if ext, isExt := body[name].(map[string]any); isExt && name == extAttr {
			row.fillAttributes(ext)
			continue
		}
		if !slices.ContainsFunc(peopleColumns, func(c column) bool { return c.field == name }) {
			row.rest = append(row.rest, name)
		}
	}
	return row
}

// fillAttributes appends a column for each custom text attribute, named
// after it; a web attribute, or one named like a column, has none.
func (row *importRow) fillAttributes(ext map[string]any) {
	attrs, _ := ext["attrs"].([]map[string]any)
	for _, attr := range attrs {
		label, _ := attr["name"].(string)
		value, isText := attr["text"].(map[string]any)
		if s, _ := value["value"].(string); isText && !slices.ContainsFunc(peopleColumns, func(c column) bool { return c.caption == label }) && label != "性别" {
			row.captions, row.cells = append(row.captions, label), append(row.cells, s)
		} else {
			row.rest = append(row.rest, orgflow.ExtPrefix+label)
		}
	}
}

// cell writes a wire value: lists joined with semicolons, 禁用 the other way
// round than enable.
func cell(field string, v any) string {
	switch v := v.(type) {
	case []int64:
		parts := make([]string, len(v))
		for i, n := range v {
			parts[i] = strconv.FormatInt(n, 10)
		}
		return strings.Join(parts, ";")
	case int64:
		if field == "enable" {
			v = 1 - v
		}
		return strconv.FormatInt(v, 10)
	}
	return fmt.Sprint(v)
}

// peopleImports writes rows of the same columns, in files that may be
// uploaded.
func peopleImports(rows []importRow) []Import {
	var out []Import
	for len(rows) > 0 {
		n := len(rows)
		file := writeCSV(rows[0].captions, rows)
		for len(file) > maxFile && n > 1 {
			n /= 2
			file = writeCSV(rows[0].captions, rows[:n])
		}
		ids := make([]string, n)
		for i, row := range rows[:n] {
			ids[i] = row.id
		}
		out = append(out, Import{Kind: SyncPeople, File: file, IDs: ids})
		rows = rows[n:]
	}
	return out
}

func writeCSV(header []string, rows []importRow) []byte {
	var buf bytes.Buffer
	w := csv.NewWriter(&buf)
	_ = w.Write(header) // a buffer takes everything
	for _, row := range rows {
		_ = w.Write(row.cells)
	}
	w.Flush()
	return buf.Bytes()
}

// ImportDepartment is a row of the departments' file.
type ImportDepartment struct {
	ID, ParentID int64
	Name         string
	Order        int64 // 0 leaves it
}

// ChosenID is the id under which the department of a key is created
// (deptid.go), unless it is another's.
func ChosenID(key string) int64 { return candidate(key, 0) }

// ImportDepartments makes the file of a full import of departments
// (batch/replaceparty), parents first. What is not in it WeCom deletes, at
// once or whenever it becomes empty: so the file must name every department
// that exists but the root, and one that does not is refused.
func ImportDepartments(rows []ImportDepartment, existing []int64) (Import, error) {
	inFile := map[int64]bool{1: true}
	lines := make([]importRow, 0, len(rows))
	for _, d := range rows {
		name, err := departmentFields.fields["name"].coerceText(d.Name)
		switch {
		case err != nil:
			return Import{}, refuse("name", fmt.Sprintf("of department %d %v", d.ID, err))
		case d.ID <= 1 || d.ID > maxDepartmentID || inFile[d.ID]:
			return Import{}, refuse("id", fmt.Sprintf("department %d is there twice or has an id that WeCom does not take", d.ID))
		case !inFile[d.ParentID]:
			return Import{}, refuse("parentid", fmt.Sprintf("the parent of department %d must stand before it in the file", d.ID))
		}
		inFile[d.ID] = true
		order := ""
		if d.Order > 0 {
			order = strconv.FormatInt(d.Order, 10)
		}
		id := strconv.FormatInt(d.ID, 10)
		lines = append(lines, importRow{id: id, cells: []string{name, id, strconv.FormatInt(d.ParentID, 10), order}})
	}
	for _, id := range existing {
		if !inFile[id] {
			return Import{}, refuse("id", fmt.Sprintf("department %d exists and is not in the file, so that WeCom would delete it; delete departments one by one", id))
		}
	}
	imp := Import{Kind: ReplaceDepartments, File: writeCSV(departmentColumns, lines)}
	for _, line := range lines {
		imp.IDs = append(imp.IDs, line.id)
	}
	if len(imp.File) > maxFile {
		return Import{}, orgflow.Faultf(orgflow.CodeInvalidRecord, "the file of all departments has %d bytes, WeCom takes %d", len(imp.File), maxFile)
	}
	return imp, nil
}

// MassDelete tells whether WeCom would refuse a full import that deletes so
// many of its members (45026): more than 50 that are more than a fifth, or
// fewer that are more than four fifths (WeCom reference § 6; 50 itself is
// counted with the larger numbers). The limit is there to be obeyed, never to
// be got around with smaller files.
func MassDelete(deletes, members int) bool {
	if deletes >= 50 {
		return deletes*5 > members
	}
	return deletes*5 > members*4
}
