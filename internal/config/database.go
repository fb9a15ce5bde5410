package config

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// Database says where rows are kept. It prints without its password.
type Database struct {
	// Driver is "postgres" or "sqlite".
	Driver string
	// DSN is the URL as it was at the start, password included: for opening
	// only.
	DSN string

	setting SecretText
}

// Drivers.
const (
	Postgres = "postgres"
	SQLite   = "sqlite"
)

const databaseAllowed = "postgres://user:password@host:5432/name or sqlite://path"

// Read returns the URL with the files it refers to read now, so that a
// password can be rotated while the program runs.
func (d Database) Read() (string, error) {
	if !d.setting.Set() {
		return d.DSN, nil
	}
	return d.setting.Read()
}

// database parses the URL; standalone falls back to a file in its data
// directory, and who examines an installation to that file where it is there.
// Every other role that touches rows needs the variable.
func (p *problems) database(role Role, text, dataDir string) Database {
	const variable = "ORGFLOW_DATABASE_URL"
	if text == "" {
		d, needed := unset(role, dataDir)
		if needed {
			p.add(variable, "required: %s", databaseAllowed)
		}
		return d
	}
	return p.databaseURL(variable, text)
}

func (p *problems) databaseURL(variable, text string) Database {
	setting, value := p.secret(variable, text)
	if value == "" {
		return Database{} // complained about already
	}
	scheme, rest, found := strings.Cut(value, "://")
	switch {
	case found && scheme == "sqlite":
		if rest == "" || strings.HasPrefix(rest, "?") {
			p.add(variable, "sqlite:// needs a path: sqlite://orgflow.db or sqlite:///var/lib/orgflow/orgflow.db")
		}
		return Database{Driver: SQLite, DSN: value, setting: setting}
	case found && (scheme == "postgres" || scheme == "postgresql"):
		// The parse error repeats the URL and with it the password.
		if u, err := url.Parse(value); err != nil || u.Host == "" || strings.Trim(u.Path, "/") == "" {
			p.add(variable, "is not a complete PostgreSQL URL (special characters in the password must be percent-encoded): %s", databaseAllowed)
		}
		return Database{Driver: Postgres, DSN: value, setting: setting}
	}
	p.add(variable, "must be %s", databaseAllowed)
	return Database{}
}

// unset is what a role has where the variable is not set, and whether it
// needs it.
func unset(role Role, dataDir string) (d Database, needed bool) {
	path := filepath.Join(dataDir, "orgflow.db")
	own := Database{Driver: SQLite, DSN: "sqlite://" + filepath.ToSlash(path)}
	switch role {
	case RoleStandalone:
		return own, false
	case RoleDoctor:
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() { // it is the one that is meant
			return own, false
		}
	case RoleOffline:
		return Database{}, false
	case RoleWorker, RoleServer, RoleStarter, RoleMigrate:
	}
	return Database{}, true
}

// String returns the URL with its password and parameters masked.
func (d Database) String() string {
	if d.Driver != Postgres {
		return d.DSN
	}
	u, err := url.Parse(d.DSN)
	if err != nil {
		return "postgres://" + mask
	}
	return redactURL(u)
}

// GoString keeps %#v from printing the password.
func (d Database) GoString() string { return d.String() }

// redactURL masks what may be secret in a URL: password and parameters,
// which for PostgreSQL may hold a password too.
func redactURL(u *url.URL) string {
	shown := *u
	if _, has := u.User.Password(); has {
		shown.User = url.UserPassword(u.User.Username(), "xxxxx")
	}
	if q := u.Query(); q.Has("password") || q.Has("sslpassword") {
		for _, key := range []string{"password", "sslpassword"} {
			if q.Has(key) {
				q.Set(key, "xxxxx")
			}
		}
		shown.RawQuery = q.Encode()
	}
	return shown.String()
}

func (d Database) password() string { return d.PasswordIn(d.DSN) }

// PasswordIn returns the password of a URL that Read gave; empty without one.
func (d Database) PasswordIn(dsn string) string {
	u, err := url.Parse(dsn)
	if err != nil || d.Driver != Postgres {
		return ""
	}
	if secret, ok := u.User.Password(); ok {
		return secret
	}
	return u.Query().Get("password")
}
