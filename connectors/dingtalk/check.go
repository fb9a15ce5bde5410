package dingtalk

import (
	"context"
	"fmt"
	"net/http"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/wire"
)

// authOrgScopes is the part of /auth/scopes that says whom the application
// may see (DingTalk reference § 2.5).
type authOrgScopes struct {
	Users wire.Texts `json:"authed_user"`
	Depts wire.Ints  `json:"authed_dept"`
}

// Check implements connectors.Checker: key and secret give a token, the
// application has a contact scope, and the root department can be read.
func (c *Client) Check(ctx context.Context) error {
	var spent connectors.Receipt
	a, _, err := c.call(ctx, &spent, request{method: http.MethodGet, path: "/auth/scopes"}, nil)
	if err != nil {
		return err
	}
	if s := a.Scopes; s != nil && len(s.Depts) == 0 && len(s.Users) == 0 {
		return &orgflow.Fault{
			Code: orgflow.CodeForbidden, Message: "the application may see nobody: its contact scope is empty",
			Advice: "give the application a contact scope in the DingTalk developer console",
		}
	}
	q := request{path: pathDeptGet, body: map[string]any{"dept_id": c.cfg.RootDepartmentID}}
	_, f, err := c.call(ctx, &spent, q, nil)
	if f == nil {
		return err
	}
	switch {
	case f.VendorCode == "50004":
		f.Code = orgflow.CodeForbidden
	case saysNoDepartment(f.VendorCode):
		f.Code, f.Field = orgflow.CodeInvalidConfig, "/consumers/ding_talk/root_department_id"
		f.Advice = fmt.Sprintf("department %d is not at DingTalk; check root_department_id in company.json", c.cfg.RootDepartmentID)
	}
	return f
}
