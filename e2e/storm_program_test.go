//go:build linux

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// program is one process that runs always: it is started again when it has
// ended, as an init system or Kubernetes does.
type program struct {
	name  string
	start func() (*process, error)

	mu      sync.Mutex
	now     *process
	all     []*process
	killed  *process // the last that a fault has ended
	down    bool     // killed, and not yet to be started again
	changed chan struct{}
	over    bool     // the storm: it is not started again
	ends    []string // why it has ended by itself
}

// supervise starts a program, waits until it is ready and keeps it running.
func (s *storm) supervise(name, ready string, env []string, cmd *exec.Cmd) {
	s.t.Helper()
	dir := s.t.TempDir()
	p := &program{name: name, changed: make(chan struct{}, 1), start: func() (*process, error) {
		again := exec.Command(cmd.Path, cmd.Args[1:]...)
		return launchCommand(dir, env, name, again)
	}}
	if err := p.begin(); err != nil {
		s.t.Fatalf("start %s: %v", name, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); p.keep(ctx) }()
	s.t.Cleanup(func() {
		p.stop()
		cancel()
		<-ended
		p.kill()
		p.tell(s)
	})
	s.programs = append(s.programs, p)
	eventually(s.t, time.Minute, 50*time.Millisecond, name+" ready", func() error {
		if why := p.why(); len(why) > 0 {
			s.t.Fatalf("%s ended: %v", name, why)
		}
		status, body, err := call("GET", ready, "")
		if err != nil || status != 200 {
			return fmt.Errorf("%d %s %v", status, body, err)
		}
		return nil
	})
}

func (p *program) begin() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	one, err := p.start()
	if err != nil {
		return err
	}
	p.now, p.all = one, append(p.all, one)
	return nil
}

// keep starts the program again whenever it has ended, a second later.
func (p *program) keep(ctx context.Context) {
	for {
		p.mu.Lock()
		now := p.now
		p.mu.Unlock()
		select {
		case <-now.done:
		case <-ctx.Done():
			return
		}
		p.noted(now)
		rest(ctx, time.Second)
		for !p.mayRun() {
			select {
			case <-p.changed:
			case <-ctx.Done():
				return
			}
		}
		if ctx.Err() != nil || p.begin() != nil {
			return // the storm is over, or a strand will miss it
		}
	}
}

// noted notes why a program has ended, where nobody has killed it.
func (p *program) noted(ended *process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.over && p.killed != ended {
		p.ends = append(p.ends, fmt.Sprintf("%s: %s", ended.cmd.ProcessState, lastWords(ended.err.String())))
	}
}

func (p *program) mayRun() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.down && !p.over
}

func lastWords(log string) string {
	list := lines(log)
	if len(list) == 0 {
		return "without a word"
	}
	return list[len(list)-1]
}

func (p *program) why() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.ends)
}

// kill ends the process as a power cut does, and leaves it down.
func (p *program) kill() {
	p.mu.Lock()
	now := p.now
	p.down, p.killed = true, now
	p.mu.Unlock()
	now.kill()
}

// release lets it be started again.
func (p *program) release() {
	p.mu.Lock()
	p.down = false
	p.mu.Unlock()
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// signal sends a signal to the process that runs now.
func (p *program) signal(sig syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.now.cmd.Process.Signal(sig); err != nil && !p.now.ended() {
		return fmt.Errorf("signal %s: %w", p.name, err)
	}
	return nil
}

// stop says that it is not to be started again.
func (p *program) stop() *process {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	return p.now
}

// tell writes what all its processes have written where the tester wants it.
func (p *program) tell(s *storm) {
	for i, one := range p.all {
		if s.plan.logs != "" {
			name := fmt.Sprintf("%s.%d.log", strings.ReplaceAll(p.name, " ", "-"), i+1)
			if err := os.WriteFile(filepath.Join(s.plan.logs, name), []byte(one.out.String()+one.err.String()), 0o600); err != nil {
				s.t.Error(err)
			}
		} else if s.t.Failed() {
			s.t.Logf("%s, process %d wrote:\n%s", p.name, i+1, tail(one.err.String()))
		}
	}
}
