package wcsim

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"orgflow/connectors/simctl"
)

// State is what GET and PUT /_sim/wecom/state carry, sorted by id.
type State struct {
	Departments []Department `json:"departments"`
	Users       []User       `json:"users"`
	// Messages are those of applications, one for each receiver, in the order
	// in which they came, those that were silently dropped too.
	Messages []Message `json:"messages,omitempty"`
	// Jobs are the import jobs whose results are kept; PUT ignores them.
	Jobs []string `json:"jobs,omitempty"`
	// TokensIssued counts tokens, not calls for one; PUT ignores it.
	TokensIssued int `json:"tokens_issued"`
}

// State implements simctl.Simulator.
func (s *Sim) State() any {
	s.mu.RLock()
	defer s.mu.RUnlock()
	d := s.dir
	out := State{Departments: []Department{}, Users: []User{}, Jobs: slices.Clone(d.jobOrder), TokensIssued: s.tokens.Count()}
	for _, id := range slices.Sorted(maps.Keys(d.Depts)) {
		out.Departments = append(out.Departments, *d.Depts[id])
	}
	for _, id := range slices.Sorted(maps.Keys(d.users)) {
		out.Users = append(out.Users, *d.users[id])
	}
	for _, m := range d.mail.list {
		out.Messages = append(out.Messages, *m)
	}
	return out
}

// PutState implements simctl.Simulator: it replaces all departments, members
// and messages. Tokens stay.
func (s *Sim) PutState(raw json.RawMessage) error {
	var in State
	if err := simctl.DecodeStrict(raw, &in); err != nil {
		return err
	}
	next, err := build(in)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.commit(append([]simctl.Change{{Kind: kindReset}}, next.changes()...)...)
}

// build makes a directory of a state, refusing what the enterprise could
// never have come to hold.
func build(in State) (*directory, error) {
	d := newDirectory()
	for i := range in.Departments {
		n := &in.Departments[i]
		if n.ID < 1 || n.ID > maxID || n.ID != rootID && d.Depts[n.ID] != nil {
			return nil, fmt.Errorf("departments[%d]: id %d is not within 1..%d or there twice", i, n.ID, int64(maxID))
		}
		if id, taken := d.Kids[n.ParentID][n.Name]; taken {
			return nil, fmt.Errorf("departments %d and %d have one name and parent", id, n.ID)
		}
		d.putDept(n)
	}
	for id, n := range d.Depts {
		levels := 1
		for up := n; up.ID != rootID; up = d.Depts[up.ParentID] {
			if levels++; levels > maxDepth || d.Depts[up.ParentID] == nil {
				return nil, fmt.Errorf("department %d hangs in the air, below itself or deeper than %d levels", id, maxDepth)
			}
		}
	}
	for i := range in.Users {
		if err := d.addUser(&in.Users[i]); err != nil {
			return nil, fmt.Errorf("users[%d] (%s): %w", i, in.Users[i].UserID, err)
		}
	}
	for i := range in.Messages {
		m := &in.Messages[i]
		if err := m.check(); err != nil {
			return nil, fmt.Errorf("messages[%d]: %w", i, err)
		}
		d.mail.put(m)
	}
	return d, nil
}

func (d *directory) addUser(u *User) error {
	switch {
	case !userIDPattern.MatchString(u.UserID) || d.user(u.UserID) != nil:
		return fmt.Errorf("userid is missing, malformed or there twice")
	case len(u.Department) == 0:
		return fmt.Errorf("department is empty")
	}
	for _, id := range u.Department {
		if d.Depts[id] == nil {
			return fmt.Errorf("department %d is not there", id)
		}
	}
	_, mobile := d.byMobile[bareMobile(u.Mobile)]
	_, email := d.byEmail[u.Email]
	if u.Mobile != "" && mobile || u.Email != "" && email {
		return fmt.Errorf("mobile or email is another member's")
	}
	n := len(u.Department)
	if len(u.Leader) != n {
		u.Leader = make([]int64, n)
	}
	if len(u.Order) != n {
		u.Order = make([]int64, n)
	}
	if u.MainDepartment == 0 {
		u.MainDepartment = u.Department[0]
	}
	if u.Status == 0 {
		u.Status, u.Enable = statusInvited, 1
	}
	if u.DirectLeader == nil {
		u.DirectLeader = []string{}
	}
	d.putUser(u)
	return nil
}
