package e2e

import (
	"errors"
	"strings"
	"testing"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
)

// Temporal forgets a run when its retention is over. What it did, why, and
// what was sent for each record is still known then, and a failure can still
// be retried.
func TestARunOutlivesTemporalsRetention(t *testing.T) {
	t.Parallel()
	w := newFastWorld(t)
	w.serve()
	w.unlimited()
	w.load(demo(t))
	w.faults(object{"path": userCreate, "times": 1, "errcode": 60103, "match": object{"userid": "E1007"}})
	before := w.await(w.begin(demoJob), time.Minute)
	if before.Status != "completed_with_failures" {
		t.Fatalf("status %s", before.Status)
	}
	c := w.temporalClient()
	_, err := c.WorkflowService().DeleteWorkflowExecution(t.Context(), &workflowservice.DeleteWorkflowExecutionRequest{
		Namespace: "default", WorkflowExecution: &common.WorkflowExecution{WorkflowId: before.ID},
	})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, 50*time.Millisecond, "Temporal to forget the run", func() error {
		_, err := c.DescribeWorkflowExecution(t.Context(), before.ID, "")
		if gone := (*serviceerror.NotFound)(nil); errors.As(err, &gone) {
			return nil
		}
		return errNotYet
	})

	if after := w.look(before.ID); after.Status != before.Status || after.Calls != before.Calls || after.Applied["person"]["insert"] != before.Applied["person"]["insert"] {
		t.Errorf("the summary was %+v and is %+v", before, after)
	}
	for _, look := range []struct {
		args []string
		says string
	}{
		{[]string{"runs", "list"}, before.ID},
		{[]string{"runs", "show", before.ID}, "completed with failures"},
		{[]string{"runs", "changes", before.ID, "--state", "failed"}, "60103"},
	} {
		if got := w.starter(look.args...); !strings.Contains(got.out, look.says) {
			t.Errorf("starter %v does not say %q:\n%s%s", look.args, look.says, got.out, got.err)
		}
	}
	status, body, err := call("GET", "http://"+w.http+"/api/v1/records/129/ding_talk/person/1007/log", "")
	if err != nil || status != 200 || !strings.Contains(body, "60103") {
		t.Errorf("the record's log answers %d %v: %s", status, err, body)
	}
	var again struct{ ID string }
	must(t, "POST", "http://"+w.http+"/api/v1/sync-runs/"+before.ID+"/retry", `{"by":"e2e"}`, &again)
	w.completed(w.await(again.ID, time.Minute))
	w.sync(demoJob) // sets the retried person's reports and department
	w.inStep()
}
