package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"orgflow"
	"orgflow/internal/api"
)

// watchLoad follows a load until it ends.
func (p *program) watchLoad(ctx context.Context, loads api.Loads, id string, asJSON bool) error {
	failures, told := 0, ""
	for {
		run, err := loads.LoadRun(ctx, id)
		switch {
		case ctx.Err() != nil:
			p.say("\nStopped watching; the load goes on. Look at it with:  starter erp show %s --wait", id)
			return exit{code: ExitInterrupted}
		case err != nil:
			if failures++; failures >= maxFailures {
				return fmt.Errorf("watch load %s: %w (the load itself goes on)", id, err)
			}
		case run.Status.Terminal():
			if err := p.printLoad(run, asJSON); err != nil {
				return err
			}
			if code := loadExit(run); code != ExitCompleted {
				return exit{code: code}
			}
			return nil
		default:
			failures = 0
			if line := loadProgress(run); !asJSON && line != told {
				told = line
				p.say("%s", line)
			}
		}
		select {
		case <-ctx.Done():
		case <-p.after(pollEvery):
		}
	}
}

func loadExit(run orgflow.ERPRun) int {
	switch run.Status {
	case orgflow.StatusCompleted:
		return ExitCompleted
	case orgflow.StatusFailed, orgflow.StatusCanceled:
		return ExitFailed
	case orgflow.StatusRunning, orgflow.StatusPaused, orgflow.StatusAwaitingApproval,
		orgflow.StatusCompletedWithFailures, orgflow.StatusRejected, orgflow.StatusSuperseded:
	}
	return ExitIncomplete
}

// loadProgress is a running load on one line.
func loadProgress(run orgflow.ERPRun) string {
	if run.Phase == orgflow.PhasePrepare && run.Windows.Total == 0 {
		return "preparing"
	}
	line := fmt.Sprintf("%s of %s windows, %s", number(run.Windows.Done), number(run.Windows.Total), count(int(run.Rows), "row"))
	if run.RowsPerSecond > 0 {
		line += ", " + number(int(run.RowsPerSecond)) + " a second"
	}
	switch {
	case run.Status.Terminal():
		return line
	case run.Phase == orgflow.PhaseSwap:
		return line + ", checking and putting the new table in place"
	case run.RemainingSeconds != nil && *run.RemainingSeconds > 0:
		line += ", about " + duration(time.Duration(*run.RemainingSeconds)*time.Second) + " left"
	}
	return line
}

func kindOfLoad(run orgflow.ERPRun) string {
	if run.Deep {
		return "deep " + string(run.Kind)
	}
	return string(run.Kind)
}

// printLoad writes a load for people, or as JSON.
func (p *program) printLoad(run orgflow.ERPRun, asJSON bool) error {
	if asJSON {
		return p.printJSON(api.CompleteLoad(run))
	}
	took := ""
	if run.FinishedAt != nil {
		took = ", took " + duration(run.FinishedAt.Sub(run.StartedAt))
	}
	out := []string{
		fmt.Sprintf("%s  %s", run.ID, run.Status),
		fmt.Sprintf("  %s of %s: %s%s", kindOfLoad(run), clean(run.FormID), loadProgress(run), took),
	}
	if run.MarkedGone > 0 {
		out = append(out, fmt.Sprintf("  %s no longer in the ERP: marked", count(int(run.MarkedGone), "row")))
	}
	if len(run.NewColumns) > 0 {
		out = append(out, "  columns of the ERP that the local table lacked: "+clean(strings.Join(run.NewColumns, ", ")))
	}
	for _, note := range run.Notes {
		out = append(out, "  "+clean(note))
	}
	if run.Error != nil {
		out = append(out, "  error: "+clean(run.Error.Error()))
	}
	return p.print("%s", strings.Join(out, "\n"))
}
