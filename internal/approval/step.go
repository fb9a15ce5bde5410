package approval

import (
	"errors"
	"fmt"
	"time"

	"orgflow"
)

// RepeatWindow is how long a repeated call is answered as the first one was
// (approval reference, Settled 1 and 2).
const RepeatWindow = 60 * time.Second

// Step carries out one command on a flow: it neither changes the state it is
// given nor anything else. s is nil where there is no such flow.
//
// The error is a *Refusal when the command cannot be carried out; then the
// flow is as it was, and asking again with nothing changed refuses again.
// Any other error means that w could not look something up: nothing has
// happened, and the same command is to be tried again. A command that finds
// its work done answers without a change.
func Step(def *Definition, s *State, cmd Command, w World) (Outcome, error) {
	m := newMachine(def, s, w)
	if err := m.run(cmd); err != nil {
		return Outcome{}, err
	}
	return m.outcome(), nil
}

// machine works on a copy of a state for the length of one step.
type machine struct {
	def    *Definition
	w      World
	now    time.Time
	before *State
	s      *State // the working copy; nil until a launch makes it
	eff    Effect
	answer Answer
	actor  string // user code of who acts; "" is the service
	audit  int64  // the decision that is worked on, 0 if none
	// hadOpen is who had an open task when the step, or the decision that is
	// worked on, began.
	hadOpen []string
	// changed is set where something is to be stored that no row shows.
	changed bool
	// launching refuses what would otherwise make the flow FAULTED.
	launching bool
	// fresh says that the departments of this very call are being asked for:
	// a vacant post refuses the call instead of making the flow FAULTED.
	fresh bool
	// deptsUsed and firstEntered serve taskDeptManager: whether a node took the
	// departments for its approvers, and the first visit people have.
	deptsUsed    bool
	firstEntered int
	steps        int // of tokens, to notice walks in circles
}

func newMachine(def *Definition, s *State, w World) *machine {
	m := &machine{def: def, w: w, now: w.Now().UTC().Truncate(time.Microsecond), before: s}
	if s != nil {
		m.s = s.clone()
	}
	return m
}

func (m *machine) run(cmd Command) error {
	if launch, ok := cmd.(DoLaunch); ok {
		return m.launch(launch)
	}
	if m.s == nil {
		return refusef(FlowNotFound, "there is no such flow")
	}
	switch c := cmd.(type) {
	case DoAudits:
		return m.audits(c)
	case DoRelaunch:
		return m.relaunch()
	case DoDiscard:
		return m.discard(c)
	case DoUrge:
		return m.urge(c)
	case DoWithdraw:
		return m.withdraw(c)
	case DoRetract:
		return m.retract(c)
	case DoJump:
		return m.jumpByAdmin(c)
	case DoRepair:
		return m.repair(c)
	default:
		return m.happened(cmd)
	}
}

// happened takes in what nobody called for and nobody is answered.
func (m *machine) happened(cmd Command) error {
	switch c := cmd.(type) {
	case Wake:
		return m.wake()
	case AbsenceBegan:
		return m.absenceBegan(c)
	case ChildDone:
		return m.childDone(c)
	case TriggerDone:
		return m.triggerDone(c)
	default:
		return fmt.Errorf("flow %s: unknown command %T", m.s.Number, cmd)
	}
}

// outcome closes the step.
func (m *machine) outcome() Outcome {
	m.s.tidy()
	m.eff.Visits = changedVisits(m.before, m.s)
	m.eff.Tasks = changedTasks(m.before, m.s)
	changed := m.changed || !m.eff.Empty()
	if !changed {
		m.s = m.before.clone()
	} else {
		m.s.Rev++
	}
	m.answer.Number, m.answer.State, m.answer.Round = m.s.Number, m.s.Flow, m.s.Round
	m.answer.Rev, m.answer.CurrentNodes = m.s.Rev, m.s.CurrentNodes()
	m.answer.AfterApproval = m.s.AfterApproval
	m.answer.Audits = m.eff.Audits
	return Outcome{State: m.s, Changed: changed, Effect: m.eff, Answer: m.answer}
}

// moment marks this step, whose revision will be the next one.
func (m *machine) moment() Moment { return Moment{Rev: m.s.Rev + 1, At: m.now} }

// recent tells whether something happened so short a time ago that the same
// call again is the same click.
func (m *machine) recent(at Moment) bool {
	return at.Rev > 0 && m.now.Sub(at.At) < RepeatWindow
}

// undecided tells whether no decision was worked on since something happened.
func (m *machine) undecided(since Moment) bool { return m.s.Decided.Rev <= since.Rev }

// already answers as the first call did.
func (m *machine) already() error {
	m.answer.Already = true
	return nil
}

// log adds a line to the timeline.
func (m *machine) log(e Entry) {
	e.At, e.Round = m.now, m.s.Round
	m.eff.Timeline = append(m.eff.Timeline, e)
}

// running refuses a call that needs a RUNNING flow.
func (m *machine) running() error {
	if m.s.Flow != orgflow.FlowRunning {
		return refuseState(m.s)
	}
	return nil
}

// stuck says that a token cannot go on: the flow becomes FAULTED, or the
// launch is refused.
type stuck struct {
	code    RefusalCode
	message string
}

// Error returns code and message.
func (e *stuck) Error() string { return string(e.code) + ": " + e.message }

func stuckf(code RefusalCode, format string, args ...any) *stuck {
	return &stuck{code: code, message: fmt.Sprintf(format, args...)}
}

// asStuck finds what keeps a token from going on, as against what could not
// be looked up.
func asStuck(err error) (*stuck, bool) {
	var st *stuck
	if errors.As(err, &st) {
		return st, true
	}
	var un *Unmet
	if errors.As(err, &un) {
		return &stuck{code: un.Code, message: un.Message}, true
	}
	var ee *ExpressionError
	if errors.As(err, &ee) {
		return &stuck{code: ConditionFailed, message: ee.Error()}, true
	}
	return nil, false
}
