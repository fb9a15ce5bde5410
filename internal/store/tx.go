package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"

	"orgflow"
)

const maxAttempts = 4 // of a transaction that lost against another one

// tx is a running transaction.
type tx struct {
	*sqlx.Tx
	s       *Store
	stmts   map[string]*sqlx.Stmt
	noticed bool // there is something to tell operators
}

// inTx runs f in one transaction and commits it when f returns nil. f may
// run again after a serialisation conflict, so it must not change anything
// outside the transaction that a second run would not set again. f must not
// use the Store itself: on SQLite the only writing connection is its own.
func (s *Store) inTx(ctx context.Context, what string, f func(*tx) error) error {
	for attempt := 1; ; attempt++ {
		err := s.once(ctx, f)
		if err == nil {
			return nil
		}
		if attempt == maxAttempts || !s.dialect.retry(err) || ctx.Err() != nil {
			return s.wrap(what, err)
		}
	}
}

func (s *Store) once(ctx context.Context, f func(*tx) error) error {
	if err := s.stmts.prepare(ctx, s.rw); err != nil {
		return err
	}
	t, err := s.rw.BeginTxx(ctx, nil)
	if err != nil {
		return err
	}
	defer t.Rollback() //nolint:errcheck // after Commit it does nothing, before it the first error counts
	running := &tx{Tx: t, s: s, stmts: map[string]*sqlx.Stmt{}}
	if err := f(running); err != nil {
		return err
	}
	if err := t.Commit(); err != nil {
		return err
	}
	if running.noticed && s.noticed != nil {
		s.noticed()
	}
	return nil
}

// exec runs a statement written with ? and returns the rows affected.
func (t *tx) exec(ctx context.Context, query string, args ...any) (int, error) {
	return affected(t.ExecContext(ctx, t.Rebind(query), args...))
}

func (t *tx) get(ctx context.Context, dest any, query string, args ...any) error {
	return t.GetContext(ctx, dest, t.Rebind(query), args...)
}

func (t *tx) list(ctx context.Context, dest any, query string, args ...any) error {
	return t.SelectContext(ctx, dest, t.Rebind(query), args...)
}

// exec runs one statement in a transaction of its own.
func (s *Store) exec(ctx context.Context, what, query string, args ...any) (int, error) {
	n, err := affected(s.rw.ExecContext(ctx, s.rw.Rebind(query), args...))
	return n, s.wrap(what, err)
}

func (s *Store) get(ctx context.Context, what string, dest any, query string, args ...any) error {
	return s.wrap(what, s.ro.GetContext(ctx, dest, s.ro.Rebind(query), args...))
}

func (s *Store) list(ctx context.Context, what string, dest any, query string, args ...any) error {
	return s.wrap(what, s.ro.SelectContext(ctx, dest, s.ro.Rebind(query), args...))
}

func affected(res sql.Result, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// wrap adds what was being done. A database that is away or busy becomes a
// transient fault; our own errors keep their identity.
func (s *Store) wrap(what string, err error) error {
	var fault *orgflow.Fault
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("%s: %w", what, ErrNotFound)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.As(err, &fault):
		return fmt.Errorf("%s: %w", what, err)
	case s.dialect.transient(err):
		return &orgflow.Fault{
			Code:    orgflow.CodeUnavailable,
			Message: fmt.Sprintf("database: %s: %v", what, err),
			Advice:  "the step is repeated by itself; look at the database if this goes on",
			Err:     err,
		}
	}
	return fmt.Errorf("%s: %w", what, err)
}

func noRows(err error) bool { return errors.Is(err, sql.ErrNoRows) }

// snapshot runs f over one state of the database, for reading.
func (s *Store) snapshot(ctx context.Context, what string, f func(*tx) error) error {
	t, err := s.ro.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return s.wrap(what, err)
	}
	defer t.Rollback() //nolint:errcheck // nothing was written
	return s.wrap(what, f(&tx{Tx: t, s: s}))
}
