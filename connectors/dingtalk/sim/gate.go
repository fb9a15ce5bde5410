package dtsim

import (
	"cmp"
	"net/http"
	"strings"
	"sync"
	"time"

	"orgflow/connectors/simctl"
)

// Permission points (§ 2.6).
const (
	permManage  = "qyapi_manage_addresslist"
	permMember  = "qyapi_get_member"
	permMembers = "qyapi_get_department_member"
	permDepts   = "qyapi_get_department_list"
	permLookup  = "qyapi_get_member_by_mobile"
	permBase    = "qyapi_base"
	permPunches = "qyapi_get_attendance_data"
	permMobile  = "企业员工手机号信息"
	permEmail   = "邮箱等个人信息"
	permMe      = "Contact.User.Read"
)

// endpoint is an API of the old family, /topapi but for attendance. key names the parameter that goes to the
// request log; run answers a result (nil for none) or a refusal.
type endpoint struct {
	permission string
	keys       []string
	run        func(*Sim, *simctl.Call, *args) (any, *refusal)
}

var endpoints = map[string]endpoint{
	"/topapi/v2/department/create":           {permManage, []string{"source_identifier"}, (*Sim).createDept},
	"/topapi/v2/department/update":           {permManage, []string{"dept_id"}, (*Sim).updateDept},
	"/topapi/v2/department/delete":           {permManage, []string{"dept_id"}, (*Sim).deleteDept},
	"/topapi/v2/department/get":              {permDepts, []string{"dept_id"}, (*Sim).getDept},
	"/topapi/v2/department/listsub":          {permDepts, []string{"dept_id"}, (*Sim).listSub},
	"/topapi/v2/department/listsubid":        {permDepts, []string{"dept_id"}, (*Sim).listSubID},
	"/topapi/v2/department/listparentbydept": {permDepts, []string{"dept_id"}, (*Sim).listParentByDept},
	"/topapi/v2/department/listparentbyuser": {permDepts, []string{"userid"}, (*Sim).listParentByUser},
	"/topapi/v2/user/create":                 {permManage, []string{"userid"}, (*Sim).createUser},
	"/topapi/v2/user/update":                 {permManage, []string{"userid"}, (*Sim).updateUser},
	"/topapi/v2/user/delete":                 {permManage, []string{"userid"}, (*Sim).deleteUser},
	"/topapi/v2/user/get":                    {permMember, []string{"userid"}, (*Sim).getUser},
	"/topapi/v2/user/list":                   {permMembers, []string{"dept_id"}, (*Sim).listUsers},
	"/topapi/user/listsimple":                {permMembers, []string{"dept_id"}, (*Sim).listSimple},
	"/topapi/user/listid":                    {permMember, []string{"dept_id"}, (*Sim).listID},
	"/topapi/v2/user/getbymobile":            {permLookup, nil, (*Sim).getByMobile},
	"/topapi/user/getbyunionid":              {permMember, nil, (*Sim).getByUnionID},
	"/topapi/user/count":                     {permMember, nil, (*Sim).countUsers},
	"/topapi/user/listadmin":                 {permMember, nil, (*Sim).listAdmin},

	"/topapi/message/corpconversation/asyncsend_v2":    {permBase, []string{"userid_list"}, (*Sim).sendMessage},
	"/topapi/message/corpconversation/getsendresult":   {permBase, []string{"task_id"}, (*Sim).messageResult},
	"/topapi/message/corpconversation/getsendprogress": {permBase, []string{"task_id"}, (*Sim).messageProgress},
	pathAttendance:                {permPunches, nil, (*Sim).listAttendance},
	"/topapi/v2/user/getuserinfo": {permBase, nil, (*Sim).getUserInfo},
}

// Handle implements simctl.Handler.
func (s *Sim) Handle(c *simctl.Call) simctl.Answer {
	switch s.settings.Load().IPBan {
	case "html":
		return simctl.Answer{Outcome: "ip_ban", ContentType: "text/html; charset=utf-8",
			Body: []byte("<!DOCTYPE html><html><head><title>punish</title></head><body>x5 deny</body></html>")}
	case "json":
		return simctl.JSON(http.StatusOK, "ip_ban", map[string]any{
			"status": 1111, "wait": 5, "source": "x5", "punish": "deny", "uuid": s.requestUUID()})
	}
	switch {
	case strings.HasPrefix(c.Path, "/topapi/"):
		return s.topapi(c)
	case strings.HasPrefix(c.Path, "/v1.0/"):
		return s.newFamily(c)
	case c.Path == "/gettoken":
		return s.getToken(c)
	case c.Path == pathAuthorize:
		return s.authorize(c)
	case c.Path == pathScript:
		return s.script()
	case c.Path == "/call_back/get_call_back_failed_result":
		return s.failedEvents(c)
	case c.Path == "/auth/scopes":
		return s.scopes(c)
	case c.Path == pathAttendance && c.Method == http.MethodPost:
		return s.attendance(c)
	}
	if e, ok := oldEndpoints[c.Path]; ok && e.method == c.Method {
		return s.old(c, e)
	}
	return s.failed(c, refuse(404, "请求的URI地址不存在"))
}

// newFamily answers what api.dingtalk.com does.
func (s *Sim) newFamily(c *simctl.Call) simctl.Answer {
	corp, unified := unifiedCorp(c.Path)
	switch {
	case c.Method == http.MethodGet && c.Path == pathMe:
		return s.me(c)
	case c.Method != http.MethodPost:
	case c.Path == "/v1.0/oauth2/accessToken":
		return s.newToken(c)
	case c.Path == pathUserToken:
		return s.userToken(c)
	case unified:
		return s.unifiedToken(c, corp)
	}
	return s.newFailed(http.StatusNotFound, "InvalidAction.NotFound", "Specified api is not found, please check your url and method.")
}

// topapi runs the checks in the order of § 13: route, token, IP, permission,
// throttle, arguments, business.
func (s *Sim) topapi(c *simctl.Call) simctl.Answer {
	e, ok := endpoints[c.Path]
	if !ok {
		return s.unknownTopapi(c)
	}
	a := parseArgs(c)
	c.Key = e.key(a)
	if r := s.admit(c); r != nil {
		return s.failed(c, r)
	}
	if a.bad != nil {
		return s.failed(c, a.bad)
	}
	result, r := e.run(s, c, a)
	if r != nil {
		return s.failed(c, r)
	}
	return s.succeeded(result)
}

// Key implements simctl.Handler.
func (s *Sim) Key(c *simctl.Call) string {
	if e, ok := endpoints[c.Path]; ok {
		return e.key(parseArgs(c))
	}
	if e, ok := oldEndpoints[c.Path]; ok {
		return endpoints[e.v2].key(e.args(c))
	}
	return ""
}

func (e endpoint) key(a *args) string {
	for _, k := range e.keys {
		if v, ok := (&args{raw: a.raw, call: a.call, form: a.form, old: a.old}).str(k); ok {
			return v
		}
	}
	return ""
}

// admit checks token, IP, permission and rate.
func (s *Sim) admit(c *simctl.Call) *refusal {
	set := s.settings.Load()
	value := c.Query.Get("access_token")
	if value == "" {
		return refuse(40000, "access_token is blank")
	}
	now := s.desk.Now()
	app, valid, known := s.tokens.Owner(value, now)
	if !valid {
		if known && set.ExpiredCode == 42001 {
			return refuse(42001, "access_token已过期")
		}
		return refuse(40014, "不合法的access_token")
	}
	if set.DeniedIP {
		return refuse(60020, "访问ip不在白名单之中,request ip=192.0.2.1 appKey(%s)", app)
	}
	permission := permBase
	old, isOld := oldEndpoints[c.Path]
	if e, ok := endpoints[cmp.Or(old.v2, c.Path)]; ok {
		permission = e.permission
	}
	if isOld && !set.V1 {
		return refuse(60011, "没有调用该接口的权限")
	}
	if set.missing[permission] {
		return refuse(60011, "应用尚未开通所需的权限：[%s]，点击链接申请并开通即可：https://open-dev.dingtalk.com, {requiredScopes=[%s]}", permission, permission)
	}
	if set.PlatformThrottle {
		c.Throttled = true
		return &refusal{code: 90002, text: platformText(c.Path, now)}
	}
	if !s.throttle.allow(set, app, c.Path, c.At) {
		c.Throttled = true
		return &refusal{code: 90018, text: codeTexts[90018]}
	}
	if c.Path == pathAttendance && !s.quota.spend(set.MonthlyQuota, now) {
		return &refusal{code: 90020, text: codeTexts[90020]}
	}
	return nil
}

// throttle limits the calls of an app (§ 11). Refused calls do not count.
type throttle struct {
	mu     sync.Mutex
	meters map[[2]string]*meter
}

// allow asks both limits and books the call only when both agree.
func (t *throttle) allow(set *compiled, app, path string, now time.Time) bool {
	if set.QPS == 0 && set.QPSPerApp == 0 {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.meters == nil {
		t.meters = map[[2]string]*meter{}
	}
	one, all := t.meter(app, path), t.meter(app, "")
	bucket := set.ThrottleMode == "bucket"
	if !one.fits(set.QPS, bucket, now) || !all.fits(set.QPSPerApp, bucket, now) {
		return false
	}
	one.book(set.QPS, bucket, now)
	all.book(set.QPSPerApp, bucket, now)
	return true
}

func (t *throttle) meter(app, path string) *meter {
	k := [2]string{app, path}
	m := t.meters[k]
	if m == nil {
		m = &meter{}
		t.meters[k] = m
	}
	return m
}

func (t *throttle) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.meters = nil
}

// meter keeps the times of accepted calls (window) and a bucket's level, for
// one limit; a limit of 0 keeps nothing.
type meter struct {
	times []time.Time
	spent float64 // of the bucket
	at    time.Time
}

func (m *meter) fits(limit int, bucket bool, now time.Time) bool {
	if limit == 0 {
		return true
	}
	if bucket {
		if d := now.Sub(m.at); d > 0 {
			m.spent = max(0, m.spent-d.Seconds()*float64(limit))
			m.at = now
		}
		return m.spent+1 <= float64(limit)
	}
	cut := 0
	for cut < len(m.times) && !m.times[cut].After(now.Add(-time.Second)) {
		cut++
	}
	m.times = append(m.times[:0], m.times[cut:]...)
	return len(m.times) < limit
}

func (m *meter) book(limit int, bucket bool, now time.Time) {
	switch {
	case limit == 0:
	case bucket:
		m.spent++
	default:
		m.times = append(m.times, now)
	}
}
