package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"orgflow/internal/api"
	"orgflow/internal/config"
)

func (p *program) schedulesCommand() *cobra.Command {
	return group("schedules", "Temporal Schedules from files",
		"  starter schedules apply --dry-run\n  starter schedules list",
		p.schedulesApply(), p.schedulesList(), p.schedulesShow(),
		p.scheduleVerb("trigger", "Run a schedule's job now", "Triggered %s.", api.Schedules.TriggerSchedule),
		p.scheduleVerb("pause", "Pause a schedule", "Paused %s.", api.Schedules.PauseSchedule),
		p.scheduleVerb("resume", "Let a paused schedule go on", "Resumed %s.", api.Schedules.ResumeSchedule),
		p.schedulesBackfill())
}

func (p *program) withSchedules(ctx context.Context, f func(api.Schedules) error) error {
	return p.with(ctx, config.RoleStarter, func(b Backend) error { return f(b.Schedules) })
}

var actionSigns = map[string]string{"create": "+", "update": "~", "delete": "-", "unchanged": " "}

func (p *program) schedulesApply() *cobra.Command {
	dry, asJSON := false, false
	cmd := &cobra.Command{
		Use: "apply", Short: "Make the Temporal Schedules match the files", Args: cobra.NoArgs,
		Long: "Show the difference between companies/*/schedules/*.json and Temporal, then make\n" +
			"Temporal match: create, update, delete what orgflow owns. Others' schedules stay.",
		Example: "  starter schedules apply --dry-run\n  starter schedules apply",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withSchedules(cmd.Context(), func(s api.Schedules) error {
				changes, err := s.ApplySchedules(cmd.Context(), dry)
				switch {
				case err != nil:
					return fmt.Errorf("apply schedules: %w", err)
				case asJSON:
					if changes == nil {
						changes = []api.ScheduleChange{}
					}
					return p.printJSON(changes)
				}
				return p.printScheduleChanges(changes, dry)
			})
		},
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "show the difference, change nothing")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (p *program) printScheduleChanges(changes []api.ScheduleChange, dry bool) error {
	different := 0
	for _, c := range changes {
		if c.Action != "unchanged" {
			different++
		}
		if err := p.print("%s %-9s  %s", actionSigns[c.Action], c.Action, clean(c.ID)); err != nil {
			return err
		}
		for _, f := range c.Fields {
			if err := p.print("             %s: %s → %s", clean(f.Field), shownText(f.Before), shownText(f.After)); err != nil {
				return err
			}
		}
	}
	p.sayApplied(dry, different, "Nothing to change: "+count(len(changes), "schedule")+" in step.", count(different, "change"), "make", "made")
	return nil
}

// sayApplied ends the list of what was different: nothing was, so many things
// are to be done, or were done.
func (p *program) sayApplied(dry bool, different int, nothing, things, do, done string) {
	switch {
	case different == 0:
		p.say("%s", nothing)
	case dry:
		p.say("%s to %s. Nothing was done (--dry-run).", things, do)
	default:
		p.say("%s %s.", things, done)
	}
}

func shownText(s string) string {
	if s == "" {
		return "–"
	}
	return clean(s)
}

func (p *program) schedulesList() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use: "list", Short: "List schedules", Args: cobra.NoArgs, Example: "  starter schedules list",
		Long: "List schedules with their next start, latest run, and the runs they missed since they were\n" +
			"made: late (Temporal was away for longer than the catch-up window), overlap (an earlier run\n" +
			"had not ended, triggers by hand among them), dropped (too many waited).",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withSchedules(cmd.Context(), func(s api.Schedules) error {
				list, err := s.ListSchedules(cmd.Context())
				switch {
				case err != nil:
					return fmt.Errorf("list schedules: %w", err)
				case asJSON:
					if list == nil {
						list = []api.Schedule{}
					}
					return p.printJSON(list)
				case len(list) == 0:
					p.say("No schedules. Declare them in companies/<id>/schedules/*.json, then: starter schedules apply")
					return nil
				}
				return p.printSchedules(list)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (p *program) printSchedules(list []api.Schedule) error {
	t := table{header: []string{"ID", "STATE", "NEXT", "LATEST RUN", "MISSED", "NOTE"}}
	for _, s := range list {
		state, next, latest := "active", "", ""
		if s.Paused {
			state = "paused"
		}
		if len(s.Next) > 0 && !s.Paused {
			next = localTime(s.Next[0])
		}
		if n := len(s.Recent); n > 0 {
			latest = s.Recent[n-1].WorkflowID
		}
		t.add(s.ID, state, next, latest, missedRuns(s.Missed), s.Note)
	}
	return t.write(p.Out)
}

// missedRuns reads "2 late, 1 overlap".
func missedRuns(m api.MissedRuns) string {
	var parts []string
	for _, c := range []struct {
		n    int
		name string
	}{{m.CatchupWindow, "late"}, {m.Overlap, "overlap"}, {m.Buffer, "dropped"}} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.name))
		}
	}
	return strings.Join(parts, ", ")
}

func (p *program) scheduleVerb(verb, short, answer string, do func(api.Schedules, context.Context, string, api.Steering) error) *cobra.Command {
	var by, reason string
	cmd := &cobra.Command{
		Use: verb + " ID", Short: short, Args: oneID, Example: "  starter schedules " + verb + " nightly-129",
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.withSchedules(cmd.Context(), func(s api.Schedules) error {
				if err := do(s, cmd.Context(), args[0], api.Steering{By: by, Reason: reason, From: p.origin()}); err != nil {
					return fmt.Errorf("%s schedule %s: %w", verb, args[0], err)
				}
				return p.print(answer, args[0])
			})
		},
	}
	steeringFlags(cmd, &by, &reason, p.user)
	return cmd
}

func (p *program) schedulesBackfill() *cobra.Command {
	var from, to, zone, by, reason string
	cmd := &cobra.Command{
		Use: "backfill ID --from TIME --to TIME", Short: "Run a schedule for a time that has passed", Args: oneID,
		Long: "Start the runs a schedule would have started between two times, both included, one after\n" +
			"the other. Each reads the source as it is now; a paused schedule starts them too.\n" +
			"A time is 2026-11-21, 2026-11-21T08:00 (both in --time-zone), or 2026-11-21T08:00:00+08:00.",
		Example: "  starter schedules backfill nightly-129 --from 2026-11-18 --to 2026-11-21",
		RunE: func(cmd *cobra.Command, args []string) error {
			begin, end, err := span(from, to, zone)
			if err != nil {
				return err
			}
			return p.withSchedules(cmd.Context(), func(s api.Schedules) error {
				if err := s.BackfillSchedule(cmd.Context(), args[0], begin, end, api.Steering{By: by, Reason: reason, From: p.origin()}); err != nil {
					return fmt.Errorf("backfill schedule %s: %w", args[0], err)
				}
				return p.print("Backfilling %s from %s to %s.", args[0], begin.Format(time.RFC3339), end.Format(time.RFC3339))
			})
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "first time")
	cmd.Flags().StringVar(&to, "to", "", "last time")
	cmd.Flags().StringVar(&zone, "time-zone", "Asia/Shanghai", "of times without one")
	steeringFlags(cmd, &by, &reason, p.user)
	_ = cmd.MarkFlagRequired("from") // the flags exist
	_ = cmd.MarkFlagRequired("to")
	return cmd
}

// span reads the two ends of a backfill.
func span(from, to, zone string) (begin, end time.Time, err error) {
	location, err := time.LoadLocation(zone)
	if err != nil {
		return begin, end, fmt.Errorf("--time-zone %q is not a time zone such as Asia/Shanghai", zone)
	}
	if begin, err = parseTime("from", from, location); err != nil {
		return begin, end, err
	}
	if end, err = parseTime("to", to, location); err != nil {
		return begin, end, err
	}
	if !begin.Before(end) {
		return begin, end, fmt.Errorf("--from %s must be before --to %s", from, to)
	}
	return begin, end, nil
}

func parseTime(flag, text string, location *time.Location) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, location); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("--%s %q is not a time such as 2026-11-21, 2026-11-21T08:00 or 2026-11-21T08:00:00+08:00", flag, text)
}
