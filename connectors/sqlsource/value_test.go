package sqlsource

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/connectors"
)

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
