// Package hcmsim simulates the HCM gateway that people and departments are
// read from, as the HCM source reference documents it: calls (§ 1.1),
// authentication (§ 1.2), hcm.model.list with its filters (§ 1.3, § 1.5),
// answers and errors (§ 1.6), with switches for what deployments do
// differently (Settings).
//
// Not simulated: writing calls, private cloud functions, the browser's
// encrypted envelope and the interactive login.
package hcmsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"

	"orgflow/connectors/simctl"
)

// Name is the simulator's mount point.
const Name = "hcm"

// Options are fixed for a simulator's life. The zero value is ready for use.
type Options = simctl.Options

// Sim is a simulated gateway: POST /api/{api name} and POST /oauth/token.
type Sim struct {
	desk     *simctl.Desk
	settings atomic.Pointer[Settings]
	tokens   tokens

	mu   sync.RWMutex
	data *dataset
}

var _ simctl.Simulator = (*Sim)(nil)
var _ simctl.Handler = (*Sim)(nil)

// New makes a gateway without any rows.
func New(o Options) *Sim {
	s := &Sim{desk: simctl.NewDesk(o.Now, o.Sleep), data: &dataset{models: map[string]*model{}}}
	n := DefaultSettings()
	s.settings.Store(&n)
	s.tokens.restart(s.desk.Now())
	return s
}

// Name implements simctl.Simulator.
func (s *Sim) Name() string { return Name }

// Desk implements simctl.Simulator.
func (s *Sim) Desk() *simctl.Desk { return s.desk }

// ServeHTTP answers a gateway call.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.desk.Serve(w, r, s) }

// Actions implements simctl.Simulator; there are none.
func (s *Sim) Actions() map[string]simctl.Action { return nil }

// ExpireTokens implements simctl.Simulator. The fixed token is one for ever
// unless token_seconds says otherwise, and then stays expired until the
// options are put again.
func (s *Sim) ExpireTokens() error {
	s.tokens.expire()
	return nil
}

// Reset implements simctl.Simulator: no rows, default settings.
func (s *Sim) Reset() error {
	if err := s.replace(State{}); err != nil {
		return err
	}
	n := DefaultSettings()
	s.settings.Store(&n)
	s.desk.SetLatency(0)
	s.tokens.clear()
	s.tokens.restart(s.desk.Now())
	return nil
}

// State is what GET and PUT /_sim/hcm/state carry.
type State struct {
	// Models are rows by model name, in the order they are delivered without a sort.
	Models map[string][]json.RawMessage `json:"models"`
	// Metas are layout files by meta_key, without .json, for hcm.company.meta.load.
	Metas map[string]json.RawMessage `json:"metas,omitempty"`
}

// State implements simctl.Simulator.
func (s *Sim) State() any {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.data.state()
}

// PutState implements simctl.Simulator: it replaces all rows and metas. Any
// model name is allowed; a row must be an object.
func (s *Sim) PutState(raw json.RawMessage) error {
	var in State
	if err := simctl.DecodeStrict(raw, &in); err != nil {
		return err
	}
	return s.replace(in)
}

// Put replaces all rows, as PutState does.
func (s *Sim) Put(st State) error { return s.replace(st) }

func (s *Sim) replace(in State) error {
	data, err := load(in)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.desk.Commit(simctl.Change{Kind: kindState, Value: data.state()}); err != nil {
		return err
	}
	s.data = data
	return nil
}

const kindState = "state"

// Dump implements simctl.Simulator.
func (s *Sim) Dump() []simctl.Change {
	return []simctl.Change{{Kind: kindState, Value: s.State()}}
}

// Replay implements simctl.Simulator.
func (s *Sim) Replay(e simctl.Entry) error {
	var in State
	if e.Kind != kindState {
		return fmt.Errorf("unknown kind of change %q", e.Kind)
	}
	if err := json.Unmarshal(e.Value, &in); err != nil {
		return err
	}
	data, err := load(in)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data = data
	return nil
}
