package activities

import (
	"bytes"
	"io"
	"net/http"
	"strings"
)

// deadlyWire is a worker's connection to the vendor: it is cut before a
// request goes out, or once it is answered and the answer lost.
type deadlyWire struct{ *reaper }

func (m deadlyWire) RoundTrip(req *http.Request) (res *http.Response, err error) {
	err = m.step("call of "+req.URL.Path, func() (err error) { res, err = http.DefaultTransport.RoundTrip(req); return })
	if err != nil && res != nil {
		_ = res.Body.Close()
		res = nil
	}
	return res, err
}

// refusing is a connection to a vendor who dislikes some bodies.
type refusing struct{ w *guanHuai }

func (r refusing) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	if r.w.wire != nil && r.w.wire(req, body) {
		return &http.Response{
			StatusCode: http.StatusOK, Header: http.Header{}, Request: req,
			Body: io.NopCloser(strings.NewReader(`{"errno": 200008, "error": "数据格式错误"}`)),
		}, nil
	}
	return http.DefaultTransport.RoundTrip(req)
}
