package cli

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"orgflow"
	"orgflow/internal/api"
)

// shownStarts is how many coming and past starts are shown of a schedule.
const shownStarts = 5

func (p *program) schedulesShow() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use: "show ID", Short: "Show a schedule: what it starts, started and missed", Args: oneID, Example: "  starter schedules show 129-nightly-persons",
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withSchedules(cmd.Context(), func(s api.Schedules) error {
				list, err := s.ListSchedules(cmd.Context())
				if err != nil {
					return fmt.Errorf("show schedule %s: %w", args[0], err)
				}
				i := slices.IndexFunc(list, func(s api.Schedule) bool { return s.ID == args[0] })
				switch {
				case i < 0:
					return &orgflow.Fault{Code: orgflow.CodeNotFound, Message: fmt.Sprintf("there is no schedule %q", args[0]), Advice: "starter schedules list shows all"}
				case asJSON:
					return p.printJSON(list[i])
				}
				return p.printSchedule(list[i])
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (p *program) printSchedule(s api.Schedule) error {
	state := "active"
	if s.Paused {
		state = "paused"
	}
	lines := []string{fmt.Sprintf("%s  %s, starts %s", clean(s.ID), state, clean(s.Workflow))}
	say := func(name, format string, args ...any) {
		lines = append(lines, fmt.Sprintf("  %-8s %s", name, fmt.Sprintf(format, args...)))
	}
	if s.Note != "" {
		say("note", "%s", clean(s.Note))
	}
	say("started", "%s since it was made", count(s.Starts, "run"))
	for _, m := range []struct {
		n   int
		why string
	}{
		{s.Missed.CatchupWindow, "Temporal was away for longer than the catch-up window"},
		{s.Missed.Overlap, "an earlier run had not ended"},
		{s.Missed.Buffer, "too many runs waited behind an earlier one"},
	} {
		if m.n > 0 {
			say("missed", "%d: %s", m.n, m.why)
		}
	}
	for i, at := range s.Next {
		if i < shownStarts && !s.Paused {
			say("next", "%s", localTime(at))
		}
	}
	latest := slices.Clone(s.Recent)
	slices.Reverse(latest) // newest first
	for _, r := range latest[:min(len(latest), shownStarts)] {
		say("latest", "%s  %s", localTime(r.StartedAt), clean(r.WorkflowID))
	}
	for _, line := range lines {
		if err := p.print("%s", line); err != nil {
			return err
		}
	}
	return nil
}
