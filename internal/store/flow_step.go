package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"orgflow"
)

// Errors of a step that repeating does not cure.
var (
	// ErrForeignRev: the flow is not at the revision before the step's, and
	// its last step is not this one. Somebody else wrote to the flow.
	ErrForeignRev = errors.New("the flow is at another revision")
	// ErrSecondVerdict: a task would have two effective verdicts.
	ErrSecondVerdict = errors.New("the task has an effective verdict already")
)

// FlowStep is the effect of one step of a flow: what LoadFlow read at
// revision Rev-1 becomes revision Rev.
type FlowStep struct {
	FlowKey
	Rev int64
	// Key names the step, so that a step of another writer that made the
	// same revision is not taken for this one. The same at every attempt.
	Key      string
	State    orgflow.FlowState
	Round    int
	Version  int    // of the definition; 0 leaves it
	Title    string // empty leaves it
	StateDoc []byte
	Answer   []byte    // what a repeated attempt is answered; kept until the next step
	NextWake time.Time // zero: none
	ClosedAt time.Time // zero: the flow is open

	Visits   []FlowVisit  // new ones and those that changed, each once
	Tasks    []FlowTask   // new ones and those that changed, each once
	Events   []FlowEvent  // in order; Rev and N are given here
	Audits   []AuditMark  // what became of stored decisions
	Messages []NewMessage // to send; one that has its DedupKey already is left out
}

// StepResult is what CommitStep answers.
type StepResult struct {
	Answer   []byte
	Repeated bool // the step was committed before; nothing was written
}

// CommitStep writes a step in one transaction: state, visits, tasks,
// timeline, marks on decisions and messages together or not at all. A step
// that was committed before, by an attempt whose answer was lost, is answered
// as then and writes nothing. Errors that repeating does not cure are
// ErrForeignRev and ErrSecondVerdict, and ErrNotFound without such a flow.
func (s *Store) CommitStep(ctx context.Context, p FlowStep) (result StepResult, err error) {
	what := fmt.Sprintf("commit step %d of flow %s", p.Rev, p.No)
	if err := p.check(); err != nil {
		return StepResult{}, fmt.Errorf("%s: %w", what, err)
	}
	err = s.inTx(ctx, what, func(t *tx) error {
		result = StepResult{Answer: p.Answer}
		moved, err := t.moveFlow(ctx, p)
		if err != nil {
			return err
		}
		if !moved {
			result.Answer, err = t.stepAnswer(ctx, p)
			result.Repeated = true
			return err
		}
		for _, put := range []func(context.Context, FlowStep) error{t.putVisits, t.putTasks, t.putEvents, t.markAudits, t.putMessages} {
			if err := put(ctx, p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return StepResult{}, err
	}
	return result, nil
}

// check refuses what the two databases would treat differently.
func (p FlowStep) check() error {
	if err := errors.Join(required("/flowRunningNumber", p.No, "/state_doc", string(p.StateDoc)),
		check("/answer", string(p.Answer), "/step", p.Key)); err != nil {
		return err
	}
	visits, tasks := map[int64]bool{}, map[int64]bool{}
	for _, v := range p.Visits {
		if visits[v.ID] {
			return fmt.Errorf("visit %d stands twice in the step", v.ID)
		}
		visits[v.ID] = true
	}
	for _, task := range p.Tasks {
		if tasks[task.ID] {
			return fmt.Errorf("task %d stands twice in the step", task.ID)
		}
		tasks[task.ID] = true
	}
	return nil
}

// moveFlow takes the flow to the step's revision, if it is at the one before.
// The row stays locked until the end of the transaction.
func (t *tx) moveFlow(ctx context.Context, p FlowStep) (bool, error) {
	n, err := t.exec(ctx, `
		UPDATE flow_instance SET state = ?, round = ?, state_rev = ?, state_doc = ?, step_key = ?, answer = ?, next_wake = ?, closed_at = ?,
			version = coalesce(nullif(CAST(? AS bigint), 0), version), title = coalesce(nullif(CAST(? AS text), ''), title)
		WHERE company_id = ? AND no = ? AND state_rev = ?`,
		string(p.State), p.Round, p.Rev, string(p.StateDoc), p.Key, string(p.Answer), at(p.NextWake), at(p.ClosedAt),
		p.Version, clean(p.Title), p.CompanyID, p.No, p.Rev-1)
	return n == 1, err
}

// stepAnswer returns the answer of a step that was committed before.
func (t *tx) stepAnswer(ctx context.Context, p FlowStep) ([]byte, error) {
	var row struct {
		Rev    int64  `db:"state_rev"`
		Key    string `db:"step_key"`
		Answer string `db:"answer"`
	}
	err := t.get(ctx, &row, `SELECT state_rev, step_key, answer FROM flow_instance WHERE company_id = ? AND no = ?`, p.CompanyID, p.No)
	switch {
	case err != nil:
		return nil, err
	case row.Rev != p.Rev:
		return nil, fmt.Errorf("%w: it is %d", ErrForeignRev, row.Rev)
	case row.Key != p.Key:
		return nil, fmt.Errorf("%w: another step made revision %d", ErrForeignRev, row.Rev)
	}
	return []byte(row.Answer), nil
}

var upsertVisits = insertRows("flow_node_visit", `ON CONFLICT (company_id, flow_no, id) DO UPDATE SET
	state = excluded.state, cause = excluded.cause, entered_at = excluded.entered_at, left_at = excluded.left_at`,
	column{"company_id", "bigint"}, column{"flow_no", "text"}, column{"id", "bigint"}, column{"round", "bigint"}, column{"node_seq", "bigint"},
	column{"type", "text"}, column{"name", "text"}, column{"state", "text"}, column{"cause", "text"},
	column{"entered_at", "timestamptz"}, column{"left_at", "timestamptz"})

func (t *tx) putVisits(ctx context.Context, p FlowStep) error {
	values := make([]any, 0, len(p.Visits)*len(upsertVisits.cols))
	for _, v := range p.Visits {
		values = append(values, p.CompanyID, p.No, v.ID, v.Round, v.NodeSeq, clean(v.Type), clean(v.Name), string(v.State), clean(v.Cause),
			at(v.EnteredAt), at(v.LeftAt))
	}
	_, err := t.run(ctx, upsertVisits, values)
	return err
}

var upsertTasks = insertRows("flow_task", `ON CONFLICT (company_id, flow_no, id) DO UPDATE SET
	state = excluded.state, cause = excluded.cause, opened_at = excluded.opened_at, done_at = excluded.done_at, due_at = excluded.due_at,
	last_urged_at = coalesce(excluded.last_urged_at, flow_task.last_urged_at), urges = excluded.urges`,
	column{"company_id", "bigint"}, column{"flow_no", "text"}, column{"id", "bigint"}, column{"visit", "bigint"}, column{"round", "bigint"},
	column{"node_seq", "bigint"}, column{"kind", "text"}, column{"user_code", "text"}, column{"user_name", "text"}, column{"state", "text"},
	column{"cause", "text"}, column{"opened_at", "timestamptz"}, column{"done_at", "timestamptz"}, column{"due_at", "timestamptz"},
	column{"last_urged_at", "timestamptz"}, column{"urges", "bigint"})

func (t *tx) putTasks(ctx context.Context, p FlowStep) error {
	values := make([]any, 0, len(p.Tasks)*len(upsertTasks.cols))
	for _, k := range p.Tasks {
		if err := check("/user_code", k.UserCode); err != nil {
			return err
		}
		values = append(values, p.CompanyID, p.No, k.ID, k.Visit, k.Round, k.NodeSeq, clean(k.Kind), k.UserCode, clean(k.UserName), string(k.State),
			clean(k.Cause), at(k.OpenedAt), at(k.DoneAt), at(k.DueAt), at(k.LastUrgedAt), k.Urges)
	}
	_, err := t.run(ctx, upsertTasks, values)
	return err
}

var insertEvents = insertRows("flow_event", "",
	column{"company_id", "bigint"}, column{"flow_no", "text"}, column{"rev", "bigint"}, column{"n", "bigint"}, column{"type", "text"},
	column{"round", "bigint"}, column{"node_seq", "bigint"}, column{"visit", "bigint"}, column{"task_id", "bigint"},
	column{"actor", "text"}, column{"actor_name", "text"}, column{"at", "timestamptz"}, column{"data", "text"})

func (t *tx) putEvents(ctx context.Context, p FlowStep) error {
	values := make([]any, 0, len(p.Events)*len(insertEvents.cols))
	for i, e := range p.Events {
		if err := check("/actor", e.Actor); err != nil {
			return err
		}
		values = append(values, p.CompanyID, p.No, p.Rev, i+1, clean(e.Type), e.Round, optionalID(e.NodeSeq), optionalID(e.Visit), optionalID(e.Task),
			e.Actor, clean(e.ActorName), t.s.or(e.At), clean(string(e.Data)))
	}
	_, err := t.run(ctx, insertEvents, values)
	return err
}

// AuditMark says what became of a stored decision.
type AuditMark struct {
	ID      int64
	Outcome orgflow.AuditOutcome
	Task    *int64 // the task it was matched with, if any
}

// markAudits writes the service's part of decisions, once. It also notes what
// the board left open: the company and the task.
func (t *tx) markAudits(ctx context.Context, p FlowStep) error {
	values := make([]any, 0, 7*len(p.Audits))
	for _, a := range p.Audits {
		values = append(values, string(a.Outcome), p.Rev, p.CompanyID, optionalID(a.Task), a.ID, p.No)
	}
	if _, err := t.run(ctx, t.s.auditMarks(), values); err != nil {
		if t.s.dialect.duplicate(err) {
			return fmt.Errorf("%w: %w", ErrSecondVerdict, err)
		}
		return err
	}
	return nil
}

func (s *Store) auditMarks() *batch {
	const open = ` WHERE flow_audit.id = %s AND flow_no = %s AND applied_at IS NULL`
	const set = `UPDATE flow_audit SET outcome = %s, applied_rev = %s, company_id = %s, task_id = coalesce(flow_audit.task_id, %s), applied_at = `
	return &batch{
		cols: []column{{"outcome", "text"}, {"rev", "bigint"}, {"company", "bigint"}, {"task", "bigint"}, {"id", "bigint"}, {"no", "text"}},
		head: "WITH v (outcome, rev, company, task, id, no) AS (",
		tail: ") " + fmt.Sprintf(set, "v.outcome", "v.rev", "v.company", "v.task") + s.dialect.clock + " FROM v" + fmt.Sprintf(open, "v.id", "v.no"),
		one:  fmt.Sprintf(set, "?", "?", "?", "?") + s.dialect.clock + fmt.Sprintf(open, "?", "?"),
	}
}
