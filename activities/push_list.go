package activities

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"orgflow"
	"orgflow/internal/store"
)

// listPush lists everybody who shall exist, or declines the push. What a plan
// does not change goes along as last accepted, whoever's scope it is:
// absence would disable it. Who leaves goes along too, with the status that
// says so: whether absence disables is the vendor's secret (爱关怀 reference
// § A.3 no. 5), and either way nobody who left stays active.
func (s *Sync) listPush(ctx context.Context, t pushTarget) error {
	cause, err := s.obstacle(ctx, t.run)
	if err != nil {
		return err
	}
	if cause != "" {
		return s.Store.DeclinePush(ctx, t.run.ID, cause)
	}
	tree, err := s.pushTree(ctx, t)
	if err != nil {
		return err
	}
	return s.Store.CreatePush(ctx, t.run.ID, tree.list())
}

// obstacle tells why a push must not be made: what it would leave out is
// disabled, so that it has to be certain that nobody is left out.
func (s *Sync) obstacle(ctx context.Context, run store.Run) (string, error) {
	if len(run.Job.Params.SourceIDs) > 0 {
		return "the job is for single records and touches no others", nil
	}
	plan, err := s.Store.Plan(ctx, run.ID)
	if err != nil {
		return "", err
	}
	read := map[orgflow.Kind]bool{}
	for _, id := range plan.SnapshotIDs {
		snapshot, err := s.Store.GetSnapshot(ctx, id)
		if err != nil {
			return "", err
		}
		if !snapshot.Complete {
			return fmt.Sprintf("%s records were not read whole, and who is missing would be disabled", snapshot.Kind), nil
		}
		read[snapshot.Kind] = true
	}
	for _, kind := range []orgflow.Kind{orgflow.Org, orgflow.Person} {
		if read[kind] {
			continue
		}
		known, err := s.anyBound(ctx, run.Job.Target(), kind)
		if err != nil {
			return "", err
		}
		if !known {
			return fmt.Sprintf("the job has no %s records and none are known, and those the consumer holds would be disabled", kind), nil
		}
	}
	n, err := s.Store.SteppedRecords(ctx, run.ID)
	if n > 0 {
		return fmt.Sprintf("%d records are changed in more than one step", n), err
	}
	return "", err
}

// anyBound tells whether anything of a kind but the root is bound.
func (s *Sync) anyBound(ctx context.Context, target orgflow.Target, kind orgflow.Kind) (bool, error) {
	for b, err := range s.Store.Bindings(ctx, target, kind) {
		if err != nil || b.State != orgflow.BindingRoot {
			return err == nil, err
		}
	}
	return false, nil
}

// pushTree is the departments of a push. There are few enough of them to be
// kept.
type pushTree map[string]*pushOrg

type pushOrg struct {
	store.PushRecord
	parent string // source id; empty is the top
	level  int    // 0 is not known yet
}

// pushTree collects bound departments and those planned to be inserted.
func (s *Sync) pushTree(ctx context.Context, t pushTarget) (pushTree, error) {
	names := t.consumer.Profile().OrgFields
	tree := pushTree{}
	for b, err := range s.Store.Bindings(ctx, t.run.Job.Target(), orgflow.Org) {
		if err != nil {
			return nil, err
		}
		if b.State == orgflow.BindingRoot {
			continue
		}
		payload, err := orgflow.DecodePayload(orEmpty(b.Payload))
		if err != nil {
			return nil, err
		}
		tree[b.SourceID] = &pushOrg{
			PushRecord: store.PushRecord{SourceID: b.SourceID, ConsumerID: b.ConsumerID}, parent: parentIn(payload, names.Parent),
		}
	}
	for cursor := ""; ; {
		changes, next, err := s.Store.ListChanges(ctx, t.run.ID, store.ChangeFilter{State: orgflow.Planned, Kind: orgflow.Org, Cursor: cursor, Limit: 1000})
		if err != nil {
			return nil, err
		}
		for _, c := range changes {
			if err := tree.change(c, names); err != nil {
				return nil, err
			}
		}
		if next == "" {
			return tree, nil
		}
		cursor = next
	}
}

func (t pushTree) change(c orgflow.Change, names orgflow.OrgFields) error {
	payload, err := orgflow.DecodePayload(orEmpty(c.Payload))
	if err != nil {
		return err
	}
	o := t[c.SourceID]
	if o == nil {
		id, _ := payload.Fields[names.ID].(string)
		o = &pushOrg{PushRecord: store.PushRecord{SourceID: c.SourceID, ConsumerID: id}}
		t[c.SourceID] = o
	}
	o.ChangeID = c.ID
	if _, said := payload.Fields[names.Parent]; said {
		o.parent = parentIn(payload, names.Parent)
	}
	return nil
}

func parentIn(p orgflow.Payload, field string) string {
	if refs := orgflow.RefsIn(p.Fields[field]); len(refs) > 0 {
		return refs[0].ID
	}
	return ""
}

// levelOf counts from the top, 1 is directly below it. What stands below
// itself, or below something that is not pushed, comes as if it were there.
func (t pushTree) levelOf(id string) int {
	var way []*pushOrg
	level := 0
	for o := t[id]; o != nil; o = t[o.parent] {
		if o.level != 0 {
			level = max(o.level, 0)
			break
		}
		o.level = -1 // on the way: met again, it is a circle
		way = append(way, o)
	}
	for _, o := range slices.Backward(way) {
		level++
		o.level = level
	}
	return level
}

// list lists the departments, parents before children, a group a level. Those
// that leave are among them, with the status that says so: whoever is still
// in one may be pushed after it.
func (t pushTree) list() []store.PushRecord {
	var out []*pushOrg
	for _, id := range slices.Sorted(maps.Keys(t)) {
		t.levelOf(id)
		out = append(out, t[id])
	}
	slices.SortStableFunc(out, func(a, b *pushOrg) int { return cmp.Compare(a.level, b.level) })
	records := make([]store.PushRecord, len(out))
	for i, o := range out {
		records[i], records[i].Group = o.PushRecord, o.level
	}
	return records
}
