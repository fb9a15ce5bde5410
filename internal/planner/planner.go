// Package planner decides what a run will do: it compares staged records
// with bindings under a consumer's profile and lists every change in the
// order in which it can be made, before anything is sent. It is pure: no
// I/O, no clock; equal inputs give equal plans.
//
// Changes are nodes of a graph. Their phases give the canonical order; edges
// say what has to be over before (a parent created, a name freed, a
// department emptied) and pull only that ahead of its phase. Circles are cut
// by temporary names and values, or given to a person where the consumer
// offers neither.
package planner

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"orgflow"
)

// Build makes the plan. The error is a fault that ends the run before any
// write, an input no plan can be made of, or an iterator's own error.
//
// A record whose change failed again and again, and would be the same, is
// held. What the change is stands only in the finished drafts, so that Build
// begins again with those it found, as long as there are some.
func Build(in Input) (*Plan, error) {
	held := map[orgflow.RecordKey]bool{}
	for {
		b := newBuilder(in)
		b.deferred = held
		if err := b.draft(); err != nil {
			return nil, err
		}
		if !b.findDeferred() {
			return b.finish(), nil
		}
	}
}

// draft plans every change and settles what waits for what.
func (b *builder) draft() error {
	if err := b.loadOrgs(); err != nil {
		return err
	}
	if err := b.planOrgs(); err != nil {
		return err
	}
	if err := b.readPeople(); err != nil {
		return err
	}
	b.planPeople()
	if err := b.planDeletes(); err != nil {
		return err
	}
	b.linkOrgs()
	b.linkPeople()
	b.settle()
	b.finishManagers()
	b.planLeaders()
	b.propagate()
	return nil
}

// Plan is the frozen answer.
type Plan struct {
	// Changes in canonical order. Every change of a wave may run at the same
	// time as the others of that wave; waves run strictly one after another.
	Changes []orgflow.Change
	Counts  map[orgflow.Kind]orgflow.PlanCount
	// Root is the source root to bind to the consumer's root, if any.
	Root string
	// Adopt are bindings of records the consumer had before: to be stored
	// with the plan, before any change is sent.
	Adopt []orgflow.Binding
	// Refresh are bindings of records that were changed at the consumer to what
	// the source says: to be stored with the plan too. None of them has a change.
	Refresh []orgflow.Binding
	// Takeover are bindings that move to the scope that reads the record now.
	Takeover []orgflow.Binding
	// Forget are records whose failures (Side.Failed) mean nothing any more:
	// their change is another one now, or none.
	Forget []orgflow.RecordKey
	// Parked counts changes that wait for an approval.
	Parked int
	// Notes are sentences about the plan as a whole, for people.
	Notes []string
}

// Hash identifies the plan's content: what was approved is what is executed.
// Lines are hashed one by one, so that a large plan is not written out whole.
func (p *Plan) Hash() (string, error) {
	sum := sha256.New()
	enc := json.NewEncoder(sum)
	for _, c := range p.Changes {
		if err := enc.Encode(struct {
			Change  orgflow.Change
			Payload json.RawMessage
		}{c, c.Payload}); err != nil {
			return "", fmt.Errorf("hash plan: %w", err)
		}
	}
	if err := enc.Encode(struct {
		Adopt, Takeover []orgflow.Binding
		Refresh         []orgflow.Binding `json:",omitempty"`
	}{p.Adopt, p.Takeover, p.Refresh}); err != nil {
		return "", fmt.Errorf("hash plan: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// builder collects drafts until their order is known.
type builder struct {
	unknownLeaders int // left out: they are not at the consumer and do not come along
	in             Input
	bound          map[orgflow.RecordKey]*orgflow.Binding // departments
	drafts         []*draft
	planned        map[orgflow.RecordKey]*draft // the insert of a department, if one is planned
	held           map[orgflow.RecordKey]hold   // records that cannot be written, and why
	selected       func(orgflow.RecordKey) bool
	counts         [2]orgflow.PlanCount // org, person
	root           string
	adopted        []orgflow.Binding
	met            map[orgflow.RecordKey]bool // records this plan adopts: of what they hold only a part is known
	takeover       []orgflow.Binding
	refreshed      []orgflow.Binding
	notes          []string

	orgItems  []Item
	here      map[string]place  // departments at the consumer, by source id
	there     map[string]place  // where departments that are written shall be
	orgDraft  map[string]*draft // structural change of a department: insert, update, delete, or what holds it
	orgDelete map[string]bool   // departments that have left the source
	deferred  map[orgflow.RecordKey]bool
	idle      map[orgflow.RecordKey]bool // records that failed before and need no change now
	hops      map[*draft]*draft          // temporary change that frees what the key holds
	strikes   map[strike]int             // how often the order of a change was corrected
	relocated map[*draft]bool            // has a temporary place
	leads     []leadership               // departments whose leaders have to be looked at
	turns     map[turn]*draft            // last change of leaders that writes a person
	people    *people
	orgOf     map[string]string // "=" and consumer id → source id
	rounds    int               // of settle
	tempNames int

	stale   map[orgflow.RecordKey]string          // hashes of department bindings a reconcile run has dropped
	drifted map[orgflow.RecordKey]orgflow.Payload // what the consumer holds of departments that were changed there

	remote        *remoteIndex
	remoteOrgs    map[string]RemoteRecord // those nobody is bound to, by consumer id
	allRemoteOrgs map[string]RemoteRecord
}

func newBuilder(in Input) *builder {
	return &builder{
		in:        in,
		bound:     map[orgflow.RecordKey]*orgflow.Binding{},
		planned:   map[orgflow.RecordKey]*draft{},
		held:      map[orgflow.RecordKey]hold{},
		met:       map[orgflow.RecordKey]bool{},
		selected:  selection(in.Job.Params.SourceIDs),
		here:      map[string]place{},
		there:     map[string]place{},
		orgDraft:  map[string]*draft{},
		orgDelete: map[string]bool{},
		idle:      map[orgflow.RecordKey]bool{},
		hops:      map[*draft]*draft{},
		strikes:   map[strike]int{},
		relocated: map[*draft]bool{},
		turns:     map[turn]*draft{},
		stale:     map[orgflow.RecordKey]string{},
		drifted:   map[orgflow.RecordKey]orgflow.Payload{},
		people:    newPeople(),
	}
}

// hold is why a record cannot be written: its own cause, or that of the
// record above it.
type hold struct{ by, cause string }

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
func (b *builder) hold(k orgflow.RecordKey, bd *orgflow.Binding, state orgflow.State, reason string) *draft {
	if _, known := b.held[k]; !known {
		b.held[k] = hold{k.ID, reason}
	}
	op, phase, id := orgflow.Insert, phaseOrgInsert, ""
	if k.Kind == orgflow.Person {
		phase = phasePersonInsert
	}
	if bd != nil {
		op, id, phase = orgflow.Update, bd.ConsumerID, phase+updateAfterInsert(k.Kind)
	}
	b.count(k.Kind).Held++
	d := b.add(&draft{phase: phase, cause: reason, Change: orgflow.Change{
		Kind: k.Kind, Op: op, SourceID: k.ID, ConsumerID: id, State: state, Reason: reason,
	}})
	if k.Kind == orgflow.Org {
		b.orgDraft[k.ID] = d
	}
	return d
}

// stop takes a planned draft out of the run. What waits for it is told by
// propagate.
func (b *builder) stop(d *draft, state orgflow.State, reason string) {
	if !d.open() {
		return
	}
	if d.Aspect == "" && state == orgflow.Held {
		b.uncount(d)
		b.count(d.Kind).Held++
	}
	d.State, d.Reason, d.cause = state, reason, reason
}

func (b *builder) uncount(d *draft) {
	switch c := b.count(d.Kind); d.Op {
	case orgflow.Insert:
		if d.unit == nil {
			c.Insert--
		} else {
			c.Update--
		}
	case orgflow.Update:
		c.Update--
	case orgflow.Delete:
		if d.unit == nil {
			c.Delete--
		}
	}
}

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

func (s *Side) allows(op orgflow.Op) bool { return slices.Contains(s.Ops, op) }
