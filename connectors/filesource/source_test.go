package filesource

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/simplifiedchinese"

	"orgflow"
	"orgflow/connectors"
)

// folder is a directory of files and the source that reads it.
type folder struct {
	*Source
	dir string
}

func newFolder(t testing.TB, files map[string]string) folder {
	t.Helper()
	f := folder{dir: t.TempDir()}
	for name, content := range files {
		f.write(t, name, content)
	}
	var err error
	if f.Source, err = New(Config{Dir: f.dir}); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f folder) write(t testing.TB, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func query(size int, filter string) connectors.Query {
	q := connectors.Query{Model: "Employee", PageSize: size}
	if filter != "" {
		if err := json.Unmarshal([]byte(filter), &q.FilterDict); err != nil {
			panic(err) // written in this file
		}
	}
	return q
}

// readAll reads to the end, each page by a source that has just started.
func readAll(ctx context.Context, dir string, q connectors.Query) (rows []string, reading connectors.Reading, err error) {
	for cursor := ""; ; {
		s, err := New(Config{Dir: dir})
		if err != nil {
			return nil, reading, err
		}
		page, err := s.ReadPage(ctx, q, cursor)
		if err != nil {
			return rows, reading, err
		}
		for _, r := range page.Rows {
			rows = append(rows, string(r))
		}
		if cursor = page.Next; !reading.Add(page, len(page.Rows)) {
			return rows, reading, nil
		}
	}
}

func wantFault(t testing.TB, err error, code orgflow.Code, text string) {
	t.Helper()
	f := orgflow.AsFault(err)
	if err == nil || f.Code != code || !strings.Contains(err.Error(), text) {
		t.Errorf("error %v, want %s: …%s…", err, code, text)
	}
}

func gbk(t testing.TB, s string) string {
	t.Helper()
	out, err := simplifiedchinese.GB18030.NewEncoder().String(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

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

// A file that changes between two pages is a partial read, in the same
// process and in another one, whatever its time says.
func TestAFileThatChangesBetweenPagesIsNoticed(t *testing.T) {
	const before, after = "id,name\n1,a\n2,b\n3,c\n", "id,name\n1,a\n2,b\n4,d\n"
	for name, change := range map[string]func(t *testing.T, f folder){
		"replaced": func(t *testing.T, f folder) {
			f.write(t, "new", after)
			if err := os.Rename(filepath.Join(f.dir, "new"), filepath.Join(f.dir, "Employee.csv")); err != nil {
				t.Fatal(err)
			}
		},
		"overwritten": func(t *testing.T, f folder) { f.write(t, "Employee.csv", after) },
		"cut off":     func(t *testing.T, f folder) { f.write(t, "Employee.csv", before[:16]) },
		"removed": func(t *testing.T, f folder) {
			if err := os.Remove(filepath.Join(f.dir, "Employee.csv")); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t, map[string]string{"Employee.csv": before})
			first, err := f.ReadPage(t.Context(), query(1, ""), "")
			if err != nil || first.Next == "" {
				t.Fatal(first, err)
			}
			change(t, f)
			for _, s := range []*Source{f.Source, newSource(t, f.dir)} {
				_, err = s.ReadPage(t.Context(), query(1, ""), first.Next)
				wantFault(t, err, orgflow.CodePartialRead, "")
			}
		})
	}
}

func newSource(t testing.TB, dir string) *Source {
	t.Helper()
	s, err := New(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Size and time prove that a file is the same only once its last change is
// so long ago that another one would have another time.
func TestARecentFileIsReadAgainForItsHash(t *testing.T) {
	f := newFolder(t, map[string]string{"Employee.csv": "id\n1\n2\n"})
	path := filepath.Join(f.dir, "Employee.csv")
	at := time.Now().Add(-time.Hour)
	touch := func() {
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	touch()
	f.now = func() time.Time { return at.Add(settled / 2) }
	first, err := f.ReadPage(t.Context(), query(1, ""), "")
	if err != nil {
		t.Fatal(err)
	}
	f.write(t, "Employee.csv", "id\n1\n3\n") // same size, same file
	touch()                                  // same time
	_, err = f.ReadPage(t.Context(), query(1, ""), first.Next)
	wantFault(t, err, orgflow.CodePartialRead, "was replaced while it was read, after 1 of 2 rows")
}

func TestAHashBesideTheFileMustAgree(t *testing.T) {
	const content = "id\n1\n2\n"
	f := newFolder(t, map[string]string{"Employee.csv": content, "Employee.csv.sha256": fmt.Sprintf("%X *Employee.csv\n", sha256.Sum256([]byte(content)))})
	if rows, _, err := readAll(t.Context(), f.dir, query(0, "")); err != nil || len(rows) != 2 {
		t.Fatal(rows, err)
	}
	f.write(t, "Employee.csv", content[:len(content)-2]) // cut off between two lines
	_, err := f.ReadPage(t.Context(), query(0, ""), "")
	wantFault(t, err, orgflow.CodeUnavailable, "does not have the hash that stands in Employee.csv.sha256")
}

func TestFiltersAndTheirCount(t *testing.T) {
	var people, orgs strings.Builder
	people.WriteString("id,name,department.origin_id,job_info.position_status_id,job_info.begin_date\n")
	for i := range 40 {
		fmt.Fprintf(&people, "%d,员工%d,%d,%d,2024/%d/1\n", i, i, 10+i%4, i%5, 1+i%12)
	}
	orgs.WriteString("id,parent_id\n10,\n11,10\n12,11\n13,10\n")
	f := newFolder(t, map[string]string{"Employee.csv": people.String(), "Organization.csv": orgs.String()})
	for filter, want := range map[string]int{
		`{}`: 40,
		`{"job_info.position_status_id": [2, 4]}`:                             16,
		`{"job_info.position_status_id": 9}`:                                  0,
		`{"department.origin_id": {"child_include": 11}}`:                     20,
		`{"job_info.begin_date": {"gte": "2024-02-01", "lte": "2024-03-31"}}`: 8,
		`{"id": {"notin": [0, 1, 2]}, "department.origin_id": 10}`:            9,
	} {
		for _, size := range []int{1, 7, 100} {
			rows, reading, err := readAll(t.Context(), f.dir, query(size, filter))
			if ok, cause := reading.Proof(); err != nil || len(rows) != want || !ok || reading.Declared != want {
				t.Errorf("%s: %d rows, %d declared, %v %s; want %d", filter, len(rows), reading.Declared, err, cause, want)
			}
		}
	}
	_, err := f.ReadPage(t.Context(), query(0, `{"departments.origin_id": 11}`), "")
	wantFault(t, err, orgflow.CodeInvalidConfig, "Employee.csv has no column for this key")
	_, err = f.ReadPage(t.Context(), query(0, `{"name": {"gte": 7}}`), "")
	wantFault(t, err, orgflow.CodePartialRead, "row 1: filter_dict name: is compared with a number and holds something else")

	first, err := f.ReadPage(t.Context(), query(1, `{"department.origin_id": {"child_include": 11}}`), "")
	if err != nil {
		t.Fatal(err)
	}
	f.write(t, "Organization.csv", "id,parent_id\n10,\n11,10\n12,10\n13,10\n")
	_, err = f.ReadPage(t.Context(), query(1, `{"department.origin_id": {"child_include": 11}}`), first.Next)
	wantFault(t, err, orgflow.CodePartialRead, "the departments below the filter's child_include changed")
}

func TestNamesCannotLeaveTheDirectory(t *testing.T) {
	f := newFolder(t, map[string]string{"Employee.csv": "id\n1\n"})
	for _, model := range []string{"", "../Employee", "a/Employee", "Employee.csv", "/etc/passwd", "E\x00", ".", "员工"} {
		_, err := f.ReadPage(t.Context(), connectors.Query{Model: model}, "")
		wantFault(t, err, orgflow.CodeInvalidConfig, "is no name of a model")
	}
	outside := filepath.Join(t.TempDir(), "x.csv")
	if err := os.WriteFile(outside, []byte("id\n1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(f.dir, "Leak.csv")); err != nil {
		t.Skip(err)
	}
	_, err := f.ReadPage(t.Context(), connectors.Query{Model: "Leak"}, "")
	wantFault(t, err, orgflow.CodeInvalidConfig, "Leak.csv cannot be read")
	if err := os.Mkdir(filepath.Join(f.dir, "Dir.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err = f.ReadPage(t.Context(), connectors.Query{Model: "Dir"}, "")
	wantFault(t, err, orgflow.CodeInvalidConfig, "Dir.json is no regular file")
	_, err = f.ReadPage(t.Context(), connectors.Query{Model: "Employee", API: "private.x"}, "")
	wantFault(t, err, orgflow.CodeInvalidConfig, "is a call of the HCM gateway")
}

func TestSettings(t *testing.T) {
	for doc, want := range map[string]string{
		`{"type":"file","dir":""}`:   "/source/dir: is missing",
		`{"type":"file","dir":"hr"}`: "",
		`{"type":"file","dir":"/srv/hr","encoding":"gb18030","page_size":10}`: "",
		`{"type":"file","dir":"../hr","encoding":"latin1","page_size":-1}`:    "/source/dir: is relative and leaves the meta directory; write an absolute path; /source/encoding: unknown encoding; allowed: auto, utf-8, gb18030; /source/page_size: must be 1 or more",
		`{"type":"file","dir":"x","url":"y"}`:                                 `unknown field "url"`,
		`{"type":"file","dir":7}`:                                             "dir must be of type string",
	} {
		_, err := FromSettings(connectors.Settings{JSON: []byte(doc)}, "/meta")
		if (want == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %s", doc, err, want)
		}
	}
	_, err := FromSettings(connectors.Settings{JSON: []byte(`{"type":"file","dir":"hr"}`)}, "")
	wantFault(t, err, orgflow.CodeInvalidConfig, "there is no ORGFLOW_META_DIR")
}

func TestTheContextEndsARead(t *testing.T) {
	f := newFolder(t, map[string]string{"Employee.csv": "id\n" + strings.Repeat("1\n", 3*checkEvery)})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.ReadPage(ctx, query(0, ""), ""); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
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

// hooked is a context that does something when it is asked for the n-th time
// whether it has ended.
type hooked struct {
	context.Context
	left int
	do   func()
}

func (h *hooked) Err() error {
	if h.left--; h.left == 0 {
		h.do()
	}
	return h.Context.Err()
}

// What is appended after the hash was taken must not become part of the read.
func TestAFileThatGrowsWhileItIsReadIsTriedAgain(t *testing.T) {
	f := newFolder(t, map[string]string{"Employee.csv": "id\n" + strings.Repeat("1\n", 2*checkEvery)})
	path := filepath.Join(f.dir, "Employee.csv")
	ctx := &hooked{Context: t.Context(), left: 3, do: func() { // the first two looks belong to the hash
		file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := file.WriteString("2\n"); err != nil {
			t.Error(err)
		}
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	}}
	_, err := f.ReadPage(ctx, query(10, ""), "")
	wantFault(t, err, orgflow.CodeUnavailable, "Employee.csv changed while it was read")
	if ctx.left > 0 {
		t.Error("the file was not touched")
	}
}
