package orgflow_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
)

// Names that stand in Temporal histories and dashboards. When this test
// fails, a running workflow or somebody's dashboard breaks: change the name
// behind a version gate, record a replay fixture, then change the golden file.
func TestWireNames(t *testing.T) {
	got := strings.Join([]string{
		"queue " + orgflow.DefaultTaskQueue,
		"workflow " + orgflow.WorkflowSyncRun,
		"workflow " + orgflow.WorkflowContactEvents,
		"workflow " + orgflow.WorkflowContactPull,
		"workflow " + orgflow.WorkflowOrgPull,
		"workflow " + orgflow.WorkflowDataSync,
		"workflow " + orgflow.WorkflowApprovalFlow,
		"workflow " + orgflow.WorkflowNotify,
		"workflow " + orgflow.WorkflowDataRetention,
		"query " + orgflow.QueryStatus,
		"update " + orgflow.UpdateApprove,
		"update " + orgflow.UpdateReject,
		"update " + orgflow.UpdatePause,
		"update " + orgflow.UpdateResume,
		"update " + orgflow.UpdateFlowAudit,
		"update " + orgflow.UpdateFlowRelaunch,
		"update " + orgflow.UpdateFlowDiscard,
		"update " + orgflow.UpdateFlowUrge,
		"update " + orgflow.UpdateFlowAdmin,
		"signal " + orgflow.SignalSupersede,
		"signal " + orgflow.SignalContactEvent,
		"signal " + orgflow.SignalFlow,
		"signal " + orgflow.SignalNotify,
		"activity " + orgflow.ActivityPrepareRun,
		"activity " + orgflow.ActivityHoldTarget,
		"activity " + orgflow.ActivityCheckConsumer,
		"activity " + orgflow.ActivityFetchPages,
		"activity " + orgflow.ActivityReadRemote,
		"activity " + orgflow.ActivityPlanRun,
		"activity " + orgflow.ActivityApplyPage,
		"activity " + orgflow.ActivityPauseRun,
		"activity " + orgflow.ActivityYieldTarget,
		"activity " + orgflow.ActivityResumeRun,
		"activity " + orgflow.ActivityPreparePush,
		"activity " + orgflow.ActivityAddToPush,
		"activity " + orgflow.ActivityCompletePush,
		"activity " + orgflow.ActivitySettlePush,
		"activity " + orgflow.ActivityParkRun,
		"activity " + orgflow.ActivityReleaseParked,
		"activity " + orgflow.ActivitySettleParked,
		"activity " + orgflow.ActivityFinishRun,
		"activity " + orgflow.ActivityTakeContactEvents,
		"activity " + orgflow.ActivityPreparePull,
		"activity " + orgflow.ActivityReadOrganisation,
		"activity " + orgflow.ActivityMergePull,
		"activity " + orgflow.ActivityParkPull,
		"activity " + orgflow.ActivityFinishPull,
		"activity " + orgflow.ActivityCheckPullTurn,
		"activity " + orgflow.ActivityPrepareLoad,
		"activity " + orgflow.ActivityOpenLoad,
		"activity " + orgflow.ActivityReadWindow,
		"activity " + orgflow.ActivityCatchUp,
		"activity " + orgflow.ActivitySettleUnseen,
		"activity " + orgflow.ActivitySwapTables,
		"activity " + orgflow.ActivityFinishLoad,
		"activity " + orgflow.ActivityStepFlow,
		"activity " + orgflow.ActivityCallTrigger,
		"activity " + orgflow.ActivityLaunchChildFlow,
		"activity " + orgflow.ActivitySendMessages,
		"activity " + orgflow.ActivityCheckMessages,
		"activity " + orgflow.ActivityPruneData,
		"attribute " + strings.Join(orgflow.SearchAttributes(), "\nattribute "),
	}, "\n") + "\n"
	want, err := os.ReadFile("testdata/names.golden")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("wire names changed (-golden +code):\n%s", d)
	}
}
