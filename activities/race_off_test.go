//go:build !race

package activities

// killEvery is the share of the kill matrix that runs: all of it.
const killEvery = 1
