package activities

import (
	"fmt"
	"slices"

	"orgflow"
	"orgflow/internal/store"
)

// moved tells why a change is not sent any more: since it was planned another
// run, or another scope, has taken its record on. What that run sent is newer
// than this plan; whatever is left to do is for the next run to find. Empty
// if the change stands on what it was planned from.
func (p *page) moved(c store.ClaimedChange) string {
	const later = "; the next run judges the record again"
	if cause := p.skippedBefore(c); cause != "" {
		return cause + later
	}
	bound, exists := p.bound[c.Key()]
	switch {
	case exists && bound.LastRun == p.run.ID:
		return "" // an earlier change of this plan
	case exists && c.Op == orgflow.Delete && bound.Scope != p.run.Job.Params.Scope:
		return fmt.Sprintf("the record belongs to scope %q now", bound.Scope)
	case exists && bound.Hash != c.Base:
		return fmt.Sprintf("run %s has sent a newer state of the record since this was planned%s", bound.LastRun, later)
	case !exists && c.Base != "" && !p.cleared(c):
		return "the record was removed from the consumer by another run since this was planned" + later
	}
	return ""
}

// skippedBefore tells of an earlier change of the same record that was not
// sent: the halves of a recreate, a record and its references, go together.
func (p *page) skippedBefore(c store.ClaimedChange) string {
	for _, id := range c.DependsOn {
		if d := p.states[id]; d.State == orgflow.Skipped && d.Key == c.Key() {
			return fmt.Sprintf("change %d of the same record was skipped", id)
		}
	}
	return ""
}

// cleared tells whether this plan itself removed the record: the first half
// of a recreate.
func (p *page) cleared(c store.ClaimedChange) bool {
	return c.Op == orgflow.Insert && slices.ContainsFunc(c.DependsOn, func(id int) bool {
		return p.states[id].Key == c.Key() && p.states[id].State == orgflow.Done
	})
}

// lost re-plans an update whose record is no longer at the consumer, because
// somebody removed it there: it is inserted again, where the job inserts.
// The second pass of a record and temporary changes are not: they say too
// little of it.
func (p *page) lost(r result, f *orgflow.Fault) (result, bool) {
	c := r.change
	if f == nil || f.Code != orgflow.CodeNotFound || f.Field != "" || c.Op != orgflow.Update || c.Aspect != "" || !p.inserts(c.Kind) {
		return r, false
	}
	payload, err := orgflow.DecodePayload(orEmpty(c.Payload))
	if err != nil {
		return r, false
	}
	profile := p.consumer.Profile()
	if c.Kind == orgflow.Org {
		if profile.AssignsOrgIDs {
			c.ConsumerID, r.outcome.ConsumerID = "", ""
		}
		delete(payload.Fields, profile.OrgFields.Leaders) // nobody is a member of it yet
	}
	if c.Payload, err = payload.Encode(); err != nil {
		return r, false
	}
	c.Op, c.Fields = orgflow.Insert, nil
	r.change, r.again = c, true
	return r, true
}

// inserts tells whether the job may insert records of a kind.
func (p *page) inserts(kind orgflow.Kind) bool {
	if p.run.Job.Params.Undo != "" {
		return true
	}
	resolved, err := p.sync.Files.Thaw(p.run.Frozen, nil)
	if err != nil {
		return false
	}
	svc, ok := resolved.Kind(kind)
	return ok && slices.Contains(svc.Operations, orgflow.Insert)
}
