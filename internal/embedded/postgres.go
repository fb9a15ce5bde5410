package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/iancoleman/strcase"
	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql"
	"go.temporal.io/server/tools/common/schema"
	sqltool "go.temporal.io/server/tools/sql"
)

const (
	mainSuffix       = "_temporal"
	visibilitySuffix = "_temporal_visibility"
	// nameLimit is PostgreSQL's limit for identifiers, in bytes; longer
	// names are cut silently, so that two databases could become one.
	nameLimit = 63
	// connections per pool. The service opens about seven pools; PostgreSQL
	// allows 100 connections as installed.
	connections = 8
	// postgresShards suits a small production (Temporal reference § 12.4
	// no. 11). It can never change on existing data.
	postgresShards = 4
	// lockKey is the advisory lock that stands for "a Temporal server runs
	// on this database". Any fixed number will do.
	lockKey = 0x6f7267666c6f77 // "orgflow"
)

// openPostgres prepares both databases: created when missing, schema brought
// up to date (fast when it already is, Temporal reference § 12.2 no. 4), and
// held against a second server, because static membership allows exactly one
// server process per store (§ 12.4 no. 12).
func openPostgres(ctx context.Context, cfg Config, logger *bridge) (_ *store, err error) {
	base, name, err := parsePostgresURL(cfg.PostgresURL)
	if err != nil {
		return nil, err
	}
	main, visibility := postgresConfig(base, name+mainSuffix), postgresConfig(base, name+visibilitySuffix)
	for _, db := range []*config.SQL{main, visibility} {
		if err := createDatabase(ctx, cfg.PostgresURL, db.DatabaseName); err != nil {
			return nil, err
		}
	}
	hold, err := holdDatabase(ctx, main)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			hold()
		}
	}()
	if err := migrate(main, "postgresql/v12/temporal", logger); err != nil {
		return nil, err
	}
	if err := migrate(visibility, "postgresql/v12/visibility", logger); err != nil {
		return nil, err
	}
	return &store{
		main: main, visibility: visibility, shards: postgresShards,
		started: func() error { return nil },
		release: hold,
	}, nil
}

// parsePostgresURL splits off the database name. The URL's password must not
// show in errors, so causes of net/url are not passed on.
func parsePostgresURL(text string) (*url.URL, string, error) {
	base, err := url.Parse(text)
	if err != nil || (base.Scheme != "postgres" && base.Scheme != "postgresql") {
		return nil, "", errors.New("database URL of the embedded Temporal is no postgres:// URL: check ORGFLOW_DATABASE_URL")
	}
	name := strings.TrimPrefix(base.Path, "/")
	if name == "" || strings.Contains(name, "/") {
		return nil, "", errors.New("database URL of the embedded Temporal names no database: write postgres://user@host:5432/orgflow")
	}
	if len(name)+len(visibilitySuffix) > nameLimit {
		return nil, "", fmt.Errorf("database name %s is too long: with %s it must fit %d bytes", name, visibilitySuffix, nameLimit)
	}
	return base, name, nil
}

// postgresConfig opens database name with everything else as in base. The
// plugin's own way of building a connection string mangles passwords with
// spaces and knows no Unix sockets; a Connect function avoids both.
func postgresConfig(base *url.URL, name string) *config.SQL {
	dsn := *base
	dsn.Path = "/" + name
	return &config.SQL{
		PluginName:   postgresql.PluginName,
		DatabaseName: name,
		ConnectAddr:  base.Host,
		Connect: func(*config.SQL) (*sqlx.DB, error) {
			db, err := sqlx.Connect("postgres", dsn.String())
			if err != nil {
				return nil, err
			}
			db.SetMaxOpenConns(connections)
			db.SetMaxIdleConns(connections / 2)
			// As the plugin does: columns are snake case of the field names.
			db.MapperFunc(strcase.ToSnake)
			return db, nil
		},
	}
}

// createDatabase creates a database unless it is there; an ordinary user may
// lack the right to create but not need it.
func createDatabase(ctx context.Context, baseURL, name string) error {
	db, err := sqlx.ConnectContext(ctx, "postgres", baseURL)
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL for the embedded Temporal: %w: check ORGFLOW_DATABASE_URL", err)
	}
	defer func() { _ = db.Close() }()
	var found int
	err = db.GetContext(ctx, &found, `SELECT 1 FROM pg_database WHERE datname = $1`, name)
	if err == nil {
		return nil
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("look for database %s: %w", name, err)
	}
	quoted := pq.QuoteIdentifier(name)
	if _, err := db.ExecContext(ctx, "CREATE DATABASE "+quoted); err != nil {
		var pqErr *pq.Error
		if errors.As(err, &pqErr) && pqErr.Code.Name() == "duplicate_database" {
			return nil
		}
		return fmt.Errorf("create database %s: %w: have an administrator run CREATE DATABASE %s OWNER <the user of ORGFLOW_DATABASE_URL>", name, err, quoted)
	}
	return nil
}

// holdDatabase takes an advisory lock that lasts as long as one connection.
func holdDatabase(ctx context.Context, cfg *config.SQL) (release func(), err error) {
	db, err := cfg.Connect(cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to database %s: %w", cfg.DatabaseName, err)
	}
	db.SetMaxOpenConns(1)
	db.SetConnMaxIdleTime(0)
	var held bool
	if err := db.GetContext(ctx, &held, `SELECT pg_try_advisory_lock($1)`, int64(lockKey)); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("lock database %s: %w", cfg.DatabaseName, err)
	}
	if !held {
		_ = db.Close()
		return nil, fmt.Errorf("database %s is in use by the embedded Temporal of another orgflow: stop it, or run one Temporal service for both and set ORGFLOW_TEMPORAL_ADDR", cfg.DatabaseName)
	}
	return func() { _ = db.Close() }, nil
}

// migrate brings one database to the newest schema this server knows.
func migrate(cfg *config.SQL, schemaName string, logger *bridge) error {
	conn, err := sqltool.NewConnection(cfg, logger)
	if err != nil {
		return fmt.Errorf("connect to database %s: %w", cfg.DatabaseName, err)
	}
	defer conn.Close()
	if _, err := conn.ReadSchemaVersion(); err != nil {
		setup := schema.NewSetupSchemaTask(conn, &schema.SetupConfig{InitialVersion: "0.0"}, logger)
		if err := setup.Run(); err != nil {
			return fmt.Errorf("set up the Temporal schema in %s: %w", cfg.DatabaseName, err)
		}
	}
	update := schema.NewUpdateSchemaTask(conn, &schema.UpdateConfig{SchemaName: schemaName}, logger)
	if err := update.Run(); err != nil {
		return fmt.Errorf("update the Temporal schema in %s: %w", cfg.DatabaseName, err)
	}
	return nil
}
