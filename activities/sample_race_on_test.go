//go:build race

package activities_test

// Under the race detector loads are tried on PostgreSQL, loads and pulls are
// killed at a sample of the points, and organisations are smaller: SQLite is
// fifteen times as slow there. Without it everything is tried, on both.
var shops = []string{"postgres"}

const (
	killEvery       = 20
	manyDepartments = 300
	longPulls       = false
)
