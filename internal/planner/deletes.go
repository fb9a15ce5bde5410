package planner

import (
	"fmt"
	"strings"

	"orgflow"
)

// findGoneOrgs notes the departments that the job's own complete read no
// longer contains.
func (b *builder) findGoneOrgs() {
	side := &b.in.Orgs
	present := make(map[string]bool, len(b.orgItems))
	for _, it := range b.orgItems {
		present[it.SourceID] = true
	}
	missing := 0
	for i := range side.Bindings {
		bd := &side.Bindings[i]
		if !present[bd.SourceID] && b.isGone(side, bd) && !b.takeOver(side, bd) {
			missing++
			b.orgDelete[bd.SourceID] = side.Complete
		}
	}
	b.noteIncomplete(orgflow.Org, side, missing)
	if !side.Complete {
		clear(b.orgDelete)
	}
}

// isGone tells whether a binding without a record may be deleted by this job.
func (b *builder) isGone(side *Side, bd *orgflow.Binding) bool {
	if !side.Present || !side.allows(orgflow.Delete) || !b.manages(bd) {
		return false
	}
	return !side.Rejected[bd.SourceID] && b.selected(orgflow.RecordKey{Kind: bd.Kind, ID: bd.SourceID})
}

func (b *builder) manages(bd *orgflow.Binding) bool {
	return bd.State != orgflow.BindingRoot && bd.Scope == b.in.Job.Params.Scope
}

// takeOver leaves a record to the scope that reads it now.
func (b *builder) takeOver(side *Side, bd *orgflow.Binding) bool {
	scope, read := side.OtherScopes[bd.SourceID]
	if !read || scope == bd.Scope || !side.Complete {
		return false
	}
	moved := *bd
	moved.Scope = scope
	b.takeover = append(b.takeover, moved)
	return true
}

func (b *builder) noteIncomplete(kind orgflow.Kind, side *Side, missing int) {
	if missing > 0 && !side.Complete {
		b.notes = append(b.notes, fmt.Sprintf(
			"%d %s records are missing from the read, but the source was not read whole (%s): nothing is deleted", missing, kind, side.Cause))
	}
}

// planDeletes plans the deletes of bound records that the job's own complete
// read no longer contains, and parks those the safeguards stop; where the
// job says so they stop the run instead, before anything is written.
func (b *builder) planDeletes() error {
	var people, orgs []orgflow.Binding
	for _, p := range b.people.order {
		if p.gone {
			people = append(people, *p.bd)
		}
	}
	for _, bd := range b.in.Orgs.Bindings {
		if b.orgDelete[bd.SourceID] {
			orgs = append(orgs, bd)
		}
	}
	b.deletesOf(orgflow.Person, &b.in.People, people, b.people.records, b.people.managed)
	managed := 0
	for i := range b.in.Orgs.Bindings {
		if b.manages(&b.in.Orgs.Bindings[i]) {
			managed++
		}
	}
	b.deletesOf(orgflow.Org, &b.in.Orgs, orgs, len(b.orgItems), managed)
	if b.in.Job.Params.OnLimit != orgflow.LimitStop {
		return nil
	}
	for _, d := range b.drafts {
		if d.State == orgflow.Parked {
			return &orgflow.Fault{
				Code:    orgflow.CodeDeleteLimit,
				Message: strings.Join(b.notes, "; ") + `; params.on_limit is "stop", so nothing was sent`,
				Advice:  "look at a dry run; then raise delete_limit, or park the deletes",
				Field:   "/params/delete_limit",
			}
		}
	}
	return nil
}

// parkAll parks the whole plan where the job wants it approved. A look
// whether somebody invited has joined is not parked as long as it would bring
// nothing but what the invitation was approved with.
func (b *builder) parkAll() {
	if b.in.Job.Params.Approval != orgflow.ApprovalAlways {
		return
	}
	for _, d := range b.drafts {
		looks := d.Aspect == orgflow.AspectInvitation && len(d.Fields) == 0
		if d.State == orgflow.Planned && !looks {
			d.State = orgflow.Parked
		}
	}
}

func (b *builder) deletesOf(kind orgflow.Kind, side *Side, gone []orgflow.Binding, records, managed int) {
	recreates := 0
	for _, d := range b.drafts {
		if d.phase == phaseRecreateDelete && d.Kind == kind {
			recreates++
		}
	}
	if len(gone) == 0 && recreates == 0 || !side.Complete {
		return
	}
	reason := b.parkReason(kind, side, deleteCount{len(gone), recreates, records, managed})
	for _, bd := range gone {
		b.deleteOf(kind, bd, reason)
	}
	if reason == "" {
		return
	}
	for _, d := range b.drafts {
		if d.Kind == kind && d.unit != nil && d.State == orgflow.Planned {
			d.State, d.Reason, d.cause = orgflow.Parked, d.Reason+"; parked: "+reason, reason
		}
	}
	b.notes = append(b.notes, fmt.Sprintf("a safeguard held the deletes of %s records: %s", kind, reason))
}

func (b *builder) deleteOf(kind orgflow.Kind, bd orgflow.Binding, parked string) {
	phase := phasePersonDelete
	if kind == orgflow.Org {
		phase = phaseOrgDelete
	}
	key := orgflow.RecordKey{Kind: kind, ID: bd.SourceID}
	d := b.add(&draft{phase: phase, Change: change(key, orgflow.Delete, bd.ConsumerID, orgflow.Payload{})})
	d.Reason = b.said("no longer in the source", "was inserted by run %s, which is undone")
	b.count(kind).Delete++
	if why, held := b.deferral(key); held {
		b.stop(d, orgflow.Held, why)
	} else if parked != "" {
		d.State, d.cause = orgflow.Parked, parked
		d.Reason += "; parked: " + parked
	}
	if kind == orgflow.Org {
		b.orgDraft[bd.SourceID] = d
		return
	}
	b.people.touched[bd.SourceID].draft = d
}

// deleteCount is what a limit judges.
type deleteCount struct{ gone, recreates, records, managed int }

// parkReason tells why the deletes of a kind have to wait for a person;
// empty lets them run.
func (b *builder) parkReason(kind orgflow.Kind, side *Side, n deleteCount) string {
	limit := *b.in.Job.Params.DeleteLimit
	total := n.gone + n.recreates + side.RecentDeletes
	switch {
	case n.gone > 0 && n.records == 0 && b.in.undoes == "":
		return "the source answered with no rows at all"
	case n.gone > 0 && side.FilterChanged:
		return "the filter or meta file changed since the last run"
	}
	return OverLimit(limit, kind, total, side.RecentDeletes, n.managed)
}

// OverLimit tells why deletes of a kind exceed a limit, empty where they do
// not. total includes the recent ones, those of the last 7 days.
func OverLimit(limit orgflow.DeleteLimit, kind orgflow.Kind, total, recent, managed int) string {
	when := ""
	if recent > 0 {
		when = fmt.Sprintf(" (%d of them in the last 7 days)", recent)
	}
	switch {
	case total > limit.Count:
		return fmt.Sprintf("%d deletes of %s records exceed delete_limit.count %d%s", total, kind, limit.Count, when)
	case total > 3 && managed > 0 && float64(total)*100 > limit.Percent*float64(managed):
		return fmt.Sprintf("%d deletes of %d managed %s records exceed delete_limit.percent %g%s", total, managed, kind, limit.Percent, when)
	}
	return ""
}
