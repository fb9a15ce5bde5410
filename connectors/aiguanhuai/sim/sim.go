// Package aghsim simulates 爱关怀's organisation interface /v3/oms as the
// reference documents it (爱关怀 reference § A.2, § C.6): prepared pushes with
// a life, batches that are taken whole or not at all, the default status
// "left", full replace on completion, a pluggable signature, and a switch
// where the document contradicts itself or is silent (Settings).
package aghsim

import (
	"net/http"
	"sync"
	"sync/atomic"

	"orgflow/connectors/signing"
	"orgflow/connectors/simctl"
)

// Name is the simulator's mount point.
const Name = "aiguanhuai"

// Options are fixed for a simulator's life. The zero value is ready for use.
type Options = simctl.Options

// Sim is one simulated enterprise at 爱关怀.
type Sim struct {
	desk     *simctl.Desk
	settings atomic.Pointer[compiled]

	mu   sync.RWMutex
	held *held
}

var _ simctl.Simulator = (*Sim)(nil)
var _ simctl.Handler = (*Sim)(nil)

// New makes an enterprise that holds nothing.
func New(o Options) *Sim {
	s := &Sim{desk: simctl.NewDesk(o.Now, o.Sleep), held: newHeld()}
	if err := s.install(DefaultSettings()); err != nil {
		panic(err) // ours to get right
	}
	return s
}

// compiled are settings with their signer; immutable.
type compiled struct {
	Settings
	signer *signing.Signer
	refuse map[string]bool
}

// Name implements simctl.Simulator.
func (s *Sim) Name() string { return Name }

// Desk implements simctl.Simulator.
func (s *Sim) Desk() *simctl.Desk { return s.desk }

// ServeHTTP answers a vendor call.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.desk.Serve(w, r, s) }

// Actions implements simctl.Simulator; there are none.
func (s *Sim) Actions() map[string]simctl.Action { return nil }

// ExpireTokens implements simctl.Simulator: every open task is forgotten.
func (s *Sim) ExpireTokens() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var changes []simctl.Change
	for id := range s.held.tasks {
		changes = append(changes, simctl.Change{Kind: kindTask, ID: id})
	}
	return s.commit(changes...)
}

// Reset implements simctl.Simulator.
func (s *Sim) Reset() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.commit(simctl.Change{Kind: kindReset}); err != nil {
		return err
	}
	return s.install(DefaultSettings())
}

// commit makes changes durable and applies them. The caller holds s.mu. On
// an error nothing was changed.
func (s *Sim) commit(changes ...simctl.Change) error { return s.desk.Perform(s.held.apply, changes...) }
