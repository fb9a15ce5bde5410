package planner

import (
	"fmt"
	"slices"

	"orgflow"
)

// finish numbers the drafts in canonical order and groups them into waves.
func (b *builder) finish() *Plan {
	if b.absent > 0 {
		b.notes = append(b.notes, fmt.Sprintf("%d leaders or managers are left out: they are neither at the consumer nor in this run's read; a run that knows them sets them", b.absent))
	}
	slices.SortStableFunc(b.drafts, func(x, y *draft) int {
		if x.phase != y.phase {
			return x.phase - y.phase
		}
		return x.level - y.level
	})
	plan := &Plan{
		Changes: make([]orgflow.Change, len(b.drafts)),
		Counts:  map[orgflow.Kind]orgflow.PlanCount{},
		Root:    b.root,
		Notes:   b.notes,
	}
	wave := 0
	for i, d := range b.drafts {
		if i == 0 || d.phase != b.drafts[i-1].phase || d.level != b.drafts[i-1].level {
			wave++
		}
		d.ID, d.Wave = i+1, wave
	}
	for i, d := range b.drafts {
		for _, n := range d.needs {
			d.DependsOn = append(d.DependsOn, n.ID)
		}
		slices.Sort(d.DependsOn)
		plan.Changes[i] = d.Change
		if d.State == orgflow.Parked {
			plan.Parked++
		}
	}
	if b.in.Orgs.Present {
		plan.Counts[orgflow.Org] = b.counts[0]
	}
	if b.in.People.Present {
		plan.Counts[orgflow.Person] = b.counts[1]
	}
	return plan
}
