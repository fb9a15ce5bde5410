//go:build linux

package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// clockVariable names the file whose number of seconds is added to a process's
// wall clock.
const clockVariable = "STORM_CLOCK"

// clockSource goes into the standard library's package time: once in a tenth
// of a second the file is read. Only the wall clock steps; timers and durations
// go by the monotonic clock, as they do on a machine whose clock is set.
const clockSource = `package time

import (
	"sync/atomic"
	"syscall"
)

var stormOffset atomic.Int64

func init() {
	if name, ok := syscall.Getenv("` + clockVariable + `"); ok {
		go stormClock(name)
	}
}

func stormClock(name string) {
	var b [32]byte
	for ; ; Sleep(100 * Millisecond) {
		fd, err := syscall.Open(name, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		if err != nil {
			continue
		}
		n, err := syscall.Read(fd, b[:])
		syscall.Close(fd)
		if err == nil && n > 0 {
			stormOffset.Store(stormSeconds(b[:n]))
		}
	}
}

func stormSeconds(b []byte) int64 {
	if b[0] == '-' {
		return -stormSeconds(b[1:])
	}
	n, _, _ := leadingInt(b)
	return int64(n)
}
`

// buildWithClock compiles worker and starter with a clock that can be set, into
// a directory. Everything they are made of is compiled again, the first time.
func buildWithClock(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	original := filepath.Join(strings.TrimSpace(string(root)), "src", "time", "time.go")
	raw, err := os.ReadFile(original)
	if err != nil {
		t.Fatal(err)
	}
	const read = "\tsec, nsec, mono := runtimeNow()\n\tif mono == 0 {"
	patched := strings.Replace(string(raw), read, strings.Replace(read, "()\n", "()\n\tsec += stormOffset.Load()\n", 1), 1)
	if patched == string(raw) {
		t.Fatalf("%s reads its clock in a way this test does not know", original)
	}
	replaced := map[string]string{
		original: filepath.Join(dir, "time.go"),
		filepath.Join(filepath.Dir(original), "storm.go"): filepath.Join(dir, "storm.go"),
	}
	for name, text := range map[string]string{"time.go": patched, "storm.go": clockSource, "overlay.json": encode(t, object{"Replace": replaced})} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(dir, "bin") + string(filepath.Separator)
	began := time.Now()
	cmd := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-overlay", filepath.Join(dir, "overlay.json"), "-o", out, "./worker", "./starter")
	cmd.Dir = ".."
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build with a clock that can be set: %v\n%s", err, text)
	}
	t.Logf("built with a clock that can be set in %s", time.Since(began).Round(time.Second))
	return out
}

// jumps wants a starter to answer with the date its clock is set to.
func (s *storm) jumps() {
	s.t.Helper()
	for _, by := range []time.Duration{time.Hour, -time.Hour, 0} {
		if err := s.clocks["starter 1"].set(by); err != nil {
			s.t.Fatal(err)
		}
		eventually(s.t, time.Minute, 100*time.Millisecond, "the clock jumps", func() error {
			res, err := httpClient.Get("http://" + s.https[0] + "/readyz")
			if err != nil {
				return err
			}
			_ = res.Body.Close()
			date, err := http.ParseTime(res.Header.Get("Date"))
			if off := time.Until(date) - by; err == nil && off.Abs() > time.Minute {
				err = fmt.Errorf("it is %s, by %s", date, by)
			}
			return err
		})
	}
}

// clock is the wall clock of one process.
type clock struct{ file string }

// set lets it be wrong by so much.
func (c clock) set(by time.Duration) error {
	tmp := c.file + ".new"
	if err := os.WriteFile(tmp, []byte(strconv.Itoa(int(by/time.Second))), 0o600); err != nil {
		return fmt.Errorf("set a clock: %w", err)
	}
	return os.Rename(tmp, c.file)
}
