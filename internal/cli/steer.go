package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/config"
)

func (p *program) runsCancel() *cobra.Command {
	return p.steer("cancel", "End a run after the calls in flight, and say what it has done", "wrong filter", "Asked %s to stop.",
		func(ctx context.Context, b Backend, id string, s api.Steering) error {
			return b.Steer.Cancel(ctx, id, s)
		}, p.ended)
}

// looks is how many polls a run is watched for what was asked of it.
const looks = 20

// watched looks at a run until say has something to tell of it.
func (p *program) watched(ctx context.Context, runs api.Runs, id, notYet string, say func(orgflow.Summary) string) error {
	for range looks {
		s, err := runs.Summary(ctx, id)
		if err != nil {
			return fmt.Errorf("run %s was asked; looking at it: %w", id, err)
		}
		if line := say(s); line != "" {
			return p.print("%s", line)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.after(pollEvery):
		}
	}
	p.say("%s; look at it with:  starter runs show %s --wait", notYet, id)
	return nil
}

// ended says what a cancelled run has done, once it has ended.
func (p *program) ended(ctx context.Context, runs api.Runs, id string) error {
	return p.watched(ctx, runs, id, "It has not ended yet", func(s orgflow.Summary) string {
		switch {
		case s.Status == orgflow.StatusCanceled && len(s.Notes) > 0:
			return fmt.Sprintf("It has ended, %s.", s.Notes[0])
		case s.Status.Terminal():
			return fmt.Sprintf("It has ended: %s.", statusText(s))
		}
		return ""
	})
}

// paused says where a run stands still, once it does. One that still reads
// or plans stops before its first change.
func (p *program) paused(ctx context.Context, runs api.Runs, id string) error {
	return p.watched(ctx, runs, id, "It does not stand still yet: it does before its next change", func(s orgflow.Summary) string {
		switch {
		case s.Status == orgflow.StatusPaused:
			return fmt.Sprintf("It stands still: %d of %d changes done.", s.Progress.Done, s.Progress.Total)
		case s.Status.Terminal():
			return fmt.Sprintf("It has ended: %s.", statusText(s))
		}
		return ""
	})
}

func (p *program) runsPause() *cobra.Command {
	return p.steer("pause", "Stop sending; the run keeps its target until it is resumed or cancelled", "maintenance at DingTalk", "Asked %s to pause.",
		func(ctx context.Context, b Backend, id string, s api.Steering) error {
			return b.Steer.Pause(ctx, id, s)
		}, p.paused)
}

func (p *program) runsResume() *cobra.Command {
	return p.steer("resume", "Let a paused run go on", "maintenance is over", "Resumed %s.",
		func(ctx context.Context, b Backend, id string, s api.Steering) error {
			return b.Steer.Resume(ctx, id, s)
		}, nil)
}

func (p *program) runsApprove() *cobra.Command {
	return p.steer("approve", "Let the parked changes of a waiting run go", "checked with HR", "Approved %s.",
		func(ctx context.Context, b Backend, id string, s api.Steering) error {
			return b.Steer.Approve(ctx, id, s)
		}, nil)
}

func (p *program) runsReject() *cobra.Command {
	return p.steer("reject", "Give the parked changes of a waiting run up", "the source was wrong", "Rejected %s.",
		func(ctx context.Context, b Backend, id string, s api.Steering) error {
			return b.Steer.Reject(ctx, id, s)
		}, nil)
}

// steer is a command that does one thing to one run, and then, if given.
func (p *program) steer(verb, short, because, said string, do func(context.Context, Backend, string, api.Steering) error,
	then func(context.Context, api.Runs, string) error) *cobra.Command {
	var by, reason string
	cmd := &cobra.Command{
		Use: verb + " ID", Short: short, Args: oneID,
		Example: fmt.Sprintf("  starter runs %s sync-129-ding_talk-20261121T0100Z-7f3a9c --reason %q", verb, because),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), config.RoleStarter, func(b Backend) error {
				if err := do(cmd.Context(), b, args[0], api.Steering{By: by, Reason: reason, From: p.origin()}); err != nil {
					return fmt.Errorf("%s run %s: %w", verb, args[0], err)
				}
				if err := p.print(said, args[0]); err != nil || then == nil {
					return err
				}
				return then(cmd.Context(), b.Runs, args[0])
			})
		},
	}
	steeringFlags(cmd, &by, &reason, p.user)
	return cmd
}

func (p *program) runsRetry() *cobra.Command {
	var by, reason string
	cmd := &cobra.Command{
		Use: "retry ID", Short: "Start a run for what failed in an ended one", Args: oneID,
		Example: "  starter runs retry sync-129-ding_talk-20261121T0100Z-7f3a9c",
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), config.RoleStarter, func(b Backend) error {
				started, err := b.Steer.Retry(cmd.Context(), args[0], api.Steering{By: by, Reason: reason, From: p.origin()})
				if err != nil {
					return fmt.Errorf("retry run %s: %w", args[0], err)
				}
				return p.print("Started %s", started.ID)
			})
		},
	}
	steeringFlags(cmd, &by, &reason, p.user)
	return cmd
}

func steeringFlags(cmd *cobra.Command, by, reason *string, user string) {
	cmd.Flags().StringVar(by, "by", user, "who does this")
	cmd.Flags().StringVar(reason, "reason", "", "why, for those who look later")
	cmd.Flags().Lookup("by").DefValue = "you" // help must not depend on who reads it
}
