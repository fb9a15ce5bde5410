package store

import (
	"context"
	"strings"
	"time"
)

// StartingFlows returns up to limit flows that have been STARTING for longer
// than d, ordered by company and number, behind a flow; the zero FlowKey
// begins. Their workflows may never have been started.
func (s *Store) StartingFlows(ctx context.Context, d time.Duration, behind FlowKey, limit int) ([]Flow, error) {
	before, err := s.ago(ctx, "flows that start", d)
	if err != nil {
		return nil, err
	}
	var rows []flowRow
	err = s.list(ctx, "flows that start", &rows, `SELECT `+flowColumns+` FROM flow_instance
		WHERE state = 'STARTING' AND started_at < ? AND (company_id, no) > (?, ?) ORDER BY company_id, no LIMIT ?`,
		before, behind.CompanyID, behind.No, pageSize(limit))
	return flowsOf(rows), err
}

// AskBeside remembers what a call wants to come of a pending decision, before
// the call is passed on: whoever carries the decision out does so with it,
// also when the call is lost. The last one wins. It is false when the decision
// is not pending any more. It may be repeated.
func (s *Store) AskBeside(ctx context.Context, k FlowKey, decision int64, a Asked) (bool, error) {
	depts, err := encode(append([]string{}, a.Depts...))
	if err != nil || !sound(k.No) {
		return false, err
	}
	n, err := s.exec(ctx, "remember what a call on flow "+k.No+" asks for", `
		UPDATE flow_audit SET next_node_seq = CAST(? AS bigint), task_depts = `+s.dialect.asJSON+`
		WHERE id = ? AND `+ofFlow+` AND applied_at IS NULL`, optionalID(a.NextNodeSeq), depts, decision, k.No, k.CompanyID, k.CompanyID)
	return n == 1, err
}

// lateIn says of which flows i no pending decision a can count any more: those
// that have ended, and of those that are with their initiator the ones of the
// rounds so far, all of whose tasks are closed. A FAULTED flow keeps its
// decisions for the repair.
const lateIn = `(i.state IN ('APPROVED', 'REJECTED', 'DISCARDED') OR i.state = 'RETURNED' AND a.round <= i.round)`

// flowOf joins a decision a with its flow i.
const flowOf = `flow_audit a JOIN flow_instance i ON i.no = a.flow_no
	AND (i.company_id = a.company_id OR a.company_id = 0 AND NOT EXISTS (
		SELECT 1 FROM flow_instance o WHERE o.no = i.no AND o.company_id <> i.company_id))`

// MarkLate settles the pending decisions on a flow that cannot count any
// more: it has ended, or is with its initiator. On any other flow it changes
// nothing. It returns how many it settled, and may be repeated.
func (s *Store) MarkLate(ctx context.Context, k FlowKey) (int, error) {
	if !sound(k.No) {
		return 0, nil
	}
	return s.exec(ctx, "settle late decisions on flow "+k.No, `
		UPDATE flow_audit SET outcome = 'ignored_late', applied_at = `+s.dialect.clock+`, company_id = ?
		WHERE applied_at IS NULL AND id IN (SELECT a.id FROM `+flowOf+`
			WHERE a.applied_at IS NULL AND a.flow_no = ? AND i.company_id = ? AND `+lateIn+`)`,
		k.CompanyID, k.No, k.CompanyID)
}

// SettleLate does what MarkLate does for up to limit decisions of any flows
// that have been pending for longer than d: nobody may ever call again. It
// returns how many it settled, and may be repeated.
func (s *Store) SettleLate(ctx context.Context, d time.Duration, limit int) (int, error) {
	before, err := s.ago(ctx, "settle late decisions", d)
	if err != nil {
		return 0, err
	}
	return s.exec(ctx, "settle late decisions", `
		UPDATE flow_audit SET outcome = 'ignored_late', applied_at = `+s.dialect.clock+`,
			company_id = (SELECT min(i.company_id) FROM `+flowOf+` WHERE a.id = flow_audit.id)
		WHERE applied_at IS NULL AND id IN (SELECT a.id FROM `+flowOf+`
			WHERE a.applied_at IS NULL AND a.created_at < ? AND `+lateIn+` ORDER BY a.created_at, a.id LIMIT ?)`, before, pageSize(limit))
}

// UnappliedFlows returns up to limit RUNNING flows with a decision that has
// been pending for longer than d, ordered by company and number, behind a
// flow; the zero FlowKey begins. Their notification may have been lost.
func (s *Store) UnappliedFlows(ctx context.Context, d time.Duration, behind FlowKey, limit int) ([]FlowKey, error) {
	before, err := s.ago(ctx, "flows with pending decisions", d)
	if err != nil {
		return nil, err
	}
	var keys []FlowKey
	err = s.list(ctx, "flows with pending decisions", &keys, `
		SELECT DISTINCT i.company_id, i.no FROM `+flowOf+`
		WHERE a.applied_at IS NULL AND a.created_at < ? AND i.state = 'RUNNING' AND (i.company_id, i.no) > (?, ?)
		ORDER BY i.company_id, i.no LIMIT ?`, before, behind.CompanyID, behind.No, pageSize(limit))
	return keys, err
}

// Overdue says how long the service may owe a flow something before its
// workflow counts as lost.
type Overdue struct {
	Deadline time.Duration // a deadline that has passed
	Child    time.Duration // the end of a child that nobody has taken in
	Trigger  time.Duration // a call that should have been made or given up
}

// OverdueFlows returns up to limit RUNNING flows to which the service owes
// something for too long, ordered by company and number, behind a flow; the
// zero FlowKey begins. Their workflows may have been terminated or lost.
func (s *Store) OverdueFlows(ctx context.Context, o Overdue, behind FlowKey, limit int) ([]Flow, error) {
	const what = "flows that nobody wakes"
	now, err := s.ago(ctx, what, 0)
	if err != nil {
		return nil, err
	}
	var rows []flowRow
	ended := at(now.Add(-o.Child))
	err = s.list(ctx, what, &rows, overdueFlows, at(now.Add(-o.Deadline)), at(now.Add(-o.Trigger)), ended, ended,
		behind.CompanyID, behind.No, pageSize(limit))
	return flowsOf(rows), err
}

// overdueFlows takes due flows and open errands from their indexes, which are
// short, and looks only at the flows of those: CROSS JOIN keeps SQLite's order.
var overdueFlows = `
	WITH owed AS (
		SELECT company_id, no FROM flow_instance WHERE next_wake < ?
		UNION ALL SELECT company_id, flow_no FROM flow_node_visit
			WHERE state = 'ACTIVE' AND type IN ('subflow', 'trigger') AND type = 'trigger' AND entered_at < ?
		UNION ALL SELECT v.company_id, v.flow_no FROM flow_node_visit v
			JOIN flow_instance c ON c.company_id = v.company_id AND c.no = v.flow_no || '.' || v.id
			WHERE v.state = 'ACTIVE' AND v.type IN ('subflow', 'trigger') AND v.type = 'subflow' AND v.entered_at < ? AND c.closed_at < ?
	)
	SELECT f.` + strings.ReplaceAll(flowColumns, ", ", ", f.") + `
	FROM (SELECT DISTINCT company_id, no FROM owed WHERE (company_id, no) > (?, ?)) o
	CROSS JOIN flow_instance f WHERE f.company_id = o.company_id AND f.no = o.no AND f.state = 'RUNNING'
	ORDER BY f.company_id, f.no LIMIT ?`
