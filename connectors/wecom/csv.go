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

// maxFile is the largest file that media/upload takes, in bytes.
const maxFile = 20 << 20

// importFiles makes the files of an incremental import (batch/syncuser) of
// these inserts and updates of persons.
//
// Rows with different fields filled go into different files, because whether
// an empty cell clears is not documented, while a column that is absent
// certainly leaves the field alone. For a department that does not exist
// WeCom would create one by itself, so a row that names one is refused here.
func importFiles(effects []connectors.Effect, at standing) connectors.ImportPlan {
	plan := connectors.ImportPlan{Refused: map[int]*orgflow.Fault{}}
	groups := map[string][]importRow{}
	var order []string
	for i, e := range effects {
		row, fits, err := at.row(e)
		if err != nil {
			plan.Refused[i] = orgflow.AsFault(err)
			continue
		}
		if !fits {
			continue
		}
		row.effect = i
		key := strings.Join(row.captions, "\x00")
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], row)
	}
	for _, key := range order {
		if len(groups[key]) >= importWorth {
			plan.Files = append(plan.Files, peopleImports(groups[key])...)
		}
	}
	return plan
}

// importRow is one line of a file.
type importRow struct {
	effect          int
	id              string
	captions, cells []string
	rest            []string // fields that have no column
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
			continue // belongs to the job (standing.row)
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
		if s, _ := value["value"].(string); isText && !slices.ContainsFunc(peopleColumns, func(c column) bool { return c.caption == label }) && label != "性别" && !strings.HasPrefix(label, "禁用项说明") {
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
func peopleImports(rows []importRow) []connectors.Import {
	var out []connectors.Import
	for len(rows) > 0 {
		n := len(rows)
		file := writeCSV(rows[0].captions, rows)
		for len(file) > maxFile && n > 1 {
			n /= 2
			file = writeCSV(rows[0].captions, rows[:n])
		}
		imp := connectors.Import{Kind: SyncPeople, File: file, IDs: make([]string, n), Effects: make([]int, n)}
		for i, row := range rows[:n] {
			imp.IDs[i], imp.Effects[i] = row.id, row.effect
		}
		out = append(out, imp)
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
