package dingtalk

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"orgflow"
)

// meaning is what a vendor code is to us.
type meaning struct {
	code   orgflow.Code
	advice string
	field  string
	after  time.Duration // usual wait before the next attempt
}

// row gives several codes one meaning.
type row struct {
	codes string // separated by spaces
	meaning
}

// Advice that several rows share.
const (
	adviceToken      = "the token was refused twice; check that appkey and appsecret of company.json belong to an application that is enabled in this organisation"
	adviceSecret     = "the application's key or secret is wrong; check appkey and appsecret of the consumer ding_talk in company.json against the DingTalk developer console"
	adviceScope      = "grant the permission named in the message to the application in the DingTalk developer console, publish the version, and run again"
	adviceMobile     = "DingTalk does not change a mobile number by update; delete the person and insert them again (mobile_change recreate), or let the person change it in the app"
	adviceTaken      = "another person in this DingTalk organisation has this mobile number; find them in the admin console, correct the number in the HR system or remove the other record"
	adviceRequest    = "DingTalk refuses the request's parameters; check the template's values for this record, and report it if they look right"
	adviceLength     = "shorten or correct the value in the HR system or the template"
	adviceNotice     = "notifications are sent too often; they go on after a pause"
	adviceCallback   = "check token, AES key and owner key of the event callback against the developer console"
	adviceLogin      = "the log-in code is unknown, used or expired; log in again, never repeat the same code"
	adviceSlow       = "too fast for DingTalk; the run goes on by itself after a pause, lower qps in company.json if this is frequent"
	adviceBusy       = "DingTalk is busy; on inserts this can also mean that the weekly or total cap of new members is used up"
	adviceOutOfScope = "it lies outside the application's contact scope; widen the scope in the developer console"
	adviceGone       = "the person is not in the DingTalk directory: deleted there, or invited and not joined yet"
)

// oldFamily is DingTalk reference § 10.1, row by row, with the codes that
// only § 4 and § 5 name at the end.
var oldFamily = []row{
	{"-1", meaning{orgflow.CodeUnavailable, adviceBusy, "", 0}},
	{"1", meaning{orgflow.CodeInvalidRecord, "DingTalk reports a platform error, which it does for empty or odd parameters; check the record's values", "", 0}},
	{"22 404", meaning{orgflow.CodeInvalidConfig, "this address does not know the call; check base_url of company.json", "", 0}},
	{"40 41 40000 40035 400002 40038 43009 40025 40031 40032 40066", meaning{orgflow.CodeInvalidRecord, adviceRequest, "", 0}},
	{"88", meaning{orgflow.CodeInternal, "DingTalk wrapped an error and did not say which; try again, report it if it stays", "", 0}},
	{"40001 40014 42001 41001", meaning{orgflow.CodeUnauthorized, adviceToken, "", 0}},
	{"40089 40096", meaning{orgflow.CodeUnauthorized, adviceSecret, "", 0}},
	{"40078 40102 42008", meaning{orgflow.CodeNeedsHuman, adviceLogin, "", 0}},
	{"40003 33012 60111 60121", meaning{orgflow.CodeNotFound, adviceGone, "", 0}},
	{"40009 60003", meaning{orgflow.CodeNotFound, "the department is not at DingTalk any more; run with mode reconcile", "", 0}},
	{"60004 40010", meaning{orgflow.CodeBlocked, "the parent department is not at DingTalk; it must be created first", "parent_id", 0}},
	{"60001 60009", meaning{orgflow.CodeInvalidRecord, "a department name has 1 to 64 characters and none of - ， ,", "name", 0}},
	{"60022", meaning{orgflow.CodeInvalidRecord, "DingTalk does not accept words in this department name; choose another name", "name", 0}},
	{"60002", meaning{orgflow.CodeInvalidRecord, "departments are nested 20 levels deep at most", "parent_id", 0}},
	{"60110", meaning{orgflow.CodeQuota, "the organisation, or this parent (1000 children), has as many departments as DingTalk allows", "", 0}},
	{"60005 60006", meaning{orgflow.CodeBlocked, "the department still has members or sub-departments; move or delete them first", "", 0}},
	{"60007 60018", meaning{orgflow.CodeInvalidRecord, "the root department can be neither deleted nor changed; check root_department_id and the binding of the root", "", 0}},
	{"60008 60021", meaning{orgflow.CodeConflict, "a department with this name exists under the same parent and could not be taken over; rename one of the two", "name", 0}},
	{"60010", meaning{orgflow.CodeInvalidRecord, "a department cannot be moved below itself", "parent_id", 0}},
	{"60011 43007 48002", meaning{orgflow.CodeForbidden, adviceScope, "", 0}},
	{"60016", meaning{orgflow.CodeConflict, "a department with this id exists", "", 0}},
	{"60019", meaning{orgflow.CodeUnavailable, "DingTalk could not read the department's members; it is tried again", "", 0}},
	{"60020", meaning{orgflow.CodeForbidden, "add the address in the message to the application's IP whitelist in the DingTalk developer console", "", 0}},
	{"60102", meaning{orgflow.CodeConflict, "the userid exists but could not be read; widen the application's contact scope", "userid", 0}},
	{"60103 40104", meaning{orgflow.CodeInvalidRecord, "a mobile number has 11 digits, or +country-number abroad; correct it in the HR system", "mobile", 0}},
	{"60104 60107", meaning{orgflow.CodeConflict, adviceTaken, "mobile", 0}},
	{"40103", meaning{orgflow.CodePending, "DingTalk has invited the person, who joins by accepting; nothing to do here", "", 0}},
	{"40019", meaning{orgflow.CodeNeedsHuman, "the person is in five uncertified organisations already and must leave one of them", "", 0}},
	{"40021 40022 41054", meaning{orgflow.CodeNeedsHuman, adviceMobile, "mobile", 0}},
	{"40020 40024", meaning{orgflow.CodeQuota, "the organisation has as many members as its certification level allows; have it certified or upgraded", "", 0}},
	{"40023", meaning{orgflow.CodeInvalidRecord, "the department has as many members as DingTalk allows (1000); split it", "dept_id_list", 0}},
	{"40100", meaning{orgflow.CodeInvalidRecord, "another person has this extension number; it must be unique", "telephone", 0}},
	{"40101 60105 60106", meaning{orgflow.CodeInvalidRecord, "the e-mail address is malformed or another person's; it must be unique", "email", 0}},
	{"40063 40064 40065 40067 60112 60119 60122 60123", meaning{orgflow.CodeInvalidRecord, adviceLength, "", 0}},
	{"60128", meaning{orgflow.CodeInvalidRecord, "the direct manager is not a person of this organisation", "manager_userid", 0}},
	{"40068 40069 40070", meaning{orgflow.CodeInvalidRecord, adviceRequest, "", 0}},
	{"41041 41100", meaning{orgflow.CodeInvalidRecord, "attendance is read in spans of at most 7 days, times as yyyy-MM-dd HH:mm:ss", "", 0}},
	{"41045 41046 41047 41048 143103 143104", meaning{orgflow.CodeThrottled, adviceNotice, "", time.Minute}},
	{"40056 41011", meaning{orgflow.CodeInvalidConfig, "check agent_id of the consumer ding_talk in company.json", "", 0}},
	{"41049 1430002", meaning{orgflow.CodeInvalidRecord, "the notice contains words DingTalk does not accept", "", 0}},
	{"41052", meaning{orgflow.CodeNotFound, "DingTalk keeps no result for a notice to so many receivers", "", 0}},
	{"50002 50004", meaning{orgflow.CodeNeedsHuman, adviceOutOfScope, "", 0}},
	{"50003 50005", meaning{orgflow.CodeForbidden, "the application or the organisation is disabled at DingTalk; enable it in the developer console", "", 0}},
	{"60120", meaning{orgflow.CodeNeedsHuman, "the person is disabled at DingTalk; enable them in the admin console", "", 0}},
	{"12150", meaning{orgflow.CodeNeedsHuman, "position management of DingTalk HR (智能人事) blocks changes of title and department; transfer the person there (/v1.0/hrm/processes/transfer) or switch position management off", "", 0}},
	{"70001", meaning{orgflow.CodeForbidden, "the organisation does not exist or was dissolved; check corp_id, appkey and appsecret", "", 0}},
	{"90001 90003 90004 90017", meaning{orgflow.CodeUnavailable, "DingTalk blocks all calls of this server, organisation or credential for a while", "", time.Minute}},
	{"90002 90018", meaning{orgflow.CodeThrottled, adviceSlow, "", time.Second}},
	{"90005 90006 90007 90008 90009 90010 90011 90012 90013 90014", meaning{orgflow.CodeThrottled, adviceSlow, "", time.Minute}},
	{"90020", meaning{orgflow.CodeQuota, "the organisation's monthly API quota is used up; it returns next month or with an upgrade", "", 0}},
	{"900001 900002 900003 900004 900005 900006 900007 900008 900009 900010", meaning{orgflow.CodeInvalidConfig, adviceCallback, "", 0}},

	{"40011", meaning{orgflow.CodeInvalidRecord, "a department's order is a whole number above 0", "order", 0}},
	{"40093", meaning{orgflow.CodeInvalidRecord, "the group owner must be a member of the department", "org_dept_owner", 0}},
	{"60109 600109 60510", meaning{orgflow.CodeInvalidRecord, "a visibility list names people or departments DingTalk does not accept; at most 50 entries", "", 0}},
	{"43003", meaning{orgflow.CodeInvalidConfig, "base_url must begin with https", "", 0}},
}

// newFamily is DingTalk reference § 10.2.
var newFamily = []row{
	{"InvalidAuthentication accesstoken.expired", meaning{orgflow.CodeUnauthorized, adviceToken, "", 0}},
	{"AuthenticationFailed.MissingParameter Missingbody", meaning{orgflow.CodeInvalidRecord, adviceRequest, "", 0}},
	{"invalidClientIdOrSecret invalid.client unauthorized.client", meaning{orgflow.CodeUnauthorized, adviceSecret, "", 0}},
	{"unsupported.grant.type", meaning{orgflow.CodeInternal, "DingTalk does not know this way of asking for a token", "", 0}},
	{"invalidParameter.authCode.notFound", meaning{orgflow.CodeNeedsHuman, adviceLogin, "", 0}},
	{"Forbidden.AccessDenied.AccessTokenPermissionDenied", meaning{orgflow.CodeForbidden, adviceScope, "", 0}},
	{"Forbidden.AccessDenied.IpNotInWhiteList", meaning{orgflow.CodeForbidden, "add this machine's public address to the application's IP whitelist in the DingTalk developer console", "", 0}},
	{"Forbidden.AccessDenied.QpsLimitForAppkeyAndApi Forbidden.AccessDenied.QpsLimitForApi", meaning{orgflow.CodeThrottled, adviceSlow, "", time.Second}},
	{"Forbidden.AccessDenied.QpmLimitForAppkeyAndApi", meaning{orgflow.CodeThrottled, adviceSlow, "", time.Minute}},
	{"Forbidden.AccessDenied.ApiCountLimitForOrg", meaning{orgflow.CodeQuota, "the organisation's monthly API quota is used up; it returns next month or with an upgrade", "", 0}},
	{"InvalidAction.NotFound", meaning{orgflow.CodeInvalidConfig, "this address does not know the call; check api_base_url of company.json", "", 0}},
	{"invalidParameter.user.notFound", meaning{orgflow.CodeNotFound, adviceGone, "", 0}},
	{"systemBusy qps.exceed.limit request.overlimit", meaning{orgflow.CodeThrottled, adviceSlow, "", time.Second}},
	{"systemError unknownError internalError server.error", meaning{orgflow.CodeUnavailable, "DingTalk reports an internal error, which can also hide a wrong parameter", "", 0}},
}

// ours are the codes of answer.go.
var ours = []row{
	{codeIPBan, meaning{orgflow.CodeThrottled, "DingTalk bans this public address for 5 minutes after more than 10000 calls in 20 seconds; all traffic pauses, lower qps of everything behind this address", "", banTime}},
	{codeMalformed, meaning{orgflow.CodeUnknownOutcome, "the answer is not readable; the effect is read back before anything is repeated", "", 0}},
	{codeHTTP + "404", meaning{orgflow.CodeInvalidConfig, "nothing answers at this address; check base_url and api_base_url of company.json", "", 0}},
	{codeHTTP + "408", meaning{orgflow.CodeUnknownOutcome, "the answer did not come in time; the effect is read back before anything is repeated", "", 0}},
	{codeHTTP + "429", meaning{orgflow.CodeThrottled, adviceSlow, "", time.Second}},
}

var meanings = index(oldFamily, newFamily, ours)

func index(tables ...[]row) map[string]meaning {
	m := map[string]meaning{}
	for _, table := range tables {
		for _, r := range table {
			for code := range strings.FieldsSeq(r.codes) {
				m[code] = r.meaning
			}
		}
	}
	return m
}

// meaningOf looks a code up. A code that is in no table stays unknown: the
// record fails with it, and it is never success.
func meaningOf(code string, status int) meaning {
	if m, ok := meanings[code]; ok {
		return m
	}
	switch {
	case strings.HasPrefix(code, codeHTTP) && status >= http.StatusInternalServerError:
		return meaning{code: orgflow.CodeUnknownOutcome, advice: "a gateway failed; the effect is read back before anything is repeated"}
	case strings.HasPrefix(code, codeHTTP) && status >= http.StatusMultipleChoices && status < http.StatusBadRequest:
		return meaning{code: orgflow.CodeInvalidConfig, advice: "the address redirects; check base_url and api_base_url of company.json"}
	case isNumber(code), strings.HasPrefix(code, codeHTTP):
		return unknown
	}
	return newFamilyPattern(code, status)
}

var unknown = meaning{
	code:   orgflow.CodeInternal,
	advice: "orgflow does not know this DingTalk code; look it up in the vendor's table of errors and report it",
}

// newFamilyPattern knows the codes that § 10.2 gives as a pattern, and falls
// back on the status, which means something in this family.
func newFamilyPattern(code string, status int) meaning {
	switch {
	case strings.Contains(code, "QpsLimit"), strings.HasSuffix(code, "flowControlError"), status == http.StatusTooManyRequests:
		return meaning{code: orgflow.CodeThrottled, advice: adviceSlow, after: time.Second}
	case strings.Contains(code, "QpmLimit"):
		return meaning{code: orgflow.CodeThrottled, advice: adviceSlow, after: time.Minute}
	case strings.HasPrefix(code, "Missing"):
		return meaning{code: orgflow.CodeInvalidRecord, advice: adviceRequest}
	case status >= http.StatusInternalServerError:
		return meaning{code: orgflow.CodeUnavailable, advice: "DingTalk reports an internal error, which can also hide a wrong parameter"}
	}
	return unknown
}

func isNumber(code string) bool {
	_, err := strconv.ParseInt(code, 10, 64)
	return err == nil
}

// Groups of codes that calls treat alike.

// refusesToken: the token is to be renewed, the call was not executed.
func refusesToken(code string) bool {
	switch code {
	case "40001", "40014", "42001", "41001", "InvalidAuthentication", "accesstoken.expired":
		return true
	}
	return false
}

// missesPermission: the application was not granted the call.
func missesPermission(code string) bool {
	return code == "60011" || code == "43007" || code == "48002"
}

// saysNoPerson: no such userid; for a delete that is success (§ 5.5).
func saysNoPerson(code string) bool {
	switch code {
	case "33012", "60121", "60111", "40003":
		return true
	}
	return false
}

// saysNoDepartment: no such department; for a delete that is success.
func saysNoDepartment(code string) bool { return code == "60003" || code == "40009" }

// saysSiblingName: the parent has a child of that name (§ 5.4: two codes).
func saysSiblingName(code string) bool { return code == "60008" || code == "60021" }

// saysMobileTaken: the number belongs to a member already (§ 5.2).
func saysMobileTaken(code string) bool { return code == "60104" || code == "60107" }

// optionalField names the field without which the record may be taken
// (§ 5.2); empty if there is none.
func optionalField(code string) string {
	switch code {
	case "40100":
		return "telephone"
	case "40101", "60105", "60106":
		return "email"
	}
	return ""
}
