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
			s.From = p.origin()
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
	return showCommand(p, "pull", "  starter pull show org-pull-129-ding_talk-20261121T0100Z-7f3a --wait", p.followedPull)
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
		started, err := b.Orgs.StartPull(ctx, raw, api.StartOptions{By: p.user})
		switch {
		case err != nil:
			return fmt.Errorf("start the pull: %w", err)
		case f.wait:
			return followToEnd(ctx, p, p.followedPull(b), started.ID, f.json)
		}
		return p.printStarted(started, "pull show", f.json)
	})
}

func (p *program) followedPull(b Backend) followed[orgflow.PullSummary] {
	told := -1
	return followed[orgflow.PullSummary]{
		noun: "pull", show: "pull show", look: b.Orgs.PullSummary, print: p.printPull,
		status: func(s orgflow.PullSummary) orgflow.Status { return s.Status },
		news: func(s orgflow.PullSummary) string {
			if s.Members == told {
				return ""
			}
			told = s.Members
			return fmt.Sprintf("%s: %d departments, %d members, %d calls", s.Phase, s.Departments, s.Members, s.Calls)
		},
	}
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
