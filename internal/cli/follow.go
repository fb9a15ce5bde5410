package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/config"
)

// followed is how work that somebody started, a pull or a load, is looked at.
type followed[T any] struct {
	noun, show string // "load", "erp show"
	look       func(ctx context.Context, id string) (T, error)
	status     func(T) orgflow.Status
	news       func(T) string // what changed since the last look; empty for nothing
	print      func(T, bool) error
}

// followToEnd looks until the work ends or waits for a person. Interrupted, it
// says how to look again.
func followToEnd[T any](ctx context.Context, p *program, f followed[T], id string, asJSON bool) error {
	failures := 0
	for {
		t, err := f.look(ctx, id)
		switch {
		case ctx.Err() != nil:
			p.say("\nStopped watching; the %s goes on. Look at it with:  starter %s %s --wait", f.noun, f.show, id)
			return exit{code: ExitInterrupted}
		case err != nil:
			if failures++; failures >= maxFailures {
				return fmt.Errorf("watch %s %s: %w (the %s itself goes on)", f.noun, id, err, f.noun)
			}
		case over(f.status(t)):
			if err := f.print(t, asJSON); err != nil {
				return err
			}
			if code := exitOf(f.status(t)); code != ExitCompleted {
				return exit{code: code}
			}
			return nil
		default:
			failures = 0
			if !asJSON {
				p.tell(f.news(t))
			}
		}
		select {
		case <-ctx.Done():
		case <-p.after(pollEvery):
		}
	}
}

func (p *program) tell(news string) {
	if news != "" {
		p.say("%s", news)
	}
}

// showCommand shows such work, or follows it.
func showCommand[T any](p *program, noun, example string, of func(Backend) followed[T]) *cobra.Command {
	wait, asJSON := false, false
	cmd := &cobra.Command{
		Use: "show ID", Short: "Show a " + noun, Args: oneID, Example: example,
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), config.RoleStarter, func(b Backend) error {
				f := of(b)
				if wait {
					return followToEnd(cmd.Context(), p, f, args[0], asJSON)
				}
				t, err := f.look(cmd.Context(), args[0])
				if err != nil {
					return fmt.Errorf("show %s %s: %w", noun, args[0], err)
				}
				return f.print(t, asJSON)
			})
		},
	}
	cmd.Flags().BoolVarP(&wait, "wait", "w", false, "watch the "+noun+" until it ends")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// printStarted says what was started and which command shows it.
func (p *program) printStarted(s api.Started, show string, asJSON bool) error {
	if asJSON {
		return p.printJSON(s)
	}
	if err := p.print("Started %s", s.ID); err != nil {
		return err
	}
	p.say("Look at it with:  starter %s %s", show, s.ID)
	return nil
}
