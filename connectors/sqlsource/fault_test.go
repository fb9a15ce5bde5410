package sqlsource

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"orgflow"
	"orgflow/connectors"
)

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
