//go:build linux

package e2e

import (
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"orgflow/internal/testpg"
)

// storm is a cluster whose every process, connection, vendor, clock and disk
// can be disturbed, with an operator who starts again what has ended.
type storm struct {
	*cluster
	plan     plan
	watch    watch // of a soak
	postgres *testpg.Server
	programs []*program // Temporal, the starters, the workers
	links    []*link
	vendor   *link // of all to the vendors
	clocks   map[string]clock
	metrics  map[string]string // URL, of starters and workers
	report   *stormReport
	began    time.Time
}

// disk is how much room PostgreSQL has, in bytes.
const disk = 2 << 30

// newStorm starts everything. Temporal's databases and orgflow's own are on
// one server.
func newStorm(t *testing.T, p plan) *storm {
	t.Helper()
	from, room := bin, int64(0)
	if p.length > 0 {
		from, room = buildWithClock(t), disk
	}
	s := &storm{plan: p, report: newStormReport(), began: time.Now(), clocks: map[string]clock{}, metrics: map[string]string{}, postgres: testpg.NewServer(t, room),
		cluster: &cluster{flowWorld: &flowWorld{world: newWorld(t), channels: 1}, host: newWorld(t)}}
	s.host.env["ORGFLOW_DATABASE_URL"] = s.postgres.URL(t)
	s.supervise("temporal", "http://"+s.host.http+"/readyz", s.host.environment(), exec.Command(filepath.Join(bin, "standalone"), "--demo=false"))

	s.env["ORGFLOW_DATABASE_URL"] = s.postgres.URL(t)
	s.vendor = newLink(t, "all", "vendors", s.sims)
	s.detour = s.vendor.addr
	s.furnish()
	s.migrates()
	for i := range 2 {
		name := fmt.Sprint("starter ", i+1)
		env := append(s.reaching(name), "ORGFLOW_HTTP_ADDR="+s.https[i])
		s.metrics[name] = "http://" + s.https[i] + "/metrics"
		s.supervise(name, "http://"+s.https[i]+"/readyz", env, exec.Command(filepath.Join(from, "starter"), "serve"))
	}
	for i := range 2 {
		name, metrics := fmt.Sprint("worker ", i+1), freeAddr(t)
		env := append(s.reaching(name), "ORGFLOW_METRICS_ADDR="+metrics)
		s.metrics[name] = "http://" + metrics + "/metrics"
		s.supervise(name, "http://"+metrics+"/healthz", env, exec.Command(filepath.Join(from, "worker")))
	}
	s.links = append(s.links, s.vendor)
	if p.length > 0 {
		s.jumps()
	}
	s.settles()
	if p.rare {
		s.watch = newWatch(s.cluster, s.metrics)
	}
	s.logf("everything runs")
	return s
}

// reaching is the environment of a process that has links of its own to
// PostgreSQL and Temporal, and a clock of its own.
func (s *storm) reaching(name string) []string {
	s.t.Helper()
	pg, temporal := newLink(s.t, name, "PostgreSQL", s.postgres.Addr()), newLink(s.t, name, "Temporal", s.temporalAddr())
	s.links = append(s.links, pg, temporal)
	database, err := url.Parse(s.env["ORGFLOW_DATABASE_URL"])
	if err != nil {
		s.t.Fatal(err)
	}
	database.Host = pg.addr
	s.clocks[name] = clock{file: filepath.Join(s.t.TempDir(), "clock")}
	return s.environment("ORGFLOW_DATABASE_URL="+database.String(), "ORGFLOW_TEMPORAL_ADDR="+temporal.addr, clockVariable+"="+s.clocks[name].file)
}

func (s *storm) temporalAddr() string { return s.host.temporal }

// stops ends everything in order, and looks at what it says: nobody may have
// panicked, nor have ended by himself without a reason.
func (s *storm) stops() {
	s.t.Helper()
	for _, p := range slices.Backward(s.programs) { // Temporal last
		one := p.stop()
		if err := p.signal(syscall.SIGTERM); err != nil {
			s.t.Error(err)
		}
		select {
		case <-one.done:
			if code := one.cmd.ProcessState.ExitCode(); code != 0 {
				s.t.Errorf("%s was stopped and ended with %d: %s", p.name, code, lastWords(one.err.String()))
			}
		case <-time.After(time.Minute):
			s.t.Errorf("%s has not ended a minute after it was told to", p.name)
		}
	}
	for _, p := range s.programs {
		for i, one := range p.all {
			for _, word := range []string{"panic:", "fatal error:", "goroutine 1 [", "SIGSEGV"} {
				if log := one.err.String(); strings.Contains(log, word) {
					s.t.Errorf("%s, process %d: %q in its log", p.name, i+1, word)
				}
			}
		}
		for _, why := range p.why() {
			s.report.ended(p.name, why)
			if strings.HasSuffix(why, "without a word") || strings.Contains(why, "signal:") {
				s.t.Errorf("%s ended by itself: %s", p.name, why)
			}
		}
	}
}

// logf says when something has happened.
func (s *storm) logf(format string, args ...any) {
	s.t.Logf("%6.1f s  %s", time.Since(s.began).Seconds(), fmt.Sprintf(format, args...))
}

// heal takes away whatever is left of any fault.
func (s *storm) heal() {
	s.t.Helper()
	for _, l := range s.links {
		l.disturb(linkState{})
	}
	for name, c := range s.clocks {
		if err := c.set(0); err != nil {
			s.t.Errorf("the clock of %s: %v", name, err)
		}
	}
	for _, desk := range s.desks {
		desk.ClearFaults()
	}
	if err := s.postgres.Start(); err != nil {
		s.t.Error(err)
	}
	for _, p := range s.programs {
		if err := p.signal(syscall.SIGCONT); err != nil {
			s.t.Error(err)
		}
		p.release()
	}
	s.logf("all is healed")
}
