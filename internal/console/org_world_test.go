package console_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	dtsim "orgflow/connectors/dingtalk/sim"
	"orgflow/connectors/simctl"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/app"
	"orgflow/internal/console"
	"orgflow/internal/store"
	"orgflow/internal/web"
)

// orgWorld is the organisation's pages over a database of their own, with one
// company whose DingTalk is simulated. Pulls are noted, not started.
type orgWorld struct {
	t      testing.TB
	app    *app.App
	meta   string
	host   *simctl.Host
	server *httptest.Server
	orgs   *notedOrgs
	log    map[string][]api.LogEntry // provisioning log by consumer
	acts   []string                  // audit log
}

// notedOrgs notes what a person does to pulls.
type notedOrgs struct {
	*app.Orgs
	did  []string
	fail error
}

func (o *notedOrgs) StartPull(_ context.Context, raw json.RawMessage, _ api.StartOptions) (api.Started, error) {
	o.did = append(o.did, "start "+string(raw))
	return api.Started{ID: "pull a/b"}, o.fail
}

// PullSummary shows a pull that was started a moment ago: it has no record.
func (o *notedOrgs) PullSummary(ctx context.Context, id string) (orgflow.PullSummary, error) {
	if id == "pull a/b" {
		return orgflow.PullSummary{ID: id, Status: orgflow.StatusRunning, Phase: orgflow.PhasePrepare}, nil
	}
	return o.Orgs.PullSummary(ctx, id)
}

func (o *notedOrgs) DecidePull(_ context.Context, id string, approve bool, s api.Steering) error {
	o.did = append(o.did, fmt.Sprintf("decide %s %v %s %s", id, approve, s.By, s.Reason))
	return o.fail
}

func (o *notedOrgs) CancelPull(_ context.Context, id string, s api.Steering) error {
	o.did = append(o.did, fmt.Sprintf("cancel %s %s", id, s.By))
	return o.fail
}

// RecordLog implements api.Records: two entries a page.
func (w *orgWorld) RecordLog(_ context.Context, t orgflow.Target, key orgflow.RecordKey, cursor string, _ int) (api.LogPage, error) {
	entries := w.log[t.Consumer+" "+string(key.Kind)+" "+key.ID]
	if cursor == "" && len(entries) > 2 {
		return api.LogPage{Entries: entries[:2], NextCursor: "2"}, nil
	}
	if cursor == "2" {
		entries = entries[2:]
	}
	return api.LogPage{Entries: entries}, nil
}

// orgTarget is the organisation of the world.
var orgTarget = orgflow.Target{CompanyID: 129, Consumer: "ding_talk"}

// newOrgWorld makes a world in which everything is open, or one with keys
// where who signs in has the role of company.json.
func newOrgWorld(t testing.TB, keys bool) *orgWorld {
	t.Helper()
	w := &orgWorld{t: t, host: simctl.NewHost(dtsim.New(dtsim.Options{})), log: map[string][]api.LogEntry{}}
	sim := httptest.NewServer(w.host)
	t.Cleanup(sim.Close)
	w.meta = t.TempDir()
	company := fmt.Sprintf(`{"company_id": 129, "name": "示例公司", "time_zone": "Asia/Shanghai", "roles": {"operate": ["N2"], "approve": ["N3"]},
		"consumers": {"ding_talk": {"base_url": "%[1]s/dingtalk", "api_base_url": "%[1]s/dingtalk", "appkey": "dingsim-app", "appsecret": "dingsim-secret", "qps": 0}}}`, sim.URL)
	w.company(129, company)
	if keys {
		sum := sha256.Sum256([]byte("ops"))
		t.Setenv("ORGFLOW_API_KEYS", "ops:admin:"+hex.EncodeToString(sum[:]))
	}
	w.app = openApp(t, w.meta)
	w.serve()
	return w
}

// company writes a company's file.
func (w *orgWorld) company(id int, text string) {
	w.t.Helper()
	path := filepath.Join(w.meta, "companies", fmt.Sprint(id), "company.json")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *orgWorld) serve() {
	w.control("options", `{"qps": 0}`)
	signIn := w.app.SignIn()
	w.orgs = &notedOrgs{Orgs: w.app.Orgs()}
	pages := console.New(console.Deps{
		SignIn: signIn, Runs: w.app.Runs(), Steer: w.app.Runs(), Orgs: w.orgs, Views: w.app.Views(), Records: w, WebUI: "http://ui", Namespace: "name space",
		Audit: func(_ context.Context, who, action, subject, _ string) error {
			w.acts = append(w.acts, who+" "+action+" "+subject)
			return nil
		},
	})
	r := chi.NewRouter()
	pages.Routes(r)
	signIn.Routes(r)
	r.Get("/static/*", web.Static().ServeHTTP)
	w.server = httptest.NewServer(r)
	w.t.Cleanup(w.server.Close)
}

// control steers the simulated DingTalk.
func (w *orgWorld) control(what, body string) {
	w.t.Helper()
	rec := httptest.NewRecorder()
	w.host.ServeHTTP(rec, httptest.NewRequest(http.MethodPut, "/_sim/dingtalk/"+what, strings.NewReader(body)))
	if rec.Code != http.StatusOK {
		w.t.Fatalf("%s: %s", what, rec.Body)
	}
}

// commit stores an organisation as the next version and returns its ids by
// remote id, those of members with "@".
func (w *orgWorld) commit(base int64, tree orgflow.OrgTree) map[string]int64 {
	w.t.Helper()
	ctx := context.Background()
	version, err := w.app.Store.CommitVersion(ctx, store.NewVersion{
		PullID: fmt.Sprint("pull-", base+1), Target: orgTarget, Base: base, Tree: tree, Changes: map[orgflow.Kind]orgflow.OrgCount{},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	stored, err := w.app.Store.OrgTree(ctx, orgTarget, version)
	if err != nil {
		w.t.Fatal(err)
	}
	ids := map[string]int64{}
	for _, u := range stored.Units {
		ids[u.RemoteID] = u.ID
	}
	for _, m := range stored.Members {
		ids["@"+m.UserID] = m.ID
	}
	return ids
}

// evilName is what somebody may call themselves.
const evilName = `<script>alert(1)</script>`

// smallOrg has four departments and four people.
func smallOrg() orgflow.OrgTree {
	unit := func(id, parent, name string) orgflow.OrgUnit {
		return orgflow.OrgUnit{RemoteID: id, ParentRemoteID: parent, Name: name}
	}
	return orgflow.OrgTree{
		Units: []orgflow.OrgUnit{unit("1", "", "示例公司"), unit("10", "1", "研发部"), unit("11", "10", "平台组 "+evilName), unit("20", "1", "销售部")},
		Members: []orgflow.OrgMember{
			{UserID: "u1", JobNumber: "N1", Name: "员工一", Title: "总监", Active: true, Mobile: "10000000001"},
			{UserID: "u2", JobNumber: "N2", Name: evilName, Supervisor: "u1", Active: true, Mobile: "10000000002"},
			{UserID: "u3", JobNumber: "N3", Name: "员工三", Mobile: "10000000003"},
			{UserID: "u4", Name: "员工四", Active: true, Mobile: "10000000004"},
		},
		Seats: []orgflow.OrgSeat{
			{UnitRemoteID: "10", UserID: "u1", Leader: true, Main: true}, {UnitRemoteID: "11", UserID: "u2", Main: true},
			{UnitRemoteID: "20", UserID: "u2"}, {UnitRemoteID: "20", UserID: "u3", Main: true}, {UnitRemoteID: "11", UserID: "u4", Main: true},
		},
	}
}

// shown is a page as it was answered.
type shown struct {
	status int
	header http.Header
	body   string
}

// ask sends a request; headers are pairs.
func (w *orgWorld) ask(method, path string, form url.Values, headers ...string) shown {
	w.t.Helper()
	req, err := http.NewRequest(method, w.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Accept-Language", "en")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return shown{res.StatusCode, res.Header, string(body)}
}

// page is a page that must be shown.
func (w *orgWorld) page(path string) string {
	w.t.Helper()
	got := w.ask(http.MethodGet, path, nil)
	if got.status != http.StatusOK {
		w.t.Fatalf("%s: %d %s", path, got.status, got.body)
	}
	return got.body
}

// has fails for each text that a page lacks; one that begins with "!" must
// not be there.
func has(t *testing.T, what, body string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		unwanted, not := strings.CutPrefix(text, "!")
		if strings.Contains(body, unwanted) == not {
			t.Errorf("%s: %q is there: %v\n%s", what, unwanted, not, body)
		}
	}
}

// session signs a member in and returns the cookie's header.
func (w *orgWorld) session(userID string) string {
	w.t.Helper()
	token := base64.RawURLEncoding.EncodeToString([]byte(rand.Text() + rand.Text())[:32])
	sum := sha256.Sum256([]byte(token))
	now := time.Now()
	err := w.app.Store.CreateSession(context.Background(), store.Session{
		ID: hex.EncodeToString(sum[:]), CompanyID: 129, Origin: "ding_talk", UserID: userID, Name: userID,
		CreatedAt: now, SeenAt: now, VerifiedAt: now, ExpiresAt: now.Add(time.Hour),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return "orgflow-session=" + token
}
