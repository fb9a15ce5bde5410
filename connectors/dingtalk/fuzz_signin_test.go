package dingtalk

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"orgflow/connectors"
	"orgflow/internal/transport"
)

// FuzzNobodyComesInByAccident replaces one answer of a sign-in by anything.
// Whoever is let in is the one whose record DingTalk shows, or nobody.
func FuzzNobodyComesInByAccident(f *testing.F) {
	paths := []string{pathUserToken, pathMe, pathByUnionID, pathGetUserInfo, pathUserGet}
	good := map[string]string{
		newToken.path: `{"accessToken":"T1","expireIn":7200}`, pathUserToken: grantedToken, pathMe: someMe, pathByUnionID: someStaff,
		pathUserGet: somePerson, pathGetUserInfo: `{"errcode":0,"result":{"userid":"E1","unionid":"union-1"}}`,
	}
	for i, path := range paths {
		f.Add(i, 200, good[path])
	}
	for _, body := range []string{
		``, `{}`, `null`, `[]`, `{"errcode":0}`, `{"errcode":"0","result":{"userid":"E2","contact_type":"0"}}`, `{"result":{"userid":"E1","contact_type":0}}`,
		`{"errcode":0,"result":{"userid":"E1","contact_type":null}}`, `{"errcode":0,"sub_code":"60121","result":{"userid":"E1","contact_type":0}}`,
		`<html></html>`, `{"unionId":""}`, `{"accessToken":"","corpId":"corp-1"}`,
	} {
		for i := range paths {
			f.Add(i, 200, body)
		}
	}
	f.Fuzz(func(t *testing.T, which, status int, body string) {
		if which < 0 || which >= len(paths) || status < 100 || status > 599 {
			return
		}
		wire := transport.Func(func(r *http.Request) (*http.Response, error) {
			answer, code := good[r.URL.Path], 200
			if r.URL.Path == paths[which] {
				answer, code = body, status
			}
			return &http.Response{StatusCode: code, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(answer)), Request: r}, nil
		})
		one, two := wired(t, "v2", wire), wired(t, "v2", wire) // one that was throttled would wait
		one.cfg.CorpID, two.cfg.CorpID = "corp-1", "corp-1"
		inBrowser, err := one.MemberByBrowserCode(t.Context(), "code")
		inClient, err2 := two.MemberByAppCode(t.Context(), "code")
		for _, got := range []struct {
			member connectors.Member
			err    error
		}{{inBrowser, err}, {inClient, err2}} {
			if (got.err == nil) != (got.member.UserID == "E1") || got.err != nil && got.member != (connectors.Member{}) {
				t.Errorf("%s answers %d %q: %+v, %v", paths[which], status, body, got.member, got.err)
			}
		}
	})
}
