package wecom

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/simctl"
	wcsim "orgflow/connectors/wecom/sim"
	"orgflow/internal/testclock"
)

// corp is a simulated enterprise and a client of its contacts secret.
type corp struct {
	*Client
	t     *testing.T
	sim   *wcsim.Sim
	clock *testclock.Clock
	url   string
}

// newCorp has departments 2 and 3 below the root.
func newCorp(t *testing.T, options string) *corp {
	t.Helper()
	c := &corp{t: t, clock: testclock.New()}
	c.sim = wcsim.New(wcsim.Options{Now: c.clock.Now})
	c.put(wcsim.State{Departments: []wcsim.Department{{ID: 1, Name: "公司"}, {ID: 2, Name: "研发", ParentID: 1}, {ID: 3, Name: "销售", ParentID: 1}}})
	if options != "" {
		c.options(options)
	}
	server := httptest.NewServer(c.sim)
	t.Cleanup(server.Close)
	c.url = server.URL
	c.Client = c.client(wcsim.DefaultSettings().Secrets[0].Secret)
	return c
}

func (c *corp) client(secret string) *Client {
	c.t.Helper()
	return newTestClient(c.t, c.url, secret, c.clock)
}

func newTestClient(t *testing.T, url, secret string, clock *testclock.Clock) *Client {
	t.Helper()
	cfg := Config{BaseURL: url, CorpID: wcsim.DefaultSettings().CorpID, CorpSecret: secret, QPS: new(float64(0))}
	client, err := New(cfg, Options{Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	client.jitter = func() float64 { return 0 }
	return client
}

func (c *corp) put(s wcsim.State) {
	c.t.Helper()
	raw, err := json.Marshal(s)
	if err == nil {
		err = c.sim.PutState(raw)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *corp) options(raw string) {
	c.t.Helper()
	if err := c.sim.SetOptions(json.RawMessage(raw)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *corp) fault(raw string) {
	c.t.Helper()
	list, err := simctl.DecodeFaults([]byte(raw))
	if err == nil {
		err = c.sim.Desk().AddFaults(list...)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *corp) state() wcsim.State { return c.sim.State().(wcsim.State) }

// user is a member, nil if there is none.
func (c *corp) user(id string) *wcsim.User {
	for _, u := range c.state().Users {
		if u.UserID == id {
			return &u
		}
	}
	return nil
}

// counts are the calls by path, "ok" and others, since the last look.
func (c *corp) counts() map[string]int {
	out := map[string]int{}
	for _, e := range c.sim.Desk().Requests().Log {
		out[strings.TrimPrefix(e.Path, "/cgi-bin/")+" "+e.Outcome]++
	}
	delete(out, "gettoken ok")
	c.sim.Desk().ClearRequests()
	return out
}

// apply runs an effect that must succeed.
func apply(t *testing.T, c connectors.Consumer, e connectors.Effect) connectors.Receipt {
	t.Helper()
	r, err := c.Apply(t.Context(), e)
	if err != nil {
		t.Fatalf("%s %s: %v", e.Op, e.Kind, err)
	}
	return r
}

// refused runs an effect that must fail with the code.
func refused(t *testing.T, c connectors.Consumer, e connectors.Effect, want orgflow.Code) *orgflow.Fault {
	t.Helper()
	_, err := c.Apply(t.Context(), e)
	f, ok := err.(*orgflow.Fault)
	if !ok || f == nil || f.Code != want {
		t.Fatalf("%s %s: got %v, want a fault %s", e.Op, e.Kind, err, want)
	}
	return f
}

func personInsert(change ...func(fields map[string]any)) connectors.Effect {
	fields := map[string]any{"userid": "E1", "name": "测试甲", "mobile": "10000000001", "department": "2,3", "main_department": "2", "position": "工程师"}
	for _, f := range change {
		f(fields)
	}
	id, _ := fields["userid"].(string)
	return connectors.Effect{Kind: orgflow.Person, Op: orgflow.Insert, ConsumerID: id, Key: "orgflow:129:person:1", Fields: fields}
}

func personUpdate(fields map[string]any) connectors.Effect {
	return connectors.Effect{Kind: orgflow.Person, Op: orgflow.Update, ConsumerID: "E1", Fields: fields}
}

const orgKey = "orgflow:129:org:11"

func orgInsert() connectors.Effect {
	return connectors.Effect{Kind: orgflow.Org, Op: orgflow.Insert, Key: orgKey, Fields: map[string]any{"name": "测试部", "parentid": "2"}}
}

func inDoubt(e connectors.Effect) connectors.Effect {
	e.InDoubt = true
	return e
}

// scripted is a vendor whose n-th answer to a path is the n-th of its
// script, the last one staying.
func scripted(t *testing.T, script map[string][]string) (*Client, *testclock.Clock) {
	t.Helper()
	var mu sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		list := script[r.URL.Path]
		switch {
		case len(list) == 0 && r.URL.Path == pathToken:
			list = []string{`{"errcode":0,"errmsg":"ok","access_token":"T","expires_in":7200}`}
		case len(list) == 0:
			t.Errorf("unexpected call of %s", r.URL.Path)
			list = []string{`{"errcode":-1}`}
		}
		if len(list) > 1 {
			script[r.URL.Path] = list[1:]
		}
		if status, body, ok := strings.Cut(list[0], "|"); ok {
			var code int
			_, _ = fmt.Sscan(status, &code)
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
			return
		}
		_, _ = io.WriteString(w, list[0])
	}))
	t.Cleanup(server.Close)
	clock := testclock.New()
	return newTestClient(t, server.URL, "S", clock), clock
}

func code(n int) string { return fmt.Sprintf(`{"errcode":%d,"errmsg":"vendor says %d"}`, n, n) }

func deleteE1() connectors.Effect {
	return connectors.Effect{Kind: orgflow.Person, Op: orgflow.Delete, ConsumerID: "E1"}
}
