package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Setting is the environment variable Open's errors blame.
const Setting = "ORGFLOW_DATABASE_URL"

// busyTimeout is how long SQLite waits for another process's write. Inside
// one process writers queue on the connection and never meet it.
const busyTimeout = 15 * time.Second

// Open connects to postgres://… or sqlite://path and proves that it works.
// A SQLite file is created when missing, with its folder, readable by its
// owner only; the schema is not touched (see Migrate). Errors are one line,
// name ORGFLOW_DATABASE_URL and never show the password.
func Open(ctx context.Context, dbURL string, opts Options) (*Store, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	scheme, rest, _ := strings.Cut(dbURL, "://")
	var s *Store
	var err error
	switch scheme {
	case "postgres", "postgresql":
		s, err = openPostgres(ctx, dbURL, opts)
	case "sqlite":
		s, err = openSQLite(ctx, rest, opts)
	default:
		err = errors.New("want postgres://user:password@host:5432/database or sqlite://path")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Setting, err)
	}
	s.clock, s.stmts, s.noticed = opts.Now, newStatements(), opts.Noticed
	return s, nil
}

func openPostgres(ctx context.Context, dbURL string, opts Options) (*Store, error) {
	u, err := url.Parse(dbURL)
	if err != nil {
		// url.Parse's own error would repeat the password.
		return nil, errors.New("not a valid postgres:// URL; percent-encode special characters in user name and password")
	}
	q := u.Query()
	for key, value := range map[string]string{"fallback_application_name": "orgflow", "connect_timeout": "10", "binary_parameters": "yes", "timezone": "UTC"} {
		if !q.Has(key) {
			q.Set(key, value)
		}
	}
	u.RawQuery = q.Encode()
	where := fmt.Sprintf("postgres database %q at %s", strings.TrimPrefix(u.Path, "/"), u.Host)
	plain, err := pq.NewConnector(u.String())
	if err != nil {
		return nil, fmt.Errorf("%s: not a usable URL: %s", where, hide(err, u))
	}
	plain.Dialer(newDialer())
	var connector driver.Connector = plain
	if opts.URL != nil {
		connector = renewing{base: *u, setting: opts.URL}
	}
	db := sqlx.NewDb(sql.OpenDB(connector), "postgres")
	db.SetMaxOpenConns(or(opts.MaxConns, 16))
	db.SetMaxIdleConns(or(opts.MaxConns, 16))
	db.SetConnMaxIdleTime(5 * time.Minute)
	if err := db.PingContext(ctx); err != nil {
		db.Close()
		return nil, fmt.Errorf("cannot reach %s: %s", where, explainPostgres(err, u))
	}
	return &Store{rw: db, ro: db, dialect: postgres}, nil
}

func explainPostgres(err error, u *url.URL) string {
	var dns *net.DNSError
	switch {
	case errors.Is(err, pq.ErrSSLNotSupported):
		return "the server does not offer TLS; add ?sslmode=disable if that is meant"
	case errors.As(err, &dns):
		return "the host name is not known"
	}
	return hide(err, u)
}

// hide returns the error as one line without the URL's password.
func hide(err error, u *url.URL) string {
	text := strings.Join(strings.Fields(err.Error()), " ")
	if password, ok := u.User.Password(); ok && password != "" {
		text = strings.NewReplacer(password, "***", url.QueryEscape(password), "***").Replace(text)
	}
	return text
}

func openSQLite(ctx context.Context, path string, opts Options) (*Store, error) {
	if err := prepareFile(path, opts.Existing); err != nil {
		return nil, err
	}
	rw, err := connectSQLite(ctx, sqliteDSN(path, "_txlock=immediate", "_pragma=journal_mode(WAL)", "_pragma=foreign_keys(1)"))
	if err != nil {
		return nil, fmt.Errorf("cannot use sqlite file %q: %w", path, err)
	}
	// One writer: writers of this process wait for the connection, in order
	// and with their contexts, instead of meeting SQLITE_BUSY.
	rw.SetMaxOpenConns(1)
	ro, err := connectSQLite(ctx, sqliteDSN(path, "_pragma=query_only(1)"))
	if err != nil {
		rw.Close()
		return nil, fmt.Errorf("cannot use sqlite file %q: %w", path, err)
	}
	ro.SetMaxOpenConns(or(opts.MaxConns, 4))
	ro.SetMaxIdleConns(or(opts.MaxConns, 4))
	return &Store{rw: rw, ro: ro, dialect: sqliteDialect}, nil
}

// connectSQLite opens the file. Two processes that switch a new file to WAL
// at one moment make SQLite refuse one of them at once, whatever its busy
// timeout (it suspects a deadlock); that one tries again.
func connectSQLite(ctx context.Context, dsn string) (*sqlx.DB, error) {
	ctx, cancel := context.WithTimeout(ctx, busyTimeout)
	defer cancel()
	for {
		db, err := sqlx.ConnectContext(ctx, "sqlite", dsn)
		var e *sqlite.Error
		if err == nil || !errors.As(err, &e) || e.Code()&0xff != sqlite3.SQLITE_BUSY {
			return db, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// prepareFile makes sure that the file exists and can be written, because
// SQLite's own message for that ("out of memory (14)") helps nobody. It holds
// personal data: only its owner may read it, and SQLite gives its journal
// files the same mode.
func prepareFile(path string, existing bool) error {
	switch {
	case path == "" || strings.HasSuffix(path, "/"):
		return errors.New("sqlite:// needs the path of a file")
	case path == ":memory:":
		return errors.New("sqlite://:memory: is not supported, its data would not survive a restart; name a file")
	case strings.ContainsAny(path, "?#\x00"):
		return fmt.Errorf("sqlite path %q: takes no parameters", path)
	}
	flags := os.O_RDWR | os.O_CREATE
	if existing {
		flags = os.O_RDWR
	} else if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("cannot create the folder of sqlite file %q: %w", path, reason(err))
	}
	f, err := os.OpenFile(path, flags, 0o600)
	if existing && errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("sqlite file %q does not exist yet; run: starter migrate", path)
	}
	if err != nil {
		return fmt.Errorf("cannot write sqlite file %q: %w", path, reason(err))
	}
	return f.Close()
}

// reason is the cause of a file error without repeating the path.
func reason(err error) error {
	var e *fs.PathError
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

func sqliteDSN(path string, params ...string) string {
	params = append([]string{
		"_pragma=busy_timeout(" + strconv.FormatInt(busyTimeout.Milliseconds(), 10) + ")",
		"_pragma=synchronous(NORMAL)", // safe with WAL against a killed process; a power cut may cost the last commits, never the file
		"_pragma=temp_store(MEMORY)",
		"_pragma=cache_size(-16000)", // KiB per connection
		"_time_integer_format=unix_micro",
	}, params...)
	escaped := (&url.URL{Path: path}).EscapedPath()
	return "file:" + escaped + "?" + strings.Join(params, "&")
}

func or(v, def int) int {
	if v > 0 {
		return v
	}
	return def
}
