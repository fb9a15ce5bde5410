package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"orgflow"
	"orgflow/internal/config"
	"orgflow/internal/signin"
)

// from sends a request of an address.
func from(h http.Handler, address, method, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://localhost:8080"+path, http.NoBody)
	r.RemoteAddr = address
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const (
	readKey    = "Authorization: Bearer read-token"
	operateKey = "X-API-Key: operate-token"
)

// limitedWorld has a bound of three requests a minute and two unknown keys.
func limitedWorld(t *testing.T) (*world, Deps) {
	w := newWorld()
	d := w.deps()
	d.Keys, d.Addr, d.Rate, d.RateFailures = keys(t), "0.0.0.0:8080", 3, 2
	return w, d
}

func TestAClientThatAsksTooMuchIsToldToWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, d := limitedWorld(t)
		h := New(d)
		for range 3 {
			if res := from(h, "192.0.2.1:1", "GET", "/api/v1/sync-runs", readKey); res.Code != 200 {
				t.Fatalf("%d %s", res.Code, res.Body)
			}
		}
		res := from(h, "192.0.2.9:1", "GET", "/api/v1/sync-runs", readKey) // the key counts, not from where
		e := errorOf(t, res)
		if res.Code != http.StatusTooManyRequests || e.Code != orgflow.CodeThrottled || res.Header().Get("Retry-After") != "60" ||
			!strings.Contains(e.Message, "key read-key") || !strings.Contains(e.Message, "ORGFLOW_HTTP_RATE") || strings.Contains(w.logs.String()+res.Body.String(), "read-token") {
			t.Errorf("%d %v %s", res.Code, res.Header(), res.Body)
		}
		if res := from(h, "192.0.2.1:1", "GET", "/api/v1/sync-runs", operateKey); res.Code != 200 {
			t.Errorf("another key from the same address: %d", res.Code)
		}
		if res := from(h, "192.0.2.1:1", "GET", "/"); res.Code == http.StatusTooManyRequests {
			t.Error("the address itself has asked once only")
		}
		for range 10 {
			if res := from(h, "192.0.2.1:1", "GET", "/healthz", readKey); res.Code != 200 {
				t.Fatalf("a probe is refused: %d", res.Code)
			}
		}
		time.Sleep(2 * limitWindow)
		if res := from(h, "192.0.2.1:1", "GET", "/api/v1/sync-runs", readKey); res.Code != 200 {
			t.Errorf("two minutes later: %d", res.Code)
		}
	})
}

// TestWithoutAKeyTheAddressCounts: and nothing that a caller can make up.
func TestWithoutAKeyTheAddressCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, d := limitedWorld(t)
		d.RateFailures = 0
		h := New(d)
		for i, headers := range [][]string{{"X-Forwarded-For: 198.51.100.1"}, {"Cookie: orgflow-session=made-up"}, {"X-API-Key: guess"}} {
			if res := from(h, "[2001:db8::1]:1", "GET", "/api/v1/sync-runs", headers...); res.Code != http.StatusUnauthorized {
				t.Fatalf("%d: %d", i, res.Code)
			}
		}
		// Who has an IPv6 address has its whole /64.
		for _, headers := range [][]string{{"X-Forwarded-For: 198.51.100.2"}, {"Cookie: orgflow-session=another"}, {"X-API-Key: another"}, {}} {
			if res := from(h, "[2001:db8::2]:1", "GET", "/api/v1/sync-runs", headers...); res.Code != http.StatusTooManyRequests {
				t.Errorf("%v: %d", headers, res.Code)
			}
		}
		if res := from(h, "[2001:db8:1::1]:1", "GET", "/api/v1/sync-runs"); res.Code != http.StatusUnauthorized {
			t.Errorf("another network: %d", res.Code)
		}
	})
}

// TestWhoTriesKeysIsStopped: nor is a right one found while it lasts.
func TestWhoTriesKeysIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, d := limitedWorld(t)
		d.Rate = 0
		h := New(d)
		for range 2 {
			if res := from(h, "192.0.2.1:1", "GET", "/api/v1/sync-runs", "X-API-Key: guess"); res.Code != http.StatusUnauthorized {
				t.Fatal(res.Code)
			}
		}
		for _, key := range []string{"X-API-Key: guess", readKey} {
			res := from(h, "192.0.2.1:1", "GET", "/api/v1/sync-runs", key)
			if e := errorOf(t, res); res.Code != http.StatusTooManyRequests || res.Header().Get("Retry-After") != "60" || !strings.Contains(e.Message, "ORGFLOW_HTTP_RATE_FAILURES") {
				t.Errorf("%s: %d %s", key, res.Code, res.Body)
			}
		}
		if res := from(h, "192.0.2.2:1", "GET", "/api/v1/sync-runs", readKey); res.Code != 200 {
			t.Errorf("another address: %d", res.Code)
		}
		if res := from(h, "192.0.2.1:1", "GET", "/api/v1/sync-runs"); res.Code != http.StatusUnauthorized {
			t.Errorf("without a key: %d", res.Code)
		}
		time.Sleep(2 * limitWindow)
		if res := from(h, "192.0.2.1:1", "GET", "/api/v1/sync-runs", readKey); res.Code != 200 {
			t.Errorf("two minutes later: %d", res.Code)
		}
	})
}

// TestOpenLoopbackHasNoBound: one program on this machine asks as fast as it
// can, and its own log tells. Zero is no bound for the others.
func TestOpenLoopbackHasNoBound(t *testing.T) {
	_, open := limitedWorld(t)
	open.Keys, open.Addr = nil, "127.0.0.1:8080"
	_, off := limitedWorld(t)
	off.Rate = 0
	for name, d := range map[string]Deps{"open": open, "zero": off} {
		h := New(d)
		for range 10 {
			if res := from(h, "127.0.0.1:1", "GET", "/api/v1/sync-runs", readKey); res.Code != 200 {
				t.Fatalf("%s: %d %s", name, res.Code, res.Body)
			}
		}
	}
}

// TestWhoIsSignedInIsCountedByName: on whatever address, and looked up once.
func TestWhoIsSignedInIsCountedByName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, d := limitedWorld(t)
		d.SignIn = &signedIn{who: &signin.Caller{Code: "E1001", Access: config.AccessRead}}
		h := New(d)
		for i := range 4 {
			res := from(h, "192.0.2."+string(rune('1'+i))+":1", "GET", "/api/v1/sync-runs")
			if want := map[bool]int{true: 200, false: 429}[i < 3]; res.Code != want {
				t.Errorf("request %d: %d, want %d: %s", i, res.Code, want, res.Body)
			}
		}
	})
}
