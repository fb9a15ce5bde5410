package filesource

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/connectors"
)

const threePeople = "id,name,department.origin_id,departments.0.origin_id,departments.1.origin_id\r\n" +
	"1001,张三,11,11,12\r\n1002,\"李,四 \"\"小李\"\"\",11,11,\r\n1003,\"王\r\n五\",,,\r\n"

var threeRows = []string{
	`{"department":{"origin_id":"11"},"departments":[{"origin_id":"11"},{"origin_id":"12"}],"id":"1001","name":"张三"}`,
	`{"department":{"origin_id":"11"},"departments":[{"origin_id":"11"}],"id":"1002","name":"李,四 \"小李\""}`,
	`{"id":"1003","name":"王\n五"}`,
}

func TestCSVAsPeopleAndExcelWriteIt(t *testing.T) {
	for name, content := range map[string]string{
		"UTF-8":               threePeople,
		"UTF-8 with a mark":   bom + threePeople,
		"GB18030":             gbk(t, threePeople),
		"only line feeds":     strings.ReplaceAll(threePeople, "\r\n", "\n"),
		"sep line":            "sep=,\r\n" + threePeople,
		"mark and sep line":   bom + "sep=,\r\n" + threePeople,
		"blank header ends":   strings.Replace(strings.ReplaceAll(threePeople, "\r\n", ",,\r\n"), "\"王,,\r\n五\"", "\"王\r\n五\"", 1),
		"cleared rows":        strings.Replace(threePeople, "1002", ",,,,\r\n\r\n1002", 1) + ",,,,\r\n",
		"blanks in header":    strings.Replace(threePeople, "id,name", " id , name", 1),
		"blanks around cells": strings.Replace(threePeople, "1001,张三", " 1001 ,　张三 ", 1),
		"protected numbers":   strings.Replace(threePeople, "1001", `"=""1001"""`, 1),
		"JSON in a cell": strings.NewReplacer("departments.0.origin_id,departments.1.origin_id", "departments", ",11,12\r", `,"[{""origin_id"":""11""},{""origin_id"":""12""}]"`+"\r",
			",11,11,\r", `,11,"[{""origin_id"":""11""}]"`+"\r", ",,,\r", ",,\r").Replace(threePeople),
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t, map[string]string{"Employee.csv": content})
			for size := 1; size <= 4; size++ {
				rows, reading, err := readAll(t.Context(), f.dir, query(size, ""))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(threeRows, rows); diff != "" {
					t.Errorf("pages of %d:\n%s", size, diff)
				}
				if ok, cause := reading.Proof(); !ok || reading.Declared != 3 {
					t.Errorf("declared %d, %s", reading.Declared, cause)
				}
			}
		})
	}
	for _, separator := range []string{";", "\t"} {
		f := newFolder(t, map[string]string{"Employee.csv": strings.ReplaceAll("id,name\n1,\"a;b\tc\"\n", ",", separator)})
		if rows, _, err := readAll(t.Context(), f.dir, query(0, "")); err != nil || len(rows) != 1 || rows[0] != `{"id":"1","name":"a;b\tc"}` {
			t.Errorf("%q: %v %v", separator, rows, err)
		}
	}
}

func TestJSONFiles(t *testing.T) {
	list := ` [ {"id": 1001.0, "name": "<张三>", "n": 12345678901234567890} ,
	{"id":1002,"departments":[{"origin_id":11}]},{}, {"id":"[,]"}]  ` + "\n"
	want := []string{`{"id":1001.0,"name":"<张三>","n":12345678901234567890}`, `{"id":1002,"departments":[{"origin_id":11}]}`, `{}`, `{"id":"[,]"}`}
	for name, content := range map[string]string{
		"list": list, "list with a mark": bom + list, "rows": `{"rows":` + list + "}", "rows with a mark": bom + `{ "rows" :` + list + " } ",
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t, map[string]string{"Employee.json": content})
			for size := 1; size <= 5; size++ {
				rows, reading, err := readAll(t.Context(), f.dir, query(size, ""))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, rows); diff != "" {
					t.Errorf("pages of %d:\n%s", size, diff)
				}
				if ok, cause := reading.Proof(); !ok || reading.Declared != 4 {
					t.Errorf("declared %d, %s", reading.Declared, cause)
				}
			}
		})
	}
}

// No rows is a statement; the safeguards judge it. A file that is not there
// or cannot be read says nothing.
func TestEmptyIsComplete(t *testing.T) {
	for name, content := range map[string]string{"Employee.json": "[]", "Employee.csv": "id,name\n"} {
		f := newFolder(t, map[string]string{name: content})
		page, err := f.ReadPage(t.Context(), query(0, ""), "")
		var reading connectors.Reading
		reading.Add(page, 0)
		if ok, cause := reading.Proof(); err != nil || !ok || page.Declared != 0 {
			t.Errorf("%s: %+v, %v, %s", name, page, err, cause)
		}
	}
}

func TestBrokenFilesAreNeverShorterOnes(t *testing.T) {
	secret := "机密"
	for name, c := range map[string]struct {
		file, content string
		code          orgflow.Code
		text          string
	}{
		"missing":               {"Other.csv", "id\n", orgflow.CodeInvalidConfig, "there is neither Employee.json nor Employee.csv"},
		"no header":             {"Employee.csv", "", orgflow.CodePartialRead, "even the header is missing"},
		"blank header":          {"Employee.csv", "\n\n", orgflow.CodePartialRead, "the header is missing"},
		"header twice":          {"Employee.csv", "id,name,id\n", orgflow.CodeInvalidConfig, `column 3, "id": is column 1 already`},
		"header contradicts":    {"Employee.csv", "a,a.b\n", orgflow.CodeInvalidConfig, "Employee.csv: the header is not usable: column 2"},
		"cut inside the line":   {"Employee.csv", "id,name\n1,a\n2", orgflow.CodePartialRead, "may be cut off"},
		"cut inside the cell":   {"Employee.csv", "id,name\n1,a\n2,b" + secret, orgflow.CodePartialRead, "may be cut off"},
		"cut inside a quote":    {"Employee.csv", "id,name\n1,\"a\n", orgflow.CodePartialRead, "line 2, column"},
		"short line":            {"Employee.csv", "id,name\n1,a\n2\n3,c\n", orgflow.CodePartialRead, "line 3 has 1 columns, the header 2"},
		"long line":             {"Employee.csv", "id,name\n1,a,b\n", orgflow.CodePartialRead, "line 2 has 3 columns"},
		"old Mac lines":         {"Employee.csv", "id,name\r1,a\r2,b\n", orgflow.CodePartialRead, "lines must end with a line feed"},
		"carriage return last":  {"Employee.csv", "id,name\r1,a\r", orgflow.CodePartialRead, "does not end with a line break"},
		"bare quote":            {"Employee.csv", "id,name\n1,a\"" + secret + "\n", orgflow.CodePartialRead, "line 2, column"},
		"unnamed column":        {"Employee.csv", "id,,\n1,,x\n", orgflow.CodePartialRead, "line 2, column 3 has a value, but the header does not name the column"},
		"rounded number":        {"Employee.csv", "id,mobile\n1,1.00E+10\n", orgflow.CodePartialRead, "line 2, column 2 (mobile) was rounded by Excel"},
		"failed formula":        {"Employee.csv", "id,name\n1,#N/A\n", orgflow.CodePartialRead, "holds an error of Excel (#N/A)"},
		"one wrong byte":        {"Employee.csv", "id,name\n1,张三李四王五\n2,赵\xff六\n", orgflow.CodePartialRead, "is no UTF-8 text: byte 35 is wrong"},
		"wrong byte after mark": {"Employee.csv", bom + "id,name\n1,\xb2\xe2\n", orgflow.CodePartialRead, "is no UTF-8 text"},
		"UTF-16":                {"Employee.csv", "\xff\xfei\x00d\x00\n\x00", orgflow.CodePartialRead, "UTF-16"},
		"endless quote":         {"Employee.csv", "id,name\n1,\"" + strings.Repeat("a\n", maxRow), orgflow.CodePartialRead, "a quote is not closed"},
		"JSON empty":            {"Employee.json", "", orgflow.CodePartialRead, "cut off"},
		"JSON cut in a row":     {"Employee.json", `[{"id":1},{"id":2,"name":"` + secret, orgflow.CodePartialRead, "cut off"},
		"JSON cut after a row":  {"Employee.json", `[{"id":1}`, orgflow.CodePartialRead, "cut off"},
		"JSON cut at a comma":   {"Employee.json", `[{"id":1},`, orgflow.CodePartialRead, "cut off"},
		"JSON wrapper cut":      {"Employee.json", `{"rows":[{"id":1}]`, orgflow.CodePartialRead, "cut off"},
		"JSON more behind":      {"Employee.json", `[{"id":1}] [`, orgflow.CodePartialRead, "something follows"},
		"JSON no list":          {"Employee.json", `{"id":1}`, orgflow.CodePartialRead, "must be a list of objects"},
		"JSON other key":        {"Employee.json", `{"rows":[],"next":2}`, orgflow.CodePartialRead, `another key beside "rows"`},
		"JSON no objects":       {"Employee.json", `[{"id":1},7]`, orgflow.CodePartialRead, "row 2 (before byte 11) is no JSON object"},
		"JSON syntax":           {"Employee.json", `[{"id":1} {"id":2}]`, orgflow.CodePartialRead, "is no JSON"},
		"JSON in GBK":           {"Employee.json", "[{\"id\":\"\xb2\xe2\"}]", orgflow.CodePartialRead, "JSON is UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t, map[string]string{c.file: c.content})
			// Pages so small that the mistake is far behind the first.
			page, err := f.ReadPage(t.Context(), query(1, ""), "")
			wantFault(t, err, c.code, c.text)
			if len(page.Rows) > 0 || strings.Contains(fmt.Sprint(err), secret) || strings.Contains(fmt.Sprint(err), f.dir) {
				t.Errorf("%v, %v", page, err)
			}
		})
	}
}

func TestBothFilesIsAmbiguous(t *testing.T) {
	f := newFolder(t, map[string]string{"Employee.json": "[]", "Employee.csv": "id\n"})
	_, err := f.ReadPage(t.Context(), query(0, ""), "")
	wantFault(t, err, orgflow.CodeInvalidConfig, "both Employee.json and Employee.csv")
}

// The files of the handbook can be copied as they are.
func TestTheHandbooksFiles(t *testing.T) {
	handbook, err := os.ReadFile("../../docs/sources.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(handbook), "```csv\n")
	if len(blocks) != 3 {
		t.Fatalf("%d examples", len(blocks)-1)
	}
	files := map[string]string{}
	for i, name := range []string{"Organization.csv", "Employee.csv"} {
		files[name], _, _ = strings.Cut(blocks[i+1], "```")
	}
	f := newFolder(t, files)
	people, err := f.ReadPage(t.Context(), query(0, `{"departments.origin_id": {"child_include": 11}, "job_info.begin_date": {"gte": "2021-01-01"}}`), "")
	want := `{"departments":[{"origin_id":"11"},{"origin_id":"1"}],"id":"1002","job_info":{"begin_date":"2024/3/1","position_status_id":"2"},"mobile":"10000000002","name":"李四","number":"E1002","position":{"name":"工程师"}}`
	if err != nil || people.Declared != 1 || string(people.Rows[0]) != want {
		t.Errorf("%s, %v", people.Rows, err)
	}
}
