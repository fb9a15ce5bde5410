package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/config"
)

func (p *program) runsCommand() *cobra.Command {
	return group("runs", "Look at and steer runs",
		"  starter runs list --status running\n  starter runs show sync-129-ding_talk-20261121T0100Z-7f3a9c --wait",
		p.runsList(), p.runsShow(), p.runsChanges(), p.runsCancel(), p.runsPause(), p.runsResume(), p.runsApprove(), p.runsReject(), p.runsRetry(), p.runsUndo())
}

func (p *program) runsList() *cobra.Command {
	f, status, asJSON := api.RunFilter{}, "", false
	cmd := &cobra.Command{
		Use: "list", Short: "List runs, newest first", Args: cobra.NoArgs,
		Example: "  starter runs list --company 129 --consumer ding_talk --limit 5",
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.Status = orgflow.Status(status)
			if err := oneOf("status", f.Status, "", orgflow.StatusRunning, orgflow.StatusPaused, orgflow.StatusAwaitingApproval, orgflow.StatusCompleted,
				orgflow.StatusCompletedWithFailures, orgflow.StatusRejected, orgflow.StatusSuperseded, orgflow.StatusFailed, orgflow.StatusCanceled); err != nil {
				return err
			}
			if err := checkLimit(f.Limit); err != nil {
				return err
			}
			return p.with(cmd.Context(), config.RoleStarter, func(b Backend) error { return p.listRuns(cmd.Context(), b.Runs, f, asJSON) })
		},
	}
	cmd.Flags().Int64Var(&f.CompanyID, "company", 0, "only this company")
	cmd.Flags().StringVar(&f.Consumer, "consumer", "", "only this consumer")
	cmd.Flags().StringVar(&status, "status", "", "only runs with this status")
	pageFlags(cmd, &f.Limit, &f.Cursor)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (p *program) listRuns(ctx context.Context, runs api.Runs, f api.RunFilter, asJSON bool) error {
	page, err := runs.ListRuns(ctx, f)
	if err != nil {
		return fmt.Errorf("list runs: %w", err)
	}
	if asJSON {
		list := make([]orgflow.Summary, len(page.Runs))
		for i, s := range page.Runs {
			list[i] = api.Complete(s)
		}
		return p.printJSON(api.RunPage{Runs: list, NextCursor: page.NextCursor})
	}
	if len(page.Runs) == 0 {
		p.say("No runs.")
		return nil
	}
	t := table{header: []string{"", "STARTED", "ID", "TARGET", "STATUS", "DONE", "FAILED"}, right: []int{5, 6}}
	for _, s := range page.Runs {
		target := orgflow.Target{CompanyID: s.CompanyID, Consumer: s.Consumer}.String()
		sum := outcomes(s)
		t.add(string(statusMark(s)), minute(&s.StartedAt), s.ID, target, statusText(s),
			number(s.Progress.Done)+"/"+number(s.Progress.Total), number(sum.Failed+sum.Blocked))
	}
	return p.writePage(t, page.NextCursor)
}

func (p *program) runsShow() *cobra.Command {
	wait, asJSON := false, false
	cmd := &cobra.Command{
		Use: "show ID", Short: "Show a run's summary", Args: oneID,
		Long:    "Show a run's summary. The exit code is that of sync --wait once the run has ended,\nand 0 before.",
		Example: "  starter runs show sync-129-ding_talk-20261121T0100Z-7f3a9c",
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return p.with(ctx, config.RoleStarter, func(b Backend) error {
				if wait {
					return p.watch(ctx, b.Runs, args[0], asJSON)
				}
				s, err := b.Runs.Summary(ctx, args[0])
				if err != nil {
					return fmt.Errorf("run %s: %w", args[0], err)
				}
				err = p.report(s, asJSON)
				if e, ok := errors.AsType[exit](err); ok && e.cause == nil && !s.Status.Terminal() {
					return nil
				}
				return err
			})
		},
	}
	cmd.Flags().BoolVarP(&wait, "wait", "w", false, "watch until it ends")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print only the summary JSON")
	return cmd
}

func (p *program) runsChanges() *cobra.Command {
	var state, op, kind string
	limit, asJSON := 0, false
	cmd := &cobra.Command{
		Use: "changes ID", Short: "Show a run's changes, in the plan's order", Args: oneID,
		Example: "  starter runs changes sync-129-ding_talk-20261121T0100Z-7f3a9c --state failed",
		RunE: func(cmd *cobra.Command, args []string) error {
			f := api.ChangeFilter{State: orgflow.State(state), Op: orgflow.Op(op), Kind: orgflow.Kind(kind)}
			if err := checkChangeFilter(f, limit); err != nil {
				return err
			}
			return p.with(cmd.Context(), config.RoleStarter, func(b Backend) error {
				return p.listChanges(cmd.Context(), b.Runs, args[0], f, limit, asJSON)
			})
		},
	}
	cmd.Flags().StringVar(&state, "state", "", "only changes in this state: failed, held, parked …")
	cmd.Flags().StringVar(&op, "op", "", "only insert, update or delete")
	cmd.Flags().StringVar(&kind, "kind", "", "only org or person")
	cmd.Flags().IntVar(&limit, "limit", 0, "at most so many; 0 is all")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, one change a line")
	return cmd
}

func checkChangeFilter(f api.ChangeFilter, limit int) error {
	if limit < 0 {
		return fmt.Errorf("--limit must not be negative")
	}
	if err := oneOf("op", f.Op, "", orgflow.Insert, orgflow.Update, orgflow.Delete); err != nil {
		return err
	}
	if err := oneOf("kind", f.Kind, "", orgflow.Org, orgflow.Person); err != nil {
		return err
	}
	return oneOf("state", f.State, "", orgflow.Planned, orgflow.Done, orgflow.Failed, orgflow.Blocked, orgflow.Held, orgflow.Parked,
		orgflow.PendingInvite, orgflow.NeedsHuman, orgflow.Disputed, orgflow.Skipped)
}

// listChanges prints page after page, so that a plan of any size can be read.
func (p *program) listChanges(ctx context.Context, runs api.Runs, id string, f api.ChangeFilter, limit int, asJSON bool) error {
	printed := 0
	for {
		f.Limit = api.MaxLimit
		if limit > 0 {
			f.Limit = min(f.Limit, limit-printed)
		}
		page, err := runs.ListChanges(ctx, id, f)
		if err != nil {
			return fmt.Errorf("changes of run %s: %w", id, err)
		}
		for _, c := range page.Changes {
			if err := p.printChange(c, asJSON); err != nil {
				return err
			}
		}
		printed += len(page.Changes)
		f.Cursor = page.NextCursor
		if f.Cursor == "" || (limit > 0 && printed >= limit) {
			break
		}
	}
	switch {
	case printed == 0:
		p.say("No such changes.")
	case f.Cursor != "":
		p.say("There are more; raise --limit.")
	}
	return nil
}

var stateMarks = map[orgflow.State]mark{
	orgflow.Done: well, orgflow.Failed: bad, orgflow.Blocked: bad, orgflow.Planned: ongoing, orgflow.Skipped: none,
}

// printChange writes a change as a block: what, why, the fields, the error.
func (p *program) printChange(c orgflow.Change, asJSON bool) error {
	if asJSON {
		line, err := json.Marshal(c)
		if err != nil {
			return fmt.Errorf("encode change %d: %w", c.ID, err)
		}
		return p.print("%s", line)
	}
	paint := palette{on: p.color}
	m, known := stateMarks[c.State]
	if !known {
		m = look
	}
	var b strings.Builder
	who := c.Key().String()
	if c.ConsumerID != "" && c.ConsumerID != c.SourceID {
		who += " → " + c.ConsumerID
	}
	fmt.Fprintf(&b, "%s %4d  %-6s  %s  %s", paint.mark(m), c.ID, c.Op, paint.bold(clean(who)), c.State)
	indent := "\n" + strings.Repeat(" ", 8)
	if c.Reason != "" {
		b.WriteString(indent + wrap(clean(c.Reason), p.width, 8))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Fields)) {
		d := c.Fields[name]
		b.WriteString(indent + wrap(clean(name)+": "+shown(d.Before)+" → "+shown(d.After), p.width, 10))
	}
	if c.Error != nil {
		b.WriteString(indent + paint.ansi("31", wrap(clean(c.Error.Error()), p.width, 8)))
	}
	if len(c.DependsOn) > 0 {
		b.WriteString(indent + paint.dim("after "+strings.Trim(fmt.Sprint(c.DependsOn), "[]")))
	}
	return p.print("%s", b.String())
}

// shown is a field's value as JSON, nothing as a dash.
func shown(v any) string {
	if v == nil {
		return "–"
	}
	if s, ok := v.(string); ok {
		return clean(orgflow.ShowRefs(s))
	}
	text, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return clean(orgflow.ShowRefs(string(text)))
}

func oneID(cmd *cobra.Command, args []string) error { return one("ID", cmd, args) }

// one wants exactly one argument, and says what it has to be.
func one(what string, cmd *cobra.Command, args []string) error {
	if len(args) != 1 || args[0] == "" {
		return fmt.Errorf("%[1]s needs exactly one %[2]s; see %[1]s --help", cmd.CommandPath(), what)
	}
	return nil
}

// oneOf refuses a flag's value that is not among the allowed ones.
func oneOf[T ~string](flag string, value T, allowed ...T) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	var names []string
	for _, a := range allowed {
		if a != "" {
			names = append(names, string(a))
		}
	}
	return fmt.Errorf("--%s %q is not one of %s", flag, value, strings.Join(names, ", "))
}

// localTime is a time as people at this machine read it.
func localTime(t time.Time) string { return t.Local().Format("2006-01-02 15:04 MST") }
