package testdoc

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// Command is one simple command of a page: what stands between the shell's
// separators.
type Command struct {
	Page    string
	Line    int
	Words   []string // unquoted; variables the page has set are replaced, others kept as $NAME
	Comment string   // behind it, on the same line
}

// String names the place and the command for messages.
func (c Command) String() string {
	return fmt.Sprintf("%s:%d: %s", c.Page, c.Line, strings.Join(c.Words, " "))
}

// Program returns the arguments if the command calls one of our programs, as
// built or with "go run ./".
func (c Command) Program(name string) (args []string, is bool) {
	switch {
	case c.Words[0] == name, c.Words[0] == "bin/"+name:
		return c.Words[1:], true
	case len(c.Words) > 2 && c.Words[0] == "go" && c.Words[1] == "run" && c.Words[2] == "./"+name:
		return c.Words[3:], true
	}
	return nil, false
}

// Commands returns the commands of all shell blocks of all pages.
func Commands(t testing.TB, root string) (all []Command) {
	t.Helper()
	for _, page := range Pages(t, root) {
		vars := map[string]string{}
		for _, b := range Blocks(t, root, page) {
			if b.Shell() {
				all = append(all, b.Commands(vars)...)
			}
		}
	}
	if len(all) == 0 {
		t.Fatal("the pages have no commands any more")
	}
	return all
}

var (
	hereDoc    = regexp.MustCompile(`<<'?([A-Z]+)'?`)
	assignment = regexp.MustCompile(`^([A-Za-z_]+)=(.*)$`)
	function   = regexp.MustCompile(`^(\w+\(\)) \{ (.*); \}$`)
)

// Commands returns the commands of a shell block. It knows quotes, comments,
// continued lines, here documents, separators, redirections, assignments and
// functions of one line, whose commands count where they are defined: what
// documentation needs, not a whole shell. vars holds what was assigned.
func (b Block) Commands(vars map[string]string) (commands []Command) {
	lines := strings.Split(b.Text, "\n")
	for i := 0; i < len(lines); i++ {
		at, line := b.Line+i, lines[i]
		for strings.HasSuffix(line, `\`) && i+1 < len(lines) {
			i++
			line = strings.TrimSuffix(line, `\`) + lines[i]
		}
		if m := function.FindStringSubmatch(line); m != nil {
			vars[m[1]], line = "", m[2]
		}
		end := ""
		if m := hereDoc.FindStringSubmatch(line); m != nil {
			end, line = m[1], strings.Replace(line, m[0], "", 1)
		}
		simple, comment := split(line, vars)
		for _, words := range simple {
			commands = append(commands, Command{Page: b.Page, Line: at, Words: words})
		}
		if len(simple) > 0 {
			commands[len(commands)-1].Comment = comment
		}
		for end != "" && i+1 < len(lines) {
			i++
			if lines[i] == end {
				break
			}
		}
	}
	return commands
}

// split cuts a line into simple commands.
func split(line string, vars map[string]string) (simple [][]string, comment string) {
	var words []string
	done := func() {
		if len(words) > 0 && words[0] == "export" {
			words = words[1:]
		}
		for len(words) > 0 { // assignments stand first
			m := assignment.FindStringSubmatch(words[0])
			if m == nil {
				break
			}
			vars[m[1]], words = m[2], words[1:]
		}
		if len(words) > 0 {
			if _, own := vars[words[0]+"()"]; !own {
				simple = append(simple, words)
			}
		}
		words = nil
	}
	for rest := line; ; {
		rest = strings.TrimLeft(rest, " \t")
		switch {
		case rest == "", rest[0] == '#':
			done()
			return simple, strings.TrimPrefix(rest, "#")
		case rest[0] == '>': // a redirection and its file
			_, rest = word(strings.TrimLeft(rest, "> "), vars)
		case strings.IndexByte(";|&", rest[0]) >= 0:
			done()
			rest = strings.TrimLeft(rest, ";|&")
		default:
			var w string
			w, rest = word(rest, vars)
			words = append(words, w)
		}
	}
}

// word takes the first word off a line.
func word(line string, vars map[string]string) (w, rest string) {
	var b strings.Builder
	expand := func(s string) string {
		return os.Expand(s, func(name string) string {
			if v, set := vars[name]; set {
				return v
			}
			return "$" + name
		})
	}
	for line != "" && strings.IndexByte(" \t;|&>", line[0]) < 0 {
		switch {
		case line[0] == '\'':
			text, after, _ := strings.Cut(line[1:], "'")
			b.WriteString(text)
			line = after
		case line[0] == '"':
			text, after, _ := strings.Cut(line[1:], `"`)
			b.WriteString(expand(text))
			line = after
		case strings.HasPrefix(line, "$("): // its value is known to nobody
			_, after, _ := strings.Cut(line, ")")
			b.WriteString("$value")
			line = after
		default:
			end := strings.IndexAny(line, " \t;|&>'\"")
			if end < 0 {
				end = len(line)
			}
			if i := strings.Index(line[1:end], "$("); i >= 0 {
				end = i + 1
			}
			b.WriteString(expand(line[:end]))
			line = line[end:]
		}
	}
	return b.String(), line
}
