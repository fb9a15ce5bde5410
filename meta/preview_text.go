package meta

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Text returns the preview as a person reads it on a terminal.
func (p Preview) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s → %s, service %s\n", p.Kind, orNone(p.SourceID), p.Consumer, p.Service)
	b.WriteString("\nfiles looked at\n")
	for _, l := range p.Chain {
		fmt.Fprintf(&b, "  %-9s %s%s\n", outcome(l), l.Path, note(l.Note))
	}
	b.WriteString("\n")
	writeTable(&b, p.rows())
	for _, i := range p.Issues {
		level := "warning"
		if i.Fatal {
			level = "error"
		}
		fmt.Fprintf(&b, "%s at %s: %s: %s\n", level, i.Stage, orNone(i.Key), i.Message)
	}
	switch {
	case p.Rejected:
		b.WriteString("→ set aside at fetch\n")
	case p.Sendable:
		b.WriteString("→ would be sent\n")
	default:
		b.WriteString("→ would not be sent\n")
	}
	return b.String()
}

// rows are the lines of the table of fields: source, standard, target.
func (p Preview) rows() [][]string {
	rows := [][]string{{"source", "value", "standard key", "value", "target", "value"}}
	for _, f := range p.Fields {
		row := []string{orNone(f.From), shown(f.Source), f.Key, shown(f.Standard) + note(f.Note)}
		if len(f.Targets) == 0 {
			rows = append(rows, append(row, "–", ""))
		}
		for _, t := range f.Targets {
			name := t.Name
			if t.Ext {
				name += " (custom)"
			}
			rows = append(rows, append(row, name, shown(t.Value)+note(t.Note)))
			row = []string{"", "", "", ""}
		}
	}
	return rows
}

// writeTable aligns columns by what a terminal shows: Chinese characters
// are two columns wide.
func writeTable(b *strings.Builder, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], columnsOf(cell))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(cell + strings.Repeat(" ", widths[i]-columnsOf(cell)+2))
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}

func columnsOf(text string) int {
	n := 0
	for _, r := range text {
		n++
		if r >= 0x1100 && (r <= 0x115F || r >= 0x2E80 && r <= 0xA4CF || r >= 0xAC00 && r <= 0xD7A3 ||
			r >= 0xF900 && r <= 0xFAFF || r >= 0xFE30 && r <= 0xFE6F || r >= 0xFF00 && r <= 0xFF60 || r >= 0x20000) {
			n++
		}
	}
	return n
}

func outcome(l Looked) string {
	switch {
	case l.Used:
		return "used"
	case l.Found:
		return "empty"
	}
	return "absent"
}

func note(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}

func orNone(text string) string {
	if text == "" {
		return "–"
	}
	return text
}

// shown writes a value on one line.
func shown(v any) string {
	switch v := v.(type) {
	case nil:
		return "–"
	case string:
		return strings.Join(strings.Fields(v), " ")
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return string(raw)
}
