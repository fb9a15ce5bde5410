package planner

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"orgflow"
)

// leadership is a department whose leaders have to be looked at.
type leadership struct {
	item    Item
	bd      *orgflow.Binding
	before  orgflow.Payload
	payload orgflow.Payload
	first   *draft // insert or own update
	restore bool   // nothing else happens to it: only what a recreate undid is set again
}

// otherLeaderships adds the departments this run does not write: who is
// deleted and inserted again has to lead them again.
func (b *builder) otherLeaderships() {
	if !b.in.Profile.LeadersMustBeMembers || b.in.Profile.OrgFields.Leaders == "" {
		return
	}
	listed := map[string]bool{}
	for _, l := range b.leads {
		listed[l.item.SourceID] = true
	}
	for _, id := range slices.Sorted(maps.Keys(b.here)) {
		if bd := b.bound[orgKey(id)]; !listed[id] && !b.orgDelete[id] {
			before := b.before(bd)
			b.leads = append(b.leads, leadership{item: Item{SourceID: id}, bd: bd, before: before, payload: before, restore: true})
		}
	}
}

// namedLeaders lists everybody who leads a department or shall.
func (b *builder) namedLeaders() map[string]bool {
	field := b.in.Profile.OrgFields.Leaders
	out := map[string]bool{}
	if field == "" {
		return out
	}
	for _, l := range b.leads {
		for _, p := range []orgflow.Payload{l.before, l.payload} {
			for _, ref := range orgflow.RefsIn(p.Fields[field]) {
				out[ref.ID] = true
			}
		}
	}
	return out
}

// planLeaders plans the second pass of departments: leaders, once all people
// are where they belong.
func (b *builder) planLeaders() {
	for i := range b.leads {
		l := &b.leads[i]
		l.stayAsIs((*draft).open)
		b.leadAgain(l)
		l.stayAsIs((*draft).runs)
		if !b.planLeadersOf(l) && l.first == nil && !l.restore {
			b.count(orgflow.Org).Unchanged++
		}
	}
	if b.unknownLeaders > 0 {
		b.notes = append(b.notes, fmt.Sprintf("%d leaders are not at the consumer and do not come with this run; a run of departments that follows sets them", b.unknownLeaders))
	}
}

// stayAsIs: where a department's own change does not run, only what is undone
// at it is done again.
func (l *leadership) stayAsIs(unless func(*draft) bool) {
	if l.first != nil && !unless(l.first) {
		l.first, l.payload, l.restore = nil, l.before, true
	}
}

// planLeadersOf drafts the leaders of one department and tells whether there
// is anything to do.
func (b *builder) planLeadersOf(l *leadership) bool {
	field := b.in.Profile.OrgFields.Leaders
	wanted, said := l.payload.Fields[field]
	if field == "" || !said || l.bd == nil && l.first == nil {
		return false
	}
	if l.restore && !b.losesLeader(l) {
		return false
	}
	wanted, strangers := b.ableToLead(l, wanted)
	if len(strangers) > 0 && !l.restore {
		b.holdLeaders(l, strangers)
	}
	recorded := l.before.Fields[field]
	if plainText(recorded) == "" && plainText(wanted) == "" {
		return false // nobody of those named can lead yet, and nobody leads
	}
	full := b.in.Job.Params.Mode == orgflow.Full && l.bd != nil
	if !full && b.sameLeaders(recorded, wanted) && !b.losesLeader(l) {
		return false
	}
	b.referLeaders(l, wanted)
	return true
}

// ableToLead keeps those who may lead the department, and lists the persons
// who never may.
func (b *builder) ableToLead(l *leadership, wanted any) (able any, strangers []string) {
	able = keepRefs(wanted, func(k orgflow.RecordKey) bool {
		ok, why := b.mayLead(k.ID, l.item.SourceID)
		switch {
		case why != "":
			strangers = append(strangers, k.ID)
		case !ok:
			b.unknownLeaders++
		}
		return ok
	})
	return able, strangers
}

// leadAgain parks the second pass of a department together with the recreate
// of one of its leaders: who approves the one approves the other.
func (b *builder) leadAgain(l *leadership) {
	field := b.in.Profile.OrgFields.Leaders
	var parked []*draft
	here := orgKey(l.item.SourceID)
	wanted := keepRefs(l.payload.Fields[field], func(k orgflow.RecordKey) bool {
		ok := slices.Contains(b.seatThen(k.ID, (*draft).open).orgs, here)
		if p := b.people.touched[k.ID]; ok && p != nil && p.del != nil && p.del.State == orgflow.Parked {
			parked = append(parked, p.draft)
		}
		return ok
	})
	if len(parked) == 0 || !b.in.Profile.LeadersMustBeMembers || l.bd == nil {
		return
	}
	d := b.add(&draft{phase: phaseReferences, Change: change(here, orgflow.Update, l.bd.ConsumerID, with(l.payload, field, wanted))})
	d.State, d.Aspect = orgflow.Parked, orgflow.AspectReferences
	d.Fields = map[string]orgflow.Diff{field: {Before: orgflow.ShowValue(l.before.Fields[field]), After: orgflow.ShowValue(wanted)}}
	d.Reason = field + " is set again once a leader was deleted and inserted again; parked with that"
	d.cause = parked[0].cause
	d.require(l.first, needs, "")
	for _, p := range parked {
		d.require(p, needs, "")
	}
	b.leadInTurn(d, l.before.Fields[field], wanted)
}

// sameLeaders compares lists of which one may come from the consumer and name
// people by their ids there.
func (b *builder) sameLeaders(recorded, wanted any) bool {
	if same(recorded, wanted) {
		return true
	}
	text, known := b.resolved(recorded)
	if !known || orgflow.HasRefMark(plainText(recorded)) {
		return false
	}
	shall, known := b.resolved(wanted)
	return known && sameSet(text, shall)
}

// referLeaders drafts the second pass.
func (b *builder) referLeaders(l *leadership, wanted any) {
	field := b.in.Profile.OrgFields.Leaders
	payload := with(l.payload, field, wanted)
	id := ""
	if l.bd != nil {
		id = l.bd.ConsumerID
	}
	d := b.add(&draft{phase: phaseReferences, Change: change(orgKey(l.item.SourceID), orgflow.Update, id, payload)})
	d.Fields = map[string]orgflow.Diff{field: {Before: orgflow.ShowValue(l.before.Fields[field]), After: orgflow.ShowValue(wanted)}}
	d.Reason = differs(d.Fields)
	switch {
	case l.bd == nil:
		d.Aspect = orgflow.AspectReferences
		d.Reason = field + " is set once the people exist"
		b.count(orgflow.Org).References++
	case l.first != nil:
		d.Aspect = orgflow.AspectReferences
	case l.restore:
		d.Aspect = orgflow.AspectReferences
		d.Reason = field + " is set again, because a leader was deleted and inserted again"
	default:
		b.count(orgflow.Org).Update++
	}
	d.require(l.first, needs, "")
	for _, ref := range orgflow.RefsIn(wanted) {
		if p := b.people.touched[ref.ID]; p != nil && p.draft != nil && p.draft.State == orgflow.Planned {
			d.require(p.draft, follows, "")
		}
	}
	b.leadInTurn(d, l.before.Fields[field], wanted)
}

// holdLeaders reports leaders the consumer would refuse.
func (b *builder) holdLeaders(l *leadership, strangers []string) {
	d := b.add(&draft{phase: phaseReferences, Change: orgflow.Change{
		Kind: orgflow.Org, Op: orgflow.Update, SourceID: l.item.SourceID, State: orgflow.Held, Aspect: orgflow.AspectReferences,
		Reason: fmt.Sprintf("person %s is not a member of this department, and the consumer lets only members lead it", strings.Join(firstN(strangers, 5), ", ")),
	}})
	if l.bd != nil {
		d.ConsumerID = l.bd.ConsumerID
	}
	d.cause = d.Reason
	b.count(orgflow.Org).Held++
}

// mayLead tells whether somebody can lead a department when the second pass
// comes; why is given if the source itself says they cannot.
func (b *builder) mayLead(id, dept string) (ok bool, why string) {
	if !b.in.Profile.LeadersMustBeMembers {
		b.noteSeat(id)
		return b.willBeThere(id, orgflow.Planned), ""
	}
	if slices.Contains(b.seatThen(id, (*draft).runs).orgs, orgKey(dept)) {
		return true, ""
	}
	if p := b.people.touched[id]; p != nil && p.has && !p.invited() && p.draft != nil && p.draft.State == orgflow.Planned {
		return false, "sits elsewhere"
	}
	if s, seated := b.people.seats[id]; seated && !s.pending {
		return false, "sits elsewhere"
	}
	return false, ""
}

// noteSeat makes an untouched leader known to willBeThere.
func (b *builder) noteSeat(id string) {
	if s, seated := b.people.seats[id]; seated {
		b.people.known[id] = !s.pending
	}
}

// seatThen is where somebody sits when people are in place; runs tells which
// changes count.
func (b *builder) seatThen(id string, runs func(*draft) bool) seat {
	p := b.people.touched[id]
	if p == nil {
		if s := b.people.seats[id]; !s.pending {
			return s
		}
		return seat{}
	}
	planned := p.draft != nil && runs(p.draft)
	switch {
	case p.gone && planned, p.bd == nil && !planned, p.bd != nil && p.bd.State == orgflow.BindingPending:
		return seat{}
	case p.gone, !planned:
		return seat{orgs: b.orgsOf(p.before)}
	}
	return seat{orgs: p.orgs}
}

// losesLeader tells whether somebody who leads a department stops to, though
// they stay named: who is deleted and inserted again has to be set again, and
// so has who left and came back.
func (b *builder) losesLeader(l *leadership) bool {
	return b.in.Profile.LeadersMustBeMembers && slices.ContainsFunc(orgflow.RefsIn(l.before.Fields[b.in.Profile.OrgFields.Leaders]), func(k orgflow.RecordKey) bool {
		p := b.people.touched[k.ID]
		if p != nil && p.del != nil && p.del.State == orgflow.Planned {
			return true
		}
		return !l.restore && !b.seatedNow(k.ID, l.item.SourceID)
	})
}

// seatedNow tells whether somebody is a member of a department now.
func (b *builder) seatedNow(id, dept string) bool {
	if p := b.people.touched[id]; p != nil {
		return p.bd != nil && slices.Contains(b.orgsOf(p.before), orgKey(dept))
	}
	return slices.Contains(b.people.seats[id].orgs, orgKey(dept))
}

// keepRefs leaves those parts of a list, or of a comma-separated text, whose
// references are all admitted; nil when none is.
func keepRefs(v any, admit func(orgflow.RecordKey) bool) any {
	reject := func(k orgflow.RecordKey) bool { return !admit(k) }
	switch v := v.(type) {
	case string:
		var kept []string
		for part := range strings.SplitSeq(v, ",") {
			if !slices.ContainsFunc(orgflow.Refs(part), reject) {
				kept = append(kept, part)
			}
		}
		if len(kept) == 0 {
			return nil
		}
		return strings.Join(kept, ",")
	case []any:
		var kept []any
		for _, e := range v {
			if !slices.ContainsFunc(orgflow.RefsIn(e), reject) {
				kept = append(kept, e)
			}
		}
		if len(kept) == 0 {
			return nil
		}
		return kept
	}
	return v
}
