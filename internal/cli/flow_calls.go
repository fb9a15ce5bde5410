package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/config"
	"orgflow/internal/flowcall"
)

// flowCallCommands are the calls of boards, and what people do to flows
// besides.
func (p *program) flowCallCommands() []*cobra.Command {
	cmds := []*cobra.Command{p.flowLaunch(), p.flowAudit(), p.flowRelaunch(), p.flowDiscard(), p.flowUrgent(), p.flowNotify()}
	for _, verb := range []struct {
		kind  orgflow.FlowCommandKind
		short string
		long  string
	}{
		{orgflow.FlowRepair, "Move a FAULTED flow on, as an admin", "Move a FAULTED flow on, as one of its admins: try again what could not go on, or with\n--to go on at another node."},
		{orgflow.FlowWithdraw, "Take a running flow back, as its initiator", ""},
		{orgflow.FlowRetract, "Take one's newest approval back, before anybody builds on it", ""},
		{orgflow.FlowJump, "Move a running flow to a node, as an admin", ""},
	} {
		cmds = append(cmds, p.flowSteer(verb.kind, verb.short, verb.long))
	}
	return cmds
}

// flowCall runs a call and prints its answer.
func (p *program) flowCall(cmd *cobra.Command, what string, asJSON bool, do func(context.Context, api.FlowCalls) (flowcall.Answer, error)) error {
	return p.with(cmd.Context(), config.RoleStarter, func(b Backend) error {
		a, err := do(cmd.Context(), b.FlowCalls)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if asJSON {
			return p.printJSON(a)
		}
		return p.print("%s", told(a))
	})
}

// told is an answer on one line.
func told(a flowcall.Answer) string {
	line := fmt.Sprintf("%s: %s, round %d", a.Number, a.State, a.Round)
	if len(a.CurrentNodes) > 0 {
		line += ", at " + seqs(a.CurrentNodes)
	}
	for _, note := range []struct {
		holds bool
		says  string
	}{
		{a.Existing, "it was there already"}, {a.Already, "done before"}, {a.Accepted, "taken; the effect shows in a moment"},
		{a.Applied > 0, count(a.Applied, "decision") + " counted"}, {len(a.Urged) > 0, "reminded " + strings.Join(a.Urged, ", ")},
	} {
		if note.holds {
			line += "; " + note.says
		}
	}
	for _, audit := range a.Audits {
		if audit.Outcome != orgflow.AuditApplied {
			line += fmt.Sprintf("\n  decision %d: %s, %s", audit.ID, audit.Outcome, audit.Message)
		}
	}
	return line
}

// callFlags are flags that every call has.
type callFlags struct {
	company int64
	json    bool
}

func (f *callFlags) add(cmd *cobra.Command) *cobra.Command {
	companyFlag(cmd, &f.company)
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON")
	return cmd
}

func (f *callFlags) flow(no string) flowcall.FlowParams {
	return flowcall.FlowParams{Number: no, Company: f.companyText()}
}

func (f *callFlags) companyText() string {
	if f.company == 0 {
		return ""
	}
	return strconv.FormatInt(f.company, 10)
}

func (p *program) flowLaunch() *cobra.Command {
	var f callFlags
	var in flowcall.LaunchParams
	cmd := &cobra.Command{
		Use: "launch", Short: "Launch a flow for a saved form row", Args: cobra.NoArgs,
		Long:    "Launch a flow for a saved form row. Launching it again answers with the flow there is.",
		Example: "  starter flow launch --code ztbxx01 --data 5 --user E1001",
		RunE: func(cmd *cobra.Command, _ []string) error {
			in.Company = f.companyText()
			return p.flowCall(cmd, "launch a flow", f.json, func(ctx context.Context, c api.FlowCalls) (flowcall.Answer, error) { return c.Launch(ctx, in) })
		},
	}
	cmd.Flags().StringVar(&in.FlowCode, "code", "", "code of the definition")
	cmd.Flags().StringVar(&in.DataID, "data", "", "id of the form row")
	cmd.Flags().StringVar(&in.UserCode, "user", "", "user code of the initiator")
	cmd.Flags().StringVar(&in.DeptName, "dept", "", "department of the initiator; default: the main one")
	cmd.Flags().StringVar(&in.Number, "number", "", "number of the flow; default: the next one")
	for _, name := range []string{"code", "data", "user"} {
		_ = cmd.MarkFlagRequired(name) // the flags exist
	}
	return f.add(cmd)
}

func (p *program) flowAudit() *cobra.Command {
	var f callFlags
	next, depts := "", []string{}
	cmd := &cobra.Command{
		Use: "audit NUMBER", Short: "Have the stored decisions of a flow worked on", Args: oneNumber,
		Example: "  starter flow audit ztbxx01_202611_0001\n  starter flow audit ztbxx01_202611_0001 --next 30 --managers 客服部,技术部",
		RunE: func(cmd *cobra.Command, args []string) error {
			in := flowcall.AuditParams{FlowParams: f.flow(args[0]), NextNodeSeq: next, TaskDeptManager: strings.Join(depts, ",")}
			return p.flowCall(cmd, "audit flow "+args[0], f.json, func(ctx context.Context, c api.FlowCalls) (flowcall.Answer, error) { return c.OnAudit(ctx, in) })
		},
	}
	cmd.Flags().StringVar(&next, "next", "", "seq of the node to go to instead of the definition's way; 0: back to the initiator")
	cmd.Flags().StringSliceVar(&depts, "managers", nil, "departments, by code or exact name, whose managers get tasks")
	return f.add(cmd)
}

func (p *program) flowRelaunch() *cobra.Command {
	return p.flowPlain("relaunch", "Open the next round of a flow that was returned or discarded",
		func(ctx context.Context, c api.FlowCalls, in flowcall.FlowParams) (flowcall.Answer, error) {
			return c.Relaunch(ctx, in)
		})
}

func (p *program) flowUrgent() *cobra.Command {
	return p.flowPlain("urgent", "Remind whoever has an open task of a flow",
		func(ctx context.Context, c api.FlowCalls, in flowcall.FlowParams) (flowcall.Answer, error) {
			return c.Urgent(ctx, in)
		})
}

func (p *program) flowPlain(verb, short string, do func(context.Context, api.FlowCalls, flowcall.FlowParams) (flowcall.Answer, error)) *cobra.Command {
	var f callFlags
	return f.add(&cobra.Command{
		Use: verb + " NUMBER", Short: short, Args: oneNumber,
		Example: "  starter flow " + verb + " ztbxx01_202611_0001",
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.flowCall(cmd, verb+" flow "+args[0], f.json, func(ctx context.Context, c api.FlowCalls) (flowcall.Answer, error) {
				return do(ctx, c, f.flow(args[0]))
			})
		},
	})
}

func (p *program) flowDiscard() *cobra.Command {
	var f callFlags
	var in flowcall.DiscardParams
	cmd := &cobra.Command{
		Use: "discard NUMBER", Short: "End a flow, as its initiator or an admin", Args: oneNumber,
		Example: "  starter flow discard ztbxx01_202611_0001 --user E1001",
		RunE: func(cmd *cobra.Command, args []string) error {
			in.FlowParams = f.flow(args[0])
			return p.flowCall(cmd, "discard flow "+args[0], f.json, func(ctx context.Context, c api.FlowCalls) (flowcall.Answer, error) { return c.Discard(ctx, in) })
		},
	}
	cmd.Flags().StringVar(&in.UserCode, "user", "", "user code of who discards")
	_ = cmd.MarkFlagRequired("user") // the flag exists
	return f.add(cmd)
}

func (p *program) flowNotify() *cobra.Command {
	var f callFlags
	cmd := &cobra.Command{
		Use: "notify TASK", Short: "Tell the assignee of a submitted board task", Args: cobra.ExactArgs(1),
		Example: "  starter flow notify RW202107280",
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), config.RoleStarter, func(b Backend) error {
				a, err := b.FlowCalls.TaskNotify(cmd.Context(), args[0], f.companyText())
				switch {
				case err != nil:
					return fmt.Errorf("notify of task %s: %w", args[0], err)
				case f.json:
					return p.printJSON(a)
				case a.Already:
					return p.print("%s: %s was told before", a.TaskNo, a.User)
				}
				return p.print("%s: %s will be told", a.TaskNo, a.User)
			})
		},
	}
	return f.add(cmd)
}

func (p *program) flowSteer(kind orgflow.FlowCommandKind, short, long string) *cobra.Command {
	var f callFlags
	in, from, to := flowcall.SteerParams{Kind: kind}, 0, 0
	cmd := &cobra.Command{
		Use: string(kind) + " NUMBER", Short: short, Long: long, Args: oneNumber,
		Example: "  starter flow " + string(kind) + " ztbxx01_202611_0001 --by E1001",
		RunE: func(cmd *cobra.Command, args []string) error {
			in.FlowParams, in.Action = f.flow(args[0]), "retry"
			if cmd.Flags().Changed("from") {
				in.From = &from
			}
			if cmd.Flags().Changed("to") {
				in.To, in.Action = &to, "jump"
			}
			return p.flowCall(cmd, string(kind)+" flow "+args[0], f.json, func(ctx context.Context, c api.FlowCalls) (flowcall.Answer, error) { return c.Steer(ctx, in) })
		},
	}
	cmd.Flags().StringVar(&in.By, "by", "", "user code of who does this")
	_ = cmd.MarkFlagRequired("by") // the flag exists
	moves := []orgflow.FlowCommandKind{orgflow.FlowJump, orgflow.FlowRepair}
	if slices.Contains(moves, kind) {
		cmd.Flags().IntVar(&to, "to", 0, "seq of the node to go on at; 0: back to the initiator")
		cmd.Example += " --to 30"
	}
	if kind == orgflow.FlowJump {
		cmd.Flags().IntVar(&from, "from", 0, "seq of the current node to leave; default: the flow as a whole")
	}
	return f.add(cmd)
}
