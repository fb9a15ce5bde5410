package cli

import (
	"fmt"
	"io"
	"strings"

	"orgflow"
)

// RenderSummary writes a run's summary for a person: what was read, planned
// and applied, per kind, what went wrong and what to do about it. Lines fit
// into width columns where words allow; color adds ANSI colours.
func RenderSummary(w io.Writer, s orgflow.Summary, width int, color bool) error {
	if width <= 0 {
		width = defaultWidth
	}
	r := renderer{s: s, width: width, paint: palette{on: color}}
	r.head()
	r.fetch()
	r.plan()
	r.applied()
	r.advice()
	r.foot()
	if _, err := io.WriteString(w, r.b.String()); err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	return nil
}

// ProgressLine says on one line where a run stands.
func ProgressLine(s orgflow.Summary) string {
	line := phaseText(s.Phase)
	switch {
	case s.Status == orgflow.StatusPaused && s.Paused != nil:
		line = "paused " + clean(s.Paused.String())
	case over(s.Status):
		line = statusText(s)
	}
	if text := counted(s); text != "" {
		line += ": " + text
	}
	return line
}

// counted is the progress in numbers: of the read while reading, of the
// changes later.
func counted(s orgflow.Summary) string {
	if s.Progress.Total == 0 {
		read := 0
		for _, f := range s.Fetch {
			read += f.Read
		}
		if read == 0 {
			return ""
		}
		return count(read, "record") + " read"
	}
	text := fmt.Sprintf("%s/%s (%d%%)", number(s.Progress.Done), number(s.Progress.Total), 100*s.Progress.Done/s.Progress.Total)
	if failed := outcomes(s).Failed; failed > 0 {
		text += " · " + number(failed) + " failed"
	}
	return text
}

// outcomes sums what became of the changes.
func outcomes(s orgflow.Summary) orgflow.Applied {
	var sum orgflow.Applied
	for _, ops := range s.Applied {
		for _, a := range ops {
			sum.Done += a.Done
			sum.Failed += a.Failed
			sum.Blocked += a.Blocked
			sum.Pending += a.Pending
		}
	}
	return sum
}

var statusWords = map[orgflow.Status]string{
	orgflow.StatusRunning:               "running",
	orgflow.StatusPaused:                "paused",
	orgflow.StatusAwaitingApproval:      "awaiting approval",
	orgflow.StatusCompleted:             "completed",
	orgflow.StatusCompletedWithFailures: "completed with failures",
	orgflow.StatusRejected:              "rejected",
	orgflow.StatusSuperseded:            "superseded by a newer run",
	orgflow.StatusFailed:                "failed",
	orgflow.StatusCanceled:              "canceled",
}

func statusText(s orgflow.Summary) string {
	if text, ok := statusWords[s.Status]; ok {
		return text
	}
	return clean(string(s.Status))
}

// mark is one of ✓ (well), ! (look at it), ✗ (failed), … (going on).
type mark string

const (
	well    mark = "✓"
	look    mark = "!"
	bad     mark = "✗"
	ongoing mark = "…"
	none    mark = " "
)

func statusMark(s orgflow.Summary) mark {
	switch s.Status {
	case orgflow.StatusRunning:
		return ongoing
	case orgflow.StatusFailed, orgflow.StatusCanceled:
		return bad
	case orgflow.StatusCompleted:
		if s.ParkedDeletes == 0 {
			return well
		}
	case orgflow.StatusPaused, orgflow.StatusAwaitingApproval, orgflow.StatusCompletedWithFailures, orgflow.StatusRejected, orgflow.StatusSuperseded:
	}
	return look
}

// palette adds colour, or nothing.
type palette struct{ on bool }

func (p palette) ansi(code, s string) string {
	if !p.on || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (p palette) bold(s string) string { return p.ansi("1", s) }
func (p palette) dim(s string) string  { return p.ansi("2", s) }

func (p palette) mark(m mark) string {
	switch m {
	case well:
		return p.ansi("32", string(m))
	case look:
		return p.ansi("33", string(m))
	case bad:
		return p.ansi("31", string(m))
	default:
		return string(m)
	}
}

// renderer builds the summary from top to bottom.
type renderer struct {
	b     strings.Builder
	s     orgflow.Summary
	width int
	paint palette
}

func (r *renderer) line(s string) { r.b.WriteString(strings.TrimRight(s, " ") + "\n") }

// point writes a marked paragraph.
func (r *renderer) point(m mark, text string) {
	r.line(" " + r.paint.mark(m) + " " + wrap(clean(text), r.width, 3))
}

func (r *renderer) head() {
	s := r.s
	title := statusText(s)
	if s.DryRun {
		title += " (dry run, nothing was sent)"
	}
	r.line(" " + r.paint.mark(statusMark(s)) + " " + r.paint.bold(title) + fmt.Sprintf("   company %d → %s", s.CompanyID, clean(s.Consumer)))
	when := clean(s.ID)
	if s.FinishedAt != nil && !s.StartedAt.IsZero() {
		when += " · took " + duration(s.FinishedAt.Sub(s.StartedAt))
	}
	r.line("   " + r.paint.dim(when))
	if s.Undoes != "" {
		r.line("   " + r.paint.dim("undo of "+clean(s.Undoes)))
	}
	if !over(s.Status) {
		r.line("   " + ProgressLine(s))
	}
	if s.Error != nil {
		r.line("")
		text := s.Error.Message
		if s.Error.VendorCode != "" {
			text = s.Error.VendorCode + " " + text
		}
		r.point(bad, string(s.Error.Code)+": "+text)
		if s.Error.Advice != "" {
			r.line("   " + wrap("→ "+clean(s.Error.Advice), r.width, 5))
		}
	}
}

// table writes rows under a header line, numbers right-aligned. The first
// column holds names.
func (r *renderer) table(title string, header []string, rows []row) {
	if len(rows) == 0 {
		return
	}
	widths := make([]int, len(header))
	first := columns(title)
	for i, h := range header {
		widths[i] = columns(h)
	}
	for _, row := range rows {
		first = max(first, columns(row.name))
		for i, n := range row.numbers {
			widths[i] = max(widths[i], columns(number(n)))
		}
	}
	r.line("")
	line := "   " + r.paint.bold(fill(title, first))
	for i, h := range header {
		line += "  " + r.paint.dim(strings.Repeat(" ", widths[i]-columns(h))+h)
	}
	r.line(line)
	for _, row := range rows {
		r.row(row, first, widths)
	}
}

// row is one line of a table.
type row struct {
	mark    mark
	name    string
	numbers []int
	alarm   []bool // numbers that deserve a look when not zero
	note    string
}

func (r *renderer) row(row row, first int, widths []int) {
	line := " " + r.paint.mark(row.mark) + " " + fill(row.name, first)
	for i, n := range row.numbers {
		text := number(n)
		pad := strings.Repeat(" ", widths[i]-columns(text))
		switch {
		case n == 0:
			text = r.paint.dim("0")
		case i < len(row.alarm) && row.alarm[i]:
			text = r.paint.ansi("33", text)
		}
		line += "  " + pad + text
	}
	r.line(line)
	if row.note != "" {
		r.line("     " + wrap(clean(row.note), r.width, 5))
	}
}
