package wecom

import (
	"fmt"
	"strconv"

	"orgflow"
	"orgflow/connectors"
)

var departmentColumns = []string{"部门名称", "部门ID", "父部门ID", "排序"}

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
func ImportDepartments(rows []ImportDepartment, existing []int64) (connectors.Import, error) {
	inFile := map[int64]bool{1: true}
	lines := make([]importRow, 0, len(rows))
	for _, d := range rows {
		name, err := departmentFields.fields["name"].coerceText(d.Name)
		switch {
		case err != nil:
			return connectors.Import{}, connectors.Refuse("name", fmt.Sprintf("of department %d %v", d.ID, err))
		case d.ID <= 1 || d.ID > maxDepartmentID || inFile[d.ID]:
			return connectors.Import{}, connectors.Refuse("id", fmt.Sprintf("department %d is there twice or has an id that WeCom does not take", d.ID))
		case !inFile[d.ParentID]:
			return connectors.Import{}, connectors.Refuse("parentid", fmt.Sprintf("the parent of department %d must stand before it in the file", d.ID))
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
			return connectors.Import{}, connectors.Refuse("id", fmt.Sprintf("department %d exists and is not in the file, so that WeCom would delete it; delete departments one by one", id))
		}
	}
	imp := connectors.Import{Kind: ReplaceDepartments, File: writeCSV(departmentColumns, lines)}
	for _, line := range lines {
		imp.IDs = append(imp.IDs, line.id)
	}
	if len(imp.File) > maxFile {
		return connectors.Import{}, orgflow.Faultf(orgflow.CodeInvalidRecord, "the file of all departments has %d bytes, WeCom takes %d", len(imp.File), maxFile)
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
