package sqlsource

import (
	"testing"

	"orgflow"
)

// A check finds what a read would, without reading rows.
func TestCheck(t *testing.T) {
	onBoth(t, func(t *testing.T, d database) {
		d.exec(t, `CREATE TABLE other (id integer)`)
		wantFault(t, d.source(t).Check(t.Context()), orgflow.CodeInvalidConfig, "/tables/Employee")
		d.staff(t)
		if err := d.source(t).Check(t.Context()); err != nil {
			t.Error(err)
		}
		noKey := d.source(t, func(c *Config) { c.Keys = map[string]string{"Organization": "code"} })
		wantFault(t, noKey.Check(t.Context()), orgflow.CodeInvalidConfig, "/keys/Organization")
	})
}

func TestCheckOfATableThisUserMayNotRead(t *testing.T) {
	d := newPostgres(t)
	d.staff(t)
	s := d.source(t)
	s.db.SetMaxOpenConns(1)
	// A role that every server has, and that may read no table.
	if _, err := s.db.ExecContext(t.Context(), `SET ROLE pg_monitor`); err != nil {
		t.Fatal(err)
	}
	if err := s.Check(t.Context()); err == nil || orgflow.AsFault(err).Transient() {
		t.Errorf("error %v", err)
	}
}

func TestCheckOfAFileThatIsNotThere(t *testing.T) {
	d := newSQLite(t)
	wantFault(t, d.source(t, func(c *Config) { c.URL = "sqlite://" + t.TempDir() + "/no.db" }).Check(t.Context()), orgflow.CodeInvalidConfig, "/source/url")
}
