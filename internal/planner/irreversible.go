package planner

import (
	"cmp"
	"slices"
	"strings"

	"orgflow"
)

// Irreversible lists what of a plan no undo could bring back once it is
// sent. It looks at what would be sent, parked changes included, so that it
// can be said before anybody approves; changes come in the plan's order.
func Irreversible(changes []orgflow.Change, p orgflow.Profile) []orgflow.Irreversible {
	l := losses{profile: p, found: map[loss]int{}, removed: map[orgflow.RecordKey]bool{}, created: map[orgflow.RecordKey]bool{}}
	for _, c := range changes {
		if c.State == orgflow.Planned || c.State == orgflow.Parked {
			l.add(c)
		}
	}
	out := make([]orgflow.Irreversible, 0, len(l.found))
	for what, n := range l.found {
		if n > 0 {
			out = append(out, orgflow.Irreversible{Kind: what.kind, Op: what.op, Count: n, Why: what.why})
		}
	}
	slices.SortFunc(out, func(a, b orgflow.Irreversible) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Op, b.Op), cmp.Compare(a.Why, b.Why))
	})
	return out
}

// losses counts what cannot be brought back.
type losses struct {
	profile          orgflow.Profile
	found            map[loss]int
	removed, created map[orgflow.RecordKey]bool
}

type loss struct {
	kind orgflow.Kind
	op   orgflow.Op
	why  string
}

func (l *losses) add(c orgflow.Change) {
	switch {
	case c.Aspect == orgflow.AspectInvitation:
		// A look whether somebody has joined.
	case c.Op == orgflow.Delete && c.Kind == orgflow.Org:
		if l.profile.AssignsOrgIDs {
			l.found[loss{c.Kind, c.Op, "a department that is inserted again gets another id at the consumer"}]++
		}
	case c.Op == orgflow.Delete:
		l.removed[c.Key()] = true
		l.found[l.leaver()]++
	case c.Op == orgflow.Insert && l.removed[c.Key()]:
		l.found[l.leaver()]--
		l.found[loss{c.Kind, orgflow.Delete, "deleted and inserted again: what the consumer tied to the old membership is lost, and an undo does the same once more"}]++
	case c.Op == orgflow.Insert:
		l.created[c.Key()] = true
		if l.profile.Invites && c.Kind == orgflow.Person {
			l.found[loss{c.Kind, c.Op, "an invitation that was sent cannot be called back"}]++
		}
	case c.Op == orgflow.Update && !l.created[c.Key()] && !l.removed[c.Key()] && c.Aspect != orgflow.AspectTemporary:
		l.update(c)
	}
}

// leaver is the loss of somebody who is deleted.
func (l *losses) leaver() loss {
	why := "a person who is inserted again is a new member: what the consumer tied to the old membership stays lost"
	if l.profile.Invites {
		why += ", and an invitation may have to be accepted"
	}
	return loss{orgflow.Person, orgflow.Delete, why}
}

// update counts the fields whose value before is unknown, or was none and
// cannot be none again.
func (l *losses) update(c orgflow.Change) {
	if len(c.Before) == 0 {
		l.found[loss{c.Kind, c.Op, "what the consumer holds now is not known"}]++
		return
	}
	for name, d := range c.Fields {
		switch {
		case d.Before != nil:
		case c.Adopted && !known(c, name):
			l.found[loss{c.Kind, c.Op, name + ": what the consumer holds now is not known"}]++
		case !emptied(l.profile, c.Kind, name):
			l.found[loss{c.Kind, c.Op, name + ": the consumer cannot empty it again"}]++
		}
	}
}

// known tells whether the value before a change is, if only as none.
func known(c orgflow.Change, name string) bool {
	p, err := orgflow.DecodePayload(c.Before)
	if err != nil {
		return false
	}
	fields := p.Fields
	if label, isExt := strings.CutPrefix(name, orgflow.ExtPrefix); isExt {
		fields, name = p.Ext, label
	}
	_, listed := fields[name]
	return listed
}

// emptied tells whether an update can leave a field without a value.
func emptied(p orgflow.Profile, kind orgflow.Kind, name string) bool {
	if kind == orgflow.Org {
		return !slices.Contains(p.RequiredOrg, name) && !slices.Contains(p.OrgUnclearable, name)
	}
	return name != p.PersonFields.ID && !slices.Contains(p.RequiredPerson, name) &&
		!slices.Contains(p.PersonImmutable, name) && !slices.Contains(p.PersonUnclearable, name)
}
