package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// table aligns cells, Chinese ones too.
type table struct {
	header []string
	right  []int // columns that hold numbers
	rows   [][]string
}

func (t *table) add(cells ...string) {
	for i, c := range cells {
		cells[i] = clean(c)
	}
	t.rows = append(t.rows, cells)
}

func (t *table) write(w io.Writer) error {
	widths := make([]int, len(t.header))
	all := append([][]string{t.header}, t.rows...)
	for _, row := range all {
		for i, cell := range row {
			widths[i] = max(widths[i], columns(cell))
		}
	}
	for _, row := range all {
		var b strings.Builder
		for i, cell := range row {
			if i > 0 {
				b.WriteString("  ")
			}
			if slices.Contains(t.right, i) {
				b.WriteString(strings.Repeat(" ", widths[i]-columns(cell)) + cell)
			} else {
				b.WriteString(fill(cell, widths[i]))
			}
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(b.String(), " ")); err != nil {
			return fmt.Errorf("write output: %w", err)
		}
	}
	return nil
}
