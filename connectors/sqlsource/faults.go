package sqlsource

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/lib/pq"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"orgflow"
)

// fault translates a database's error. Texts of errors that a value caused
// may repeat the value ("invalid input syntax for type integer: …"): only
// those about connections, permissions and names are shown.
func (s *Source) fault(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		if errors.Is(cause, errTimeout) {
			f := orgflow.Faultf(orgflow.CodeUnavailable, "the database did not deliver the rows within %s", s.cfg.Timeout)
			f.Advice = "raise timeout_seconds of the source, or make the view faster"
			return f
		}
		return ctx.Err()
	}
	f := s.dialect.fault(err)
	f.Err = err
	return f
}

var errTimeout = errors.New("timeout")

func postgresFault(err error) *orgflow.Fault {
	var e *pq.Error
	if !errors.As(err, &e) {
		return networkFault(err)
	}
	f := &orgflow.Fault{Code: orgflow.CodeInvalidConfig, VendorCode: string(e.Code), Message: "PostgreSQL refused the read: " + e.Code.Name()}
	switch class := string(e.Code.Class()); {
	case class == "28":
		f.Code, f.Field = orgflow.CodeUnauthorized, "/source/url"
		f.Message = "PostgreSQL refuses user or password"
	case e.Code == "42501":
		f.Code = orgflow.CodeForbidden
		f.Message, f.Advice = oneLine(e.Message), "grant SELECT on the table or view, and USAGE on its schema"
	case class == "3D", class == "42":
		f.Message = oneLine(e.Message)
	case slices.Contains([]string{"08", "40", "53", "57", "58"}, class):
		f.Code = orgflow.CodeUnavailable
	}
	return f
}

// networkFault is a failure on the way to the database. The address may be
// shown, user and password are not part of such errors.
func networkFault(err error) *orgflow.Fault {
	var dns *net.DNSError
	var n net.Error
	switch {
	case errors.Is(err, pq.ErrSSLNotSupported):
		f := &orgflow.Fault{Code: orgflow.CodeInvalidConfig, Field: "/source/url", Message: "the database server does not offer TLS"}
		f.Advice = "add ?sslmode=disable to the URL if that is meant"
		return f
	case errors.As(err, &dns):
		return orgflow.Faultf(orgflow.CodeUnavailable, "the database's host name is not known")
	case errors.As(err, &n), errors.Is(err, driver.ErrBadConn), errors.Is(err, net.ErrClosed), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return orgflow.Faultf(orgflow.CodeUnavailable, "the connection to the database failed")
	}
	return orgflow.Faultf(orgflow.CodeInvalidConfig, "the database cannot be read: %T", err)
}

func sqliteFault(err error) *orgflow.Fault {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return networkFault(err)
	}
	f := &orgflow.Fault{Code: orgflow.CodeInvalidConfig, VendorCode: fmt.Sprint(e.Code()), Message: "SQLite refused the read: " + sqlite.ErrorCodeString[e.Code()&0xff]}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM:
		f.Code = orgflow.CodeUnavailable
	case sqlite3.SQLITE_CANTOPEN:
		f.Message = "the SQLite file cannot be opened; in WAL mode its directory must be writable, or its -shm file exist"
	case sqlite3.SQLITE_NOTADB:
		f.Message = "the file is no SQLite database"
	}
	return f
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
