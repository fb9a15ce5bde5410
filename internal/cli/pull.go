package cli

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/config"
)

type pullFlags struct {
	company     int64
	origin      string
	supervisors bool
	wait, json  bool
}

func (p *program) pullCommand() *cobra.Command {
	var f pullFlags
	cmd := &cobra.Command{
		Use:   "pull --company 129",
		Short: "Pull an organisation from DingTalk or WeCom into the local one",
		Long: "Pull departments and members from DingTalk, or WeCom, into the local organisation.\n\n" +
			"With --wait the exit code is 0 when the pull completed, 2 when it was not read whole\n" +
			"or removals wait for a decision, 1 when it failed.",
		Example: "  starter pull --company 129 --wait\n  starter pull --company 129 --origin we_com\n  starter pull approve org-pull-129-ding_talk-20261121T0100Z-7f3a",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return p.pull(cmd.Context(), f) },
	}
	cmd.Flags().Int64Var(&f.company, "company", 0, "company id")
	cmd.Flags().StringVar(&f.origin, "origin", "", "ding_talk (default) or we_com")
	cmd.Flags().BoolVar(&f.supervisors, "supervisors", false, "read each person's supervisor too, one more call a person")
	cmd.Flags().BoolVarP(&f.wait, "wait", "w", false, "watch the pull and end with its summary")
	cmd.Flags().BoolVar(&f.json, "json", false, "print only JSON: the summary with --wait, else the pull's id")
	_ = cmd.MarkFlagRequired("company") // the flag exists
	cmd.AddCommand(p.pullDecide("approve", "Let the parked removals of a waiting pull go", true),
		p.pullDecide("reject", "Keep whom a waiting pull would remove", false), p.pullCancel(), p.pullShow())
	return cmd
}

func (p *program) pullDecide(verb, short string, approve bool) *cobra.Command {
	return p.pullSteer(verb, short, func(ctx context.Context, o api.Orgs, id string, s api.Steering) error {
		return o.DecidePull(ctx, id, approve, s)
	})
}

func (p *program) pullCancel() *cobra.Command {
	return p.pullSteer("cancel", "End a pull after the calls in flight", func(ctx context.Context, o api.Orgs, id string, s api.Steering) error {
		return o.CancelPull(ctx, id, s)
	})
}

func (p *program) pullSteer(verb, short string, do func(context.Context, api.Orgs, string, api.Steering) error) *cobra.Command {
	var s api.Steering
	cmd := &cobra.Command{
		Use: verb + " ID", Short: short, Args: oneID,
		Example: "  starter pull " + verb + " org-pull-129-ding_talk-20261121T0100Z-7f3a",
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), config.RoleStarter, func(b Backend) error {
				if err := do(cmd.Context(), b.Orgs, args[0], s); err != nil {
					return fmt.Errorf("%s pull %s: %w", verb, args[0], err)
				}
				return p.print("%s: %s", args[0], verb)
			})
		},
	}
	steeringFlags(cmd, &s.By, &s.Reason, p.user)
	return cmd
}

func (p *program) pullShow() *cobra.Command {
	wait, asJSON := false, false
	cmd := &cobra.Command{
		Use: "show ID", Short: "Show a pull", Args: oneID,
		Example: "  starter pull show org-pull-129-ding_talk-20261121T0100Z-7f3a --wait",
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), config.RoleStarter, func(b Backend) error {
				if wait {
					return p.watchPull(cmd.Context(), b.Orgs, args[0], asJSON)
				}
				s, err := b.Orgs.PullSummary(cmd.Context(), args[0])
				if err != nil {
					return fmt.Errorf("show pull %s: %w", args[0], err)
				}
				return p.printPull(s, asJSON)
			})
		},
	}
	cmd.Flags().BoolVarP(&wait, "wait", "w", false, "watch the pull until it ends")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (p *program) pull(ctx context.Context, f pullFlags) error {
	input := map[string]any{"company_id": f.company}
	if f.origin != "" {
		input["origin"] = f.origin
	}
	if f.supervisors {
		input["supervisors"] = true
	}
	raw, err := json.Marshal(input)
	if err != nil {
		return fmt.Errorf("write input: %w", err)
	}
	return p.with(ctx, config.RoleStarter, func(b Backend) error {
		started, err := b.Orgs.StartPull(ctx, raw)
		switch {
		case err != nil:
			return fmt.Errorf("start the pull: %w", err)
		case f.wait:
			return p.watchPull(ctx, b.Orgs, started.ID, f.json)
		case f.json:
			return p.printJSON(started)
		}
		if err := p.print("Started %s", started.ID); err != nil {
			return err
		}
		p.say("Look at it with:  starter pull show %s", started.ID)
		return nil
	})
}

// watchPull follows a pull until it ends or waits for a person.
func (p *program) watchPull(ctx context.Context, orgs api.Orgs, id string, asJSON bool) error {
	failures, told := 0, -1
	for {
		s, err := orgs.PullSummary(ctx, id)
		switch {
		case ctx.Err() != nil:
			p.say("\nStopped watching; the pull goes on. Look at it with:  starter pull show %s --wait", id)
			return exit{code: ExitInterrupted}
		case err != nil:
			if failures++; failures >= maxFailures {
				return fmt.Errorf("watch pull %s: %w (the pull itself goes on)", id, err)
			}
		case s.Status.Terminal() || s.Status == orgflow.StatusAwaitingApproval:
			if err := p.printPull(s, asJSON); err != nil {
				return err
			}
			if code := pullExit(s); code != ExitCompleted {
				return exit{code: code}
			}
			return nil
		default:
			failures = 0
			if !asJSON && s.Members != told {
				told = s.Members
				p.say("%s: %d departments, %d members, %d calls", s.Phase, s.Departments, s.Members, s.Calls)
			}
		}
		select {
		case <-ctx.Done():
		case <-p.after(pollEvery):
		}
	}
}

func pullExit(s orgflow.PullSummary) int {
	switch s.Status {
	case orgflow.StatusCompleted:
		return ExitCompleted
	case orgflow.StatusFailed, orgflow.StatusCanceled:
		return ExitFailed
	case orgflow.StatusRunning, orgflow.StatusPaused, orgflow.StatusAwaitingApproval,
		orgflow.StatusCompletedWithFailures, orgflow.StatusRejected, orgflow.StatusSuperseded:
	}
	return ExitIncomplete
}

// printPull writes a pull for people, or as JSON.
func (p *program) printPull(s orgflow.PullSummary, asJSON bool) error {
	if asJSON {
		return p.printJSON(s)
	}
	if err := p.print("%s  %s\n  read: %d departments, %d members with %d calls (and %d others, %d throttled)",
		s.ID, s.Status, s.Departments, s.Members, s.Calls, s.OtherCalls, s.Throttled); err != nil {
		return err
	}
	for _, k := range []struct {
		kind orgflow.Kind
		name string
	}{{orgflow.Org, "departments"}, {orgflow.Person, "members"}} {
		if c, ok := s.Changes[k.kind]; ok {
			if err := p.print("  %s: %d added, %d changed, %d removed, %d removals parked", k.name, c.Added, c.Changed, c.Removed, c.Parked); err != nil {
				return err
			}
		}
	}
	for _, note := range s.Notes {
		if err := p.print("  %s", note); err != nil {
			return err
		}
	}
	if s.Status == orgflow.StatusAwaitingApproval {
		p.say("Decide with:  starter pull approve %s   or   starter pull reject %s", s.ID, s.ID)
	}
	if s.Error != nil {
		return p.print("  error: %s", s.Error.Error())
	}
	return nil
}
