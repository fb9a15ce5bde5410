package activities

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/sdk/temporal"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/simctl"
)

// noCode is malformed where the code may not be absent.
const noCode = "an object without a code"

// malformed are answers that no vendor documents, with the key of the code
// where one stands. None of them says that anything was done.
func malformed(code string) map[string]string {
	key := `{"` + code + `": `
	return map[string]string{
		"a web page":                  "<!DOCTYPE html><html><body>please log in</body></html>",
		"an empty body":               "",
		"nothing but space":           " \n",
		"null":                        "null",
		"a list":                      `[` + key + `0}]`,
		"a text":                      `"ok"`,
		"a number":                    "0",
		"true":                        "true",
		"truncated JSON":              key + `0, "errm`,
		"two objects":                 key + `0}` + key + `0}`,
		"a byte that is no text":      "\x00" + key + `0}`,
		noCode:                        `{"status": "success"}`,
		"the code null":               key + `null}`,
		"the code a list":             key + `[0]}`,
		"the code an object":          key + `{"value": 0}}`,
		"the code true":               key + `true}`,
		"the code false":              key + `false}`,
		"the code in words":           key + `"zero"}`,
		"the code a broken number":    key + `0.5}`,
		"an unknown code as text":     key + `"987654"}`,
		"an unknown code as number":   key + `987654}`,
		"a code too large for a type": key + `1e400}`,
		"nested without end":          key + strings.Repeat("[", 20_000),
	}
}

// Conformance: an answer that cannot be understood is never taken for
// success, whatever was asked, and nothing is deleted for it.
func TestConsumersBelieveNoMalformedAnswer(t *testing.T) {
	eachConsumer(t, "", func(t *testing.T, s subject) {
		begin := push(t, s)
		answers := malformed(s.envelope)
		for _, name := range sampled(s.place(), slices.Sorted(maps.Keys(answers))) {
			t.Run(name, func(t *testing.T) {
				if reason, documented := s.lacks[name]; documented {
					t.Skip(reason)
				}
				w := begin.again(t)
				w.doesNothing(func() {
					for _, path := range w.calls {
						w.fault(string(raw(map[string]any{"path": path, "body": answers[name]})))
					}
				})
			})
		}
		t.Run("an answer without end", func(t *testing.T) {
			w := begin.again(t)
			w.doesNothing(func() {
				wire := answering{status: http.StatusOK, paths: w.calls, base: "/" + w.sim.Name()}
				var met sync.Map
				wire.body = func(call string) io.Reader {
					begun := strings.NewReader(`{"` + s.envelope + `": 0, "pad": "`)
					if _, again := met.LoadOrStore(call, true); again {
						return begun // it takes long to give up reading
					}
					return io.MultiReader(begun, endless{})
				}
				w.sync = w.process(w.db, wire)
			})
		})
	})
}

// doesNothing plans one change of each kind and fails where any counts as
// done although the consumer, muddled, never said so.
func (w *trial) doesNothing(muddle func()) {
	w.t.Helper()
	r, before := staff(), w.picture()
	r.org(14).Name, r.person(1006).Title = "新名", "主管"
	r.leaves(1008)
	r.joins(person{ID: 1020, Dept: 13, Title: "顾问"})
	w.hold(r)
	run, planned := w.planned(w.job(""))
	muddle()
	w.suffer(run, planned)
	changes := w.changes(run)
	for record, c := range changes {
		if c.State == orgflow.Done || c.State == orgflow.PendingInvite || c.State == orgflow.Skipped {
			w.t.Errorf("%s of %s is %s", c.Op, record, c.State)
		}
	}
	if d := cmp.Diff(before, w.picture()); d != "" || len(changes) != 4 {
		w.t.Errorf("of %d changes, the consumer holds something else, or its bindings say so: %s", len(changes), d)
	}
}

// Conformance: where what the consumer holds cannot be read, nobody is taken
// for gone. That includes answers of which everything but the list is there.
func TestConsumersTakeNobodyForGoneUnread(t *testing.T) {
	eachConsumer(t, lacksReads, func(t *testing.T, s subject) {
		begin := push(t, s)
		answers := malformed(s.envelope)
		for name, rest := range map[string]string{"no result": "", "an empty result": `, "result": {}`, "result null": `, "result": null`, "result a list": `, "result": []`} {
			answers["a success with "+name] = `{"` + s.envelope + `": 0` + rest + `}`
		}
		for i, path := range s.calls {
			for _, name := range sampled(s.place()+5*i, slices.Sorted(maps.Keys(answers))) {
				t.Run(path+" "+name, func(t *testing.T) {
					if reason, documented := s.lacks[name]; documented && name != noCode {
						t.Skip(reason)
					}
					w := begin.again(t)
					w.hold(staff())
					p := w.begin(w.job(`{"mode": "reconcile"}`))
					w.fetch(p)
					w.fault(string(raw(map[string]any{"path": path, "body": answers[name]})))
					got, err := w.readRemote(task{}, p.RunID)
					if err == nil && got.Complete {
						t.Errorf("the read is complete: %+v", got)
					}
				})
			}
		}
	})
}

// definitionOf is what describes a subject without a connector of its own.
func definitionOf(s subject) []byte {
	if !s.defined {
		return nil
	}
	return shipped(s.code)
}

// endless never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return copy(p, xs), nil }

var xs = strings.Repeat("x", 32<<10)

// suffer sends a plan to a consumer that answers nonsense: as often as
// Temporal would, until records fail or the run ends.
func (w *trial) suffer(run string, planned Planned) {
	w.t.Helper()
	waves, last := planned.Waves, task{attempt: patientAttempts}
	if planned.Push && !w.declines(last, run) {
		waves = nil
	}
	for _, wave := range waves {
		if _, err := w.apply(last, run, wave); err != nil && !stops(err) {
			w.t.Fatalf("%s: %v", wave.Phase, err)
		}
	}
}

// declines tells whether a push was declined, so that the changes go by
// themselves. Otherwise it must have failed.
func (w *trial) declines(k task, run string) (declined bool) {
	w.t.Helper()
	failed := errors.New("an activity failed")
	defer func() {
		if r := recover(); r != nil && r != any(failed) {
			panic(r)
		}
	}()
	why := pushAll(func(name string, params, result any) {
		if w.perform(k, name, params, result) != nil {
			panic(failed) // the workflow ends here
		}
	}, run)
	if why == "" {
		w.t.Error("the push counts as completed")
	}
	return why != ""
}

// stops tells whether an activity ended with a fault that ends the run.
func stops(err error) bool {
	app, typed := errors.AsType[*temporal.ApplicationError](err)
	return typed && (&orgflow.Fault{Code: orgflow.Code(app.Type())}).StopsRun()
}

// answering is a wire on which every call but those for tokens gets one
// answer.
type answering struct {
	status int
	body   func(call string) io.Reader
	paths  []string // below the simulator
	base   string   // the simulator's path
}

func (a answering) RoundTrip(req *http.Request) (*http.Response, error) {
	path := strings.TrimPrefix(req.URL.Path, a.base)
	if !slices.ContainsFunc(a.paths, func(p string) bool { return strings.HasPrefix(path, strings.TrimSuffix(p, "*")) }) {
		return http.DefaultTransport.RoundTrip(req)
	}
	if req.Body != nil {
		_, _ = io.Copy(io.Discard, req.Body)
	}
	return &http.Response{StatusCode: a.status, Header: http.Header{}, Request: req, Body: io.NopCloser(a.body(callOf(req)))}, nil
}

// maySucceed tells whether a delete that is answered so may count as done:
// the code is a plain 0, or one that says that there is nothing to delete.
func (s subject) maySucceed(status int, body []byte) bool {
	if slices.Contains(s.done, status) {
		return true
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), &fields) != nil || fields == nil {
		return false
	}
	if slices.ContainsFunc(s.gone, func(code string) bool { return bytes.Contains(body, []byte(code)) }) {
		return true
	}
	var codes []string
	for key, value := range fields {
		if strings.EqualFold(key, s.envelope) {
			codes = append(codes, strings.Trim(string(value), `"`))
		}
	}
	_, mayBeAbsent := s.lacks[noCode]
	return status < http.StatusBadRequest && (slices.Contains(codes, "0") || mayBeAbsent && len(codes) == 0)
}

// Conformance: no answer makes a connector panic, and only a success makes
// it take a write for done.
func FuzzConsumersBelieveOnlyASuccess(f *testing.F) {
	urls := make([]string, len(subjects))
	for i, s := range subjects {
		sim := s.simulator(time.Now)
		server := httptest.NewServer(simctl.NewHost(sim))
		f.Cleanup(server.Close)
		urls[i] = server.URL + "/" + sim.Name()
		for _, body := range malformed(s.envelope) {
			f.Add(uint8(i), uint16(0), []byte(body))
		}
		for _, code := range append([]string{"0", `"0"`, "60104", "88"}, s.gone...) {
			f.Add(uint8(i), uint16(0), []byte(`{"`+s.envelope+`": `+code+`, "result": {"dept_id": 1, "userid": "E1"}}`))
		}
		f.Add(uint8(i), uint16(302), []byte(`{"`+s.envelope+`": 0}`))
	}
	f.Fuzz(func(t *testing.T, which uint8, status uint16, body []byte) {
		i := int(which) % len(subjects)
		s, at := subjects[i], urls[i]
		wire := answering{status: 200 + int(status)%400, body: func(string) io.Reader { return bytes.NewReader(body) }, paths: s.calls, base: at[strings.LastIndex(at, "/"):]}
		c, err := s.connect(connectors.Settings{CompanyID: company, Name: s.code, JSON: []byte(strings.ReplaceAll(s.settings, "BASE", at)), Definition: definitionOf(s)}, wire, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range []connectors.Effect{
			{Kind: orgflow.Person, Op: orgflow.Delete, ConsumerID: "E1", Key: "orgflow:7:person:1"},
			{Kind: orgflow.Org, Op: orgflow.Delete, ConsumerID: "17", Key: "orgflow:7:org:17"},
		} {
			if _, err := c.Apply(t.Context(), e); err == nil && !s.maySucceed(wire.status, body) {
				t.Errorf("the delete of a %s takes status %d and %q for success", e.Kind, wire.status, body)
			}
		}
		if d, ok := c.(connectors.Directory); ok {
			_, _ = d.ReadOrg(t.Context(), "17")
			_, _ = d.ReadMembers(t.Context(), "17", "")
		}
	})
}
