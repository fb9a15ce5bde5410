package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/config"
)

// flowCommand holds everything about approval flows.
func (p *program) flowCommand() *cobra.Command {
	cmd := group("flow", "Start, steer and look at approval flows, publish definitions",
		"  starter flow launch --code ztbxx01 --data 5 --user E1001\n  starter flow show ztbxx01_202611_0001\n  starter flow definitions publish --company 129",
		p.flowList(), p.flowShow(), p.flowTimeline(), p.flowMessages(), p.flowStats(), p.flowExport(), p.flowDecide(), p.flowDefinitions())
	cmd.AddCommand(p.flowCallCommands()...)
	return cmd
}

func oneNumber(cmd *cobra.Command, args []string) error { return one("flow number", cmd, args) }

func companyFlag(cmd *cobra.Command, company *int64) {
	cmd.Flags().Int64Var(company, "company", 0, "the company; default: the only configured one")
}

// flowFlags select flows.
type flowFlags struct {
	filter   api.FlowFilter
	states   []string
	from, to string
}

func (f *flowFlags) add(cmd *cobra.Command) {
	companyFlag(cmd, &f.filter.CompanyID)
	cmd.Flags().StringVar(&f.filter.Code, "code", "", "only flows of this code")
	cmd.Flags().StringSliceVar(&f.states, "state", nil, "only flows in these states: RUNNING, RETURNED, FAULTED …")
	cmd.Flags().StringVar(&f.filter.Initiator, "initiator", "", "only flows this user code has launched")
	cmd.Flags().StringVar(&f.filter.Assignee, "assignee", "", "only flows that wait for this user code")
	cmd.Flags().StringVar(&f.filter.DataID, "data", "", "only flows of this form row")
	cmd.Flags().StringVar(&f.from, "from", "", "only flows launched at this time or later")
	cmd.Flags().StringVar(&f.to, "to", "", "and before this time")
}

// flowStates are the words of --state.
var flowStates = []orgflow.FlowState{
	orgflow.FlowStarting, orgflow.FlowRunning, orgflow.FlowReturned, orgflow.FlowApproved,
	orgflow.FlowRejected, orgflow.FlowDiscarded, orgflow.FlowFaulted,
}

func (f *flowFlags) read() (api.FlowFilter, error) {
	for _, text := range f.states {
		state := orgflow.FlowState(strings.ToUpper(text))
		if err := oneOf("state", state, flowStates...); err != nil {
			return f.filter, err
		}
		f.filter.States = append(f.filter.States, state)
	}
	var err error
	if f.filter.From, err = optionalTime("from", f.from); err != nil {
		return f.filter, err
	}
	f.filter.To, err = optionalTime("to", f.to)
	return f.filter, err
}

// optionalTime reads a flag's time in this machine's zone; empty is none.
func optionalTime(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("--%s %q is not a time such as 2026-11-21, \"2026-11-21 08:00\" or 2026-11-21T08:00:00+08:00", flag, text)
}

func (p *program) flowList() *cobra.Command {
	var f flowFlags
	asJSON := false
	cmd := &cobra.Command{
		Use: "list", Short: "List approval flows, newest first", Args: cobra.NoArgs,
		Example: "  starter flow list --state RUNNING,FAULTED --limit 5\n  starter flow list --assignee E1005",
		RunE: func(cmd *cobra.Command, _ []string) error {
			filter, err := f.read()
			if err != nil {
				return err
			}
			if err := checkLimit(filter.Limit); err != nil {
				return err
			}
			return p.with(cmd.Context(), config.RoleStarter, func(b Backend) error {
				return p.listFlows(cmd.Context(), b.Flows, filter, asJSON)
			})
		},
	}
	f.add(cmd)
	pageFlags(cmd, &f.filter.Limit, &f.filter.Cursor)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (p *program) listFlows(ctx context.Context, flows api.Flows, f api.FlowFilter, asJSON bool) error {
	page, err := flows.ListFlows(ctx, f)
	if err != nil {
		return fmt.Errorf("list flows: %w", err)
	}
	if asJSON {
		return p.printJSON(page)
	}
	if len(page.Flows) == 0 {
		p.say("No flows.")
		return nil
	}
	t := table{header: []string{"", "LAUNCHED", "NUMBER", "STATE", "ROUND", "NODES", "BY", "TITLE"}, right: []int{4}}
	for _, flow := range page.Flows {
		t.add(string(flowMark(flow.State)), minute(&flow.StartedAt), flow.No, string(flow.State), number(flow.Round),
			seqs(flow.CurrentNodes), flow.Initiator.UserCode, flow.Title)
	}
	return p.writePage(t, page.NextCursor)
}

func flowMark(s orgflow.FlowState) mark {
	switch s {
	case orgflow.FlowApproved:
		return well
	case orgflow.FlowRejected, orgflow.FlowFaulted:
		return bad
	case orgflow.FlowReturned:
		return look
	case orgflow.FlowRunning, orgflow.FlowStarting:
		return ongoing
	default:
		return none
	}
}

func seqs(nodes []int) string { return strings.Trim(fmt.Sprint(nodes), "[]") }

// minute is a time in a table, empty for none.
func minute(t *time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04")
}

func (p *program) flowExport() *cobra.Command {
	var f flowFlags
	format := ""
	cmd := &cobra.Command{
		Use: "export", Short: "Write flows with their nodes and tasks, newest first", Args: cobra.NoArgs,
		Long:    "Write flows with their nodes and tasks, newest first: ndjson has a flow per line,\ncsv a task per row, for spreadsheets.",
		Example: "  starter flow export --code ztbxx01 --format csv > flows.csv",
		RunE: func(cmd *cobra.Command, _ []string) error {
			filter, err := f.read()
			if err != nil {
				return err
			}
			if err := oneOf("format", api.ExportFormat(format), api.ExportNDJSON, api.ExportCSV); err != nil {
				return err
			}
			return p.with(cmd.Context(), config.RoleStarter, func(b Backend) error {
				if err := b.Flows.ExportFlows(cmd.Context(), filter, api.ExportFormat(format), p.Out); err != nil {
					return fmt.Errorf("export flows: %w", err)
				}
				return nil
			})
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&format, "format", string(api.ExportNDJSON), "ndjson or csv")
	return cmd
}

func (p *program) flowDecide() *cobra.Command {
	d, verdict, to := api.NewDecision{}, "", -1
	asJSON := false
	cmd := &cobra.Command{
		Use: "decide NUMBER", Short: "Store a decision, as a board does", Args: oneNumber,
		Long:    "Store a decision, as a board does: it is of the flow's current round. The flow works\non it at the next /flow/onAudit. Who has no open task at the node changes nothing.",
		Example: "  starter flow decide ztbxx01_202611_0001 --node 10 --user E1005 --decision approve --comment 同意",
		RunE: func(cmd *cobra.Command, args []string) error {
			d.No, d.Decision = args[0], orgflow.Verdict(verdict)
			if cmd.Flags().Changed("to-node") {
				d.ToNodeSeq = &to
			}
			if err := flagged(d.Check()); err != nil {
				return err
			}
			return p.with(cmd.Context(), config.RoleStarter, func(b Backend) error {
				stored, err := b.Flows.StoreDecision(cmd.Context(), d)
				if err != nil {
					return fmt.Errorf("decide on flow %s: %w", d.No, flagged(err))
				}
				if asJSON {
					return p.printJSON(stored)
				}
				return p.print("Stored decision %d of %s on node %d in round %d: %s.", stored.ID, clean(stored.UserCode), stored.NodeSeq, stored.Round, stored.Decision)
			})
		},
	}
	companyFlag(cmd, &d.CompanyID)
	cmd.Flags().IntVar(&d.NodeSeq, "node", 0, "seq of the node that is decided")
	cmd.Flags().StringVar(&d.UserCode, "user", "", "user code of who decides")
	cmd.Flags().StringVar(&verdict, "decision", "", "approve, reject, return, transfer, delegate, resolve, add_sign, remove_sign")
	cmd.Flags().StringVar(&d.Comment, "comment", "", "the opinion")
	cmd.Flags().IntVar(&to, "to-node", 0, "return: seq of an earlier node; 0 is the initiator")
	cmd.Flags().StringSliceVar(&d.TargetUsers, "target", nil, "transfer, delegate, add_sign, remove_sign: user codes")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	for _, name := range []string{"node", "user", "decision"} {
		_ = cmd.MarkFlagRequired(name) // the flags exist
	}
	return cmd
}

// flagNames are the flags of the keys that a refusal may blame.
var flagNames = strings.NewReplacer("/user_code", "--user", "/decision", "--decision", "/comment", "--comment",
	"/to_node_seq", "--to-node", "/target_users", "--target", "/node_seq", "--node")

// flagged names the flag instead of the key of a body.
func flagged(err error) error {
	var e *api.Error
	if errors.As(err, &e) && e.Code == api.CodeBadParam {
		return errors.New(flagNames.Replace(e.Message))
	}
	return err
}
