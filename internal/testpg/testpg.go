// Package testpg gives tests a real PostgreSQL: a fresh database for each
// call, on the server of ORGFLOW_TEST_DATABASE_URL or else on a temporary
// server that lives as long as the test process.
package testpg

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/lib/pq"

	"orgflow/internal/testtool"
)

// EnvURL names the variable with the URL of a server to use instead of a
// temporary one. Its user must be allowed to create databases.
const EnvURL = "ORGFLOW_TEST_DATABASE_URL"

// timeout bounds every administrative statement.
const timeout = time.Minute

// errMissing says that no PostgreSQL is installed.
var errMissing = errors.New("no PostgreSQL found: install the package postgresql or set " + EnvURL)

// Main runs the tests and then waits until the temporary server has stopped
// and its directory is gone. Call it from TestMain; it does not return.
// Without it the same happens by itself a moment after the process has ended.
func Main(m *testing.M) {
	code := m.Run()
	shared.stop()
	os.Exit(code)
}

// URL creates an empty database and returns its URL. The database, and every
// database whose name starts with its name and an underscore, is dropped when
// the test ends. Without any PostgreSQL the test is skipped; with the
// variable CI set it fails, so that a pipeline cannot pass on half the tests.
func URL(t testing.TB) string {
	t.Helper()
	admin, err := adminURL()
	if errors.Is(err, errMissing) {
		testtool.Missing(t, err.Error())
	}
	if err != nil {
		t.Fatalf("PostgreSQL for tests: %v", err)
	}
	name := "orgflow_test_" + randomHex(t)
	if err := execute(admin, "CREATE DATABASE "+pq.QuoteIdentifier(name)); err != nil {
		t.Fatalf("create database %s: %v", name, err)
	}
	t.Cleanup(func() {
		if err := drop(admin, name); err != nil {
			t.Errorf("drop database %s: %v", name, err)
		}
	})
	own, err := url.Parse(admin)
	if err != nil {
		t.Fatalf("%s is no URL", EnvURL)
	}
	own.Path = "/" + name
	return own.String()
}

// Durable creates an empty database for a benchmark: on the server of
// ORGFLOW_TEST_DATABASE_URL, or else on a temporary one that, unlike that of
// tests, waits for the disk at every commit as PostgreSQL does by default.
// release drops the database with those derived from its name, and ends the
// temporary server.
func Durable() (databaseURL string, release func(), err error) {
	var server *cluster
	admin := os.Getenv(EnvURL)
	if admin == "" {
		server = &cluster{durable: true}
		if admin, err = server.url(); err != nil {
			return "", nil, err
		}
	}
	name := "orgflow_bench_" + rand.Text()
	own, err := url.Parse(admin)
	if err != nil {
		return "", nil, fmt.Errorf("%s is no URL", EnvURL)
	}
	own.Path = "/" + name
	release = func() {
		if server == nil {
			_ = drop(admin, name) // a database of the benchmark's own is left behind
			return
		}
		server.stop()
	}
	if err := execute(admin, "CREATE DATABASE "+pq.QuoteIdentifier(name)); err != nil {
		release()
		return "", nil, fmt.Errorf("create database %s: %w", name, err)
	}
	return own.String(), release, nil
}

func adminURL() (string, error) {
	if given := os.Getenv(EnvURL); given != "" {
		return given, nil
	}
	return shared.url()
}

func execute(databaseURL, statement string) error {
	return withDB(databaseURL, func(ctx context.Context, db *sql.DB) error {
		_, err := db.ExecContext(ctx, statement)
		return err
	})
}

// drop removes the database and those derived from its name, even when
// connections to them are left open.
func drop(admin, name string) error {
	return withDB(admin, func(ctx context.Context, db *sql.DB) error {
		var names []string
		err := db.QueryRowContext(ctx,
			`SELECT array_agg(datname::text) FROM pg_database WHERE datname = $1 OR starts_with(datname::text, $1 || '_')`,
			name).Scan(pq.Array(&names))
		if err != nil {
			return err
		}
		for _, n := range names {
			if _, err := db.ExecContext(ctx, "DROP DATABASE "+pq.QuoteIdentifier(n)+" WITH (FORCE)"); err != nil {
				return err
			}
		}
		return nil
	})
}

func withDB(databaseURL string, do func(context.Context, *sql.DB) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	db, err := sql.Open("postgres", databaseURL)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	return do(ctx, db)
}

func randomHex(t testing.TB) string {
	t.Helper()
	b := make([]byte, 6)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(b)
}
