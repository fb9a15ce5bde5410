package wecom

import (
	"context"

	"orgflow"
	"orgflow/connectors"
)

var _ connectors.Prober = (*Client)(nil)

// Probe implements connectors.Prober by calls that change nothing: corpid and
// secret, whether this address is trusted and the secret the contacts-sync
// assistant's (WeCom reference § 3), the root department, and the secret of
// the application that sends messages, where one is set. Whether that
// application trusts this address shows with the first message.
func (c *Client) Probe(ctx context.Context) []connectors.Step {
	token := connectors.Step{Name: "token"}
	// A token that is in force says nothing of the secret as it is now.
	if _, _, err := c.fetchToken(ctx); err != nil {
		token.Fault = orgflow.AsFault(err)
	}
	contacts := connectors.Step{Name: "contacts", Needs: "通讯录同步", Skipped: token.Fault != nil}
	if !contacts.Skipped {
		contacts.Fault = orgflow.AsFault(c.Check(ctx))
	}
	steps := []connectors.Step{token, contacts}
	if c.cfg.AgentSecret != "" {
		messages := connectors.Step{Name: "messages"}
		if _, _, err := c.fetchAppToken(ctx); err != nil {
			messages.Fault = orgflow.AsFault(err)
		}
		steps = append(steps, messages)
	}
	return steps
}
