package wcsim

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"orgflow/internal/testclock"
)

type object = map[string]any

// caller speaks the vendor's wire format to a simulator.
type caller struct {
	t     *testing.T
	sim   *Sim
	clock *testclock.Clock
	token string
	last  http.Header
}

func newCaller(t *testing.T, options string) *caller {
	t.Helper()
	c := &caller{t: t, clock: testclock.New()}
	c.sim = New(Options{Now: c.clock.Now})
	if options != "" {
		c.options(options)
	}
	c.login(DefaultSettings().Secrets[0].Secret)
	return c
}

func (c *caller) options(raw string) {
	c.t.Helper()
	if err := c.sim.SetOptions(json.RawMessage(raw)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *caller) login(secret string) object {
	c.t.Helper()
	res := c.send(httptest.NewRequest(http.MethodGet, "/cgi-bin/gettoken?corpid=wwsim0000000000001&corpsecret="+secret, nil))
	c.token, _ = res["access_token"].(string)
	return res
}

func (c *caller) send(r *http.Request) object {
	c.t.Helper()
	w := httptest.NewRecorder()
	c.sim.ServeHTTP(w, r)
	body, _ := io.ReadAll(w.Result().Body)
	c.last = w.Result().Header
	var out object
	if err := json.Unmarshal(body, &out); err != nil || w.Code != http.StatusOK {
		c.t.Fatalf("%s answers %d %s", r.URL.Path, w.Code, body)
	}
	return out
}

func (c *caller) get(path, query string) object {
	c.t.Helper()
	return c.send(httptest.NewRequest(http.MethodGet, "/cgi-bin/"+path+"?access_token="+url.QueryEscape(c.token)+"&"+query, nil))
}

func (c *caller) post(path, body string) object {
	c.t.Helper()
	return c.send(httptest.NewRequest(http.MethodPost, "/cgi-bin/"+path+"?access_token="+url.QueryEscape(c.token), strings.NewReader(body)))
}

// code is the errcode of an answer.
func code(o object) int {
	n, _ := o["errcode"].(float64)
	return int(n)
}

// expect makes calls in order; each is "GET|POST path what" with its errcode.
func (c *caller) expect(calls ...any) {
	c.t.Helper()
	for i := 0; i < len(calls); i += 2 {
		method, rest, _ := strings.Cut(calls[i].(string), " ")
		path, what, _ := strings.Cut(rest, " ")
		call := c.post
		if method == "GET" {
			call = c.get
		}
		if got := call(path, what); code(got) != calls[i+1].(int) {
			c.t.Errorf("%s answers %v, want %d", calls[i], got, calls[i+1])
		}
	}
}

func TestTransportRules(t *testing.T) {
	c := newCaller(t, "")
	got := c.get("user/get", "userid=nobody")
	msg := got["errmsg"].(string)
	if code(got) != 60111 || !strings.Contains(msg, "hint: [") || !strings.Contains(msg, "query?e=60111") || c.last.Get("Error-Code") != "60111" || c.last.Get("Error-Msg") != msg {
		t.Errorf("%v, headers %v", got, c.last)
	}
	if _, there := got["department"]; !there {
		t.Error("a failed user/get carries empty arrays")
	}
	good := c.token
	c.token = ""
	c.expect("POST user/create {}", 41001)
	c.token = "nobody's"
	c.expect("POST user/create {}", 40014)
	c.token = good
	c.options(`{"denied_ip": true}`)
	c.expect("POST user/create nonsense", 60020) // before the parameters
	c.options(`{"denied_ip": false, "details": "closed"}`)
	c.expect("GET user/get userid=x", 48009, "GET department/get id=1", 48009, "GET department/simplelist id=1", 0,
		"POST user/list_id {}", 0, "POST user/create nonsense", 40035, "GET user/create x=1", 40063)
	c.login("wecomsim-app")
	c.expect("POST user/create {}", 48002, "POST user/list_id {}", 48002, "GET department/simplelist id=1", 0, "GET user/get userid=x", 60111)
}

func TestTokens(t *testing.T) {
	c := newCaller(t, "")
	first := c.token
	if again := c.login("wecomsim-contacts"); c.token != first || again["expires_in"] != 7200.0 {
		t.Errorf("inside its validity: %v", again)
	}
	c.clock.Pass(7201 * time.Second)
	c.expect("GET department/simplelist id=1", 42001)
	c.options(`{"expired_code": 40014, "token_mode": "rotate"}`)
	c.login("wecomsim-contacts")
	old := c.token
	c.login("wecomsim-contacts")
	c.expect("GET department/simplelist id=1", 0)
	c.token = old
	c.expect("GET department/simplelist id=1", 40014)
	if err := c.sim.ExpireTokens(); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]int{"": 41002, "corpid=x": 41004, "corpid=x&corpsecret=y": 40013, "corpid=wwsim0000000000001&corpsecret=y": 40001} {
		if got := c.send(httptest.NewRequest(http.MethodGet, "/cgi-bin/gettoken?"+query, nil)); code(got) != want {
			t.Errorf("%s: %v", query, got)
		}
	}
}

func TestLimits(t *testing.T) {
	c := newCaller(t, `{"per_minute": 2, "per_hour": 3}`)
	const list = "GET department/simplelist id=1"
	c.expect(list, 0, list, 0, list, 45009, "POST user/list_id {}", 0) // per API
	c.clock.Pass(59 * time.Second)
	c.expect(list, 45009)
	c.clock.Pass(2 * time.Second)
	c.expect(list, 0, list, 45009) // the hour's
	c.clock.Pass(59 * time.Minute)
	c.expect(list, 45009)
	c.login("wecomsim-contacts")
	c.clock.Pass(time.Minute)
	c.expect(list, 0)
	if r := c.sim.Desk().Requests(); r.Throttled != 4 {
		t.Errorf("%d throttled", r.Throttled)
	}
}
