package planner

import (
	"cmp"
	"encoding/json"
	"slices"

	"orgflow"
)

// layer places every draft: in its own phase, or ahead in the phase of the
// first change that waits for it; inside a phase as early as what it waits
// for allows.
func (b *builder) layer() {
	drafts := topological(b.drafts)
	for _, d := range drafts {
		d.eff, d.level = d.phase, 0
	}
	for _, d := range slices.Backward(drafts) {
		if !d.open() {
			continue // waits for nobody any more
		}
		for _, e := range d.in {
			e.from.eff = min(e.from.eff, d.eff)
		}
	}
	for _, d := range drafts {
		for _, e := range d.in {
			if e.from.eff == d.eff {
				d.level = max(d.level, e.from.level+1)
			}
		}
	}
	slices.SortStableFunc(b.drafts, func(x, y *draft) int {
		if c := compareWave(x, y); c != 0 {
			return c
		}
		return cmp.Or(cmp.Compare(x.rank, y.rank), cmp.Compare(x.pos, y.pos))
	})
}

// compareWave is zero for drafts of one wave. Waves are of one phase and
// kind, so that progress can be told by them.
func compareWave(x, y *draft) int {
	return cmp.Or(cmp.Compare(x.eff, y.eff), cmp.Compare(x.level, y.level), cmp.Compare(x.phase, y.phase), cmp.Compare(x.Kind, y.Kind))
}

// waves groups the layered drafts.
func (b *builder) waves(yield func([]*draft) bool) {
	for from := 0; from < len(b.drafts); {
		to := from + 1
		for to < len(b.drafts) && compareWave(b.drafts[from], b.drafts[to]) == 0 {
			to++
		}
		if !yield(b.drafts[from:to]) {
			return
		}
		from = to
	}
}

// origin is what the changes of a record were planned from: the hash of its
// binding, and what the consumer held. A record that was never bound, or that
// the consumer has lost, had nothing there.
func (b *builder) origin(k orgflow.RecordKey) (base string, before json.RawMessage) {
	if k.Kind == orgflow.Person {
		m := b.people.touched[k.ID]
		switch {
		case m == nil:
			return "", nil
		case m.bd == nil || len(m.bd.Payload) == 0 && !m.drifted:
			return m.base, nil
		case m.drifted:
			return m.base, encoded(m.before)
		}
		return m.base, m.bd.Payload
	}
	bd := b.bound[k]
	if bd == nil {
		return b.stale[k], nil
	}
	if now, drifted := b.drifted[k]; drifted {
		return bd.Hash, encoded(now)
	}
	return bd.Hash, bd.Payload
}

// encoded is a payload as it is stored; nothing is known of one that cannot
// be.
func encoded(p orgflow.Payload) json.RawMessage {
	raw, err := p.Encode()
	if err != nil {
		return nil
	}
	return raw
}

// finish numbers the drafts in canonical order and groups them into waves.
func (b *builder) finish() *Plan {
	b.findRefreshed()
	b.layer()
	b.parkAll()
	plan := &Plan{
		Counts: map[orgflow.Kind]orgflow.PlanCount{},
		Root:   b.root, Adopt: b.adopted, Refresh: b.refreshed, Takeover: b.takeover, Notes: b.notes,
		Forget: b.forget(),
	}
	if b.in.Orgs.Present {
		plan.Counts[orgflow.Org] = b.counts[0]
	}
	if b.in.People.Present {
		plan.Counts[orgflow.Person] = b.counts[1]
	}
	b.number()
	drafts := b.drafts
	*b = builder{} // nothing of it is needed beside the changes
	plan.Changes = make([]orgflow.Change, len(drafts))
	for i, d := range drafts {
		if plan.Changes[i] = d.Change; d.State == orgflow.Parked {
			plan.Parked++
		}
	}
	return plan
}

// number gives the layered drafts their ids and waves, and says what each
// depends on and was planned from.
func (b *builder) number() {
	id, wave := 0, 0
	for group := range b.waves {
		wave++
		for _, d := range group {
			id++
			d.ID, d.Wave = id, wave
		}
	}
	for _, d := range b.drafts {
		for _, e := range d.in {
			if e.kind.binds() {
				d.DependsOn = append(d.DependsOn, e.from.ID)
			}
		}
		slices.Sort(d.DependsOn)
		d.DependsOn = slices.Compact(d.DependsOn)
		d.Base, d.Before = b.origin(d.Key())
		d.Adopted = b.met[d.Key()]
	}
}
