package dtsim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"orgflow/connectors/simctl"
)

// State is what GET and PUT /_sim/dingtalk/state carry, sorted by id.
type State struct {
	Departments []Department `json:"departments"`
	Users       []StateUser  `json:"users"`
	Invites     []Invite     `json:"pending_invites"`
	// Leavers left on the day they joined (§ 5.3).
	Leavers []Leaver `json:"leavers,omitempty"`
	// Messages are work notifications, one for each receiver, in the order in
	// which they came, those that were silently dropped too.
	Messages []Message `json:"messages,omitempty"`
	// Attendance are results of punches, of anybody (§ 6.1).
	Attendance []Punch `json:"attendance,omitempty"`
	// TokensIssued counts tokens, not calls for one; PUT ignores it.
	TokensIssued int `json:"tokens_issued"`
}

// StateUser is a user with the departments they lead, as user/get shows them.
type StateUser struct {
	User
	Leader []leaderIn `json:"leader_in_dept"`
}

// State implements simctl.Simulator.
func (s *Sim) State() any {
	s.mu.RLock()
	defer s.mu.RUnlock()
	d := s.dir
	out := State{Departments: []Department{}, Users: []StateUser{}, Invites: []Invite{}, TokensIssued: s.tokens.Count()}
	for _, id := range slices.Sorted(maps.Keys(d.Depts)) {
		out.Departments = append(out.Departments, *d.Depts[id])
	}
	for _, id := range slices.Sorted(maps.Keys(d.users)) {
		u := d.users[id].User
		u.Manager = d.managerOf(&u)
		out.Users = append(out.Users, StateUser{u, d.leads(&u)})
	}
	for _, m := range slices.Sorted(maps.Keys(d.invites)) {
		out.Invites = append(out.Invites, *d.invites[m])
	}
	slices.SortStableFunc(out.Invites, func(x, y Invite) int { return cmp.Compare(x.UserID, y.UserID) })
	for _, m := range slices.Sorted(maps.Keys(d.leavers)) {
		out.Leavers = append(out.Leavers, d.leavers[m])
	}
	for _, m := range d.mail.list {
		out.Messages = append(out.Messages, *m)
	}
	for _, p := range d.sortedPunches() {
		out.Attendance = append(out.Attendance, *p)
	}
	return out
}

// PutState implements simctl.Simulator: it replaces all departments, users,
// invitations, messages and results of attendance. Tokens stay.
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
	next.lastDept, next.lastUser = max(next.lastDept, s.dir.lastDept), max(next.lastUser, s.dir.lastUser)
	return s.commit(append([]simctl.Change{{Kind: kindReset}}, next.changes()...)...)
}

// build makes a directory of a state, refusing what the organisation could
// never have come to hold.
func build(in State) (*directory, error) {
	d := newDirectory()
	byID, err := completed(in.Departments)
	if err != nil {
		return nil, err
	}
	for i := range in.Departments {
		if err := d.addDept(byID, &in.Departments[i], 0); err != nil {
			return nil, fmt.Errorf("departments[%d]: %w", i, err)
		}
	}
	for i := range in.Users {
		if err := d.addUser(&in.Users[i]); err != nil {
			return nil, fmt.Errorf("users[%d] (%s): %w", i, in.Users[i].UserID, err)
		}
	}
	for _, n := range d.Depts {
		for _, m := range n.Managers {
			if d.members[n.ID][m] == nil {
				return nil, fmt.Errorf("department %d: manager %s is not one of its members", n.ID, m)
			}
		}
	}
	for i := range in.Invites {
		v := &in.Invites[i]
		if v.UserID == "" || v.Mobile == "" {
			return nil, fmt.Errorf("pending_invites[%d]: userid and mobile are needed", i)
		}
		d.invites[v.Mobile] = v
	}
	for _, l := range in.Leavers {
		d.leavers[l.Mobile] = l
	}
	for i := range in.Messages {
		m := &in.Messages[i]
		if err := m.check(); err != nil {
			return nil, fmt.Errorf("messages[%d]: %w", i, err)
		}
		d.mail.put(m)
	}
	return d, d.addPunches(in.Attendance)
}

// completed fills in the defaults of the departments, in place, and returns
// them by id.
func completed(depts []Department) (map[int64]*Department, error) {
	byID := make(map[int64]*Department, len(depts))
	for i := range depts {
		n := &depts[i]
		if n.ID < 1 || byID[n.ID] != nil {
			return nil, fmt.Errorf("departments[%d]: dept_id %d is below 1 or there twice", i, n.ID)
		}
		if n.Managers == nil {
			n.Managers = []string{}
		}
		if n.Order == 0 {
			n.Order = n.ID
		}
		byID[n.ID] = n
	}
	return byID, nil
}

// addDept adds a department after those above it.
func (d *directory) addDept(byID map[int64]*Department, n *Department, level int) error {
	if d.Depts[n.ID] == n {
		return nil
	}
	if n.ID != rootID {
		up := byID[n.ParentID]
		switch {
		case level > maxDepth:
			return fmt.Errorf("dept_id %d is below itself or deeper than %d levels", n.ID, maxDepth)
		case n.ParentID == rootID && up == nil:
		case up == nil:
			return fmt.Errorf("parent_id %d of department %d is not there", n.ParentID, n.ID)
		default:
			if err := d.addDept(byID, up, level+1); err != nil {
				return err
			}
		}
		if id, taken := d.Kids[n.ParentID][n.Name]; taken && id != n.ID {
			return fmt.Errorf("departments %d and %d have one name and parent", id, n.ID)
		}
	}
	d.putDept(n)
	return nil
}

func (d *directory) addUser(u *StateUser) error {
	r := &record{User: u.User, Entered: d.seq + 1, Modified: d.seq + 1}
	if r.UserID == "" || d.users[r.UserID] != nil {
		return fmt.Errorf("userid is missing or there twice")
	}
	if len(r.DeptIDs) == 0 {
		return fmt.Errorf("dept_id_list is empty")
	}
	for _, id := range r.DeptIDs {
		if d.Depts[id] == nil {
			return fmt.Errorf("department %d is not there", id)
		}
	}
	if !mobilePattern.MatchString(r.Mobile) {
		return fmt.Errorf("mobile is not 11 digits or +xx-xxxxxx")
	}
	r.Mobile = normalMobile(r.Mobile)
	_, mobile := d.byMobile[r.Mobile]
	_, email := d.byEmail[strings.ToLower(r.Email)]
	_, phone := d.byPhone[r.Telephone]
	if mobile || email || phone {
		return fmt.Errorf("mobile, email or telephone is another user's")
	}
	if r.UnionID == "" {
		r.UnionID = unionID(r.Mobile)
	}
	if r.StateCode == "" {
		r.StateCode = stateCode(r.Mobile)
	}
	d.putUser(r)
	for _, l := range u.Leader {
		n := d.Depts[l.DeptID]
		if l.Leader && n != nil && !slices.Contains(n.Managers, r.UserID) {
			n.Managers = append(n.Managers, r.UserID) // n is not shared yet
		}
	}
	return nil
}

// changes lists what builds the directory from the root department alone:
// departments by id, users in the order they came.
func (d *directory) changes() []simctl.Change {
	out := []simctl.Change{{Kind: kindCounters, Value: counters{Dept: d.lastDept, User: d.lastUser}}}
	for _, id := range slices.Sorted(maps.Keys(d.Depts)) {
		out = append(out, deptChange(d.Depts[id]))
	}
	users := slices.Collect(maps.Values(d.users))
	slices.SortFunc(users, func(x, y *record) int { return cmp.Compare(x.Entered, y.Entered) })
	for _, u := range users {
		out = append(out, userChange(u))
	}
	for m, i := range d.invites {
		out = append(out, simctl.Change{Kind: kindInvite, ID: m, Value: i})
	}
	for m, l := range d.leavers {
		out = append(out, simctl.Change{Kind: kindLeaver, ID: m, Value: l})
	}
	for _, m := range d.mail.list {
		out = append(out, m.change())
	}
	for _, p := range d.sortedPunches() {
		out = append(out, simctl.Change{Kind: kindPunch, ID: strconv.FormatInt(p.ID, 10), Value: p})
	}
	return out
}

// Dump implements simctl.Simulator.
func (s *Sim) Dump() []simctl.Change {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := append([]simctl.Change{{Kind: kindReset}}, s.dir.changes()...)
	return append(out, s.tokens.Dump()...)
}
