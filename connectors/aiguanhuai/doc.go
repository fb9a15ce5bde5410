// Package aiguanhuai is the consumer 爱关怀 over its organisation interface
// /v3/oms (爱关怀 reference, part A; "reference" below).
//
// Every call carries up to 2,000 records of one kind and is answered as a
// whole: {errno, error, body}. A batch that is refused for its data is taken
// apart until the record to blame stands alone. There is no read call, and
// no delete: who leaves is sent once more with status 11.
//
// faults.go is the only place where vendor codes get a meaning, record.go
// the only place that knows the wire form of a field. What the vendor's
// document leaves open is a setting (reference § A.3).
package aiguanhuai
