// Package dtsim simulates DingTalk's contact APIs v2 and v1 and application
// tokens as the DingTalk reference documents them: envelopes (§ 1), tokens
// (§ 2), departments and users (§ 3, § 4, § 5), results of attendance (§ 6.1),
// signing in (§ 8), error codes (§ 10) and the behaviour sheet (§ 13), with a
// switch where sources disagree (Settings).
//
// Work notifications are taken and silently dropped as § 7.3 says. Contact
// events are pushed to a callback (§ 9.3, EventPush). Not simulated:
// schedules and raw punches, the event stream and enterprise
// ("exclusive") accounts.
package dtsim

import (
	"net/http"
	"sync"
	"sync/atomic"

	"orgflow/connectors/simctl"
	"orgflow/connectors/simtoken"
)

// Name is the simulator's mount point.
const Name = "dingtalk"

// Options are fixed for a simulator's life. The zero value is ready for use.
type Options = simctl.Options

// Sim is a simulated DingTalk organisation. It is an http.Handler for both
// hosts of the API: /topapi/…, /department/…, /user/…,
// /attendance/list, /gettoken and /auth/scopes as well as /v1.0/….
type Sim struct {
	desk     *simctl.Desk
	settings atomic.Pointer[compiled]
	tokens   simtoken.Store
	grants   grants
	throttle throttle
	requests atomic.Uint64 // for request ids
	courier  courier
	quota    quota

	mu  sync.RWMutex
	dir *directory
}

var _ simctl.Simulator = (*Sim)(nil)
var _ simctl.Handler = (*Sim)(nil)

// New makes an organisation with nothing but its root department.
func New(o Options) *Sim {
	s := &Sim{desk: simctl.NewDesk(o.Now, o.Sleep), dir: newDirectory()}
	s.courier.sleep = s.desk.Sleep
	if err := s.install(DefaultSettings()); err != nil {
		panic(err) // ours to get right
	}
	return s
}

// Name implements simctl.Simulator.
func (s *Sim) Name() string { return Name }

// Desk implements simctl.Simulator.
func (s *Sim) Desk() *simctl.Desk { return s.desk }

// ServeHTTP answers a vendor call.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.desk.Serve(w, r, s) }

// Reset implements simctl.Simulator: an empty organisation, no tokens, default settings.
func (s *Sim) Reset() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.commit(simctl.Change{Kind: kindReset}); err != nil {
		return err
	}
	if err := s.tokens.Clear(s.desk); err != nil {
		return err
	}
	s.throttle.clear()
	s.quota.clear()
	s.grants.clear()
	return s.install(DefaultSettings())
}

// ExpireTokens implements simctl.Simulator.
func (s *Sim) ExpireTokens() error {
	s.grants.clear()
	return s.tokens.Expire(s.desk)
}

// Actions implements simctl.Simulator.
func (s *Sim) Actions() map[string]simctl.Action {
	return map[string]simctl.Action{"accept": s.accept, "app-code": s.appCode}
}

// commit makes changes durable and applies them. The caller holds s.mu. On
// an error nothing was changed.
func (s *Sim) commit(changes ...simctl.Change) error {
	events := s.dir.events(changes, s.desk.Now())
	if err := s.desk.Perform(s.apply, changes...); err != nil {
		return err
	}
	s.announce(events)
	return nil
}
