package planner

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"orgflow"
)

// planOrgs plans inserts and updates of departments, root first.
func (b *builder) planOrgs() error {
	side := &b.in.Orgs
	if !side.Present {
		return nil
	}
	known := func(id string) bool {
		// A parent that only an older read contained still stands at the consumer.
		return b.bound[orgKey(id)] != nil && (!side.Complete || len(b.in.Job.Params.SourceIDs) > 0)
	}
	t := growTree(side.Records, known)
	if err := b.mapRoot(t); err != nil {
		return err
	}
	for _, it := range side.Records {
		if cause, bad := t.broken[it.SourceID]; bad && b.selected(orgKey(it.SourceID)) {
			b.hold(orgKey(it.SourceID), cause)
		}
	}
	siblings := map[string]string{}
	for _, i := range t.order {
		it := side.Records[i]
		if it.SourceID == b.root || !b.selected(orgKey(it.SourceID)) {
			continue
		}
		if reason := b.orgProblem(it, t.level[it.SourceID], siblings); reason != "" {
			b.hold(orgKey(it.SourceID), reason)
			continue
		}
		b.planOrg(it, t.level[it.SourceID])
	}
	return nil
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

// orgProblem tells why the consumer would refuse a department.
func (b *builder) orgProblem(it Item, level int, siblings map[string]string) string {
	if it.Issue != "" {
		return it.Issue
	}
	if cause, bad := b.held[orgKey(it.ParentID)]; bad && b.bound[orgKey(it.ParentID)] == nil {
		return fmt.Sprintf("parent department %s is held: %s", it.ParentID, cause)
	}
	p, names := b.in.Profile, b.in.Profile.OrgFields
	name := text(it.Payload.Fields[names.Name])
	switch {
	case name == "":
		return "has no name"
	case p.OrgNameMax > 0 && utf8.RuneCountInString(name) > p.OrgNameMax:
		return fmt.Sprintf("name has %d characters, the consumer allows %d", utf8.RuneCountInString(name), p.OrgNameMax)
	case strings.ContainsAny(name, p.OrgNameForbidden):
		return fmt.Sprintf("name contains one of the characters the consumer forbids: %s", p.OrgNameForbidden)
	case p.DepthMax > 0 && level+1 > p.DepthMax:
		return fmt.Sprintf("is on level %d, the consumer allows %d", level+1, p.DepthMax)
	}
	if p.SiblingNamesUnique {
		slot := it.ParentID + "\x00" + name
		if other, taken := siblings[slot]; taken {
			return fmt.Sprintf("has the same name as its sibling department %s", other)
		}
		siblings[slot] = it.SourceID
	}
	return ""
}

// planOrg plans one department that can be written.
func (b *builder) planOrg(it Item, level int) {
	side, names := &b.in.Orgs, b.in.Profile.OrgFields
	key := orgKey(it.SourceID)
	payload := b.knownPeople(b.underRoot(it), names.Leaders)
	leaders := payload.Fields[names.Leaders]
	plain := without(payload, names.Leaders)

	bd := b.bound[key]
	if bd == nil {
		if !side.allows(orgflow.Insert) {
			b.held[key] = "not known at the consumer, and the job does not insert"
			return
		}
		d := b.add(&draft{phase: phaseOrgInsert, level: level, Change: change(key, orgflow.Insert, "", plain)})
		d.Reason = "new in the source"
		if parent := b.planned[orgKey(it.ParentID)]; parent != nil {
			d.needs = append(d.needs, parent)
		}
		b.planned[key] = d
		b.count(orgflow.Org).Insert++
		if len(refsIn(leaders)) > 0 {
			b.reference(d, payload, names.Leaders)
		}
		return
	}
	if bd.State == orgflow.BindingRoot {
		return
	}
	b.updateOrg(it, bd, payload, plain, level)
}

// updateOrg plans the difference of a bound department: its own fields in the
// update phase, its leaders once people are in place.
func (b *builder) updateOrg(it Item, bd *orgflow.Binding, payload, plain orgflow.Payload, level int) {
	names := b.in.Profile.OrgFields
	before, full := b.before(bd), b.in.Job.Params.Mode == orgflow.Full
	own := diff(before, plain, nil, full)
	all := diff(before, payload, nil, full)
	lead, leadersDiffer := all[names.Leaders]
	if len(all) == 0 {
		b.count(orgflow.Org).Unchanged++
		return
	}
	if !b.in.Orgs.allows(orgflow.Update) {
		b.count(orgflow.Org).Unchanged++
		return
	}
	b.count(orgflow.Org).Update++
	key := orgKey(it.SourceID)
	var first *draft
	if len(own) > 0 {
		// What this pass leaves at the consumer: the new fields, the old leaders.
		accepted := without(plain, names.Leaders)
		if old, had := before.Fields[names.Leaders]; had {
			accepted = with(accepted, names.Leaders, old)
		}
		first = b.add(&draft{phase: phaseOrgUpdate, level: level, Change: change(key, orgflow.Update, bd.ConsumerID, accepted)})
		first.Fields, first.Reason = own, differs(own)
		if parent := b.planned[orgKey(it.ParentID)]; parent != nil {
			first.needs = append(first.needs, parent)
		}
	}
	if leadersDiffer {
		d := b.add(&draft{phase: phaseReferences, Change: change(key, orgflow.Update, bd.ConsumerID, payload)})
		d.Fields = map[string]orgflow.Diff{names.Leaders: lead}
		d.Reason = differs(d.Fields)
		if first != nil {
			d.Aspect = orgflow.AspectReferences
			d.needs = append(d.needs, first)
		}
	}
}

// reference plans the second pass of an inserted record: the field that
// names people who may not exist before.
func (b *builder) reference(insert *draft, payload orgflow.Payload, field string) {
	d := b.add(&draft{phase: phaseReferences, Change: change(insert.Key(), orgflow.Update, "", payload)})
	d.Aspect = orgflow.AspectReferences
	d.Fields = map[string]orgflow.Diff{field: {After: orgflow.ShowValue(payload.Fields[field])}}
	d.Reason = field + " is set once the people exist"
	d.needs = append(d.needs, insert)
	b.count(insert.Kind).References++
}

// underRoot puts a record without a parent below the consumer's root.
func (b *builder) underRoot(it Item) orgflow.Payload {
	parent := b.in.Profile.OrgFields.Parent
	if it.ParentID == "" && parent != "" {
		return with(it.Payload, parent, b.in.Root.ID)
	}
	return it.Payload
}

func (b *builder) before(bd *orgflow.Binding) orgflow.Payload {
	p, err := orgflow.DecodePayload(bd.Payload)
	if err != nil || p.Fields == nil {
		// An unreadable or missing payload means nothing is known to be
		// accepted: everything differs.
		return orgflow.Payload{Fields: map[string]any{}}
	}
	return p
}

func change(k orgflow.RecordKey, op orgflow.Op, consumerID string, p orgflow.Payload) orgflow.Change {
	c := orgflow.Change{Kind: k.Kind, Op: op, SourceID: k.ID, ConsumerID: consumerID}
	raw, err := p.Encode()
	if err == nil {
		c.Payload, c.Hash = raw, orgflow.Hash(raw)
		return c
	}
	c.State, c.Reason = orgflow.Held, err.Error()
	return c
}

func with(p orgflow.Payload, field string, v any) orgflow.Payload {
	p = without(p, field)
	fields := make(map[string]any, len(p.Fields)+1)
	for k, old := range p.Fields {
		fields[k] = old
	}
	fields[field] = v
	p.Fields = fields
	return p
}

func orgKey(id string) orgflow.RecordKey { return orgflow.RecordKey{Kind: orgflow.Org, ID: id} }

func firstN(s []string, n int) []string {
	if len(s) > n {
		return append(s[:n:n], "…")
	}
	return s
}
