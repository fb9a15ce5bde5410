package planner

import (
	"time"

	"orgflow"
)

// lookFor drafts the look for somebody who was invited: who has joined is
// brought to the payload, who has not may be invited again. It is the only
// change of somebody invited: they have nothing that could be updated.
func (b *builder) lookFor(p *member) {
	if !b.in.People.allows(orgflow.Insert) || !b.manages(p.bd) {
		b.count(orgflow.Person).Unchanged++
		return
	}
	// The id stays the one they were invited under.
	id := b.in.Profile.PersonFields.ID
	d := b.insertPerson(p, with(p.after, id, p.bd.ConsumerID), invitedSince(p.bd.InvitedAt))
	d.Aspect = orgflow.AspectInvitation
	d.Fields = diff(p.before, p.after, []string{id}, false)
	p.draft = d
	b.count(orgflow.Person).Invited++
}

func invitedSince(at time.Time) string {
	const looks = "not in the directory yet: looks whether the person has joined"
	if at.IsZero() {
		return "invited, " + looks
	}
	return "invited on " + at.UTC().Format(time.DateOnly) + ", " + looks
}

// invited tells whether somebody was invited, and nobody knows of them having
// joined.
func (p *member) invited() bool { return p.bd != nil && p.bd.State == orgflow.BindingPending }
