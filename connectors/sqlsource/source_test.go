package sqlsource

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/testpg"
)

func TestMain(m *testing.M) { testpg.Main(m) }

// database is a fresh database with the rows of a test.
type database struct {
	url string
	db  *sql.DB
}

func (d database) exec(t testing.TB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := d.db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func newSQLite(t testing.TB) database {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hr.db")
	return connect(t, "sqlite", path, "sqlite://"+path)
}

func newPostgres(t testing.TB) database {
	t.Helper()
	u := testpg.URL(t)
	return connect(t, "postgres", u, u)
}

func connect(t testing.TB, driver, dsn, url string) database {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return database{url, db}
}

func onBoth(t *testing.T, test func(t *testing.T, d database)) {
	t.Run("sqlite", func(t *testing.T) { test(t, newSQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, newPostgres(t)) })
}

var tables = map[string]string{"Employee": "hr_employee", "Organization": "hr_org"}

// source is a process that has just started.
func (d database) source(t testing.TB, change ...func(*Config)) *Source {
	t.Helper()
	cfg := Config{URL: d.url, Tables: tables}
	for _, c := range change {
		c(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
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

func readAll(ctx context.Context, s *Source, q connectors.Query) (rows []string, reading connectors.Reading, err error) {
	for cursor := ""; ; {
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

// staff are departments 10 to 13 and people 1 to 40.
func (d database) staff(t testing.TB) {
	t.Helper()
	d.exec(t, `CREATE TABLE hr_org (id integer PRIMARY KEY, name text, parent_id integer)`,
		`INSERT INTO hr_org VALUES (10, '总部', NULL), (11, '研发', 10), (12, '平台', 11), (13, '市场', 10)`,
		`CREATE TABLE hr_employee (id integer PRIMARY KEY, name text, "department.origin_id" integer, "job_info.position_status_id" text, "job_info.begin_date" text)`)
	for i := 1; i <= 40; i++ {
		d.exec(t, fmt.Sprintf(`INSERT INTO hr_employee VALUES (%d, '员工%d', %d, '%d', '2024-%02d-01')`, i, i, 10+i%4, i%5, 1+i%12))
	}
}

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

func TestTypesOfPostgres(t *testing.T) {
	d := newPostgres(t)
	d.exec(t, `CREATE TYPE mood AS ENUM ('在职', '离职')`, `CREATE DOMAIN amount AS numeric(30,2)`,
		`CREATE TABLE plain (id bigint, i2 smallint, n numeric, m amount, f8 double precision, f4 real, b boolean, t text, v varchar(9), c char(4), u uuid, e mood,
		  d date, ts timestamp, tz timestamptz, ti time, j json, jb jsonb, empty text, "departments.0.origin_id" int, "departments.1.origin_id" int, "many" text, "nothing" int)`,
		`INSERT INTO plain VALUES (9007199254740993, -2, 12345678901234567890.120, 7, 0.1, 1.5, true, '张<三>', '007', 'ab', '00000000-0000-0000-0000-000000000001', '在职',
		  '2024-03-01', '2024-03-01 08:30:00.5', '2024-03-01 00:30:00+00', '08:30', '{"a": [1.50]}', '{"x": null, "b": 1}', '', 11, 12, '[{"origin_id": 11}]', NULL)`,
		`CREATE VIEW hr_employee AS SELECT * FROM plain`)
	rows, _, err := readAll(t.Context(), d.source(t), query(0, ""))
	want := []string{`{"b":true,"c":"ab","d":"2024-03-01","departments":[{"origin_id":11},{"origin_id":12}],"e":"在职","f4":1.5,"f8":0.1,"i2":-2,"id":9007199254740993,` +
		`"j":{"a":[1.50]},"jb":{"b":1,"x":null},"m":7.00,"many":[{"origin_id":11}],"n":12345678901234567890.120,"t":"张<三>","ti":"08:30:00",` +
		`"ts":"2024-03-01 08:30:00.5","tz":"2024-03-01 08:30:00","u":"00000000-0000-0000-0000-000000000001","v":"007"}`}
	if diff := cmp.Diff(want, rows); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	rows, _, err = readAll(t.Context(), d.source(t, func(c *Config) { c.TimeZone = "UTC" }), query(0, `{"m": 7, "b": 1, "c": "ab", "e": "在职"}`))
	if err != nil || len(rows) != 1 || !strings.Contains(rows[0], `"tz":"2024-03-01 00:30:00"`) {
		t.Errorf("%v %v", rows, err)
	}
}

func TestTypesOfSQLite(t *testing.T) {
	d := newSQLite(t)
	d.exec(t, `CREATE TABLE hr_employee (id INTEGER PRIMARY KEY, d DATE, ts DATETIME, b BOOLEAN, n NUMERIC, r REAL, t TEXT, j JSON, x)`,
		`INSERT INTO hr_employee VALUES (9007199254740993, '2024-03-01', '2024-03-01 08:30:00', 1, '12.50', 7, '007', '{"a": [1.50]}', NULL), (9007199254740994, '', 20240301, 'TRUE', 3, 0.1, '', '[]', '[研发]')`)
	rows, _, err := readAll(t.Context(), d.source(t), query(0, ""))
	want := []string{`{"b":1,"d":"2024-03-01","id":9007199254740993,"j":{"a":[1.50]},"n":12.5,"r":7,"t":"007","ts":"2024-03-01 08:30:00"}`,
		`{"b":"TRUE","id":9007199254740994,"j":[],"n":3,"r":0.1,"ts":20240301,"x":"[研发]"}`}
	if diff := cmp.Diff(want, rows); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestValuesWithoutAJSONForm(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		for value, want := range map[string]string{`x'00ff'`: "holds bytes", `9e999`: "a number that JSON does not have", `CAST(x'ff' AS text)`: "no UTF-8"} {
			d := newSQLite(t)
			d.exec(t, `CREATE TABLE hr_employee (id INTEGER PRIMARY KEY, photo)`, `INSERT INTO hr_employee VALUES (1, 'x'), (2, `+value+`)`)
			_, err := d.source(t).ReadPage(t.Context(), query(1, ""), "")
			wantFault(t, err, orgflow.CodePartialRead, `hr_employee, row 2 in the order of id: column "photo" `)
			wantFault(t, err, orgflow.CodePartialRead, want)
		}
	})
	t.Run("postgres", func(t *testing.T) {
		d := newPostgres(t)
		d.exec(t, `CREATE TABLE hr_employee (id int, photo bytea, tags text[], span interval)`, `CREATE VIEW hr_org AS SELECT 1 AS id, 'NaN'::numeric AS sort`)
		_, err := d.source(t).ReadPage(t.Context(), query(1, ""), "")
		wantFault(t, err, orgflow.CodeInvalidConfig, `at /source/tables/Employee: "hr_employee" has columns of types that have no JSON value: photo (bytea), tags (_text), span (interval)`)
		_, err = d.source(t).ReadPage(t.Context(), connectors.Query{Model: "Organization"}, "")
		wantFault(t, err, orgflow.CodePartialRead, `column "sort" holds a number that JSON does not have`)
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

func TestMissingAndForbidden(t *testing.T) {
	onBoth(t, func(t *testing.T, d database) {
		d.exec(t, `CREATE TABLE hr_employee (number text)`)
		_, err := d.source(t).ReadPage(t.Context(), connectors.Query{Model: "Organization"}, "")
		wantFault(t, err, orgflow.CodeInvalidConfig, `at /source/tables/Organization: there is no table or view "hr_org"`)
		_, err = d.source(t).ReadPage(t.Context(), query(1, ""), "")
		wantFault(t, err, orgflow.CodeInvalidConfig, `at /source/keys/Employee: "hr_employee" has no column "id" to order its rows by; it has: number`)
		page, err := d.source(t, func(c *Config) { c.Keys = map[string]string{"Employee": "number"} }).ReadPage(t.Context(), query(1, ""), "")
		if err != nil || page.Declared != 0 || page.Next != "" || len(page.Rows) != 0 {
			t.Errorf("an empty table: %+v, %v", page, err)
		}
		_, err = d.source(t).ReadPage(t.Context(), connectors.Query{Model: "Job"}, "")
		wantFault(t, err, orgflow.CodeInvalidConfig, `no table for the model "Job"`)
	})
	t.Run("sqlite file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "none.db")
		_, err := database{url: "sqlite://" + path}.source(t).ReadPage(t.Context(), query(1, ""), "")
		wantFault(t, err, orgflow.CodeInvalidConfig, "the SQLite file cannot be opened: no such file")
		if _, err := os.Stat(path); err == nil {
			t.Error("the file was created")
		}
		if err := os.WriteFile(path, []byte(strings.Repeat("no database ", 100)), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err = database{url: "sqlite://" + path}.source(t).ReadPage(t.Context(), query(1, ""), "")
		wantFault(t, err, orgflow.CodeInvalidConfig, "the file is no SQLite database")
	})
	t.Run("postgres", func(t *testing.T) {
		d := newPostgres(t)
		d.exec(t, `CREATE SCHEMA "HR 数据"`, `CREATE TABLE "HR 数据"."员工?" (id int)`, `INSERT INTO "HR 数据"."员工?" VALUES (1)`)
		there := func(c *Config) { c.Tables = map[string]string{"Employee": "HR 数据.员工?"} }
		if rows, _, err := readAll(t.Context(), d.source(t, there), query(0, `{"id": 1}`)); err != nil || len(rows) != 1 {
			t.Error(rows, err)
		}
		role := fmt.Sprintf("reader_%d", os.Getpid())
		d.exec(t, `CREATE ROLE `+role+` LOGIN`)
		defer d.exec(t, `DROP ROLE `+role)
		u, err := url.Parse(d.url)
		if err != nil {
			t.Fatal(err)
		}
		u.User = url.UserPassword(role, "hush")
		_, err = database{url: u.String()}.source(t, there).ReadPage(t.Context(), query(0, ""), "")
		wantFault(t, err, orgflow.CodeForbidden, "grant SELECT")
	})
}

func TestNothingIsWritten(t *testing.T) {
	onBoth(t, func(t *testing.T, d database) {
		d.exec(t, `CREATE TABLE hr_employee (id integer)`)
		s := d.source(t)
		tx, err := s.db.BeginTx(t.Context(), &sql.TxOptions{Isolation: s.dialect.level, ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Rollback() }()
		if _, err := tx.ExecContext(t.Context(), `INSERT INTO hr_employee VALUES (1)`); err == nil {
			t.Error("the session can write")
		}
	})
}

func TestASlowDatabase(t *testing.T) {
	d := newPostgres(t)
	d.exec(t, `CREATE VIEW hr_employee AS SELECT 1 AS id FROM pg_sleep(30)`)
	s := d.source(t, func(c *Config) { c.Timeout = 1e8 })
	_, err := s.ReadPage(t.Context(), query(0, ""), "")
	wantFault(t, err, orgflow.CodeUnavailable, "the database did not deliver the rows within 100ms (raise timeout_seconds")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.ReadPage(ctx, query(0, ""), ""); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// Errors that repeat a value of a row, or the password, would put it into
// logs and histories.
func TestErrorsShowNoValuesAndNoPassword(t *testing.T) {
	d := newPostgres(t)
	d.exec(t, `CREATE TABLE raw (id text)`, `INSERT INTO raw VALUES ('hush')`, `CREATE VIEW hr_employee AS SELECT id::int AS id FROM raw`)
	_, err := d.source(t).ReadPage(t.Context(), query(0, ""), "")
	wantFault(t, err, orgflow.CodeInvalidConfig, "22P02: PostgreSQL refused the read: invalid_text_representation")
	if strings.Contains(err.Error(), "hush") {
		t.Errorf("the error shows a value: %v", err)
	}
	for _, u := range []string{"postgres://u:hush@127.0.0.1:1/d", "postgres://u:hush@no-such-host.invalid/d", "postgres://u:hu%sh@x/d", "mysql://u:hush@x/d", "postgres://u:hush@127.0.0.1:1/d?sslmode=hush"} {
		s, err := New(Config{URL: u, Tables: tables})
		if err == nil {
			_, err = s.ReadPage(t.Context(), query(0, ""), "")
			_ = s.Close()
		}
		if err == nil || strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), "hu%sh") {
			t.Errorf("%v", err)
		}
	}
}

func TestSettings(t *testing.T) {
	for doc, want := range map[string]string{
		`{"type":"sql","url":"sqlite://hr.db","tables":{"Employee":"e"}}`:                                                                                   "",
		`{"type":"sql","url":"postgres://h/d","tables":{"Employee":"hr.e"},"keys":{"Employee":"no"},"page_size":7,"timeout_seconds":1.5,"time_zone":"UTC"}`: "",
		`{"type":"sql","url":"sqlite://../hr.db","tables":{"9x":"e","Employee":"a.b.c","Job":"x\"y"},"keys":{"Other":"id","Job":""},"page_size":-1,"timeout_seconds":-1,"time_zone":"Mars"}`: "/source/url: has a relative path that leaves the meta directory; write sqlite:///absolute/path; " +
			`/source/tables: "9x" is no name of a model: letters, digits and _, beginning with a letter; /source/tables/Employee: is no name of a table: table or schema.table, each at most 63 bytes, without quotes; ` +
			`/source/tables/Job: is no name of a table: table or schema.table, each at most 63 bytes, without quotes; /source/keys/Job: is no name of a column; /source/keys/Other: names a model that tables does not have; ` +
			`/source/page_size: must be 1 or more; /source/timeout_seconds: must be more than 0; /source/time_zone: must be an IANA time zone`,
		`{"type":"sql","url":"","tables":{}}`:        "/source/url: must be postgres://user:password@host:5432/database or sqlite://path; the password as ${NAME}; /source/tables: is missing",
		`{"type":"sql","url":"u","dsn":"x"}`:         `unknown field "dsn"`,
		`{"type":"sql","url":"u","tables":["hush"]}`: "tables must be of type map",
	} {
		s, err := FromSettings(connectors.Settings{JSON: []byte(doc)}, "/meta")
		if (want == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %s", doc, err, want)
		}
		if err == nil {
			_ = s.Close()
		}
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
