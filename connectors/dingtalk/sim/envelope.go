package dtsim

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"orgflow/connectors/simctl"
)

// refusal is an error answer: a vendor code with the vendor's words.
type refusal struct {
	code   int
	text   string
	userid string // 60104 may carry the holder's userid (§ 5.2)
}

func refuse(code int, format string, args ...any) *refusal {
	return &refusal{code: code, text: fmt.Sprintf(format, args...)}
}

var (
	busy          = &refusal{code: -1, text: "系统繁忙"}
	errUserAbsent = &refusal{code: 60121, text: "找不到该用户"}
	errDeptAbsent = &refusal{code: 60003, text: "部门不存在"}
	errUserScope  = &refusal{code: 50002, text: "请求的员工userid不在授权范围内"}
	errDeptScope  = &refusal{code: 50004, text: "请求的部门id不在授权范围内"}
)

// wrapped are the codes that /topapi answers as 88 with a sub_code:
// authentication, permission and throttling (§ 1.1).
var wrapped = map[int]bool{
	40000: true, 40001: true, 40014: true, 41001: true, 42001: true, 60011: true, 60020: true, 48002: true,
	90001: true, 90002: true, 90003: true, 90004: true, 90005: true, 90006: true, 90017: true, 90018: true, 90020: true,
}

type success struct {
	Errcode   int    `json:"errcode"`
	Errmsg    string `json:"errmsg"`
	RequestID string `json:"request_id"`
	Result    any    `json:"result,omitempty"`
}

type failure struct {
	Errcode   int    `json:"errcode"`
	SubCode   string `json:"sub_code,omitempty"`
	SubMsg    string `json:"sub_msg,omitempty"`
	Errmsg    string `json:"errmsg"`
	UserID    string `json:"userid,omitempty"`
	RequestID string `json:"request_id,omitempty"`
}

// failed builds the old family's error answer: HTTP 200, wrapped in 88 on
// /topapi where the code is the gateway's (§ 1.1).
func (s *Sim) failed(c *simctl.Call, r *refusal) simctl.Answer {
	code := strconv.Itoa(r.code)
	if !strings.HasPrefix(c.Path, "/topapi/") {
		return simctl.JSON(http.StatusOK, code, failure{Errcode: r.code, Errmsg: r.text, UserID: r.userid})
	}
	f := failure{Errcode: r.code, Errmsg: r.text, UserID: r.userid, RequestID: s.requestID()}
	if wrapped[r.code] {
		f.Errcode, f.SubCode, f.SubMsg = 88, code, r.text
		f.Errmsg = "ding talk error[subcode=" + code + ",submsg=" + r.text + "]"
	}
	return simctl.JSON(http.StatusOK, code, f)
}

// flat is a result whose keys stand beside errcode.
type flat map[string]any

func (s *Sim) succeeded(result any) simctl.Answer {
	if f, ok := result.(flat); ok {
		f["errcode"], f["errmsg"], f["request_id"] = 0, "ok", s.requestID()
		return simctl.JSON(http.StatusOK, simctl.OK, f)
	}
	return simctl.JSON(http.StatusOK, simctl.OK, success{Errmsg: "ok", RequestID: s.requestID(), Result: result})
}

// unknownTopapi is the gateway's answer to a path it has no API for (§ 1.1).
func (s *Sim) unknownTopapi(c *simctl.Call) simctl.Answer {
	api := "dingtalk.oapi." + strings.ReplaceAll(strings.TrimPrefix(c.Path, "/topapi/"), "/", ".")
	sub := "不合法ApiName，ApiName = " + api
	return simctl.JSON(http.StatusOK, "22", failure{
		Errcode: 22, SubMsg: sub, Errmsg: "Invalid method[submsg=" + sub + "]", RequestID: s.requestID(),
	})
}

// newFailure is the error body of api.dingtalk.com (§ 1.2).
type newFailure struct {
	Code      string `json:"code"`
	RequestID string `json:"requestid"`
	Message   string `json:"message"`
}

func (s *Sim) newFailed(status int, code, message string) simctl.Answer {
	return simctl.JSON(status, code, newFailure{Code: code, RequestID: s.requestUUID(), Message: message})
}

// Refuse implements simctl.Handler: a fault's code in the envelope it would
// come in. The new family's codes are words; a number stands for its word there.
func (s *Sim) Refuse(c *simctl.Call, code string) simctl.Answer {
	n, err := strconv.Atoi(code)
	if strings.HasPrefix(c.Path, "/v1.0/") {
		if err != nil {
			return s.newFailed(newStatus(code), code, "simulated failure")
		}
		switch n {
		case 40001, 40014, 42001:
			return s.newFailed(http.StatusBadRequest, "InvalidAuthentication", "不合法的access_token")
		case 40089, 40096:
			return s.newFailed(http.StatusBadRequest, "invalidClientIdOrSecret", "无效的clientId或者clientSecret")
		case 90018:
			return s.newFailed(http.StatusForbidden, "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi", "qps limit")
		}
		return s.newFailed(http.StatusInternalServerError, "systemError", "系统繁忙")
	}
	if err != nil {
		return simctl.JSON(http.StatusOK, code, map[string]string{"errcode": code, "errmsg": "simulated failure"})
	}
	text := codeTexts[n]
	switch {
	case n == 90002:
		text = platformText(c.Path, s.desk.Now())
	case text == "":
		text = "simulated failure"
	}
	return s.failed(c, &refusal{code: n, text: text})
}

// newStatus is the HTTP status a new-family code comes with (§ 10.2).
func newStatus(code string) int {
	switch {
	case strings.HasPrefix(code, "Forbidden."):
		return http.StatusForbidden
	case code == "unauthorized.client":
		return http.StatusUnauthorized
	case strings.HasSuffix(code, "NotFound"), strings.HasSuffix(code, "notFound"):
		return http.StatusNotFound
	case code == "systemError", code == "unknownError", code == "internalError":
		return http.StatusInternalServerError
	}
	return http.StatusBadRequest
}

// codeTexts are the vendor's words for codes that only faults bring up.
var codeTexts = map[int]string{
	-1: "系统繁忙", 40001: "不合法的access_token", 40014: "不合法的access_token", 42001: "access_token已过期",
	40096: "不合法的appKey或appSecret", 60011: "没有调用该接口的权限", 60121: "找不到该用户", 33012: "无效的USERID",
	60003: "部门不存在", 60004: "父部门不存在", 60008: "该部门下已存在同名部门", 60102: "userid已存在", 60104: "手机号码在公司中已存在",
	40103: "已发出邀请，对方同意后即可加入组织", 90005: "企业调用该接口次数过多", 90018: "应用调用该接口次数过多，超出了该接口承受的最大qps，请求被暂时限制了", 12150: "已开启智能人事职位管理",
	90020: "企业本月的接口调用次数已用完",
}

// mix spreads a counter over 64 bits (splitmix64), so that ids look like ids.
func mix(n uint64) uint64 {
	n += 0x9e3779b97f4a7c15
	n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9
	n = (n ^ (n >> 27)) * 0x94d049bb133111eb
	return n ^ (n >> 31)
}

// requestID is 12 lower-case base-36 characters (§ 13).
func (s *Sim) requestID() string {
	const low, span = 131621703842267136, 4606759634479349760 // 36^11 and 36^12 - 36^11
	return strconv.FormatUint(low+mix(s.requests.Add(1))%span, 36)
}

// requestUUID is an upper-case UUID (§ 13).
func (s *Sim) requestUUID() string {
	a := mix(s.requests.Add(1))
	b := mix(a)
	return fmt.Sprintf("%08X-%04X-%04X-%04X-%012X", uint32(a>>32), uint16(a>>16), uint16(a), uint16(b>>48), b&0xffffffffffff)
}
