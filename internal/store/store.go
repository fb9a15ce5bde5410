// Package store keeps what orgflow knows in SQL: runs, staged records,
// bindings, plans, outcomes, the provisioning log and the hold on a target.
// PostgreSQL and SQLite run the same statements; where they cannot,
// dialect.go says how they differ.
//
// Every method is safe for concurrent use and honours its context. Unless a
// method says otherwise it may be repeated: the second call finds the work
// done. Errors are ErrNotFound and the other sentinels of this package, an
// *orgflow.Fault (CodeInvalidRecord for a text no database can hold,
// CodeUnavailable for a database that is away or busy and worth another
// try), a context error, or a defect.
//
// Texts that identify something are refused when they are not clean UTF-8
// without NUL; texts that only explain something (messages, notes) are
// repaired instead, so that a vendor's odd answer never costs an outcome.
package store

import (
	"errors"
	"time"

	"github.com/jmoiron/sqlx"
)

// Errors callers tell apart.
var (
	// ErrNotFound: no row has the id.
	ErrNotFound = errors.New("not found")
	// ErrBadCursor: a cursor was not made by this store.
	ErrBadCursor = errors.New("cursor is not one this list returned; start without a cursor")
	// ErrHoldLost: the run does not hold the target (any more). It must stop
	// calling the consumer.
	ErrHoldLost = errors.New("the run no longer holds its target")
	// ErrPlanStarted: the plan cannot be replaced because changes of it have
	// been claimed already.
	ErrPlanStarted = errors.New("the plan is already being applied and cannot be replaced")
	// ErrSchema: the database's schema is not the one this program needs.
	ErrSchema = errors.New("database schema does not match this program")
)

// Options of Open; the zero value is fine.
type Options struct {
	// Now is the clock of created, updated and finished times. Default time.Now.
	Now func() time.Time
	// MaxConns bounds the connections to PostgreSQL and the readers of
	// SQLite. Default 16 and 4.
	MaxConns int
	// Existing refuses a SQLite file that is not there instead of making one.
	Existing bool
	// URL is asked for the URL before every new connection to PostgreSQL, so
	// that user name and password can change while the program runs; nothing
	// else of the URL counts. Default: they stay.
	URL func() (string, error)
	// Noticed, where given, is called when there is something to tell
	// operators, once it is stored. It must not wait.
	Noticed func()
}

// Store is an open database.
type Store struct {
	rw      *sqlx.DB // all writes; SQLite: one connection
	ro      *sqlx.DB // reads; PostgreSQL: the same pool as rw
	dialect dialect
	clock   func() time.Time
	noticed func()      // nil: nobody listens
	stmts   *statements // of SQLite's batches
}

// Close closes all connections. The Store must not be used afterwards. On
// PostgreSQL it never fails: what was committed has been answered, and an idle
// connection that its server has left says so only when it is closed.
func (s *Store) Close() error {
	if s.ro != s.rw {
		return errors.Join(s.ro.Close(), s.rw.Close())
	}
	err := s.rw.Close()
	if s.dialect.name != sqliteDialect.name {
		return nil
	}
	return err
}

// DB returns the pool for reading and writing, for health checks and for
// repositories outside this package. On SQLite it has one connection: never
// ask it for a second one while holding the first.
func (s *Store) DB() *sqlx.DB { return s.rw }

// now is the time as the databases keep it: UTC, microseconds.
func (s *Store) now() stamp { return at(s.clock()) }
