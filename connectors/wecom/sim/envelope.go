package wcsim

import (
	"fmt"
	"net/http"
	"strconv"

	"orgflow/connectors/simctl"
)

// refusal is an error answer.
type refusal struct {
	code int
	text string
	with map[string]any // further keys of the answer
}

func refuse(code int, format string, args ...any) *refusal {
	return &refusal{code: code, text: fmt.Sprintf(format, args...)}
}

// known are the vendor's texts for codes; wording changes (§ 1).
var known = map[int]string{
	-1: "system busy", 6000: "data version conflict", 40001: "invalid credential", 40003: "invalid userid", 40013: "invalid corpid",
	40014: "invalid access_token", 40031: "invalid userid list", 40032: "invalid userid list size", 40063: "some parameters are empty",
	40088: "invalid jobid", 40089: "batch job result expired", 40091: "secret is invalid", 40092: "invalid import file",
	41001: "access_token missing", 41002: "corpid missing", 41004: "corpsecret missing", 42001: "access_token expired",
	45009: "api freq out of limit", 45024: "account count reaches limit", 45026: "batch delete protection", 45029: "response size exceeds limit",
	45033: "api concurrent out of limit", 48001: "api forbidden", 48002: "api forbidden for this secret", 48009: "api forbidden for contacts sync",
	60001: "invalid department name length", 60003: "department not found", 60004: "parent department not found", 60005: "department contains user",
	60006: "department contains sub-department", 60007: "root department", 60008: "department existed", 60009: "invalid department name",
	60010: "department ring", 60011: "no privilege to access", 60020: "not allow to access from your ip", 60102: "userid existed",
	60103: "invalid mobile", 60105: "invalid email", 60106: "email existed", 60110: "user department size out of limit", 60111: "userid not found",
	60112: "invalid name", 60123: "invalid department id", 60124: "invalid parent department", 60127: "department missing", 60129: "mobile and email both empty",
	60132: "is_leader_in_dept size mismatch", 41019: "department must be an int array", 81001: "department node size out of limit",
	81002: "department level out of limit", 301005: "creator can not be deleted", 301012: "invalid position", 301013: "invalid telephone",
	301014: "invalid field", 302008: "another import is running",
	40056: "invalid agentid", 45002: "content size out of limit", 81013: "user & party & tag all invalid",
}

func coded(code int) *refusal {
	t, ok := known[code]
	if !ok {
		t = "simulated failure"
	}
	return &refusal{code: code, text: t}
}

// failed builds an error answer: HTTP 200, the tail of the text, the two
// headers (§ 1, § 12 no. 1).
func failed(r *refusal) simctl.Answer {
	msg := fmt.Sprintf("%s, hint: [1735639200123456789], from ip: 192.0.2.1, more info at https://open.work.weixin.qq.com/devtool/query?e=%d", r.text, r.code)
	body := map[string]any{"errcode": r.code, "errmsg": msg}
	for k, v := range r.with {
		body[k] = v
	}
	a := simctl.JSON(http.StatusOK, strconv.Itoa(r.code), body)
	a.Header = map[string]string{"Error-Code": strconv.Itoa(r.code), "Error-Msg": msg}
	return a
}

// succeeded builds a success with its text.
func succeeded(msg string, result map[string]any) simctl.Answer {
	body := map[string]any{"errcode": 0, "errmsg": msg}
	for k, v := range result {
		body[k] = v
	}
	return simctl.JSON(http.StatusOK, simctl.OK, body)
}

// Refuse implements simctl.Handler.
func (s *Sim) Refuse(_ *simctl.Call, code string) simctl.Answer {
	n, err := strconv.Atoi(code)
	if err != nil {
		return simctl.JSON(http.StatusOK, code, map[string]string{"errcode": code, "errmsg": "simulated failure"})
	}
	return failed(coded(n))
}
