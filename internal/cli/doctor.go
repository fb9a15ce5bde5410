package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"orgflow/internal/config"
	"orgflow/internal/doctor"
)

func (p *program) doctorCommand() *cobra.Command {
	var company int64
	asJSON := false
	cmd := &cobra.Command{
		Use: "doctor", Short: "Look whether everything that runs need is in order", Args: cobra.NoArgs,
		Long: "Look at settings, files, database, Temporal, workers, schedules, disk, and every connection of\n" +
			"every company: address, credentials, permissions, clock. Says of each what was found and what to\n" +
			"do. All checks are made whatever fails, with a server running or not; nothing is changed, and no\n" +
			"secret is shown. It sees the settings and secrets it is run with: run it with the worker's.\n" +
			"The exit code is 1 when something failed; warnings alone leave it 0.",
		Example: "  starter doctor\n  starter doctor --company 129 --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.examine(cmd.Context(), doctor.Request{CompanyID: company}, asJSON)
		},
	}
	cmd.Flags().Int64Var(&company, "company", 0, "only this company's files, schedules and connections; 0 is every company")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// examine works with settings that cannot be used, too: they are findings.
func (p *program) examine(ctx context.Context, r doctor.Request, asJSON bool) error {
	c, err := p.load(config.RoleDoctor)
	if bad, ok := errors.AsType[*config.Error](err); ok {
		for _, problem := range bad.Problems {
			r.Settings = append(r.Settings, problem.String())
		}
	} else if err != nil {
		return err
	}
	b, closeAll, err := p.open(ctx, c)
	if err != nil {
		return err
	}
	report := b.Doctor.Examine(ctx, r)
	if err := closeAll(); err != nil {
		p.say("warning: close: %v", err) // what was asked for is done
	}
	return p.showReport(report, asJSON)
}

func (p *program) showReport(report doctor.Report, asJSON bool) error {
	if asJSON {
		if err := p.printJSON(report); err != nil {
			return err
		}
	} else if err := p.printReport(report); err != nil {
		return err
	}
	if report.Failed > 0 {
		return exit{code: ExitFailed}
	}
	return nil
}

var findingMarks = map[doctor.State]mark{doctor.OK: well, doctor.Warning: look, doctor.Failed: bad, doctor.Skipped: none}

// printReport writes a line for each finding: state, what was looked at, what
// was found, what to do.
func (p *program) printReport(report doctor.Report) error {
	paint := palette{on: p.color}
	area, check := 0, 0
	for _, f := range report.Findings {
		area, check = max(area, columns(areaText(f))), max(check, columns(f.Check))
	}
	for _, f := range report.Findings {
		line := fmt.Sprintf("%s %s  %s  %s  %s", paint.mark(findingMarks[f.State]), fill(string(f.State), len(doctor.Skipped)),
			fill(areaText(f), area), fill(clean(f.Check), check), clean(f.Found))
		if f.Advice != "" {
			line += " → " + clean(f.Advice)
		}
		if err := p.print("%s", line); err != nil {
			return err
		}
	}
	parts := []string{fmt.Sprintf("%d ok", report.OK)}
	for _, s := range []struct {
		n    int
		word string
	}{{report.Warnings, "to look at"}, {report.Failed, "failed"}, {report.Skipped, "skipped"}} {
		if s.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", s.n, s.word))
		}
	}
	return p.print("%s: %s.", count(len(report.Findings), "finding"), strings.Join(parts, ", "))
}

func areaText(f doctor.Finding) string {
	if f.CompanyID == 0 {
		return f.Area
	}
	return fmt.Sprintf("%s %d", clean(f.Area), f.CompanyID)
}
