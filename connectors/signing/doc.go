// Package signing signs requests by a recipe that is data: which inputs, in
// which order and form, digested how, sent where (爱关怀 reference § C.2).
// Vendors differ in nothing else, so that a new one needs JSON and no code.
//
// It is pure: the caller gives clock and randomness and sends what comes
// back. The bytes that are signed are the bytes that are sent; a body is
// never written anew.
package signing
