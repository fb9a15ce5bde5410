// Package planner decides what a run will do: it compares staged records
// with bindings under a consumer's profile and lists every change in the
// canonical order, before anything is sent. It is pure: no I/O, no clock;
// equal inputs give equal plans.
package planner

import (
	"encoding/json"
	"fmt"
	"slices"

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
	// Records in source order, Rejected the ids set aside at fetch with
	// their reason: they exist, so they are never deleted.
	Records  []Item
	Rejected map[string]string
	// Bindings of the target and kind, all scopes.
	Bindings []orgflow.Binding
	// RecentDeletes counts deletes of this kind in the last seven days.
	RecentDeletes int
}

// Item is a staged record with the payload the template made of it. A
// non-empty Issue holds the record.
type Item struct {
	SourceID string
	ParentID string
	Payload  orgflow.Payload
	Issue    string
}

// Plan is the frozen answer.
type Plan struct {
	Changes []orgflow.Change
	Counts  map[orgflow.Kind]orgflow.PlanCount
	// Root is the source root to bind to the consumer's root, if any.
	Root string
	// Parked counts changes that wait for an approval.
	Parked int
	// Notes are sentences about the plan as a whole, for people.
	Notes []string
}

// Hash identifies the plan's content: what was approved is what is executed.
func (p *Plan) Hash() (string, error) {
	type line struct {
		Change  orgflow.Change
		Payload json.RawMessage
	}
	lines := make([]line, len(p.Changes))
	for i, c := range p.Changes {
		lines[i] = line{c, c.Payload}
	}
	raw, err := json.Marshal(lines)
	if err != nil {
		return "", fmt.Errorf("hash plan: %w", err)
	}
	return orgflow.Hash(raw), nil
}

// Build makes the plan. The error is a fault that ends the run before any
// write: an input no plan can be made of.
func Build(in Input) (*Plan, error) {
	b := &builder{
		in:       in,
		bound:    map[orgflow.RecordKey]*orgflow.Binding{},
		planned:  map[orgflow.RecordKey]*draft{},
		held:     map[orgflow.RecordKey]string{},
		selected: selection(in.Job.Params.SourceIDs),
	}
	for _, side := range []*Side{&b.in.Orgs, &b.in.People} {
		for i := range side.Bindings {
			bd := &side.Bindings[i]
			b.bound[orgflow.RecordKey{Kind: bd.Kind, ID: bd.SourceID}] = bd
		}
	}
	b.present = make(map[string]bool, len(b.in.People.Records))
	for _, it := range b.in.People.Records {
		b.present[it.SourceID] = it.Issue == ""
	}
	if err := b.planOrgs(); err != nil {
		return nil, err
	}
	b.planPeople()
	if err := b.planDeletes(); err != nil {
		return nil, err
	}
	return b.finish(), nil
}

// builder collects drafts until their order is known.
type builder struct {
	in       Input
	bound    map[orgflow.RecordKey]*orgflow.Binding
	drafts   []*draft
	planned  map[orgflow.RecordKey]*draft // the insert of a record, if one is planned
	held     map[orgflow.RecordKey]string // records that cannot be written, and why
	selected func(orgflow.RecordKey) bool
	present  map[string]bool      // persons this run's read contains and can map
	absent   int                  // references left out because nobody knows the person
	counts   [2]orgflow.PlanCount // org, person
	root     string
	notes    []string
}

// draft is a change whose id and wave are not known yet.
type draft struct {
	orgflow.Change
	payload orgflow.Payload // of a person's insert
	phase   int             // canonical phase, see the phase constants
	level   int             // order inside the phase: tree level, manager depth
	needs   []*draft
}

// Phases in canonical order (spec § 3.4). References come when the people
// they name exist, and before anybody is deleted.
const (
	phaseOrgInsert = iota
	phaseOrgUpdate
	phaseRecreateDelete
	phasePersonInsert
	phasePersonUpdate
	phaseReferences
	phasePersonDelete
	phaseOrgDelete
)

func (b *builder) count(k orgflow.Kind) *orgflow.PlanCount {
	if k == orgflow.Org {
		return &b.counts[0]
	}
	return &b.counts[1]
}

func (b *builder) add(d *draft) *draft {
	if d.State == "" {
		d.State = orgflow.Planned
	}
	b.drafts = append(b.drafts, d)
	return d
}

// hold sets a record aside with its reason: it costs no call, and nothing
// that depends on it is tried.
func (b *builder) hold(k orgflow.RecordKey, reason string) {
	b.held[k] = reason
	op := orgflow.Insert
	var consumerID string
	if bd := b.bound[k]; bd != nil {
		op, consumerID = orgflow.Update, bd.ConsumerID
	}
	phase := phasePersonInsert
	if k.Kind == orgflow.Org {
		phase = phaseOrgInsert
	}
	b.count(k.Kind).Held++
	b.add(&draft{phase: phase, Change: orgflow.Change{
		Kind: k.Kind, Op: op, SourceID: k.ID, ConsumerID: consumerID,
		State: orgflow.Held, Reason: reason,
	}})
}

func (s Side) allows(op orgflow.Op) bool { return slices.Contains(s.Ops, op) }

// selection answers whether source_ids of the job admit a record; without
// source_ids every record is admitted.
func selection(ids []string) func(orgflow.RecordKey) bool {
	if len(ids) == 0 {
		return func(orgflow.RecordKey) bool { return true }
	}
	set := make(map[string]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return func(k orgflow.RecordKey) bool { return set[k.ID] || set[k.String()] }
}
