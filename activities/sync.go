// Package activities connects Temporal to connectors and the store: each
// activity is a thin, repeatable adapter around a pure decision or a page of
// remote calls. Payloads carry ids and counts; rows stay in the database.
package activities

import (
	"context"
	"iter"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/mapping"
	"orgflow/internal/store"
	"orgflow/meta"
)

// Sync holds what the activities of a sync run need. One value serves a
// whole worker.
type Sync struct {
	Store      Store
	Files      Files
	Connectors Connectors
	Executions Executions
	Now        func() time.Time
	// Sleep waits between attempts of one record; it returns early with the
	// context's error.
	Sleep func(context.Context, time.Duration) error

	mu      sync.Mutex
	renewed map[connectors.Consumer]int // token renewals charged to runs so far
	calls   map[connectors.Consumer]*semaphore.Weighted
}

// callsOf bounds the calls to one consumer over all pages of this worker.
func (s *Sync) callsOf(c connectors.Consumer) *semaphore.Weighted {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls == nil {
		s.calls = map[connectors.Consumer]*semaphore.Weighted{}
	}
	if s.calls[c] == nil {
		s.calls[c] = semaphore.NewWeighted(callsInFlight)
	}
	return s.calls[c]
}

// renewals returns the connector's token renewals that no run was charged
// for; of runs that share a connector the first asker is charged.
func (s *Sync) renewals(c connectors.Consumer) int {
	m, ok := c.(connectors.Metered)
	if !ok {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.renewed == nil {
		s.renewed = map[connectors.Consumer]int{}
	}
	now := m.TokenRenewals()
	fresh := now - s.renewed[c]
	s.renewed[c] = now
	return fresh
}

// Files resolves jobs to meta files; package meta implements it.
type Files interface {
	DecodeJob(raw []byte) (orgflow.Job, error)
	Company(id int64) (meta.Company, error)
	Resolve(job orgflow.Job) (*meta.Resolved, error)
	Thaw(frozen []byte, find mapping.Lookup) (*meta.Resolved, error)
	// Suppose is the files as if a company had others of its own, by name.
	Suppose(company int64, files map[string][]byte) *meta.Store
}

// Connectors hands out shared connector instances.
type Connectors interface {
	Consumer(connectors.Settings) (connectors.Consumer, error)
	Source(connectors.Settings) (connectors.Source, error)
}

// Executions tells whether a workflow execution still runs, so that a target
// held by a terminated one can be taken over.
type Executions interface {
	Running(ctx context.Context, workflowID, firstRunID string) (bool, error)
	// Supersede tells a waiting run which one replaced it; alive is false
	// when its workflow is gone.
	Supersede(ctx context.Context, workflowID, byRun string) (alive bool, err error)
}

// Store is what sync activities ask of the database.
type Store interface {
	RunStore
	StagingStore
	PlanStore
	RemoteStore
	PushStore
	EventStore
	ImportStore
}

// PushStore keeps pushes of everybody who shall exist.
type PushStore interface {
	PushOf(ctx context.Context, runID string) (store.Push, error)
	CreatePush(ctx context.Context, runID string, orgs []store.PushRecord) error
	DeclinePush(ctx context.Context, runID, cause string) error
	OpenPush(ctx context.Context, runID, task string) error
	LosePush(ctx context.Context, runID string, round int, doubt bool) error
	AdvancePush(ctx context.Context, runID string, round int, to store.PushState) error
	PushPage(ctx context.Context, runID string, from, n int, together bool) ([]store.PushRecord, error)
	SavePushPage(ctx context.Context, runID string, round, next int, records []store.PushRecord) error
	PushIDs(ctx context.Context, runID string, keys []orgflow.RecordKey) (map[orgflow.RecordKey]string, error)
	SteppedRecords(ctx context.Context, runID string) (int, error)
	DropPush(ctx context.Context, runID string) error
}

// EventStore keeps what consumers tell of changes made at them.
type EventStore interface {
	SaveContactEvents(ctx context.Context, target orgflow.Target, events []store.ContactEvent) (open int, err error)
	ContactEvents(ctx context.Context, target orgflow.Target, runID string, n int) ([]store.ContactEvent, error)
	SettleContactEvents(ctx context.Context, runID string, states map[int64]string) error
	BoundRemote(ctx context.Context, target orgflow.Target, keys []orgflow.RemoteKey) (map[orgflow.RemoteKey]orgflow.Binding, error)
	WrittenBetween(ctx context.Context, target orgflow.Target, keys []orgflow.RemoteKey, from, to time.Time) (map[orgflow.RemoteKey][]time.Time, error)
}

// ImportStore keeps import jobs under way.
type ImportStore interface {
	PutImport(ctx context.Context, target orgflow.Target, j store.ImportJob) error
	OpenImports(ctx context.Context, target orgflow.Target) ([]store.ImportJob, error)
	SettleImport(ctx context.Context, target orgflow.Target, id string) error
}

// RemoteStore keeps what was read from the consumer.
type RemoteStore interface {
	BeginRemote(ctx context.Context, runID, root string, known ...string) error
	NextDepartments(ctx context.Context, runID string, n int) ([]store.RemoteDepartment, error)
	SaveRemotePage(ctx context.Context, runID string, step store.RemoteStep) error
	FinishRemote(ctx context.Context, runID, cause string) error
	RemoteDone(ctx context.Context, runID string) (store.RemoteRead, error)
	RemoteRecords(ctx context.Context, runID string, kind orgflow.Kind) iter.Seq2[store.RemoteRecord, error]
	DropRemote(ctx context.Context, runID string) error
}

// RunStore keeps runs and holds targets.
type RunStore interface {
	CreateRun(context.Context, store.NewRun) (run store.Run, created bool, err error)
	GetRun(ctx context.Context, id string) (store.Run, error)
	GetRunByFirstID(ctx context.Context, firstRunID string) (store.Run, error)
	ListRuns(ctx context.Context, f store.RunFilter) ([]store.Run, string, error)
	SetStatus(ctx context.Context, id string, status orgflow.Status) error
	SetPhase(ctx context.Context, id string, phase orgflow.Phase) error
	SetStage(ctx context.Context, id string, flag store.StageFlag) error
	AddCounters(ctx context.Context, id string, c store.Counters) error
	FinishRun(ctx context.Context, id string, status orgflow.Status, fault *orgflow.Fault, notes []string) (store.Run, error)
	Summary(ctx context.Context, id string) (orgflow.Summary, error)
	NoticeRefusal(ctx context.Context, n store.Notice, fault *orgflow.Fault) error
	AcquireTarget(ctx context.Context, target orgflow.Target, runID string, ttl time.Duration, now time.Time) (fence int64, holder string, ok bool, err error)
	RenewTarget(ctx context.Context, target orgflow.Target, runID string, ttl time.Duration, now time.Time) error
	ReleaseTarget(ctx context.Context, target orgflow.Target, runID string) error
	SteerStore
}

// SteerStore keeps what people and other runs do to a run.
type SteerStore interface {
	PauseRun(ctx context.Context, id string, p orgflow.Pause) error
	ResumeRun(ctx context.Context, id, by string) error
	NoteRun(ctx context.Context, id, note string) error
	QueueForTarget(ctx context.Context, target orgflow.Target, runID string, priority bool, now time.Time) error
	KeepPlace(ctx context.Context, target orgflow.Target, runID string, now time.Time) (bool, error)
	YieldTarget(ctx context.Context, target orgflow.Target, runID string, now time.Time) error
	Dequeue(ctx context.Context, runID string) error
	Wanted(ctx context.Context, target orgflow.Target, runID string, now time.Time) (bool, error)
	CountDoubts(ctx context.Context, runID string) (int, error)
	AuditLog(ctx context.Context, subject, cursor string, limit int) ([]store.AuditEntry, string, error)
}

// StagingStore keeps what was read from the source.
type StagingStore interface {
	BeginSnapshot(context.Context, store.NewSnapshot) (store.Snapshot, error)
	GetSnapshot(ctx context.Context, id int64) (store.Snapshot, error)
	StagePage(ctx context.Context, snapshotID int64, rows []store.StagedRow) (fresh int, err error)
	CountStaged(ctx context.Context, snapshotID int64) (staged, rejected int, err error)
	FinishSnapshot(ctx context.Context, id int64, r store.SnapshotResult) (store.Snapshot, error)
	SnapshotsOfRun(ctx context.Context, runID string) ([]store.Snapshot, error)
	FilterChanged(context.Context, store.FilterProof) (bool, error)
	LatestSnapshots(context.Context, store.SnapshotFilter) ([]store.Snapshot, error)
	RecordsByID(ctx context.Context, snapshotID int64) iter.Seq2[store.StagedRecord, error]
	RecordIDs(ctx context.Context, snapshotID int64) iter.Seq2[string, error]
	RejectedIDs(ctx context.Context, snapshotID int64) iter.Seq2[string, error]
	HasRecords(ctx context.Context, snapshotID int64, ids []string) (map[string]bool, error)
	DropSnapshotsBefore(ctx context.Context, target orgflow.Target, scope string, keep int) (dropped int, err error)
}

// PlanStore keeps plans, their outcomes and the bindings.
type PlanStore interface {
	Bindings(ctx context.Context, target orgflow.Target, kind orgflow.Kind) iter.Seq2[orgflow.Binding, error]
	BindingIDs(ctx context.Context, target orgflow.Target, keys []orgflow.RecordKey) (map[orgflow.RecordKey]string, error)
	BindingsOf(ctx context.Context, target orgflow.Target, keys []orgflow.RecordKey) (map[orgflow.RecordKey]orgflow.Binding, error)
	PutBindings(ctx context.Context, target orgflow.Target, runID string, bindings []orgflow.Binding) error
	Failures(ctx context.Context, target orgflow.Target, kind orgflow.Kind) ([]store.RecordFailure, error)
	ForgetFailures(ctx context.Context, target orgflow.Target, keys []orgflow.RecordKey) error
	DeletesSince(ctx context.Context, target orgflow.Target, kind orgflow.Kind, since time.Time) (int, error)
	SavePlan(ctx context.Context, runID string, plan store.PlanMeta, changes iter.Seq[orgflow.Change]) error
	Plan(ctx context.Context, runID string) (store.PlanMeta, error)
	Waves(ctx context.Context, runID string) ([]store.Wave, error)
	ClaimPage(ctx context.Context, runID string, from, to int) ([]store.ClaimedChange, error)
	ReleaseClaims(ctx context.Context, runID string, ids []int) error
	RecordOutcomes(ctx context.Context, runID string, outcomes []store.Outcome) (store.Recorded, error)
	CountPage(ctx context.Context, runID string, from, to int) (done map[orgflow.Kind]map[orgflow.Op]orgflow.Applied, settled int, err error)
	ListChanges(ctx context.Context, runID string, f store.ChangeFilter) ([]orgflow.Change, string, error)
	SetStates(ctx context.Context, runID string, op orgflow.Op, from, to orgflow.State, note string) (int, error)
	CountByState(ctx context.Context, runID string) (map[orgflow.State]int, error)
	Effects(ctx context.Context, runID string) iter.Seq2[orgflow.Change, error]
	CountEffects(ctx context.Context, runID string) (int, error)
	StatesOf(ctx context.Context, runID string, ids []int) (map[int]store.ChangeState, error)
}
