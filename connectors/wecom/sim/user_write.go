package wcsim

import (
	"strings"

	"orgflow/connectors/simctl"
)

// createUser is user/create (§ 4).
func (s *Sim) createUser(c *simctl.Call, a *args) simctl.Answer {
	return s.writeUser(c, a, s.newUser, "created")
}

// updateUser is user/update: what is absent stays.
func (s *Sim) updateUser(c *simctl.Call, a *args) simctl.Answer {
	return s.writeUser(c, a, s.changedUser, "updated")
}

// writeUser puts the member that check makes of a call.
func (s *Sim) writeUser(c *simctl.Call, a *args, check func(*args) (*User, *refusal), done string) simctl.Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, r := check(a)
	if r != nil {
		return failed(r)
	}
	if err := s.commit(userChange(u)); err != nil {
		return failed(coded(-1))
	}
	c.Wrote = true
	return succeeded(a.wrote(done), nil)
}

// newUser checks a new member. The caller holds s.mu.
func (s *Sim) newUser(a *args) (*User, *refusal) {
	set, d := s.settings.Load(), s.dir
	u := &User{Status: statusInvited, Enable: 1, Invited: true, Department: []int64{}, DirectLeader: []string{}}
	u.UserID, _ = a.str("userid")
	a.into("to_invite", &u.Invited)
	switch {
	case !userIDPattern.MatchString(u.UserID):
		return nil, coded(40003)
	case !a.has("department"):
		return nil, coded(60127)
	case d.user(u.UserID) != nil:
		return nil, coded(60102)
	case set.AccountCap > 0 && len(d.users) >= set.AccountCap:
		return nil, coded(45024)
	}
	if depts, ok := a.ints("department"); !ok {
		return nil, coded(41019)
	} else if len(depts) == 0 {
		return nil, coded(60127)
	}
	if r := fillUser(u, a, set); r != nil {
		return nil, r
	}
	if r := d.place(u, a, set); r != nil {
		return nil, r
	}
	if r := d.checkContacts(u, a); r != nil {
		return nil, r
	}
	return u, d.checkLeaders(u)
}

// checkLeaders: a direct leader is somebody (which code says that they are
// not is not documented; 60111 is taken).
func (d *directory) checkLeaders(u *User) *refusal {
	old := d.user(u.UserID)
	for _, id := range u.DirectLeader {
		if d.user(id) == nil && (old == nil || !containsFold(old.DirectLeader, id)) {
			return refuse(60111, "userid not found: direct_leader")
		}
	}
	return nil
}

func containsFold(list []string, id string) bool {
	for _, s := range list {
		if strings.EqualFold(s, id) {
			return true
		}
	}
	return false
}

// changedUser checks a changed member. The caller holds s.mu.
func (s *Sim) changedUser(a *args) (*User, *refusal) {
	set, d := s.settings.Load(), s.dir
	id, _ := a.str("userid")
	old := d.user(id)
	if old == nil {
		return nil, coded(60111)
	}
	if a.has("new_userid") {
		return nil, coded(301036)
	}
	u := *old
	if r := fillUser(&u, a, set); r != nil {
		return nil, r
	}
	if r := d.place(&u, a, set); r != nil {
		return nil, r
	}
	if r := d.checkContacts(&u, a); r != nil {
		return nil, r
	}
	return &u, d.checkLeaders(&u)
}

// deleteUser is user/delete.
func (s *Sim) deleteUser(c *simctl.Call, _ *args) simctl.Answer {
	return s.remove(c, []string{c.Query.Get("userid")})
}

// batchDelete is user/batchdelete: one invalid id makes the call fail whole.
func (s *Sim) batchDelete(c *simctl.Call, a *args) simctl.Answer {
	var list []string
	if !a.into("useridlist", &list) || len(list) == 0 {
		return failed(coded(40031))
	}
	if len(list) > 200 {
		return failed(coded(40032))
	}
	return s.remove(c, list)
}

func (s *Sim) remove(c *simctl.Call, ids []string) simctl.Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	changes, r := s.removal(ids)
	if r != nil {
		return failed(r)
	}
	if err := s.commit(changes...); err != nil {
		return failed(coded(-1))
	}
	c.Wrote = true
	return succeeded("deleted", nil)
}

// removal lists the changes that delete members. The caller holds s.mu.
func (s *Sim) removal(ids []string) ([]simctl.Change, *refusal) {
	var changes []simctl.Change
	for _, id := range ids {
		u := s.dir.user(id)
		if u == nil {
			return nil, coded(60111)
		}
		if strings.EqualFold(id, s.settings.Load().Creator) {
			return nil, coded(301005)
		}
		changes = append(changes, simctl.Change{Kind: kindUser, ID: u.UserID})
	}
	return changes, nil
}
