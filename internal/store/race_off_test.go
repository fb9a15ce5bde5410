//go:build !race

package store_test

// repetitions of each race, on each database.
const repetitions = 50
