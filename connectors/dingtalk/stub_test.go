package dingtalk

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"orgflow"
	"orgflow/connectors"
)

// stub is a vendor with scripted answers: the n-th request to a path gets
// the n-th answer, the last one stays.
//
// Scripts and recorded requests are in the words of v2 whatever the client
// speaks: stub_v1_test.go translates.
type stub struct {
	*httptest.Server
	t   *testing.T
	api string

	mu       sync.Mutex
	answers  map[string][]string
	handlers map[string]http.HandlerFunc
	seen     []seen
}

// seen is a recorded request.
type seen struct {
	path  string
	token string
	body  map[string]any
}

const (
	pathToken  = "/v1.0/oauth2/accessToken"
	pathScopes = "/auth/scopes"
	okAnswer   = `{"errcode":0,"errmsg":"ok","request_id":"15rajd1b2c3d"}`
)

// eachAPI runs a test over both contact interfaces.
func eachAPI(t *testing.T, test func(t *testing.T, newStub func(*testing.T) *stub)) {
	for _, api := range []string{"v2", "v1"} {
		t.Run(api, func(t *testing.T) {
			test(t, func(t *testing.T) *stub { return newStub(t, api) })
		})
	}
}

func newStub(t *testing.T, api string) *stub {
	s := &stub{t: t, api: api, answers: map[string][]string{}, handlers: map[string]http.HandlerFunc{}}
	s.answers[pathToken] = []string{`{"accessToken":"T1","expireIn":7200}`}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

// on scripts a path.
func (s *stub) on(path string, answers ...string) *stub {
	s.answers[path] = answers
	return s
}

func (s *stub) serve(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	got := seen{path: r.URL.Path, token: r.URL.Query().Get("access_token")}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &got.body); err != nil {
			s.t.Errorf("%s: the request is not JSON: %v", r.URL.Path, err)
		}
	}
	if s.api == "v1" {
		var done func()
		w, done = s.fromV1(&got, r, w)
		defer done()
	}
	s.mu.Lock()
	s.seen = append(s.seen, got)
	handler, script := s.handlers[got.path], s.answers[got.path]
	if len(script) > 1 {
		s.answers[got.path] = script[1:]
	}
	s.mu.Unlock()
	switch {
	case handler != nil:
		handler(w, r)
	case len(script) == 0:
		s.t.Errorf("unexpected call of %s", got.path)
		_, _ = io.WriteString(w, `{"errcode":22,"errmsg":"Invalid method"}`)
	default:
		_, _ = io.WriteString(w, script[0])
	}
}

// calls returns the recorded requests of a path.
func (s *stub) calls(path string) []seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []seen
	for _, one := range s.seen {
		if one.path == path {
			list = append(list, one)
		}
	}
	return list
}

var testNow = time.Date(2021, 1, 1, 10, 0, 0, 0, china)

func (s *stub) client(change ...func(*Options)) *Client {
	s.t.Helper()
	opt := Options{Now: func() time.Time { return testNow }}
	for _, f := range change {
		f(&opt)
	}
	cfg := Config{BaseURL: s.URL, APIBaseURL: s.URL, AppKey: "dingkey", AppSecret: "dingsecret", API: s.api, QPS: new(float64(0))}
	c, err := New(cfg, opt)
	if err != nil {
		s.t.Fatal(err)
	}
	c.jitter = func() float64 { return 0 }
	return c
}

// apply runs an effect that must succeed.
func apply(t *testing.T, c *Client, e connectors.Effect) connectors.Receipt {
	t.Helper()
	r, err := c.Apply(t.Context(), e)
	if err != nil {
		t.Fatalf("%s %s: %v", e.Op, e.Kind, err)
	}
	return r
}

// applyFault runs an effect that must fail with the code.
func applyFault(t *testing.T, c *Client, e connectors.Effect, want orgflow.Code) (connectors.Receipt, *orgflow.Fault) {
	t.Helper()
	r, err := c.Apply(t.Context(), e)
	f, ok := err.(*orgflow.Fault)
	if !ok || f == nil || f.Code != want {
		t.Fatalf("%s %s: got %v, want a fault %s", e.Op, e.Kind, err, want)
	}
	return r, f
}

func personInsert() connectors.Effect {
	return connectors.Effect{
		Kind: orgflow.Person, Op: orgflow.Insert, ConsumerID: "E1", Key: "129:person:1",
		Fields: map[string]any{"userid": "E1", "name": "测试甲", "mobile": "10000000001", "dept_id_list": "2,3", "title": "工程师", "email": "e1@example.com"},
	}
}

func orgInsert() connectors.Effect {
	return connectors.Effect{
		Kind: orgflow.Org, Op: orgflow.Insert, Key: "129:org:11",
		Fields: map[string]any{"name": "研发部", "parent_id": "1", "order": json.Number("10")},
	}
}

func failure(code string) string {
	return `{"errcode":` + code + `,"errmsg":"vendor says ` + code + `","request_id":"15rajd1b2c3d"}`
}

func wrapped(code, msg string) string {
	return `{"errcode":88,"sub_code":"` + code + `","sub_msg":"` + msg + `","errmsg":"ding talk error[subcode=` + code + `]","request_id":"x"}`
}
