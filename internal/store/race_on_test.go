//go:build race

package store_test

// repetitions of each race: few, because the race detector makes SQLite
// fifteen times as slow and sees what it looks for in any of them.
const repetitions = 5
