// Package rowset holds what the sources share that have rows instead of a
// gateway, tables and files: the checks of a query, the filters of the HCM
// gateway (HCM reference § 1.5) asked of single rows, and the way from flat
// columns to nested values. It does no I/O.
package rowset
