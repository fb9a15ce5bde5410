package workflows

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"

	"orgflow"
)

func TestDataRetentionAnswersWithCounts(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	tries := 0
	env.RegisterActivityWithOptions(func(context.Context) (orgflow.Pruned, error) {
		if tries++; tries == 1 {
			return nil, orgflow.Faultf(orgflow.CodeUnavailable, "the database is away")
		}
		return orgflow.Pruned{"sync_run": 2, "sync_change": 40}, nil
	}, activity.RegisterOptions{Name: orgflow.ActivityPruneData})
	env.ExecuteWorkflow(DataRetention, RetentionInput{})
	var gone orgflow.Pruned
	if err := env.GetWorkflowResult(&gone); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(orgflow.Pruned{"sync_run": 2, "sync_change": 40}, gone); d != "" || tries != 2 {
		t.Errorf("after %d tries: %s", tries, d)
	}
	if want, got := "**42 rows removed**\n\n- sync_change: 40\n- sync_run: 2\n", removed(gone); got != want {
		t.Errorf("shown as %q, want %q", got, want)
	}
}
