// Package conformance is what the tests of connectors and simulators share:
// a wire without a network, documented answers kept as test data, the ways in
// which answers break, and what must hold whatever a vendor or a caller
// sends. Only tests import it.
package conformance
