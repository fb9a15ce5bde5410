package dingtalk

import (
	"context"
	"net/http"

	"orgflow"
	"orgflow/connectors"
)

var _ connectors.Prober = (*Client)(nil)

// Probe implements connectors.Prober: key and secret, address, and each
// permission that reading needs (DingTalk reference § 2.6), by calls that
// change nothing and cost no quota. Writing rights show at the first write,
// Contact.User.Read when the first person signs in.
func (c *Client) Probe(ctx context.Context) []connectors.Step {
	root := c.cfg.RootDepartmentID
	tries := []struct {
		name, needs string
		q           request
	}{
		{"scope", "qyapi_base", request{method: http.MethodGet, path: "/auth/scopes"}},
		{"departments", "qyapi_get_department_list", request{path: pathDeptGet, body: map[string]any{"dept_id": root}}},
		{"members", "qyapi_get_department_member", request{path: pathUserList, body: map[string]any{"dept_id": root, "cursor": 0, "size": 1}}},
		{"person", "qyapi_get_member", request{path: "/topapi/user/count", body: map[string]any{"only_active": false}}},
		{"mobile", "qyapi_get_member_by_mobile", request{path: pathUserByMobile, body: map[string]any{"mobile": nobodysMobile}}},
	}
	steps := []connectors.Step{{Name: "token"}}
	// A token that is in force says nothing of the secret as it is now.
	if _, _, err := c.fetchToken(ctx); err != nil {
		steps[0].Fault = orgflow.AsFault(err)
	}
	for _, try := range tries {
		step := connectors.Step{Name: try.name, Needs: try.needs, Skipped: steps[0].Fault != nil}
		if !step.Skipped {
			step.Fault = c.try(ctx, try.q)
		}
		steps = append(steps, step)
	}
	return steps
}

// nobodysMobile is well formed and nobody's.
const nobodysMobile = "10000000000"

// try makes a call; that nobody was found is an answer.
func (c *Client) try(ctx context.Context, q request) *orgflow.Fault {
	var spent connectors.Receipt
	_, f, err := c.call(ctx, &spent, q, nil)
	switch {
	case err == nil:
		return nil
	case f != nil && q.path == pathUserByMobile && (saysNoPerson(f.VendorCode) || f.VendorCode == "40104"):
		return nil
	case f != nil && saysNoDepartment(f.VendorCode):
		f.Code, f.Advice = orgflow.CodeInvalidConfig, "the department of root_department_id is not at DingTalk; check company.json"
	}
	return orgflow.AsFault(err)
}
