package wcsim

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"orgflow/connectors/simctl"
)

// access says which secrets may make a call (§ 3).
type access uint8

const (
	anybody  access = iota
	contacts        // the contacts-sync secret only: 48002 for others
	details         // shows details: 48009 where they are closed
	apps            // an application's secret only: 48002 for the contacts secret
)

// endpoint is one API. keys name the parameters that go to the request log.
type endpoint struct {
	access access
	method string
	key    string
	run    func(*Sim, *simctl.Call, *args) simctl.Answer
}

var endpoints = map[string]endpoint{
	"/cgi-bin/department/create":     {contacts, http.MethodPost, "id", (*Sim).createDept},
	"/cgi-bin/department/update":     {contacts, http.MethodPost, "id", (*Sim).updateDept},
	"/cgi-bin/department/delete":     {contacts, http.MethodGet, "id", (*Sim).deleteDept},
	"/cgi-bin/department/get":        {details, http.MethodGet, "id", (*Sim).getDept},
	"/cgi-bin/department/list":       {details, http.MethodGet, "id", (*Sim).listDepts},
	"/cgi-bin/department/simplelist": {anybody, http.MethodGet, "id", (*Sim).simpleList},
	"/cgi-bin/user/create":           {contacts, http.MethodPost, "userid", (*Sim).createUser},
	"/cgi-bin/user/update":           {contacts, http.MethodPost, "userid", (*Sim).updateUser},
	"/cgi-bin/user/delete":           {contacts, http.MethodGet, "userid", (*Sim).deleteUser},
	"/cgi-bin/user/batchdelete":      {contacts, http.MethodPost, "", (*Sim).batchDelete},
	"/cgi-bin/user/get":              {details, http.MethodGet, "userid", (*Sim).getUser},
	"/cgi-bin/user/list":             {details, http.MethodGet, "department_id", (*Sim).listUsers},
	"/cgi-bin/user/simplelist":       {details, http.MethodGet, "department_id", (*Sim).simpleUsers},
	"/cgi-bin/user/list_id":          {contacts, http.MethodPost, "", (*Sim).listIDs},
	"/cgi-bin/user/getuserid":        {anybody, http.MethodPost, "", (*Sim).userByMobile},
	"/cgi-bin/media/upload":          {anybody, http.MethodPost, "", (*Sim).upload},
	"/cgi-bin/batch/syncuser":        {contacts, http.MethodPost, "", (*Sim).syncUsers},
	"/cgi-bin/batch/replaceuser":     {contacts, http.MethodPost, "", (*Sim).replaceUsers},
	"/cgi-bin/batch/replaceparty":    {contacts, http.MethodPost, "", (*Sim).replaceParties},
	"/cgi-bin/batch/getresult":       {contacts, http.MethodGet, "jobid", (*Sim).jobResult},
	"/cgi-bin/message/send":          {apps, http.MethodPost, "touser", (*Sim).sendMessage},
}

// creates are the calls the vendor wants one after the other (§ 4).
var creates = map[string]bool{"/cgi-bin/department/create": true, "/cgi-bin/user/create": true}

// Handle implements simctl.Handler, with the checks in the order of § 12
// no. 2: token, IP, privilege, frequency, parameters.
func (s *Sim) Handle(c *simctl.Call) simctl.Answer {
	if c.Path == "/cgi-bin/gettoken" {
		return s.getToken(c)
	}
	e, ok := endpoints[c.Path]
	if !ok {
		return simctl.Answer{Status: http.StatusNotFound, Outcome: "404", ContentType: "text/plain", Body: []byte("not found")}
	}
	s.finishJobs(s.desk.Now())
	a := parseArgs(c)
	c.Key = a.logKey(e.key)
	if r := s.admit(c, e); r != nil {
		return failed(r)
	}
	if a.bad != nil {
		return failed(a.bad)
	}
	if c.Method != e.method {
		return failed(refuse(40063, "some parameters are empty: %s is expected", e.method))
	}
	return e.run(s, c, a)
}

// Key implements simctl.Handler.
func (s *Sim) Key(c *simctl.Call) string { return parseArgs(c).logKey(endpoints[c.Path].key) }

// allowed checks token, IP and privilege.
func (s *Sim) allowed(c *simctl.Call, e endpoint, set *compiled, now time.Time) *refusal {
	value := c.Query.Get("access_token")
	if value == "" {
		return coded(41001)
	}
	secret, valid, known := s.tokens.Owner(value, now)
	app := set.secrets[secret].App
	switch {
	case !valid && known:
		return coded(set.ExpiredCode)
	case !valid:
		return coded(40014)
	case set.DeniedIP:
		return coded(60020)
	case e.access == contacts && app, e.access == apps && !app:
		return coded(48002)
	case e.access == details && !app && set.Details == "closed":
		return coded(48009)
	}
	return nil
}

func (s *Sim) admit(c *simctl.Call, e endpoint) *refusal {
	set, now := s.settings.Load(), s.desk.Now()
	if r := s.allowed(c, e, set, now); r != nil {
		return r
	}
	if set.MaxInFlight > 0 && s.flying.Load() > int64(set.MaxInFlight) {
		c.Throttled = true
		return coded(45033)
	}
	if !s.limits.allow(set, c.Path, now) {
		c.Throttled = true
		return coded(45009)
	}
	if set.Serial && creates[c.Path] && s.creating.Load() > 1 {
		return coded(6000)
	}
	return nil
}

// limits counts calls per API and blocks one that is called too often: for
// 60 s at the minute's limit, 60 min at the hour's (§ 10).
type limits struct {
	mu   sync.Mutex
	apis map[string]*counter
}

type counter struct {
	second, minute, hour window
	blocked              time.Time
}

// window counts calls since it began.
type window struct {
	began time.Time
	calls int
}

func (w *window) full(limit int, length time.Duration, now time.Time) bool {
	if now.Sub(w.began) >= length {
		w.began, w.calls = now, 0
	}
	return limit > 0 && w.calls >= limit
}

func (l *limits) allow(set *compiled, path string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.apis == nil {
		l.apis = map[string]*counter{}
	}
	n := l.apis[path]
	if n == nil {
		n = &counter{}
		l.apis[path] = n
	}
	if now.Before(n.blocked) {
		return false
	}
	second, minute, hour := n.second.full(set.QPS, time.Second, now), n.minute.full(set.PerMinute, time.Minute, now), n.hour.full(set.PerHour, time.Hour, now)
	switch {
	case hour:
		n.blocked = now.Add(time.Hour)
	case minute, second:
		n.blocked = now.Add(time.Minute)
	default:
		n.second.calls++
		n.minute.calls++
		n.hour.calls++
		return true
	}
	return false
}

func (l *limits) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.apis = nil
}

// activate is the control action by which a member joins: {"userid": "E1"}.
func (s *Sim) activate(raw json.RawMessage) (any, error) {
	var in struct {
		UserID string `json:"userid"`
	}
	if err := simctl.DecodeStrict(raw, &in); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.dir.user(in.UserID)
	if old == nil {
		return nil, errNoUser
	}
	u := *old
	u.Status = statusActive
	return nil, s.commit(userChange(&u))
}
