package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
)

// organisation is what the API asks of the local organisation, by hand.
type organisation struct {
	*world
	asked string // the last question
	query OrgQuery
}

func (o *organisation) StartPull(ctx context.Context, raw json.RawMessage) (Started, error) {
	o.asked = string(raw)
	return Started{ID: "org-pull-1", RunID: "r"}, o.begin(ctx)
}

func (o *organisation) PullSummary(ctx context.Context, id string) (orgflow.PullSummary, error) {
	return orgflow.PullSummary{ID: id, Status: orgflow.StatusCompleted, Departments: 41, Members: 299, Calls: 82}, o.begin(ctx)
}

func (o *organisation) ListPulls(ctx context.Context, company int64, _ string, _ int) (PullPage, error) {
	o.query.CompanyID = company
	return PullPage{}, o.begin(ctx)
}

func (o *organisation) CancelPull(ctx context.Context, id string, s Steering) error {
	return o.steer(ctx, "cancel", id, s)
}

func (o *organisation) DecidePull(ctx context.Context, id string, approve bool, s Steering) error {
	if approve {
		return o.steer(ctx, "approve", id, s)
	}
	return o.steer(ctx, "reject", id, s)
}

func (o *organisation) OrgTree(ctx context.Context, q OrgQuery) (OrgNode, error) {
	o.query = q
	return OrgNode{ID: 1, Name: "<公司>", MemberCount: 2, Children: []OrgNode{{ID: 2, Name: "研发部", MemberCount: 1, Children: []OrgNode{}}}}, o.begin(ctx)
}

func (o *organisation) OrgVersions(ctx context.Context, q OrgQuery, _ string, _ int) (VersionPage, error) {
	o.query = q
	return VersionPage{Versions: []orgflow.OrgVersion{}}, o.begin(ctx)
}

func (o *organisation) OrgDiff(ctx context.Context, q OrgQuery, from, to int64) (OrgDiff, error) {
	o.query = q
	return OrgDiff{From: orgflow.OrgVersion{Version: from}, To: orgflow.OrgVersion{Version: to}}, o.begin(ctx)
}

func (o *organisation) UnitMembers(ctx context.Context, unit int64, _ string, _ int) (MemberPage, error) {
	return MemberPage{Members: []OrgMember{{ID: unit, UserID: "E1", JobNumber: "N1", Name: "员工", Departments: []OrgDepartment{{ID: unit, Name: "研发部"}}}}}, o.begin(ctx)
}

func (o *organisation) SearchMembers(ctx context.Context, q OrgQuery, text, _ string, _ int) (MemberPage, error) {
	o.query, o.asked = q, text
	return MemberPage{Members: []OrgMember{}}, o.begin(ctx)
}

func TestPullsAreStartedAndSteered(t *testing.T) {
	w := newWorld()
	org := &organisation{world: w}
	d := w.deps()
	d.Orgs, d.Keys = org, keys(t)
	h := New(d)
	res := call(h, "POST", "/api/v1/org/pulls", `{"company_id": 129}`, "X-API-Key: operate-token")
	if res.Code != http.StatusAccepted || org.asked != `{"company_id": 129}` || res.Header().Get("Location") != "/api/v1/org/pulls/org-pull-1" || !strings.Contains(res.Body.String(), `"id":"org-pull-1"`) {
		t.Errorf("%d %s, asked %s", res.Code, res.Body, org.asked)
	}
	for path, role := range map[string]string{"cancel": "operate", "approve": "approve", "reject": "approve"} {
		if res := call(h, "POST", "/api/v1/org/pulls/p/"+path, `{"reason":"r"}`, "X-API-Key: "+role+"-token"); res.Code != http.StatusAccepted {
			t.Errorf("%s: %d %s", path, res.Code, res.Body)
		}
	}
	if len(w.steered) != 3 {
		t.Errorf("steered %q", w.steered)
	}
	for path, key := range map[string]string{"/api/v1/org/pulls": "read", "/api/v1/org/pulls/p/approve": "operate"} {
		if res := call(h, "POST", path, `{}`, "X-API-Key: "+key+"-token"); res.Code != http.StatusForbidden {
			t.Errorf("%s with a %s key: %d", path, key, res.Code)
		}
	}
	if res := call(h, "GET", "/api/v1/org/tree", ""); res.Code != http.StatusUnauthorized {
		t.Errorf("the tree without a key: %d", res.Code)
	}
}

func TestTheOrganisationIsShown(t *testing.T) {
	w := newWorld()
	org := &organisation{world: w}
	d := w.deps()
	d.Orgs = org
	h := New(d)
	get := func(path string, want string) {
		t.Helper()
		res := call(h, "GET", path, "")
		var got, wanted any
		if res.Code != 200 || json.Unmarshal(res.Body.Bytes(), &got) != nil || json.Unmarshal([]byte(want), &wanted) != nil {
			t.Fatalf("%s: %d %s", path, res.Code, res.Body)
		}
		if diff := cmp.Diff(wanted, got); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
	get("/api/v1/org/tree?company_id=129&as_of=2026-11-21T00:00:00Z", `{"id":1,"name":"<公司>","remote_id":"","member_count":2,"direct_count":0,
		"children":[{"id":2,"name":"研发部","remote_id":"","member_count":1,"direct_count":0,"children":[]}]}`)
	if want := (OrgQuery{CompanyID: 129, AsOf: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)}); org.query != want {
		t.Errorf("asked %+v", org.query)
	}
	get("/api/v1/org/units/7/members", `{"members":[{"id":7,"user_id":"E1","job_number":"N1","name":"员工","title":"","active":false,
		"departments":[{"id":7,"name":"研发部","leader":false,"main":false}]}],"next_cursor":""}`)
	get("/api/v1/org/members?query=%25&origin=we_com", `{"members":[],"next_cursor":""}`)
	if org.asked != "%" || org.query.Origin != "we_com" {
		t.Errorf("asked %q %+v", org.asked, org.query)
	}
	get("/api/v1/org/versions", `{"versions":[],"next_cursor":""}`)
	for path, field := range map[string]string{
		"/api/v1/org/tree?as_of=yesterday": "as_of", "/api/v1/org/diff?from=x": "from", "/api/v1/org/units/0/members": "id", "/api/v1/org/tree?company=1": "company",
	} {
		if res := call(h, "GET", path, ""); res.Code != http.StatusUnprocessableEntity || errorOf(t, res).Field != field {
			t.Errorf("%s: %d %s", path, res.Code, res.Body)
		}
	}
}
