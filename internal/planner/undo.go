package planner

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"

	"orgflow"
)

// Undone is a run whose changes shall be taken back.
type Undone struct {
	Run string
	// Changes are the run's, in the plan's order. Those that took no effect
	// may be left out; one that failed is taken for one whose outcome is
	// unknown.
	Changes iter.Seq2[orgflow.Change, error]
}

// Undo plans the way back from a run: what it inserted is deleted, what it
// updated gets what it held before, what it deleted is inserted again. It is
// Build on a state in which nobody else changes, so that all rules, the order
// and the safeguards are those of any plan.
//
// in has the job of the undo, profile, root and the bindings; everything else
// of it is set here. A record that a later run has changed, that the run took
// over instead of creating it, or of which it is not known what it held stays
// as it is: the plan has a skipped change for each, with the reason.
func Undo(in Input, of Undone) (*Plan, error) {
	u := &undo{in: in, run: of.Run, traces: map[orgflow.RecordKey]*trace{}, orgs: map[string]orgflow.Binding{}}
	if err := u.follow(of.Changes); err != nil {
		return nil, err
	}
	if err := u.meet(); err != nil {
		return nil, err
	}
	for _, key := range u.order {
		u.decide(u.traces[key])
	}
	plan := &Plan{Counts: map[orgflow.Kind]orgflow.PlanCount{}}
	if wanted := u.state(); len(wanted.Job.Params.SourceIDs) > 0 {
		var err error
		if plan, err = Build(wanted); err != nil {
			return nil, err
		}
	}
	u.tell(plan)
	return plan, nil
}

// undo collects what a run did to each record, and what is to be done.
type undo struct {
	in     Input
	run    string
	traces map[orgflow.RecordKey]*trace
	order  []orgflow.RecordKey // as the run changed them
	orgs   map[string]orgflow.Binding
	stays  []orgflow.Change // records that are left as they are
}

// leftover is a field that keeps what the run set.
type leftover struct {
	kind       orgflow.Kind
	field, why string
}

// trace is what a run did to one record, all its changes together.
type trace struct {
	key    orgflow.RecordKey
	before json.RawMessage // what the consumer held before the first of them
	hash   string          // of what the last one left

	took, inserted, removed, adopted, unsure bool

	now  *orgflow.Binding // nil where the record is not at the consumer
	want *orgflow.Payload // what it shall hold again
	drop bool             // it shall be deleted
	left []leftover       // what of it stays with the run's value
}

// follow sums the run's changes up: several of one record are one effect.
func (u *undo) follow(changes iter.Seq2[orgflow.Change, error]) error {
	for c, err := range changes {
		if err != nil {
			return fmt.Errorf("changes of run %s: %w", u.run, err)
		}
		done := c.State == orgflow.Done || c.State == orgflow.PendingInvite && c.Op == orgflow.Insert && c.Aspect != orgflow.AspectInvitation
		if !done && c.State != orgflow.Failed {
			continue
		}
		t := u.traces[c.Key()]
		if t == nil {
			t = &trace{key: c.Key(), before: c.Before}
			u.traces[t.key], u.order = t, append(u.order, t.key)
		}
		t.adopted = t.adopted || c.Adopted
		if !done {
			t.unsure = true
			continue
		}
		t.took, t.hash, t.removed = true, c.Hash, c.Op == orgflow.Delete
		t.inserted = t.inserted || c.Op == orgflow.Insert
	}
	return nil
}

// meet looks up how the records stand now.
func (u *undo) meet() error {
	for kind, side := range map[orgflow.Kind]*Side{orgflow.Org: &u.in.Orgs, orgflow.Person: &u.in.People} {
		for bd, err := range side.bindings() {
			if err != nil {
				return fmt.Errorf("%s bindings: %w", kind, err)
			}
			if kind == orgflow.Org {
				u.orgs[bd.SourceID] = bd
			}
			if t := u.traces[orgflow.RecordKey{Kind: kind, ID: bd.SourceID}]; t != nil {
				t.now = &bd
			}
		}
	}
	return nil
}

// decide says what becomes of one record.
func (u *undo) decide(t *trace) {
	created := t.inserted && len(t.before) == 0
	switch {
	case t.unsure:
		u.stay(t, "what became of its change is not known; a reconcile run finds out")
	case t.now == nil:
		u.bringBack(t)
	case !u.asLeft(t):
		if created || !u.asBefore(t) {
			u.stay(t, "changed again by run "+t.now.LastRun)
		}
	case created && t.adopted:
		u.stay(t, "was at the consumer before the run, which took it over; what it held then is not known")
	case created:
		t.drop = true
	default:
		u.restore(t)
	}
}

// bringBack inserts a record that the run deleted, unless there was none
// before, or somebody else has deleted it.
func (u *undo) bringBack(t *trace) {
	switch {
	case len(t.before) == 0 && (t.inserted || t.removed):
		// Nothing was there, and nothing is.
	case !t.removed:
		u.stay(t, "has been removed from the consumer since")
	default:
		u.restore(t)
	}
}

func (u *undo) restore(t *trace) {
	want, known := u.wanted(t)
	if !known {
		u.stay(t, "what it held before the run is not known")
		return
	}
	t.want = &want
}

// asBefore tells whether a record is what it was before the run already.
func (u *undo) asBefore(t *trace) bool {
	want, known := u.wanted(t)
	return known && len(diff(u.payload(t.now), want, u.fixed(t.key.Kind), false)) == 0
}

// asLeft tells whether a record is as the run left it.
func (u *undo) asLeft(t *trace) bool {
	return !t.removed && (t.now.LastRun == u.run || t.hash != "" && t.now.Hash == t.hash && t.now.Scope == u.in.Job.Params.Scope)
}

// stay leaves a record as it is, and says so among the changes.
func (u *undo) stay(t *trace, reason string) {
	c := orgflow.Change{Kind: t.key.Kind, Op: orgflow.Update, SourceID: t.key.ID, State: orgflow.Skipped, Reason: "not undone: " + reason}
	switch {
	case t.removed:
		c.Op = orgflow.Insert
	case t.inserted && len(t.before) == 0:
		c.Op = orgflow.Delete
	}
	if t.now != nil {
		c.ConsumerID = t.now.ConsumerID
	}
	u.stays = append(u.stays, c)
}

// wanted is what a record shall hold again. What the run added is emptied,
// where that is possible and the field is known to have been empty.
func (u *undo) wanted(t *trace) (orgflow.Payload, bool) {
	if len(t.before) == 0 {
		return orgflow.Payload{}, false
	}
	p, err := orgflow.DecodePayload(t.before)
	if err != nil || p.Fields == nil {
		return orgflow.Payload{}, false
	}
	if t.now == nil {
		return p, true
	}
	now := u.payload(t.now)
	for name, v := range now.Fields {
		if old, had := p.Fields[name]; v != nil && old == nil {
			p.Fields[name] = u.emptied(t, name, v, had)
		}
	}
	for label, v := range now.Ext {
		if _, had := p.Ext[label]; had || v == nil {
			continue
		}
		if p.Ext == nil {
			p.Ext = map[string]any{}
		}
		p.Ext[label] = u.emptied(t, orgflow.ExtPrefix+label, v, false)
	}
	for _, name := range now.Sensitive {
		if !slices.Contains(p.Sensitive, name) {
			p.Sensitive = append(p.Sensitive, name)
		}
	}
	// What has become create-only since may have been changed by an update.
	p.CreateOnly = slices.DeleteFunc(p.CreateOnly, func(name string) bool { return !slices.Contains(now.CreateOnly, name) })
	return p, true
}

// emptied is the value a field gets back that the run has filled: none, or
// the one it has where that is impossible or too bold.
func (u *undo) emptied(t *trace, name string, v any, knownEmpty bool) any {
	switch {
	case !knownEmpty && t.adopted:
		t.left = append(t.left, leftover{t.key.Kind, name, "what the consumer held before is not known"})
		return v
	case slices.Contains(u.fixed(t.key.Kind), name):
		return v
	case !emptied(u.in.Profile, t.key.Kind, name):
		t.left = append(t.left, leftover{t.key.Kind, name, "the consumer cannot empty it"})
		return v
	}
	return nil
}

// payload is what a binding says the consumer holds.
func (u *undo) payload(bd *orgflow.Binding) orgflow.Payload {
	p, err := orgflow.DecodePayload(bd.Payload)
	if err != nil || p.Fields == nil {
		return orgflow.Payload{Fields: map[string]any{}}
	}
	return p
}

// fixed lists the fields no update is about.
func (u *undo) fixed(kind orgflow.Kind) []string {
	if kind == orgflow.Person {
		return []string{u.in.Profile.PersonFields.ID}
	}
	return nil
}

// tell adds what is not undone to the plan.
func (u *undo) tell(plan *Plan) {
	wave := 1
	if n := len(plan.Changes); n > 0 {
		wave = plan.Changes[n-1].Wave + 1
	}
	for _, c := range u.stays {
		c.ID, c.Wave = len(plan.Changes)+1, wave
		plan.Changes = append(plan.Changes, c)
	}
	if n := len(u.stays); n > 0 {
		plan.Notes = append(plan.Notes, fmt.Sprintf("%d records are not undone and stay as they are; the skipped changes say why", n))
	}
	left := map[leftover]int{}
	for _, t := range u.traces {
		for _, l := range t.left {
			if t.want != nil {
				left[l]++
			}
		}
	}
	var notes []string
	for l, n := range left {
		notes = append(notes, fmt.Sprintf("%d %s records keep %s as the run left it: %s", n, l.kind, l.field, l.why))
	}
	slices.Sort(notes)
	plan.Notes = append(plan.Notes, notes...)
}
