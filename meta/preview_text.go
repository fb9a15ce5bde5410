package meta

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
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
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "source\tvalue\tstandard key\tvalue\ttarget\tvalue")
	for _, f := range p.Fields {
		head := fmt.Sprintf("%s\t%s\t%s\t%s", orNone(f.From), shown(f.Source), f.Key, shown(f.Standard)+note(f.Note))
		if len(f.Targets) == 0 {
			fmt.Fprintf(w, "%s\t–\t\n", head)
		}
		for _, t := range f.Targets {
			name := t.Name
			if t.Ext {
				name += " (custom)"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\n", head, name, shown(t.Value)+note(t.Note))
			head = "\t\t\t"
		}
	}
	_ = w.Flush() // into memory: cannot fail
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
