package planner

import (
	"iter"
	"slices"
	"strings"

	"orgflow"
)

// Input is everything a plan depends on.
type Input struct {
	Job     orgflow.Job
	Profile orgflow.Profile
	Root    Root
	Orgs    Side
	People  Side
	// NoDepartmentRoot puts persons without a department under the root
	// instead of holding them.
	NoDepartmentRoot bool
	// RunToken is a short text, at best letters and digits, that temporary
	// names carry so that people can tell where they come from; "tmp" if empty.
	RunToken string

	undoes string // the run this plan takes back, for the reasons of changes
}

// Root says how the source's root department meets the consumer's.
type Root struct {
	// ID is the consumer's root department.
	ID string
	// Create makes every source root a department below ID; otherwise the
	// single source root is bound to ID and never created or renamed.
	Create bool
}

// Side is one kind: what was read, what is bound, what may be done.
type Side struct {
	// Present: the job has a service of this kind.
	Present bool
	// Ops are the operations the job's services of this kind allow.
	Ops []orgflow.Op
	// Complete is the proof that every record was read; Cause says why not.
	Complete bool
	Cause    string
	// FilterChanged: filter or meta file differ from the last run of this
	// scope and service, so that absence may mean "no longer asked for".
	FilterChanged bool
	// Records in source order: their place in the list counts, not their
	// Position. Rejected are the ids set aside at fetch: they exist, so they
	// are never deleted.
	Records  []Item
	Rejected map[string]bool
	// Bindings of the target and kind, all scopes.
	Bindings []orgflow.Binding
	// RecordSeq and BindingSeq take the place of Records and Bindings where
	// these are too many to be kept, sorted by source id in byte order. Records
	// are read once, and again where a record is held because it failed before,
	// bindings several times, with equal results. Streams and
	// lists of the same make the same plan.
	RecordSeq  iter.Seq2[Item, error]
	BindingSeq iter.Seq2[orgflow.Binding, error]
	// RecentDeletes counts deletes of this kind in the last seven days.
	RecentDeletes int
	// OtherScopes are the source ids that another scope of the same target
	// read in its last complete fetch, with that scope's name.
	OtherScopes map[string]string
	// Failed are the records whose last change failed for reasons of its own,
	// by source id.
	Failed map[string]Failure
	// Remote is all the consumer holds of this kind; nil means not read. With
	// it unbound records are adopted instead of created, and a reconcile run
	// finds what was changed at the consumer.
	Remote []RemoteRecord
}

// Failure is a change that failed for reasons of its own, in one run or more.
type Failure struct {
	Op    orgflow.Op
	Hash  string // of the payload
	Scope string // of the run
	// Deferred says why the same change is not tried in this run; empty lets
	// it be tried.
	Deferred string
}

// Item is a staged record with the payload the template made of it. A
// non-empty Issue holds the record.
type Item struct {
	SourceID string
	ParentID string
	Payload  orgflow.Payload
	Issue    string
	// Position is the record's place in source order, which decides who comes
	// first: of equals the first one gets what only one can have.
	Position int
}

// RemoteRecord is a record as the consumer holds it now.
type RemoteRecord struct {
	ConsumerID string
	// Key is the EffectKey under which we created it, or another system's
	// key; empty where there is none or the consumer has no such field.
	Key string
	// Fields by target name, references as the consumer's ids. A field that
	// is not listed is unknown; one that is known to be empty is nil.
	Fields map[string]any
	// Ext by label; nil is unknown.
	Ext map[string]any
}

// records streams the side's records by source id.
func (s *Side) records() iter.Seq2[Item, error] {
	if s.RecordSeq != nil {
		return s.RecordSeq
	}
	byID := order(len(s.Records), func(i int) string { return s.Records[i].SourceID })
	return func(yield func(Item, error) bool) {
		for _, i := range byID {
			it := s.Records[i]
			it.Position = i
			if !yield(it, nil) {
				return
			}
		}
	}
}

// bindings streams the side's bindings by source id.
func (s *Side) bindings() iter.Seq2[orgflow.Binding, error] {
	if s.BindingSeq != nil {
		return s.BindingSeq
	}
	byID := order(len(s.Bindings), func(i int) string { return s.Bindings[i].SourceID })
	return func(yield func(orgflow.Binding, error) bool) {
		for _, i := range byID {
			if !yield(s.Bindings[i], nil) {
				return
			}
		}
	}
}

// order returns the indexes 0…n-1 sorted by id, equal ids as they came.
func order(n int, id func(int) string) []int {
	ix := make([]int, n)
	for i := range ix {
		ix[i] = i
	}
	slices.SortStableFunc(ix, func(a, b int) int { return strings.Compare(id(a), id(b)) })
	return ix
}
