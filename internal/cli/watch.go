package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"orgflow"
	"orgflow/internal/api"
)

const (
	pollEvery = time.Second
	// hintAfter is how many polls a run may be unknown before its missing
	// worker is mentioned.
	hintAfter = 10
	// maxFailures is how many polls in a row may fail: a database that
	// restarts does not end the watching.
	maxFailures = 30
)

// watch follows a run until it ends or waits for a person, then prints its
// summary. Interrupted, it says how to look again.
func (p *program) watch(ctx context.Context, runs api.Runs, id string, quiet bool) error {
	var d display = silent{p.Err}
	switch {
	case quiet:
	case p.terminal:
		d = newBar(p.Err, p.width)
	default:
		d = newLines(p.Err, p.now)
	}
	summary, err := p.follow(ctx, runs, id, d)
	d.close()
	switch {
	case ctx.Err() != nil:
		p.say("\nStopped watching; the run goes on. Look at it with:  starter runs show %s --wait\nStop it with:  starter runs cancel %s", id, id)
		return exit{code: ExitInterrupted}
	case err != nil:
		return fmt.Errorf("watch run %s: %w (the run itself goes on; look at it with: starter runs show %s)", id, err, id)
	}
	return p.report(summary, quiet)
}

// report prints a summary and turns it into the exit code.
func (p *program) report(s orgflow.Summary, asJSON bool) error {
	var err error
	if asJSON {
		err = p.printJSON(api.Complete(s))
	} else {
		err = RenderSummary(p.Out, s, p.width, p.color)
	}
	if err != nil {
		return err
	}
	if code := ExitCode(s); code != ExitCompleted {
		return exit{code: code}
	}
	return nil
}

// ExitCode is what a run's end means for a script (contract § 1). A run that
// has not ended is incomplete.
func ExitCode(s orgflow.Summary) int {
	if s.Status == orgflow.StatusCompleted && s.ParkedDeletes > 0 {
		return ExitIncomplete
	}
	return exitOf(s.Status)
}

func exitOf(s orgflow.Status) int {
	switch s {
	case orgflow.StatusCompleted:
		return ExitCompleted
	case orgflow.StatusFailed, orgflow.StatusCanceled:
		return ExitFailed
	case orgflow.StatusRunning, orgflow.StatusPaused, orgflow.StatusAwaitingApproval,
		orgflow.StatusCompletedWithFailures, orgflow.StatusRejected, orgflow.StatusSuperseded:
	}
	return ExitIncomplete
}

// over tells whether watching further shows nothing new.
func over(s orgflow.Status) bool { return s.Terminal() || s == orgflow.StatusAwaitingApproval }

func (p *program) follow(ctx context.Context, runs api.Runs, id string, d display) (orgflow.Summary, error) {
	unknown, failures := 0, 0
	for {
		s, err := runs.Summary(ctx, id)
		switch {
		case ctx.Err() != nil:
			return s, ctx.Err()
		case err == nil && over(s.Status):
			d.show(s)
			return s, nil
		case err == nil:
			failures = 0
			d.show(s)
		case isNotFound(err):
			// The run's first activity writes it down: a worker has to come.
			if unknown++; unknown == hintAfter {
				d.say("The run has not begun yet: is a worker running on its task queue?")
			}
		default:
			if failures++; failures >= maxFailures {
				return s, err
			}
		}
		select {
		case <-ctx.Done():
			return s, ctx.Err()
		case <-p.after(pollEvery):
		}
	}
}

func isNotFound(err error) bool {
	var f *orgflow.Fault
	return errors.As(err, &f) && f.Code == orgflow.CodeNotFound
}
