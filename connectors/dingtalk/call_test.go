package dingtalk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/egress"
	"orgflow/internal/transport"
)

func updateTitle() connectors.Effect {
	return connectors.Effect{Kind: orgflow.Person, Op: orgflow.Update, ConsumerID: "E1", Fields: map[string]any{"title": "总监"}}
}

func TestRefusedTokenIsRenewedOnce(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		for _, refusal := range []string{wrapped("40014", "不合法的access_token"), wrapped("42001", "expired"), failure("40014"), failure("40001"), failure("41001")} {
			t.Run(refusal, func(t *testing.T) {
				s := newStub(t).on(pathToken, `{"accessToken":"T1","expireIn":7200}`, `{"accessToken":"T2","expireIn":7200}`).
					on(pathUserUpdate, refusal, okAnswer)
				c := s.client()
				r := apply(t, c, updateTitle())
				if r.Calls != 4 || c.Stats().TokenRenewals != 2 || c.Stats().Calls != 4 {
					t.Errorf("receipt %+v, stats %+v; want 4 calls with 2 of them for tokens", r, c.Stats())
				}
				updates := s.calls(pathUserUpdate)
				if len(updates) != 2 || updates[0].token != "T1" || updates[1].token != "T2" {
					t.Errorf("updates %+v, want one with each token", updates)
				}
			})
		}
	})
}

func TestTokenRefusedTwice(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		s := newStub(t).on(pathUserUpdate, wrapped("40014", "x"))
		_, f := applyFault(t, s.client(), updateTitle(), orgflow.CodeUnauthorized)
		if n := len(s.calls(pathUserUpdate)); n != 2 || !f.StopsRun() {
			t.Errorf("%d calls, stops run %v; want 2, true", n, f.StopsRun())
		}
	})
}

func TestWrongSecret(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		for _, answer := range []string{`{"code":"invalidClientIdOrSecret","message":"无效的clientId或者clientSecret","requestid":"X"}`, failure("40096"), failure("40089")} {
			s := newStub(t)
			s.handlers[pathToken] = func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, answer)
			}
			r, f := applyFault(t, s.client(), updateTitle(), orgflow.CodeUnauthorized)
			if !strings.Contains(f.Advice, "appkey") || !strings.Contains(f.Advice, "appsecret") || !strings.Contains(f.Advice, "company.json") {
				t.Errorf("advice %q does not name what to correct", f.Advice)
			}
			if r.Calls != 1 || r.Writes != 0 {
				t.Errorf("receipt %+v, want the token call alone", r)
			}
		}
	})
}

// Eight callers hold the same token when it expires: each is refused, one
// renews, all repeat.
func TestParallelCallersRenewOnce(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		const callers = 8
		s := newStub(t)
		var fetched, valid atomic.Int64
		valid.Store(1)
		s.handlers[pathToken] = func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"accessToken":"T%d","expireIn":7200}`, fetched.Add(1))
		}
		var refused sync.WaitGroup
		refused.Add(callers)
		s.handlers[pathUserUpdate] = func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("access_token") == fmt.Sprintf("T%d", valid.Load()) {
				_, _ = io.WriteString(w, okAnswer)
				return
			}
			refused.Done()
			refused.Wait() // nobody is answered before all have sent the old token
			_, _ = io.WriteString(w, wrapped("40014", "不合法的access_token"))
		}
		c := s.client()
		apply(t, c, updateTitle()) // everybody's token is T1
		valid.Store(2)

		var wg sync.WaitGroup
		var calls atomic.Int64
		for range callers {
			wg.Go(func() {
				r, err := c.Apply(t.Context(), updateTitle())
				if err != nil {
					t.Error(err)
				}
				calls.Add(int64(r.Calls))
			})
		}
		wg.Wait()
		if fetched.Load() != 2 || c.Stats().TokenRenewals != 2 {
			t.Fatalf("%d tokens fetched, want the first and exactly one renewal", fetched.Load())
		}
		if calls.Load() != 2*callers+1 {
			t.Errorf("receipts count %d calls, want %d", calls.Load(), 2*callers+1)
		}
	})
}

// A person is created, but the answer never comes: unknown outcome. Tried
// again in doubt, the person is found as wanted and nothing is written.
func TestLostAnswerIsResolvedWithoutAWrite(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		for name, lose := range map[string]http.HandlerFunc{
			"timeout":            func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, okAnswer) },
			"dropped connection": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			"malformed JSON":     func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"errcode":0,"result":{"user`) },
			"gateway timeout":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGatewayTimeout) },
		} {
			t.Run(name, func(t *testing.T) {
				s := newStub(t).on(pathUserGet, storedE1)
				var created atomic.Int64
				s.handlers[pathUserCreate] = func(w http.ResponseWriter, r *http.Request) {
					created.Add(1)
					lose(w, r)
				}
				c := s.client(func(o *Options) {
					if name == "timeout" {
						o.Transport = tooLate(s.wirePath(pathUserCreate))
					}
				})
				r, f := applyFault(t, c, personInsert(), orgflow.CodeUnknownOutcome)
				if r.Writes != 1 || r.Calls != 2 || !f.Transient() {
					t.Errorf("receipt %+v beside %v", r, f)
				}
				e := personInsert()
				e.InDoubt = true
				if r := apply(t, c, e); r.Writes != 0 || r.Calls != 1 || r.ConsumerID != "E1" {
					t.Errorf("receipt %+v, want one read and no write", r)
				}
				if created.Load() != 1 {
					t.Errorf("created %d times, want once", created.Load())
				}
			})
		}
	})
}

// tooLate is a wire on which the answers of a path come after the deadline.
func tooLate(path string) http.RoundTripper {
	base := transport.NewBase(egress.List{})
	return transport.Func(func(req *http.Request) (*http.Response, error) {
		res, err := base.RoundTrip(req)
		if err == nil && strings.HasSuffix(req.URL.Path, path) {
			_ = res.Body.Close()
			return nil, context.DeadlineExceeded
		}
		return res, err
	})
}

func TestLostAnswerToAReadIsUnavailable(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		s := newStub(t).on(pathUserGet, `{"errcode":0,"result":`)
		if _, err := s.client().GetUser(t.Context(), "E1"); orgflow.AsFault(err).Code != orgflow.CodeUnavailable {
			t.Fatalf("got %v", err)
		}
	})
}

func TestBanStopsAllTraffic(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		for _, page := range []string{`<html>deny</html>`, `{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"u"}`} {
			s := newStub(t).on(pathUserUpdate, page, okAnswer)
			now := testNow
			c := s.client(func(o *Options) { o.Now = func() time.Time { return now } })
			_, f := applyFault(t, c, updateTitle(), orgflow.CodeThrottled)
			if f.VendorCode != "ip_ban" || f.RetryAfter != 5*time.Minute {
				t.Errorf("fault %+v, want ip_ban for 5 minutes", f)
			}
			now = now.Add(time.Minute)
			r, f := applyFault(t, c, updateTitle(), orgflow.CodeThrottled)
			if r.Calls != 0 || f.RetryAfter != 4*time.Minute {
				t.Errorf("after a minute: %d calls, wait %s; want none, 4 minutes", r.Calls, f.RetryAfter)
			}
			now = now.Add(4 * time.Minute)
			apply(t, c, updateTitle())
			if n := c.Stats().Throttled; n != 1 {
				t.Errorf("%d answers counted as throttled, want 1", n)
			}
		}
	})
}

func TestFaultsKeepWhatTheyNeed(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		for answer, want := range map[string]struct {
			code    orgflow.Code
			contain string
		}{
			wrapped("60011", "应用尚未开通所需的权限：[qyapi_manage_addresslist]，点击链接申请 {requiredScopes=[qyapi_manage_addresslist]}"): {orgflow.CodeForbidden, "requiredScopes=[qyapi_manage_addresslist]"},
			wrapped("60020", "访问ip不在白名单之中,request ip=192.0.2.7 appKey(dingkey)"):                                          {orgflow.CodeForbidden, "192.0.2.7"},
			wrapped("90018", "qps"): {orgflow.CodeThrottled, "qps"},
			failure("12150"):        {orgflow.CodeNeedsHuman, "12150"},
			failure("40022"):        {orgflow.CodeNeedsHuman, "40022"},
			failure("40021"):        {orgflow.CodeNeedsHuman, "40021"},
			failure("41054"):        {orgflow.CodeNeedsHuman, "41054"},
			failure("40020"):        {orgflow.CodeQuota, "40020"},
			failure("-1"):           {orgflow.CodeUnavailable, "-1"},
			failure("60121"):        {orgflow.CodeNotFound, "60121"},
			failure("555555"):       {orgflow.CodeInternal, "555555"},
		} {
			_, f := applyFault(t, newStub(t).on(pathUserUpdate, answer).client(), updateTitle(), want.code)
			if !strings.Contains(f.Error(), want.contain) || f.Advice == "" {
				t.Errorf("%q lacks %q or advice", f.Error(), want.contain)
			}
		}
	})
}

func TestCallersContextEndsTheCall(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		ctx, cancel := context.WithCancel(t.Context())
		s := newStub(t)
		s.handlers[pathUserUpdate] = func(_ http.ResponseWriter, r *http.Request) {
			cancel()
			<-r.Context().Done()
		}
		if _, err := s.client().Apply(ctx, updateTitle()); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
	})
}

// timeless leaves the time out of a log: 2026-11-22T10 holds the token T1.
func timeless(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

func TestNothingSecretIsLogged(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		var out bytes.Buffer
		s := newStub(t).on(pathUserCreate, failure("60103"))
		c := s.client(func(o *Options) {
			o.Logger = slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: timeless}))
		})
		applyFault(t, c, personInsert(), orgflow.CodeInvalidRecord)
		for _, secret := range []string{"T1", "dingsecret", "10000000001", "测试甲"} {
			if strings.Contains(out.String(), secret) {
				t.Errorf("the log shows %q:\n%s", secret, out.String())
			}
		}
		if !strings.Contains(out.String(), "vendor_code=60103") {
			t.Errorf("the log lacks the vendor code:\n%s", out.String())
		}
	})
}

func TestCheck(t *testing.T) {
	eachAPI(t, func(t *testing.T, newStub func(*testing.T) *stub) {
		const scopes = `{"errcode":0,"errmsg":"ok","auth_user_field":["name"],"condition_field":[],"auth_org_scopes":{"authed_user":[],"authed_dept":[1]}}`
		for name, tc := range map[string]struct {
			scopes, root string
			want         orgflow.Code
		}{
			"all is well":       {scopes, `{"errcode":0,"result":{"dept_id":1,"name":"示例公司"}}`, ""},
			"empty scope":       {strings.Replace(scopes, "[1]", "[]", 1), "", orgflow.CodeForbidden},
			"root out of scope": {scopes, failure("50004"), orgflow.CodeForbidden},
			"no such root":      {scopes, failure("60003"), orgflow.CodeInvalidConfig},
			"no permission":     {scopes, wrapped("60011", "x"), orgflow.CodeForbidden},
			"busy":              {failure("-1"), "", orgflow.CodeUnavailable},
		} {
			t.Run(name, func(t *testing.T) {
				s := newStub(t).on(pathScopes, tc.scopes)
				if tc.root != "" {
					s.on(pathDeptGet, tc.root)
				}
				err := s.client().Check(t.Context())
				if f := orgflow.AsFault(err); (f == nil) != (tc.want == "") || (f != nil && (f.Code != tc.want || f.Advice == "")) {
					t.Fatalf("got %v, want %q", err, tc.want)
				}
			})
		}
	})
}
