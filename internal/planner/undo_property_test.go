package planner

import (
	"iter"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orgflow"
)

// ran is a plan as its run leaves it: what could be sent is done.
func ran(plan *Plan) iter.Seq2[orgflow.Change, error] {
	return func(yield func(orgflow.Change, error) bool) {
		for _, c := range plan.Changes {
			if c.State != orgflow.Planned {
				continue
			}
			c.State = orgflow.Done
			if !yield(c, nil) {
				return
			}
		}
	}
}

// undo takes a run back under a name of its own.
func (e *engine) undo(t *rapid.T, name, run string, was *Plan, shuffle *rand.Rand) *Plan {
	in := e.fill(modelInput(company{}, e.c.profile))
	plan, err := Undo(in, Undone{Run: run, Changes: ran(was)})
	if err != nil {
		t.Fatalf("Undo: %v", err)
	}
	e.name = name
	e.carryOut(t, in, plan, shuffle)
	return plan
}

// sync brings the consumer to a company.
func (e *engine) sync(t *rapid.T, name string, c company, shuffle *rand.Rand) *Plan {
	e.name = name
	return e.run(t, modelInput(c, e.c.profile), shuffle)
}

// TestAnUndoBringsBackWhatWasThere: for any two organisations, the undo of
// the run from one to the other meets no refusal at any point and ends in
// exactly the first; the undo of that undo ends in the second again.
func TestAnUndoBringsBackWhatWasThere(t *testing.T) {
	profile := modelProfile(10, 10)
	rapid.Check(t, func(t *rapid.T) {
		shuffle := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "shuffle"), 1))
		e := newEngine(profile)
		first, second := drawCompany(t, "first", profile), drawCompany(t, "second", profile)
		e.sync(t, "run-1", first, shuffle)
		there := e.sync(t, "run-2", second, shuffle)

		back := e.undo(t, "run-3", "run-2", there, shuffle)
		wantAll(t, back, there)
		if d := cmp.Diff(first.want(), e.holds()); d != "" {
			t.Fatalf("the consumer holds something else than before (-want +has):\n%s\nrun:\n%s\nundo:\n%s", d, show(there), show(back))
		}
		if again := e.undo(t, "run-4", "run-2", there, shuffle); len(again.Changes) != 0 {
			t.Fatalf("a second undo of the same run wants to change things:\n%s", show(again))
		}
		forth := e.undo(t, "run-5", "run-3", back, shuffle)
		wantAll(t, forth, back)
		if d := cmp.Diff(second.want(), e.holds()); d != "" {
			t.Fatalf("the undo of the undo (-want +has):\n%s\nundo:\n%s\nits undo:\n%s", d, show(back), show(forth))
		}
	})
}

func wantAll(t *rapid.T, plan, of *Plan) {
	for _, c := range plan.Changes {
		if c.State != orgflow.Planned {
			t.Fatalf("%s of %s is %s: %s\nundone:\n%s\nundo:\n%s", c.Op, c.Key(), c.State, c.Reason, show(of), show(plan))
		}
	}
}

// TestAnUndoLeavesAloneWhatALaterRunChanged: whatever has happened since,
// nothing of an undo is refused, what a later run has changed stays as that
// run left it, and everything else is as it was before the undone run, or is
// held with a reason.
func TestAnUndoLeavesAloneWhatALaterRunChanged(t *testing.T) {
	profile := modelProfile(10, 10)
	rapid.Check(t, func(t *rapid.T) {
		shuffle := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "shuffle"), 1))
		e := newEngine(profile)
		first := drawCompany(t, "first", profile)
		e.sync(t, "run-1", first, shuffle)
		before := e.holds()
		undone := e.sync(t, "run-2", drawCompany(t, "second", profile), shuffle)
		left := maps.Clone(e.bindings)
		newer := e.sync(t, "run-3", drawCompany(t, "third", profile), shuffle)
		latest := e.holds()
		changed, fresh := touched(undone), touched(newer)
		for key, bd := range e.bindings { // sent again as it was is not changed
			if was, bound := left[key]; bound && was.Hash == bd.Hash {
				delete(fresh, string(key.Kind)+" "+key.ID)
			}
		}

		plan := e.undo(t, "run-4", "run-2", undone, shuffle)
		reasons, moved := map[string]string{}, touched(plan)
		for _, c := range plan.Changes {
			if c.State != orgflow.Planned {
				reasons[label(c)] = c.Reason
				if c.Reason == "" {
					t.Fatalf("%s of %s is %s without a reason", c.Op, c.Key(), c.State)
				}
			}
		}
		for record, now := range e.holds() {
			switch {
			case !changed[record]:
				if now != latest[record] && !derived(now, latest[record]) {
					t.Fatalf("%s, which the run has not changed, was %q and is %q\n%s", record, latest[record], now, show(plan))
				}
			case fresh[record] && now != before[record]:
				if !derived(now, latest[record]) {
					t.Fatalf("%s, which a later run has changed, was %q and is %q\n%s", record, latest[record], now, show(plan))
				}
			case reasons[record] == "" && !derived(now, before[record]):
				t.Fatalf("%s was %q before the run and is %q, without a reason (moved: %v)\nundone:\n%s\nlater:\n%s\nundo:\n%s",
					record, before[record], now, moved[record], show(undone), show(newer), show(plan))
			}
		}
		for _, d := range e.c.depts {
			if strings.Contains(d.name, "7f3a") {
				t.Fatalf("%q is left with a temporary name:\n%s", d.name, show(plan))
			}
		}
	})
}

// derived compares records but for what follows from others at the consumer:
// who leaves a department stops leading it, a manager may be gone.
func derived(a, b string) bool {
	own := func(s string) string {
		s, _, _ = strings.Cut(s, " led by ")
		s, _, _ = strings.Cut(s, " managed by ")
		return s
	}
	return own(a) == own(b)
}

func label(c orgflow.Change) string { return string(c.Kind) + " " + c.SourceID }

// touched lists the records a plan changes.
func touched(p *Plan) map[string]bool {
	out := map[string]bool{}
	for _, c := range p.Changes {
		if c.State == orgflow.Planned {
			out[label(c)] = true
		}
	}
	return out
}

// TestAnUndoInTightLimitsHoldsButNeverFails: where depth and number of
// sub-departments leave no room, an undo may hold changes, with a reason;
// nothing is refused and no temporary name is left.
func TestAnUndoInTightLimitsHoldsButNeverFails(t *testing.T) {
	profile := modelProfile(4, 3)
	rapid.Check(t, func(t *rapid.T) {
		shuffle := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "shuffle"), 1))
		e := newEngine(profile)
		e.sync(t, "run-1", drawCompany(t, "first", profile), shuffle)
		undone := e.sync(t, "run-2", drawCompany(t, "second", profile), shuffle)
		plan := e.undo(t, "run-3", "run-2", undone, shuffle)
		for _, c := range plan.Changes {
			if c.State != orgflow.Planned && c.Reason == "" {
				t.Fatalf("%s of %s is %s without a reason", c.Op, c.Key(), c.State)
			}
		}
		for _, d := range e.c.depts {
			if strings.Contains(d.name, "7f3a") {
				t.Fatalf("%q is left with a temporary name:\n%s", d.name, show(plan))
			}
		}
	})
}
