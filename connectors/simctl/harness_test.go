package simctl_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"orgflow/connectors/simctl"
)

// counter is the least simulator: POST /add {"id": "a"} adds one to a named
// count, and moves another with it so that an effect has two parts.
type counter struct {
	desk *simctl.Desk

	mu     sync.Mutex
	counts map[string]int
}

func newCounter(desk *simctl.Desk) *counter {
	return &counter{desk: desk, counts: map[string]int{}}
}

func (c *counter) Name() string                                     { return "counter" }
func (c *counter) Desk() *simctl.Desk                               { return c.desk }
func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.desk.Serve(w, r, c) }
func (c *counter) Options() any                                     { return map[string]int{} }
func (c *counter) SetOptions(raw json.RawMessage) error             { return simctl.DecodeStrict(raw, &struct{}{}) }
func (c *counter) Reset() error                                     { return c.PutState(json.RawMessage(`{}`)) }
func (c *counter) ExpireTokens() error                              { return nil }
func (c *counter) Key(call *simctl.Call) string                     { v, _ := call.Field("id"); return v }

func (c *counter) Actions() map[string]simctl.Action {
	return map[string]simctl.Action{"double": func(json.RawMessage) (any, error) { return nil, errors.New("cannot double") }}
}

func (c *counter) State() any {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[string]int{}
	for k, v := range c.counts {
		out[k] = v
	}
	return out
}

func (c *counter) PutState(raw json.RawMessage) error {
	next := map[string]int{}
	if err := simctl.DecodeStrict(raw, &next); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.desk.Commit(simctl.Change{Kind: "all", Value: next}); err != nil {
		return err
	}
	c.counts = next
	return nil
}

func (c *counter) Dump() []simctl.Change {
	return []simctl.Change{{Kind: "all", Value: c.State()}}
}

func (c *counter) Replay(e simctl.Entry) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.Kind == "all" {
		return json.Unmarshal(e.Value, &c.counts)
	}
	var n int
	if err := json.Unmarshal(e.Value, &n); err != nil {
		return err
	}
	c.counts[e.ID] = n
	return nil
}

func (c *counter) Refuse(_ *simctl.Call, code string) simctl.Answer {
	return simctl.JSON(http.StatusOK, code, map[string]string{"errcode": code})
}

func (c *counter) Handle(call *simctl.Call) simctl.Answer {
	call.Key = c.Key(call)
	if call.Path != "/add" || call.Key == "" {
		return c.Refuse(call, "404")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	n, total := c.counts[call.Key]+1, c.counts["total"]+1
	if err := c.desk.Commit(simctl.Change{Kind: "n", ID: call.Key, Value: n}, simctl.Change{Kind: "n", ID: "total", Value: total}); err != nil {
		return c.Refuse(call, "-1")
	}
	c.counts[call.Key], c.counts["total"] = n, total
	call.Wrote = true
	return simctl.JSON(http.StatusOK, simctl.OK, map[string]int{"errcode": 0, "n": n})
}

// bench is a counter behind a host, with a hand-set clock and recorded sleeps.
type bench struct {
	t      *testing.T
	now    time.Time
	slept  []time.Duration
	sim    *counter
	host   *simctl.Host
	server *httptest.Server
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, now: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)}
	b.sim = newCounter(simctl.NewDesk(func() time.Time { return b.now }, func(_ context.Context, d time.Duration) { b.slept = append(b.slept, d) }))
	b.host = simctl.NewHost(b.sim)
	b.server = httptest.NewServer(b.host)
	t.Cleanup(b.server.Close)
	return b
}

func (b *bench) do(method, path, body string) (int, string, error) {
	b.t.Helper()
	r, err := http.NewRequest(method, b.server.URL+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	res, err := b.server.Client().Do(r)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	var out strings.Builder
	buf := make([]byte, 4096)
	for {
		n, err := res.Body.Read(buf)
		out.Write(buf[:n])
		if err != nil {
			break
		}
	}
	return res.StatusCode, strings.TrimSpace(out.String()), nil
}

// call makes a call whose answer the test looks for elsewhere.
func (b *bench) call(method, path, body string) {
	b.t.Helper()
	if _, _, err := b.do(method, path, body); err != nil {
		b.t.Fatalf("%s %s: %v", method, path, err)
	}
}

func (b *bench) faults(list string) {
	b.t.Helper()
	if code, body, err := b.do("POST", "/_sim/counter/faults", list); err != nil || code != 200 {
		b.t.Fatalf("faults: %d %s %v", code, body, err)
	}
}

func (b *bench) count(id string) int { return b.sim.State().(map[string]int)[id] }
