// Package testtool says what becomes of a test that needs a program which is
// not installed.
package testtool

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Need returns where the first of the programs is that is installed. Without
// any of them the test goes no further: see Missing.
func Need(t testing.TB, programs ...string) string {
	t.Helper()
	for _, program := range programs {
		if path, err := exec.LookPath(program); err == nil {
			return path
		}
	}
	Missing(t, "not installed: "+strings.Join(programs, " or "))
	return ""
}

// Missing skips the test and says so aloud, on standard error too; with the
// variable CI set it fails it, so that a pipeline cannot pass on half the
// tests.
func Missing(t testing.TB, what string) {
	t.Helper()
	missing(t, what, os.Getenv("CI") != "", os.Stderr)
}

func missing(t testing.TB, what string, pipeline bool, aloud io.Writer) {
	t.Helper()
	if pipeline {
		t.Fatal(what)
	}
	_, _ = fmt.Fprintf(aloud, "\n*** SKIPPED %s: %s ***\n\n", t.Name(), what) // the test says it too
	t.Skip(what)
}
