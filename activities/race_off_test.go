//go:build !race

package activities

// killEvery is the share of the kill matrix that runs: all of it.
const killEvery = 1

// wholeBatch is how many records a batch has where its size matters: as many
// as 爱关怀 takes.
const wholeBatch = 2000
