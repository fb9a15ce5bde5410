package planner

import (
	"fmt"

	"orgflow"
)

// findRefreshed lists the records that somebody has changed at the consumer
// to what the source says: there is nothing to send, and what was accepted
// last is no longer what is there. Left as it is, the binding would make the
// next run, which does not look, send the record once more, and delete and
// insert a person again whose number was changed by hand.
//
// What is bound is what an update would have left there. Only a reconcile run
// with a read of the record finds any, and only where nothing at all is
// planned for it: changes are planned from the binding as it is.
func (b *builder) findRefreshed() {
	if b.in.Job.Params.Mode != orgflow.Reconcile {
		return
	}
	planned := make(map[orgflow.RecordKey]bool, len(b.drafts))
	for _, d := range b.drafts {
		planned[d.Key()] = true
	}
	for i := range b.leads {
		if l := &b.leads[i]; !planned[orgKey(l.item.SourceID)] {
			b.refreshOrg(l)
		}
	}
	orgs := len(b.refreshed)
	for _, p := range b.people.order {
		if p.draft == nil && !planned[personKey(p.id)] {
			b.refreshPerson(p)
		}
	}
	b.noteRefreshed(orgflow.Org, orgs)
	b.noteRefreshed(orgflow.Person, len(b.refreshed)-orgs)
}

func (b *builder) noteRefreshed(kind orgflow.Kind, n int) {
	if n > 0 {
		b.notes = append(b.notes, fmt.Sprintf("%d %s records were changed at the consumer to what the source says; nothing is sent for them", n, kind))
	}
}

// refreshOrg looks at a department of which neither fields nor leaders differ.
func (b *builder) refreshOrg(l *leadership) {
	if _, drifted := b.drifted[orgKey(l.item.SourceID)]; !drifted || l.bd == nil || l.restore {
		return
	}
	field := b.in.Profile.OrgFields.Leaders
	was, shall := b.before(l.bd), l.payload
	wanted, said := l.payload.Fields[field]
	if said {
		wanted = keepRefs(wanted, func(k orgflow.RecordKey) bool { ok, _ := b.mayLead(k.ID, l.item.SourceID); return ok })
		shall = with(shall, field, wanted)
	} else if old, had := l.before.Fields[field]; field != "" && had {
		shall = with(shall, field, old)
	}
	same := !said || b.sameLeaders(was.Fields[field], wanted)
	if same && len(diff(was, without(l.payload, field), nil, false)) == 0 {
		return
	}
	b.refresh(l.bd, shall)
}

// refreshPerson looks at a person for whom nothing is planned.
func (b *builder) refreshPerson(p *member) {
	if !p.drifted || !p.has || p.bd == nil || !b.in.People.allows(orgflow.Update) {
		return
	}
	was := b.before(p.bd)
	if len(diff(was, b.keep(was, p.said), []string{b.in.Profile.PersonFields.ID}, false)) == 0 {
		return
	}
	b.refresh(p.bd, p.after)
}

// refresh has a binding stored as if its consumer had accepted a payload.
func (b *builder) refresh(bd *orgflow.Binding, p orgflow.Payload) {
	fresh := *bd
	b.bindAs(&fresh, p)
	b.refreshed = append(b.refreshed, fresh)
}
