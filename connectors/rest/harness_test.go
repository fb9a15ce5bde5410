package rest_test

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/rest"
)

// seen is a request as it arrived.
type seen struct {
	Method, Path, Query, Auth, Body string
	Header                          http.Header
}

// script answers requests in turn, the last answer again and again, and
// remembers what arrived.
type script struct {
	mu      sync.Mutex
	answers []reply
	seen    []seen
}

type reply struct {
	status int
	body   string
	header map[string]string
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, seen{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.Header.Get("Authorization"), string(body), r.Header})
	a := s.answers[0]
	if len(s.answers) > 1 {
		s.answers = s.answers[1:]
	}
	for name, v := range a.header {
		w.Header().Set(name, v)
	}
	if a.status == 0 {
		a.status = http.StatusOK
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

func ok(bodies ...string) []reply {
	out := make([]reply, len(bodies))
	for i, b := range bodies {
		out[i] = reply{body: b}
	}
	return out
}

// plainDefinition is a system with records of one kind, ids of ours, and an
// envelope of code and text.
const plainDefinition = `{
  "settings": {"key": {"description": "the key", "secret": true, "default": "hush"}},
  "auth": {"kind": "none"},
  "answer": {"success": {"status": ["2xx"], "path": "/code", "equals": 0}, "code": "/code", "message": "/text"},
  "errors": [{"codes": ["404"], "do": "gone"}, {"codes": ["409"], "do": "update_instead"}],
  "person": {
    "id": "no", "read_id": "/no",
    "fields": {
      "no": {"required": true, "read": "/no", "when": "insert"}, "name": {"required": true, "read": "/name"},
      "phone": {"read": "/phone"}, "sex": {"enum": {"1": "m", "2": "f"}, "read": "/sex"}, "depts": {"as": "list", "read": "/depts"}
    },
    "insert": {"method": "POST", "path": "/people", "body": {"$fields": true}},
    "update": {"method": "PUT", "path": "/people/{id}", "body": {"$fields": true}},
    "delete": {"method": "DELETE", "path": "/people/{id}"},
    "get": {"method": "GET", "path": "/people/{id}", "record": "/data"},
    "profile": {"name": "name", "mobile": "phone", "orgs": "depts"}
  }
}`

// with changes a definition at pointers written with dots; nil removes.
func with(t testing.TB, base string, changes map[string]any) string {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal([]byte(base), &doc); err != nil {
		t.Fatal(err)
	}
	for _, pointer := range slices.Sorted(maps.Keys(changes)) { // outer before inner
		v := changes[pointer]
		at, parts := doc, strings.Split(pointer, ".")
		for _, p := range parts[:len(parts)-1] {
			inner, there := at[p].(map[string]any)
			if !there {
				inner = map[string]any{}
				at[p] = inner
			}
			at = inner
		}
		if raw, isText := v.(string); isText && json.Valid([]byte(raw)) {
			_ = json.Unmarshal([]byte(raw), &v)
		}
		if v == nil {
			delete(at, parts[len(parts)-1])
			continue
		}
		at[parts[len(parts)-1]] = v
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// client is a consumer of a definition before a handler.
func client(t testing.TB, definition string, h http.Handler, settings ...string) connectors.Consumer {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	def, err := rest.Parse([]byte(definition))
	if err != nil {
		t.Fatal(err)
	}
	cfg := rest.Config{BaseURL: server.URL + "/base", QPS: new(float64(0))}
	if len(settings) > 0 {
		if err := json.Unmarshal([]byte(settings[0]), &cfg.Settings); err != nil {
			t.Fatal(err)
		}
	}
	c, err := rest.New(def, cfg, rest.Options{Name: "hub", Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func scripted(t testing.TB, definition string, answers []reply, settings ...string) (connectors.Consumer, *script) {
	s := &script{answers: answers}
	return client(t, definition, s, settings...), s
}

func insert(changes ...func(map[string]any)) connectors.Effect {
	e := connectors.Effect{Kind: orgflow.Person, Op: orgflow.Insert, Key: "orgflow:7:person:1", Fields: map[string]any{
		"no": "E1", "name": "测试甲", "phone": "10000000001", "depts": "11,12",
	}}
	for _, change := range changes {
		change(e.Fields)
	}
	return e
}

func update(fields map[string]any, clearing ...string) connectors.Effect {
	return connectors.Effect{Kind: orgflow.Person, Op: orgflow.Update, ConsumerID: "E1", Fields: fields, Clear: clearing}
}

func remove() connectors.Effect {
	return connectors.Effect{Kind: orgflow.Person, Op: orgflow.Delete, ConsumerID: "E1"}
}

func inDoubt(e connectors.Effect) connectors.Effect {
	e.InDoubt = true
	return e
}

// refused applies an effect and returns its fault.
func refused(t testing.TB, c connectors.Consumer, e connectors.Effect, want orgflow.Code) *orgflow.Fault {
	t.Helper()
	r, err := c.Apply(t.Context(), e)
	f := orgflow.AsFault(err)
	if f == nil || f.Code != want {
		t.Fatalf("got %v (%+v), want %s", err, r, want)
	}
	return f
}

func applied(t testing.TB, c connectors.Consumer, e connectors.Effect) connectors.Receipt {
	t.Helper()
	r, err := c.Apply(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// calls lists what arrived as "METHOD path".
func (s *script) calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, r := range s.seen {
		out = append(out, r.Method+" "+strings.TrimPrefix(r.Path, "/base"))
	}
	return out
}

func (s *script) expect(t testing.TB, want ...string) {
	t.Helper()
	if got := s.calls(); !slices.Equal(got, want) {
		t.Errorf("calls %v, want %v", got, want)
	}
}
