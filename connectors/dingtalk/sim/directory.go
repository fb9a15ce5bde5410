package dtsim

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"orgflow/connectors/simctl"
)

// Kinds of journalled changes.
const (
	kindReset    = "reset" // back to the root department alone
	kindDept     = "dept"
	kindUser     = "user"
	kindInvite   = "invite"
	kindLeaver   = "leaver"
	kindCounters = "counters"
	kindToken    = "token"
	kindNoTokens = "no_tokens"
)

const (
	rootID     = int64(1)
	schoolID   = int64(-7) // 家校通讯录, never usable here (§ 5.4)
	firstDept  = int64(561_000_000)
	maxDepth   = 20    // levels, the root included (§ 5.4)
	maxSubs    = 1_000 // direct sub-departments (§ 5.4)
	maxMembers = 1_000 // direct members (§ 5.4, 40023)
)

// directory is the organisation with its indexes. Departments and users in
// it are never modified, only replaced: a reader may keep them after the
// lock is gone.
type directory struct {
	depts    map[int64]*Department
	children map[int64]map[string]int64 // parent → name → id
	users    map[string]*record
	members  map[int64]map[string]*record
	byMobile map[string]string
	byEmail  map[string]string // lower case
	byPhone  map[string]string
	byUnion  map[string]string
	invites  map[string]*Invite // by mobile
	leavers  map[string]Leaver  // by mobile
	active   int
	lastDept int64
	lastUser int64
	seq      int64 // of entries and modifications
}

// record is a user with the order in which people came and were changed.
type record struct {
	User
	Entered  int64 `json:"entered"`
	Modified int64 `json:"modified"`
}

// Leaver remembers who left on the day of joining (§ 5.3).
type Leaver struct {
	Mobile string    `json:"mobile"`
	Left   time.Time `json:"left"`
}

// counters are the highest ids given out: an id is never used again, even
// after its bearer is gone.
type counters struct {
	Dept int64 `json:"dept"`
	User int64 `json:"user"`
}

func newDirectory() *directory {
	d := &directory{
		depts: map[int64]*Department{}, children: map[int64]map[string]int64{}, users: map[string]*record{},
		members: map[int64]map[string]*record{}, byMobile: map[string]string{}, byEmail: map[string]string{},
		byPhone: map[string]string{}, byUnion: map[string]string{}, invites: map[string]*Invite{},
		leavers: map[string]Leaver{}, lastDept: firstDept,
	}
	d.putDept(&Department{ID: rootID, Name: "模拟企业", Order: 1, Managers: []string{}})
	return d
}

func (d *directory) putDept(n *Department) {
	if old := d.depts[n.ID]; old != nil {
		d.unlink(old)
	}
	d.depts[n.ID] = n
	if n.ID != rootID {
		if d.children[n.ParentID] == nil {
			d.children[n.ParentID] = map[string]int64{}
		}
		d.children[n.ParentID][n.Name] = n.ID
	}
	d.lastDept = max(d.lastDept, n.ID)
}

func (d *directory) unlink(n *Department) {
	if kids := d.children[n.ParentID]; kids[n.Name] == n.ID {
		delete(kids, n.Name)
	}
}

func (d *directory) dropDept(id int64) {
	if old := d.depts[id]; old != nil {
		d.unlink(old)
		delete(d.depts, id)
		delete(d.children, id)
		delete(d.members, id)
	}
}

func (d *directory) putUser(u *record) {
	d.dropUser(u.UserID)
	d.users[u.UserID] = u
	d.byMobile[u.Mobile] = u.UserID
	d.byUnion[u.UnionID] = u.UserID
	if u.Email != "" {
		d.byEmail[strings.ToLower(u.Email)] = u.UserID
	}
	if u.Telephone != "" {
		d.byPhone[u.Telephone] = u.UserID
	}
	for _, id := range u.DeptIDs {
		if d.members[id] == nil {
			d.members[id] = map[string]*record{}
		}
		d.members[id][u.UserID] = u
	}
	if u.Active {
		d.active++
	}
	if n, err := strconv.ParseInt(u.UserID, 10, 64); err == nil && len(u.UserID) >= 18 {
		d.lastUser = max(d.lastUser, n)
	}
	d.seq = max(d.seq, u.Entered, u.Modified)
}

func (d *directory) dropUser(id string) {
	u := d.users[id]
	if u == nil {
		return
	}
	delete(d.users, id)
	delete(d.byMobile, u.Mobile)
	delete(d.byUnion, u.UnionID)
	if u.Email != "" {
		delete(d.byEmail, strings.ToLower(u.Email))
	}
	if u.Telephone != "" {
		delete(d.byPhone, u.Telephone)
	}
	for _, dept := range u.DeptIDs {
		delete(d.members[dept], id)
	}
	if u.Active {
		d.active--
	}
}

// apply performs a change in memory. It cannot fail: whoever makes changes
// has checked them. Token changes of running calls are applied by tokens.
func (s *Sim) apply(c simctl.Change) {
	d := s.dir
	switch v := c.Value.(type) {
	case *Department:
		d.putDept(v)
	case *record:
		d.putUser(v)
	case *Invite:
		d.invites[v.Mobile] = v
	case Leaver:
		d.leavers[v.Mobile] = v
	case counters:
		d.lastDept, d.lastUser = max(d.lastDept, v.Dept), max(d.lastUser, v.User)
	case nil:
		switch c.Kind {
		case kindReset:
			s.dir = newDirectory()
		case kindDept:
			id, _ := strconv.ParseInt(c.ID, 10, 64)
			d.dropDept(id)
		case kindUser:
			d.dropUser(c.ID)
		case kindInvite:
			delete(d.invites, c.ID)
		case kindLeaver:
			delete(d.leavers, c.ID)
		}
	}
}

// Replay implements simctl.Simulator.
func (s *Sim) Replay(e simctl.Entry) error {
	c := simctl.Change{Kind: e.Kind, ID: e.ID}
	var err error
	if !e.Gone() {
		if c.Value, err = decodeEntry(e); err != nil {
			return err
		}
	}
	switch v := c.Value.(type) {
	case token:
		s.tokens.mu.Lock()
		defer s.tokens.mu.Unlock()
		s.tokens.put(v)
		return nil
	case nil:
		if e.Kind == kindNoTokens {
			s.tokens.mu.Lock()
			defer s.tokens.mu.Unlock()
			s.tokens.byApp, s.tokens.byValue, s.tokens.issued = nil, nil, 0
			return nil
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apply(c)
	return nil
}

func decodeEntry(e simctl.Entry) (any, error) {
	var v any
	switch e.Kind {
	case kindDept:
		v = &Department{}
	case kindUser:
		v = &record{}
	case kindInvite:
		v = &Invite{}
	case kindLeaver:
		v = &Leaver{}
	case kindCounters:
		v = &counters{}
	case kindToken:
		v = &token{}
	default:
		return nil, fmt.Errorf("unknown kind of change %q", e.Kind)
	}
	if err := json.Unmarshal(e.Value, v); err != nil {
		return nil, fmt.Errorf("change of %s: %w", e.Kind, err)
	}
	switch v := v.(type) {
	case *Leaver:
		return *v, nil
	case *counters:
		return *v, nil
	case *token:
		return *v, nil
	}
	return v, nil
}

// deptChange and userChange name a change of one entity.
func deptChange(n *Department) simctl.Change {
	return simctl.Change{Kind: kindDept, ID: strconv.FormatInt(n.ID, 10), Value: n}
}

func userChange(u *record) simctl.Change {
	return simctl.Change{Kind: kindUser, ID: u.UserID, Value: u}
}
