package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-chi/chi/v5"

	"orgflow/internal/config"
	"orgflow/internal/signin"
)

// signedIn is somebody whose cookie every request carries.
type signedIn struct {
	who *signin.Caller
	err error
}

func (s *signedIn) Who(*http.Request) (*signin.Caller, error) { return s.who, s.err }
func (s *signedIn) Routes(chi.Router)                         {}

// withSession is a server where somebody with a role is signed in, with a
// path of the boards' kind: it changes something by GET too.
func withSession(t *testing.T, access config.Access, open bool) (h http.Handler, session *signedIn, effects *int) {
	t.Helper()
	d := newWorld().deps()
	session = &signedIn{who: &signin.Caller{CompanyID: 129, Code: "E1", Name: "员工", Access: access}}
	d.SignIn = session
	if !open {
		d.Keys = keys(t)
	}
	s := newServer(d)
	effects = new(int)
	act := s.authorize(config.AccessOperate)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { *effects++ }))
	s.router.Get("/flow/launch", act.ServeHTTP)
	s.router.Post("/flow/launch", act.ServeHTTP)
	return s.chain(), session, effects
}

// ownPage is what a browser says of a request of one of our pages.
const ownPage = "Origin: http://localhost:8080"

// The boards' paths change something by GET. A cookie must not be enough for
// that: any page can make a browser send one.
func TestASessionChangesNothingByGet(t *testing.T) {
	h, _, effects := withSession(t, config.AccessAdmin, false)
	for _, method := range []string{"GET", "HEAD"} {
		for _, header := range []string{ownPage, "Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: none", "Accept: */*"} {
			if res := call(h, method, "/flow/launch?flowCode=x", "", header); res.Code != http.StatusForbidden || *effects != 0 {
				t.Errorf("%s with %s: %d, %d effects", method, header, res.Code, *effects)
			}
		}
	}
	if res := call(h, "POST", "/flow/launch", "", ownPage); res.Code != 200 || *effects != 1 {
		t.Errorf("POST of our own page: %d", res.Code)
	}
	if res := call(h, "GET", "/flow/launch", "", "X-API-Key: operate-token"); res.Code != 200 || *effects != 2 {
		t.Errorf("GET with a key: %d", res.Code)
	}
}

// Without keys a board on this machine calls by GET; a web page that is open
// in its browser must not.
func TestOnAnOpenServerForeignPagesChangeNothingByGet(t *testing.T) {
	h, session, effects := withSession(t, config.AccessRead, true)
	for _, somebody := range []*signin.Caller{session.who, nil} {
		session.who = somebody
		for header, allowed := range map[string]bool{
			"Accept: */*": true, "Sec-Fetch-Site: none": true, "Sec-Fetch-Site: same-origin": true,
			"Sec-Fetch-Site: cross-site": false, "Sec-Fetch-Site: same-site": false,
		} {
			before := *effects
			res := call(h, "GET", "/flow/launch", "", header)
			if (res.Code == 200) != allowed || (*effects > before) != allowed {
				t.Errorf("%s, signed in %v: %d", header, somebody != nil, res.Code)
			}
		}
	}
}

func TestASessionHasItsRole(t *testing.T) {
	for has := config.AccessNone; has <= config.AccessAdmin; has++ {
		h, _, _ := withSession(t, has, false)
		for path, need := range map[string]config.Access{
			"GET /api/v1/sync-runs": config.AccessRead, "POST /api/v1/sync-runs/x/cancel": config.AccessOperate,
			"POST /api/v1/sync-runs/x/approve": config.AccessApprove, "POST /api/v1/schedules": config.AccessAdmin,
		} {
			method, path, _ := strings.Cut(path, " ")
			res := call(h, method, path, "", ownPage)
			if (res.Code < 400) != (has >= need) || has < need && errorOf(t, res).Code != "permission_denied" {
				t.Errorf("%s %s with role %s: %d %s", method, path, has, res.Code, res.Body)
			}
		}
	}
}

// People choose Idempotency-Keys as alike as programs do.
func TestPeopleShareNoIdempotencyKeys(t *testing.T) {
	d := newWorld().deps()
	session := &signedIn{}
	d.SignIn, d.Keys = session, keys(t)
	h := New(d)
	post := func(headers ...string) string {
		return started(t, call(h, "POST", "/api/v1/sync-runs", job, append(headers, "Idempotency-Key: monday")...)).ID
	}
	seen := map[string]bool{post("X-API-Key: admin-token"): true}
	for _, who := range []signin.Caller{
		{CompanyID: 129, Origin: "ding_talk", UserID: "u1", Code: "E1"}, {CompanyID: 129, Origin: "ding_talk", UserID: "u2", Code: "E2"},
		{CompanyID: 130, Origin: "ding_talk", UserID: "u1", Code: "E1"}, {CompanyID: 129, Origin: signin.OriginLocal, UserID: "u1", Code: "E1"},
	} {
		who.Access = config.AccessOperate
		session.who = &who
		first := post(ownPage)
		if again := post(ownPage); again != first {
			t.Errorf("%+v: their own repetition started %s after %s", who, again, first)
		}
		if seen[first] {
			t.Errorf("%+v got somebody else's run", who)
		}
		seen[first] = true
	}
}

// A key counts before a cookie; a wrong one is no reason to look at it.
func TestAKeyCountsBeforeASession(t *testing.T) {
	h, _, _ := withSession(t, config.AccessAdmin, false)
	for header, want := range map[string]string{
		"X-API-Key: read-token": `{"kind":"key","name":"read-key","role":"read"}`,
		"Accept: */*":           `"kind":"session","name":"员工","user_code":"E1","company_id":129,"role":"admin"`,
		"X-API-Key: wrong":      `"unauthenticated"`,
	} {
		if res := call(h, "GET", "/api/v1/me", "", header); !strings.Contains(res.Body.String(), want) {
			t.Errorf("%s: %s", header, res.Body)
		}
	}
}

// Who could not be found to be somebody is nobody, and is told so.
func TestASessionThatCannotBeReadIsNone(t *testing.T) {
	for _, open := range []bool{false, true} {
		h, session, effects := withSession(t, config.AccessAdmin, open)
		session.who, session.err = nil, errors.New("the database is away")
		if res := call(h, "POST", "/flow/launch", "", ownPage); res.Code != http.StatusInternalServerError || *effects != 0 {
			t.Errorf("open %v: %d %s", open, res.Code, res.Body)
		}
	}
}

func TestActsOfASessionBearItsName(t *testing.T) {
	w := newWorld()
	d := w.deps()
	d.Keys, d.SignIn = keys(t), &signedIn{who: &signin.Caller{Code: "E1", Access: config.AccessAdmin}}
	h := New(d)
	for body, want := range map[string]string{
		`{"reason":"r"}`:           `approve x by E1 (r) key "user:E1"`,
		`{"by":"E1","reason":"r"}`: `approve x by E1 (r) key "user:E1"`,
		`{"by":"E2","reason":"r"}`: "",
	} {
		w.steered = nil
		res := call(h, "POST", "/api/v1/sync-runs/x/approve", body, ownPage)
		if got := strings.Join(w.steered, ""); got != want {
			t.Errorf("%s: %d %q", body, res.Code, got)
		}
		if want == "" {
			var e Error
			if err := json.Unmarshal(res.Body.Bytes(), &e); err != nil || e.Field != "/by" {
				t.Errorf("%s: %s", body, res.Body)
			}
		}
	}
	call(h, "POST", "/api/v1/sync-runs", job, ownPage)
	if w.by != "E1" {
		t.Errorf("the run was started by %q", w.by)
	}
	w.steered = nil
	call(h, "POST", "/api/v1/schedules/x/backfill", `{"from":"2026-11-18T00:00:00Z","to":"2026-11-19T00:00:00Z","by":"E2"}`, ownPage)
	if len(w.steered) != 0 {
		t.Errorf("%v", w.steered)
	}
}

// Who starts something is written down, with from where.
func TestStartsAreWrittenDown(t *testing.T) {
	d := newWorld().deps()
	d.Keys, d.SignIn = keys(t), &signedIn{who: &signin.Caller{Code: "E1", Access: config.AccessAdmin}}
	var log []string
	d.Audit = func(_ context.Context, who, action, subject, origin string) error {
		log = append(log, strings.Join([]string{who, action, subject, origin}, " | "))
		return nil
	}
	h := New(d)
	for _, c := range []struct{ path, body, header, want string }{
		{"/api/v1/flows/n1/repair", `{"by":"E1"}`, ownPage, "E1 | repair | n1 | user:E1 192.0.2.1"},
		{"/flow/urgent", "flowRunningNumber=n1", "X-API-Key: operate-token", "operate-key | urge | n1 | operate-key 192.0.2.1"},
		{"/api/v1/schedules", "", ownPage, "E1 | apply_schedules | schedules | user:E1 192.0.2.1"},
		{"/api/v1/schedules", `{"dry_run":true}`, ownPage, ""},
		{"/api/v1/sync-runs", "{}", ownPage, ""},
	} {
		log = nil
		call(h, "POST", c.path, c.body, c.header)
		if got := strings.Join(log, "\n"); got != c.want {
			t.Errorf("%s: %q, want %q", c.path, got, c.want)
		}
	}
	call(h, "POST", "/api/v1/sync-runs", job, ownPage)
	if len(log) != 1 || !strings.HasPrefix(log[0], "E1 | start | sync-129-") {
		t.Errorf("%v", log)
	}
}

// A key that was taken out of its file is nobody's with the next request.
func TestKeysCanBeTakenAwayWhileTheServerRuns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	write := func(token string) {
		sum := sha256.Sum256([]byte(token))
		if err := os.WriteFile(path, []byte("board:operate:"+hex.EncodeToString(sum[:])+strings.Repeat("\n", len(token))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	t.Setenv("ORGFLOW_API_KEYS_FILE", path)
	t.Setenv("ORGFLOW_DATABASE_URL", "sqlite://"+filepath.Join(t.TempDir(), "x.db"))
	c, err := config.Load(config.RoleServer)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		d := newWorld().deps()
		d.Keys, d.KeyRing = c.APIKeys, c.KeyRing
		h := New(d)
		status := func(token string) int { return call(h, "GET", "/api/v1/me", "", "X-API-Key: "+token).Code }
		if one, two := status("one"), status("second"); one != 200 || two != 401 {
			t.Errorf("before: %d %d", one, two)
		}
		write("second")
		time.Sleep(time.Second) // of the bubble's clock
		if one, two := status("one"), status("second"); one != 401 || two != 200 {
			t.Errorf("after: %d %d", one, two)
		}
	})
}
