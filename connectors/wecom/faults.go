package wecom

import (
	"time"

	"orgflow"
	"orgflow/connectors/vendorcode"
)

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
var runLevel = []vendorcode.Row{
	{Codes: "-1", Code: orgflow.CodeUnavailable, Advice: "WeCom is busy; it is tried again", After: time.Second},
	{Codes: "6000", Code: orgflow.CodeUnavailable, Advice: "somebody else writes contacts at the same moment; it is tried again", After: time.Second},
	{Codes: "40001 40014 42001", Code: orgflow.CodeUnauthorized, Advice: adviceToken},
	{Codes: "40013 40091 40125", Code: orgflow.CodeUnauthorized, Advice: adviceSecret},
	{Codes: "41001 41002 41004", Code: orgflow.CodeInvalidConfig, Advice: adviceBug},
	{Codes: "40056", Code: orgflow.CodeInvalidConfig, Advice: "check agent_id of the consumer we_com in company.json"},
	{Codes: "45009", Code: orgflow.CodeThrottled, Advice: adviceSlow},
	{Codes: "45033", Code: orgflow.CodeThrottled, Advice: "too many calls at once for WeCom; fewer are made from now on, lower parallel in company.json if this is frequent", After: time.Second},
	{Codes: "45024", Code: orgflow.CodeQuota, Advice: "the enterprise has as many accounts as WeCom allows; have the limit raised in the admin console"},
	{Codes: "45026", Code: orgflow.CodeNeedsHuman, Advice: "WeCom refuses to delete so many people at once; a person must decide, and the file must not be cut to get around it"},
	{Codes: "45029", Code: orgflow.CodePartialRead, Advice: "the answer would be too large; it is read in smaller parts"},
	{Codes: "48001 48002", Code: orgflow.CodeForbidden, Advice: adviceSecret2},
	{Codes: "48005 48006", Code: orgflow.CodeForbidden, Advice: "WeCom has withdrawn this call; an update of orgflow is needed"},
	{Codes: "48008 48009", Code: orgflow.CodeForbidden, Advice: adviceBlind},
	{Codes: "60011", Code: orgflow.CodeNeedsHuman, Advice: "the secret has no right over this record; widen its range in the WeCom admin console"},
	{Codes: "60020", Code: orgflow.CodeForbidden, Advice: "add the address in the message to the trusted addresses of the contacts-sync assistant in the WeCom admin console; it takes about a minute"},
	{Codes: "50001 50002 50003 301002", Code: orgflow.CodeForbidden, Advice: adviceApp},
	{Codes: "302003 302004 302005 302006 302007 40092", Code: orgflow.CodeInvalidRecord, Advice: adviceFile},
	{Codes: "302008", Code: orgflow.CodeThrottled, Advice: "another import runs at WeCom; this one waits for it", After: importPause},
	{Codes: "40088", Code: orgflow.CodeUnknownOutcome, Advice: "WeCom does not know this import job; what became of it is unknown"},
	{Codes: "40089", Code: orgflow.CodeUnknownOutcome, Advice: "WeCom keeps the results of the last five imports only; what became of this one is unknown"},
	{Codes: "40206", Code: orgflow.CodeInvalidRecord, Advice: "the request is larger than WeCom takes"},
}

// memberLevel is § 11, "Record-level: members".
var memberLevel = []vendorcode.Row{
	{Codes: "60102", Code: orgflow.CodeConflict, Advice: "the userid exists already", Field: "userid"},
	{Codes: "60111", Code: orgflow.CodeNotFound, Advice: "the person is not at WeCom any more; run with mode reconcile"},
	{Codes: "60103", Code: orgflow.CodeInvalidRecord, Advice: "a mobile number has digits, + and - only; correct it in the HR system", Field: "mobile"},
	{Codes: "60104", Code: orgflow.CodeConflict, Advice: "another person in this enterprise has this mobile number; find them in the admin console, correct the number in the HR system or remove the other record", Field: "mobile"},
	{Codes: "60105 60106", Code: orgflow.CodeInvalidRecord, Advice: "the e-mail address is malformed or another person's; it must be unique", Field: "email"},
	{Codes: "60107", Code: orgflow.CodeInvalidRecord, Advice: adviceRequest},
	{Codes: "60110", Code: orgflow.CodeInvalidRecord, Advice: "a person is in 100 departments at most", Field: "department"},
	{Codes: "60112", Code: orgflow.CodeInvalidRecord, Advice: "a name has 1 to 64 characters", Field: "name"},
	{Codes: "60003", Code: orgflow.CodeNotFound, Advice: "the department is not at WeCom any more; run with mode reconcile"},
	{Codes: "60123", Code: orgflow.CodeNotFound, Advice: "the department id is none at WeCom; run with mode reconcile"},
	{Codes: "60127 41019", Code: orgflow.CodeInvalidRecord, Advice: "a person needs a list of department ids; check the template", Field: "department"},
	{Codes: "60129", Code: orgflow.CodeInvalidRecord, Advice: "a person needs a mobile number or an e-mail address", Field: "mobile"},
	{Codes: "60132", Code: orgflow.CodeInvalidRecord, Advice: "is_leader_in_dept needs one entry for each department", Field: "is_leader_in_dept"},
	{Codes: "60141 60142 60143 60144 60145 60146 60147 60148", Code: orgflow.CodeInvalidRecord, Advice: adviceMail},
	{Codes: "301005", Code: orgflow.CodeNeedsHuman, Advice: "the creator of the enterprise cannot be deleted; hand it over in the admin console first"},
	{Codes: "301012", Code: orgflow.CodeInvalidRecord, Advice: "a position has 128 characters at most", Field: "position"},
	{Codes: "301013", Code: orgflow.CodeInvalidRecord, Advice: "a telephone has 32 digits at most, with - + and commas", Field: "telephone"},
	{Codes: "301014", Code: orgflow.CodeInvalidRecord, Advice: adviceRequest},
	{Codes: "301036", Code: orgflow.CodeNeedsHuman, Advice: "WeCom does not change this userid", Field: "userid"},
	{Codes: "81001", Code: orgflow.CodeQuota, Advice: "a department holds 30000 people and departments at most; split it", Field: "department"},
	{Codes: "40003", Code: orgflow.CodeInvalidRecord, Advice: "a userid has 1 to 64 bytes of letters, digits and _ - @ . and begins with a letter or digit", Field: "userid"},
	{Codes: "40031 40032 40035 40058 40063 40066", Code: orgflow.CodeInvalidRecord, Advice: adviceRequest},
}

// departmentLevel is § 11, "Record-level: departments".
var departmentLevel = []vendorcode.Row{
	{Codes: "60001", Code: orgflow.CodeInvalidRecord, Advice: "a department name has 1 to 64 characters", Field: "name"},
	{Codes: "60004 60124", Code: orgflow.CodeBlocked, Advice: "the parent department is not at WeCom; it must be created first", Field: "parentid"},
	{Codes: "60005 60006", Code: orgflow.CodeBlocked, Advice: "the department still has members or sub-departments; move or delete them first"},
	{Codes: "60007", Code: orgflow.CodeInvalidRecord, Advice: "the root department cannot be deleted; check root_department_id and the binding of the root"},
	{Codes: "60008", Code: orgflow.CodeConflict, Advice: "a department with this name exists under the same parent and could not be taken over; rename one of the two", Field: "name"},
	{Codes: "60009 60125", Code: orgflow.CodeInvalidRecord, Advice: `a department name has 1 to 64 characters and none of \ : * ? " < > |`, Field: "name"},
	{Codes: "60010", Code: orgflow.CodeInvalidRecord, Advice: "a department cannot be moved below itself", Field: "parentid"},
	{Codes: "81002", Code: orgflow.CodeInvalidRecord, Advice: "departments are nested 15 levels deep at most", Field: "parentid"},
}

// misc is § 11, "Messages and misc".
var misc = []vendorcode.Row{
	{Codes: "81013 82001 82002 82003 45002", Code: orgflow.CodeInvalidRecord, Advice: adviceMessage},
	{Codes: "40029 42003 42022", Code: orgflow.CodeNeedsHuman, Advice: adviceLogin},
	{Codes: cardCodes, Code: orgflow.CodeInvalidRecord, Advice: "check the template card's definition"},
}

const cardCodes = "42027 42028 42029 42030 42031 42032 42033 42034 42035 42036 42037 42038 42039 42040 42041 42042 42043 42044 42045 42046 42047 42048 42049 42050 42051"

// ours are the codes that are not the vendor's.
var ours = []vendorcode.Row{
	{Codes: vendorcode.Malformed, Code: orgflow.CodeUnknownOutcome, Advice: "the answer is not readable; the effect is read back before anything is repeated"},
	{Codes: codeWarning, Code: orgflow.CodeInvalidRecord, Advice: "WeCom took the record in part only and ignored fields of a wrong type; check the template's types, and report it if they look right"},
	{Codes: vendorcode.HTTP + "404", Code: orgflow.CodeInvalidConfig, Advice: "nothing answers at this address; check base_url of company.json"},
	{Codes: vendorcode.HTTP + "408", Code: orgflow.CodeUnknownOutcome, Advice: "the answer did not come in time; the effect is read back before anything is repeated"},
	{Codes: vendorcode.HTTP + "429", Code: orgflow.CodeThrottled, Advice: adviceSlow, After: time.Second},
}

var meanings = vendorcode.Index(runLevel, memberLevel, departmentLevel, misc, ours)

var others = vendorcode.Others{
	Gateway:  vendorcode.Meaning{Code: orgflow.CodeUnknownOutcome, Advice: "a gateway failed; the effect is read back before anything is repeated"},
	Redirect: vendorcode.Meaning{Code: orgflow.CodeInvalidConfig, Advice: "the address redirects; check base_url of company.json"},
	Unknown: vendorcode.Meaning{
		Code:   orgflow.CodeInternal,
		Advice: "orgflow does not know this WeCom code; look it up in the vendor's table of errors and report it",
	},
}

func meaningOf(code string, status int) vendorcode.Meaning { return meanings.Of(code, status, others) }

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
