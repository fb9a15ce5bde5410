package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/config"
)

// undoneAgain is what whoever undoes a run has to know.
const undoneAgain = "The next ordinary run does the same again:\nmend the source or the template first, or pause the schedule."

func (p *program) runsUndo() *cobra.Command {
	var o api.UndoOptions
	var approval string
	wait, asJSON := false, false
	cmd := &cobra.Command{
		Use: "undo ID", Short: "Start a run that takes back what an ended one did", Args: oneID,
		Long: "Start a run that takes back what an ended one did: it deletes what the run inserted,\n" +
			"gives back what it changed, and inserts what it deleted, with the safeguards of any run.\n" +
			"What a later run has changed stays as it is.\n\n" + undoneAgain,
		Example: "  starter runs undo sync-129-ding_talk-20261121T0100Z-7f3a9c --dry-run --wait\n" +
			"  starter runs undo sync-129-ding_talk-20261121T0100Z-7f3a9c --wait --reason \"wrong template\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Approval, o.From = orgflow.Approval(approval), p.origin()
			if err := oneOf("approval", o.Approval, "", orgflow.ApprovalNever, orgflow.ApprovalOnThreshold, orgflow.ApprovalAlways); err != nil {
				return err
			}
			return p.with(cmd.Context(), config.RoleStarter, func(b Backend) error {
				return p.undo(cmd.Context(), b, args[0], o, wait, asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&o.DryRun, "dry-run", false, "plan, but send nothing")
	cmd.Flags().StringVar(&approval, "approval", "", "never, on_threshold or always (default always if the run's job says so, else on_threshold)")
	cmd.Flags().BoolVarP(&wait, "wait", "w", false, "watch the run and end with its summary")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print only JSON: the summary with --wait, else the run's id")
	steeringFlags(cmd, &o.By, &o.Reason, p.user)
	return cmd
}

func (p *program) undo(ctx context.Context, b Backend, id string, o api.UndoOptions, wait, asJSON bool) error {
	started, err := b.Steer.Undo(ctx, id, o)
	if err != nil {
		return fmt.Errorf("undo run %s: %w", id, err)
	}
	if asJSON && !wait {
		return p.printJSON(started)
	}
	if !o.DryRun {
		p.say("%s", undoneAgain)
	}
	if wait {
		return p.watch(ctx, b.Runs, started.ID, asJSON)
	}
	return p.printStarted(started, "runs show", false)
}
