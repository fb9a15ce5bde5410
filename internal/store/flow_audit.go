package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"orgflow"
)

// NewDecision is a decision as a board stores it.
type NewDecision struct {
	FlowKey
	Round       int // 0: the flow's current one
	NodeSeq     int
	Task        *int64 // nil: found by round, node and user
	UserCode    string
	UserName    string
	Verdict     orgflow.Verdict
	TargetSeq   *int
	TargetUsers []string
	Opinion     string
	Attachments json.RawMessage // a JSON list; nil: none
	FormRev     *int64          // the form's revision the person saw
}

// Decision is a stored decision. A row of a board that cannot be read whole
// has a Defect and is invalid.
type Decision struct {
	ID int64 // ascending in the order of storage
	NewDecision
	CreatedAt time.Time
	Outcome   orgflow.AuditOutcome // empty while it is pending
	Rev       int64                // the step that dealt with it; 0: none
	AppliedAt *time.Time           // when it was dealt with
	Defect    string
	Asked     *Asked // what the call that brought it asked for beside it; nil: nothing
}

// Asked is what a call wants to come of the decision it brings, instead of
// what the definition says.
type Asked struct {
	NextNodeSeq *int     // seq
	Depts       []string // codes or names of departments
}

const decisionColumns = `id, flow_no, round, node_seq, task_id, user_code, coalesce(user_name, '') AS user_name, decision,
	target_seq, coalesce(target_users, '[]') AS target_users, coalesce(opinion, '') AS opinion, attachments, form_rev,
	created_at, coalesce(outcome, '') AS outcome, coalesce(applied_rev, 0) AS applied_rev, applied_at, next_node_seq, task_depts`

type decisionRow struct {
	ID          int64  `db:"id"`
	No          string `db:"flow_no"`
	Round       int    `db:"round"`
	NodeSeq     int    `db:"node_seq"`
	Task        *int64 `db:"task_id"`
	UserCode    string `db:"user_code"`
	UserName    string `db:"user_name"`
	Verdict     string `db:"decision"`
	TargetSeq   *int   `db:"target_seq"`
	TargetUsers string `db:"target_users"`
	Opinion     string `db:"opinion"`
	Attachments string `db:"attachments"`
	FormRev     *int64 `db:"form_rev"`
	CreatedAt   stamp  `db:"created_at"`
	Outcome     string `db:"outcome"`
	Rev         int64  `db:"applied_rev"`
	AppliedAt   stamp  `db:"applied_at"`

	NextNodeSeq *int    `db:"next_node_seq"`
	TaskDepts   *string `db:"task_depts"`
}

func (r decisionRow) decision(k FlowKey) Decision {
	d := Decision{
		ID: r.ID,
		NewDecision: NewDecision{
			FlowKey: k, Round: r.Round, NodeSeq: r.NodeSeq, Task: r.Task, UserCode: r.UserCode, UserName: r.UserName,
			Verdict: orgflow.Verdict(r.Verdict), TargetSeq: r.TargetSeq, Opinion: r.Opinion, FormRev: r.FormRev,
		},
		CreatedAt: r.CreatedAt.Time, Outcome: orgflow.AuditOutcome(r.Outcome), Rev: r.Rev, AppliedAt: r.AppliedAt.optional(),
	}
	var list []json.RawMessage
	switch {
	case decode(r.TargetUsers, &d.TargetUsers) != nil:
		d.TargetUsers, d.Defect = nil, "target_users is not a JSON list of user codes"
	case decode(r.Attachments, &list) != nil:
		d.Defect = "attachments is not a JSON list"
	default:
		d.Attachments = json.RawMessage(r.Attachments)
	}
	if len(d.TargetUsers) == 0 {
		d.TargetUsers = nil
	}
	if r.TaskDepts != nil { // stands beside next_node_seq
		d.Asked = &Asked{NextNodeSeq: r.NextNodeSeq}
		if decode(*r.TaskDepts, &d.Asked.Depts) != nil {
			d.Defect = "task_depts is not a JSON list of departments"
		}
	}
	return d
}

// lists checks the decision and returns its lists as JSON.
func (d NewDecision) lists() (users, attachments string, err error) {
	if err := required("/user_code", d.UserCode, "/decision", string(d.Verdict)); err != nil {
		return "", "", err
	}
	for _, u := range d.TargetUsers {
		if err := required("/target_users", u); err != nil {
			return "", "", err
		}
	}
	var list []json.RawMessage
	if decode(string(d.Attachments), &list) != nil || !sound(string(d.Attachments)) {
		return "", "", &orgflow.Fault{Code: orgflow.CodeInvalidRecord, Field: "/attachments", Message: "must be a JSON list"}
	}
	if users, err = encode(append([]string{}, d.TargetUsers...)); err == nil {
		attachments, err = encode(append([]json.RawMessage{}, list...))
	}
	return users, attachments, err
}

// ofFlow is the condition of a decision that belongs to a flow; its arguments
// are number, company and company. A board that names no company means the
// only one that has a flow of the number.
const ofFlow = `flow_no = ? AND (company_id = ? OR company_id = 0 AND NOT EXISTS (
	SELECT 1 FROM flow_instance o WHERE o.no = flow_audit.flow_no AND o.company_id <> ?))`

// PutDecision stores a decision as a board does, whoever makes it and in
// whatever state the flow is: what it is worth is decided when it is dealt
// with. ErrNotFound without such a flow. Repeating it stores another row.
func (s *Store) PutDecision(ctx context.Context, d NewDecision) (Decision, error) {
	what := "store a decision on flow " + d.No
	if !sound(d.No) {
		return Decision{}, fmt.Errorf("store a decision: %w", ErrNotFound)
	}
	users, attachments, err := d.lists()
	if err != nil {
		return Decision{}, fmt.Errorf("%s: %w", what, err)
	}
	var row decisionRow
	err = s.rw.GetContext(ctx, &row, s.rw.Rebind(`
		INSERT INTO flow_audit (company_id, flow_no, round, node_seq, task_id, user_code, user_name, decision, target_seq, target_users,
			opinion, attachments, form_rev, created_at)
		SELECT company_id, no, coalesce(nullif(CAST(? AS bigint), 0), round), CAST(? AS bigint), CAST(? AS bigint), CAST(? AS text), CAST(? AS text),
			CAST(? AS text), CAST(? AS bigint), `+s.dialect.asJSON+`, CAST(? AS text), `+s.dialect.asJSON+`, CAST(? AS bigint), `+s.dialect.clock+`
		FROM flow_instance WHERE company_id = ? AND no = ? RETURNING `+decisionColumns),
		d.Round, d.NodeSeq, optionalID(d.Task), d.UserCode, clean(d.UserName), string(d.Verdict), optionalID(d.TargetSeq), users,
		clean(d.Opinion), attachments, optionalID(d.FormRev), d.CompanyID, d.No)
	return row.decision(d.FlowKey), s.wrap(what, err)
}

// PendingAudits returns the decisions on a flow that nothing has dealt with,
// in the order of storage. What is pending is told by applied_at: a row may
// become visible after one with a larger id was dealt with.
func (s *Store) PendingAudits(ctx context.Context, k FlowKey) ([]Decision, error) {
	return s.decisions(ctx, k, `applied_at IS NULL`)
}

// Audits returns all decisions on a flow, or those with the ids, in the order
// of storage.
func (s *Store) Audits(ctx context.Context, k FlowKey, ids ...int64) ([]Decision, error) {
	if len(ids) == 0 {
		return s.decisions(ctx, k, `id > 0`)
	}
	in, arg := s.dialect.inList("id", "bigint", anys(ids))
	return s.decisions(ctx, k, in, arg)
}

func (s *Store) decisions(ctx context.Context, k FlowKey, cond string, args ...any) ([]Decision, error) {
	if !sound(k.No) {
		return nil, nil
	}
	var rows []decisionRow
	err := s.list(ctx, "decisions on flow "+k.No, &rows, `SELECT `+decisionColumns+` FROM flow_audit WHERE `+ofFlow+` AND `+cond+` ORDER BY id`,
		append([]any{k.No, k.CompanyID, k.CompanyID}, args...)...)
	decisions := make([]Decision, len(rows))
	for i, r := range rows {
		decisions[i] = r.decision(k)
	}
	return decisions, err
}
