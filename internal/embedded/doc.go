// Package embedded runs a complete Temporal service and its Web UI inside the
// process, so that orgflow can be tried, tested and run small without
// installing anything. It keeps its data in one SQLite file, or in two
// databases of the customer's PostgreSQL (Temporal reference § 12).
//
// It is the only package that imports go.temporal.io/server and ui-server:
// linking them costs minutes and gigabytes, so only standalone and the
// end-to-end tests may import it.
package embedded
