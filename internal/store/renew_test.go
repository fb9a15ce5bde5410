package store_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"orgflow/internal/store"
	"orgflow/internal/testpg"
)

// A password that is replaced counts for the next connection; those that are
// open go on.
func TestThePasswordOfPostgreSQLIsRotatedWithoutARestart(t *testing.T) {
	ctx := context.Background()
	address := testpg.URL(t)
	admin, err := store.Open(ctx, address, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	database := address[strings.LastIndexByte(address, '/')+1:]
	database, _, _ = strings.Cut(database, "?")
	roles := []string{database + "_one", database + "_two"}
	for _, role := range roles {
		if _, err := admin.DB().Exec(`CREATE ROLE ` + role + ` LOGIN PASSWORD 'geheim'`); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if _, err := admin.DB().Exec(`DROP ROLE ` + role); err != nil {
				t.Error(err)
			}
		}()
	}
	as := func(role, host string) string {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		u.User = url.UserPassword(role, "geheim")
		if host != "" {
			u.Host = host
		}
		return u.String()
	}
	var setting atomic.Value
	setting.Store(as(roles[0], ""))
	s, err := store.Open(ctx, as(roles[0], ""), store.Options{URL: func() (string, error) {
		if text := setting.Load().(string); text != "" {
			return text, nil
		}
		return "", errors.New("refers to a file that is gone")
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	first, err := s.DB().Connx(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	who := func(c interface {
		GetContext(context.Context, any, string, ...any) error
	}) string {
		var name string
		if err := c.GetContext(ctx, &name, `SELECT current_user`); err != nil {
			t.Fatal(err)
		}
		return name
	}

	setting.Store(as(roles[1], "another.invalid:1")) // the host stays
	second, err := s.DB().Connx(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if one, two := who(first), who(second); one != roles[0] || two != roles[1] {
		t.Errorf("connected as %s and %s", one, two)
	}

	setting.Store("")
	if _, err := s.DB().Connx(ctx); err == nil || !strings.Contains(err.Error(), store.Setting+": refers to a file") {
		t.Errorf("a file that is gone: %v", err)
	}
}
