// Package filesource reads people and departments from files that another
// system exports: one JSON or CSV file per model in a directory. It only
// reads, streams (a page is all it keeps of a file), and takes a file for
// what it is at the beginning of a read: another content later is a partial
// read.
package filesource
