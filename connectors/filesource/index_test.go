package filesource

import (
	"fmt"
	"strings"
	"testing"

	"orgflow"
)

// A lookup by one value gives what an ordinary read gives, whatever the
// value, before and after the file was changed.
func TestLookupsAgreeWithReads(t *testing.T) {
	var csv, json strings.Builder
	csv.WriteString("id,number,departments.0.id,departments.1.id\n")
	json.WriteString("[")
	for i := range 30 {
		fmt.Fprintf(&csv, "%d,E%d,%d,%d\n\n", i, i%20, i, i+1)
		fmt.Fprintf(&json, " {\"id\": %d.0, \"number\": \"E%d\", \"departments\": [{\"id\": %d}, {\"id\": %d}], \"odd\": %v} ,\n", i, i%20, i, i+1, i == 7)
	}
	for name, content := range map[string]string{"Employee.csv": csv.String(), "Employee.json": strings.TrimSuffix(json.String(), ",\n") + "]"} {
		f := newFolder(t, map[string]string{name: content})
		for _, filter := range []string{`{"id": 7}`, `{"id": "29"}`, `{"id": 0}`, `{"id": 30}`, `{"number": "E3"}`, `{"number": "E15"}`, `{"number": "E19"}`,
			`{"departments.id": 0}`, `{"departments.id": 5}`, `{"id": [3, 99]}`, `{"id": [3, 4]}`, `{"number": ["E15", "E16"]}`} {
			for range 2 {
				got, err := f.ReadPage(t.Context(), query(1, filter), "")
				rows, reading, err2 := readAll(t.Context(), f.dir, query(100, filter))
				if err != nil || err2 != nil || got.Declared != reading.Declared || (len(got.Rows) == 1) != (len(rows) > 0) || (got.Next != "") != (len(rows) > 1) {
					t.Errorf("%s %s: %+v of %v, %v %v", name, filter, got, rows, err, err2)
				}
				if len(rows) > 0 && len(got.Rows) > 0 && string(got.Rows[0]) != rows[0] {
					t.Errorf("%s %s: %s, want %s", name, filter, got.Rows[0], rows[0])
				}
			}
		}
	}
	f := newFolder(t, map[string]string{"Employee.csv": "id,name\n1,a\n2,b\n"})
	for _, want := range []string{`{"id":"2","name":"b"}`, `{"id":"2","name":"c"}`} {
		page, err := f.ReadPage(t.Context(), query(1, `{"id": 2}`), "")
		if err != nil || len(page.Rows) != 1 || string(page.Rows[0]) != want {
			t.Errorf("%s, %v; want %s", page.Rows, err, want)
		}
		f.write(t, "Employee.csv", "id,name\n0,z\n1,a\n2,c\n")
	}
	f.write(t, "Employee.csv", "id,name\n1,a\n2\n")
	_, err := f.ReadPage(t.Context(), query(1, `{"id": 1}`), "")
	wantFault(t, err, orgflow.CodePartialRead, "line 3 has 1 columns")
}
