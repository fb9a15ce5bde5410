// Package wcsim simulates WeCom's contacts API as the WeCom reference
// documents it: transport rules (§ 1), tokens (§ 2), credentials (§ 3),
// members (§ 4), departments (§ 5), import jobs (§ 6), frequency limits
// (§ 10), error codes (§ 11) and the behaviour sheet (§ 12), with a switch
// where sources disagree (Settings).
//
// Messages are taken and silently dropped as § 7 says. Not simulated: log-in,
// callbacks and tags.
package wcsim

import (
	"bufio"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"orgflow/connectors/simctl"
	"orgflow/connectors/simtoken"
)

// Name is the simulator's mount point.
const Name = "wecom"

// Options are fixed for a simulator's life. The zero value is ready for use.
type Options = simctl.Options

// Sim is a simulated enterprise at WeCom.
type Sim struct {
	desk     *simctl.Desk
	settings atomic.Pointer[compiled]
	tokens   simtoken.Store
	limits   limits
	flying   atomic.Int64 // calls under way
	creating atomic.Int64 // of these, creations

	mu  sync.RWMutex
	dir *directory
}

var _ simctl.Simulator = (*Sim)(nil)
var _ simctl.Handler = (*Sim)(nil)

// New makes an enterprise with nothing but its root department.
func New(o Options) *Sim {
	s := &Sim{desk: simctl.NewDesk(o.Now, o.Sleep), dir: newDirectory()}
	if err := s.install(DefaultSettings()); err != nil {
		panic(err) // ours to get right
	}
	return s
}

// Name implements simctl.Simulator.
func (s *Sim) Name() string { return Name }

// Desk implements simctl.Simulator.
func (s *Sim) Desk() *simctl.Desk { return s.desk }

// ServeHTTP answers a vendor call. A call is under way until its answer, or
// the end of its connection, goes out.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	creation := creates[r.URL.Path]
	s.flying.Add(1)
	if creation {
		s.creating.Add(1)
	}
	leave := sync.OnceFunc(func() {
		s.flying.Add(-1)
		if creation {
			s.creating.Add(-1)
		}
	})
	defer leave()
	s.desk.Serve(&departing{ResponseWriter: w, leave: leave}, r, s)
}

// departing notices when a call is answered.
type departing struct {
	http.ResponseWriter
	leave func()
}

// WriteHeader implements http.ResponseWriter.
func (d *departing) WriteHeader(status int) {
	d.leave()
	d.ResponseWriter.WriteHeader(status)
}

// Hijack implements http.Hijacker, by which faults drop connections.
func (d *departing) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	d.leave()
	return http.NewResponseController(d.ResponseWriter).Hijack()
}

// Reset implements simctl.Simulator: an empty enterprise, no tokens, default settings.
func (s *Sim) Reset() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.commit(simctl.Change{Kind: kindReset}); err != nil {
		return err
	}
	if err := s.tokens.Clear(s.desk); err != nil {
		return err
	}
	s.limits.clear()
	return s.install(DefaultSettings())
}

// ExpireTokens implements simctl.Simulator.
func (s *Sim) ExpireTokens() error { return s.tokens.Expire(s.desk) }

// Actions implements simctl.Simulator.
func (s *Sim) Actions() map[string]simctl.Action {
	return map[string]simctl.Action{"activate": s.activate}
}

// commit makes changes durable and applies them. The caller holds s.mu. On
// an error nothing was changed.
func (s *Sim) commit(changes ...simctl.Change) error { return s.desk.Perform(s.apply, changes...) }
