package kingdee

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/vendorcode"
)

// Codes of answers: the vendor's MsgCode where it says something, and words
// of ours where only its text does.
const (
	codeSession   = "1"
	codeNoRight   = "2"
	codeException = "4"
	codeNoData    = "10"

	codeEmpty     = "empty"          // an answer with nothing in it
	codeText      = "response_error" // a plain text of this name
	codeErrors    = "errors"         // a list of errors without a status
	codeError     = "error_"         // and the ErrorCode, where MsgCode is 0
	codeField     = "no_field"
	codeForm      = "no_form"
	codeSyntax    = "bad_query"
	codeBusy      = "busy"
	codeState     = "not_operable"
	codeLoginLost = "login_lost"

	codeLogin       = "login_" // and the LoginResultType
	codeLocked      = "login_locked"
	codeNotAllowed  = "login_not_allowed"
	codeNoAccount   = "login_no_account_set"
	codeAppUser     = "login_app_user"
	codeBadSign     = "login_signature"
	codeLoginOthers = "login_other"
)

const (
	adviceBug   = "orgflow made a wrong call; report it"
	adviceState = "the record's state at the ERP does not allow this"
	adviceLogin = "check username and password (or app_id and app_secret) of erp in company.json; it is not tried again by itself, because about five wrong logins lock the account for half an hour"
)

// Waits before the next attempt.
const (
	busyWait     = 5 * time.Second
	throttleWait = 10 * time.Second
	databaseWait = 10 * time.Second
)

// answers is Kingdee reference § 3.1 row by row, and the phrases of § 3.2.
var answers = []vendorcode.Row{
	{Codes: "1 empty", Code: orgflow.CodeUnavailable, Advice: "the session was renewed and is lost again; it is tried again after a pause, see whether the ERP is being restarted or another program throws the user out"},
	{Codes: "2", Code: orgflow.CodeForbidden, Advice: "give the user the right to see this form and its fields at the ERP"},
	{Codes: "3 5 8", Code: orgflow.CodeInternal, Advice: adviceBug},
	{Codes: "4", Code: orgflow.CodeInternal, Advice: "the ERP failed twice; see its log for the time of the call"},
	{Codes: "6", Code: orgflow.CodeUnavailable, Advice: "the ERP's database failed; it is tried again", After: databaseWait},
	{Codes: "7", Code: orgflow.CodeForbidden, Advice: "the ERP's licence does not allow this; see its licences and seats"},
	{Codes: "9", Code: orgflow.CodeInvalidConfig, Advice: "a field or value is missing; compare the form's file with the ERP's metadata"},
	{Codes: "10", Code: orgflow.CodeNotFound, Advice: "the ERP has no data of this kind"},
	{Codes: "11", Code: orgflow.CodeInvalidRecord, Advice: "the ERP's validation refuses the record"},
	{Codes: "12 not_operable", Code: orgflow.CodeInvalidRecord, Advice: adviceState},
	{Codes: "13 busy", Code: orgflow.CodeUnavailable, Advice: "somebody uses the record or form at this moment; it is tried again", After: busyWait},
	{Codes: "14", Code: orgflow.CodeThrottled, Advice: "too many calls for the ERP; the run goes on by itself after a pause, lower qps or concurrency in company.json if this is frequent", After: throttleWait},
	{Codes: "15", Code: orgflow.CodeForbidden, Advice: "the ERP lets no administrator log in here; give orgflow a user of its own"},
	{Codes: "no_field", Code: orgflow.CodeInvalidConfig, Advice: "the form has no such field in this account set (names are case-sensitive); compare the form's file with the ERP's metadata", Cause: connectors.ErrNoField},
	{Codes: "no_form", Code: orgflow.CodeNotFound, Advice: "the ERP has no such form; check form_id, and that its module is enabled"},
	{Codes: "bad_query", Code: orgflow.CodeInternal, Advice: adviceBug},
	{Codes: "response_error errors", Code: orgflow.CodeInternal, Advice: "the ERP failed; see its log for the time of the call"},
	{Codes: "http_403", Code: orgflow.CodeForbidden, Advice: "check that base_url of erp in company.json ends in /k3cloud/, and that the server lets this address in"},
	{Codes: "http_401", Code: orgflow.CodeUnauthorized, Advice: "something in front of the ERP asks for a login of its own; check base_url of erp in company.json"},
	{Codes: "http_404 http_405", Code: orgflow.CodeInvalidConfig, Advice: "nothing answers there; check base_url of erp in company.json"},
	{Codes: "http_408 malformed", Code: orgflow.CodeUnavailable, Advice: "the answer is not the ERP's; it is tried again, see what stands between"},
	{Codes: "http_429", Code: orgflow.CodeThrottled, Advice: "something in front of the ERP asks for fewer calls; lower qps in company.json if this is frequent", After: throttleWait},
}

// logins is Kingdee reference § 2. None but the last may be tried again.
var logins = []vendorcode.Row{
	{Codes: "login_0 login_-1", Code: orgflow.CodeUnauthorized, Advice: adviceLogin, Field: "/erp"},
	{Codes: "login_-2 login_-3", Code: orgflow.CodeUnauthorized, Advice: "the password has to be changed: log in by hand once, and set password in company.json", Field: "/erp/password"},
	{Codes: "login_-4", Code: orgflow.CodeUnauthorized, Advice: "the ERP warns and gives no session; log in by hand once and see what it asks", Field: "/erp"},
	{Codes: "login_-6", Code: orgflow.CodeUnauthorized, Advice: "the user is not bound to a cloud account (云之家); bind it, or take another user", Field: "/erp/username"},
	{Codes: "login_-7", Code: orgflow.CodeForbidden, Advice: "the ERP has to be activated"},
	{Codes: "login_other", Code: orgflow.CodeUnauthorized, Advice: adviceLogin, Field: "/erp"},
	{Codes: "login_locked", Code: orgflow.CodeUnauthorized, Advice: "the account is locked for about half an hour after too many wrong logins; correct the credentials and wait, or have it unlocked", Field: "/erp"},
	{Codes: "login_not_allowed", Code: orgflow.CodeForbidden, Advice: "put the user on the list of those who may call the WebAPI at the ERP", Field: "/erp/username"},
	{Codes: "login_no_account_set", Code: orgflow.CodeInvalidConfig, Advice: "acct_id of erp in company.json is no account set of this server", Field: "/erp/acct_id"},
	{Codes: "login_app_user", Code: orgflow.CodeForbidden, Advice: "authorise the application for this user at the ERP (third-party system login authorisation)", Field: "/erp/app_id"},
	{Codes: "login_signature", Code: orgflow.CodeUnauthorized, Advice: "the signature is refused: check app_secret and the clock, and set sign_digest to sha1 for servers before patch PT-146911", Field: "/erp/app_secret"},
	{Codes: "login_lost", Code: orgflow.CodeInvalidConfig, Advice: "a login that ends so is most often one to a wrong account set: check acct_id, and app_id with its secret, of erp in company.json", Field: "/erp/acct_id"},
}

var meanings = vendorcode.Index(answers, logins)

func meaningOf(code string, status int) vendorcode.Meaning {
	if status < http.StatusMultipleChoices && strings.HasPrefix(code, vendorcode.HTTP) { // no status of a success is an error
		code = vendorcode.Malformed
	}
	return meanings.Of(code, status, vendorcode.Others{
		Gateway:  vendorcode.Meaning{Code: orgflow.CodeUnavailable, Advice: "the ERP or something in front of it failed; it is tried again, see the ERP's log if it stays"},
		Redirect: vendorcode.Meaning{Code: orgflow.CodeInvalidConfig, Advice: "the address leads elsewhere; check base_url of erp in company.json"},
		Unknown:  vendorcode.Meaning{Code: orgflow.CodeInternal, Advice: "orgflow does not know this answer of the ERP; see the ERP's log for the time of the call"},
	})
}

// phrases say what an answer is about whatever its code (§ 3.2). The bare
// word 登录 is none of them: captions of fields contain it.
var phrases = []struct{ code, text string }{
	{codeSession, "会话信息已丢失"},
	{codeForm, "业务对象不存在"},
	{codeSyntax, "当前查询串无法解析"},
	{codeBusy, "冲突，请稍候再使用"},
	{codeState, "已审核，不允许修改"},
}

var noField = regexp.MustCompile(`元数据中标识为(.{1,200}?)的字段不存在`)

// classify finds the code of a text; fallback is the one it came with.
func classify(fallback, text string) found {
	if m := noField.FindStringSubmatch(text); m != nil {
		return found{codeField, text, strings.Trim(m[1], " \"'“”‘’[]【】")}
	}
	for _, p := range phrases {
		if strings.Contains(text, p.text) {
			return found{code: p.code, text: text}
		}
	}
	return found{code: fallback, text: text}
}

// signatureMismatch is the MessageCode of a wrong LoginBySign.
const signatureMismatch = "002005000003016"

// loginCode is the code of a refused login.
func loginCode(kind int, message, messageCode string) string {
	switch {
	case strings.Contains(message, "次数超限"):
		return codeLocked
	case strings.Contains(message, "未指定允许调用WebAPI接口"):
		return codeNotAllowed
	case strings.Contains(message, "数据中心无法获取到"):
		return codeNoAccount
	case strings.Contains(message, "第三方应用") && strings.Contains(message, "不允许"):
		return codeAppUser
	case strings.Contains(message, "会话信息已丢失"):
		return codeLoginLost
	case messageCode == signatureMismatch:
		return codeBadSign
	}
	code := codeLogin + strconv.Itoa(kind)
	if _, known := meanings[code]; known {
		return code
	}
	return codeLoginOthers
}
