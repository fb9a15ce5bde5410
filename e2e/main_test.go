// Package e2e tests the program from outside: it builds the real binaries,
// starts them as processes on free loopback ports, and looks at what an
// operator, a vendor and Temporal see. It imports nothing of the program but
// the simulators, and the PostgreSQL, the browser and the reader of pages for
// tests.
package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// bin is the directory of the binaries under test.
var bin string

func TestMain(m *testing.M) {
	dir, err := build()
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(1)
	}
	bin = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// build compiles the binaries with the flags everything else is built with:
// another flag would compile the embedded server for minutes again.
func build() (string, error) {
	dir, err := os.MkdirTemp("", "orgflow-e2e-")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", dir+string(filepath.Separator), "./standalone", "./worker", "./starter")
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		_ = os.RemoveAll(dir)
		return "", fmt.Errorf("build the binaries: %w\n%s", err, out)
	}
	return dir, nil
}
