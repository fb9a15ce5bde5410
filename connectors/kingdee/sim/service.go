package kdsim

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"orgflow/connectors/simctl"
)

// Services by class and method (§ 1).
const (
	authService = "AuthService."
	formService = "DynamicFormService."
	prefix      = "Kingdee.BOS.WebApi.ServicesStub."
	suffix      = ".common.kdsvc"
)

// call is one call of a service of forms.
type call struct {
	*simctl.Call
	service string
	in      args
	set     *Settings
	forms   catalog
	version uint64
}

var formServices = map[string]func(*Sim, *call) simctl.Answer{
	"ExecuteBillQuery": (*Sim).queryRows, "BillQuery": (*Sim).queryRows, "QueryBusinessInfo": (*Sim).businessInfo,
	"View": (*Sim).view, "Save": (*Sim).save, "Submit": (*Sim).operate, "Audit": (*Sim).operate, "UnAudit": (*Sim).operate, "Delete": (*Sim).operate,
	"SwitchOrg": (*Sim).switchOrg,
}

// Handle implements simctl.Handler.
func (s *Sim) Handle(c *simctl.Call) simctl.Answer {
	group, service, ok := serviceOf(c.Path)
	switch {
	case !ok:
		return simctl.Answer{Status: http.StatusForbidden, Outcome: "http_403", ContentType: "text/plain"}
	case c.Method != http.MethodPost:
		return plainStatus(http.StatusMethodNotAllowed)
	}
	set := s.settings.Load()
	in := &call{Call: c, service: service, set: set}
	if !s.rate.allow(set.QPS, s.desk.Now()) || set.MaxInFlight > 0 && s.inFlight.Load() > int64(set.MaxInFlight) {
		c.Throttled = true
		return in.fail(14, "调用次数超过限制，请稍候再试")
	}
	if group == authService {
		switch {
		case loginArgs[service] != nil:
			return s.logIn(c, service)
		case service == "Logout":
			s.sessions.close(sessionOf(c))
			return simctl.Answer{Outcome: simctl.OK, Body: []byte("true")}
		}
		return plainStatus(http.StatusNotFound)
	}
	run := formServices[service]
	if run == nil || service == "BillQuery" && !set.BillQuery {
		return plainStatus(http.StatusNotFound)
	}
	if !s.sessions.touch(set, sessionOf(c), s.desk.Now()) {
		return in.lost()
	}
	names := []string{"formid", "data"}
	if slices.Contains([]string{"ExecuteBillQuery", "BillQuery", "QueryBusinessInfo", "SwitchOrg"}, service) {
		names = []string{"data"}
	}
	var bad *simctl.Answer
	if in.in, bad = readArgs(c, names); bad != nil {
		return *bad
	}
	s.mu.RLock()
	in.forms, in.version = s.forms, s.version
	s.mu.RUnlock()
	return run(s, in)
}

// serviceOf takes a path apart; not ok is one outside of /k3cloud/.
func serviceOf(path string) (group, service string, ok bool) {
	const root = "/k3cloud/"
	if len(path) < len(root) || !strings.EqualFold(path[:len(root)], root) {
		return "", "", false
	}
	name, found := strings.CutSuffix(path[len(root):], suffix)
	name, known := strings.CutPrefix(name, prefix)
	if !found || !known {
		return "", "", true
	}
	for _, group := range []string{authService, formService} {
		if method, mine := strings.CutPrefix(name, group); mine {
			return group, method, true
		}
	}
	return "", "", true
}

func plainStatus(status int) simctl.Answer {
	return simctl.Answer{Status: status, Outcome: "http_" + strconv.Itoa(status), ContentType: "text/plain; charset=utf-8", Body: []byte(http.StatusText(status))}
}

// Key implements simctl.Handler: the form.
func (s *Sim) Key(c *simctl.Call) string {
	_, service, _ := serviceOf(c.Path)
	if service == "" || loginArgs[service] != nil {
		return ""
	}
	in, bad := readArgs(c, []string{"data"})
	var q queryArgs
	if bad != nil || !in.data("data", &q) {
		return ""
	}
	return q.FormID
}

// textLost is how a lost session is told (§ 3.2).
const textLost = "会话信息已丢失，请重新登录"

// Refuse implements simctl.Handler: the code is a MsgCode.
func (s *Sim) Refuse(c *simctl.Call, code string) simctl.Answer {
	_, service, _ := serviceOf(c.Path)
	in := &call{Call: c, service: service, set: s.settings.Load()}
	n, err := strconv.Atoi(code)
	switch {
	case loginArgs[service] != nil:
		return refusedLogin(n, "登录失败")
	case err != nil:
		return in.fail(0, code)
	case n == 1:
		return in.lost()
	}
	text := messages[n]
	if text == "" {
		text = "发生错误"
	}
	return in.fail(n, text)
}

// messages are words for MsgCodes (§ 3.1).
var messages = map[int]string{
	2: "没有权限", 3: "操作标识不能为空", 4: "发生异常", 5: "业务对象标识不能为空", 6: "数据库操作失败", 7: "许可不足", 8: "参数错误",
	9: "字段或值不存在", 10: "没有数据", 11: "数据校验未通过", 12: "当前状态不允许操作", 13: "网络控制冲突，请稍候再使用", 14: "调用次数超过限制", 15: "管理员不允许登录",
}

func (s *Sim) switchOrg(in *call) simctl.Answer {
	var data struct {
		OrgNumber string `json:"OrgNumber"`
	}
	if !in.in.data("data", &data) || data.OrgNumber == "" || !in.set.organization(data.OrgNumber) {
		return in.fail(8, "组织编码不存在")
	}
	return succeeded(nil)
}

// form finds the form of a call, or the answer that it is not there or not
// for us.
func (in *call) form(id string) (*form, *simctl.Answer) {
	in.Key = id
	f, ok := in.forms[id]
	var a simctl.Answer
	switch {
	case id == "":
		a = in.fail(5, "业务对象标识不能为空")
	case !ok:
		a = in.fail(0, "业务对象不存在")
	case f.def.Forbidden:
		a = in.fail(2, "当前用户没有该业务对象的查看权限")
	default:
		return f, nil
	}
	return nil, &a
}

// queryArgs are the parameters of queries (§ 4.1).
type queryArgs struct {
	FormID string
	Fields string `json:"FieldKeys"`
	Filter string `json:"FilterString"`
	Order  string `json:"OrderString"`
	Top    int64  `json:"TopRowCount"`
	Start  int64  `json:"StartRow"`
	Limit  int64
}

// queryRows answers the rows of a query: BillQuery as objects by field key,
// ExecuteBillQuery as lists of values (§ 4.1).
func (s *Sim) queryRows(in *call) simctl.Answer {
	q, rows, bad := s.query(in)
	if bad != nil {
		return *bad
	}
	keyed, begin, end := in.service == "BillQuery", byte('['), byte(']')
	if keyed {
		begin, end = '{', '}'
	}
	body := []byte{'['}
	for i, r := range rows {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, begin)
		for j, get := range q.get {
			if j > 0 {
				body = append(body, ',')
			}
			if keyed {
				body = append(strconv.AppendQuote(body, q.keys[j]), ':')
			}
			body = get(r).append(body)
		}
		body = append(body, end)
	}
	return simctl.Answer{Outcome: simctl.OK, Body: append(body, ']')}
}

func (s *Sim) query(in *call) (*query, []row, *simctl.Answer) {
	fail := func(msgCode int, message string) (*query, []row, *simctl.Answer) {
		a := in.fail(msgCode, message)
		return nil, nil, &a
	}
	var ask queryArgs
	if !in.in.data("data", &ask) {
		return fail(8, "接口参数 data 不能为空")
	}
	f, bad := in.form(ask.FormID)
	if bad != nil {
		return nil, nil, bad
	}
	if strings.TrimSpace(ask.Fields) == "" || ask.Start < 0 || ask.Limit < 0 || ask.Top < 0 || max(ask.Start, ask.Limit, ask.Top) > maxRows*100 {
		return fail(8, "参数错误")
	}
	in.Key = ask.FormID + "#" + strconv.FormatInt(ask.Start, 10)
	q, err := newQuery(in.forms, f, ask.Fields, ask.Filter, ask.Order)
	switch {
	case errors.Is(err, errFlex):
		return nil, nil, broken("未将对象引用设置到对象的实例。")
	case err != nil:
		return fail(0, err.Error())
	}
	return q, in.set.page(s.rowsOf(q, in.version, ask.Filter, ask.Order), ask), nil
}
