package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"orgflow"
)

// Numbering gives numbers to flows that come without one: a counter per
// company, code and period that leaves nothing out. Both functions are pure.
type Numbering interface {
	// PeriodKey names the period an instant is in; with each the counter begins
	// again.
	PeriodKey(at time.Time) string
	// Number makes the number of the counter-th flow of a period. Two counters
	// never have the same number.
	Number(at time.Time, counter int64) string
}

// NewFlow is what a flow is launched from.
type NewFlow struct {
	CompanyID int64
	No        string // empty: the next one of Numbering
	// WorkflowID is given to children, whose id is made of their parent's.
	// Empty: the number, with the company before it where Qualify says so or
	// another company has a flow with that id.
	WorkflowID string
	// Qualify says that several companies are configured.
	Qualify        bool
	Numbering      Numbering
	Code           string // of its definition
	Version        int    // of its definition
	DataID         string
	OneOpenPerData bool // one flow per code and form row, for ever
	// Again makes a launch without a number find the flow that the same
	// person launched for the same form row so short a time ago: a double
	// click. One that has gone back to its initiator, was rejected or
	// discarded since is not found.
	Again     time.Duration
	Title     string
	Initiator Initiator
	StateDoc  []byte
}

// LaunchOutcome says what LaunchFlow found.
type LaunchOutcome string

// Outcomes of a launch. All but the first changed nothing and return the
// flow that is in the way.
const (
	LaunchCreated     LaunchOutcome = "created"
	LaunchExisting    LaunchOutcome = "existing"     // the same number, or none given, for the same code and form row
	LaunchNumberTaken LaunchOutcome = "number_taken" // another code or form row has the number
	LaunchDataTaken   LaunchOutcome = "data_taken"   // OneOpenPerData: the form row has a flow with another number
)

const (
	maxSkips  = 50 // numbers of callers that one transaction passes over
	maxRounds = 40 // transactions of one launch
)

// errInTheWay rolls back the counter of a launch that another one has won.
var errInTheWay = errors.New("another flow is in the way")

// LaunchFlow stores a flow, state STARTING, round 1, revision 0, and gives it
// a number if it has none. Counter and flow are written in one transaction,
// the counter as late as possible: its row is locked until the commit, so
// that a rollback leaves no gap. A number that a caller used before its turn
// is passed over. The period is that of the database's clock.
//
// It may be repeated with a number, or with OneOpenPerData: the second call
// answers LaunchExisting. Otherwise it makes another flow.
func (s *Store) LaunchFlow(ctx context.Context, n NewFlow) (Flow, LaunchOutcome, error) {
	what := fmt.Sprintf("launch flow %s of row %s", n.Code, n.DataID)
	if err := errors.Join(required("/flowCode", n.Code, "/dataId", n.DataID, "/state_doc", string(n.StateDoc)),
		check("/flowRunningNumber", n.No, "/userCode", n.Initiator.Code)); err != nil {
		return Flow{}, "", fmt.Errorf("launch flow: %w", err)
	}
	if n.No == "" && n.Numbering == nil {
		return Flow{}, "", fmt.Errorf("%s: neither a number nor a way to make one", what)
	}
	for range maxRounds {
		l := launch{NewFlow: n}
		err := s.inTx(ctx, what, func(t *tx) error { return l.run(ctx, t) })
		if err != nil && !errors.Is(err, errInTheWay) {
			return Flow{}, "", err
		}
		if l.outcome != "" {
			return l.flow, l.outcome, nil
		}
	}
	return Flow{}, "", fmt.Errorf("%s: no number is free; check the pattern of its serial", what)
}

type launch struct {
	NewFlow
	flow    Flow
	outcome LaunchOutcome // empty: only numbers that are taken were passed over
}

func (l *launch) run(ctx context.Context, t *tx) error {
	l.outcome = ""
	if found, err := l.inTheWay(ctx, t, l.No); err != nil || found {
		return err
	}
	now, err := t.time(ctx)
	if err != nil {
		return err
	}
	if found, err := l.clickedTwice(ctx, t, now); err != nil || found {
		return err
	}
	if l.No != "" {
		created, err := l.insert(ctx, t, l.No, now)
		if err != nil || created {
			return err
		}
		// A launch at the same moment was faster.
		if found, err := l.inTheWay(ctx, t, l.No); err != nil || found {
			return err
		}
		return fmt.Errorf("flow %s was refused, but nothing is in its way", l.No)
	}
	return l.numbered(ctx, t, now)
}

// clickedTwice looks for the flow of the first click. Launches of one form row
// take turns for it.
func (l *launch) clickedTwice(ctx context.Context, t *tx, now stamp) (bool, error) {
	if l.No != "" || l.Again <= 0 {
		return false, nil
	}
	if err := t.turn(ctx, fmt.Sprintf("flow_launch %d %s %s", l.CompanyID, l.Code, l.DataID)); err != nil {
		return false, err
	}
	var row flowRow
	err := t.get(ctx, &row, `SELECT `+flowColumns+` FROM flow_instance WHERE company_id = ? AND data_id = ? AND code = ? AND initiator = ?
		AND round = 1 AND started_at > ? AND state IN ('STARTING', 'RUNNING', 'APPROVED', 'FAULTED') ORDER BY started_at DESC, no LIMIT 1`,
		l.CompanyID, l.DataID, l.Code, l.Initiator.Code, at(now.Add(-l.Again)))
	if noRows(err) {
		return false, nil
	}
	l.flow, l.outcome = row.flow(), LaunchExisting
	return err == nil, err
}

// numbered gives the flow the next number that is free.
func (l *launch) numbered(ctx context.Context, t *tx, now stamp) error {
	period := l.Numbering.PeriodKey(now.Time)
	for range maxSkips {
		var seq int64
		err := t.get(ctx, &seq, `
			INSERT INTO flow_serial (company_id, code, period, last) VALUES (?, ?, ?, 1)
			ON CONFLICT (company_id, code, period) DO UPDATE SET last = flow_serial.last + 1 RETURNING last`,
			l.CompanyID, l.Code, period)
		if err != nil {
			return err
		}
		no := l.Numbering.Number(now.Time, seq)
		if err := required("/flowRunningNumber", no); err != nil {
			return err
		}
		created, err := l.insert(ctx, t, no, now)
		if err != nil || created {
			return err
		}
		if found, err := l.inTheWay(ctx, t, ""); err != nil {
			return err
		} else if found {
			return errInTheWay
		}
	}
	return nil // the numbers passed over are taken: the counter may stay behind them
}

// maxIDs bounds the workflow ids that are tried for one flow.
const maxIDs = 5

// insert stores the flow unless its number or its form row is taken. It waits
// for a launch that is about to take one of them. A workflow id that a flow
// of another company has is passed over.
func (l *launch) insert(ctx context.Context, t *tx, no string, now stamp) (bool, error) {
	id := l.WorkflowID
	if id == "" {
		id = orgflow.FlowWorkflowID(l.CompanyID, no, l.Qualify)
	}
	for range maxIDs {
		created, err := l.insertAs(ctx, t, no, id, now)
		if err != nil || created {
			return created, err
		}
		var others int
		err = t.get(ctx, &others, `SELECT count(*) FROM flow_instance WHERE workflow_id = ? AND (company_id <> ? OR no <> ?)`, id, l.CompanyID, no)
		if err != nil || others == 0 {
			return false, err
		}
		id = orgflow.FlowWorkflowID(l.CompanyID, id, true)
	}
	return false, fmt.Errorf("no workflow id is free for flow %s of company %d; give another number", no, l.CompanyID)
}

func (l *launch) insertAs(ctx context.Context, t *tx, no, workflowID string, now stamp) (bool, error) {
	var uniq any
	if l.OneOpenPerData {
		uniq = l.DataID
	}
	var row flowRow
	err := t.get(ctx, &row, `
		INSERT INTO flow_instance (company_id, no, workflow_id, code, version, data_id, uniq_key, title,
			initiator, initiator_name, initiator_dept, state, state_doc, started_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'STARTING', ?, ?)
		ON CONFLICT DO NOTHING RETURNING `+flowColumns,
		l.CompanyID, no, workflowID, l.Code, l.Version, l.DataID, uniq, clean(l.Title),
		l.Initiator.Code, clean(l.Initiator.Name), clean(l.Initiator.Dept), string(l.StateDoc), now)
	if noRows(err) {
		return false, nil
	}
	l.flow, l.outcome = row.flow(), LaunchCreated
	return err == nil, err
}

// inTheWay looks for the flow that has the number, if one is given, or the
// form row, if only one flow may have it.
func (l *launch) inTheWay(ctx context.Context, t *tx, no string) (bool, error) {
	var row flowRow
	if no != "" {
		err := t.get(ctx, &row, `SELECT `+flowColumns+` FROM flow_instance WHERE company_id = ? AND no = ?`, l.CompanyID, no)
		if err == nil {
			l.flow, l.outcome = row.flow(), LaunchNumberTaken
			if row.Code == l.Code && row.DataID == l.DataID {
				l.outcome = LaunchExisting
			}
			return true, nil
		}
		if !noRows(err) {
			return false, err
		}
	}
	if !l.OneOpenPerData {
		return false, nil
	}
	err := t.get(ctx, &row, `SELECT `+flowColumns+` FROM flow_instance WHERE company_id = ? AND code = ? AND uniq_key = ?`,
		l.CompanyID, l.Code, l.DataID)
	if noRows(err) {
		return false, nil
	}
	l.flow, l.outcome = row.flow(), LaunchDataTaken
	if no == "" {
		l.outcome = LaunchExisting
	}
	return err == nil, err
}
