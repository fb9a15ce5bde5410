package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"orgflow/internal/api"
	"orgflow/internal/config"
)

func (p *program) flowShow() *cobra.Command {
	var company int64
	asJSON := false
	cmd := &cobra.Command{
		Use: "show NUMBER", Short: "Show a flow: where it is, who has to act, what happened last", Args: oneNumber,
		Example: "  starter flow show ztbxx01_202611_0001",
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), config.RoleStarter, func(b Backend) error {
				d, err := b.Flows.GetFlow(cmd.Context(), company, args[0])
				switch {
				case err != nil:
					return fmt.Errorf("flow %s: %w", args[0], err)
				case asJSON:
					return p.printJSON(d)
				}
				return p.printFlow(d)
			})
		},
	}
	companyFlag(cmd, &company)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// printFlow writes a flow for a person. Nodes and tasks are those of the
// current round.
func (p *program) printFlow(d api.FlowDetail) error {
	paint := palette{on: p.color}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s  %s  %s\n", paint.mark(flowMark(d.State)), d.State, paint.bold(clean(d.No)), clean(d.Title))
	fmt.Fprintf(&b, "  %s version %d · row %s · round %d · launched %s by %s", clean(d.Code), d.Version, clean(d.DataID), d.Round,
		localTime(d.StartedAt), person(d.Initiator.UserCode, d.Initiator.UserName))
	if d.ClosedAt != nil {
		fmt.Fprintf(&b, " · closed %s", localTime(*d.ClosedAt))
	}
	if err := p.print("%s\n", b.String()); err != nil {
		return err
	}
	for _, part := range []table{flowNodeTable(d), flowTaskTable(d), upcomingTable(d)} {
		if len(part.rows) == 0 {
			continue
		}
		if err := part.write(p.Out); err != nil {
			return err
		}
		if err := p.print(""); err != nil {
			return err
		}
	}
	last := d.Timeline[max(0, len(d.Timeline)-5):]
	for _, e := range last {
		if err := p.print("%s", eventLine(e)); err != nil {
			return err
		}
	}
	if len(last) < len(d.Timeline) || d.TimelineCursor != "" {
		p.say("All of it:  starter flow timeline %s", clean(d.No))
	}
	return nil
}

func flowNodeTable(d api.FlowDetail) table {
	t := table{header: []string{"NODE", "NAME", "TYPE", "STATE", "WHY", "ENTERED", "LEFT"}, right: []int{0}}
	for _, n := range d.Nodes {
		if n.Round == d.Round {
			t.add(strconv.Itoa(n.NodeSeq), n.Name, n.Type, string(n.State), n.Cause, minute(n.EnteredAt), minute(n.LeftAt))
		}
	}
	return t
}

func flowTaskTable(d api.FlowDetail) table {
	t := table{header: []string{"NODE", "TASK OF", "KIND", "STATE", "WHY", "OPENED", "DONE", "DUE", "URGED"}, right: []int{0, 8}}
	for _, k := range d.Tasks {
		if k.Round == d.Round {
			t.add(strconv.Itoa(k.NodeSeq), person(k.UserCode, k.UserName), k.Kind, string(k.State), k.Cause,
				minute(k.OpenedAt), minute(k.DoneAt), minute(k.DueAt), number(k.Urges))
		}
	}
	return t
}

func upcomingTable(d api.FlowDetail) table {
	t := table{header: []string{"NODE", "WOULD COME NEXT", "WHO", "SIGN"}, right: []int{0}}
	for _, n := range d.Upcoming {
		who := strings.Join(n.Users, ", ")
		switch {
		case n.Fault != "":
			who = "the flow would get stuck: " + n.Fault
		case n.Skip != "":
			who = "nobody: " + n.Skip
		}
		t.add(strconv.Itoa(n.NodeSeq), n.Name, who, n.Sign)
	}
	return t
}

// person is a user code, with the name where it is known.
func person(code, name string) string {
	if name == "" || name == code {
		return clean(code)
	}
	return clean(code + " " + name)
}

func (p *program) flowTimeline() *cobra.Command {
	var company int64
	asJSON := false
	cmd := &cobra.Command{
		Use: "timeline NUMBER", Short: "Show everything that happened in a flow, oldest first", Args: oneNumber,
		Example: "  starter flow timeline ztbxx01_202611_0001",
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), config.RoleStarter, func(b Backend) error {
				return p.printTimeline(cmd.Context(), b.Flows, company, args[0], asJSON)
			})
		},
	}
	companyFlag(cmd, &company)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, one event a line")
	return cmd
}

// printTimeline prints page after page.
func (p *program) printTimeline(ctx context.Context, flows api.Flows, company int64, no string, asJSON bool) error {
	printed := 0
	for cursor := ""; ; {
		page, err := flows.FlowTimeline(ctx, company, no, cursor, api.MaxLimit)
		if err != nil {
			return fmt.Errorf("timeline of flow %s: %w", no, err)
		}
		for _, e := range page.Timeline {
			line := eventLine(e)
			if asJSON {
				raw, err := json.Marshal(e)
				if err != nil {
					return fmt.Errorf("encode event: %w", err)
				}
				line = string(raw)
			}
			if err := p.print("%s", line); err != nil {
				return err
			}
		}
		printed += len(page.Timeline)
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	if printed == 0 {
		p.say("Nothing has happened yet.")
	}
	return nil
}

// eventLine is an event on one line: when, what, where, by whom, details.
func eventLine(e api.FlowEvent) string {
	parts := []string{e.At.Local().Format("2006-01-02 15:04:05"), fill(strings.ReplaceAll(e.Type, "_", " "), 16)}
	if e.NodeSeq != nil {
		parts = append(parts, fmt.Sprintf("node %d", *e.NodeSeq))
	}
	if e.Actor != "" {
		parts = append(parts, "by "+person(e.Actor, e.ActorName))
	}
	return strings.TrimRight(clean(strings.Join(append(parts, eventDetails(e.Data)...), "  ")), " ")
}

// eventDetails are the details of an event, by key.
func eventDetails(data json.RawMessage) []string {
	var keys map[string]any
	if json.Unmarshal(data, &keys) != nil {
		return nil // none
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		parts = append(parts, name+" "+strings.Trim(fmt.Sprint(keys[name]), "[]"))
	}
	return parts
}

func (p *program) flowStats() *cobra.Command {
	var company int64
	var from, to string
	asJSON := false
	cmd := &cobra.Command{
		Use: "stats CODE", Short: "Show how long flows of a code take, and where they wait", Args: oneCode,
		Example: "  starter flow stats ztbxx01 --from 2026-11-01",
		RunE: func(cmd *cobra.Command, args []string) error {
			begin, err := optionalTime("from", from)
			if err != nil {
				return err
			}
			end, err := optionalTime("to", to)
			if err != nil {
				return err
			}
			return p.with(cmd.Context(), config.RoleStarter, func(b Backend) error {
				s, err := b.Flows.FlowStats(cmd.Context(), company, args[0], begin, end)
				switch {
				case err != nil:
					return fmt.Errorf("statistics of %s: %w", args[0], err)
				case asJSON:
					return p.printJSON(s)
				}
				return p.printFlowStats(s)
			})
		},
	}
	companyFlag(cmd, &company)
	cmd.Flags().StringVar(&from, "from", "", "only flows launched at this time or later")
	cmd.Flags().StringVar(&to, "to", "", "and before this time")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func oneCode(cmd *cobra.Command, args []string) error { return one("flow code", cmd, args) }

func (p *program) printFlowStats(s api.FlowStats) error {
	states := table{header: []string{"", "STATE", "FLOWS", "HALF WITHIN", "90% WITHIN", "MEAN"}, right: []int{2, 3, 4, 5}}
	for _, state := range flowStates {
		if s.States[state] == 0 {
			continue
		}
		d := s.Duration[state]
		states.add(string(flowMark(state)), string(state), number(s.States[state]), lasted(d.Count, d.P50), lasted(d.Count, d.P90), lasted(d.Count, d.Mean))
	}
	if len(states.rows) == 0 {
		p.say("No flows.")
		return nil
	}
	if err := states.write(p.Out); err != nil {
		return err
	}
	if err := p.print(""); err != nil {
		return err
	}
	nodes := table{header: []string{"NODE", "NAME", "DONE", "HALF WITHIN", "90% WITHIN", "MEAN", "OPEN", "OLDEST"}, right: []int{0, 2, 3, 4, 5, 6, 7}}
	for _, n := range s.Nodes {
		w := n.Waiting
		nodes.add(strconv.Itoa(n.NodeSeq), n.Name, number(w.Count), lasted(w.Count, w.P50), lasted(w.Count, w.P90), lasted(w.Count, w.Mean), number(n.Open), lasted(n.Open, n.Oldest))
	}
	return nodes.write(p.Out)
}

// lasted is a duration of n things, a dash of none.
func lasted(n int, seconds float64) string {
	if n == 0 {
		return "–"
	}
	return duration(time.Duration(seconds * float64(time.Second)))
}
