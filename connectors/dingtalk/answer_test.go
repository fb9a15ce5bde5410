package dingtalk

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/connectors/vendorcode"
	"orgflow/connectors/wire"
)

// The envelopes of DingTalk reference § 1.1, § 1.2 and § 10.3, as observed.
func TestAnswersAreTold(t *testing.T) {
	for name, tc := range map[string]struct {
		status    int
		body      string
		newFamily bool
		code      string
		text      string
	}{
		"topapi success":                   {200, `{"errcode":0,"errmsg":"ok","request_id":"15rajd","result":{}}`, false, "", "ok"},
		"topapi success, number as text":   {200, `{"errcode":"0","errmsg":"ok"}`, false, "", "ok"},
		"byte order mark and white space":  {200, "\n\ufeff {\"errcode\":0}\n", false, "", ""},
		"wrapped token error":              {200, `{"errcode":88,"sub_code":"40014","sub_msg":"不合法的access_token","errmsg":"ding talk error[subcode=40014,submsg=不合法的access_token]","request_id":"x"}`, false, "40014", "不合法的access_token"},
		"wrapped, numbers the other way":   {200, `{"errcode":"88","sub_code":60011,"sub_msg":"x"}`, false, "60011", "x"},
		"bare token error":                 {200, `{"errcode":40014,"errmsg":"不合法的access_token"}`, false, "40014", "不合法的access_token"},
		"business error":                   {200, `{"errcode":60121,"errmsg":"找不到该用户","request_id":"x"}`, false, "60121", "找不到该用户"},
		"parameter gate":                   {200, `{"errcode":40,"errmsg":"Missing required arguments:msg","request_id":"x"}`, false, "40", "Missing required arguments:msg"},
		"unknown path":                     {200, `{"errcode":22,"sub_msg":"不合法ApiName","errmsg":"Invalid method[submsg=…]"}`, false, "22", "不合法ApiName"},
		"wrapper without a sub_code":       {200, `{"errcode":88,"errmsg":"ding talk error"}`, false, "88", "ding talk error"},
		"busy":                             {200, `{"errcode":-1,"errmsg":"系统繁忙"}`, false, "-1", "系统繁忙"},
		"new family success":               {200, `{"accessToken":"t","expireIn":7200}`, true, "", ""},
		"new family error":                 {400, `{"code":"InvalidAuthentication","requestid":"01A0","message":"不合法的access_token"}`, true, "InvalidAuthentication", "不合法的access_token"},
		"new family error, capitals":       {400, `{"Code":"invalidClientIdOrSecret","RequestId":"01A0","Message":"无效"}`, true, "invalidClientIdOrSecret", "无效"},
		"new family permission":            {403, `{"code":"Forbidden.AccessDenied.AccessTokenPermissionDenied","message":"no","accessdenieddetail":{"requiredScopes":["Contact.User.Read"]}}`, true, "Forbidden.AccessDenied.AccessTokenPermissionDenied", "no requiredScopes=[Contact.User.Read]"},
		"ban as a page":                    {200, `<!DOCTYPE html><html><body>punish</body></html>`, false, "ip_ban", ""},
		"ban as a page, 403":               {403, "  <html/>", true, "ip_ban", ""},
		"ban as JSON":                      {200, `{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"u"}`, false, "ip_ban", ""},
		"cut short":                        {200, `{"errcode":0,"errm`, false, "malformed", ""},
		"empty":                            {200, ``, false, "malformed", ""},
		"no errcode":                       {200, `{"result":{}}`, false, "malformed", ""},
		"a list":                           {200, `[]`, false, "malformed", ""},
		"null":                             {200, `null`, false, "malformed", ""},
		"errcode of a wrong type":          {200, `{"errcode":{}}`, false, "malformed", ""},
		"text":                             {200, `try later`, false, "malformed", ""},
		"gateway failed":                   {502, `<html>Bad Gateway</html>`, false, "http_502", ""},
		"gateway failed, says ok":          {500, `{"errcode":0}`, false, "http_500", ""},
		"wrong address":                    {404, `<html>not found</html>`, false, "http_404", ""},
		"status without a word":            {418, `{}`, true, "http_418", ""},
		"an unknown code is never success": {200, `{"errcode":987654,"errmsg":"new"}`, false, "987654", "new"},
	} {
		t.Run(name, func(t *testing.T) {
			a := decodeAnswer(tc.status, []byte(tc.body), tc.newFamily)
			if a.code != tc.code || a.text() != tc.text {
				t.Fatalf("code %q, text %q; want %q, %q", a.code, a.text(), tc.code, tc.text)
			}
		})
	}
}

// The golden file lists every code of DingTalk reference § 10 and what it
// means to us. A row is changed on purpose, never by accident.
func TestEveryDocumentedCodeHasItsMeaning(t *testing.T) {
	raw, err := os.ReadFile("testdata/codes.golden")
	if err != nil {
		t.Fatal(err)
	}
	golden := map[string]string{}
	for line := range strings.Lines(string(raw)) {
		code, meaning, _ := strings.Cut(strings.TrimSpace(line), "\t")
		golden[code] = meaning
	}
	have := map[string]string{}
	for code, m := range vendorcode.Index(oldFamily, newFamily) {
		have[code] = string(m.Code)
		if m.Advice == "" {
			t.Errorf("code %s has no advice", code)
		}
	}
	if diff := cmp.Diff(golden, have); diff != "" {
		t.Errorf("(-golden +table)\n%s", diff)
	}
}

func TestNoCodeHasTwoMeanings(t *testing.T) {
	seen := map[string]bool{}
	for _, table := range [][]vendorcode.Row{oldFamily, newFamily, ours} {
		for _, r := range table {
			for code := range strings.FieldsSeq(r.Codes) {
				if seen[code] {
					t.Errorf("code %s stands in two rows", code)
				}
				seen[code] = true
			}
		}
	}
}

func TestCodesOutsideTheTables(t *testing.T) {
	for code, tc := range map[string]struct {
		status int
		want   orgflow.Code
	}{
		"987654":                              {200, orgflow.CodeInternal},
		"some.new.code":                       {400, orgflow.CodeInternal},
		"some.flowControlError":               {400, orgflow.CodeThrottled},
		"Forbidden.AccessDenied.QpsLimitForX": {403, orgflow.CodeThrottled},
		"Forbidden.AccessDenied.QpmLimitForX": {403, orgflow.CodeThrottled},
		"anything":                            {429, orgflow.CodeThrottled},
		"MissingoperatorId":                   {400, orgflow.CodeInvalidRecord},
		"whatever.failed":                     {500, orgflow.CodeUnavailable},
		"http_503":                            {503, orgflow.CodeUnknownOutcome},
		"http_302":                            {302, orgflow.CodeInvalidConfig},
		"http_404":                            {404, orgflow.CodeInvalidConfig},
		"http_418":                            {418, orgflow.CodeInternal},
	} {
		m := meaningOf(code, tc.status)
		if m.Code != tc.want || m.Advice == "" {
			t.Errorf("%s: %+v, want %s with advice", code, m, tc.want)
		}
	}
}

func TestReleaseTimeOfAThrottle(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		const said = "当前所有钉钉应用调用该接口次数过多，超出了该接口承受的最大qps，请求被暂时限制了，建议错开整点时刻调用该接口, apiPath(dingtalk.oapi.v2.department.listsub), 从 2021-01-01 10:00:00 到 2021-01-01 10:00:01 请求总次数超过 1200 次, 限制将在 2021-01-01 10:00:04 结束."
		c := newStub(t).client() // its clock stands at 10:00:00
		for name, tc := range map[string]struct {
			msg  string
			want time.Duration
		}{
			"until the time named":      {said, 4*time.Second + 300*time.Millisecond},
			"older wording":             {"处罚将在 2021-01-01 10:00:02 结束", 2*time.Second + 300*time.Millisecond},
			"the time has passed":       {"限制将在2021-01-01 09:59:59结束", 300 * time.Millisecond},
			"a time far off":            {"限制将在 2031-01-01 10:00:00 结束", 1300 * time.Millisecond},
			"no time":                   {"qps", 1300 * time.Millisecond},
			"something else in between": {"限制将在 明天 结束", 1300 * time.Millisecond},
		} {
			t.Run(name, func(t *testing.T) {
				a := &answer{envelope: envelope{SubMsg: wire.Text(tc.msg)}, code: "90002", status: 200}
				f := c.fault(a, true)
				if f.Code != orgflow.CodeThrottled || f.RetryAfter != tc.want {
					t.Fatalf("%s after %s, want throttled after %s", f.Code, f.RetryAfter, tc.want)
				}
			})
		}
	})
}

func FuzzDecodeAnswer(f *testing.F) {
	f.Add(200, []byte(`{"errcode":0,"result":{"dept_id":1}}`), false)
	f.Add(200, []byte(`{"errcode":88,"sub_code":"40014","sub_msg":"x"}`), false)
	f.Add(400, []byte(`{"code":"x","accessdenieddetail":{"requiredScopes":["a"]}}`), true)
	f.Add(200, []byte(`<html>`), false)
	f.Add(200, []byte(`{"errcode":"00"}`), false)
	c := newFuzzClient(f)
	f.Fuzz(func(t *testing.T, status int, body []byte, newFamily bool) {
		a := decodeAnswer(status, body, newFamily)
		if a.code == "" && status >= 400 {
			t.Fatalf("status %d was taken for success", status)
		}
		if a.code == "" && !newFamily && (a.ErrCode == nil || *a.ErrCode != "0") {
			t.Fatalf("success without errcode 0: %s", body)
		}
		if fault := c.fault(&a, true); (fault == nil) != (a.code == "") || (fault != nil && (fault.Code == "" || fault.Advice == "")) {
			t.Fatalf("code %q became %+v", a.code, fault)
		}
	})
}

func FuzzParseRelease(f *testing.F) {
	f.Add("限制将在 2021-01-01 10:00:01 结束")
	f.Add("处罚将在结束")
	f.Add("将在0000-01-01 0:00:00结束")
	c := newFuzzClient(f)
	f.Fuzz(func(t *testing.T, msg string) {
		if wait := c.releaseIn(msg, time.Minute); wait < 0 || wait > maxRelease+2*time.Second {
			t.Fatalf("waits %s", wait)
		}
		if at, ok := parseRelease(msg); ok && !strings.Contains(msg, at.Format("2006-01-02")) {
			t.Fatalf("%s does not stand in %q", at, msg)
		}
	})
}

func newFuzzClient(f *testing.F) *Client {
	c, err := New(Config{BaseURL: "http://x", APIBaseURL: "http://x", AppKey: "k", AppSecret: "sss"}, Options{})
	if err != nil {
		f.Fatal(err)
	}
	return c
}
