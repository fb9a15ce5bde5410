// Package orgflow is the vocabulary of the program: the words of the
// specification's glossary as Go types, their validation, the names that
// must not drift, and the errors every layer shares.
//
// It imports the standard library only and does no I/O, so that every other
// package may import it.
package orgflow

import (
	"fmt"
	"strings"
)

// Kind tells persons from departments.
type Kind string

// The two kinds of record a sync moves.
const (
	Org    Kind = "org"
	Person Kind = "person"
)

// Op is what a change does to one record at the consumer.
type Op string

// The operations of a plan, in canonical order.
const (
	Insert Op = "insert"
	Update Op = "update"
	Delete Op = "delete"
)

// Target is what a run writes to: one consumer of one company.
type Target struct {
	CompanyID int64  `json:"company_id"`
	Consumer  string `json:"consumer"`
}

// String returns the target's key as it stands in ids, queues and logs:
// "129/ding_talk".
func (t Target) String() string { return fmt.Sprintf("%d/%s", t.CompanyID, t.Consumer) }

// RecordKey names a source record across kinds: "person:1001".
type RecordKey struct {
	Kind Kind   `json:"kind"`
	ID   string `json:"id"`
}

// String returns kind and id, joined by a colon.
func (k RecordKey) String() string { return string(k.Kind) + ":" + k.ID }

// RemoteKey names a record by its id at the consumer.
type RemoteKey struct {
	Kind Kind   `json:"kind"`
	ID   string `json:"id"`
}

// OnChange says what is done when a consumer tells that somebody else has
// changed records we manage.
type OnChange string

// Reactions to such an event.
const (
	ChangeOff    OnChange = "off"    // nothing
	ChangeReport OnChange = "report" // a dry run shows what differs
	ChangeRepair OnChange = "repair" // a run makes it again as the source has it
)

// ParseRecordKey reads "person:1001" or "org:11". A text without a kind is
// not accepted here; a job's source_ids are resolved by the planner, which
// knows the kinds of the job's services.
func ParseRecordKey(s string) (RecordKey, error) {
	kind, id, found := strings.Cut(s, ":")
	if !found || id == "" || (Kind(kind) != Org && Kind(kind) != Person) {
		return RecordKey{}, fmt.Errorf("record key %q is not org:<id> or person:<id>", s)
	}
	return RecordKey{Kind: Kind(kind), ID: id}, nil
}
