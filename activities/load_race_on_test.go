//go:build race

package activities_test

// Under the race detector loads are tried on PostgreSQL, and killed at a
// sample of the points: SQLite is fifteen times as slow there. Without it
// everything is tried on both.
var shops = []string{"postgres"}

const killLoadEvery = 20
