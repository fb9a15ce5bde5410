package console_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"orgflow"
	"orgflow/connectors/simctl"

	dtsim "orgflow/connectors/dingtalk/sim"

	"orgflow/internal/api"
	"orgflow/internal/console"
	"orgflow/internal/store"
	"orgflow/internal/web"
)

// walkEvil is what anything may be called that comes from elsewhere.
const walkEvil = `<script>alert(1)</script>"><img src=x onerror=alert(2)>`

// A walk is all pages of the program over one database in which whatever
// people and vendors name is named like a script. What would change something
// outside of it is written down.
type walk struct {
	*opsWorld
	routes *chi.Mux
	sync   *syncWorld
	orgs   *notedOrgs
	told   func() []string // what flows were told
	ids    map[string]int64
	admin  *http.Cookie // of somebody whose name is one too
}

func newWalk(t *testing.T) *walk {
	t.Helper()
	host := simctl.NewHost(dtsim.New(dtsim.Options{}))
	sim := httptest.NewServer(host)
	t.Cleanup(sim.Close)
	w := &walk{opsWorld: &opsWorld{t: t, meta: t.TempDir()}}
	text, err := json.Marshal(walkEvil)
	if err != nil {
		t.Fatal(err)
	}
	w.put("companies/129/company.json", fmt.Sprintf(`{"company_id": 129, "name": %[1]s, "roles": {"admin": ["E6"]},
		"source": {"type": "hcm", "base_url": "http://127.0.0.1:1/hcm", "auth": {"mode": "bearer", "token": "${HCM_TOKEN}"}},
		"consumers": {"ding_talk": {"base_url": "%[2]s/dingtalk", "api_base_url": "%[2]s/dingtalk", "api": "v2", "appkey": "dingsim-app", "appsecret": "dingsim-secret", "corp_id": "corp-1", "script_url": "%[2]s/dingtalk/jsapi.js", "qps": 0}},
		"erp": {"type": "kingdee", "base_url": "https://erp.example/k3cloud/", "acct_id": "a", "username": "u", "password": "${K3}"}}`, text, sim.URL))
	w.put("companies/129/forms/SAL_SaleOrder.json", fmt.Sprintf(`{"form_id": "SAL_SaleOrder", "date_field": "FModifyDate", "description": %s}`, text))
	w.put("companies/129/schedules/night.json", fmt.Sprintf(`{"id": "129-night", "description": %[1]s, "workflow": "SyncRun", "cron": ["0 2 * * *"],
		"job": {"services": ["org_new"], "consumer": "ding_talk", "company_id": 129, "params": {"extra_property": {"note": %[1]s}}}}`, text))
	w.put("companies/129/HcmWorkSyncService.person_new.json", fmt.Sprintf(`{"fields": [], %s: 1}`, text)) // what lint finds
	w.app = openApp(t, w.meta)
	w.schedules, w.loads = &opsSchedules{}, &opsLoads{Loads: w.app.Loads()}
	w.sync = &syncWorld{t: t, app: w.app}
	w.orgs = &notedOrgs{Orgs: w.app.Orgs()}
	w.serveWalk()
	org := &orgWorld{t: t, app: w.app, host: host}
	org.control("options", `{"qps": 0}`)
	w.seedOrg(org)
	w.seedRuns()
	w.seedOps()
	w.admin = w.signIn("u2")
	return w
}

// serveWalk opens all pages of the program.
func (w *walk) serveWalk() {
	runs, signIn := w.app.Runs(), w.app.SignIn()
	deps := console.Deps{
		SignIn: signIn, Runs: runs, Plans: runs, WhatIf: runs, Records: runs, Start: w.sync, Steer: w.sync, Once: w.app.Store, Files: w.app.Meta,
		Loads: w.loads, Forms: w.app.Loads(), Schedules: w.schedules, Consumers: w.app.Consumers(), Pulls: w.app.Orgs(), Orgs: w.orgs, Views: w.app.Views(),
		WebUI: "http://ui.example", Namespace: "default",
		Audit: func(_ context.Context, who, action, subject, _ string) error {
			w.audits = append(w.audits, who+" "+action+" "+subject)
			return nil
		},
	}
	w.told = console.WithFlows(w.t, &deps)
	w.routes = chi.NewRouter()
	console.New(deps).Routes(w.routes)
	signIn.Routes(w.routes)
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/static/") {
			web.Static().ServeHTTP(rw, r)
			return
		}
		w.routes.ServeHTTP(rw, r)
	}))
	w.t.Cleanup(w.server.Close)
}

// seedOrg stores two versions of an organisation and a pull that waits.
func (w *walk) seedOrg(org *orgWorld) {
	w.t.Helper()
	first, second := smallOrg(), smallOrg()
	second.Units[2].Name, second.Members[1].Name, second.Members[1].Title = "平台组 "+walkEvil, walkEvil, walkEvil
	second.Members[0].JobNumber, second.Members[1].JobNumber = "N1"+walkEvil, "E6" // who has a task of the flow
	second.Units = append(second.Units, orgflow.OrgUnit{RemoteID: "30", ParentRemoteID: "1", Name: walkEvil, Code: walkEvil})
	org.commit(0, first)
	w.ids = org.commit(1, second)
	ctx, db := w.t.Context(), w.app.Store
	pull, _, err := db.CreatePull(ctx, store.NewPull{FirstRunID: "first", WorkflowID: walkEvil, Input: orgflow.PullInput{CompanyID: 129, Origin: "ding_talk"}})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := db.BeginPull(ctx, pull.ID, orgflow.OrgUnit{RemoteID: "1", Name: walkEvil}, walkEvil); err != nil {
		w.t.Fatal(err)
	}
	step := store.PullStep{Unit: store.PullUnit{ID: "1"}, Found: second.Units[1:2], Deep: true, People: second.Members[:1], Seats: second.Seats[:1], Done: true}
	if err := db.SavePullStep(ctx, pull.ID, step); err != nil {
		w.t.Fatal(err)
	}
	_, err = db.CommitVersion(ctx, store.NewVersion{
		PullID: pull.ID, Target: orgTarget, Base: 2, Tree: second, Parked: 5,
		Changes: map[orgflow.Kind]orgflow.OrgCount{orgflow.Org: {Parked: 2}, orgflow.Person: {Parked: 3}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := db.ParkPull(ctx, pull.ID); err != nil {
		w.t.Fatal(err)
	}
}

// seedRuns stores the runs of the sync pages and one of evil names.
func (w *walk) seedRuns() {
	w.t.Helper()
	w.sync.seed()
	w.run("sync-1") // has an entry in the provisioning log
	fault := &orgflow.Fault{Code: orgflow.CodeInvalidRecord, VendorCode: walkEvil, Message: walkEvil, Advice: walkEvil, Field: walkEvil}
	w.sync.run(walkEvil, []orgflow.Change{
		{ID: 1, Kind: orgflow.Org, Op: orgflow.Insert, SourceID: walkEvil, Wave: 1, State: orgflow.Failed, Reason: walkEvil, Error: fault,
			Payload: payload(w.t, map[string]any{"name": walkEvil, "parent_id": orgflow.Ref(orgflow.Org, "10")})},
		{ID: 2, Kind: orgflow.Person, Op: orgflow.Update, SourceID: "1", ConsumerID: walkEvil, Wave: 2, State: orgflow.Parked, Reason: walkEvil,
			Fields:  map[string]orgflow.Diff{walkEvil: {Before: walkEvil, After: []any{walkEvil}}},
			Payload: payload(w.t, map[string]any{"name": walkEvil, "title": walkEvil, "dept_id_list": []any{orgflow.Ref(orgflow.Org, walkEvil)}})},
	})
	ctx, db := w.t.Context(), w.app.Store
	if err := db.NoteRun(ctx, walkEvil, "approved by "+walkEvil); err != nil {
		w.t.Fatal(err)
	}
	if _, err := db.FinishRun(ctx, walkEvil, orgflow.StatusFailed, fault, []string{walkEvil}); err != nil {
		w.t.Fatal(err)
	}
}

// seedOps stores loads and schedules.
func (w *walk) seedOps() {
	w.t.Helper()
	w.load("run-1", orgflow.StatusCompleted, nil, []any{int64(1), nil, walkEvil}, []any{int64(2), nil, nil})
	w.load("run-2", orgflow.StatusFailed, &orgflow.Fault{Code: orgflow.CodeForbidden, VendorCode: walkEvil, Message: walkEvil, Advice: walkEvil, Field: walkEvil})
	soon := time.Now().Add(time.Hour)
	night := api.Schedule{ID: "129-night", Workflow: orgflow.WorkflowSyncRun, Note: walkEvil, Next: []time.Time{soon},
		Recent: []api.ScheduleStart{{StartedAt: time.Now(), WorkflowID: walkEvil, RunID: walkEvil}}}
	w.schedules.list = []api.Schedule{night}
	w.schedules.detail = console.ScheduleDetail{Schedule: night, Description: walkEvil, Facts: []console.ScheduleFact{{Name: "overlap", Value: walkEvil}}, Job: walkEvil, Running: []string{walkEvil}}
}

// effects is what was started or changed outside of the database.
func (w *walk) effects() []string {
	out := append([]string{}, w.sync.asked...)
	for _, s := range w.sync.starts {
		out = append(out, "start "+s.WorkflowID)
	}
	out = append(out, w.orgs.did...)
	out = append(out, w.loads.started...)
	out = append(out, w.loads.canceled...)
	out = append(out, w.schedules.done...)
	out = append(out, w.audits...)
	return append(out, w.told()...)
}

// pages are the addresses that are looked at, by route.
func (w *walk) pages() map[string][]string {
	evil, inPath := url.QueryEscape(walkEvil), url.PathEscape(walkEvil)
	return map[string][]string{
		"/":                                {"/"},
		"/org":                             {"/org", fmt.Sprint("/org?unit=", w.ids["11"]), "/org?q=" + evil, "/org?version=1", "/org?as_of=" + time.Now().In(time.FixedZone("UTC+8", 8*60*60)).Format(time.DateOnly)},
		"/org/people/{id}":                 {fmt.Sprint("/org/people/", w.ids["@u2"]), fmt.Sprint("/org/people/", w.ids["@u1"])},
		"/org/people/{id}/attendance":      {fmt.Sprint("/org/people/", w.ids["@u2"], "/attendance")},
		"/org/versions":                    {"/org/versions"},
		"/org/diff":                        {"/org/diff?from=1&to=2"},
		"/org/pulls":                       {"/org/pulls"},
		"/org/pulls/{id}":                  {"/org/pulls/" + inPath},
		"/sync":                            {"/sync", "/sync?status=failed&consumer=" + evil},
		"/sync/new":                        {"/sync/new"},
		"/sync/what-if":                    {"/sync/what-if", "/sync/what-if?from=" + evil},
		"/sync/records":                    {"/sync/records?company=129&consumer=ding_talk&kind=person&id=" + url.QueryEscape(opsEvil), "/sync/records?company=129&consumer=ding_talk&kind=person&id=" + evil},
		"/sync/{id}":                       {"/sync/" + inPath, "/sync/parked", "/sync/failed", "/sync/going"},
		"/sync/{id}/changes":               {"/sync/" + inPath + "/changes", "/sync/parked/changes?state=" + evil},
		"/sync/{id}/tree":                  {"/sync/" + inPath + "/tree", "/sync/parked/tree?dept=" + evil},
		"/meta":                            {"/meta?company=129"},
		"/meta/file":                       {"/meta/file?company=129&layer=overlay&path=companies/129/company.json", "/meta/file?company=129&layer=overlay&path=companies/129/forms/SAL_SaleOrder.json"},
		"/meta/preview":                    {"/meta/preview?company=129&service=" + evil + "&consumer=" + evil},
		"/flows":                           {"/flows?data=" + evil + "&initiator=" + evil},
		"/flows/{no}":                      {"/flows/n1"},
		"/flows/definitions":               {"/flows/definitions"},
		"/flows/definitions/{code}":        {"/flows/definitions/purchase01"},
		"/flows/definitions/{code}/stats":  {"/flows/definitions/purchase01/stats"},
		"/erp":                             {"/erp"},
		"/erp/forms/{company}/{form}":      {opsForm},
		"/erp/forms/{company}/{form}/rows": {opsForm + "/rows"},
		"/erp/loads/{id}":                  {"/erp/loads/erp-129-SAL_SaleOrder~1", "/erp/loads/erp-129-SAL_SaleOrder~2"},
		"/schedules":                       {"/schedules", "/schedules?month=" + evil},
		"/schedules/{id}":                  {"/schedules/129-night"},
		"/consumers":                       {"/consumers"},
		"/consumers/{company}/{name}":      {"/consumers/129/ding_talk"},
		"/signin":                          {"/signin?to=" + evil},
		"/signin/dingtalk":                 nil, // leads to DingTalk
		"/signin/dingtalk/callback":        {"/signin/dingtalk/callback?state=" + evil + "&authCode=" + evil},
		"/signin/dingtalk/app":             {"/signin/dingtalk/app?to=" + evil},
		"/signin/local":                    {"/signin/local?token=" + evil},
		"/signout":                         {"/signout"},
		"/settings":                        {"/settings"},
	}
}

// look asks for a page as the evilly named administrator.
func (w *walk) look(path string) (status int, body string) {
	w.t.Helper()
	status, body, _ = w.page(path, w.admin)
	return status, body
}

// formTo sends an empty form with what a browser says of where it stands.
func (w *walk) formTo(path string, headers ...string) (status int, body string) {
	w.t.Helper()
	r, err := http.NewRequest(http.MethodPost, w.server.URL+path, strings.NewReader("reason=x&once="+url.QueryEscape(walkEvil)))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept-Language", "en")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	r.AddCookie(w.admin)
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return res.StatusCode, string(raw)
}
