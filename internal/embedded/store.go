package embedded

import (
	"go.temporal.io/server/common/config"
)

// store is where the service keeps its data: one of the two shapes of
// Temporal reference § 12.2 nos. 3 and 4.
type store struct {
	// main and visibility may be the same.
	main, visibility *config.SQL
	// shards is the number of history shards. It can never change on
	// existing data (Temporal reference § 12.4 no. 11).
	shards int32
	// refreshSearchAttributes makes new search attributes visible at once;
	// for SQLite only (Temporal reference § 12.3).
	refreshSearchAttributes bool
	// started is called once the server runs on this store.
	started func() error
	// release gives up what prepare took.
	release func()
}
