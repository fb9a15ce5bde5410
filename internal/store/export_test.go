package store

import (
	"fmt"
	"time"
)

// SetDatabaseClock stops the database's clock, as this Store sees it, at an
// instant.
func (s *Store) SetDatabaseClock(t time.Time) {
	if s.dialect.name == postgres.name {
		s.dialect.clock = fmt.Sprintf("CAST('%s' AS timestamptz)", t.UTC().Format(time.RFC3339Nano))
		s.dialect.later = s.dialect.clock + " + CAST(? AS bigint) * interval '1 microsecond'"
		return
	}
	s.dialect.clock = fmt.Sprint(t.UnixMicro())
	s.dialect.later = s.dialect.clock + " + ?"
}
