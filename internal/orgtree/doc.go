// Package orgtree decides what a read of an organisation makes of the one
// known before: who is new, who is gone, and what stays because nobody knows.
// It is pure; records are told apart by the origin's ids, and ids of our own
// are the store's business.
package orgtree
