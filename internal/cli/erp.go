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

func (p *program) erpCommand() *cobra.Command {
	return group("erp", "Load forms of the ERP into local tables",
		"  starter erp inspect --form SAL_SaleOrder\n  starter erp create --form SAL_SaleOrder --wait\n  starter erp update --form SAL_SaleOrder --wait",
		p.erpLoad(orgflow.LoadCreate, "Build a form's local table anew from the last 2 years",
			"Build the form's local table ERP_<form> anew: the last 2 years are loaded beside the\ntable there is, which stays readable; the new one takes its place when it is complete."),
		p.erpLoad(orgflow.LoadUpdate, "Merge the last 2 months of a form into its local table",
			"Merge the last 2 months into the form's local table, by key, into the columns that\nthe table has. Columns added by hand keep their values. Rows that the ERP no longer\nhas are marked, not removed."),
		p.erpShow(), p.erpList(), p.erpCancel(), p.erpInspect())
}

type loadFlags struct {
	company          int64
	form             string
	deep, wait, json bool
}

func (p *program) erpLoad(kind orgflow.LoadKind, short, long string) *cobra.Command {
	var f loadFlags
	cmd := &cobra.Command{
		Use: string(kind) + " --form SAL_SaleOrder", Short: short, Args: cobra.NoArgs,
		Long:    long + "\n\nWith --wait the exit code is 0 when the load completed, 2 when it completed with\nfailures, 1 when it failed.",
		Example: "  starter erp " + string(kind) + " --form SAL_SaleOrder --wait",
		RunE:    func(cmd *cobra.Command, _ []string) error { return p.startLoad(cmd.Context(), kind, f) },
	}
	cmd.Flags().Int64Var(&f.company, "company", 0, "company; default the only one with an ERP")
	cmd.Flags().StringVar(&f.form, "form", "", "form of the ERP")
	if kind == orgflow.LoadUpdate {
		cmd.Flags().BoolVar(&f.deep, "deep", false, "read as far back as create does, to notice rows gone from the ERP however old they are")
	}
	cmd.Flags().BoolVarP(&f.wait, "wait", "w", false, "watch the load and end with its summary")
	cmd.Flags().BoolVar(&f.json, "json", false, "print only JSON: the summary with --wait, else the load's id")
	_ = cmd.MarkFlagRequired("form") // the flag exists
	return cmd
}

func (p *program) startLoad(ctx context.Context, kind orgflow.LoadKind, f loadFlags) error {
	raw, err := json.Marshal(orgflow.LoadInput{CompanyID: f.company, FormID: f.form, Kind: kind, Deep: f.deep})
	if err != nil {
		return fmt.Errorf("write input: %w", err)
	}
	return p.with(ctx, config.RoleStarter, func(b Backend) error {
		started, err := b.Loads.StartLoad(ctx, raw)
		switch {
		case err != nil:
			return fmt.Errorf("start the load: %w", err)
		case f.wait:
			return followToEnd(ctx, p, p.followedLoad(b), started.ID, f.json)
		}
		return p.printStarted(started, "erp show", f.json)
	})
}

func (p *program) erpShow() *cobra.Command {
	return showCommand(p, "load", "  starter erp show erp-129-SAL_SaleOrder~3f2a9c1b7d4e --wait", p.followedLoad)
}

func (p *program) erpCancel() *cobra.Command {
	var s api.Steering
	cmd := &cobra.Command{
		Use: "cancel ID", Short: "End a load after the pages in flight; what a create has read is dropped", Args: oneID,
		Example: "  starter erp cancel erp-129-SAL_SaleOrder~3f2a9c1b7d4e --reason \"wrong form\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			s.From = p.origin()
			return p.with(cmd.Context(), config.RoleStarter, func(b Backend) error {
				if err := b.Loads.CancelLoad(cmd.Context(), args[0], s); err != nil {
					return fmt.Errorf("cancel load %s: %w", args[0], err)
				}
				return p.print("Asked %s to stop.", args[0])
			})
		},
	}
	steeringFlags(cmd, &s.By, &s.Reason, p.user)
	return cmd
}

func (p *program) erpList() *cobra.Command {
	f, asJSON := api.LoadFilter{}, false
	cmd := &cobra.Command{
		Use: "list", Short: "List loads, newest first", Args: cobra.NoArgs,
		Example: "  starter erp list --form SAL_SaleOrder --limit 5",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkLimit(f.Limit); err != nil {
				return err
			}
			return p.with(cmd.Context(), config.RoleStarter, func(b Backend) error { return p.listLoads(cmd.Context(), b.Loads, f, asJSON) })
		},
	}
	cmd.Flags().Int64Var(&f.CompanyID, "company", 0, "only this company")
	cmd.Flags().StringVar(&f.FormID, "form", "", "only this form")
	pageFlags(cmd, &f.Limit, &f.Cursor)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (p *program) listLoads(ctx context.Context, loads api.Loads, f api.LoadFilter, asJSON bool) error {
	page, err := loads.ListLoads(ctx, f)
	switch {
	case err != nil:
		return fmt.Errorf("list loads: %w", err)
	case asJSON:
		runs := make([]orgflow.ERPRun, len(page.Runs))
		for i, r := range page.Runs {
			runs[i] = api.CompleteLoad(r)
		}
		return p.printJSON(api.LoadPage{Runs: runs, NextCursor: page.NextCursor})
	case len(page.Runs) == 0:
		p.say("No loads.")
		return nil
	}
	t := table{header: []string{"STARTED", "ID", "KIND", "STATUS", "WINDOWS", "ROWS"}, right: []int{4, 5}}
	for _, r := range page.Runs {
		t.add(minute(&r.StartedAt), r.ID, kindOfLoad(r), string(r.Status),
			number(r.Windows.Done)+"/"+number(r.Windows.Total), number(int(r.Rows)))
	}
	return p.writePage(t, page.NextCursor)
}
