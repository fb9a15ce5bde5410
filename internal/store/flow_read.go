package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"orgflow"
)

// LoadedFlow is what a step begins with.
type LoadedFlow struct {
	Flow
	StateDoc []byte // of revision Rev, as committed
	Answer   []byte // of the last step
	StepKey  string // of the last step
}

// LoadFlow returns a flow with its state document, or ErrNotFound.
func (s *Store) LoadFlow(ctx context.Context, k FlowKey) (LoadedFlow, error) {
	if !sound(k.No) {
		return LoadedFlow{}, fmt.Errorf("flow: %w", ErrNotFound)
	}
	var row struct {
		flowRow
		StateDoc string `db:"state_doc"`
		Answer   string `db:"answer"`
		StepKey  string `db:"step_key"`
	}
	err := s.get(ctx, "flow "+k.No, &row, `SELECT `+flowColumns+`, state_doc, answer, step_key FROM flow_instance WHERE company_id = ? AND no = ?`, k.CompanyID, k.No)
	return LoadedFlow{Flow: row.flow(), StateDoc: []byte(row.StateDoc), Answer: []byte(row.Answer), StepKey: row.StepKey}, err
}

// FlowDetail is a flow with all its visits and tasks.
type FlowDetail struct {
	Flow
	Visits []FlowVisit // by id
	Tasks  []FlowTask  // by id
}

type visitRow struct {
	ID        int64  `db:"id"`
	Round     int    `db:"round"`
	NodeSeq   int    `db:"node_seq"`
	Type      string `db:"type"`
	Name      string `db:"name"`
	State     string `db:"state"`
	Cause     string `db:"cause"`
	EnteredAt stamp  `db:"entered_at"`
	LeftAt    stamp  `db:"left_at"`
}

const visitColumns = `id, round, node_seq, type, name, state, cause, entered_at, left_at`

func (r visitRow) visit() FlowVisit {
	return FlowVisit{
		ID: r.ID, Round: r.Round, NodeSeq: r.NodeSeq, Type: r.Type, Name: r.Name, State: orgflow.VisitState(r.State), Cause: r.Cause,
		EnteredAt: r.EnteredAt.Time, LeftAt: r.LeftAt.Time,
	}
}

// GetFlow returns a flow with its visits and tasks, all of one revision, or
// ErrNotFound.
func (s *Store) GetFlow(ctx context.Context, k FlowKey) (FlowDetail, error) {
	if !sound(k.No) {
		return FlowDetail{}, fmt.Errorf("flow: %w", ErrNotFound)
	}
	var flow flowRow
	var visits []visitRow
	var tasks []taskRow
	err := s.snapshot(ctx, "flow "+k.No, func(t *tx) error {
		if err := t.get(ctx, &flow, `SELECT `+flowColumns+` FROM flow_instance WHERE company_id = ? AND no = ?`, k.CompanyID, k.No); err != nil {
			return err
		}
		err := t.list(ctx, &visits, `SELECT `+visitColumns+` FROM flow_node_visit WHERE company_id = ? AND flow_no = ? ORDER BY id`, k.CompanyID, k.No)
		if err != nil {
			return err
		}
		return t.list(ctx, &tasks, `SELECT `+taskColumns+` FROM flow_task WHERE company_id = ? AND flow_no = ? ORDER BY id`, k.CompanyID, k.No)
	})
	d := FlowDetail{Flow: flow.flow(), Visits: make([]FlowVisit, len(visits)), Tasks: make([]FlowTask, len(tasks))}
	var active []int
	for i, v := range visits {
		d.Visits[i] = v.visit()
		if d.Visits[i].State == orgflow.VisitActive {
			active = append(active, v.NodeSeq)
		}
	}
	d.CurrentNodes = sortedSet(active)
	for i, r := range tasks {
		d.Tasks[i] = r.task()
	}
	return d, err
}

type eventRow struct {
	Rev       int64  `db:"rev"`
	N         int64  `db:"n"`
	Type      string `db:"type"`
	Round     int    `db:"round"`
	NodeSeq   *int   `db:"node_seq"`
	Visit     *int64 `db:"visit"`
	Task      *int64 `db:"task_id"`
	Actor     string `db:"actor"`
	ActorName string `db:"actor_name"`
	At        stamp  `db:"at"`
	Data      string `db:"data"`
}

const eventColumns = `rev, n, type, round, node_seq, visit, task_id, actor, actor_name, at, data`

func (r eventRow) event() FlowEvent {
	e := FlowEvent{
		Rev: r.Rev, N: r.N, Type: r.Type, Round: r.Round, NodeSeq: r.NodeSeq, Visit: r.Visit, Task: r.Task,
		Actor: r.Actor, ActorName: r.ActorName, At: r.At.Time,
	}
	if r.Data != "" {
		e.Data = json.RawMessage(r.Data)
	}
	return e
}

// FlowEvents returns a flow's timeline, oldest first, and the cursor of the
// next page, empty on the last one. Events never change and new ones come at
// the end, so pages do not move.
func (s *Store) FlowEvents(ctx context.Context, k FlowKey, cursor string, limit int) ([]FlowEvent, string, error) {
	rev, n, err := parseEventCursor(cursor)
	if err != nil {
		return nil, "", fmt.Errorf("timeline of flow %s: %w", k.No, err)
	}
	if !sound(k.No) {
		return nil, "", nil
	}
	limit = pageSize(limit)
	var rows []eventRow
	err = s.list(ctx, "timeline of flow "+k.No, &rows, `SELECT `+eventColumns+` FROM flow_event
		WHERE company_id = ? AND flow_no = ? AND (rev, n) > (?, ?) ORDER BY rev, n LIMIT ?`, k.CompanyID, k.No, rev, n, limit+1)
	if err != nil {
		return nil, "", err
	}
	rows, next := cut(rows, limit, func(r eventRow) string { return fmt.Sprintf("%d.%d", r.Rev, r.N) })
	events := make([]FlowEvent, len(rows))
	for i, r := range rows {
		events[i] = r.event()
	}
	return events, next, nil
}

func parseEventCursor(cursor string) (rev, n int64, err error) {
	if cursor == "" {
		return 0, 0, nil
	}
	a, b, ok := strings.Cut(cursor, ".")
	rev, errRev := strconv.ParseInt(a, 10, 64)
	n, errN := strconv.ParseInt(b, 10, 64)
	if !ok || errRev != nil || errN != nil {
		return 0, 0, ErrBadCursor
	}
	return rev, n, nil
}
