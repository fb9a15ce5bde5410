package planner

import (
	"fmt"
	"strings"

	"orgflow"
)

// planDeletes plans the deletes of bound records that the job's own complete
// read no longer contains, and parks those the safeguards stop; where the
// job says so they stop the run instead, before anything is written.
func (b *builder) planDeletes() error {
	b.deletesOf(orgflow.Person, &b.in.People, phasePersonDelete)
	b.deletesOf(orgflow.Org, &b.in.Orgs, phaseOrgDelete)
	for _, d := range b.drafts {
		if b.in.Job.Params.OnLimit == orgflow.LimitStop && d.State == orgflow.Parked {
			return &orgflow.Fault{
				Code:    orgflow.CodeDeleteLimit,
				Message: strings.Join(b.notes, "; ") + `; params.on_limit is "stop", so nothing was sent`,
				Advice:  "look at a dry run; then raise delete_limit, or park the deletes",
				Field:   "/params/delete_limit",
			}
		}
	}
	b.parkAll()
	return nil
}

// parkAll parks the whole plan where the job wants it approved.
func (b *builder) parkAll() {
	if b.in.Job.Params.Approval != orgflow.ApprovalAlways {
		return
	}
	for _, d := range b.drafts {
		if d.State == orgflow.Planned {
			d.State = orgflow.Parked
		}
	}
}

func (b *builder) deletesOf(kind orgflow.Kind, side *Side, phase int) {
	if !side.Present || !side.allows(orgflow.Delete) {
		return
	}
	gone, managed := b.gone(kind, side)
	recreates := 0
	for _, d := range b.drafts {
		if d.phase == phaseRecreateDelete && d.Kind == kind {
			recreates++
		}
	}
	if len(gone) == 0 && recreates == 0 {
		return
	}
	if !side.Complete {
		if len(gone) > 0 {
			b.notes = append(b.notes, fmt.Sprintf(
				"%d %s records are missing from the read, but the source was not read whole (%s): nothing is deleted", len(gone), kind, side.Cause))
		}
		return
	}
	reason := b.parkReason(kind, side, len(gone), recreates, managed)
	depth := depths(side.Bindings, b.in.Profile.OrgFields.Parent)
	deepest := 0
	for _, bd := range gone {
		deepest = max(deepest, depth[bd.SourceID])
	}
	for _, bd := range gone {
		key := orgflow.RecordKey{Kind: kind, ID: bd.SourceID}
		d := b.add(&draft{phase: phase, Change: change(key, orgflow.Delete, bd.ConsumerID, orgflow.Payload{})})
		if kind == orgflow.Org {
			d.level = deepest - depth[bd.SourceID] // leaf first
		}
		d.Reason = "no longer in the source"
		b.count(kind).Delete++
		if reason != "" {
			d.State, d.Reason = orgflow.Parked, "no longer in the source; parked: "+reason
		}
	}
	if reason == "" {
		return
	}
	for _, d := range b.drafts {
		if d.Kind == kind && (d.phase == phaseRecreateDelete || needsRecreate(d)) {
			d.State, d.Reason = orgflow.Parked, d.Reason+"; parked: "+reason
		}
	}
	b.notes = append(b.notes, fmt.Sprintf("a safeguard held the deletes of %s records: %s", kind, reason))
}

func needsRecreate(d *draft) bool {
	for _, n := range d.needs {
		if n.phase == phaseRecreateDelete {
			return true
		}
	}
	return false
}

// gone lists the scope's bindings whose record the read does not contain,
// and counts the managed records.
func (b *builder) gone(kind orgflow.Kind, side *Side) (gone []orgflow.Binding, managed int) {
	present := make(map[string]bool, len(side.Records))
	for _, it := range side.Records {
		present[it.SourceID] = true
	}
	for _, bd := range side.Bindings {
		if bd.State == orgflow.BindingRoot || bd.Scope != b.in.Job.Params.Scope {
			continue
		}
		managed++
		_, rejected := side.Rejected[bd.SourceID]
		if present[bd.SourceID] || rejected || !b.selected(orgflow.RecordKey{Kind: kind, ID: bd.SourceID}) {
			continue
		}
		gone = append(gone, bd)
	}
	return gone, managed
}

// parkReason tells why the deletes of a kind have to wait for a person;
// empty lets them run.
func (b *builder) parkReason(kind orgflow.Kind, side *Side, gone, recreates, managed int) string {
	limit := *b.in.Job.Params.DeleteLimit
	total := gone + recreates + side.RecentDeletes
	switch {
	case gone > 0 && len(side.Records) == 0:
		return "the source answered with no rows at all"
	case gone > 0 && side.FilterChanged:
		return "the filter or meta file changed since the last run"
	case total > limit.Count:
		return fmt.Sprintf("%d deletes of %s records exceed delete_limit.count %d%s", total, kind, limit.Count, recent(side))
	case total > 3 && managed > 0 && float64(total)*100 > limit.Percent*float64(managed):
		return fmt.Sprintf("%d deletes of %d managed %s records exceed delete_limit.percent %g%s", total, managed, kind, limit.Percent, recent(side))
	}
	return ""
}

func recent(side *Side) string {
	if side.RecentDeletes == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d of them in the last 7 days)", side.RecentDeletes)
}

// depths returns each bound department's depth below the topmost bound one,
// read from the parents last accepted.
func depths(bindings []orgflow.Binding, parentField string) map[string]int {
	parent := make(map[string]string, len(bindings))
	for _, bd := range bindings {
		p, err := orgflow.DecodePayload(bd.Payload)
		if err != nil {
			continue
		}
		for _, ref := range refsIn(p.Fields[parentField]) {
			parent[bd.SourceID] = ref.ID
		}
	}
	depth := make(map[string]int, len(bindings))
	for _, bd := range bindings {
		var path []string
		id := bd.SourceID
		for len(path) <= len(bindings) {
			if _, done := depth[id]; done || id == "" {
				break
			}
			path = append(path, id)
			id = parent[id]
		}
		base := depth[id]
		for i := len(path) - 1; i >= 0; i-- {
			base++
			depth[path[i]] = base
		}
	}
	return depth
}
