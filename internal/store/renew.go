package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"

	"github.com/lib/pq"
)

// renewing connects to PostgreSQL with the user name and password that the
// setting has at that moment. Connections that are open stay open: PostgreSQL
// asks for a password only once.
type renewing struct {
	base    url.URL // everything else of the address stays as it was
	setting func() (string, error)
}

var _ driver.Connector = renewing{}

// Connect implements driver.Connector.
func (r renewing) Connect(ctx context.Context) (driver.Conn, error) {
	u, err := r.current()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Setting, err)
	}
	connector, err := pq.NewConnector(u.String())
	if err != nil {
		return nil, fmt.Errorf("%s: not a usable URL: %s", Setting, hide(err, u))
	}
	connector.Dialer(newDialer())
	return connector.Connect(ctx)
}

// Driver implements driver.Connector.
func (renewing) Driver() driver.Driver { return &pq.Driver{} }

func (r renewing) current() (*url.URL, error) {
	text, err := r.setting()
	if err != nil {
		return nil, err
	}
	now, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("not a valid postgres:// URL; percent-encode special characters in user name and password")
	}
	u := r.base
	u.User = now.User
	if password := now.Query().Get("password"); password != "" {
		q := u.Query()
		q.Set("password", password)
		u.RawQuery = q.Encode()
	}
	return &u, nil
}
