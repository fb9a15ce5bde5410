package cli

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"
	"golang.org/x/term"

	"orgflow"
)

const defaultWidth = 80

// Width returns the columns of a terminal, 80 for anything else.
func Width(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
			return columns
		}
	}
	return defaultWidth
}

// columns measures text as terminals show it: Chinese characters take two
// columns, marks one, whatever the locale says.
func columns(s string) int { return measure().StringWidth(s) }

func measure() *runewidth.Condition {
	return &runewidth.Condition{EastAsianWidth: false, StrictEmojiNeutral: true}
}

// fill pads to a width on the right.
func fill(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-columns(s)))
}

// clean makes foreign text fit for a terminal: one line, no control
// characters, which could move the cursor or colour the screen.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case r < ' ' || (r >= 0x7f && r < 0xa0) || (r >= 0x202a && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069):
			return -1
		}
		return r
	}, s)
}

// wrap breaks text into lines of a width, at spaces or between Chinese
// characters, and indents all but the first.
func wrap(s string, width, indent int) string {
	width = max(width-indent, 20)
	var lines []string
	line, used := "", 0
	for _, word := range words(s) {
		w := columns(word)
		if used > 0 && used+w > width && word != " " {
			lines, line, used = append(lines, strings.TrimRight(line, " ")), "", 0
		}
		if used == 0 && word == " " && len(lines) > 0 {
			continue
		}
		line, used = line+word, used+w
	}
	lines = append(lines, strings.TrimRight(line, " "))
	return strings.Join(lines, "\n"+strings.Repeat(" ", indent))
}

// words splits text where a line may break.
func words(s string) []string {
	var out []string
	start := 0
	for i, r := range s {
		if r == ' ' || runewidth.RuneWidth(r) == 2 {
			if start < i {
				out = append(out, s[start:i])
			}
			end := i + len(string(r))
			out = append(out, s[i:end])
			start = end
		}
	}
	if start < len(s) {
		out = append(out, s[start:])
	}
	return out
}

// number groups thousands: 12,345.
func number(n int) string {
	s := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// count joins a number and its noun: "1 call", "2 calls".
func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return number(n) + " " + noun
}

// duration is precise enough for a person: "340 ms", "12.3 s", "2 min 13 s".
func duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
}

var kindText = map[orgflow.Kind]string{orgflow.Org: "departments", orgflow.Person: "persons"}

// phaseText is a phase as a person says it.
func phaseText(p orgflow.Phase) string {
	switch p {
	case "":
		return "waiting"
	case orgflow.PhasePrepare:
		return "preparing"
	case orgflow.PhaseFetch:
		return "reading the source"
	case orgflow.PhasePlan:
		return "planning"
	case orgflow.PhaseSwap:
		return "putting the new table in place"
	}
	kind, op, found := strings.Cut(string(p), "_")
	if name, known := kindText[orgflow.Kind(kind)]; found && known {
		return op + " " + name
	}
	return clean(string(p))
}
