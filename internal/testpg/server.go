//go:build linux

package testpg

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"orgflow/internal/testtool"
)

// Server is a PostgreSQL of a test's own, which may be stopped the hard way
// and started again, at the same address and with the same data.
type Server struct {
	bin, dir, port string
	credential     *syscall.Credential
	mounted        bool

	mu       sync.Mutex
	lifeline io.Closer     // of the keeper; the kernel closes it when this process ends
	done     chan struct{} // closed when the server has ended
}

// NewServer makes and starts a server, which ends with the test. A commit it
// has answered survives Crash. With disk, in bytes, its data has a file system
// of that size for itself, which Fill fills; where this process may not mount
// one, Disk says so and the data stands among all others. Without any
// PostgreSQL the test is skipped, as URL does.
func NewServer(t testing.TB, disk int64) *Server {
	t.Helper()
	bin, err := findBinaries()
	if errors.Is(err, errMissing) {
		testtool.Missing(t, err.Error())
	}
	s := &Server{bin: bin}
	if err == nil {
		err = s.make(t, disk)
	}
	if err == nil {
		err = s.Start()
	}
	if err != nil {
		t.Fatalf("a PostgreSQL for this test: %v", err)
	}
	return s
}

func (s *Server) make(t testing.TB, disk int64) (err error) {
	if s.credential, err = unprivileged(); err != nil {
		return err
	}
	if s.dir, err = os.MkdirTemp("", "orgflow-pg-"); err != nil {
		return err
	}
	t.Cleanup(func() {
		s.Crash()
		if s.mounted {
			_ = syscall.Unmount(s.dir, syscall.MNT_DETACH) // nobody is left in it
		}
		_ = os.RemoveAll(s.dir)
		_ = os.Remove(s.dir + ".log")
	})
	if disk > 0 {
		s.mounted = syscall.Mount("tmpfs", s.dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", disk)) == nil
	}
	if s.credential != nil {
		if err := os.Chown(s.dir, int(s.credential.Uid), int(s.credential.Gid)); err != nil {
			return err
		}
	}
	port, err := freePort()
	s.port = strconv.Itoa(port)
	if err != nil {
		return err
	}
	return initialise(s.bin, s.dir, s.credential)
}

// guard runs the server until it ends, or until its own standard input does.
const guard = `
exec 3<&0
"$1/postgres" -D "$2/data" -p "$3" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
  -c fsync=off -c max_connections=500 -c max_wal_size=128MB -c min_wal_size=32MB >>"$2.log" 2>&1 </dev/null &
server=$!
(cat <&3 >/dev/null; kill -QUIT "$server" 2>/dev/null) &
wait "$server"
`

// Start starts the server where it does not run, and waits until it answers.
// It may fail while the disk is full.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.runs() {
		return nil
	}
	cmd := exec.Command("/bin/sh", "-c", guard, "guard", s.bin, s.dir, s.port)
	prepare(cmd, s.dir, s.credential)
	lifeline, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait() // however it ended
	}()
	s.lifeline, s.done = lifeline, done
	for began := time.Now(); time.Since(began) < timeout; {
		select {
		case <-done:
			return fmt.Errorf("PostgreSQL ended while it started:\n%s", s.Log())
		case <-time.After(50 * time.Millisecond):
		}
		if err = execute(s.url("postgres"), "SELECT 1"); err == nil {
			return nil
		}
	}
	return fmt.Errorf("start PostgreSQL: %w\n%s", err, s.Log())
}

func (s *Server) runs() bool {
	if s.done == nil {
		return false
	}
	select {
	case <-s.done:
		return false
	default:
		return true
	}
}

// Ended reports whether the server does not run.
func (s *Server) Ended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.runs()
}

// Crash ends the server at once, as "pg_ctl stop -m immediate" does: the next
// start has to recover.
func (s *Server) Crash() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.runs() {
		_ = s.lifeline.Close()
		<-s.done
	}
}

// Addr is where it listens: host:port.
func (s *Server) Addr() string { return "127.0.0.1:" + s.port }

// URL creates an empty database and returns its URL.
func (s *Server) URL(t testing.TB) string {
	t.Helper()
	name := "orgflow_test_" + randomHex(t)
	if err := execute(s.url("postgres"), "CREATE DATABASE "+name); err != nil {
		t.Fatalf("create database %s: %v", name, err)
	}
	return s.url(name)
}

func (s *Server) url(name string) string {
	return fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable", superuser, s.Addr(), name)
}

// Disk reports whether the data has a file system for itself.
func (s *Server) Disk() bool { return s.mounted }

// Fill leaves nothing of the disk's space until the file it returns is removed.
func (s *Server) Fill() (ballast string, err error) {
	if !s.mounted {
		return "", errors.New("the data has no disk of its own")
	}
	f, err := os.Create(filepath.Join(s.dir, "ballast"))
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	// The server writes meanwhile: what it takes is not there any more.
	for spare := range int64(20) {
		var disk syscall.Statfs_t
		if err = syscall.Statfs(s.dir, &disk); err != nil {
			break
		}
		if err = syscall.Fallocate(int(f.Fd()), 0, 0, int64(disk.Bavail)*disk.Bsize-spare<<16); err == nil {
			break
		}
	}
	return f.Name(), err
}

// Log is the end of what the server has written.
func (s *Server) Log() string {
	raw, err := os.ReadFile(s.dir + ".log")
	if err != nil {
		return err.Error()
	}
	list := strings.Split(string(raw), "\n")
	return strings.Join(list[max(0, len(list)-40):], "\n")
}
