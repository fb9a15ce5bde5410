//go:build !race

package activities_test

// shops are the databases that loads are tried on.
var shops = []string{"postgres", "sqlite"}

// killLoadEvery is the share of the points at which a load is killed: all.
const killLoadEvery = 1
