package conformance

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"orgflow/connectors/simctl"
)

// Call is what a caller sends to a simulator.
type Call struct {
	Method, Path, Query, Type string
	Header                    http.Header // beside the content type
	Body                      []byte
}

// request is the call as a handler sees it; nil for one that HTTP does not
// carry.
func (c Call) request() *http.Request {
	req, err := http.NewRequest(c.Method, "http://simulator/", bytes.NewReader(c.Body)) //nolint:noctx // a handler's, never sent
	if err != nil {
		return nil
	}
	req.URL = &url.URL{Scheme: "http", Host: "simulator", Path: c.Path, RawQuery: c.Query}
	for name, values := range c.Header {
		req.Header[name] = values
	}
	if c.Type != "" {
		req.Header.Set("Content-Type", c.Type)
	}
	return req
}

// Do hands a call to a handler; nil for one that HTTP does not carry.
func (c Call) Do(h http.Handler) *httptest.ResponseRecorder {
	req := c.request()
	if req == nil {
		return nil
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	return rec
}

// Simulated is a simulator in front of callers who send anything.
type Simulated struct {
	// New makes a simulator that holds something, all that has been begun
	// brought to its end, and a way to sign calls.
	New func(t testing.TB) (sim simctl.Simulator, sign func(*Call))
	// Calls are good ones.
	Calls []Call
	// Flaw says what keeps an answer from being one that the vendor could
	// give; empty is nothing. Refused tells whether it is an error.
	Flaw    func(c Call, rec *httptest.ResponseRecorder) string
	Refused func(rec *httptest.ResponseRecorder) bool
}

// Judge makes a call. The answer must be one of the vendor's, and what the
// simulator holds the same as before where it is an error: a simulator that
// changes something and reports a failure would hide what a connector does
// wrong. What it holds must be something that it could be given.
func (s Simulated) Judge(t *testing.T, c Call, signed bool) {
	t.Helper()
	sim, sign := s.New(t)
	if signed {
		sign(&c)
	}
	before := held(t, sim)
	rec := c.Do(sim)
	if rec == nil {
		return
	}
	after := held(t, sim)
	complain := func(format string, args ...any) {
		t.Helper()
		head := []any{c.Method, c.Path, c.Query, c.Body, rec.Code, rec.Body}
		t.Errorf("%s %s?%s %.300q is answered %d %.300s: "+format, append(head, args...)...)
	}
	if flaw := s.Flaw(c, rec); flaw != "" {
		complain("%s", flaw)
	}
	if before == after {
		return
	}
	if s.Refused(rec) {
		complain("but changes %s to %s", before, after)
	}
	if err := sim.PutState(json.RawMessage(after)); err != nil {
		complain("leaves what it could not have come to hold: %v", err)
	}
}

func held(t testing.TB, sim simctl.Simulator) string {
	t.Helper()
	raw, err := json.Marshal(sim.State())
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestBrokenCalls judges every way in which the good calls break.
func TestBrokenCalls(t *testing.T, s Simulated) {
	for _, c := range s.Calls {
		sim, sign := s.New(t)
		good := c
		sign(&good)
		if rec := good.Do(sim); rec == nil || s.Refused(rec) {
			t.Errorf("%s %s is no good call: %s", c.Method, c.Path, rec.Body)
		}
		for _, signed := range []bool{true, false} {
			s.Judge(t, c, signed)
		}
		for _, body := range Mutations(c.Body) {
			broken := c
			broken.Body = body
			s.Judge(t, broken, true)
		}
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead, http.MethodOptions, "BREW"} {
			other := c
			other.Method = method
			s.Judge(t, other, true)
		}
		for _, path := range []string{c.Path + "/", c.Path + "x", c.Path + "/x/y", "/" + c.Path, "", "*", "/../" + c.Path, "/%00", c.Path + "/\x00"} {
			other := c
			other.Path = path
			s.Judge(t, other, true)
		}
	}
}

// FuzzCalls fuzzes a simulator.
func FuzzCalls(f *testing.F, s Simulated) {
	for _, c := range s.Calls {
		f.Add(c.Method, c.Path, c.Query, c.Type, c.Body, true)
		f.Add(c.Method, c.Path, c.Query, "application/x-www-form-urlencoded", []byte("a=b&%zz"), true)
	}
	f.Fuzz(func(t *testing.T, method, path, query, kind string, body []byte, signed bool) {
		s.Judge(t, Call{Method: method, Path: path, Query: query, Type: kind, Body: body}, signed)
	})
}
