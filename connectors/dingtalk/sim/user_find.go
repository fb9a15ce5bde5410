package dtsim

import (
	"cmp"
	"slices"

	"orgflow/connectors/simctl"
)

// getByMobile is /topapi/v2/user/getbymobile.
func (s *Sim) getByMobile(c *simctl.Call, a *args) (any, *refusal) {
	m := a.needStr("mobile")
	if a.bad != nil {
		return nil, a.bad
	}
	if chars(m) > 15 || !mobilePattern.MatchString(m) {
		return nil, refuse(40104, "无效手机号")
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	u, r := s.knownUser(s.dir.byMobile[normalMobile(m)], 60121)
	if r != nil {
		return nil, r
	}
	c.Key = u.UserID
	return struct {
		UserID string `json:"userid"`
	}{u.UserID}, nil
}

// getByUnionID is /topapi/user/getbyunionid.
func (s *Sim) getByUnionID(c *simctl.Call, a *args) (any, *refusal) {
	id := a.needStr("unionid")
	if a.bad != nil {
		return nil, a.bad
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	u, r := s.knownUser(s.dir.byUnion[id], 60121)
	if r != nil {
		return nil, r
	}
	c.Key = u.UserID
	return struct {
		ContactType int    `json:"contact_type"` // 0 is staff
		UserID      string `json:"userid"`
	}{0, u.UserID}, nil
}

// countUsers is /topapi/user/count.
func (s *Sim) countUsers(_ *simctl.Call, a *args) (any, *refusal) {
	active, ok := a.bool("only_active")
	if !ok {
		a.missing("only_active")
	}
	if a.bad != nil {
		return nil, a.bad
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	n := len(s.dir.users)
	if active {
		n = s.dir.active
	}
	return struct {
		Count int `json:"count"`
	}{n}, nil
}

// listAdmin is /topapi/user/listadmin.
func (s *Sim) listAdmin(*simctl.Call, *args) (any, *refusal) {
	type admin struct {
		UserID string `json:"userid"`
		Level  int    `json:"sys_level"`
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := []admin{}
	for _, u := range s.dir.users {
		if u.SysLevel > 0 {
			out = append(out, admin{u.UserID, u.SysLevel})
		}
	}
	slices.SortFunc(out, func(x, y admin) int { return cmp.Compare(x.UserID, y.UserID) })
	return out, nil
}
