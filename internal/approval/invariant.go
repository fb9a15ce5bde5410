package approval

import (
	"fmt"
	"slices"

	"orgflow"
)

// Check tells what is wrong with a state that no step can have produced. It
// is what every step keeps true:
//
//   - tokens, forks, visits and tasks have dense ids and refer to each other;
//   - every ACTIVE visit has exactly one token, and a token that waits for a
//     visit waits for an ACTIVE one;
//   - a flow that is not RUNNING or FAULTED has nothing open;
//   - a RUNNING flow has something that can move it: an ACTIVE task, a timer,
//     a child or a trigger.
func (s *State) Check() error {
	for _, check := range []func() error{s.checkHead, s.checkTokens, s.checkVisits, s.checkTasks, s.checkRest, s.checkMovers} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (s *State) checkHead() error {
	switch s.Flow {
	case orgflow.FlowRunning, orgflow.FlowReturned, orgflow.FlowApproved, orgflow.FlowRejected, orgflow.FlowDiscarded, orgflow.FlowFaulted:
	default:
		return fmt.Errorf("unknown state %q", s.Flow)
	}
	switch {
	case s.Schema != StateV1:
		return fmt.Errorf("schema %d is not %d", s.Schema, StateV1)
	case s.Round < 1 || s.Rev < 1:
		return fmt.Errorf("round %d, revision %d: both begin at 1", s.Round, s.Rev)
	case (s.Flow == orgflow.FlowFaulted) != (s.Fault != nil):
		return fmt.Errorf("a %s flow and its fault do not match", s.Flow)
	case s.Back != nil && s.Flow != orgflow.FlowReturned:
		return fmt.Errorf("a %s flow has nothing to resume", s.Flow)
	}
	return nil
}

func (s *State) checkTokens() error {
	last := 0
	for _, t := range s.Tokens {
		if t.ID <= last || t.ID > s.LastToken {
			return fmt.Errorf("token %d is out of order", t.ID)
		}
		last = t.ID
		if err := s.checkToken(t); err != nil {
			return fmt.Errorf("token %d: %w", t.ID, err)
		}
	}
	last = 0
	for _, f := range s.Forks {
		if f.ID <= last || f.ID > s.LastFork {
			return fmt.Errorf("fork %d is out of order", f.ID)
		}
		last = f.ID
		if !slices.ContainsFunc(s.Tokens, func(t Token) bool { return t.inside(f.ID) }) {
			return fmt.Errorf("fork %d has no token", f.ID)
		}
	}
	return nil
}

func (s *State) checkToken(t Token) error {
	for _, b := range t.Path {
		if !slices.ContainsFunc(s.Forks, func(f Fork) bool { return f.ID == b.Fork }) {
			return fmt.Errorf("fork %d does not exist", b.Fork)
		}
	}
	v := s.visit(t.Visit)
	switch t.Stage {
	case StageAt:
		if v == nil || v.State != orgflow.VisitActive || v.Node != t.Node {
			return fmt.Errorf("waits for visit %d, which is no active one of node %d", t.Visit, t.Node)
		}
	case StageJoin:
		if len(t.Path) == 0 {
			return fmt.Errorf("waits at join %d outside of a fork", t.Node)
		}
	case StageEnter, StageLeave:
		if s.Flow != orgflow.FlowFaulted {
			return fmt.Errorf("has not come to rest in a %s flow", s.Flow)
		}
	default:
		return fmt.Errorf("unknown stage %q", t.Stage)
	}
	return nil
}

func (s *State) checkVisits() error {
	last := 0
	for _, v := range s.Visits {
		if v.ID <= last || v.ID > s.LastVisit || last > 0 && v.ID != last+1 {
			return fmt.Errorf("visit %d is out of order", v.ID)
		}
		last = v.ID
		if v.Round != s.Round {
			return fmt.Errorf("visit %d is of round %d", v.ID, v.Round)
		}
		waiting := 0
		for _, t := range s.Tokens {
			if t.Stage == StageAt && t.Visit == v.ID {
				waiting++
			}
		}
		if active := v.State == orgflow.VisitActive; active != (waiting == 1) || waiting > 1 {
			return fmt.Errorf("visit %d is %s and has %d tokens", v.ID, v.State, waiting)
		}
		if v.State != orgflow.VisitActive && len(v.Timers) > 0 {
			return fmt.Errorf("visit %d is %s and has timers", v.ID, v.State)
		}
		if !knownVisit(v.State) {
			return fmt.Errorf("visit %d: unknown state %q", v.ID, v.State)
		}
	}
	if last != s.LastVisit {
		return fmt.Errorf("the last visit is %d, not %d", last, s.LastVisit)
	}
	return nil
}

func knownVisit(st orgflow.VisitState) bool {
	return slices.Contains([]orgflow.VisitState{orgflow.VisitActive, orgflow.VisitPassed, orgflow.VisitRejected,
		orgflow.VisitReturned, orgflow.VisitSkipped, orgflow.VisitTimedOut, orgflow.VisitCancelled}, st)
}

func (s *State) checkTasks() error {
	last := 0
	for i := range s.Tasks {
		t := &s.Tasks[i]
		if t.ID <= last || t.ID > s.LastTask || last > 0 && t.ID != last+1 {
			return fmt.Errorf("task %d is out of order", t.ID)
		}
		last = t.ID
		if err := s.checkTask(t); err != nil {
			return fmt.Errorf("task %d: %w", t.ID, err)
		}
	}
	if len(s.Tasks) > 0 && last != s.LastTask {
		return fmt.Errorf("the last task is %d, not %d", last, s.LastTask)
	}
	return nil
}

func (s *State) checkTask(t *Task) error {
	v := s.visit(t.Visit)
	switch {
	case v == nil || v.Node != t.Node || t.Round != s.Round:
		return fmt.Errorf("there is no visit %d of node %d in round %d", t.Visit, t.Node, t.Round)
	case t.Kind == TaskSide != (t.Seat == 0) || t.Seat < 0 || t.Seat > len(v.Seats):
		return fmt.Errorf("there is no seat %d", t.Seat)
	case t.Open() && t.Kind != TaskSide && v.State != orgflow.VisitActive:
		return fmt.Errorf("it is %s in a %s visit", t.State, v.State)
	case t.Parent >= t.ID:
		return fmt.Errorf("it was made of a later one, %d", t.Parent)
	case !knownTask(t.State):
		return fmt.Errorf("unknown state %q", t.State)
	}
	return nil
}

func knownTask(st orgflow.TaskState) bool {
	return slices.Contains([]orgflow.TaskState{orgflow.TaskWaiting, orgflow.TaskActive, orgflow.TaskApproved,
		orgflow.TaskRejected, orgflow.TaskReturned, orgflow.TaskTransferred, orgflow.TaskDelegated,
		orgflow.TaskDoneByOthers, orgflow.TaskTimedOut, orgflow.TaskCancelled}, st)
}

// checkRest looks for what may not be open any more.
func (s *State) checkRest() error {
	if s.Flow == orgflow.FlowRunning || s.Flow == orgflow.FlowFaulted {
		return nil
	}
	if len(s.Tokens) > 0 {
		return fmt.Errorf("a %s flow has tokens", s.Flow)
	}
	for i := range s.Tasks {
		if s.Tasks[i].Open() {
			return fmt.Errorf("task %d is %s in a %s flow", s.Tasks[i].ID, s.Tasks[i].State, s.Flow)
		}
	}
	return nil
}

// checkMovers looks for visits that nothing can end.
func (s *State) checkMovers() error {
	if s.Flow == orgflow.FlowRunning && !slices.ContainsFunc(s.Tokens, func(t Token) bool { return t.Stage == StageAt }) {
		return fmt.Errorf("nothing can move the flow")
	}
	for i := range s.Visits {
		if v := &s.Visits[i]; v.State == orgflow.VisitActive && !s.movable(v) {
			return fmt.Errorf("nothing can end visit %d of node %d (%s)", v.ID, v.Node, v.Type)
		}
	}
	return nil
}

func (s *State) movable(v *Visit) bool {
	switch v.Type {
	case NodeSubflow, NodeTrigger:
		return true
	case NodeDelay:
		return len(v.Timers) == 1
	default:
		return slices.ContainsFunc(s.Tasks, func(t Task) bool {
			return t.Visit == v.ID && t.State == orgflow.TaskActive && t.Kind != TaskSide
		})
	}
}
