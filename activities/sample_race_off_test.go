//go:build !race

package activities_test

// shops are the databases that loads are tried on.
var shops = []string{"postgres", "sqlite"}

const (
	// killEvery is the share of the points at which a load or a pull is
	// killed: all.
	killEvery = 1
	// manyDepartments are more than a pull reads at a time, several times over.
	manyDepartments = 2000
	// longPulls says that pulls of 3,000 departments are measured.
	longPulls = true
)
