package testpg

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// superuser of the temporary server. It has no password: the server listens
// on loopback only, for the life of one test process, and holds invented data.
const superuser = "orgflow"

// attempts to start a server: between choosing a free port and binding it
// another process may take it.
const attempts = 3

// shared is the one temporary server of this process.
var shared cluster

// cluster is a temporary PostgreSQL server, started on first use.
type cluster struct {
	once    sync.Once
	address string
	err     error
	durable bool // commits reach the disk, as where data matters
	server  *exec.Cmd
	// lifeline is the write end of the keeper's standard input. The kernel
	// closes it when this process ends, however it ends.
	lifeline io.Closer
}

func (c *cluster) url() (string, error) {
	c.once.Do(func() { c.err = c.start() })
	return c.address, c.err
}

// stop ends the server and waits until its directory is removed.
func (c *cluster) stop() {
	if c.server != nil {
		_ = c.lifeline.Close()
		_ = c.server.Wait()
	}
}

func (c *cluster) start() error {
	bin, err := findBinaries()
	if err != nil {
		return err
	}
	credential, err := unprivileged()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "orgflow-pg-")
	if err != nil {
		return err
	}
	if credential != nil {
		if err := os.Chown(dir, int(credential.Uid), int(credential.Gid)); err != nil {
			return err
		}
	}
	if err := initialise(bin, dir, credential); err != nil {
		_ = os.RemoveAll(dir)
		return err
	}
	for range attempts {
		if err = c.launch(bin, dir, credential); err == nil {
			return nil
		}
	}
	_ = os.RemoveAll(dir)
	return err
}

func initialise(bin, dir string, credential *syscall.Credential) error {
	cmd := exec.Command(filepath.Join(bin, "initdb"), "-D", filepath.Join(dir, "data"),
		"-U", superuser, "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
	prepare(cmd, dir, credential)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return nil
}

// keeper runs the server until its standard input ends, then stops it and
// removes the directory. It outlives a killed test process by a moment, so
// nothing is left behind. Exit code 3: the server ended by itself.
const keeper = `
"$1/postgres" -D "$2/data" -p "$3" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
  -c fsync="$4" -c synchronous_commit="$4" -c full_page_writes="$4" -c max_connections=500 \
  >"$2/log" 2>&1 </dev/null &
server=$!
cat >/dev/null
kill -QUIT "$server" 2>/dev/null || exit 3
wait "$server"
rm -rf "$2"
`

// launch starts the keeper and waits until the server answers.
func (c *cluster) launch(bin, dir string, credential *syscall.Credential) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	durable := "off"
	if c.durable {
		durable = "on"
	}
	cmd := exec.Command("/bin/sh", "-c", keeper, "keeper", bin, dir, strconv.Itoa(port), durable)
	prepare(cmd, dir, credential)
	lifeline, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	address := fmt.Sprintf("postgres://%s@127.0.0.1:%d/postgres?sslmode=disable", superuser, port)
	if err := awaitServer(address); err != nil {
		log, _ := os.ReadFile(filepath.Join(dir, "log"))
		_ = lifeline.Close()
		_ = cmd.Wait()
		return fmt.Errorf("start PostgreSQL: %w\n%s", err, log)
	}
	c.address, c.server, c.lifeline = address, cmd, lifeline
	return nil
}

// prepare gives a command its working directory, a plain environment and the
// unprivileged user, in a process group of its own so that an interrupt from
// the keyboard reaches the keeper through its input only.
func prepare(cmd *exec.Cmd, dir string, credential *syscall.Credential) {
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential, Setpgid: true}
}

func awaitServer(address string) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	db, err := sql.Open("postgres", address)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		if err = db.PingContext(ctx); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-ticker.C:
		}
	}
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = listener.Close() }()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(port)
}

// findBinaries returns the directory with initdb and postgres: from PATH, or
// the newest of Debian's version directories, which are not in PATH.
func findBinaries() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil && hasServer(filepath.Dir(real)) {
			return filepath.Dir(real), nil
		}
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is well formed
	slices.SortFunc(found, func(a, b string) int { return debianVersion(b) - debianVersion(a) })
	for _, path := range found {
		if hasServer(filepath.Dir(path)) {
			return filepath.Dir(path), nil
		}
	}
	return "", errMissing
}

func hasServer(dir string) bool {
	_, err := exec.LookPath(filepath.Join(dir, "postgres"))
	return err == nil
}

// debianVersion is 15 for /usr/lib/postgresql/15/bin/initdb.
func debianVersion(path string) int {
	version, _ := strconv.Atoi(strings.Split(path, "/")[4]) // 0 sorts last
	return version
}

// unprivileged returns an ordinary user when this process runs as root, as
// which PostgreSQL refuses to run; else nil.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUID := strconv.ParseUint(account.Uid, 10, 32)
		gid, errGID := strconv.ParseUint(account.Gid, 10, 32)
		if errUID == nil && errGID == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, fmt.Errorf("PostgreSQL does not run as root and there is neither a user postgres nor nobody: set %s", EnvURL)
}
