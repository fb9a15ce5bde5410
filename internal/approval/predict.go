package approval

import (
	"errors"
	"fmt"

	"orgflow"
)

// Predicted is a node that people will have, if everybody before approves and
// nothing changes meanwhile.
type Predicted struct {
	Node  int         `json:"node_seq"`
	Name  string      `json:"name"`
	Users []string    `json:"users"` // user codes, in the order of their seats
	Sign  SignMode    `json:"sign,omitempty"`
	Skip  Cause       `json:"skip,omitempty"`  // nobody will have to act: why
	Fault RefusalCode `json:"fault,omitempty"` // the flow would get stuck here: why
	// Next marks the nodes that follow directly on the current ones.
	Next bool `json:"next"`
}

// Predict tells who comes next, by a dry run of what Step does. Without a
// state it tells who would approve if the initiator launched the flow now.
// Subflows, triggers and delays count as passed. A node that a loop of the
// definition leads to again is listed once.
func Predict(def *Definition, s *State, initiator string, w World) ([]Predicted, error) {
	m := newMachine(def, s, w)
	if m.s == nil {
		if err := m.launch(DoLaunch{Initiator: initiator, Accepted: true}); err != nil {
			return nil, err
		}
		return m.walk(nil, map[int]bool{}, 0)
	}
	if m.s.Flow != orgflow.FlowRunning {
		return nil, nil
	}
	seen := map[int]bool{}
	for i := range m.s.Visits {
		if m.s.Visits[i].State == orgflow.VisitActive {
			seen[m.s.Visits[i].Node] = true
		}
	}
	last := m.s.LastVisit
	if err := m.passAll(); err != nil {
		return nil, err
	}
	return m.walk(nil, seen, last)
}

// walk lists the visits after one, lets the flow go on, and so forth to its
// end.
func (m *machine) walk(list []Predicted, seen map[int]bool, after int) ([]Predicted, error) {
	first := true
	for {
		fresh := false
		for i := range m.s.Visits {
			v := &m.s.Visits[i]
			if v.ID <= after || seen[v.Node] || v.Type != NodeApprove && v.Type != NodeHandle {
				continue
			}
			seen[v.Node], fresh = true, true
			p := m.predicted(v)
			p.Next = first
			list = append(list, p)
		}
		first = first && !fresh
		if f := m.s.Fault; f != nil && m.s.Flow == orgflow.FlowFaulted {
			n, _ := m.def.Node(f.Node)
			name := ""
			if n != nil {
				name = n.Name
			}
			return append(list, Predicted{Node: f.Node, Name: name, Users: []string{}, Fault: f.Code, Next: first}), nil
		}
		after = m.s.LastVisit
		if m.s.Flow != orgflow.FlowRunning {
			return list, nil
		}
		if err := m.passAll(); err != nil {
			return nil, err
		}
		if !fresh && !m.moved(after, seen) {
			return list, nil
		}
	}
}

// moved tells whether the last pass led to nodes with people that are not
// listed yet, or to any other node, so that a loop ends.
func (m *machine) moved(after int, seen map[int]bool) bool {
	for i := range m.s.Visits {
		if v := &m.s.Visits[i]; v.ID > after && !seen[v.Node] {
			if v.Type != NodeApprove && v.Type != NodeHandle {
				seen[v.Node] = true
			}
			return true
		}
	}
	return false
}

func (m *machine) predicted(v *Visit) Predicted {
	p := Predicted{Node: v.Node, Users: []string{}}
	if n, ok := m.def.Node(v.Node); ok {
		p.Name, p.Sign = n.Name, n.Sign.Mode
	}
	if v.State == orgflow.VisitSkipped || v.State == orgflow.VisitRejected {
		p.Skip = v.Cause
	}
	for _, id := range m.s.tasksOf(v.ID) {
		p.Users = append(p.Users, m.s.task(id).User)
	}
	return p
}

// passAll lets every current visit pass as if everybody had approved.
func (m *machine) passAll() error {
	m.steps = 0
	var active []int
	for i := range m.s.Visits {
		if m.s.Visits[i].State == orgflow.VisitActive {
			active = append(active, m.s.Visits[i].ID)
		}
	}
	for _, id := range active {
		v := m.s.visit(id)
		if v == nil || v.State != orgflow.VisitActive {
			continue
		}
		for _, task := range m.s.tasksOf(id) {
			if t := m.s.task(task); t.Kind != TaskSide && t.Open() {
				m.closeTask(t, orgflow.TaskApproved, "")
			}
		}
		if err := m.goOn(m.passVisit(id, orgflow.VisitPassed, "")); err != nil {
			var refusal *Refusal
			if errors.As(err, &refusal) {
				return refusal
			}
			return fmt.Errorf("who comes after visit %d: %w", id, err)
		}
		if m.s.Flow != orgflow.FlowRunning {
			return nil
		}
	}
	return nil
}
