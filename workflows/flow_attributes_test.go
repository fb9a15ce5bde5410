package workflows

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/temporal"

	"orgflow"
)

// Search attributes are written when they change: a flow that was started as
// running writes them at its end only, one that was started in the Web UI at
// its beginning, too.
func TestAFlowWritesSearchAttributesWhenTheyChange(t *testing.T) {
	for name, c := range map[string]struct {
		start temporal.SearchAttributes
		want  []string
	}{
		"started by a launch":      {FlowAttributes(129, orgflow.FlowRunning), []string{"DISCARDED"}},
		"started without anything": {temporal.NewSearchAttributes(), []string{"RUNNING", "DISCARDED"}},
	} {
		t.Run(name, func(t *testing.T) {
			env, k := flowEnv(t), newKeeper(nil)
			k.install(env)
			if err := env.SetTypedSearchAttributesOnStart(c.start); err != nil {
				t.Fatal(err)
			}
			var written []string
			env.OnUpsertTypedSearchAttributes(mock.Anything).Run(func(args mock.Arguments) {
				state, _ := args.Get(0).(temporal.SearchAttributes).GetKeyword(temporal.NewSearchAttributeKeyKeyword(orgflow.AttrStatus))
				written = append(written, state)
			}).Return(nil)
			update(env, time.Second, orgflow.UpdateFlowAudit, orgflow.FlowCommand{})
			update(env, 2*time.Second, orgflow.UpdateFlowDiscard, orgflow.FlowCommand{By: "E1"})
			if _, err := runFlow(t, env); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, written); d != "" {
				t.Error(d)
			}
		})
	}
}
