package sqlsource

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/connectors"
)

func TestPagesAreOneWholeRead(t *testing.T) {
	onBoth(t, func(t *testing.T, d database) {
		d.staff(t)
		for _, size := range []int{1, 7, 40, 100} {
			rows, reading, err := readAll(t.Context(), d.source(t), query(size, ""))
			if err != nil || len(rows) != 40 {
				t.Fatal(len(rows), err)
			}
			for i, row := range rows {
				if want := fmt.Sprintf(`{"department":{"origin_id":%d},"id":%d,"job_info":{"begin_date":"2024-%02d-01","position_status_id":"%d"},"name":"员工%d"}`,
					10+(i+1)%4, i+1, 1+(i+1)%12, (i+1)%5, i+1); row != want {
					t.Fatalf("row %d: %s, want %s", i, row, want)
				}
			}
			if ok, cause := reading.Proof(); !ok || reading.Declared != 40 {
				t.Errorf("declared %d, %s", reading.Declared, cause)
			}
		}
	})
}

func TestFilters(t *testing.T) {
	onBoth(t, func(t *testing.T, d database) {
		d.staff(t)
		s := d.source(t)
		for filter, want := range map[string]int{
			`{"job_info.position_status_id": [2, 4]}`:               16,
			`{"job_info.position_status_id": "2"}`:                  8,
			`{"job_info.position_status_id": 9}`:                    0,
			`{"id": 7}`:                                             1,
			`{"id": "7"}`:                                           1,
			`{"id": 7.0}`:                                           1,
			`{"id": "x'; DROP TABLE hr_employee; --"}`:              0,
			`{"id": "07"}`:                                          0,
			`{"id": [7, 7.5, "x", 1e30]}`:                           1,
			`{"id": [7, null]}`:                                     1,
			`{"name": "员工7"}`:                                       1,
			`{"id": {"notin": [1, 2]}, "department.origin_id": 11}`: 9,
			`{"department.origin_id": {"child_include": 11}}`:       20,
			`{"job_info.begin_date": {"gte": "2024-02-01", "lte": "2024/3/31"}}`: 8,
		} {
			rows, reading, err := readAll(t.Context(), s, query(3, filter))
			if ok, cause := reading.Proof(); err != nil || len(rows) != want || !ok || reading.Declared != want {
				t.Errorf("%s: %d rows, %d declared, %v %s; want %d", filter, len(rows), reading.Declared, err, cause, want)
			}
		}
		_, err := s.ReadPage(t.Context(), query(1, `{"job_info.status": 1}`), "")
		wantFault(t, err, orgflow.CodeInvalidConfig, `at /filter_dict/job_info.status: "hr_employee" has no column for this key`)
		_, err = s.ReadPage(t.Context(), query(1, `{"name": {"gte": 1}}`), "")
		wantFault(t, err, orgflow.CodePartialRead, "hr_employee, row 1 in the order of id: filter_dict name: is compared with a number")
		_, err = s.ReadPage(t.Context(), query(1, `{"name": {"like": "x"}}`), "")
		wantFault(t, err, orgflow.CodeInvalidConfig, `operator "like"`)
	})
}

// What the database leaves out beforehand never is what the filter wants:
// with and without its help the same rows come.
func TestTheDatabasesHelpChangesNothing(t *testing.T) {
	values := []string{`'7'`, `'7.0'`, `'07'`, `' 7'`, `'true'`, `'TRUE'`, `'[7, "x"]'`, `' [7]'`, `'{"a": 7}'`, `'x'`, `'1'`, `'0'`, `''`, `NULL`, `'x''y'`}
	onBoth(t, func(t *testing.T, d database) {
		d.exec(t, `CREATE TABLE hr_employee (id integer, "value" text)`)
		for i, v := range values {
			d.exec(t, fmt.Sprintf(`INSERT INTO hr_employee VALUES (%d, %s)`, i, v))
		}
		if strings.HasPrefix(d.url, "sqlite") {
			d.exec(t, `ALTER TABLE hr_employee RENAME TO old`, `CREATE TABLE hr_employee (id, "value")`, `INSERT INTO hr_employee SELECT * FROM old`,
				`INSERT INTO hr_employee VALUES (100, 7), (101, 7.0), (102, 1), (103, 1.0)`)
		}
		helped, plain := d.source(t), d.source(t)
		without := *plain.dialect
		without.narrow = func(column, []string, func(any) string) string { return "" }
		plain.dialect = &without
		for filter, want := range map[string]bool{`7`: true, `"7"`: true, `true`: true, `1`: true, `"x"`: true, `[7, "x", 0]`: true, `"x'y"`: true, `"[7]"`: false, `7.0`: true} {
			q := query(100, `{"value": `+filter+`}`)
			got, _, err := readAll(t.Context(), helped, q)
			all, _, err2 := readAll(t.Context(), plain, q)
			if diff := cmp.Diff(all, got); diff != "" || err != nil || err2 != nil || (len(got) > 0) != want {
				t.Errorf("%s: %v %v\n%s", filter, err, err2, diff)
			}
		}
	})
}

// Rows that change between two pages are neither lost nor doubled: the read
// goes on in its snapshot.
func TestAReadIsOneSnapshot(t *testing.T) {
	onBoth(t, func(t *testing.T, d database) {
		d.staff(t)
		s := d.source(t)
		first, err := s.ReadPage(t.Context(), query(10, ""), "")
		if err != nil {
			t.Fatal(err)
		}
		d.exec(t, `DELETE FROM hr_employee WHERE id IN (5, 15)`, `UPDATE hr_employee SET id = 100 WHERE id = 25`, `INSERT INTO hr_employee (id) VALUES (0), (50)`)
		seen := len(first.Rows)
		for cursor := first.Next; cursor != ""; {
			page, err := s.ReadPage(t.Context(), query(10, ""), cursor)
			if err != nil || page.Declared != 40 || page.Calls != 0 {
				t.Fatal(page, err)
			}
			seen, cursor = seen+len(page.Rows), page.Next
		}
		if seen != 40 {
			t.Errorf("%d rows", seen)
		}
	})
}

// Another process does not have the snapshot. It goes on where the rows are
// the same, and says so where they are not.
func TestAnotherProcessGoesOnOnlyWithTheSameRows(t *testing.T) {
	onBoth(t, func(t *testing.T, d database) {
		d.staff(t)
		filter := `{"department.origin_id": {"child_include": 11}}`
		first, err := d.source(t).ReadPage(t.Context(), query(10, filter), "")
		if err != nil {
			t.Fatal(err)
		}
		d.exec(t, `UPDATE hr_employee SET name = 'x' WHERE id = 4`) // not wanted by the filter
		second, err := d.source(t).ReadPage(t.Context(), query(10, filter), first.Next)
		if err != nil || len(second.Rows) != 10 || second.Next != "" || second.Declared != 20 {
			t.Fatal(second, err)
		}
		d.exec(t, `UPDATE hr_org SET parent_id = 10 WHERE id = 12`)
		_, err = d.source(t).ReadPage(t.Context(), query(10, filter), first.Next)
		wantFault(t, err, orgflow.CodePartialRead, "Employee changed while its reading was interrupted, after 10 of 20 rows")
		d.exec(t, `DROP TABLE hr_employee`)
		_, err = d.source(t).ReadPage(t.Context(), query(10, filter), first.Next)
		wantFault(t, err, orgflow.CodePartialRead, "there is no table or view")
	})
}

// A snapshot larger than the memory set aside for it comes from a file that
// nobody else can see.
func TestLargeSnapshotsGoToDiskAndLeaveNothing(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	d := newSQLite(t)
	d.exec(t, `CREATE TABLE hr_employee (id INTEGER PRIMARY KEY, name TEXT)`,
		`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO hr_employee SELECT i, printf('%0500d', i) FROM n`)
	s := d.source(t)
	first, err := s.ReadPage(t.Context(), query(999, ""), "")
	if err != nil || len(s.shelf.spools) != 1 {
		t.Fatal(err, s.shelf.spools)
	}
	for _, k := range s.shelf.spools {
		if k.file == nil {
			t.Error("the snapshot is in memory")
		}
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) != 0 {
		t.Errorf("left in the temporary directory: %v, %v", left, err)
	}
	if again, err := s.ReadPage(t.Context(), query(999, ""), first.Next); err != nil || string(again.Rows[0]) != fmt.Sprintf(`{"id":1000,"name":"%0500d"}`, 1000) {
		t.Error(err)
	}
	s.shelf.clear() // as after ten minutes
	rest, err := s.ReadPage(t.Context(), query(5000, ""), first.Next)
	if err != nil || len(rest.Rows) != 2001 || rest.Next != "" || len(s.shelf.spools) != 0 {
		t.Errorf("%d rows, %q, %v; kept %d", len(rest.Rows), rest.Next, err, len(s.shelf.spools))
	}
}

// The views of the handbook can be copied as they are.
func TestTheHandbooksViews(t *testing.T) {
	handbook, err := os.ReadFile("../../docs/sources.md")
	if err != nil {
		t.Fatal(err)
	}
	_, views, _ := strings.Cut(string(handbook), "```sql\n")
	views, _, _ = strings.Cut(views, "CREATE ROLE")
	d := newPostgres(t)
	d.exec(t, `CREATE TABLE unit (id int, name text, parent_id int, sort int, manager_id int, closed_on date)`,
		`CREATE TABLE person (id int, number text, name text, mobile text, email text, status int, hired date, title text)`,
		`CREATE TABLE assignment (person_id int, unit_id int, main boolean)`,
		`INSERT INTO unit VALUES (1, '示例公司', NULL, 10, NULL, NULL), (11, '研发部', 1, 20, 1001, NULL), (12, '旧部门', 1, 30, NULL, '2020-01-01')`,
		`INSERT INTO person VALUES (1001, 'E1001', '张三', '10000000001', NULL, 2, '2020-01-01', '研发经理')`,
		`INSERT INTO assignment VALUES (1001, 1, false), (1001, 11, true)`, views)
	s := d.source(t, func(c *Config) {
		c.Tables = map[string]string{"Employee": "orgflow.hr_employee", "Organization": "orgflow.hr_org"}
	})
	people, _, err := readAll(t.Context(), s, query(0, `{"departments.origin_id": {"child_include": 11}, "job_info.position_status_id": [2, 7]}`))
	want := []string{`{"departments":[{"origin_id":11},{"origin_id":1}],"id":1001,"job_info":{"begin_date":"2020-01-01","position_status_id":2},"mobile":"10000000001","name":"张三","number":"E1001","position":{"name":"研发经理"}}`}
	if diff := cmp.Diff(want, people); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	if orgs, _, err := readAll(t.Context(), s, connectors.Query{Model: "Organization"}); err != nil || len(orgs) != 2 {
		t.Errorf("%v, %v", orgs, err)
	}
}
