package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/pressly/goose/v3"
)

// Server returns which database serves: its name and version for people, and
// PostgreSQL's major version, 0 on SQLite.
func (s *Store) Server(ctx context.Context) (text string, postgres int, err error) {
	if s.dialect.goose != goose.DialectPostgres {
		err = s.get(ctx, "ask for the version", &text, `SELECT sqlite_version()`)
		return "SQLite " + text, 0, err
	}
	var row struct {
		Version string `db:"version"`
		Number  int    `db:"number"`
	}
	err = s.get(ctx, "ask for the version", &row,
		`SELECT current_setting('server_version') AS version, CAST(current_setting('server_version_num') AS integer) / 10000 AS number`)
	return "PostgreSQL " + row.Version, row.Number, err
}

// Clock returns the time by the database's clock.
func (s *Store) Clock(ctx context.Context) (time.Time, error) {
	var micros int64
	err := s.get(ctx, "ask for the time", &micros, `SELECT `+s.dialect.micros)
	return time.UnixMicro(micros), err
}

// CheckWrite proves that rows can be inserted, changed and removed and that
// tables can be made, by statements that touch no row, in a transaction that
// is rolled back. It needs a schema that is up to date.
func (s *Store) CheckWrite(ctx context.Context) error {
	t, err := s.rw.BeginTxx(ctx, &sql.TxOptions{})
	if err != nil {
		return s.wrap("begin to write", err)
	}
	defer t.Rollback() //nolint:errcheck // nothing is to stay
	for _, try := range []struct{ what, statement string }{
		{"insert rows", `INSERT INTO binding SELECT * FROM binding WHERE 1 = 0`},
		{"change rows", `UPDATE binding SET company_id = company_id WHERE 1 = 0`},
		{"remove rows", `DELETE FROM binding WHERE 1 = 0`},
		{"make tables, which loads of ERP forms do", `CREATE TABLE orgflow_write_check (id integer)`},
	} {
		if _, err := t.ExecContext(ctx, try.statement); err != nil {
			return s.wrap(fmt.Sprintf("cannot %s", try.what), err)
		}
	}
	return nil
}
