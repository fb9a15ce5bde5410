package aghsim

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"orgflow/connectors/simctl"
)

// Kinds of journalled changes. A record of a task has the id "task/record".
const (
	kindReset      = "reset"
	kindDept       = "dept"
	kindPerson     = "person"
	kindTask       = "task"
	kindTaskDept   = "task_dept"
	kindTaskPerson = "task_person"
	kindCounters   = "counters"
)

// Department is a department as it is held.
type Department struct {
	ID       string `json:"departmentId"`
	Name     string `json:"departmentName"`
	Status   int    `json:"status"`
	ParentID string `json:"parentId"`
}

// Person is a person as it is held.
type Person struct {
	UserID      string   `json:"userId"`
	Account     string   `json:"account"`
	RealName    string   `json:"realName"`
	Gender      int      `json:"gender"`
	Email       string   `json:"email,omitempty"`
	Mobile      string   `json:"mobile,omitempty"`
	Position    string   `json:"position,omitempty"`
	Status      int      `json:"status"`
	Departments []string `json:"departmentId"`
	Birthday    string   `json:"birthday,omitempty"`
	JoinDate    string   `json:"joinDate,omitempty"`
	OrgSource   int      `json:"orgSource"`
}

// Task is an open push, its records counted.
type Task struct {
	ID          string    `json:"taskId"`
	Ends        time.Time `json:"ends"`
	Departments int       `json:"departments"`
	Persons     int       `json:"persons"`
}

// State is what GET and PUT /_sim/aiguanhuai/state carry, sorted by id.
type State struct {
	Departments []Department `json:"departments"`
	Persons     []Person     `json:"persons"`
	// Tasks are open ones, Completed counts those that were completed; PUT
	// ignores both.
	Tasks     []Task `json:"tasks"`
	Completed int    `json:"completed_pushes"`
}

// task is an open push with its records.
type task struct {
	ID     string    `json:"id"`
	Ends   time.Time `json:"ends"`
	depts  map[string]*Department
	people map[string]*Person
}

// counters survive everything but a reset.
type counters struct {
	Tasks     int `json:"tasks"`
	Completed int `json:"completed"`
}

// held is all there is. Records in it are never modified, only replaced.
type held struct {
	depts    map[string]*Department
	people   map[string]*Person
	accounts map[string]string // account → userId
	tasks    map[string]*task
	counters
}

func newHeld() *held {
	return &held{depts: map[string]*Department{}, people: map[string]*Person{}, accounts: map[string]string{}, tasks: map[string]*task{}}
}

// taskRecord is a record on its way into a task.
type taskRecord struct {
	Task   string      `json:"task"`
	Dept   *Department `json:"dept,omitempty"`
	Person *Person     `json:"person,omitempty"`
}

// apply performs a change in memory; whoever makes changes has checked them.
func (h *held) apply(c simctl.Change) {
	switch v := c.Value.(type) {
	case *Department:
		h.depts[v.ID] = v
	case *Person:
		if old := h.people[v.UserID]; old != nil && h.accounts[old.Account] == v.UserID {
			delete(h.accounts, old.Account)
		}
		h.people[v.UserID], h.accounts[v.Account] = v, v.UserID
	case *task:
		v.depts, v.people = map[string]*Department{}, map[string]*Person{}
		h.tasks[v.ID] = v
	case taskRecord:
		if t := h.tasks[v.Task]; t != nil && v.Dept != nil {
			t.depts[v.Dept.ID] = v.Dept
		} else if t != nil && v.Person != nil {
			t.people[v.Person.UserID] = v.Person
		}
	case counters:
		h.counters = v
	case nil:
		switch c.Kind {
		case kindReset:
			*h = *newHeld()
		case kindTask:
			delete(h.tasks, c.ID)
		}
	}
}

// values are what the journal holds.
var values = simctl.Values{
	kindDept: simctl.As[*Department], kindPerson: simctl.As[*Person], kindTask: simctl.As[*task],
	kindTaskDept: simctl.As[taskRecord], kindTaskPerson: simctl.As[taskRecord], kindCounters: simctl.As[counters],
}

// Replay implements simctl.Simulator.
func (s *Sim) Replay(e simctl.Entry) error { return values.Replay(e, &s.mu, s.held.apply) }

// Dump implements simctl.Simulator.
func (s *Sim) Dump() []simctl.Change {
	s.mu.RLock()
	defer s.mu.RUnlock()
	h := s.held
	out := append([]simctl.Change{{Kind: kindReset}, {Kind: kindCounters, Value: h.counters}}, records(h.depts, h.people)...)
	for _, id := range slices.Sorted(maps.Keys(h.tasks)) {
		t := h.tasks[id]
		out = append(out, simctl.Change{Kind: kindTask, ID: id, Value: t})
		out = append(out, t.records()...)
	}
	return out
}

// records lists the changes that make departments and persons be held.
func records(depts map[string]*Department, people map[string]*Person) []simctl.Change {
	out := make([]simctl.Change, 0, len(depts)+len(people))
	for _, id := range slices.Sorted(maps.Keys(depts)) {
		out = append(out, simctl.Change{Kind: kindDept, ID: id, Value: depts[id]})
	}
	for _, id := range slices.Sorted(maps.Keys(people)) {
		out = append(out, simctl.Change{Kind: kindPerson, ID: id, Value: people[id]})
	}
	return out
}

func (t *task) records() []simctl.Change {
	out := make([]simctl.Change, 0, len(t.depts)+len(t.people))
	for _, d := range t.depts {
		out = append(out, simctl.Change{Kind: kindTaskDept, Value: taskRecord{Task: t.ID, Dept: d}})
	}
	for _, p := range t.people {
		out = append(out, simctl.Change{Kind: kindTaskPerson, Value: taskRecord{Task: t.ID, Person: p}})
	}
	return out
}

// State implements simctl.Simulator.
func (s *Sim) State() any {
	s.mu.RLock()
	defer s.mu.RUnlock()
	h := s.held
	out := State{Departments: []Department{}, Persons: []Person{}, Tasks: []Task{}, Completed: h.Completed}
	for _, id := range slices.Sorted(maps.Keys(h.depts)) {
		out.Departments = append(out.Departments, *h.depts[id])
	}
	for _, id := range slices.Sorted(maps.Keys(h.people)) {
		out.Persons = append(out.Persons, *h.people[id])
	}
	for _, id := range slices.Sorted(maps.Keys(h.tasks)) {
		t := h.tasks[id]
		out.Tasks = append(out.Tasks, Task{ID: t.ID, Ends: t.Ends, Departments: len(t.depts), Persons: len(t.people)})
	}
	return out
}

// PutState implements simctl.Simulator: it replaces all departments and
// persons and forgets open tasks.
func (s *Sim) PutState(raw json.RawMessage) error {
	var in State
	if err := simctl.DecodeStrict(raw, &in); err != nil {
		return err
	}
	depts, people := map[string]*Department{}, map[string]*Person{}
	for i := range in.Departments {
		d := &in.Departments[i]
		if d.ID == "" || d.Name == "" || depts[d.ID] != nil {
			return fmt.Errorf("departments[%d]: departmentId and departmentName are needed, each id once", i)
		}
		depts[d.ID] = d
	}
	for i := range in.Persons {
		p := &in.Persons[i]
		if p.UserID == "" || p.Account == "" || p.RealName == "" || people[p.UserID] != nil {
			return fmt.Errorf("persons[%d]: userId, account and realName are needed, each userId once", i)
		}
		if p.Departments == nil {
			p.Departments = []string{}
		}
		people[p.UserID] = p
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	keep := s.held.counters
	changes := append([]simctl.Change{{Kind: kindReset}, {Kind: kindCounters, Value: keep}}, records(depts, people)...)
	return s.commit(changes...)
}
