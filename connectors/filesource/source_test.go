package filesource

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

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

func newSource(t testing.TB, dir string) *Source {
	t.Helper()
	s, err := New(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return s
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
		t.Fatal(err)
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
