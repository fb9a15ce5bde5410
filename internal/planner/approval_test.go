package planner

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orgflow"
)

// TestApprovedChangesKeepTheRulesToo: what the safeguards parked runs after
// everything else, in the order of its waves; together both end where a plan
// without a limit would, and one more run settles what was left to it.
func TestApprovedChangesKeepTheRulesToo(t *testing.T) {
	profile := modelProfile(10, 10)
	rapid.Check(t, func(t *rapid.T) {
		shuffle := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "shuffle"), 1))
		e := newEngine(profile)
		e.run(t, modelInput(drawCompany(t, "before", profile), profile), shuffle)
		c := drawCompany(t, "after", profile)
		in := modelInput(c, profile)
		in.Job.Params.DeleteLimit = &orgflow.DeleteLimit{}
		plan := e.run(t, in, shuffle)
		for _, ch := range plan.Changes {
			if ch.State != orgflow.Parked {
				continue
			}
			if err := e.do(ch); err != nil {
				t.Fatalf("approved change %d: %v\n%s", ch.ID, err, show(plan))
			}
		}
		e.run(t, modelInput(c, profile), shuffle)
		if d := cmp.Diff(c.want(), e.holds()); d != "" {
			t.Fatalf("(-want +has)\n%s\n%s", d, show(plan))
		}
	})
}
