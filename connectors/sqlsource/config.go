package sqlsource

import (
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // time_zone is named; a bare container has no table of zones

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/rowset"
)

// Defaults of Config.
const (
	DefaultTimeout  = 5 * time.Minute
	DefaultTimeZone = "Asia/Shanghai"
	DefaultKey      = "id"
)

// Config is a connection to a database, secrets resolved.
type Config struct {
	// URL is postgres://… or sqlite://path; a relative path starts from Base.
	URL string
	// Base is the meta directory; empty allows absolute paths only.
	Base string
	// Tables names a table or view per model, with its schema where it is
	// not on the search path: "hr.hr_employee". Names are case-sensitive.
	Tables map[string]string
	// Keys names the column that rows are ordered by, per model; default id.
	Keys map[string]string
	// PageSize is used where a query names none; default 500.
	PageSize int
	// Timeout bounds the reading of one model.
	Timeout time.Duration
	// TimeZone is where instants (timestamptz) are read off the wall clock.
	TimeZone string
}

// settings is "source" of company.json for type sql.
type settings struct {
	Type           string            `json:"type"`
	URL            string            `json:"url"`
	Tables         map[string]string `json:"tables"`
	Keys           map[string]string `json:"keys"`
	PageSize       int               `json:"page_size"`
	TimeoutSeconds float64           `json:"timeout_seconds"`
	TimeZone       string            `json:"time_zone"`
}

// FromSettings builds a source from company.json, secrets resolved. base is
// the directory that a relative path of a SQLite file starts from.
func FromSettings(s connectors.Settings, base string) (*Source, error) {
	var doc settings
	if err := s.Decode(&doc); err != nil {
		return nil, err
	}
	return New(Config{
		URL: doc.URL, Base: base, Tables: doc.Tables, Keys: doc.Keys, PageSize: doc.PageSize,
		Timeout: time.Duration(doc.TimeoutSeconds * float64(time.Second)), TimeZone: doc.TimeZone,
	})
}

func (c Config) withDefaults() Config {
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.TimeZone == "" {
		c.TimeZone = DefaultTimeZone
	}
	return c
}

// problems lists everything that is wrong, and shows no part of the URL.
func (c Config) problems() []orgflow.Problem {
	var out []orgflow.Problem
	add := func(at, message string) {
		out = append(out, orgflow.Problem{Pointer: "/source/" + at, Message: message})
	}
	if message := c.urlProblem(); message != "" {
		add("url", message)
	}
	if len(c.Tables) == 0 {
		add("tables", `is missing; name a table or view per model, e.g. {"Employee": "hr_employee", "Organization": "hr_org"}`)
	}
	for _, model := range slices.Sorted(maps.Keys(c.Tables)) {
		if !rowset.ModelName(model) {
			add("tables", fmt.Sprintf("%q is no name of a model: letters, digits and _, beginning with a letter", model))
		} else if !tableName(c.Tables[model]) {
			add("tables/"+model, "is no name of a table: table or schema.table, each at most 63 bytes, without quotes")
		}
	}
	for _, model := range slices.Sorted(maps.Keys(c.Keys)) {
		if c.Tables[model] == "" {
			add("keys/"+model, "names a model that tables does not have")
		} else if !identifier(c.Keys[model]) {
			add("keys/"+model, "is no name of a column")
		}
	}
	if c.PageSize < 0 {
		add("page_size", "must be 1 or more")
	}
	if c.Timeout < 0 {
		add("timeout_seconds", "must be more than 0")
	}
	if _, err := time.LoadLocation(c.TimeZone); err != nil || c.TimeZone == "Local" {
		add("time_zone", `must be an IANA time zone such as "Asia/Shanghai" or "UTC"`)
	}
	return out
}

func (c Config) urlProblem() string {
	scheme, path, _ := strings.Cut(c.URL, "://")
	switch scheme {
	case "postgres", "postgresql":
		u, err := url.Parse(c.URL)
		if err != nil || (u.Host == "" && !u.Query().Has("host")) {
			return "is no postgres:// URL; percent-encode special characters in user name and password"
		}
	case "sqlite":
		switch {
		case path == "" || strings.ContainsAny(path, "?#\x00") || strings.HasPrefix(path, ":"):
			return "sqlite:// needs the path of a file, without parameters"
		case !filepath.IsAbs(path) && c.Base == "":
			return "has a relative path, and there is no ORGFLOW_META_DIR it could be relative to; write sqlite:///absolute/path"
		case !filepath.IsAbs(path) && !filepath.IsLocal(path):
			return "has a relative path that leaves the meta directory; write sqlite:///absolute/path"
		}
	default:
		return "must be postgres://user:password@host:5432/database or sqlite://path; the password as ${NAME}"
	}
	return ""
}

// identifier tells whether a name may be quoted. Quoted, none can be more
// than a name; the length is PostgreSQL's, which silently cuts longer ones.
func identifier(s string) bool {
	return s != "" && len(s) <= 63 && !strings.ContainsFunc(s, func(r rune) bool { return r == '"' || r < ' ' || r == 0xfffd })
}

func tableName(s string) bool {
	parts := strings.Split(s, ".")
	return len(parts) <= 2 && !slices.ContainsFunc(parts, func(p string) bool { return !identifier(p) })
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func quoteTable(name string) string {
	parts := strings.Split(name, ".")
	for i, p := range parts {
		parts[i] = quote(p)
	}
	return strings.Join(parts, ".")
}
