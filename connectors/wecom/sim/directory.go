package wcsim

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"orgflow/connectors/simctl"
	"orgflow/connectors/simtree"
)

// Kinds of journalled changes.
const (
	kindReset = "reset" // back to the root department alone
	kindDept  = "dept"
	kindUser  = "user"
	kindMedia = "media"
	kindJob   = "job"

	kindMessage = "message"
)

const (
	rootID   = int64(1)
	maxDepth = 15     // levels, the root included
	maxNodes = 30_000 // people and departments directly in a department (81001)
	maxDepts = 30_000
	maxJobs  = 5 // whose results are kept
)

var errNoUser = errors.New("there is no such userid")

// Department is a department as the simulator holds it.
type Department struct {
	ID       int64  `json:"id"`
	Name     string `json:"name"`
	NameEN   string `json:"name_en,omitempty"`
	ParentID int64  `json:"parentid"` // 0 for the root
	Order    int64  `json:"order"`
}

// Place implements simtree.Node.
func (n *Department) Place() (id, parent int64, name string) { return n.ID, n.ParentID, n.Name }

// directory is the enterprise with its indexes. What is in it is never
// modified, only replaced.
type directory struct {
	simtree.Tree[*Department]
	users    map[string]*User // by userid in lower case
	members  map[int64]map[string]*User
	byMobile map[string]string
	byEmail  map[string]string
	lastDept int64
	media    map[string][]byte
	jobs     map[string]*job
	jobOrder []string
	lastJob  int
	mail     mailbox
}

func newDirectory() *directory {
	return &directory{
		Tree: simtree.New(&Department{ID: rootID, Name: "模拟企业"}), users: map[string]*User{}, lastDept: rootID,
		members: map[int64]map[string]*User{}, byMobile: map[string]string{}, byEmail: map[string]string{},
		media: map[string][]byte{}, jobs: map[string]*job{}, mail: newMailbox(),
	}
}

func (d *directory) user(id string) *User { return d.users[strings.ToLower(id)] }

func (d *directory) putDept(n *Department) {
	d.Put(n)
	if n.ID < 1<<30 { // those that callers choose high do not count up
		d.lastDept = max(d.lastDept, n.ID)
	}
}

func (d *directory) dropDept(id int64) {
	d.Drop(id)
	delete(d.members, id)
}

func (d *directory) putUser(u *User) {
	d.dropUser(u.UserID)
	d.users[strings.ToLower(u.UserID)] = u
	if u.Mobile != "" {
		d.byMobile[bareMobile(u.Mobile)] = u.UserID
	}
	if u.Email != "" {
		d.byEmail[strings.ToLower(u.Email)] = u.UserID
	}
	for _, id := range u.Department {
		if d.members[id] == nil {
			d.members[id] = map[string]*User{}
		}
		d.members[id][strings.ToLower(u.UserID)] = u
	}
}

func (d *directory) dropUser(id string) {
	u := d.user(id)
	if u == nil {
		return
	}
	key := strings.ToLower(u.UserID)
	delete(d.users, key)
	delete(d.byMobile, bareMobile(u.Mobile))
	delete(d.byEmail, strings.ToLower(u.Email))
	for _, dept := range u.Department {
		delete(d.members[dept], key)
	}
}

// apply performs a change in memory. It cannot fail: whoever makes changes
// has checked them.
func (s *Sim) apply(c simctl.Change) {
	d := s.dir
	switch v := c.Value.(type) {
	case *Department:
		d.putDept(v)
	case *User:
		d.putUser(v)
	case []byte:
		d.media[c.ID] = v
	case *job:
		d.putJob(v)
	case *Message:
		d.mail.put(v)
	case nil:
		switch c.Kind {
		case kindReset:
			s.dir = newDirectory()
		case kindDept:
			id, _ := strconv.ParseInt(c.ID, 10, 64)
			d.dropDept(id)
		case kindUser:
			d.dropUser(c.ID)
		}
	}
}

// values are what the journal holds of a directory.
var values = simctl.Values{
	kindDept: simctl.As[*Department], kindUser: simctl.As[*User], kindMedia: simctl.As[[]byte], kindJob: simctl.As[*job],
	kindMessage: simctl.As[*Message],
}

// Replay implements simctl.Simulator.
func (s *Sim) Replay(e simctl.Entry) error {
	if mine, err := s.tokens.Replay(e); mine {
		return err
	}
	return values.Replay(e, &s.mu, s.apply)
}

// changes lists what builds the directory from the root department alone.
func (d *directory) changes() []simctl.Change {
	var out []simctl.Change
	for _, id := range slices.Sorted(maps.Keys(d.Depts)) {
		out = append(out, deptChange(d.Depts[id]))
	}
	for _, id := range slices.Sorted(maps.Keys(d.users)) {
		out = append(out, userChange(d.users[id]))
	}
	for _, id := range slices.Sorted(maps.Keys(d.media)) {
		out = append(out, simctl.Change{Kind: kindMedia, ID: id, Value: d.media[id]})
	}
	for _, id := range d.jobOrder {
		out = append(out, simctl.Change{Kind: kindJob, ID: id, Value: d.jobs[id]})
	}
	for _, m := range d.mail.list {
		out = append(out, m.change())
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

func deptChange(n *Department) simctl.Change {
	return simctl.Change{Kind: kindDept, ID: strconv.FormatInt(n.ID, 10), Value: n}
}

func userChange(u *User) simctl.Change {
	return simctl.Change{Kind: kindUser, ID: u.UserID, Value: u}
}
