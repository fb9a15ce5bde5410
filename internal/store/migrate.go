package store

import (
	"context"
	"fmt"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// versionTable is goose's table; it has a name of its own because Temporal's
// tables may live in the same PostgreSQL database.
const versionTable = "orgflow_schema_version"

// Migrate brings the schema up to date. Several processes may call it at the
// same time; a schema that is up to date already is left alone.
func (s *Store) Migrate(ctx context.Context) error {
	p, err := s.provider()
	if err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return s.wrap("migrate database schema", err)
	}
	return nil
}

// SchemaVersion returns the version of the database's schema, 0 for an empty
// database, and the version this program needs.
func (s *Store) SchemaVersion(ctx context.Context) (current, needed int64, err error) {
	p, err := s.provider()
	if err != nil {
		return 0, 0, err
	}
	sources := p.ListSources()
	needed = sources[len(sources)-1].Version
	var exists bool
	if err := s.get(ctx, "look for the schema version", &exists, s.dialect.hasTable, versionTable); err != nil || !exists {
		return 0, needed, err
	}
	err = s.get(ctx, "read the schema version", &current,
		`SELECT coalesce(max(version_id), 0) FROM `+versionTable+` WHERE is_applied`)
	return current, needed, err
}

// CheckSchema returns an ErrSchema that says what to do when the schema is
// older or newer than this program needs. It changes nothing.
func (s *Store) CheckSchema(ctx context.Context) error {
	current, needed, err := s.SchemaVersion(ctx)
	switch {
	case err != nil:
		return err
	case current < needed:
		return fmt.Errorf("%w: it has version %d, this program needs %d; run: starter migrate", ErrSchema, current, needed)
	case current > needed:
		return fmt.Errorf("%w: it has version %d, this program knows %d only; use the newer program that ran starter migrate", ErrSchema, current, needed)
	}
	return nil
}

func (s *Store) provider() (*goose.Provider, error) {
	opts := []goose.ProviderOption{goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true)}
	var locker lock.SessionLocker = &fileLocker{}
	if s.dialect.goose == goose.DialectPostgres {
		var err error
		// Asks every second, for five minutes.
		if locker, err = lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300)); err != nil {
			return nil, fmt.Errorf("prepare migrations: %w", err)
		}
	}
	opts = append(opts, goose.WithSessionLocker(locker))
	p, err := goose.NewProvider(s.dialect.goose, s.rw.DB, s.dialect.files(), opts...)
	if err != nil {
		return nil, fmt.Errorf("prepare migrations: %w", err)
	}
	return p, nil
}
