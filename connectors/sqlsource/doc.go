// Package sqlsource reads people and departments from tables or views of a
// PostgreSQL or SQLite database, one per model. It only reads, in read-only
// transactions.
//
// A read is one snapshot: the first page runs one statement in one
// repeatable-read transaction, streams its rows through the filter into a
// file that has no name and is gone with the process, and closes the
// transaction. Later pages come from that file. A process that does not have
// it (a restarted or another worker) takes a new snapshot and goes on only
// if it has the same rows; else the read is partial.
package sqlsource
