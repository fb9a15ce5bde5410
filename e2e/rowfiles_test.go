package e2e

import (
	"database/sql"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/lib/pq"
	"golang.org/x/text/encoding/simplifiedchinese"
	_ "modernc.org/sqlite"
)

// Columns of the source's rows, as docs/sources.md names them.
var (
	orgColumns    = []string{"id", "origin_id", "number", "name", "parent_id", "sort", "manager_id"}
	personColumns = []string{
		"id", "number", "name", "mobile", "email", "gender", "birthday", "identity_card", "departments",
		"position.name", "job_info.position_status_id", "job_info.begin_date", "manager_id",
	}
)

// flat is a row as a line of texts.
func flat(t *testing.T, row object, columns []string) []string {
	t.Helper()
	out := make([]string, len(columns))
	for i, column := range columns {
		at := any(row)
		for key := range strings.SplitSeq(column, ".") {
			inner, _ := at.(object)
			at = inner[key]
		}
		switch v := at.(type) {
		case nil:
		case string:
			out[i] = v
		case float64:
			out[i] = fmt.Sprint(int(v))
		default:
			out[i] = encode(t, v)
		}
	}
	return out
}

// models are the rows by model, as lines of texts.
func models(t *testing.T, rows hcm) map[string][][]string {
	t.Helper()
	orgs, people := [][]string{orgColumns}, [][]string{personColumns}
	for _, o := range rows.Organization {
		orgs = append(orgs, flat(t, o, orgColumns))
	}
	for _, e := range rows.Employee {
		people = append(people, flat(t, e, personColumns))
	}
	return map[string][][]string{"Organization": orgs, "Employee": people}
}

// replace puts a whole file in the place of the old one, as exporters should.
func replace(t *testing.T, dir, name string, content []byte) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func jsonFiles(t *testing.T, dir string, rows hcm) {
	t.Helper()
	replace(t, dir, "Organization.json", []byte(encode(t, rows.Organization)))
	replace(t, dir, "Employee.json", []byte(encode(t, rows.Employee)))
}

// gbkFiles are as Excel saves them in China; it returns the persons' bytes.
func gbkFiles(t *testing.T, dir string, rows hcm) (people []byte) {
	t.Helper()
	for model, lines := range models(t, rows) {
		var b strings.Builder
		w := csv.NewWriter(&b)
		if err := w.WriteAll(lines); err != nil {
			t.Fatal(err)
		}
		raw, err := simplifiedchinese.GBK.NewEncoder().String(b.String())
		if err != nil {
			t.Fatal(err)
		}
		replace(t, dir, model+".csv", []byte(raw))
		if model == "Employee" {
			people = []byte(raw)
		}
	}
	return people
}

// tables fills a table per model of a database, in one transaction.
func tables(t *testing.T, driver, url string, rows hcm) {
	t.Helper()
	db, err := sql.Open(driver, url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	for model, lines := range models(t, rows) {
		fillTable(t, tx, "hr_"+strings.ToLower(model), lines)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

func fillTable(t *testing.T, tx *sql.Tx, table string, lines [][]string) {
	t.Helper()
	exec := func(query string, args ...any) {
		if _, err := tx.Exec(query, args...); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	exec("DROP TABLE IF EXISTS " + table)
	columns, marks := make([]string, len(lines[0])), make([]string, len(lines[0]))
	for i, name := range lines[0] {
		kind := "text"
		switch {
		case name == "departments":
			kind = "json"
		case strings.HasSuffix(name, "id") || name == "sort" || name == "gender":
			kind = "integer"
		}
		columns[i], marks[i] = fmt.Sprintf("%q %s", name, kind), fmt.Sprintf("$%d", i+1)
	}
	exec("CREATE TABLE " + table + " (" + strings.Join(columns, ", ") + ")")
	for _, line := range lines[1:] {
		args := make([]any, len(line))
		for i, cell := range line {
			if cell != "" {
				args[i] = cell
			}
		}
		exec("INSERT INTO "+table+" VALUES ("+strings.Join(marks, ", ")+")", args...)
	}
}
