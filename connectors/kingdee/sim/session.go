package kdsim

import (
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // the vendor's recipe for old servers (§ 2)
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"orgflow/connectors/simctl"
)

// sessions are who is logged in and who is locked out. They live in memory
// only: after a restart everybody logs in anew.
type sessions struct {
	mu     sync.Mutex
	byID   map[string]*visit
	locks  map[string]*lock
	logins int
}

type visit struct {
	user string
	used time.Time
}

type lock struct {
	wrong int
	until time.Time
}

func (s *sessions) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byID = nil
}

func (s *sessions) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byID, s.locks, s.logins = nil, nil, 0
}

func (s *sessions) issued() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logins
}

func (s *sessions) open(set *Settings, user string, now time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID == nil {
		s.byID = map[string]*visit{}
	}
	for id, v := range s.byID {
		if set.OneSession && v.user == user || !v.alive(set, now) {
			delete(s.byID, id)
		}
	}
	id := strings.ToLower(rand.Text())
	s.byID[id] = &visit{user: user, used: now}
	s.logins++
	delete(s.locks, user)
	return id
}

func (v *visit) alive(set *Settings, now time.Time) bool {
	return now.Before(v.used.Add(time.Duration(set.SessionSeconds) * time.Second))
}

// touch prolongs a session; false where there is none of this id.
func (s *sessions) touch(set *Settings, id string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.byID[id]
	if !ok || !v.alive(set, now) {
		delete(s.byID, id)
		return false
	}
	v.used = now
	return true
}

func (s *sessions) close(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, id)
}

// locked tells whether a user is locked out.
func (s *sessions) locked(user string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.locks[user]
	return l != nil && now.Before(l.until)
}

// wrong counts a wrong password.
func (s *sessions) wrong(set *Settings, user string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.locks == nil {
		s.locks = map[string]*lock{}
	}
	l := s.locks[user]
	if l == nil {
		l = &lock{}
		s.locks[user] = l
	}
	if l.wrong++; set.LockAfter > 0 && l.wrong >= set.LockAfter {
		*l = lock{until: now.Add(time.Duration(set.LockSeconds) * time.Second)}
	}
}

// sessionOf is the session id of a call: header, or cookie.
func sessionOf(c *simctl.Call) string {
	if id := c.Header.Get("kdservice-sessionid"); id != "" {
		return id
	}
	if k, err := (&http.Request{Header: c.Header}).Cookie("kdservice-sessionid"); err == nil {
		return k.Value
	}
	return ""
}

// Positions of arguments, and their names in the named form (§ 1, § 2).
var loginArgs = map[string][]string{
	"ValidateUser":            {"acctid", "username", "password", "lcid"},
	"ValidateUserByOrgNumber": {"acctid", "username", "password", "lcid", "orgnumber"},
	"LoginByAppSecret":        {"acctid", "username", "appid", "appsecret", "lcid"},
	"LoginBySign":             {"acctid", "username", "appid", "timestamp", "sign", "lcid"},
}

// logIn performs one of the login services.
func (s *Sim) logIn(c *simctl.Call, service string) simctl.Answer {
	in, bad := readArgs(c, loginArgs[service])
	if bad != nil {
		return *bad
	}
	set, now := s.settings.Load(), s.desk.Now()
	user := in.text("username")
	if in.text("acctid") != set.AcctID {
		if set.WrongAcct == "lost" {
			return refusedLogin(-1, textLost)
		}
		return refusedLogin(-1, "数据中心无法获取到，请检查数据中心ID")
	}
	if s.sessions.locked(user, now) {
		return refusedLogin(-1, "密码错误次数超限，用户已被锁定，请30分钟后再试")
	}
	result, bad := s.proven(set, service, in)
	if bad != nil {
		return *bad
	}
	if slices.ContainsFunc(set.Users, func(u User) bool { return u.Name == user && u.NoWebAPI }) {
		return refusedLogin(-1, "用户"+user+"未指定允许调用WebAPI接口")
	}
	if result != 1 && result != -5 {
		return refusedLogin(result, "")
	}
	if org := in.text("orgnumber"); org != "" && !set.organization(org) {
		return refusedLogin(-1, "组织编码不存在")
	}
	return s.loggedIn(set, user, result, now)
}

// proven checks the credentials of a login, and says how it comes out.
func (s *Sim) proven(set *Settings, service string, in args) (result int, bad *simctl.Answer) {
	if !strings.HasPrefix(service, "Validate") {
		return 1, s.byApp(set, service, in)
	}
	user := in.text("username")
	i := slices.IndexFunc(set.Users, func(u User) bool { return u.Name == user && u.Password == in.text("password") && user != "" })
	if i < 0 {
		s.sessions.wrong(set, user, s.desk.Now())
		a := refusedLogin(0, "用户名或密码错误")
		return 0, &a
	}
	if set.Users[i].Result != 0 {
		return set.Users[i].Result, nil
	}
	return 1, nil
}

func (n *Settings) organization(number string) bool {
	return len(n.OrgNumbers) == 0 || slices.Contains(n.OrgNumbers, number)
}

// byApp checks an application's credentials; nil is right.
func (s *Sim) byApp(set *Settings, service string, in args) *simctl.Answer {
	i := slices.IndexFunc(set.Apps, func(a App) bool { return a.ID == in.text("appid") && a.ID != "" })
	if i < 0 {
		a := refusedLogin(-1, "第三方应用不存在")
		return &a
	}
	app, user := set.Apps[i], in.text("username")
	switch {
	case service == "LoginByAppSecret" && in.text("appsecret") != app.Secret:
		a := refusedLogin(-1, "应用密钥错误")
		return &a
	case service == "LoginBySign" && in.text("sign") != signature(set.SignDigest, in.text("acctid"), user, app.ID, app.Secret, in.text("timestamp")):
		a := refusedLoginCode(-1, "签名不匹配", "002005000003016")
		return &a
	case !slices.Contains(app.Users, user):
		a := refusedLogin(-1, "第三方应用："+app.ID+" 不允许用户"+user+" 登录")
		return &a
	}
	return nil
}

func signature(digest string, values ...string) string {
	slices.Sort(values)
	text := []byte(strings.Join(values, ""))
	if digest == "sha1" {
		sum := sha1.Sum(text) //nolint:gosec // see above
		return hex.EncodeToString(sum[:])
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

func (s *Sim) loggedIn(set *Settings, user string, result int, now time.Time) simctl.Answer {
	id := s.sessions.open(set, user, now)
	a := simctl.JSON(http.StatusOK, simctl.OK, map[string]any{
		"Message": nil, "MessageCode": "CheckPasswordPolicy", "LoginResultType": result, "KDSVCSessionId": id, "IsSuccessByAPI": true, "Lcid": 2052,
		"Context": map[string]any{"SessionId": id, "UserName": user, "UserLocale": "zh-CN", "DataCenterName": "仿真账套",
			"CurrentOrganizationInfo": map[string]any{"ID": 1, "Name": "示例公司"}},
	})
	a.Header = map[string]string{"Set-Cookie": "kdservice-sessionid=" + id + "; path=/; HttpOnly"}
	return a
}

func refusedLogin(result int, message string) simctl.Answer {
	return refusedLoginCode(result, message, "")
}

func refusedLoginCode(result int, message, code string) simctl.Answer {
	return simctl.JSON(http.StatusOK, "login", map[string]any{
		"Message": message, "MessageCode": code, "LoginResultType": result, "KDSVCSessionId": "", "IsSuccessByAPI": false, "Context": nil,
	})
}
