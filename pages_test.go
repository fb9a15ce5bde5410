package orgflow_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"orgflow/internal/testdoc"
)

// TestLinks: every link within the repository leads somewhere, its anchor
// included.
func TestLinks(t *testing.T) {
	seen := 0
	for _, page := range markdown(t) {
		_, prose := testdoc.Split(page, testdoc.Read(t, ".", page))
		for i, line := range strings.Split(prose, "\n") {
			for _, target := range links(line) {
				seen++
				if err := leads(t, page, target); err != nil {
					t.Errorf("%s:%d: %s: %v", page, i+1, target, err)
				}
			}
		}
	}
	if seen < 300 {
		t.Errorf("only %d links were found", seen)
	}
}

// TestNamedFiles: what a page names by its path in the repository is there.
func TestNamedFiles(t *testing.T) {
	named := regexp.MustCompile("`((?:activities|bench|connectors|deploy|docs|internal|meta|schemas|workflows)/[\\w./-]+)`")
	seen := 0
	for _, page := range markdown(t) {
		for i, line := range strings.Split(testdoc.Read(t, ".", page), "\n") {
			for _, found := range named.FindAllStringSubmatch(line, -1) {
				seen++
				if _, err := os.Stat(found[1]); err != nil && found[1] != "deploy/connections.env" { // that one is the reader's
					t.Errorf("%s:%d: %v", page, i+1, err)
				}
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d paths were found", seen)
	}
}

// TestReadmesShowTheSame: both languages have the same blocks; only comments
// are translated.
func TestReadmesShowTheSame(t *testing.T) {
	shown := func(page string) (blocks []string) {
		for _, b := range testdoc.Blocks(t, ".", page) {
			if b.Shell() {
				b.Text = regexp.MustCompile(`(?m) +#.*$`).ReplaceAllString(b.Text, "")
			}
			if b.Lang != "mermaid" { // its words are translated
				blocks = append(blocks, b.Text)
			}
		}
		return blocks
	}
	if diff := cmp.Diff(shown("README.md"), shown("README.zh-CN.md")); diff != "" {
		t.Error(diff)
	}
}

func TestBrokenLinksAreSeen(t *testing.T) {
	for target, ok := range map[string]bool{
		"docs/operations.md": true, "docs": true, "https://example.com/x#y": true, "#two-commands": true,
		"docs/sign-in.md#administrators-link": true, "docs/meta-files.md#schedules": true,
		"docs/operation.md": false, "#no-such-heading": false, "docs/sign-in.md#administrator's-link": false, "../outside.md": false,
	} {
		if err := leads(t, "README.md", target); (err == nil) != ok {
			t.Errorf("%s: %v", target, err)
		}
	}
	if got := links("[a](b.md) and `[c](d)` and [![e](f.png)](g.md)"); strings.Join(got, " ") != "b.md f.png g.md" {
		t.Errorf("links: %q", got)
	}
	for heading, want := range map[string]string{
		"A `code`, and [a link](x.md)": "a-code-and-a-link", "What kill -9 does": "what-kill--9-does", "同步，以及 API": "同步以及-api", "a_b/c": "a_bc",
	} {
		if got := slug(heading); got != want {
			t.Errorf("%s is %s, want %s", heading, got, want)
		}
	}
}

// markdown returns all pages of the repository.
func markdown(t *testing.T) (pages []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "dist" || d.Name() == "bin"):
			return filepath.SkipDir
		case strings.HasSuffix(path, ".md"):
			pages = append(pages, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

var (
	codeSpan = regexp.MustCompile("`[^`]*`")
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
)

// links returns where a line's links and pictures lead to.
func links(line string) (targets []string) {
	for _, m := range link.FindAllStringSubmatch(codeSpan.ReplaceAllString(line, ""), -1) {
		targets = append(targets, m[1])
	}
	return targets
}

// leads says what is wrong with a link of a page. Other hosts are not asked.
func leads(t *testing.T, page, target string) error {
	t.Helper()
	if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
		return nil
	}
	path, anchor, _ := strings.Cut(target, "#")
	file := page
	if path != "" {
		file = filepath.Join(filepath.Dir(page), path)
	}
	if strings.HasPrefix(file, "..") {
		return fmt.Errorf("leads out of the repository")
	}
	if _, err := os.Stat(file); err != nil {
		return err
	}
	if anchor == "" {
		return nil
	}
	if !anchors(t, file)[anchor] {
		return fmt.Errorf("%s has no heading for it", file)
	}
	return nil
}

var heading = regexp.MustCompile(`(?m)^#{1,6} +(.*?) *$`)

// anchors returns those GitHub makes of a page's headings.
func anchors(t *testing.T, page string) map[string]bool {
	t.Helper()
	_, prose := testdoc.Split(page, testdoc.Read(t, ".", page))
	found := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(prose, -1) {
		anchor := slug(m[1])
		for n := 1; found[anchor]; n++ {
			anchor = slug(m[1]) + "-" + strconv.Itoa(n)
		}
		found[anchor] = true
	}
	return found
}

// slug is GitHub's rule: small letters, figures, - and _ stay, blanks become
// -, and everything else goes. Of a link its text counts.
func slug(heading string) string {
	text := regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`).ReplaceAllString(heading, "$1")
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-', r == '_', unicode.IsLetter(r), unicode.IsDigit(r):
			return unicode.ToLower(r)
		default:
			return -1
		}
	}, text)
}
