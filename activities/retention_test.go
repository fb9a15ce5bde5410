package activities

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/testsuite"

	"orgflow"
)

// An attempt goes on where the one before was cut off, and its counts are
// those of both.
func TestPruneDataGoesOnAfterAnAttemptThatWasCutOff(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	for _, key := range []string{"a", "b"} {
		if _, _, err := w.db.Remember(ctx, key, "answer"); err != nil {
			t.Fatal(err)
		}
	}
	d := &Data{Store: w.db, Keep: orgflow.DefaultRetention(), Now: func() time.Time { return w.now().AddDate(0, 0, 8) }}
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	d.Register(env)
	env.SetHeartbeatDetails(orgflow.Pruned{"audit_log": 1000, "idempotency_key": 1})
	value, err := env.ExecuteActivity(orgflow.ActivityPruneData)
	if err != nil {
		t.Fatal(err)
	}
	var gone orgflow.Pruned
	if err := value.Get(&gone); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(orgflow.Pruned{"audit_log": 1000, "idempotency_key": 3}, gone); d != "" {
		t.Error(d)
	}
}
