package e2e

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// process is a running binary with what it has written so far.
type process struct {
	t        *testing.T
	name     string
	cmd      *exec.Cmd
	out, err output
	done     chan struct{} // closed when it has ended
}

// output collects a stream; it may be read while it is written.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// start runs a binary in a process group of its own, which is killed when
// the test ends.
func start(t *testing.T, env []string, name string, args ...string) *process {
	t.Helper()
	p, err := launch(t.TempDir(), env, name, args...)
	if err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	return p.watched(t)
}

// watched has a process killed when the test ends, and what it wrote shown
// when the test has failed.
func (p *process) watched(t *testing.T) *process {
	p.t = t
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%s wrote:\n%s\n--- stderr ---\n%s", p.name, tail(p.out.String()), tail(p.err.String()))
		}
	})
	return p
}

// launch starts a binary in dir and in a process group of its own. Killing
// it is the caller's business.
func launch(dir string, env []string, name string, args ...string) (*process, error) {
	return launchCommand(dir, env, name, exec.Command(filepath.Join(bin, name), args...))
}

// launchCommand does the same for any command.
func launchCommand(dir string, env []string, name string, cmd *exec.Cmd) (*process, error) {
	p := &process{name: name, cmd: cmd, done: make(chan struct{})}
	p.cmd.Env, p.cmd.Dir = env, dir
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.err
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait() // the exit code tells
	}()
	return p, nil
}

// kill ends the process group the way a power cut does.
func (p *process) kill() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // it may have ended
	<-p.done
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatalf("signal %s: %v", p.name, err)
	}
}

// exit waits for the end and returns the exit code.
func (p *process) exit(within time.Duration) int {
	p.t.Helper()
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-timer.C:
		_ = p.cmd.Process.Signal(syscall.SIGQUIT) // its stacks say what it waits for
		p.t.Fatalf("%s has not ended within %s", p.name, within)
		return -1
	}
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// result is a command that has ended.
type result struct {
	out, err string
	code     int
}

// run runs a binary to its end.
func run(t *testing.T, env []string, name string, args ...string) result {
	t.Helper()
	p := start(t, env, name, args...)
	code := p.exit(2 * time.Minute)
	return result{out: p.out.String(), err: p.err.String(), code: code}
}

func tail(s string) string {
	const most = 6000
	if len(s) > most {
		return "…" + s[len(s)-most:]
	}
	return s
}

func lines(s string) []string {
	s = strings.TrimRight(s, "\n")
	if s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}

// errNotYet is what a condition returns that may become true later.
var errNotYet = errors.New("not yet")

// eventually asks until the answer is nil, or fails the test. It asks as
// often as every.
func eventually(t *testing.T, within, every time.Duration, what string, ask func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		err := ask()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not within %s: %v", what, within, err)
		case <-tick.C:
		}
	}
}
