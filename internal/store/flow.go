package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"orgflow"
)

// FlowKey names a flow: numbers are unique per company.
type FlowKey struct {
	CompanyID int64  `db:"company_id"`
	No        string `db:"no"` // flowRunningNumber
}

// String is company and number, for messages.
func (k FlowKey) String() string { return fmt.Sprintf("%d/%s", k.CompanyID, k.No) }

// Initiator is who launched a flow, as named at launch.
type Initiator struct{ Code, Name, Dept string }

// Flow is what queries know of a flow: the columns beside its state document.
type Flow struct {
	FlowKey
	// WorkflowID is the id of the flow's workflow, given at launch for good.
	WorkflowID   string
	Code         string
	Version      int // of the definition it runs on
	DataID       string
	Title        string
	Initiator    Initiator
	State        orgflow.FlowState
	Round        int
	Rev          int64      // of the last step; 0 before the first
	CurrentNodes []int      // seqs of the nodes that are ACTIVE, ascending
	NextWake     *time.Time // when its workflow acts by itself
	StartedAt    time.Time
	ClosedAt     *time.Time
}

// FlowVisit is a node that was entered once. Its identity is (flow, ID).
type FlowVisit struct {
	ID        int64 // dense per flow
	Round     int
	NodeSeq   int
	Type      string // of the node
	Name      string // of the node
	State     orgflow.VisitState
	Cause     string // why it was skipped, cancelled, …; one word
	EnteredAt time.Time
	LeftAt    time.Time
}

// FlowTask is one person's part of one visit. Its identity is (flow, ID).
type FlowTask struct {
	ID       int64 // dense per flow
	Visit    int64
	Round    int
	NodeSeq  int
	Kind     string // "approve", "handle", "cc"; a cc is never urged
	UserCode string
	UserName string
	State    orgflow.TaskState
	Cause    string // why it was opened or ended so; one word
	OpenedAt time.Time
	DoneAt   time.Time
	DueAt    time.Time

	LastUrgedAt time.Time // zero in a step: as it was
	Urges       int       // all urges so far
}

// FlowEvent is one line of a flow's timeline. Its identity is (flow, Rev, N);
// CommitStep gives both.
type FlowEvent struct {
	Rev, N    int64
	Type      string
	Round     int
	NodeSeq   *int
	Visit     *int64
	Task      *int64
	Actor     string // user code; empty: orgflow itself
	ActorName string
	At        time.Time
	Data      json.RawMessage // details, kept byte for byte
}

const flowColumns = `company_id, no, workflow_id, code, version, data_id, title, initiator, initiator_name, initiator_dept,
	state, round, state_rev, next_wake, started_at, closed_at`

type flowRow struct {
	FlowKey
	WorkflowID    string `db:"workflow_id"`
	Code          string `db:"code"`
	Version       int    `db:"version"`
	DataID        string `db:"data_id"`
	Title         string `db:"title"`
	Initiator     string `db:"initiator"`
	InitiatorName string `db:"initiator_name"`
	InitiatorDept string `db:"initiator_dept"`
	State         string `db:"state"`
	Round         int    `db:"round"`
	Rev           int64  `db:"state_rev"`
	NextWake      stamp  `db:"next_wake"`
	StartedAt     stamp  `db:"started_at"`
	ClosedAt      stamp  `db:"closed_at"`
}

func (r flowRow) flow() Flow {
	return Flow{
		FlowKey: r.FlowKey, WorkflowID: cmp.Or(r.WorkflowID, r.No), Code: r.Code, Version: r.Version, DataID: r.DataID, Title: r.Title,
		Initiator: Initiator{r.Initiator, r.InitiatorName, r.InitiatorDept},
		State:     orgflow.FlowState(r.State), Round: r.Round, Rev: r.Rev,
		NextWake: r.NextWake.optional(), StartedAt: r.StartedAt.Time, ClosedAt: r.ClosedAt.optional(),
	}
}

func flowsOf(rows []flowRow) []Flow {
	flows := make([]Flow, len(rows))
	for i, r := range rows {
		flows[i] = r.flow()
	}
	return flows
}

// time is the database's time: what several processes agree on.
func (t *tx) time(ctx context.Context) (now stamp, err error) {
	return now, t.get(ctx, &now, `SELECT `+t.s.dialect.clock)
}

// turn waits until no other transaction has the name and keeps it to the end
// of this one.
func (t *tx) turn(ctx context.Context, name string) error {
	if t.s.dialect.turn == "" {
		return nil
	}
	_, err := t.exec(ctx, t.s.dialect.turn, name)
	return err
}

// ago is the database's time less d.
func (s *Store) ago(ctx context.Context, what string, d time.Duration) (stamp, error) {
	var now stamp
	err := s.get(ctx, what, &now, `SELECT `+s.dialect.clock)
	return at(now.Add(-d)), err
}

// optionalID is nil for no id.
func optionalID[T int | int64](id *T) any {
	if id == nil {
		return nil
	}
	return int64(*id)
}
