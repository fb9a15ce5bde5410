package hcm

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"orgflow"
	"orgflow/connectors"
)

// ask reads one page and returns its fault.
func ask(t *testing.T, s *Source) *orgflow.Fault {
	t.Helper()
	_, err := s.ReadPage(t.Context(), connectors.Query{Model: "Employee"}, "")
	var f *orgflow.Fault
	if !errors.As(err, &f) {
		t.Fatalf("want a fault, got %v", err)
	}
	if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("the error shows a secret or an address: %v", err)
	}
	return f
}

func TestFaults(t *testing.T) {
	const renew, transient = 2, 3 // calls
	for name, c := range map[string]struct {
		status int
		body   string
		code   orgflow.Code
		vendor string
		calls  int
	}{
		"wrong password":         {200, `{"errcode":11002,"errmsg":"x"}`, orgflow.CodeUnauthorized, "11002", 1},
		"image code":             {200, `{"errcode":11006,"errmsg":"x"}`, orgflow.CodeUnauthorized, "11006", 1},
		"generic, often token":   {200, `{"errcode":17003,"errmsg":"x"}`, orgflow.CodeUnauthorized, "17003", renew},
		"no permission":          {200, `{"errcode":"18003","errmsg":"x"}`, orgflow.CodeForbidden, "18003", 1},
		"signature":              {400, `{"errcode":40016,"errmsg":"x"}`, orgflow.CodeUnauthorized, "40016", renew},
		"field data":             {200, `{"errcode":400014,"errmsg":"x"}`, orgflow.CodeInvalidConfig, "400014", 1},
		"system error":           {200, `{"errcode":51001,"errmsg":"x"}`, orgflow.CodeUnavailable, "51001", transient},
		"system error 2":         {200, `{"errcode":51002,"errmsg":"x"}`, orgflow.CodeUnavailable, "51002", transient},
		"system error 3":         {200, `{"errcode":51003,"errmsg":"x"}`, orgflow.CodeUnavailable, "51003", transient},
		"warning without rows":   {200, `{"errcode":51005,"errmsg":"x"}`, orgflow.CodeUnavailable, "51005", transient},
		"login expired":          {200, `{"errcode":51006,"errmsg":"x"}`, orgflow.CodeUnauthorized, "51006", renew},
		"unknown model":          {500, `{"errcode":80001,"errmsg":"Unknown Model Name"}`, orgflow.CodeInvalidConfig, "80001", 1},
		"unknown code":           {200, `{"errcode":12345,"errmsg":"x"}`, orgflow.CodeInternal, "12345", 1},
		"unknown code with 5xx":  {502, `{"errcode":12345,"errmsg":"x"}`, orgflow.CodeUnavailable, "12345", transient},
		"success false":          {200, `{"success":false,"message":"x"}`, orgflow.CodeInternal, "", 1},
		"success false, rows":    {200, `{"success":false,"message":"x","data":[]}`, orgflow.CodeInternal, "", 1},
		"error_code is no code":  {400, `{"error_code":1700000000000,"errmsg":"x"}`, orgflow.CodeInternal, "HTTP 400", 1},
		"wrong method":           {405, `nope`, orgflow.CodeInvalidConfig, "HTTP 405", 1},
		"wrong path":             {404, `<html>`, orgflow.CodeInvalidConfig, "HTTP 404", 1},
		"forbidden":              {403, `{}`, orgflow.CodeForbidden, "HTTP 403", 1},
		"unauthorized":           {401, `{}`, orgflow.CodeUnauthorized, "HTTP 401", renew},
		"server error":           {503, `<html>`, orgflow.CodeUnavailable, "HTTP 503", transient},
		"redirect to the login":  {302, ``, orgflow.CodeUnauthorized, "HTTP 302", renew},
		"throttled":              {429, `{}`, orgflow.CodeThrottled, "HTTP 429", 1},
		"login page":             {200, `<!DOCTYPE html><title>Login</title>`, orgflow.CodeUnauthorized, "", renew},
		"broken JSON":            {200, `{"result":{"list":[{"id":1}`, orgflow.CodeUnavailable, "", transient},
		"broken array":           {200, `[{"id":1}`, orgflow.CodeUnavailable, "", transient},
		"nothing":                {200, ``, orgflow.CodeUnavailable, "", transient},
		"no list":                {200, `{"result":{}}`, orgflow.CodeInvalidConfig, "", 1},
		"empty object":           {200, `{}`, orgflow.CodeInvalidConfig, "", 1},
		"null list, not counted": {200, `{"result":{"list":null}}`, orgflow.CodeInvalidConfig, "", 1},
		"null list, rows exist":  {200, `{"result":{"list":null,"count":5}}`, orgflow.CodeInvalidConfig, "", 1},
		"encrypted":              {200, `{"hcm_transfer_strategy":"aes","hcm_param":"…"}`, orgflow.CodeInvalidConfig, "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t, always(c.status, c.body))
			f := ask(t, g.source(t, Config{}))
			if f.Code != c.code || f.VendorCode != c.vendor || g.calls() != c.calls || f.Advice == "" {
				t.Errorf("%d calls, fault %+v", g.calls(), f)
			}
			if c.status == http.StatusTooManyRequests && f.RetryAfter != 7*time.Second {
				t.Errorf("retry after %s", f.RetryAfter)
			}
		})
	}
}

func TestTransientFailuresAreTriedThreeTimes(t *testing.T) {
	g := newGateway(t, func(n int, _ call) (int, string) {
		if n < 3 {
			return 503, ""
		}
		return 200, `{"result":{"list":[]}}`
	})
	var waits []time.Duration
	s := g.source(t, Config{}, WithSleep(func(_ context.Context, d time.Duration) error {
		waits = append(waits, d)
		return nil
	}))
	page, err := s.ReadPage(t.Context(), connectors.Query{Model: "Employee"}, "")
	if err != nil || page.Calls != 3 {
		t.Fatalf("%+v %v", page, err)
	}
	if len(waits) != 2 || waits[0] <= 0 || waits[1] <= waits[0] {
		t.Errorf("waits %v do not grow", waits)
	}
}

func TestSilentGatewayIsUnavailable(t *testing.T) {
	release := make(chan struct{})
	g := newGateway(t, func(int, call) (int, string) {
		<-release
		return 200, `{}`
	})
	defer close(release)
	f := ask(t, g.source(t, Config{Timeout: 20 * time.Millisecond}))
	if f.Code != orgflow.CodeUnavailable || g.calls() != maxTries || !strings.Contains(f.Message, "in time") {
		t.Errorf("%d calls, %v", g.calls(), f)
	}
}

func TestClosedGatewayIsUnavailable(t *testing.T) {
	g := newGateway(t, always(200, `{}`))
	s := g.source(t, Config{})
	g.Close()
	if _, err := s.ReadPage(t.Context(), connectors.Query{Model: "Employee"}, ""); orgflow.AsFault(err).Code != orgflow.CodeUnavailable {
		t.Error(err)
	}
}

func TestContextEndsTheCall(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	g := newGateway(t, func(int, call) (int, string) {
		cancel()
		return 503, ""
	})
	_, err := g.source(t, Config{}).ReadPage(ctx, connectors.Query{Model: "Employee"}, "")
	if !errors.Is(err, context.Canceled) || g.calls() != 1 {
		t.Errorf("%d calls, %v", g.calls(), err)
	}
}

func TestForeignTextIsMaskedAndShort(t *testing.T) {
	page := `<html><body>session=` + secret + ` user 10012345678 TEST-ID-0001 ` + strings.Repeat("maintenance ", 50)
	f := ask(t, newGateway(t, always(503, page)).source(t, Config{}))
	for _, leak := range []string{"10012345678", "0001", "0123"} {
		if strings.Contains(f.Message, leak) {
			t.Errorf("%q leaks into %s", leak, f.Message)
		}
	}
	if !strings.Contains(f.Message, "<html><body>") || len([]rune(f.Message)) > 160 {
		t.Errorf("message %s", f.Message)
	}
}

func TestVendorMessageLosesOurToken(t *testing.T) {
	f := ask(t, newGateway(t, always(200, `{"errcode":18003,"errmsg":"token `+secret+` may not"}`)).source(t, Config{}))
	if f.Message != "token *** may not" {
		t.Errorf("message %q", f.Message)
	}
}

func FuzzAnswersNeverInventAnEmptyPage(f *testing.F) {
	for _, seed := range []string{`{"result":{"list":[],"count":0}}`, `{"data":null}`, `[]`, `{"errcode":"0","list":[1]}`, `<html>`} {
		f.Add(200, []byte(seed))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		a, err := readAnswer(status, nil, body)
		if err == nil && len(a.rows) == 0 && !strings.Contains(string(body), "[") && a.count != 0 {
			t.Errorf("%q became an empty page", body)
		}
		if err == nil && (status < 200 || status > 299) {
			t.Errorf("HTTP %d became a success", status)
		}
	})
}
