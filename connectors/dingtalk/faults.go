package dingtalk

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"orgflow"
	"orgflow/connectors/vendorcode"
)

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
var oldFamily = []vendorcode.Row{
	{Codes: "-1", Code: orgflow.CodeUnavailable, Advice: adviceBusy},
	{Codes: "1", Code: orgflow.CodeInvalidRecord, Advice: "DingTalk reports a platform error, which it does for empty or odd parameters; check the record's values"},
	{Codes: "22 404", Code: orgflow.CodeInvalidConfig, Advice: "this address does not know the call; check base_url of company.json"},
	{Codes: "40 41 40000 40035 400002 40038 43009 40025 40031 40032 40066", Code: orgflow.CodeInvalidRecord, Advice: adviceRequest},
	{Codes: "88", Code: orgflow.CodeInternal, Advice: "DingTalk wrapped an error and did not say which; try again, report it if it stays"},
	{Codes: "40001 40014 42001 41001", Code: orgflow.CodeUnauthorized, Advice: adviceToken},
	{Codes: "40089 40096", Code: orgflow.CodeUnauthorized, Advice: adviceSecret},
	{Codes: "40078 40102 42008", Code: orgflow.CodeNeedsHuman, Advice: adviceLogin},
	{Codes: "40003 33012 60111 60121", Code: orgflow.CodeNotFound, Advice: adviceGone},
	{Codes: "40009 60003", Code: orgflow.CodeNotFound, Advice: "the department is not at DingTalk any more; run with mode reconcile"},
	{Codes: "60004 40010", Code: orgflow.CodeBlocked, Advice: "the parent department is not at DingTalk; it must be created first", Field: "parent_id"},
	{Codes: "60001 60009", Code: orgflow.CodeInvalidRecord, Advice: "a department name has 1 to 64 characters and none of - ， ,", Field: "name"},
	{Codes: "60022", Code: orgflow.CodeInvalidRecord, Advice: "DingTalk does not accept words in this department name; choose another name", Field: "name"},
	{Codes: "60002", Code: orgflow.CodeInvalidRecord, Advice: "departments are nested 20 levels deep at most", Field: "parent_id"},
	{Codes: "60110", Code: orgflow.CodeQuota, Advice: "the organisation, or this parent (1000 children), has as many departments as DingTalk allows"},
	{Codes: "60005 60006", Code: orgflow.CodeBlocked, Advice: "the department still has members or sub-departments; move or delete them first"},
	{Codes: "60007 60018", Code: orgflow.CodeInvalidRecord, Advice: "the root department can be neither deleted nor changed; check root_department_id and the binding of the root"},
	{Codes: "60008 60021", Code: orgflow.CodeConflict, Advice: "a department with this name exists under the same parent and could not be taken over; rename one of the two", Field: "name"},
	{Codes: "60010", Code: orgflow.CodeInvalidRecord, Advice: "a department cannot be moved below itself", Field: "parent_id"},
	{Codes: "60011 43007 48002", Code: orgflow.CodeForbidden, Advice: adviceScope},
	{Codes: "60016", Code: orgflow.CodeConflict, Advice: "a department with this id exists"},
	{Codes: "60019", Code: orgflow.CodeUnavailable, Advice: "DingTalk could not read the department's members; it is tried again"},
	{Codes: "60020", Code: orgflow.CodeForbidden, Advice: "add the address in the message to the application's IP whitelist in the DingTalk developer console"},
	{Codes: "60102", Code: orgflow.CodeConflict, Advice: "the userid exists but could not be read; widen the application's contact scope", Field: "userid"},
	{Codes: "60103 40104", Code: orgflow.CodeInvalidRecord, Advice: "a mobile number has 11 digits, or +country-number abroad; correct it in the HR system", Field: "mobile"},
	{Codes: "60104 60107", Code: orgflow.CodeConflict, Advice: adviceTaken, Field: "mobile"},
	{Codes: "40103", Code: orgflow.CodePending, Advice: "DingTalk has invited the person, who joins by accepting; nothing to do here"},
	{Codes: "40019", Code: orgflow.CodeNeedsHuman, Advice: "the person is in five uncertified organisations already and must leave one of them"},
	{Codes: "40021 40022 41054", Code: orgflow.CodeNeedsHuman, Advice: adviceMobile, Field: "mobile"},
	{Codes: "40020 40024", Code: orgflow.CodeQuota, Advice: "the organisation has as many members as its certification level allows; have it certified or upgraded"},
	{Codes: "40023", Code: orgflow.CodeInvalidRecord, Advice: "the department has as many members as DingTalk allows (1000); split it", Field: "dept_id_list"},
	{Codes: "40100", Code: orgflow.CodeInvalidRecord, Advice: "another person has this extension number; it must be unique", Field: "telephone"},
	{Codes: "40101 60105 60106", Code: orgflow.CodeInvalidRecord, Advice: "the e-mail address is malformed or another person's; it must be unique", Field: "email"},
	{Codes: "40063 40064 40065 40067 60112 60119 60122 60123", Code: orgflow.CodeInvalidRecord, Advice: adviceLength},
	{Codes: "60128", Code: orgflow.CodeInvalidRecord, Advice: "the direct manager is not a person of this organisation", Field: "manager_userid"},
	{Codes: "40068 40069 40070", Code: orgflow.CodeInvalidRecord, Advice: adviceRequest},
	{Codes: "41041 41100", Code: orgflow.CodeInvalidRecord, Advice: "attendance is read in spans of at most 7 days, times as yyyy-MM-dd HH:mm:ss"},
	{Codes: "41045 41046 41047 41048 143103 143104", Code: orgflow.CodeThrottled, Advice: adviceNotice, After: time.Minute},
	{Codes: "40056 41011", Code: orgflow.CodeInvalidConfig, Advice: "check agent_id of the consumer ding_talk in company.json"},
	{Codes: "34016", Code: orgflow.CodeInvalidRecord, Advice: "the notice is longer than DingTalk takes; shorten the template"},
	{Codes: "41049 1430002", Code: orgflow.CodeInvalidRecord, Advice: "the notice contains words DingTalk does not accept"},
	{Codes: "41052", Code: orgflow.CodeInvalidRecord, Advice: "DingTalk keeps no result for a notice to so many receivers"},
	{Codes: "50002 50004", Code: orgflow.CodeNeedsHuman, Advice: adviceOutOfScope},
	{Codes: "50003 50005", Code: orgflow.CodeForbidden, Advice: "the application or the organisation is disabled at DingTalk; enable it in the developer console"},
	{Codes: "60120", Code: orgflow.CodeNeedsHuman, Advice: "the person is disabled at DingTalk; enable them in the admin console"},
	{Codes: "12150", Code: orgflow.CodeNeedsHuman, Advice: "position management of DingTalk HR (智能人事) blocks changes of title and department; transfer the person there (/v1.0/hrm/processes/transfer) or switch position management off"},
	{Codes: "70001", Code: orgflow.CodeForbidden, Advice: "the organisation does not exist or was dissolved; check corp_id, appkey and appsecret"},
	{Codes: "90001 90003 90004 90017", Code: orgflow.CodeUnavailable, Advice: "DingTalk blocks all calls of this server, organisation or credential for a while", After: time.Minute},
	{Codes: "90002 90018", Code: orgflow.CodeThrottled, Advice: adviceSlow, After: time.Second},
	{Codes: "90005 90006 90007 90008 90009 90010 90011 90012 90013 90014", Code: orgflow.CodeThrottled, Advice: adviceSlow, After: time.Minute},
	{Codes: "90020", Code: orgflow.CodeQuota, Advice: "the organisation's monthly API quota is used up; it returns next month or with an upgrade"},
	{Codes: "900001 900002 900003 900004 900005 900006 900007 900008 900009 900010", Code: orgflow.CodeInvalidConfig, Advice: adviceCallback},

	{Codes: "40011", Code: orgflow.CodeInvalidRecord, Advice: "a department's order is a whole number above 0", Field: "order"},
	{Codes: "40093", Code: orgflow.CodeInvalidRecord, Advice: "the group owner must be a member of the department", Field: "org_dept_owner"},
	{Codes: "60109 600109 60510", Code: orgflow.CodeInvalidRecord, Advice: "a visibility list names people or departments DingTalk does not accept; at most 50 entries"},
	{Codes: "43003", Code: orgflow.CodeInvalidConfig, Advice: "base_url must begin with https"},
}

// newFamily is DingTalk reference § 10.2.
var newFamily = []vendorcode.Row{
	{Codes: "InvalidAuthentication accesstoken.expired", Code: orgflow.CodeUnauthorized, Advice: adviceToken},
	{Codes: "AuthenticationFailed.MissingParameter Missingbody", Code: orgflow.CodeInvalidRecord, Advice: adviceRequest},
	{Codes: "invalidClientIdOrSecret invalid.client unauthorized.client", Code: orgflow.CodeUnauthorized, Advice: adviceSecret},
	{Codes: "unsupported.grant.type", Code: orgflow.CodeInternal, Advice: "DingTalk does not know this way of asking for a token"},
	{Codes: "invalidParameter.authCode.notFound", Code: orgflow.CodeNeedsHuman, Advice: adviceLogin},
	{Codes: "Forbidden.AccessDenied.AccessTokenPermissionDenied", Code: orgflow.CodeForbidden, Advice: adviceScope},
	{Codes: "Forbidden.AccessDenied.IpNotInWhiteList", Code: orgflow.CodeForbidden, Advice: "add this machine's public address to the application's IP whitelist in the DingTalk developer console"},
	{Codes: "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi Forbidden.AccessDenied.QpsLimitForApi", Code: orgflow.CodeThrottled, Advice: adviceSlow, After: time.Second},
	{Codes: "Forbidden.AccessDenied.QpmLimitForAppkeyAndApi", Code: orgflow.CodeThrottled, Advice: adviceSlow, After: time.Minute},
	{Codes: "Forbidden.AccessDenied.ApiCountLimitForOrg", Code: orgflow.CodeQuota, Advice: "the organisation's monthly API quota is used up; it returns next month or with an upgrade"},
	{Codes: "InvalidAction.NotFound", Code: orgflow.CodeInvalidConfig, Advice: "this address does not know the call; check api_base_url of company.json"},
	{Codes: "invalidParameter.user.notFound", Code: orgflow.CodeNotFound, Advice: adviceGone},
	{Codes: "systemBusy qps.exceed.limit request.overlimit", Code: orgflow.CodeThrottled, Advice: adviceSlow, After: time.Second},
	{Codes: "systemError unknownError internalError server.error", Code: orgflow.CodeUnavailable, Advice: "DingTalk reports an internal error, which can also hide a wrong parameter"},
}

// ours are the codes that are not the vendor's.
var ours = []vendorcode.Row{
	{Codes: codeIPBan, Code: orgflow.CodeThrottled, Advice: "DingTalk bans this public address for 5 minutes after more than 10000 calls in 20 seconds; all traffic pauses, lower qps of everything behind this address", After: banTime},
	{Codes: vendorcode.Malformed, Code: orgflow.CodeUnknownOutcome, Advice: "the answer is not readable; the effect is read back before anything is repeated"},
	{Codes: vendorcode.HTTP + "404", Code: orgflow.CodeInvalidConfig, Advice: "nothing answers at this address; check base_url and api_base_url of company.json"},
	{Codes: vendorcode.HTTP + "408", Code: orgflow.CodeUnknownOutcome, Advice: "the answer did not come in time; the effect is read back before anything is repeated"},
	{Codes: vendorcode.HTTP + "429", Code: orgflow.CodeThrottled, Advice: adviceSlow, After: time.Second},
}

var meanings = vendorcode.Index(oldFamily, newFamily, ours)

var others = vendorcode.Others{
	Gateway:  vendorcode.Meaning{Code: orgflow.CodeUnknownOutcome, Advice: "a gateway failed; the effect is read back before anything is repeated"},
	Redirect: vendorcode.Meaning{Code: orgflow.CodeInvalidConfig, Advice: "the address redirects; check base_url and api_base_url of company.json"},
	Unknown: vendorcode.Meaning{
		Code:   orgflow.CodeInternal,
		Advice: "orgflow does not know this DingTalk code; look it up in the vendor's table of errors and report it",
	},
}

// meaningOf looks a code up. A code of the new family that is in no table may
// still say something.
func meaningOf(code string, status int) vendorcode.Meaning {
	_, known := meanings[code]
	if known || isNumber(code) || strings.HasPrefix(code, vendorcode.HTTP) {
		return meanings.Of(code, status, others)
	}
	return newFamilyPattern(code, status)
}

// newFamilyPattern knows the codes that § 10.2 gives as a pattern, and falls
// back on the status, which means something in this family.
func newFamilyPattern(code string, status int) vendorcode.Meaning {
	switch {
	case strings.Contains(code, "QpsLimit"), strings.HasSuffix(code, "flowControlError"), status == http.StatusTooManyRequests:
		return vendorcode.Meaning{Code: orgflow.CodeThrottled, Advice: adviceSlow, After: time.Second}
	case strings.Contains(code, "QpmLimit"):
		return vendorcode.Meaning{Code: orgflow.CodeThrottled, Advice: adviceSlow, After: time.Minute}
	case strings.HasPrefix(code, "Missing"):
		return vendorcode.Meaning{Code: orgflow.CodeInvalidRecord, Advice: adviceRequest}
	case status >= http.StatusInternalServerError:
		return vendorcode.Meaning{Code: orgflow.CodeUnavailable, Advice: "DingTalk reports an internal error, which can also hide a wrong parameter"}
	}
	return others.Unknown
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
