package wecom

import (
	"net/http"
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
	adviceToken   = "the token was refused twice; check that corpid and corpsecret of the consumer we_com in company.json belong together and the contacts-sync assistant is enabled"
	adviceSecret  = "corpid or corpsecret is wrong; check both of the consumer we_com in company.json against the WeCom admin console (management tools, contacts sync)"
	adviceBug     = "orgflow made a wrong call; report it"
	adviceSlow    = "too often for WeCom; the run goes on by itself after a pause, lower qps in company.json if this is frequent"
	adviceMail    = "WeCom does not accept the mail address; correct it in the HR system or take the field out of the template"
	adviceRequest = "WeCom refuses the request's parameters; check the template's values for this record, and report it if they look right"
	adviceSecret2 = "only the secret of the contacts-sync assistant (通讯录同步) may do this; check corpsecret and the assistant's permission to edit (API编辑通讯录) in the WeCom admin console"
	adviceBlind   = "WeCom does not let this address read members' details; what reads them is left out"
	adviceLogin   = "the log-in code or ticket is unknown, used or expired; log in again, never repeat the same code"
	adviceFile    = "WeCom refuses the import file; its lines are reported with the job"
	adviceMessage = "check receivers and content of the message"
	adviceApp     = "check the application at WeCom: redirect domain, whether it is enabled, and its visible range"
)

// runLevel is WeCom reference § 11, "Run-level", row by row. What a run does
// about 45009 depends on what came before (answer.go).
var runLevel = []row{
	{"-1", meaning{orgflow.CodeUnavailable, "WeCom is busy; it is tried again", "", time.Second}},
	{"6000", meaning{orgflow.CodeUnavailable, "somebody else writes contacts at the same moment; it is tried again", "", time.Second}},
	{"40001 40014 42001", meaning{orgflow.CodeUnauthorized, adviceToken, "", 0}},
	{"40013 40091 40125", meaning{orgflow.CodeUnauthorized, adviceSecret, "", 0}},
	{"41001 41002 41004", meaning{orgflow.CodeInvalidConfig, adviceBug, "", 0}},
	{"40056", meaning{orgflow.CodeInvalidConfig, "check agent_id of the consumer we_com in company.json", "", 0}},
	{"45009", meaning{orgflow.CodeThrottled, adviceSlow, "", 0}},
	{"45033", meaning{orgflow.CodeThrottled, "too many calls at once for WeCom; fewer are made from now on, lower parallel in company.json if this is frequent", "", time.Second}},
	{"45024", meaning{orgflow.CodeQuota, "the enterprise has as many accounts as WeCom allows; have the limit raised in the admin console", "", 0}},
	{"45026", meaning{orgflow.CodeNeedsHuman, "WeCom refuses to delete so many people at once; a person must decide, and the file must not be cut to get around it", "", 0}},
	{"45029", meaning{orgflow.CodePartialRead, "the answer would be too large; it is read in smaller parts", "", 0}},
	{"48001 48002", meaning{orgflow.CodeForbidden, adviceSecret2, "", 0}},
	{"48005 48006", meaning{orgflow.CodeForbidden, "WeCom has withdrawn this call; an update of orgflow is needed", "", 0}},
	{"48008 48009", meaning{orgflow.CodeForbidden, adviceBlind, "", 0}},
	{"60011", meaning{orgflow.CodeNeedsHuman, "the secret has no right over this record; widen its range in the WeCom admin console", "", 0}},
	{"60020", meaning{orgflow.CodeForbidden, "add the address in the message to the trusted addresses of the contacts-sync assistant in the WeCom admin console; it takes about a minute", "", 0}},
	{"50001 50002 50003 301002", meaning{orgflow.CodeForbidden, adviceApp, "", 0}},
	{"302003 302004 302005 302006 302007 40092", meaning{orgflow.CodeInvalidRecord, adviceFile, "", 0}},
	{"302008", meaning{orgflow.CodeThrottled, "another import runs at WeCom; this one waits for it", "", importPause}},
	{"40088", meaning{orgflow.CodeUnknownOutcome, "WeCom does not know this import job; what became of it is unknown", "", 0}},
	{"40089", meaning{orgflow.CodeUnknownOutcome, "WeCom keeps the results of the last five imports only; what became of this one is unknown", "", 0}},
	{"40206", meaning{orgflow.CodeInvalidRecord, "the request is larger than WeCom takes", "", 0}},
}

// memberLevel is § 11, "Record-level: members".
var memberLevel = []row{
	{"60102", meaning{orgflow.CodeConflict, "the userid exists already", "userid", 0}},
	{"60111", meaning{orgflow.CodeNotFound, "the person is not at WeCom any more; run with mode reconcile", "", 0}},
	{"60103", meaning{orgflow.CodeInvalidRecord, "a mobile number has digits, + and - only; correct it in the HR system", "mobile", 0}},
	{"60104", meaning{orgflow.CodeConflict, "another person in this enterprise has this mobile number; find them in the admin console, correct the number in the HR system or remove the other record", "mobile", 0}},
	{"60105 60106", meaning{orgflow.CodeInvalidRecord, "the e-mail address is malformed or another person's; it must be unique", "email", 0}},
	{"60107", meaning{orgflow.CodeInvalidRecord, adviceRequest, "", 0}},
	{"60110", meaning{orgflow.CodeInvalidRecord, "a person is in 100 departments at most", "department", 0}},
	{"60112", meaning{orgflow.CodeInvalidRecord, "a name has 1 to 64 characters", "name", 0}},
	{"60003", meaning{orgflow.CodeNotFound, "the department is not at WeCom any more; run with mode reconcile", "", 0}},
	{"60123", meaning{orgflow.CodeNotFound, "the department id is none at WeCom; run with mode reconcile", "", 0}},
	{"60127 41019", meaning{orgflow.CodeInvalidRecord, "a person needs a list of department ids; check the template", "department", 0}},
	{"60129", meaning{orgflow.CodeInvalidRecord, "a person needs a mobile number or an e-mail address", "mobile", 0}},
	{"60132", meaning{orgflow.CodeInvalidRecord, "is_leader_in_dept needs one entry for each department", "is_leader_in_dept", 0}},
	{"60141 60142 60143 60144 60145 60146 60147 60148", meaning{orgflow.CodeInvalidRecord, adviceMail, "", 0}},
	{"301005", meaning{orgflow.CodeNeedsHuman, "the creator of the enterprise cannot be deleted; hand it over in the admin console first", "", 0}},
	{"301012", meaning{orgflow.CodeInvalidRecord, "a position has 128 characters at most", "position", 0}},
	{"301013", meaning{orgflow.CodeInvalidRecord, "a telephone has 32 digits at most, with - + and commas", "telephone", 0}},
	{"301014", meaning{orgflow.CodeInvalidRecord, adviceRequest, "", 0}},
	{"301036", meaning{orgflow.CodeNeedsHuman, "WeCom does not change this userid", "userid", 0}},
	{"81001", meaning{orgflow.CodeQuota, "a department holds 30000 people and departments at most; split it", "department", 0}},
	{"40003", meaning{orgflow.CodeInvalidRecord, "a userid has 1 to 64 bytes of letters, digits and _ - @ . and begins with a letter or digit", "userid", 0}},
	{"40031 40032 40035 40058 40063 40066", meaning{orgflow.CodeInvalidRecord, adviceRequest, "", 0}},
}

// departmentLevel is § 11, "Record-level: departments".
var departmentLevel = []row{
	{"60001", meaning{orgflow.CodeInvalidRecord, "a department name has 1 to 64 characters", "name", 0}},
	{"60004 60124", meaning{orgflow.CodeBlocked, "the parent department is not at WeCom; it must be created first", "parentid", 0}},
	{"60005 60006", meaning{orgflow.CodeBlocked, "the department still has members or sub-departments; move or delete them first", "", 0}},
	{"60007", meaning{orgflow.CodeInvalidRecord, "the root department cannot be deleted; check root_department_id and the binding of the root", "", 0}},
	{"60008", meaning{orgflow.CodeConflict, "a department with this name exists under the same parent and could not be taken over; rename one of the two", "name", 0}},
	{"60009 60125", meaning{orgflow.CodeInvalidRecord, `a department name has 1 to 64 characters and none of \ : * ? " < > |`, "name", 0}},
	{"60010", meaning{orgflow.CodeInvalidRecord, "a department cannot be moved below itself", "parentid", 0}},
	{"81002", meaning{orgflow.CodeInvalidRecord, "departments are nested 15 levels deep at most", "parentid", 0}},
}

// misc is § 11, "Messages and misc".
var misc = []row{
	{"81013 82001 82002 82003 45002", meaning{orgflow.CodeInvalidRecord, adviceMessage, "", 0}},
	{"40029 42003 42022", meaning{orgflow.CodeNeedsHuman, adviceLogin, "", 0}},
	{cardCodes, meaning{orgflow.CodeInvalidRecord, "check the template card's definition", "", 0}},
}

const cardCodes = "42027 42028 42029 42030 42031 42032 42033 42034 42035 42036 42037 42038 42039 42040 42041 42042 42043 42044 42045 42046 42047 42048 42049 42050 42051"

// ours are the codes of answer.go.
var ours = []row{
	{codeMalformed, meaning{orgflow.CodeUnknownOutcome, "the answer is not readable; the effect is read back before anything is repeated", "", 0}},
	{codeWarning, meaning{orgflow.CodeInvalidRecord, "WeCom took the record in part only and ignored fields of a wrong type; check the template's types, and report it if they look right", "", 0}},
	{codeHTTP + "404", meaning{orgflow.CodeInvalidConfig, "nothing answers at this address; check base_url of company.json", "", 0}},
	{codeHTTP + "408", meaning{orgflow.CodeUnknownOutcome, "the answer did not come in time; the effect is read back before anything is repeated", "", 0}},
	{codeHTTP + "429", meaning{orgflow.CodeThrottled, adviceSlow, "", time.Second}},
}

var meanings = index(runLevel, memberLevel, departmentLevel, misc, ours)

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
	case strings.HasPrefix(code, codeHTTP) && gatewayFailed(status):
		return meaning{code: orgflow.CodeUnknownOutcome, advice: "a gateway failed; the effect is read back before anything is repeated"}
	case strings.HasPrefix(code, codeHTTP) && status >= http.StatusMultipleChoices && status < http.StatusBadRequest:
		return meaning{code: orgflow.CodeInvalidConfig, advice: "the address redirects; check base_url of company.json"}
	}
	return meaning{
		code:   orgflow.CodeInternal,
		advice: "orgflow does not know this WeCom code; look it up in the vendor's table of errors and report it",
	}
}

// Groups of codes that calls treat alike.

// refusesToken: the token is to be renewed, the call was not executed.
func refusesToken(code string) bool {
	return code == "40001" || code == "40014" || code == "42001"
}

// saysNoPerson: no such userid; for a delete that is success (spec § 3.6).
func saysNoPerson(code string) bool { return code == "60111" }

// saysNoDepartment: no such department; for a delete that is success.
func saysNoDepartment(code string) bool { return code == "60003" || code == "60123" }

// closed: the read is not open to this secret or address; what it would
// show is unknown (WeCom reference § 3).
func closed(code string) bool { return code == "48008" || code == "48009" || code == "60011" }

// optionalField names the field without which the record may be taken, of
// those that were sent (WeCom reference § 11); empty if there is none. 60141
// says that there is no mobile number to fall back on.
func optionalField(code string, body map[string]any) string {
	switch code {
	case "301012":
		return "position"
	case "301013":
		return "telephone"
	case "60142", "60143", "60144", "60145", "60146", "60147", "60148":
		for _, name := range []string{"biz_mail", "biz_mail_alias"} {
			if _, sent := body[name]; sent {
				return name
			}
		}
		if _, fallback := body["mobile"]; fallback {
			return "email"
		}
	}
	return ""
}
