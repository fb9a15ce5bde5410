package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// ErrTooLong is in the chain of the error of an answer longer than BodyCap
// allows. The same call would meet it again.
var ErrTooLong = errors.New("the answer is too long")

// BodyCap reads the whole answer inside the chain, so that a body cut short
// is a failed call and not a surprise to the caller, and refuses one longer
// than n bytes. It then runs the call's Decode. The response's Body is
// readable again.
func BodyCap(n int64) Layer {
	return func(next http.RoundTripper) http.RoundTripper {
		return Func(func(req *http.Request) (*http.Response, error) {
			res, err := next.RoundTrip(req)
			if err != nil {
				return nil, err
			}
			body, err := readBody(res, n)
			if err != nil {
				return nil, err
			}
			if call := callOf(req); call.Decode != nil {
				body = call.decode(req, res.StatusCode, body)
			}
			res.Body = io.NopCloser(bytes.NewReader(body))
			return res, nil
		})
	}
}

// decode hands an answer to Decode. One that refuses is handed over again
// where it repeats secrets of the request, without them.
func (c *Call) decode(req *http.Request, status int, body []byte) []byte {
	c.code = c.Decode(status, body)
	if c.code == "" {
		return body
	}
	clean := unechoed(req, body)
	if !bytes.Equal(clean, body) {
		c.code = c.Decode(status, clean)
	}
	return clean
}

func readBody(res *http.Response, n int64) ([]byte, error) {
	defer func() { _ = res.Body.Close() }()
	var buf bytes.Buffer
	if hint := res.ContentLength; hint > 0 && hint <= n {
		buf.Grow(int(hint) + bytes.MinRead)
	}
	if _, err := buf.ReadFrom(io.LimitReader(res.Body, n+1)); err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if int64(buf.Len()) > n {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLong, n)
	}
	return buf.Bytes(), nil
}

// Timeout bounds a request and the reading of its answer, which must happen
// inside (BodyCap). It stands inside Rate: waiting for a turn is not slowness
// of the vendor.
func Timeout(d time.Duration) Layer {
	return func(next http.RoundTripper) http.RoundTripper {
		return Func(func(req *http.Request) (*http.Response, error) {
			ctx, cancel := context.WithTimeout(req.Context(), d)
			defer cancel()
			return next.RoundTrip(req.WithContext(ctx))
		})
	}
}
