package orgflow

// Wire names are data: they stand in Temporal histories, in bookmarks and in
// dashboards. A golden file guards them; a change needs a version gate and a
// replay fixture.
const (
	// DefaultTaskQueue is the queue of workflows and activities unless
	// ORGFLOW_TEMPORAL_TASK_QUEUE names another.
	DefaultTaskQueue = "orgflow"

	// WorkflowSyncRun runs one job from fetch to summary.
	WorkflowSyncRun = "SyncRun"

	// WorkflowContactEvents gathers what a consumer tells of changes made at it
	// and starts runs for the records concerned. Its input is a Target.
	WorkflowContactEvents = "ContactEvents"

	// WorkflowContactPull pulls an organisation when the consumer tells of
	// changes made at it. Its input is a Target.
	WorkflowContactPull = "ContactPull"

	// WorkflowOrgPull pulls an organisation into the local one. Its input is a
	// PullInput, its result a PullSummary.
	WorkflowOrgPull = "OrgPull"
	// WorkflowNotify brings the messages of a company's outbox to people over
	// one channel. Its input is a Target: the channel is a consumer.
	WorkflowNotify = "Notify"

	// WorkflowApprovalFlow carries on one approval flow. Its input is a
	// FlowRun, its id the flow's number.
	WorkflowApprovalFlow = "ApprovalFlow"

	// The updates of an approval flow. Their argument is a FlowCommand, their
	// answer a FlowReply.
	UpdateFlowAudit    = "audit"
	UpdateFlowRelaunch = "relaunch"
	UpdateFlowDiscard  = "discard"
	UpdateFlowUrge     = "urge"
	// UpdateFlowAdmin withdraws, retracts, jumps and repairs.
	UpdateFlowAdmin = "admin"

	// SignalFlow tells an approval flow what nobody is answered: the end of a
	// child, the beginning of an absence. Its argument is a FlowCommand.
	SignalFlow = "flow"

	// WorkflowDataSync loads a form of an ERP into its local table. Its input
	// is a LoadInput, its result an ERPRun.
	WorkflowDataSync = "DataSync"

	// WorkflowDataRetention removes rows whose time is over, in all companies.
	// It has no input; its result is a Pruned.
	WorkflowDataRetention = "DataRetention"

	// UpdateApprove and UpdateReject decide a run's parked changes; their
	// argument is a Decision, their answer the run summary.
	UpdateApprove = "approve"
	UpdateReject  = "reject"

	// UpdatePause makes a run stop sending, UpdateResume lets it go on; their
	// argument is a Decision, their answer the run summary.
	UpdatePause  = "pause"
	UpdateResume = "resume"

	// SignalSupersede tells a waiting run the id of the one that replaced it.
	SignalSupersede = "supersede"

	// SignalContactEvent tells a gatherer (ContactEvents, ContactPull) that
	// there is something to gather; what it is stands in the database.
	SignalContactEvent = "contact_event"

	// SignalNotify tells Notify that there are messages to be sent; what they
	// are stands in the database.
	SignalNotify = "notify"

	// QueryStatus answers with the run summary of contract § 5.
	QueryStatus = "status"
)

// Activity names of a sync run.
const (
	ActivityPrepareRun    = "PrepareRun"
	ActivityHoldTarget    = "HoldTarget"
	ActivityCheckConsumer = "CheckConsumer"
	ActivityFetchPages    = "FetchPages"
	ActivityReadRemote    = "ReadRemote"
	ActivityPlanRun       = "PlanRun"
	ActivityApplyPage     = "ApplyPage"
	ActivityPauseRun      = "PauseRun"
	ActivityYieldTarget   = "YieldTarget"
	ActivityResumeRun     = "ResumeRun"
	ActivityPreparePush   = "PreparePush"
	ActivityAddToPush     = "AddToPush"
	ActivityCompletePush  = "CompletePush"
	ActivitySettlePush    = "SettlePush"
	ActivityParkRun       = "ParkRun"
	ActivityReleaseParked = "ReleaseParked"
	ActivitySettleParked  = "SettleParked"
	ActivityFinishRun     = "FinishRun"
)

// ActivityTakeContactEvents is the activity of the gatherer of contact events.
const ActivityTakeContactEvents = "TakeContactEvents"

// Activity names of a pull.
const (
	ActivityPreparePull      = "PreparePull"
	ActivityReadOrganisation = "ReadOrganisation"
	ActivityMergePull        = "MergePull"
	ActivityParkPull         = "ParkPull"
	ActivityFinishPull       = "FinishPull"
	ActivityCheckPullTurn    = "CheckPullTurn"
)

// Activity names of a load.
const (
	ActivityPrepareLoad  = "PrepareLoad"
	ActivityOpenLoad     = "OpenLoad"
	ActivityReadWindow   = "ReadWindow"
	ActivityCatchUp      = "CatchUp"
	ActivitySettleUnseen = "SettleUnseen"
	ActivitySwapTables   = "SwapTables"
	ActivityFinishLoad   = "FinishLoad"
)

// ActivityPruneData is the activity of DataRetention.
const ActivityPruneData = "PruneData"

// Activity names of an approval flow.
const (
	ActivityStepFlow        = "StepFlow"
	ActivityCallTrigger     = "CallTrigger"
	ActivityLaunchChildFlow = "LaunchChildFlow"
)

// Activity names of the messages to people.
const (
	ActivitySendMessages  = "SendMessages"
	ActivityCheckMessages = "CheckMessages"
)

// Search attributes, all of Temporal's Keyword type.
const (
	AttrCompany = "OrgflowCompany"
	AttrKind    = "OrgflowKind"
	AttrStatus  = "OrgflowStatus"
	AttrTarget  = "OrgflowTarget"
)

// SearchAttributes lists every search attribute that has to be registered
// in the namespace before the first run.
func SearchAttributes() []string {
	return []string{AttrCompany, AttrKind, AttrStatus, AttrTarget}
}
