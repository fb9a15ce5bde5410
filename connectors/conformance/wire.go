package conformance

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"slices"
	"sync"
)

// Answer is what a vendor sends back.
type Answer struct {
	Status int    // 0 is 200
	Type   string // the header Content-Type
	Body   []byte
	// Cut: the connection ends before the body is whole.
	Cut bool
}

// Wire is an http.RoundTripper that answers by call: with Given at the call
// Broken, with the call's sample everywhere else. A call is a path, or a
// method and a path ("GET /Users"). Unlike a server a wire costs nothing, so
// that a fuzzer can ask it very often.
type Wire struct {
	Samples map[string]string
	Broken  string
	Given   Answer

	mu    sync.Mutex
	asked map[string]int
}

// RoundTrip implements http.RoundTripper. A call without a sample is an
// error of the wire.
func (w *Wire) RoundTrip(req *http.Request) (*http.Response, error) {
	if trace := httptrace.ContextClientTrace(req.Context()); trace != nil && trace.WroteHeaders != nil {
		trace.WroteHeaders()
	}
	if req.Body != nil {
		_, _ = io.Copy(io.Discard, req.Body)
		_ = req.Body.Close()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.asked == nil {
		w.asked = map[string]int{}
	}
	calls := []string{req.Method + " " + req.URL.Path, req.URL.Path}
	for _, call := range calls {
		w.asked[call]++
	}
	if slices.Contains(calls, w.Broken) {
		return w.Given.response(req), nil
	}
	for _, call := range calls {
		if sample, known := w.Samples[call]; known {
			return Answer{Body: []byte(sample)}.response(req), nil
		}
	}
	return nil, errors.New("no sample of " + calls[0])
}

func (a Answer) response(req *http.Request) *http.Response {
	res := &http.Response{
		StatusCode: max(a.Status, 0), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: -1,
		Header: http.Header{}, Request: req,
	}
	if res.StatusCode == 0 {
		res.StatusCode = http.StatusOK
	}
	if a.Type != "" {
		res.Header.Set("Content-Type", a.Type)
	}
	var body io.Reader = bytes.NewReader(a.Body)
	if a.Cut {
		body = io.MultiReader(body, broken{})
	}
	res.Body = io.NopCloser(body)
	return res
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// Asked counts how often a call was made.
func (w *Wire) Asked(call string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked[call]
}

// Calls lists what was called.
func (w *Wire) Calls() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(maps.Keys(w.asked))
}
