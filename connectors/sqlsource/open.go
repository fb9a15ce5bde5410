package sqlsource

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/lib/pq"
	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"orgflow"
)

// dialect is everything in which the two databases differ.
type dialect struct {
	place   func(n int) string // the n-th parameter, from 1
	begin   func(ctx context.Context, tx *sql.Tx, timeout time.Duration) error
	columns func(ctx context.Context, tx *sql.Tx, table string) ([]column, error)
	// narrow is a condition on a column that holds for every row where it
	// equals one of the texts, and for few others; "" if there is none.
	narrow func(c column, values []string, place func(any) string) string
	fault  func(err error) *orgflow.Fault
	level  sql.IsolationLevel
}

// open makes the pool. It connects only when used; idle connections are
// closed soon, because a read happens a few times a day.
func open(cfg Config) (*sql.DB, *dialect, error) {
	scheme, path, _ := strings.Cut(cfg.URL, "://")
	if scheme == "sqlite" {
		if !filepath.IsAbs(path) {
			path = filepath.Join(cfg.Base, path)
		}
		dsn := "file:" + (&url.URL{Path: path}).EscapedPath() + "?mode=ro&_pragma=query_only(1)&_pragma=busy_timeout(15000)"
		db, err := sql.Open("sqlite", dsn)
		return pool(db), &sqliteDialect, err
	}
	u, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, nil, errors.New("is no URL") // New has checked; the cause would show the password
	}
	q := u.Query()
	for key, value := range map[string]string{"fallback_application_name": "orgflow", "connect_timeout": "10"} {
		if !q.Has(key) {
			q.Set(key, value)
		}
	}
	u.RawQuery = q.Encode()
	connector, err := pq.NewConnector(u.String())
	if err != nil {
		return nil, nil, errors.New("is no URL that PostgreSQL understands")
	}
	return pool(sql.OpenDB(connector)), &postgresDialect, nil
}

func pool(db *sql.DB) *sql.DB {
	if db != nil {
		db.SetMaxOpenConns(4)
		db.SetMaxIdleConns(1)
		db.SetConnMaxIdleTime(30 * time.Second)
	}
	return db
}

// present gives a missing SQLite file a better message than SQLite's own
// "out of memory (14)".
func (s *Source) present() error {
	path, ok := strings.CutPrefix(s.cfg.URL, "sqlite://")
	if !ok {
		return nil
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(s.cfg.Base, path)
	}
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		cause := "it is a directory"
		if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
			cause = pe.Err.Error()
		}
		return &orgflow.Fault{Code: orgflow.CodeInvalidConfig, Field: "/source/url", Message: "the SQLite file cannot be opened: " + cause, Advice: "check source.url in company.json; every worker must see the file at this path"}
	}
	return nil
}

func dollar(n int) string { return "$" + strconv.Itoa(n) }

func questionMark(int) string { return "?" }
