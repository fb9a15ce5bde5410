package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
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

func (o *organisation) StartPull(ctx context.Context, raw json.RawMessage, opts StartOptions) (Started, error) {
	o.asked = string(raw)
	if err := o.begin(ctx); err != nil {
		return Started{}, err
	}
	id := opts.WorkflowID
	if _, taken := o.started[id]; !taken {
		o.started[id] = string(raw)
		o.starts++
	} else if opts.IdempotencyKey == "" {
		return Started{}, orgflow.Faultf(orgflow.CodeConflict, "pull %s exists", id)
	}
	return Started{ID: id, RunID: "r-" + id}, nil
}

func decodePull(raw []byte) (orgflow.PullInput, error) {
	var in orgflow.PullInput
	if err := json.Unmarshal(raw, &in); err != nil || in.CompanyID == 0 {
		return in, &orgflow.InvalidError{Code: orgflow.CodeInvalidJob, Problems: []orgflow.Problem{{Pointer: "/company_id", Message: "required"}}}
	}
	return in.WithDefaults(), nil
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
	id := started(t, res).ID
	if org.asked != `{"company_id": 129}` || res.Header().Get("Location") != "/api/v1/org/pulls/"+id || !strings.HasPrefix(id, "org-pull-129-ding_talk-20261121T0100Z-") {
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

func TestAPullIsStartedOnceForAKey(t *testing.T) {
	w := newWorld()
	h := New(w.deps())
	pull := func(body, key string) *httptest.ResponseRecorder {
		return call(h, "POST", "/api/v1/org/pulls", body, "Idempotency-Key: "+key)
	}
	w.err = &orgflow.Fault{Code: orgflow.CodeUnavailable, Message: "Temporal does not answer"}
	if res := pull(`{"company_id": 129}`, "k"); res.Code != http.StatusServiceUnavailable {
		t.Fatalf("%d %s", res.Code, res.Body)
	}
	w.err = nil
	first := started(t, pull(`{"company_id": 129}`, "k"))
	if again := started(t, pull(`{"origin": "ding_talk", "company_id": 129}`, "k")); again != first || w.starts != 1 {
		t.Errorf("the repetition answers %+v after %+v; %d starts", again, first, w.starts)
	}
	res := pull(`{"company_id": 130}`, "k")
	if e := errorOf(t, res); res.Code != http.StatusConflict || e.Field != "Idempotency-Key" || !strings.Contains(e.Message, first.ID) {
		t.Errorf("another body with the same key: %d %s", res.Code, res.Body)
	}
	if other := started(t, pull(`{"company_id": 129}`, "k2")); other.ID == first.ID {
		t.Error("another key found the same pull")
	}
	claimed := len(w.keys)
	if res := pull(`{}`, "k3"); res.Code != http.StatusBadRequest || len(w.keys) != claimed {
		t.Errorf("a bad body: %d %s; %d keys, before %d", res.Code, res.Body, len(w.keys), claimed)
	}
	if run := started(t, call(h, "POST", "/api/v1/sync-runs", job, "Idempotency-Key: k")); run.ID == first.ID {
		t.Error("a run found the key of a pull")
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
