package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// row is a line of the table: something measured of orgflow, and what stands
// beside it.
type row struct {
	what         string
	ours, beside string  // with their units
	ratio        float64 // of ours to what is beside; 0: they cannot be divided
	aim          aim
}

// aim is what a ratio should be. A bound that is 0 is none.
type aim struct{ least, most float64 }

func (a aim) String() string {
	switch {
	case a.least > 0:
		return "≥ " + short(a.least)
	case a.most > 0:
		return "≤ " + short(a.most)
	}
	return ""
}

func (a aim) missed(ratio float64) bool {
	return ratio < a.least || a.most > 0 && ratio > a.most
}

// allowed is a row about something that has a limit: value and limit are of
// one unit, and the aim is not to be above the limit.
func allowed(what string, value, limit float64, show func(float64) string) row {
	return row{what, show(value), "allowed: " + show(limit), value / limit, aim{most: 1}}
}

var heading = []string{"what", "orgflow", "beside it", "ratio", "aim"}

// printTable prints rows as a table in Markdown, which a person can read, too.
func printTable(out io.Writer, rows []row) {
	lines := [][]string{heading}
	for _, r := range rows {
		ratio, aim := "", r.aim.String()
		if r.ratio != 0 {
			ratio = short(r.ratio)
		}
		if r.aim.missed(r.ratio) {
			aim += " missed"
		}
		lines = append(lines, []string{r.what, r.ours, r.beside, ratio, aim})
	}
	width := make([]int, len(heading))
	for _, line := range lines {
		for i, cell := range line {
			width[i] = max(width[i], len([]rune(cell)))
		}
	}
	for n, line := range lines {
		var b strings.Builder
		for i, cell := range line {
			fmt.Fprintf(&b, "| %-*s ", width[i], cell)
		}
		fmt.Fprintln(out, b.String()+"|")
		if n == 0 {
			fmt.Fprintln(out, strings.Repeat("|---", len(heading))+"|")
		}
	}
}

// missed is an error that names the rows whose aims were missed, or nil.
func missed(rows []row) error {
	var list []string
	for _, r := range rows {
		if r.aim.missed(r.ratio) {
			list = append(list, fmt.Sprintf("%s: %s beside %s is %s, and should be %v", r.what, r.ours, r.beside, short(r.ratio), r.aim))
		}
	}
	if len(list) == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d aims missed: %s", len(list), aims(rows), strings.Join(list, "; "))
}

// aims is how many rows have one.
func aims(rows []row) (n int) {
	for _, r := range rows {
		if r.aim != (aim{}) {
			n++
		}
	}
	return n
}

// short is a number of two digits behind the point, or two that count.
func short(v float64) string {
	if v < 0.1 {
		return strconv.FormatFloat(v, 'g', 2, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// count is a number with its thousands set apart.
func count(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func seconds(s float64) string {
	if s < 0.95 {
		return fmt.Sprintf("%.0f ms", 1000*s)
	}
	return fmt.Sprintf("%.3g s", s)
}

func megabytes(mb float64) string { return fmt.Sprintf("%.0f MB", mb) }
