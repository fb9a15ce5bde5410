// Package kdsim simulates 金蝶云星空 (Kingdee K/3 Cloud) as the Kingdee
// reference documents it: positional logins with their result types, sessions
// by header and cookie (§ 2), all body shapes (§ 1), failures under HTTP 200
// in the shape of each service (§ 3.2), queries with their paging pitfalls
// (§ 4), metadata (§ 5), and saving as far as tests of readers need it (§ 6).
// Settings has the switches.
//
// Not simulated: the header signature of the gateway, encoded passwords,
// GetDataCenterList, drafts, pushes, attachments, reports; values of
// sub-entries are null. Text compares by case.
package kdsim

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"

	"orgflow/connectors/simctl"
)

// Name is the simulator's mount point. Its base_url ends in /kingdee/k3cloud/.
const Name = "kingdee"

// Options are fixed for a simulator's life. The zero value is ready for use.
type Options = simctl.Options

// Sim is a simulated server.
type Sim struct {
	desk     *simctl.Desk
	settings atomic.Pointer[Settings]
	sessions sessions
	rate     rate
	inFlight atomic.Int64
	peak     atomic.Int64
	saves    atomic.Int64
	shuffle  atomic.Uint64

	recent cache

	mu      sync.RWMutex
	forms   catalog
	version uint64 // of the forms
}

var _ simctl.Simulator = (*Sim)(nil)
var _ simctl.Handler = (*Sim)(nil)

// New makes a server without any forms.
func New(o Options) *Sim {
	s := &Sim{desk: simctl.NewDesk(o.Now, o.Sleep), forms: catalog{}}
	n := DefaultSettings()
	s.settings.Store(&n)
	s.shuffle.Store(rand.Uint64()) //nolint:gosec // an order that nobody may rely on
	return s
}

// Name implements simctl.Simulator.
func (s *Sim) Name() string { return Name }

// Desk implements simctl.Simulator.
func (s *Sim) Desk() *simctl.Desk { return s.desk }

// ServeHTTP answers a call. Over HTTP/2 it answers 502, as servers behind a
// gateway do (§ 1).
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor > 1 {
		http.Error(w, "Bad Gateway", http.StatusBadGateway)
		return
	}
	n := s.inFlight.Add(1)
	defer s.inFlight.Add(-1)
	for p := s.peak.Load(); n > p && !s.peak.CompareAndSwap(p, n); p = s.peak.Load() {
	}
	s.desk.Serve(w, r, s)
}

// Peak is the highest number of calls that were under way at once.
func (s *Sim) Peak() int { return int(s.peak.Load()) }

// Logins is the number of sessions given out.
func (s *Sim) Logins() int { return s.sessions.issued() }

// Actions implements simctl.Simulator: POST /_sim/kingdee/rows changes rows
// of a form, {"form_id": "…", "upsert": [{…}], "delete": [ids]}, and POST
// /_sim/kingdee/load answers {"peak": n, "logins": n}.
func (s *Sim) Actions() map[string]simctl.Action {
	return map[string]simctl.Action{
		"rows": s.changeRows,
		"load": func(json.RawMessage) (any, error) {
			return map[string]int{"peak": s.Peak(), "logins": s.Logins()}, nil
		},
	}
}

// ExpireTokens implements simctl.Simulator: every session is lost.
func (s *Sim) ExpireTokens() error {
	s.sessions.clear()
	return nil
}

// Reset implements simctl.Simulator: no forms, default settings, no locks.
func (s *Sim) Reset() error {
	if err := s.Put(State{}); err != nil {
		return err
	}
	n := DefaultSettings()
	s.settings.Store(&n)
	s.desk.SetLatency(0)
	s.sessions.reset()
	s.peak.Store(0)
	s.saves.Store(0)
	return nil
}

// State implements simctl.Simulator. Generated rows are shown by their
// recipe.
func (s *Sim) State() any {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := State{Forms: map[string]Form{}}
	for id, f := range s.forms {
		out.Forms[id] = f.def
	}
	return out
}

// PutState implements simctl.Simulator: it replaces all forms.
func (s *Sim) PutState(raw json.RawMessage) error {
	var in State
	if err := simctl.DecodeStrict(raw, &in); err != nil {
		return err
	}
	return s.Put(in)
}

// Put replaces all forms, as PutState does.
func (s *Sim) Put(in State) error {
	forms, err := compile(in, wallNow(s.desk.Now()))
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.desk.Commit(append([]simctl.Change{{Kind: kindNone}}, forms.changes()...)...); err != nil {
		return err
	}
	s.set(forms)
	return nil
}

// change puts a changed form in the place of one. The lock is held.
func (s *Sim) change(id string, def Form) error {
	f, err := compileForm(id, def, wallNow(s.desk.Now()))
	if err != nil {
		return err
	}
	if err := s.desk.Commit(simctl.Change{Kind: kindForm, ID: id, Value: f.def}); err != nil {
		return err
	}
	s.set(s.forms.with(f))
	return nil
}

// set puts forms in force. The lock is held.
func (s *Sim) set(forms catalog) {
	s.forms = forms
	s.version++
}

// Kinds of journalled changes.
const (
	kindNone = "none" // all forms gone
	kindForm = "form"
)

// Dump implements simctl.Simulator.
func (s *Sim) Dump() []simctl.Change {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.forms.changes()
}

// Replay implements simctl.Simulator.
func (s *Sim) Replay(e simctl.Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e.Kind {
	case kindNone:
		s.set(catalog{})
		return nil
	case kindForm:
		var def Form
		if err := json.Unmarshal(e.Value, &def); err != nil {
			return fmt.Errorf("form %s: %w", e.ID, err)
		}
		f, err := compileForm(e.ID, def, wallNow(s.desk.Now()))
		if err != nil {
			return err
		}
		s.set(s.forms.with(f))
		return nil
	}
	return fmt.Errorf("unknown kind of change %q", e.Kind)
}
