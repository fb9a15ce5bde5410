// Package testdoc reads the pages of the documentation for tests that prove
// what they say: fenced blocks, and the commands in them.
package testdoc

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Block is one fenced block of a page.
type Block struct {
	Page string // relative to the repository
	Line int    // of its first line, from 1
	Lang string // what stands behind the fence; may be empty
	Text string // without the indentation of its fence
}

// Shell reports whether the block is to be typed into a shell.
func (b Block) Shell() bool {
	return slices.Contains([]string{"sh", "bash", "shell", "console"}, b.Lang)
}

// Pages returns the pages below root that commands are looked for in,
// relative to it: the READMEs and what lies in docs.
func Pages(t testing.TB, root string) (pages []string) {
	t.Helper()
	for _, pattern := range []string{"README*.md", "docs/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("no page matches %s: %v", pattern, err)
		}
		for _, f := range found {
			page, err := filepath.Rel(root, f)
			if err != nil {
				t.Fatal(err)
			}
			pages = append(pages, page)
		}
	}
	return pages
}

// Read returns a page's text.
func Read(t testing.TB, root, page string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var fence = regexp.MustCompile("^( *)```(.*)$")

// Split parts a page into its fenced blocks and its prose, which keeps the
// number of lines: those of blocks are empty.
func Split(page, text string) (blocks []Block, prose string) {
	lines := strings.Split(text, "\n")
	var open *Block
	var indent string
	for i, line := range lines {
		m := fence.FindStringSubmatch(line)
		switch {
		case m != nil && open == nil:
			indent = m[1]
			open = &Block{Page: page, Line: i + 2, Lang: strings.TrimSpace(m[2])}
		case m != nil:
			blocks, open = append(blocks, *open), nil
		case open != nil:
			open.Text += strings.TrimPrefix(line, indent) + "\n"
		default:
			continue
		}
		lines[i] = ""
	}
	return blocks, strings.Join(lines, "\n")
}

// Blocks returns a page's blocks.
func Blocks(t testing.TB, root, page string) []Block {
	t.Helper()
	blocks, _ := Split(page, Read(t, root, page))
	return blocks
}
