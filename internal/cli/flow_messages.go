package cli

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"orgflow/internal/api"
	"orgflow/internal/config"
)

func (p *program) flowMessages() *cobra.Command {
	var company int64
	asJSON := false
	cmd := &cobra.Command{
		Use: "messages NUMBER", Short: "Show the messages about a flow and what became of them", Args: oneNumber,
		Example: "  starter flow messages ztbxx01_202611_0001",
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.with(cmd.Context(), config.RoleStarter, func(b Backend) error {
				list, err := allMessages(cmd.Context(), b.Flows, company, args[0])
				switch {
				case err != nil:
					return fmt.Errorf("messages of flow %s: %w", args[0], err)
				case asJSON:
					return p.printJSON(list)
				}
				return p.printMessages(list)
			})
		},
	}
	companyFlag(cmd, &company)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func allMessages(ctx context.Context, flows api.Flows, company int64, no string) ([]api.FlowMessage, error) {
	list := []api.FlowMessage{}
	for cursor := ""; ; {
		page, err := flows.FlowMessages(ctx, company, no, cursor, api.MaxLimit)
		if err != nil {
			return nil, err
		}
		list = append(list, page.Messages...)
		if cursor = page.NextCursor; cursor == "" {
			return list, nil
		}
	}
}

// messageMarks are of the states that need a look; the others go on or are
// over.
var messageMarks = map[string]mark{"delivered": well, "dropped": bad, "dead": bad, "pending": ongoing, "sent": ongoing}

func (p *program) printMessages(list []api.FlowMessage) error {
	if len(list) == 0 {
		p.say("No messages.")
		return nil
	}
	t := table{header: []string{"", "CAUSED", "KIND", "TO", "CHANNEL", "STATE", "TRIES", "SENT", "NOTE"}, right: []int{6}}
	for _, m := range list {
		sign, known := messageMarks[m.State]
		if !known {
			sign = none
		}
		t.add(string(sign), minute(&m.CreatedAt), m.Kind, m.UserCode, m.Channel, m.State, strconv.Itoa(m.Tries), minute(m.SentAt), m.Note)
	}
	return t.write(p.Out)
}
