package cli

import (
	"fmt"
	"strings"
	"time"

	"orgflow"
	"orgflow/internal/api"
)

func (p *program) followedLoad(b Backend) followed[orgflow.ERPRun] {
	told := ""
	return followed[orgflow.ERPRun]{
		noun: "load", show: "erp show", look: b.Loads.LoadRun, print: p.printLoad,
		status: func(run orgflow.ERPRun) orgflow.Status { return run.Status },
		news: func(run orgflow.ERPRun) string {
			line := loadProgress(run)
			if line == told {
				return ""
			}
			told = line
			return line
		},
	}
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
