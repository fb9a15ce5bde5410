package testtool

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// told is a test that remembers what it was told.
type told struct {
	testing.TB
	failed, skipped bool
}

func (t *told) Helper()      {}
func (t *told) Name() string { return "TestOfSomething" }
func (t *told) Fatal(...any) { t.failed = true; panic(t) }
func (t *told) Skip(...any)  { t.skipped = true; panic(t) }

// ends calls f, which ends a test, with a test of its own.
func ends(f func(t testing.TB)) (t *told) {
	t = &told{}
	defer func() { _ = recover() }()
	f(t)
	return t
}

func TestAPipelineFailsWhereOthersSkip(t *testing.T) {
	var aloud strings.Builder
	if got := ends(func(t testing.TB) { missing(t, "no such thing", false, &aloud) }); got.failed || !got.skipped {
		t.Errorf("at somebody's machine: %+v", got)
	}
	if !strings.Contains(aloud.String(), "SKIPPED TestOfSomething: no such thing") {
		t.Errorf("said %q", aloud.String())
	}
	if got := ends(func(t testing.TB) { missing(t, "no such thing", true, &aloud) }); !got.failed || got.skipped {
		t.Errorf("in a pipeline: %+v", got)
	}
	t.Setenv("CI", "true")
	if got := ends(func(t testing.TB) { Need(t, "no-such-program-of-orgflow", "nor-this-one") }); !got.failed {
		t.Errorf("a missing program in a pipeline: %+v", got)
	}
}

func TestTheFirstProgramThatIsThere(t *testing.T) {
	if got := Need(t, "no-such-program-of-orgflow", "go"); filepath.Base(got) != "go" {
		t.Errorf("found %q", got)
	}
}

// Tests that look for a program by themselves skip in a pipeline, too, when
// it is missing there.
func TestNobodyElseLooksForPrograms(t *testing.T) {
	seen := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") || path == "../../internal/testtool/testtool_test.go" {
			return err
		}
		seen++
		code, err := os.ReadFile(path)
		if strings.Contains(string(code), "LookPath(") {
			t.Errorf("%s: use testtool.Need", path)
		}
		return err
	})
	if err != nil || seen < 100 {
		t.Errorf("%d files, %v", seen, err)
	}
}
