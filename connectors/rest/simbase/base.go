// Package simbase is what the simulators of REST systems have in common:
// records held as JSON objects, tokens, a rate, and the control calls over
// them.
package simbase

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"orgflow/connectors/simctl"
)

// Options are fixed for a simulator's life. The zero value is ready for use.
type Options = simctl.Options

// Settings are the switches of PUT /_sim/<name>/options.
type Settings struct {
	// Token is accepted as it stands and never expires; empty: none is.
	Token string `json:"token"`
	// ClientID and ClientSecret are given a token that lives TokenSeconds.
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	TokenSeconds int    `json:"token_seconds"`
	QPS          int    `json:"qps"` // calls in one second; 0 is no limit
	LatencyMS    int    `json:"latency_ms"`
	// UniqueGroups refuses a second department of a name where the system
	// knows no hierarchy (SCIM).
	UniqueGroups bool `json:"unique_groups"`
	// Refuse lists ids whose records are malformed to this system.
	Refuse []string `json:"refuse"`
}

// Object is a record as it is held. It is never modified, only replaced.
type Object = map[string]any

// State is what GET and PUT /_sim/<name>/state carry, by kind and sorted by id.
type State struct {
	Orgs    []Object `json:"orgs"`
	Persons []Object `json:"persons"`
}

// Kinds of records.
const (
	Orgs    = "orgs"
	Persons = "persons"

	kindReset   = "reset"
	kindToken   = "token"
	kindCounter = "counter"
)

// Base holds the records of a simulator. The embedding type answers calls.
type Base struct {
	name     string
	idName   string // the member of an object that is its id
	defaults Settings
	handler  simctl.Handler
	desk     *simctl.Desk
	settings atomic.Pointer[Settings]

	Mu      sync.RWMutex
	held    map[string]map[string]Object
	tokens  map[string]time.Time // token → its end
	counter int64
	second  int64 // of the rate
	calls   int
}

// Init makes the base ready; handler is the simulator itself.
func (b *Base) Init(name, idName string, defaults Settings, handler simctl.Handler, o Options) {
	b.name, b.idName, b.defaults, b.handler = name, idName, defaults, handler
	b.desk = simctl.NewDesk(o.Now, o.Sleep)
	b.clear()
	if err := b.install(defaults); err != nil {
		panic(err) // ours to get right
	}
}

func (b *Base) clear() {
	b.held = map[string]map[string]Object{Orgs: {}, Persons: {}}
	b.tokens, b.counter = map[string]time.Time{}, 0
}

// Name implements simctl.Simulator.
func (b *Base) Name() string { return b.name }

// Desk implements simctl.Simulator.
func (b *Base) Desk() *simctl.Desk { return b.desk }

// ServeHTTP answers a vendor call.
func (b *Base) ServeHTTP(w http.ResponseWriter, r *http.Request) { b.desk.Serve(w, r, b.handler) }

// Actions implements simctl.Simulator; there are none.
func (b *Base) Actions() map[string]simctl.Action { return nil }

// Key implements simctl.Handler.
func (b *Base) Key(c *simctl.Call) string { return c.Key }

// Set returns the settings in force.
func (b *Base) Set() *Settings { return b.settings.Load() }

// Options implements simctl.Simulator.
func (b *Base) Options() any { return *b.Set() }

// SetOptions implements simctl.Simulator.
func (b *Base) SetOptions(raw json.RawMessage) error {
	n := *b.Set()
	n.Refuse = slices.Clone(n.Refuse)
	if err := simctl.DecodeStrict(raw, &n); err != nil {
		return err
	}
	return b.install(n)
}

func (b *Base) install(n Settings) error {
	if n.QPS < 0 || n.LatencyMS < 0 || n.TokenSeconds < 1 {
		return fmt.Errorf("qps and latency_ms must not be negative, token_seconds at least 1")
	}
	b.settings.Store(&n)
	b.desk.SetLatency(time.Duration(n.LatencyMS) * time.Millisecond)
	return nil
}

// State implements simctl.Simulator.
func (b *Base) State() any {
	b.Mu.RLock()
	defer b.Mu.RUnlock()
	return State{Orgs: b.All(Orgs), Persons: b.All(Persons)}
}

// PutState implements simctl.Simulator.
func (b *Base) PutState(raw json.RawMessage) error {
	var s State
	if err := simctl.DecodeStrict(raw, &s); err != nil {
		return err
	}
	changes := []simctl.Change{{Kind: kindReset}}
	var last int64 // number given out
	for kind, list := range map[string][]Object{Orgs: s.Orgs, Persons: s.Persons} {
		for i, o := range list {
			id, _ := o[b.idName].(string)
			if id == "" {
				return fmt.Errorf("%s/%d has no %s", kind, i, b.idName)
			}
			changes = append(changes, simctl.Change{Kind: kind, ID: id, Value: o})
			var n int64
			if _, err := fmt.Sscanf(id, "r%d", &n); err == nil {
				last = max(last, n)
			}
		}
	}
	changes = append(changes, simctl.Change{Kind: kindCounter, Value: last})
	b.Mu.Lock()
	defer b.Mu.Unlock()
	return b.Commit(changes...)
}

// Reset implements simctl.Simulator.
func (b *Base) Reset() error {
	b.Mu.Lock()
	defer b.Mu.Unlock()
	if err := b.Commit(simctl.Change{Kind: kindReset}); err != nil {
		return err
	}
	return b.install(b.defaults)
}

// ExpireTokens implements simctl.Simulator.
func (b *Base) ExpireTokens() error {
	b.Mu.Lock()
	defer b.Mu.Unlock()
	var changes []simctl.Change
	for token := range b.tokens {
		changes = append(changes, simctl.Change{Kind: kindToken, ID: token})
	}
	return b.Commit(changes...)
}

// Commit makes changes durable and applies them. The caller holds Mu. On an
// error nothing was changed.
func (b *Base) Commit(changes ...simctl.Change) error { return b.desk.Perform(b.apply, changes...) }

func (b *Base) apply(c simctl.Change) {
	switch c.Kind {
	case kindReset:
		b.clear()
	case kindToken:
		if end, issued := c.Value.(time.Time); issued {
			b.tokens[c.ID] = end
		} else {
			delete(b.tokens, c.ID)
		}
	case kindCounter:
		b.counter, _ = c.Value.(int64)
	default:
		if o, there := c.Value.(Object); there {
			b.held[c.Kind][c.ID] = o
		} else {
			delete(b.held[c.Kind], c.ID)
		}
	}
}

// values are what the journal holds of a base.
var values = simctl.Values{
	kindToken: simctl.As[time.Time], kindCounter: simctl.As[int64], Orgs: simctl.As[Object], Persons: simctl.As[Object],
}

// Replay implements simctl.Simulator.
func (b *Base) Replay(e simctl.Entry) error { return values.Replay(e, &b.Mu, b.apply) }

// Dump implements simctl.Simulator.
func (b *Base) Dump() []simctl.Change {
	b.Mu.RLock()
	defer b.Mu.RUnlock()
	out := []simctl.Change{{Kind: kindReset}, {Kind: kindCounter, Value: b.counter}}
	for _, token := range slices.Sorted(maps.Keys(b.tokens)) {
		out = append(out, simctl.Change{Kind: kindToken, ID: token, Value: b.tokens[token]})
	}
	for _, kind := range []string{Orgs, Persons} {
		for _, id := range slices.Sorted(maps.Keys(b.held[kind])) {
			out = append(out, simctl.Change{Kind: kind, ID: id, Value: b.held[kind][id]})
		}
	}
	return out
}

// All lists the records of a kind by id. The caller holds Mu.
func (b *Base) All(kind string) []Object {
	out := make([]Object, 0, len(b.held[kind]))
	for _, id := range slices.Sorted(maps.Keys(b.held[kind])) {
		out = append(out, b.held[kind][id])
	}
	return out
}

// Held returns a record, nil if there is none. The caller holds Mu.
func (b *Base) Held(kind, id string) Object { return b.held[kind][id] }

// NextID gives a new number out. The caller holds Mu and commits the change.
func (b *Base) NextID() (string, simctl.Change) {
	n := b.counter + 1
	return fmt.Sprintf("r%06d", n), simctl.Change{Kind: kindCounter, Value: n}
}

// TooFast counts a call and tells whether it is beyond the rate.
func (b *Base) TooFast(c *simctl.Call) bool {
	b.Mu.Lock()
	defer b.Mu.Unlock()
	if now := b.desk.Now().Unix(); now != b.second {
		b.second, b.calls = now, 0
	}
	b.calls++
	c.Throttled = b.Set().QPS > 0 && b.calls > b.Set().QPS
	return c.Throttled
}

// Knows tells whether a call bears a token that is in force.
func (b *Base) Knows(c *simctl.Call) bool {
	token, found := strings.CutPrefix(c.Header.Get("Authorization"), "Bearer ")
	if !found || token == "" {
		return false
	}
	b.Mu.RLock()
	defer b.Mu.RUnlock()
	return token == b.Set().Token || b.desk.Now().Before(b.tokens[token])
}

// Issue answers a request of client credentials (RFC 6749 § 4.4).
func (b *Base) Issue(c *simctl.Call) simctl.Answer {
	refuse := func(status int, code string) simctl.Answer {
		return simctl.JSON(status, code, map[string]string{"error": code})
	}
	set, form := b.Set(), c.Form()
	id, secret := form.Get("client_id"), form.Get("client_secret")
	if user, password, ok := (&http.Request{Header: c.Header}).BasicAuth(); ok {
		id, secret = user, password
	}
	switch {
	case c.Method != http.MethodPost || form.Get("grant_type") != "client_credentials":
		return refuse(http.StatusBadRequest, "unsupported_grant_type")
	case id != set.ClientID || secret != set.ClientSecret:
		return refuse(http.StatusUnauthorized, "invalid_client")
	}
	b.Mu.Lock()
	defer b.Mu.Unlock()
	id, counted := b.NextID()
	token := "token-" + b.name + "-" + id
	end := b.desk.Now().Add(time.Duration(set.TokenSeconds) * time.Second)
	if err := b.Commit(counted, simctl.Change{Kind: kindToken, ID: token, Value: end}); err != nil {
		return refuse(http.StatusInternalServerError, "server_error")
	}
	return simctl.JSON(http.StatusOK, simctl.OK, map[string]any{
		"access_token": token, "token_type": "Bearer", "expires_in": set.TokenSeconds,
	})
}

// Text writes a scalar as text.
func Text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	}
	return fmt.Sprint(v)
}
