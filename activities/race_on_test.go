//go:build race

package activities

// killEvery is the share of the kill matrix that runs: under the race
// detector SQLite is fifteen times as slow.
const killEvery = 20
