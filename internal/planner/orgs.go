package planner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"orgflow"
)

// loadOrgs collects the departments: there are few enough of them to be
// kept, and a tree cannot be judged in pieces.
func (b *builder) loadOrgs() error {
	side := &b.in.Orgs
	sorted := make([]orgflow.Binding, 0, len(side.Bindings))
	for bd, err := range side.bindings() {
		if err != nil {
			return fmt.Errorf("department bindings: %w", err)
		}
		sorted = append(sorted, bd)
	}
	side.Bindings = sorted
	for i := range side.Bindings {
		bd := &side.Bindings[i]
		b.bound[orgKey(bd.SourceID)] = bd
	}
	if !side.Present {
		return nil
	}
	if side.RecordSeq != nil {
		for it, err := range side.RecordSeq {
			if err != nil {
				return fmt.Errorf("department records: %w", err)
			}
			b.orgItems = append(b.orgItems, it)
		}
		slices.SortStableFunc(b.orgItems, func(x, y Item) int { return cmp.Compare(x.Position, y.Position) })
		return nil
	}
	b.orgItems = side.Records
	return nil
}

// planOrgs plans inserts and updates of departments, root first.
func (b *builder) planOrgs() error {
	side := &b.in.Orgs
	known := func(id string) bool {
		// A parent that only an older read contained still stands at the consumer.
		return b.bound[orgKey(id)] != nil && (!side.Complete || len(b.in.Job.Params.SourceIDs) > 0)
	}
	t := growTree(b.orgItems, known)
	if err := b.mapRoot(t); err != nil {
		return err
	}
	b.adoptOrgs(t)
	b.locate()
	defer b.otherLeaderships()
	if !side.Present {
		return nil
	}
	b.findGoneOrgs()
	for _, it := range b.orgItems {
		key := orgKey(it.SourceID)
		if cause, bad := t.broken[it.SourceID]; bad && b.selected(key) && b.orgDraft[it.SourceID] == nil {
			b.hold(key, b.bound[key], orgflow.Held, cause)
		}
	}
	b.holdDeferred()
	claims := b.claimSlots(t)
	for _, i := range t.order {
		it := b.orgItems[i]
		key := orgKey(it.SourceID)
		if it.SourceID == b.root || !b.selected(key) || b.orgDraft[it.SourceID] != nil {
			continue
		}
		if reason := b.orgProblem(it, t.level[it.SourceID], claims); reason != "" {
			b.hold(key, b.bound[key], orgflow.Held, reason)
			continue
		}
		b.planOrg(it, t.level[it.SourceID], i)
	}
	return nil
}

// holdDeferred holds the departments that failed again and again.
func (b *builder) holdDeferred() {
	for _, it := range b.orgItems {
		key := orgKey(it.SourceID)
		if reason, held := b.deferral(key); held && b.orgDraft[it.SourceID] == nil {
			b.hold(key, b.bound[key], orgflow.Held, reason)
		}
	}
}

// locate notes where every known department stands.
func (b *builder) locate() {
	b.orgOf = make(map[string]string, len(b.bound))
	for key, bd := range b.bound {
		b.orgOf["="+bd.ConsumerID] = key.ID
	}
	for key, bd := range b.bound {
		if bd.State == orgflow.BindingRoot {
			continue
		}
		at := b.placeOf(b.before(bd), place{})
		if source, known := b.orgOf[at.parent]; known {
			at.parent = source
		}
		b.here[key.ID] = at
	}
}

// mapRoot binds the single source root to the consumer's root.
func (b *builder) mapRoot(t tree) error {
	if b.in.Root.Create {
		return nil
	}
	switch len(t.roots) {
	case 0:
		return nil
	case 1:
		b.root = t.roots[0]
	default:
		return &orgflow.Fault{
			Code: orgflow.CodeInvalidConfig,
			Message: fmt.Sprintf("the source has %d root departments (%s), the consumer one",
				len(t.roots), strings.Join(firstN(t.roots, 5), ", ")),
			Advice: `set "root": "create" for this consumer in company.json, or give the source one root`,
			Field:  "/consumers/" + b.in.Job.Consumer + "/root",
		}
	}
	if bd := b.bound[orgKey(b.root)]; bd != nil && bd.State != orgflow.BindingRoot {
		return &orgflow.Fault{
			Code:    orgflow.CodeInvalidConfig,
			Message: fmt.Sprintf("source root %s is already bound to department %s", b.root, bd.ConsumerID),
			Advice:  `the consumer's "root" setting changed from "create" to "map"; set it back`,
			Field:   "/consumers/" + b.in.Job.Consumer + "/root",
		}
	}
	return nil
}

// orgClaims says who gets a name under a parent, and how many children each
// parent has.
type orgClaims struct {
	owner map[place]string
	kids  map[string]int
}

// claimSlots gives names and places first to those who have them and keep
// them.
func (b *builder) claimSlots(t tree) orgClaims {
	c := orgClaims{map[place]string{}, map[string]int{}}
	for _, i := range t.order {
		it := b.orgItems[i]
		at, bound := b.here[it.SourceID]
		if !bound {
			continue
		}
		to := b.placeOf(b.underRoot(it), at)
		if to.slot() == at.slot() {
			c.owner[at.slot()] = it.SourceID
		}
		if to.parent == at.parent {
			c.kids[at.parent]++
		}
	}
	return c
}

// orgProblem tells why the consumer would refuse a department.
func (b *builder) orgProblem(it Item, level int, claims orgClaims) string {
	if it.Issue != "" {
		return it.Issue
	}
	parent := orgKey(it.ParentID)
	if h, bad := b.held[parent]; bad && b.bound[parent] == nil {
		b.held[orgKey(it.SourceID)] = h
		if h.by == it.ParentID {
			return fmt.Sprintf("parent department %s is held: %s", h.by, h.cause)
		}
		return fmt.Sprintf("department %s above it is held: %s", h.by, h.cause)
	}
	at, bound := b.here[it.SourceID]
	to := b.placeOf(b.underRoot(it), at)
	if problem := b.nameProblem(strings.TrimSpace(to.name)); problem != "" {
		return problem
	}
	p := b.in.Profile
	depth := level + 1
	if b.in.Root.Create {
		depth++ // below the consumer's own root
	}
	if p.DepthMax > 0 && depth > p.DepthMax {
		return fmt.Sprintf("is on level %d, the consumer allows %d", depth, p.DepthMax)
	}
	if p.SiblingNamesUnique {
		if other, taken := claims.owner[to.slot()]; taken && other != it.SourceID {
			return fmt.Sprintf("has the same name as its sibling department %s", other)
		}
	}
	if !bound || to.parent != at.parent {
		if p.ChildrenMax > 0 && claims.kids[to.parent] >= p.ChildrenMax {
			return fmt.Sprintf("its parent has %d sub-departments already, the consumer allows no more", p.ChildrenMax)
		}
		claims.kids[to.parent]++
	}
	claims.owner[to.slot()] = it.SourceID
	b.there[it.SourceID] = to
	return ""
}

// planOrg plans one department that can be written.
func (b *builder) planOrg(it Item, level, pos int) {
	side, names := &b.in.Orgs, b.in.Profile.OrgFields
	key := orgKey(it.SourceID)
	payload := b.underRoot(it)
	plain := without(payload, names.Leaders)
	bd := b.bound[key]
	if bd != nil && bd.State == orgflow.BindingRoot {
		return
	}
	if bd != nil {
		b.updateOrg(it, bd, payload, plain, level, pos)
		return
	}
	if !side.allows(orgflow.Insert) {
		b.held[key] = hold{it.SourceID, "not known at the consumer, and the job does not insert"}
		return
	}
	d := b.add(&draft{
		phase: phaseOrgInsert, rank: level, pos: pos, places: true, to: b.there[it.SourceID],
		Change: change(key, orgflow.Insert, "", plain),
	})
	d.Reason = b.said("new in the source", "was deleted by run %s, which is undone")
	b.planned[key], b.orgDraft[it.SourceID] = d, d
	b.count(orgflow.Org).Insert++
	b.leads = append(b.leads, leadership{item: it, payload: payload, first: d})
}

// updateOrg plans the difference of a bound department: its own fields in the
// update phase, its leaders once people are in place.
func (b *builder) updateOrg(it Item, bd *orgflow.Binding, payload, plain orgflow.Payload, level, pos int) {
	if !b.in.Orgs.allows(orgflow.Update) {
		b.count(orgflow.Org).Unchanged++
		return
	}
	names := b.in.Profile.OrgFields
	before, drifted := b.beforeOrg(it, bd, payload)
	own := diff(before, plain, nil, b.in.Job.Params.Mode == orgflow.Full)
	lead := leadership{item: it, bd: bd, before: before, payload: payload}
	if len(own) > 0 {
		// What this pass leaves at the consumer: the new fields, the old leaders.
		accepted := without(plain, names.Leaders)
		if old, had := before.Fields[names.Leaders]; had {
			accepted = with(accepted, names.Leaders, old)
		}
		key := orgKey(it.SourceID)
		to := b.there[it.SourceID]
		d := b.add(&draft{
			phase: phaseOrgUpdate, rank: level, pos: pos, places: to != b.here[it.SourceID], to: to,
			Change: change(key, orgflow.Update, bd.ConsumerID, accepted),
		})
		d.Fields, d.Reason = own, because(own, drifted)
		b.orgDraft[it.SourceID] = d
		b.count(orgflow.Org).Update++
		lead.first = d
	}
	b.leads = append(b.leads, lead)
}

// because is the reason of an update.
func because(fields map[string]orgflow.Diff, drifted bool) string {
	if drifted {
		return differs(fields) + ": changed at the consumer"
	}
	return differs(fields)
}

// said is the reason of an insert or a delete: what the source says, or
// the run that is undone.
func (b *builder) said(source, undone string) string {
	if b.in.undoes == "" {
		return source
	}
	return fmt.Sprintf(undone, b.in.undoes)
}

// underRoot puts a record without a parent below the consumer's root.
func (b *builder) underRoot(it Item) orgflow.Payload {
	parent := b.in.Profile.OrgFields.Parent
	if it.ParentID == "" && parent != "" {
		return with(it.Payload, parent, b.in.Root.ID)
	}
	return it.Payload
}
