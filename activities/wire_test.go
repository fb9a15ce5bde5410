package activities

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"strings"
)

// mortalWire is a worker's connection to the vendor: it is cut before a
// request goes out, or once it is answered and the answer lost.
type mortalWire struct{ *reaper }

func (m mortalWire) RoundTrip(req *http.Request) (res *http.Response, err error) {
	err = m.step(callOf(req), func() (err error) { res, err = http.DefaultTransport.RoundTrip(req); return })
	if err != nil && res != nil {
		_ = res.Body.Close()
		res = nil
	}
	return res, err
}

// callOf names a call without the id in its path: records go out several at a
// time, so that no two runs have the same record as their third, but each has
// a third call of the kind.
func callOf(req *http.Request) string {
	return "call of " + req.Method + " " + identifier.ReplaceAllString(req.URL.Path, "/*")
}

var identifier = regexp.MustCompile(`/[^/.]*\d[^/.]*$`)

// refusing is a connection to a vendor who dislikes some bodies.
type refusing func(body string) bool

func (r refusing) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	if r(string(body)) {
		return &http.Response{
			StatusCode: http.StatusOK, Header: http.Header{}, Request: req,
			Body: io.NopCloser(strings.NewReader(`{"errno": 200008, "error": "数据格式错误"}`)),
		}, nil
	}
	return http.DefaultTransport.RoundTrip(req)
}
