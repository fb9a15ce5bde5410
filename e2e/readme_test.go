package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"orgflow/internal/testdoc"
	"orgflow/internal/testtool"
)

// TestTheFirstOwnJobOfTheReadme types what the README says, block by block,
// and compares what comes with what the README shows. Only addresses, the
// home directory and "go run" (the programs are built) are others.
func TestTheFirstOwnJobOfTheReadme(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"bash", "curl"} {
		testtool.Need(t, tool)
	}
	r := newReader(t)
	blocks := section(t, "## A first own job in ten minutes", "## Job parameters")
	var said string
	typed, compared := 0, 0
	for i, b := range blocks {
		switch {
		case b.Lang == "sh" && strings.Contains(b.Text, "./standalone"):
			r.secondTerminal(b)
		case b.Lang == "sh":
			said = r.types(b)
			typed++
		case i == 0 || b.Lang != "":
			t.Fatalf("README.md:%d: a block that is neither a command nor what it answers", b.Line)
		case blocks[i-1].Lang == "sh":
			if strings.Contains(b.Text, "no longer in the source") { // "runs changes of that run"
				said = r.types(testdoc.Block{Page: b.Page, Line: b.Line, Text: "starter runs changes $(newest)"})
			}
			r.compare(b, said)
			compared++
		}
	}
	if typed < 10 || compared < 7 {
		t.Errorf("%d blocks typed, %d answers compared", typed, compared)
	}
	// What the text promises besides: one transferred, one gone, one never sent.
	state := r.ding()
	var people []string
	for _, u := range state.Users {
		people = append(people, u.UserID+" "+u.Title)
	}
	slices.Sort(people)
	if want := []string{"A001 经理", "A002 工程师"}; !slices.Equal(people, want) || len(state.Departments) != 3 {
		t.Errorf("DingTalk holds %q in %d departments, want %q in 3", people, len(state.Departments), want)
	}
}

// section returns the README's blocks between two headings.
func section(t *testing.T, from, to string) (blocks []testdoc.Block) {
	t.Helper()
	text := testdoc.Read(t, "..", "README.md")
	begin, end := strings.Index(text, "\n"+from+"\n"), strings.Index(text, "\n"+to+"\n")
	if begin < 0 || end < begin {
		t.Fatalf("README.md has no %q before %q", from, to)
	}
	first, last := 1+strings.Count(text[:begin], "\n"), 1+strings.Count(text[:end], "\n")
	for _, b := range testdoc.Blocks(t, "..", "README.md") {
		if b.Line > first && b.Line < last && !strings.Contains(b.Text, "unknown key") { // answers to wrong jobs
			blocks = append(blocks, b)
		}
	}
	return blocks
}

// reader is somebody who follows the README.
type reader struct {
	*world
	home    string
	env     []string
	prelude string // of each script: what a terminal remembers
}

func newReader(t *testing.T) *reader {
	t.Helper()
	w := newWorld(t)
	home := t.TempDir()
	env := slices.DeleteFunc(w.environment("HOME="+home, "BIN="+bin, "TERMINAL="+filepath.Join(home, "terminal")), func(s string) bool {
		return strings.HasPrefix(s, "ORGFLOW_DATA_DIR=") || strings.HasPrefix(s, "ORGFLOW_META_DIR=") // the README sets these
	})
	return &reader{world: w, home: home, env: env, prelude: `set -euo pipefail
go() { [ "$1" = run ]; local program=${2#./}; shift 2; "$BIN/$program" "$@"; }
starter() { go run ./starter "$@"; }
newest() { curl -sS 'http://` + w.http + `/api/v1/sync-runs?company_id=200&limit=1' | grep -o 'sync-200-ding_talk-[^"/]*' | awk 'NR == 1'; }
`}
}

var runID = regexp.MustCompile(`sync-200-ding_talk-\d{8}T\d{4}Z-\w+`)

// script makes a block what this test can run.
func (r *reader) script(b testdoc.Block) string {
	text := strings.NewReplacer("127.0.0.1:9090", r.sims, "127.0.0.1:8080", r.http).Replace(b.Text)
	return r.prelude + runID.ReplaceAllString(text, "$$(newest)")
}

// types runs a block in the first terminal and returns what that shows. It
// must succeed.
func (r *reader) types(b testdoc.Block) string {
	r.t.Helper()
	remember := "if [ -e \"$TERMINAL\" ]; then . \"$TERMINAL\"; fi\n"
	cmd := exec.Command("bash", "-c", remember+"exec 2>&1\n"+r.script(b)+"\ndeclare -px > \"$TERMINAL\"\n")
	p, err := launchCommand("..", r.env, fmt.Sprintf("README.md:%d", b.Line), cmd)
	if err != nil {
		r.t.Fatal(err)
	}
	if code := p.watched(r.t).exit(time.Minute); code != 0 {
		r.t.Fatalf("README.md:%d ended with %d:\n%s\n%s\n%s", b.Line, code, b.Text, p.out.String(), p.err.String())
	}
	return p.out.String()
}

// secondTerminal runs a block that does not end, and waits until it serves.
func (r *reader) secondTerminal(b testdoc.Block) {
	r.t.Helper()
	p, err := launchCommand("..", r.env, fmt.Sprintf("README.md:%d", b.Line), exec.Command("bash", "-c", r.script(b)))
	if err != nil {
		r.t.Fatal(err)
	}
	r.up(p.watched(r.t))
	if _, err := os.Stat(filepath.Join(r.home, "orgflow-own", "data", "orgflow.db")); err != nil {
		r.t.Errorf("the settings of the README do not count: %v", err)
	}
}

// varying is what is different each time: run ids, times, ids that DingTalk
// chooses.
var varying = []struct {
	what *regexp.Regexp
	as   string
}{
	{runID, "RUN"},
	{regexp.MustCompile(`took [\d.]+ m?s`), "took TIME"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d UTC`), "WHEN"},
	{regexp.MustCompile(`561\d{6}`), "DEPARTMENT"},
	{regexp.MustCompile(`"run_id":"[^"]+"`), `"run_id":"…"`},
	{regexp.MustCompile(`\s+`), " "},
}

func steady(line string) string {
	for _, v := range varying {
		line = v.what.ReplaceAllString(line, v.as)
	}
	return strings.TrimSpace(line)
}

// compare looks for each line that the README shows, in its order; lines of
// "…" stand for any.
func (r *reader) compare(b testdoc.Block, said string) {
	r.t.Helper()
	rest := strings.Split(said, "\n")
	for n, line := range strings.Split(b.Text, "\n") {
		want := steady(line)
		if want == "" || want == "…" {
			continue
		}
		at := slices.IndexFunc(rest, func(s string) bool { return steady(s) == want })
		if at < 0 {
			r.t.Errorf("README.md:%d: nothing like this is written (any more, or at this place):\n%s\nThe whole is:\n%s", b.Line+n, line, said)
			return
		}
		rest = rest[at+1:]
	}
}
