package dtsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"orgflow/connectors/simctl"
)

// Invite is a person who was invited and has not joined (§ 5.3): not in the
// directory, found by no call.
type Invite struct {
	User
	InvitedAt int64 `json:"invited_at"` // ms
	// Times is how often they were invited since they last were a member.
	Times int `json:"times"`
}

// isInvited reports whether a number has an invitation that is still open.
func (s *Sim) isInvited(mobile string, now time.Time) bool {
	i := s.dir.invites[mobile]
	return i != nil && !s.expired(i, now)
}

func (s *Sim) expired(i *Invite, now time.Time) bool {
	days := s.settings.Load().InviteDays
	return days > 0 && now.Sub(time.UnixMilli(i.InvitedAt)) >= time.Duration(days)*24*time.Hour
}

// nextUserID is a userid of DingTalk's making (§ 13).
func (d *directory) nextUserID() string {
	return strconv.FormatInt(max(d.lastUser, 180_000_000_000_000_000)+1, 10)
}

// rejoinWait is how long a re-invitation after a same-day leave stays an invitation (§ 5.3).
const rejoinWait = 24 * time.Hour

// mustInvite reports whether a number's owner must agree before they are a member.
func (s *Sim) mustInvite(mobile string, now time.Time) bool {
	if s.settings.Load().isProtected(mobile) {
		return true
	}
	if s.isInvited(mobile, now) { // invited again before the answer: the same answer is assumed
		return true
	}
	l, left := s.dir.leavers[mobile]
	return left && now.Sub(l.Left) < rejoinWait
}

// invite keeps the invitation and answers 40103. A repeated one replaces the
// first. Something was written all the same.
func (s *Sim) invite(c *simctl.Call, u *User, now time.Time) *refusal {
	u.Invited = true
	i := &Invite{User: *u, InvitedAt: now.UnixMilli(), Times: 1}
	if old := s.dir.invites[u.Mobile]; old != nil {
		i.Times += old.Times
	}
	if err := s.commit(simctl.Change{Kind: kindInvite, ID: u.Mobile, Value: i}); err != nil {
		return busy
	}
	c.Wrote = true
	return refuse(40103, "已发出邀请，对方同意后即可加入组织")
}

// accept is the control call by which an invited person joins: POST
// /_sim/dingtalk/accept {"userid": "E1"}, and the answer is the userid they
// have then. Departments that went away meanwhile are left out, the root
// stands in for the last one.
func (s *Sim) accept(raw json.RawMessage) (any, error) {
	var in struct {
		UserID string `json:"userid"`
	}
	if err := simctl.DecodeStrict(raw, &in); err != nil {
		return nil, err
	}
	if in.UserID == "" {
		return nil, errors.New(`userid is missing: {"userid": "E1"}`)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.dir
	var invite *Invite
	for _, i := range d.invites {
		if i.UserID == in.UserID && (invite == nil || i.InvitedAt > invite.InvitedAt) {
			invite = i
		}
	}
	if invite == nil {
		return nil, fmt.Errorf("userid %s has no pending invitation", in.UserID)
	}
	if s.expired(invite, s.desk.Now()) {
		return nil, fmt.Errorf("the invitation of userid %s has expired", in.UserID)
	}
	if d.users[in.UserID] != nil || d.byMobile[invite.Mobile] != "" {
		return nil, fmt.Errorf("userid %s or their number is a member already", in.UserID)
	}
	u := &record{User: invite.User, Entered: d.seq + 1, Modified: d.seq + 1}
	if !s.settings.Load().InviteKeepsUserID {
		u.UserID = d.nextUserID()
	}
	u.Active, u.Invited, u.Joined = true, true, s.desk.Now().UnixMilli()
	if r := s.checkUnique(&u.User); r != nil {
		return nil, fmt.Errorf("cannot join: %d %s", r.code, r.text)
	}
	u.DeptIDs = nil
	for _, id := range invite.DeptIDs {
		if d.Depts[id] != nil {
			u.DeptIDs = append(u.DeptIDs, id)
		}
	}
	if len(u.DeptIDs) == 0 {
		u.DeptIDs = []int64{rootID}
	}
	u.keepDepts()
	err := s.commit(userChange(u),
		simctl.Change{Kind: kindInvite, ID: u.Mobile}, simctl.Change{Kind: kindLeaver, ID: u.Mobile})
	return map[string]string{"userid": u.UserID}, err
}
