package aiguanhuai

import (
	"context"
	"net/http"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/transport"
)

var (
	_ connectors.Checker  = (*Client)(nil)
	_ connectors.Unproven = (*Client)(nil)
)

// Check implements connectors.Checker as far as the vendor allows: something
// answers at the address. Every call of the interface would begin or change
// something, so credentials and signature show with the first write.
func (c *Client) Check(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, c.base+"/", nil)
	if err != nil {
		return orgflow.Faultf(orgflow.CodeInvalidConfig, "/consumers/ai_guan_huai/base_url: %v", err)
	}
	_, err = c.link.Send(req, &transport.Call{Path: "/"})
	return err // any answer will do
}

// Unproven implements connectors.Unproven.
func (c *Client) Unproven() string {
	return "corp_id, partner_id and signature show with the first write, because every call of the interface writes"
}
