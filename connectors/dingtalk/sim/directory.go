package dtsim

import (
	"strconv"
	"strings"
	"time"

	"orgflow/connectors/simctl"
	"orgflow/connectors/simtree"
)

// Kinds of journalled changes.
const (
	kindReset    = "reset" // back to the root department alone
	kindDept     = "dept"
	kindUser     = "user"
	kindInvite   = "invite"
	kindLeaver   = "leaver"
	kindCounters = "counters"
	kindMessage  = "message"
	kindPunch    = "punch"
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
	simtree.Tree[*Department]
	users    map[string]*record
	members  map[int64]map[string]*record
	byMobile map[string]string
	byEmail  map[string]string // lower case
	byPhone  map[string]string
	byUnion  map[string]string
	invites  map[string]*Invite // by mobile
	leavers  map[string]Leaver  // by mobile
	mail     mailbox
	punches  map[string]map[int64]*Punch
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
	return &directory{
		Tree: simtree.New(&Department{ID: rootID, Name: "模拟企业", Order: 1, Managers: []string{}}), users: map[string]*record{},
		members: map[int64]map[string]*record{}, byMobile: map[string]string{}, byEmail: map[string]string{},
		byPhone: map[string]string{}, byUnion: map[string]string{}, invites: map[string]*Invite{},
		leavers: map[string]Leaver{}, lastDept: firstDept, mail: newMailbox(), punches: map[string]map[int64]*Punch{},
	}
}

func (d *directory) putDept(n *Department) {
	d.Put(n)
	d.lastDept = max(d.lastDept, n.ID)
}

func (d *directory) dropDept(id int64) {
	d.Drop(id)
	delete(d.members, id)
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
// has checked them.
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
	case *Message:
		d.mail.put(v)
	case *Punch:
		d.putPunch(v)
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

// values are what the journal holds of a directory.
var values = simctl.Values{
	kindDept: simctl.As[*Department], kindUser: simctl.As[*record], kindInvite: simctl.As[*Invite],
	kindLeaver: simctl.As[Leaver], kindCounters: simctl.As[counters], kindMessage: simctl.As[*Message], kindPunch: simctl.As[*Punch],
}

// Replay implements simctl.Simulator.
func (s *Sim) Replay(e simctl.Entry) error {
	if mine, err := s.tokens.Replay(e); mine {
		return err
	}
	return values.Replay(e, &s.mu, s.apply)
}

// deptChange and userChange name a change of one entity.
func deptChange(n *Department) simctl.Change {
	return simctl.Change{Kind: kindDept, ID: strconv.FormatInt(n.ID, 10), Value: n}
}

func userChange(u *record) simctl.Change {
	return simctl.Change{Kind: kindUser, ID: u.UserID, Value: u}
}
