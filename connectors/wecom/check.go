package wecom

import (
	"context"
	"errors"
	"fmt"

	"orgflow"
	"orgflow/connectors"
)

// Check implements connectors.Checker: corpid and secret give a token, this
// address is trusted, the secret is the contacts-sync assistant's (only that
// one may list ids, WeCom reference § 3), and the root department is there.
// Whether details may be read is found out anew after it.
func (c *Client) Check(ctx context.Context) error {
	c.blindUntil.Store(0)
	var spent connectors.Receipt
	q := request{path: pathUserListID, body: map[string]any{"cursor": "", "limit": 1}}
	if _, err := c.call(ctx, &spent, q, nil); err != nil {
		return err
	}
	list, err := c.simpleList(ctx, &spent, c.cfg.RootDepartmentID)
	if f, ok := errors.AsType[*orgflow.Fault](err); ok {
		if saysNoDepartment(f.VendorCode) {
			return c.noRoot(f.VendorCode, f.Message)
		}
		return f
	}
	if err == nil && len(list) == 0 {
		return c.noRoot("", "department/simplelist shows nothing")
	}
	return err
}

func (c *Client) noRoot(vendorCode, message string) *orgflow.Fault {
	return &orgflow.Fault{
		Code: orgflow.CodeInvalidConfig, VendorCode: vendorCode, Message: message, Field: "/consumers/we_com/root_department_id",
		Advice: fmt.Sprintf("department %d is not at WeCom; check root_department_id in company.json", c.cfg.RootDepartmentID),
	}
}
