package sqlsource

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

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
