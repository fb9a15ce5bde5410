package sqlsource

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

var postgresDialect = dialect{
	place: dollar, begin: beginPostgres, columns: postgresColumns, narrow: postgresNarrow, fault: postgresFault,
	level: sql.LevelRepeatableRead, // every statement sees the rows of one moment
}

var sqliteDialect = dialect{
	place: questionMark, begin: func(context.Context, *sql.Tx, time.Duration) error { return nil },
	columns: sqliteColumns, narrow: sqliteNarrow, fault: sqliteFault,
	level: sql.LevelDefault, // a read transaction is a snapshot
}

// beginPostgres bounds the statements on the server's side, so that one does
// not go on for a client that is gone, and makes texts of values certain.
// Set in the transaction, it works behind a connection pooler too.
func beginPostgres(ctx context.Context, tx *sql.Tx, timeout time.Duration) error {
	_, err := tx.ExecContext(ctx, fmt.Sprintf(
		"SET LOCAL statement_timeout = %d; SET LOCAL datestyle = 'ISO, MDY'; SET LOCAL extra_float_digits = 1", timeout.Milliseconds()))
	return err
}
