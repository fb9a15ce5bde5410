package cli

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"orgflow"
)

// display shows a run's progress.
type display interface {
	show(s orgflow.Summary)
	// say writes a line beside the progress.
	say(line string)
	close()
}

// silent shows no progress; what has to be said goes to w.
type silent struct{ w io.Writer }

func (silent) show(orgflow.Summary) {}
func (d silent) say(line string)    { _, _ = fmt.Fprintln(d.w, line) } // nobody is left to tell
func (silent) close()               {}

// linesEvery is the time between two lines when nobody looks at a terminal.
const linesEvery = 5 * time.Second

// lines writes a line every few seconds and whenever the phase changes.
type lines struct {
	w     io.Writer
	now   func() time.Time
	pace  pace
	last  string
	phase orgflow.Phase
	next  time.Time
}

func newLines(w io.Writer, now func() time.Time) *lines { return &lines{w: w, now: now} }

func (l *lines) show(s orgflow.Summary) {
	now := l.now()
	l.pace.add(s, now)
	if s.Phase == l.phase && now.Before(l.next) && !over(s.Status) {
		return
	}
	l.phase, l.next = s.Phase, now.Add(linesEvery)
	line := ProgressLine(s)
	if line != l.last {
		l.last = line
		_, _ = fmt.Fprintln(l.w, line+l.pace.text(s)) // progress is not worth failing for
	}
}

func (l *lines) say(line string) { _, _ = fmt.Fprintln(l.w, line) }
func (l *lines) close()          {}

// pace estimates how fast changes get done and how long the rest will take,
// from what was seen since the first one.
type pace struct {
	start, last time.Time
	first, done int
}

func (p *pace) add(s orgflow.Summary, now time.Time) {
	if s.Progress.Total == 0 {
		return // nothing to count yet; reading is not the pace of writing
	}
	if p.start.IsZero() || s.Progress.Done < p.first {
		p.start, p.first = now, s.Progress.Done
	}
	p.last, p.done = now, s.Progress.Done
}

// text is empty until there is something to go by.
func (p *pace) text(s orgflow.Summary) string {
	took, moved := p.last.Sub(p.start), p.done-p.first
	left := s.Progress.Total - s.Progress.Done
	if moved <= 0 || took < time.Second || left <= 0 {
		return ""
	}
	rest := time.Duration(float64(took) / float64(moved) * float64(left))
	return fmt.Sprintf(" · %.1f/s · about %s left", float64(moved)/took.Seconds(), duration(rest))
}

// bar draws on a terminal.
type bar struct {
	progress *mpb.Progress
	bar      *mpb.Bar
	latest   atomic.Pointer[orgflow.Summary]
	pace     pace
	estimate atomic.Pointer[string]
}

const barWidth = 28

func newBar(w io.Writer, width int) *bar {
	b := &bar{progress: mpb.New(mpb.WithOutput(w), mpb.WithWidth(min(barWidth, width)), mpb.WithAutoRefresh())}
	b.bar = b.progress.New(0, mpb.BarStyle().Lbound("").Filler("█").Tip("█").Padding("░").Rbound(""),
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return b.head() })),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return b.tail() })))
	return b
}

func (b *bar) head() string {
	if s := b.latest.Load(); s != nil {
		return fill(phaseText(s.Phase), 20)
	}
	return fill("waiting", 20)
}

func (b *bar) tail() string {
	s := b.latest.Load()
	if s == nil {
		return ""
	}
	text := " " + counted(*s)
	if e := b.estimate.Load(); e != nil {
		text += *e
	}
	return text
}

func (b *bar) show(s orgflow.Summary) {
	b.pace.add(s, time.Now())
	estimate := b.pace.text(s)
	b.estimate.Store(&estimate)
	b.latest.Store(&s)
	if s.Progress.Total > 0 {
		b.bar.SetTotal(int64(s.Progress.Total), false)
		b.bar.SetCurrent(int64(s.Progress.Done))
	}
}

// say puts the line above the bar.
func (b *bar) say(line string) { _, _ = b.progress.Write([]byte(line + "\n")) }

// close removes the bar: the summary that follows says it better.
func (b *bar) close() {
	b.bar.Abort(true)
	b.progress.Wait()
}
