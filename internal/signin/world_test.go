package signin_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	dtsim "orgflow/connectors/dingtalk/sim"
	"orgflow/connectors/simctl"

	"orgflow"
	"orgflow/internal/app"
	"orgflow/internal/config"
	"orgflow/internal/store"
	"orgflow/internal/testpg"
)

func TestMain(m *testing.M) { testpg.Main(m) }

// clock is set by hand.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.t }

func (c *clock) add(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.t = c.t.Add(d) }

// world is the program's HTTP side with keys, one company, and a simulated
// DingTalk with a few people.
type world struct {
	t      *testing.T
	clock  *clock
	app    *app.App
	server *httptest.Server
	host   *simctl.Host
	sim    string // address of the simulated DingTalk
	meta   string
	roles  string // JSON
	ding   string // further keys of the connection
}

var databases = map[string]func(testing.TB) string{
	"sqlite":   func(t testing.TB) string { return "sqlite://" + filepath.Join(t.TempDir(), "orgflow.db") },
	"postgres": testpg.URL,
}

// forEachDB runs a test in a world on each database.
func forEachDB(t *testing.T, test func(w *world)) {
	for name, url := range databases {
		t.Run(name, func(t *testing.T) { test(newWorld(t, url(t))) })
	}
}

const people = `{"departments": [{"dept_id": 1, "name": "公司"}, {"dept_id": 10, "name": "信息部", "parent_id": 1}, {"dept_id": 11, "name": "平台组", "parent_id": 10}],
 "users": [
  {"userid": "E1", "name": "管理员", "mobile": "10000000001", "job_number": "E1", "dept_id_list": [10], "active": true},
  {"userid": "E2", "name": "<script>alert(1)</script>", "mobile": "10000000002", "job_number": "E2", "dept_id_list": [11], "active": true},
  {"userid": "E3", "name": "员工三", "mobile": "10000000003", "dept_id_list": [1], "active": true}]}`

// adminKey is an API key of the world.
const adminKey = "admin-key-token"

func newWorld(t *testing.T, database string) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{t: time.Now()}, meta: t.TempDir(), roles: `{"admin": ["E1"]}`, ding: `, "corp_id": "corp-1"`}
	w.host = simctl.NewHost(dtsim.New(dtsim.Options{Now: w.clock.now}))
	sim := httptest.NewServer(w.host)
	t.Cleanup(sim.Close)
	w.sim = sim.URL + "/dingtalk"
	w.control("PUT", "options", `{"qps": 0, "corp_id": "corp-1"}`, nil)
	w.control("PUT", "state", people, nil)
	w.write()

	sum := sha256.Sum256([]byte(adminKey))
	for name, value := range map[string]string{
		"ORGFLOW_DATABASE_URL": database, "ORGFLOW_TEMPORAL_ADDR": "127.0.0.1:1", "ORGFLOW_META_DIR": w.meta,
		"ORGFLOW_API_KEYS": "ops:admin:" + hex.EncodeToString(sum[:]),
	} {
		t.Setenv(name, value)
	}
	cfg, err := config.Load(config.RoleServer)
	if err != nil {
		t.Fatal(err)
	}
	if w.app, err = app.Open(context.Background(), cfg, app.Logger(cfg, io.Discard), app.WithClock(w.clock.now)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.app.Close() })
	if err := w.app.Store.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.server = httptest.NewServer(w.app.Handler(""))
	t.Cleanup(w.server.Close)
	return w
}

// write writes the company's file, which counts with the next request.
func (w *world) write() {
	w.t.Helper()
	w.company(129, fmt.Sprintf(`{"company_id": 129, "name": "示例公司", "roles": %s, "consumers": {"ding_talk": {"base_url": %q, "api_base_url": %q,
		"appkey": "dingsim-app", "appsecret": "dingsim-secret", "qps": 0%s}}}`, w.roles, w.sim, w.sim, w.ding))
}

func (w *world) company(id int, text string) {
	w.t.Helper()
	path := filepath.Join(w.meta, "companies", fmt.Sprint(id), "company.json")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// control steers the simulator.
func (w *world) control(method, what, body string, into any) {
	w.t.Helper()
	rec := httptest.NewRecorder()
	w.host.ServeHTTP(rec, httptest.NewRequest(method, "/_sim/dingtalk/"+what, strings.NewReader(body)))
	if rec.Code != http.StatusOK {
		w.t.Fatalf("%s %s: %s", method, what, rec.Body)
	}
	if into != nil {
		if err := json.Unmarshal(rec.Body.Bytes(), into); err != nil {
			w.t.Fatal(err)
		}
	}
}

// fire removes somebody at DingTalk.
func (w *world) fire(userid string) {
	w.t.Helper()
	var state struct {
		Departments []json.RawMessage `json:"departments"`
		Users       []map[string]any  `json:"users"`
	}
	w.control("GET", "state", "", &state)
	var left []map[string]any
	for _, u := range state.Users {
		if u["userid"] != userid {
			left = append(left, u)
		}
	}
	state.Users = left
	raw, err := json.Marshal(state)
	if err != nil {
		w.t.Fatal(err)
	}
	w.control("PUT", "state", string(raw), nil)
}

// pulled stores the people as the next version of the local organisation.
func (w *world) pulled(base int64, members ...orgflow.OrgMember) {
	w.t.Helper()
	tree := orgflow.OrgTree{Units: []orgflow.OrgUnit{
		{RemoteID: "1", Name: "公司"}, {RemoteID: "10", ParentRemoteID: "1", Name: "信息部", Code: "D10"}, {RemoteID: "11", ParentRemoteID: "10", Name: "平台组"},
	}, Members: members}
	for _, m := range members {
		unit := map[string]string{"E1": "10", "E2": "11"}[m.UserID]
		if unit == "" {
			unit = "1"
		}
		tree.Seats = append(tree.Seats, orgflow.OrgSeat{UnitRemoteID: unit, UserID: m.UserID, Main: true})
	}
	_, err := w.app.Store.CommitVersion(context.Background(), store.NewVersion{
		PullID: fmt.Sprint("pull-", base+1), Target: orgflow.Target{CompanyID: 129, Consumer: "ding_talk"}, Base: base, Tree: tree, Changes: map[orgflow.Kind]orgflow.OrgCount{},
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// browser keeps cookies and follows nothing by itself.
type browser struct {
	w    *world
	http *http.Client
}

func (w *world) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return &browser{w, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// response is an answer with its body read.
type response struct {
	status int
	header http.Header
	body   string
}

func (a response) location() string { return a.header.Get("Location") }

// do sends a request; headers are pairs.
func (b *browser) do(method, target string, form url.Values, headers ...string) response {
	b.w.t.Helper()
	if strings.HasPrefix(target, "/") {
		target = b.w.server.URL + target
	}
	req, err := http.NewRequest(method, target, strings.NewReader(form.Encode()))
	if err != nil {
		b.w.t.Fatal(err)
	}
	req.Header.Set("Accept-Language", "en")
	if method == "POST" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := b.http.Do(req)
	if err != nil {
		b.w.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.w.t.Fatal(err)
	}
	return response{res.StatusCode, res.Header, string(body)}
}

func (b *browser) get(target string) response { return b.do("GET", target, nil) }

// post sends a form as our own pages do.
func (b *browser) post(target string, form url.Values) response {
	return b.do("POST", target, form, "Origin", b.w.server.URL)
}

// leave begins to sign in as somebody and returns what DingTalk sends the
// browser back to.
func (b *browser) leave(query, userid string) (callback string) {
	b.w.t.Helper()
	out := b.get("/signin/dingtalk" + query)
	if out.status != http.StatusSeeOther || !strings.HasPrefix(out.location(), b.w.sim+"/oauth2/auth?") {
		b.w.t.Fatalf("to DingTalk: %d %s %s", out.status, out.location(), out.body)
	}
	back := b.get(out.location() + "&userid=" + url.QueryEscape(userid))
	if back.status != http.StatusFound {
		b.w.t.Fatalf("back from DingTalk: %d %s", back.status, back.body)
	}
	return back.location()
}

// signIn signs somebody in, who must be let in.
func (b *browser) signIn(userid string) {
	b.w.t.Helper()
	if in := b.get(b.leave("", userid)); in.status != http.StatusSeeOther || in.location() != "/" {
		b.w.t.Fatalf("%s is not let in: %d %s", userid, in.status, in.body)
	}
}

// me is what the API says of the browser: user code and role, or the status
// where it is nobody.
func (b *browser) me() string {
	b.w.t.Helper()
	out := b.get("/api/v1/me")
	if out.status != http.StatusOK {
		return fmt.Sprint(out.status)
	}
	var me struct {
		Kind, Role string
		Code       string `json:"user_code"`
	}
	if err := json.Unmarshal([]byte(out.body), &me); err != nil {
		b.w.t.Fatal(err)
	}
	return me.Kind + " " + me.Code + " " + me.Role
}

func (b *browser) is(want string) {
	b.w.t.Helper()
	if got := b.me(); got != want {
		b.w.t.Errorf("the browser is %q, want %q", got, want)
	}
}

// cookie is a cookie's value.
func (b *browser) cookie(name string) string {
	u, _ := url.Parse(b.w.server.URL)
	for _, c := range b.http.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func (b *browser) setCookie(name, value string) {
	u, _ := url.Parse(b.w.server.URL)
	b.http.Jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

// acts are the audit log's entries about signing in, oldest first.
func (w *world) acts() (out []string) {
	w.t.Helper()
	entries, _, err := w.app.Store.AuditLog(context.Background(), "sign-in", "", 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range entries {
		if e.From != "127.0.0.1" || e.At.IsZero() {
			w.t.Errorf("%s without from where or when: %+v", e.Action, e)
		}
		out = append([]string{e.Who + " " + e.Action}, out...)
	}
	return out
}
