package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/store"
)

func TestAFormRowHasRevisions(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		k := store.RowKey{CompanyID: company, Board: "ztbxx", DataID: "5"}
		for i, c := range []struct {
			body string
			rev  int64
		}{{`{"amount": 50000.10}`, 1}, {`{"amount": 50000.10}`, 1}, {`{"amount": 7e400}`, 2}, {`{"amount": 50000.10}`, 3}} {
			row, err := s.PutRow(ctx, k, []byte(c.body))
			if err != nil || row.Rev != c.rev || string(row.Body) != c.body {
				t.Errorf("row %d: %+v, %v; want revision %d", i, row, err, c.rev)
			}
		}
		if row, err := s.GetRow(ctx, k); err != nil || row.Rev != 3 || string(row.Body) != `{"amount": 50000.10}` {
			t.Errorf("%+v, %v", row, err)
		}
		for _, other := range []store.RowKey{{CompanyID: 7, Board: "ztbxx", DataID: "5"}, {CompanyID: company, Board: "ztbxx", DataID: "\x00"}} {
			_, err := s.GetRow(ctx, other)
			wantErr(t, "another row", err, store.ErrNotFound)
		}
		for _, bad := range []string{"", "null", "[]", `{"a":}`, "{\"a\":\"\xff\"}"} {
			if _, err := s.PutRow(ctx, k, []byte(bad)); orgflow.AsFault(err).Code != orgflow.CodeInvalidRecord {
				t.Errorf("%q: %v", bad, err)
			}
		}
	})
}

func TestABoardTaskRemembersWhenItWasSubmitted(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		put := func(status string, rev int64) store.BoardTask {
			t.Helper()
			b, err := s.PutTask(ctx, company, store.BoardTask{No: "RW1", Status: status, Assignee: "E5", Title: "任务", Body: []byte(`{"status":"` + status + `"}`)})
			if err != nil || b.Rev != rev || b.Status != status {
				t.Errorf("%+v, %v; want revision %d", b, err, rev)
			}
			return b
		}
		if b := put("draft", 1); !b.SubmittedAt.IsZero() {
			t.Errorf("a draft: %+v", b)
		}
		first := put("submitted", 2)
		if same := put("submitted", 2); first.SubmittedAt.IsZero() || !same.SubmittedAt.Equal(first.SubmittedAt) || !same.UpdatedAt.Equal(first.UpdatedAt) {
			t.Errorf("again: %+v, first %+v", same, first)
		}
		put("done", 3)
		if again := put("submitted", 4); !again.SubmittedAt.After(first.SubmittedAt) {
			t.Errorf("submitted again: %+v", again)
		}
		if b, err := s.GetTask(ctx, company, "RW1"); err != nil || b.Rev != 4 || b.Title != "任务" {
			t.Errorf("%+v, %v", b, err)
		}
		_, err := s.GetTask(ctx, 7, "RW1")
		wantErr(t, "another company's task", err, store.ErrNotFound)
	})
}

func TestRowsOfABoardsOwnTable(t *testing.T) {
	forEachDB(t, func(t *testing.T, s *store.Store) {
		for _, ddl := range []string{
			`CREATE TABLE "招投标" (id bigint, code text, amount numeric(20,2), note text, "Odd ""name" text)`,
			`INSERT INTO "招投标" VALUES (5, 'a', 50000.10, NULL, '"q"'), (6, 'b', 1, '[1]', ''), (7, 'b', 1, '', '')`,
		} {
			_, err := s.DB().Exec(ddl)
			must(t, err)
		}
		row := func(table, column, id string) (string, error) {
			body, err := s.TableRow(context.Background(), store.TableKey{Table: table, Column: column, DataID: id})
			return string(body), err
		}
		got, err := row("招投标", "id", "5")
		want := `{"id":5,"code":"a","amount":50000.10,"note":null,"Odd \"name":"\"q\""}`
		if strings.Contains(got, `50000.1,`) { // SQLite's numeric is binary
			want = strings.Replace(want, "50000.10", "50000.1", 1)
		}
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%v: %s", err, d)
		}
		if got, err := row("招投标", "id", "6"); err != nil || !strings.Contains(got, `"note":"[1]"`) {
			t.Errorf("a text that looks like JSON: %s, %v", got, err)
		}
		for _, id := range []string{"8", "", "abc", "99999999999999999999", "5 OR 1=1", "\x00"} {
			_, err := row("招投标", "id", id)
			wantErr(t, fmt.Sprintf("key %q", id), err, store.ErrNotFound)
		}
		for _, bad := range [][2]string{
			{"招投标", "code"}, // two rows have b
			{"missing", "id"}, {"nowhere.招投标", "id"}, {"招投标", "missing"},
			{`x" WHERE 1=1 --`, "id"}, {"招投标", `id" = '5' OR "id`}, {"a.b.c", "id"}, {"", "id"}, {"招投标", ""}, {"招投标", "a.b"},
			{"pg_shadow", "usename"}, {"pg_catalog.pg_class", "relname"}, {"sqlite_master", "name"}, {"information_schema.tables", "table_name"},
		} {
			if got, err := row(bad[0], bad[1], "b"); orgflow.AsFault(err).Code != orgflow.CodeInvalidConfig {
				t.Errorf("table %q, column %q: %s, %v", bad[0], bad[1], got, err)
			}
		}
	})
}
