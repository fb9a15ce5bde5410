//go:build race

package activities

// killEvery is the share of the kill matrix that runs: under the race
// detector SQLite is fifteen times as slow.
const killEvery = 20

// wholeBatch is how many records a batch has where its size matters.
const wholeBatch = 100
