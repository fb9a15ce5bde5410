package approval

import (
	"fmt"
	"slices"

	"orgflow"
)

// askedManagers returns the managers of the departments a call named, for a
// node that lists taskDeptManagers. A vacant post is filled as the node says.
func (m *machine) askedManagers(t *Token) ([]string, error) {
	n, err := m.node(t.Node)
	if err != nil {
		return nil, err
	}
	return m.managersOf(t.Depts, m.def.MissingOf(n))
}

func (m *machine) managersOf(depts []string, missing Missing) ([]string, error) {
	var all []string
	for _, dept := range depts {
		users, err := m.w.DeptManagers(dept, 1, false)
		if err != nil {
			return nil, fmt.Errorf("managers of department %s: %w", dept, err)
		}
		if users, err = m.present(users); err != nil {
			return nil, err
		}
		if len(users) == 0 {
			if users, err = m.vacancy(dept, missing); err != nil {
				return nil, err
			}
		}
		all = append(all, users...)
	}
	return unique(all), nil
}

// vacancy returns who stands in for a manager there is not.
func (m *machine) vacancy(dept string, missing Missing) ([]string, error) {
	switch missing.Do {
	case MissingPass, MissingReject:
		return nil, nil
	case MissingToUsers, MissingToAdmin:
		users, err := m.standby(missing)
		if err != nil || len(users) > 0 {
			return users, err
		}
	default:
	}
	return nil, stuckf(DeptManagerMissing, "department %s has no manager", dept)
}

// settleDepts ends a step's search for a node that takes the managers of named
// departments for its approvers. If none did, each manager gets a task that
// nothing waits for (approval reference B.4).
func (m *machine) settleDepts() error {
	var depts []string
	waiting := false
	for i := range m.s.Tokens {
		t := &m.s.Tokens[i]
		if len(t.Depts) == 0 {
			continue
		}
		if t.Stage == StageEnter || t.Stage == StageLeave {
			waiting = true // FAULTED; the repair goes on with them
			continue
		}
		if n, ok := m.def.Node(t.Node); ok && t.Stage == StageAt && lists(n, RuleTaskDeptManagers) {
			continue // a direct resume asks the same managers again
		}
		depts = append(depts, t.Depts...)
		t.Depts = nil
	}
	if m.deptsUsed || waiting || len(depts) == 0 || m.s.Flow != orgflow.FlowRunning {
		return nil
	}
	return m.sideTasks(unique(depts))
}

// sideTasks gives the managers of departments tasks beside the newly entered
// node.
func (m *machine) sideTasks(depts []string) error {
	visit := m.firstEntered
	if visit == 0 {
		visit = m.s.LastVisit
	}
	v := m.s.visit(visit)
	n, err := m.node(v.Node)
	if err != nil {
		return err
	}
	users, err := m.managersOf(depts, m.def.MissingOf(n))
	if err != nil {
		st, ok := asStuck(err)
		if !ok {
			return err
		}
		if m.fresh {
			return refusef(st.code, "%s", st.message)
		}
		m.log(Entry{Type: EntryNoManager, Node: seqOf(n.Seq), Visit: visit, Data: EntryData{Depts: depts, Code: string(st.code), Message: st.message}})
		return nil
	}
	for _, u := range users {
		t := m.addTask(m.s.visit(visit), TaskSide, u)
		if err := m.openTask(t); err != nil {
			return err
		}
	}
	return nil
}

// resolveDepts checks all departments of a call before anything is changed.
func (m *machine) resolveDepts(names []string) ([]string, error) {
	codes, err := m.deptCodes(names)
	if un, ok := asStuck(err); err != nil && ok {
		return nil, refusef(un.code, "%s", un.message)
	}
	if err != nil {
		return nil, fmt.Errorf("departments %q: %w", names, err)
	}
	return slices.Clip(codes), nil
}
