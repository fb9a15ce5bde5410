package hcm

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/egress"
)

// issuing is a gateway that issues tokens at /hcm/token and accepts only
// those that accepts names.
func issuing(t *testing.T, life string, accepts func(auth string) bool) (*gateway, *atomic.Int64, Config) {
	t.Helper()
	var issued atomic.Int64
	g := newGateway(t, func(_ int, c call) (int, string) {
		if strings.HasSuffix(c.url, "/token") {
			return 200, fmt.Sprintf(`{"data":{"tok":"T-%d","life":%s}}`, issued.Add(1), life)
		}
		if !accepts(c.header.Get("Authorization")) {
			return 200, `{"errcode":51006,"errmsg":"login expired"}`
		}
		return 200, `{"result":{"list":[],"count":0}}`
	})
	return g, &issued, Config{Auth: Auth{Mode: ClientCredentials, TokenURL: g.URL + "/token", ClientID: "id", ClientSecret: "s3cret-value",
		TokenField: "data.tok", ExpiresField: "data.life", ClientIDField: "appid", Scope: "read"}}
}

func TestTokenIsFetchedKeptAndRenewedEarly(t *testing.T) {
	g, issued, cfg := issuing(t, "1000", func(string) bool { return true })
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := g.source(t, cfg, WithClock(func() time.Time { return now }))
	for _, step := range []struct {
		later  time.Duration
		issued int64
		calls  int
	}{{0, 1, 2}, {799 * time.Second, 1, 1}, {2 * time.Second, 2, 2}} {
		now = now.Add(step.later)
		page, err := s.ReadPage(t.Context(), connectors.Query{Model: "Employee"}, "")
		if err != nil || issued.Load() != step.issued || page.Calls != step.calls {
			t.Errorf("after %s: %d tokens, %d calls, %v", step.later, issued.Load(), page.Calls, err)
		}
	}
	form, _ := url.ParseQuery(g.asked[0].body)
	if form.Get("grant_type") != "client_credentials" || form.Get("appid") != "id" || form.Get("client_secret") != "s3cret-value" || form.Get("scope") != "read" {
		t.Errorf("form %v", form)
	}
}

func TestTokenRequestAsJSON(t *testing.T) {
	g, _, cfg := issuing(t, `"x"`, func(string) bool { return true })
	cfg.Auth.JSONBody = true
	if _, err := g.source(t, cfg).ReadPage(t.Context(), connectors.Query{Model: "Employee"}, ""); err != nil {
		t.Fatal(err)
	}
	if body := g.asked[0].body; !strings.HasPrefix(body, `{"appid":"id"`) {
		t.Errorf("body %s", body)
	}
}

func TestExpiredTokenIsRenewedOnceAndTheCallRepeated(t *testing.T) {
	g, issued, cfg := issuing(t, "7200", func(auth string) bool { return auth != "Bearer T-1" })
	page, err := g.source(t, cfg).ReadPage(t.Context(), connectors.Query{Model: "Employee"}, "")
	if err != nil || issued.Load() != 2 || page.Calls != 4 {
		t.Errorf("%d tokens, %d calls, %v", issued.Load(), page.Calls, err)
	}
}

func TestRefusedForGoodStopsAfterOneRenewal(t *testing.T) {
	g, issued, cfg := issuing(t, "7200", func(string) bool { return false })
	f := ask(t, g.source(t, cfg))
	if f.Code != orgflow.CodeUnauthorized || f.VendorCode != "51006" || issued.Load() != 2 || g.calls() != 4 {
		t.Errorf("%d tokens, %d calls, %v", issued.Load(), g.calls(), f)
	}
}

// All callers hold the first token when it is refused; the barrier keeps any
// of them from hearing of it before all have called.
func TestParallelCallersShareOneRenewal(t *testing.T) {
	const callers = 16
	var barrier sync.WaitGroup
	barrier.Add(callers)
	g, issued, cfg := issuing(t, "7200", func(auth string) bool {
		if auth == "Bearer T-1" {
			barrier.Done()
			barrier.Wait()
			return false
		}
		return true
	})
	s := g.source(t, cfg)
	if _, _, err := s.tokens.get(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			if _, err := s.ReadPage(t.Context(), connectors.Query{Model: "Employee"}, ""); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if issued.Load() != 2 {
		t.Errorf("%d tokens were issued, want the first and one renewal", issued.Load())
	}
}

func TestCallerWhoLeavesDoesNotEndTheRenewal(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	g := newGateway(t, always(200, `{"result":{"list":[]}}`))
	s := g.source(t, Config{}, WithTokenFunc(func(ctx context.Context) (string, time.Duration, error) {
		close(started)
		<-release
		return "T", 0, ctx.Err()
	}))
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		_, err := s.ReadPage(ctx, connectors.Query{Model: "Employee"}, "")
		first <- err
	}()
	<-started
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("first caller: %v", err)
	}
	close(release)
	if _, err := s.ReadPage(t.Context(), connectors.Query{Model: "Employee"}, ""); err != nil {
		t.Errorf("second caller: %v", err)
	}
}

func TestTokenEndpointFaults(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		code   orgflow.Code
		calls  int
	}{
		"refused":       {400, `{"error":"invalid_client"}`, orgflow.CodeUnauthorized, 1},
		"no token":      {200, `{"errcode":7}`, orgflow.CodeUnauthorized, 1},
		"a page":        {200, `<html>`, orgflow.CodeUnauthorized, 1},
		"echoes":        {400, `{"error":"bad s3cret-value"}`, orgflow.CodeUnauthorized, 1},
		"odd token":     {200, `{"access_token":"a b\n"}`, orgflow.CodeUnauthorized, 1},
		"down":          {503, ``, orgflow.CodeUnavailable, maxTries},
		"redirects":     {302, ``, orgflow.CodeUnauthorized, 1},
		"expires oddly": {200, `{"access_token":"abc","expires_in":-5}`, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t, func(_ int, call call) (int, string) {
				if strings.HasSuffix(call.url, "/token") {
					return c.status, c.body
				}
				return 200, `{"result":{"list":[]}}`
			})
			s := g.source(t, Config{Auth: Auth{Mode: ClientCredentials, TokenURL: g.URL + "/token", ClientID: "id", ClientSecret: "s3cret-value"}})
			_, err := s.ReadPage(t.Context(), connectors.Query{Model: "Employee"}, "")
			if c.code == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			f := orgflow.AsFault(err)
			if f == nil || f.Code != c.code || g.calls() != c.calls || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%d calls, %v", g.calls(), err)
			}
		})
	}
}

func TestConfigProblemsAreListedAtOnce(t *testing.T) {
	_, err := New(Config{BaseURL: "https://user:pw@x", PageSize: -1, MaxPages: -1, Timeout: -1, QPS: -1,
		Auth: Auth{Mode: "magic", TokenSeconds: -1}})
	var invalid *orgflow.InvalidError
	if !errors.As(err, &invalid) || len(invalid.Problems) != 7 || strings.Contains(err.Error(), "pw@") {
		t.Errorf("problems %v", err)
	}
	for name, cfg := range map[string]Config{
		"no token":          {BaseURL: "http://x"},
		"line end in token": {BaseURL: "http://x", Auth: Auth{Token: "a\r\nb"}},
		"no token url":      {BaseURL: "http://x", Auth: Auth{Mode: ClientCredentials, ClientID: "a", ClientSecret: "b"}},
		"no client":         {BaseURL: "http://x", Auth: Auth{Mode: ClientCredentials, TokenURL: "http://x"}},
		"no address":        {BaseURL: "x", Auth: Auth{Mode: NoAuth}},
	} {
		if _, err := New(cfg); !errors.As(err, &invalid) || len(invalid.Problems) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFromSettings(t *testing.T) {
	s, err := FromSettings(connectors.Settings{Name: "hcm", JSON: []byte(`{"type":"hcm","base_url":"http://127.0.0.1:9/hcm/","page_size":50,
	 "max_pages":9,"timeout_seconds":1.5,"qps":5,"auth":{"mode":"cookie","token":"abc"}}`)}, egress.List{})
	if err != nil {
		t.Fatal(err)
	}
	if s.cfg.BaseURL != "http://127.0.0.1:9/hcm" || s.cfg.PageSize != 50 || s.cfg.MaxPages != 9 || s.cfg.Timeout != 1500*time.Millisecond ||
		s.cfg.Auth.Mode != Cookie || s.cfg.Auth.Token != "abc" || s.limit == nil {
		t.Errorf("config %+v", s.cfg)
	}
	for _, bad := range []string{`{`, `{"base_url":"http://x","auth":{"token":123456}}`, `{"base":"x"}`, `{"base_url":"http://x","auth":{"mode":"none"},"send_meta_name":true}`} {
		_, err := FromSettings(connectors.Settings{JSON: []byte(bad)}, egress.List{})
		if f := orgflow.AsFault(err); f == nil || f.Code != orgflow.CodeInvalidConfig || strings.Contains(err.Error(), "123456") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestRequestRateWaitsItsTurn(t *testing.T) {
	g := newGateway(t, always(200, `{"result":{"list":[]}}`))
	s := g.source(t, Config{QPS: 0.001})
	if _, err := s.ReadPage(t.Context(), connectors.Query{Model: "Employee"}, ""); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // far less than the turn's thousand seconds
	defer cancel()
	if _, err := s.ReadPage(ctx, connectors.Query{Model: "Employee"}, ""); orgflow.AsFault(err).Code != orgflow.CodeThrottled {
		t.Errorf("second call within the same thousand seconds: %v", err)
	}
}
