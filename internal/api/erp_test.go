package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow"
)

// loads is what the API asks of loads, by hand.
type loads struct {
	*world
	asked   string // the last start
	filter  LoadFilter
	refusal error
}

func (l *loads) StartLoad(ctx context.Context, raw json.RawMessage) (Started, error) {
	l.asked = string(raw)
	if l.refusal != nil {
		return Started{}, l.refusal
	}
	return Started{ID: "erp-129-SAL_SaleOrder~1", RunID: "r", URL: pathLoads + "/erp-129-SAL_SaleOrder~1"}, l.begin(ctx)
}

func (l *loads) LoadRun(ctx context.Context, id string) (orgflow.ERPRun, error) {
	return orgflow.ERPRun{ID: id, FormID: "SAL_SaleOrder", Kind: orgflow.LoadCreate, Status: orgflow.StatusRunning,
		Rows: 4000, Windows: orgflow.Progress{Done: 2, Total: 24}}, l.begin(ctx)
}

func (l *loads) ListLoads(ctx context.Context, f LoadFilter) (LoadPage, error) {
	l.filter = f
	return LoadPage{Runs: []orgflow.ERPRun{{ID: "a"}}, NextCursor: "n"}, l.begin(ctx)
}

func (l *loads) CancelLoad(ctx context.Context, id string, s Steering) error {
	return l.steer(ctx, "cancel", id, s)
}

func loadWorld(t *testing.T) (*loads, http.Handler) {
	w := newWorld()
	l := &loads{world: w}
	d := w.deps()
	d.Loads, d.Keys = l, keys(t)
	return l, New(d)
}

const operator = "X-API-Key: operate-token"

func TestLoadsAreStartedShownAndCancelled(t *testing.T) {
	l, h := loadWorld(t)
	const input = `{"form_id": "SAL_SaleOrder", "kind": "create"}`
	res := call(h, "POST", "/api/v1/erp-runs", input, operator)
	if res.Code != http.StatusAccepted || l.asked != input || res.Header().Get("Location") != "/api/v1/erp-runs/erp-129-SAL_SaleOrder~1" ||
		!strings.Contains(res.Body.String(), `"id":"erp-129-SAL_SaleOrder~1"`) || !strings.Contains(res.Body.String(), `"url":"/api/v1/erp-runs/erp-129-SAL_SaleOrder~1"`) {
		t.Errorf("%d %s, asked %s", res.Code, res.Body, l.asked)
	}
	res = call(h, "GET", "/api/v1/erp-runs/erp-129-SAL_SaleOrder~1", "", "X-API-Key: read-token")
	for _, want := range []string{`"id":"erp-129-SAL_SaleOrder~1"`, `"form_id":"SAL_SaleOrder"`, `"kind":"create"`, `"status":"running"`,
		`"rows":4000`, `"windows":{"done":2,"total":24}`, `"error":null`, `"new_columns":[]`, `"remaining_seconds":null`} {
		if res.Code != http.StatusOK || !strings.Contains(res.Body.String(), want) {
			t.Errorf("%d %s lacks %s", res.Code, res.Body, want)
		}
	}
	res = call(h, "GET", "/api/v1/erp-runs?company_id=129&form_id=SAL_SaleOrder&limit=10&cursor=c", "", "X-API-Key: read-token")
	if diff := cmp.Diff(LoadFilter{CompanyID: 129, FormID: "SAL_SaleOrder", Cursor: "c", Limit: 10}, l.filter); diff != "" || !strings.Contains(res.Body.String(), `"next_cursor":"n"`) {
		t.Errorf("%s %s", res.Body, diff)
	}
	res = call(h, "POST", "/api/v1/erp-runs/x/cancel", `{"by":"E1","reason":"wrong form"}`, operator)
	if res.Code != http.StatusAccepted || len(l.steered) != 1 || !strings.HasPrefix(l.steered[0], "cancel x by E1") {
		t.Errorf("%d %s, %q", res.Code, res.Body, l.steered)
	}
	for _, path := range []string{"/api/v1/erp-runs", "/api/v1/erp-runs/x/cancel", "/dataSync/create?formId=X"} {
		if res := call(h, "POST", path, "{}", "X-API-Key: read-token"); res.Code != http.StatusForbidden {
			t.Errorf("%s with a key to read: %d", path, res.Code)
		}
	}
}

// Boards call plain URLs: GET or POST, parameters in the query or as a form.
func TestBoardsLoadForms(t *testing.T) {
	const form = "Content-Type: application/x-www-form-urlencoded"
	for _, c := range []struct{ method, path, body, want string }{
		{"GET", "/dataSync/create?formId=SAL_SaleOrder", "", `{"form_id":"SAL_SaleOrder","kind":"create"}`},
		{"POST", "/dataSync/update?formId=SAL_SaleOrder&_t=1", "", `{"form_id":"SAL_SaleOrder","kind":"update"}`},
		{"POST", "/dataSync/update", "formId=SAL_SaleOrder&company_id=129&deep=true", `{"company_id":129,"deep":true,"form_id":"SAL_SaleOrder","kind":"update"}`},
		{"GET", "/dataSync/create", "", `{"form_id":"","kind":"create"}`}, // StartLoad says what is allowed
	} {
		l, h := loadWorld(t)
		res := call(h, c.method, c.path, c.body, operator, form)
		if l.asked != c.want {
			t.Errorf("%s %s: asked %s, want %s", c.method, c.path, l.asked, c.want)
		}
		var got struct {
			Code    *int
			Message string
			Data    struct {
				ID, URL, Kind string
				RunID         string `json:"run_id"`
				FormID        string `json:"form_id"`
			}
		}
		if err := json.Unmarshal(res.Body.Bytes(), &got); err != nil || res.Code != 200 || got.Code == nil || *got.Code != 0 || got.Message != "ok" ||
			got.Data.ID != "erp-129-SAL_SaleOrder~1" || got.Data.RunID != "r" || got.Data.URL != "/api/v1/erp-runs/erp-129-SAL_SaleOrder~1" || !strings.Contains(c.want, got.Data.Kind) {
			t.Errorf("%s %s: %d %s, %v", c.method, c.path, res.Code, res.Body, err)
		}
	}
}

func TestRefusedLoads(t *testing.T) {
	refusal := func(code orgflow.Code, problems ...orgflow.Problem) error {
		return &orgflow.InvalidError{Code: code, Problems: problems}
	}
	for name, c := range map[string]struct {
		refusal                      error
		status                       int
		code                         orgflow.Code
		field, boardField, mentioned string
	}{
		"a form id that is SQL": {refusal(orgflow.CodeInvalidJob, orgflow.Problem{Pointer: "/form_id", Line: 1, Column: 12, Message: "is not the id of a form"}),
			400, orgflow.CodeInvalidJob, "/form_id", "formId", "is not the id of a form"},
		"a broken form file": {refusal(orgflow.CodeInvalidConfig, orgflow.Problem{File: "f.json", Pointer: "/form_id", Message: "must be"}),
			422, orgflow.CodeInvalidConfig, "/form_id", "/form_id", "f.json"},
		"a second load": {&orgflow.Fault{Code: orgflow.CodeTargetBusy, Message: "load erp-129-SAL_SaleOrder~0 of the form is running"},
			409, orgflow.CodeTargetBusy, "", "", "erp-129-SAL_SaleOrder~0"},
		"no Temporal": {orgflow.Faultf(orgflow.CodeUnavailable, "start the load: no answer"), 503, orgflow.CodeUnavailable, "", "", "no answer"},
	} {
		t.Run(name, func(t *testing.T) {
			l, h := loadWorld(t)
			l.refusal = c.refusal
			res := call(h, "POST", "/api/v1/erp-runs", "{}", operator)
			if e := errorOf(t, res); res.Code != c.status || e.Code != c.code || e.Field != c.field || !strings.Contains(e.Message, c.mentioned) {
				t.Errorf("%d %s", res.Code, res.Body)
			}
			res = call(h, "GET", "/dataSync/create?formId=SAL_SaleOrder%22%3BDROP%20TABLE%20x%3B--", "", operator)
			if e := errorOf(t, res); res.Code != c.status || e.Code != c.code || e.Field != c.boardField || !strings.Contains(e.Message, c.mentioned) {
				t.Errorf("board: %d %s", res.Code, res.Body)
			}
		})
	}
}

func TestParametersOfBoardsAreChecked(t *testing.T) {
	for path, field := range map[string]string{
		"/dataSync/create?formId=A&company_id=x": "company_id", "/dataSync/update?formId=A&company_id=0": "company_id", "/dataSync/update?formId=A&deep=perhaps": "deep",
	} {
		l, h := loadWorld(t)
		if e := errorOf(t, call(h, "GET", path, "", operator)); e.Code != orgflow.CodeInvalidJob || e.Field != field || l.asked != "" {
			t.Errorf("%s: %+v", path, e)
		}
	}
}

// Where a query cannot be read, the parameter is named.
func TestAParameterThatCannotBeReadIsNamed(t *testing.T) {
	for query, field := range map[string]string{
		"formId=SAL_SaleOrder;DROP": "formId", "formId=%zz&deep=true": "formId", "formId=A&deep=a;b": "deep", "formId=A&other;=1": "", ";": "",
	} {
		l, h := loadWorld(t)
		res := call(h, "GET", "/dataSync/update?"+query, "", operator)
		if e := errorOf(t, res); res.Code != http.StatusBadRequest || e.Code != codeInvalidBody || e.Field != field || !strings.Contains(e.Message, "cannot be read") || l.asked != "" {
			t.Errorf("%s: %d %+v", query, res.Code, e)
		}
	}
}

// A link checker that only looks starts nothing.
func TestALookStartsNoLoad(t *testing.T) {
	l, h := loadWorld(t)
	if res := call(h, "HEAD", "/dataSync/create?formId=SAL_SaleOrder", "", operator); res.Code != http.StatusMethodNotAllowed || l.asked != "" || res.Header().Get("Allow") != "GET, POST" {
		t.Errorf("%d, asked %s", res.Code, l.asked)
	}
}
