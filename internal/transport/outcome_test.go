package transport

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"orgflow"
	"orgflow/internal/egress"
)

func roundTripper(t *testing.T, timeout time.Duration) http.RoundTripper {
	base := NewBase(egress.List{})
	t.Cleanup(base.CloseIdleConnections)
	return Chain(base, Outcome(), Timeout(timeout), BodyCap(1024))
}

func send(t *testing.T, ctx context.Context, rt http.RoundTripper, method, url string, call *Call) (*http.Response, error) {
	t.Helper()
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader(`{}`)
	}
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return Do(rt, req, call)
}

// hijack serves every request by a function over the bare connection.
func hijack(t *testing.T, serve func(net.Conn, *bufio.ReadWriter)) *httptest.Server {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		serve(conn, rw)
	}))
	t.Cleanup(srv.Close)
	return srv
}

func TestOutcomeAfterSending(t *testing.T) {
	answers := map[string]string{
		"connection dropped without an answer": "",
		"body cut short":                       "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"errcode\":",
		"not HTTP":                             "hello\r\n\r\n",
		"longer than the cap":                  "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + strings.Repeat("x", 2000),
	}
	for name, answer := range answers {
		for _, write := range []bool{true, false} {
			want := orgflow.CodeUnavailable
			if write {
				want = orgflow.CodeUnknownOutcome
			}
			t.Run(name+"/"+string(want), func(t *testing.T) {
				srv := hijack(t, func(conn net.Conn, _ *bufio.ReadWriter) { _, _ = io.WriteString(conn, answer) })
				call := &Call{Write: write}
				_, err := send(t, t.Context(), roundTripper(t, time.Minute), http.MethodPost, srv.URL, call)
				if f := orgflow.AsFault(err); f == nil || f.Code != want {
					t.Fatalf("got %v, want %s", err, want)
				}
				if !call.Sent() {
					t.Error("the call does not say that it was sent")
				}
			})
		}
	}
}

func TestOutcomeOfTimeout(t *testing.T) {
	for _, sent := range []bool{true, false} {
		want := orgflow.CodeUnavailable
		if sent {
			want = orgflow.CodeUnknownOutcome
		}
		never := Func(func(req *http.Request) (*http.Response, error) {
			if sent {
				httptrace.ContextClientTrace(req.Context()).WroteHeaders()
			}
			<-req.Context().Done()
			return nil, req.Context().Err()
		})
		rt := Chain(never, Outcome(), Timeout(time.Millisecond), BodyCap(10))
		_, err := send(t, t.Context(), rt, http.MethodPost, "http://x", &Call{Write: true})
		if f := orgflow.AsFault(err); f == nil || f.Code != want {
			t.Errorf("sent %v: got %v, want %s", sent, err, want)
		}
	}
}

func TestCallersContextComesBackAsItself(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		cancel()
		<-done
	}))
	t.Cleanup(srv.Close)
	t.Cleanup(func() { close(done) })
	call := &Call{Write: true}
	_, err := send(t, ctx, roundTripper(t, time.Minute), http.MethodPost, srv.URL, call)
	if !errors.Is(err, context.Canceled) || !call.Sent() {
		t.Fatalf("got %v, sent %v; want context.Canceled of a call that was sent", err, call.Sent())
	}
}

func TestSurelyNotSent(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + listener.Addr().String()
	listener.Close()
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(plain.Close)

	for name, url := range map[string]string{
		"nobody listens":       closed,
		"TLS handshake failed": strings.Replace(plain.URL, "http://", "https://", 1),
	} {
		t.Run(name, func(t *testing.T) {
			call := &Call{Write: true}
			_, err := send(t, t.Context(), roundTripper(t, time.Minute), http.MethodPost, url+"/?access_token=SECRET", call)
			f := orgflow.AsFault(err)
			if f == nil || f.Code != orgflow.CodeUnavailable || call.Sent() {
				t.Fatalf("got %v, sent %v; want unavailable, not sent", err, call.Sent())
			}
			if strings.Contains(err.Error(), "SECRET") {
				t.Errorf("the error shows the query: %v", err)
			}
		})
	}
}

// A server that answers the first request of a connection, and drops the
// connection under the second after counting it, is where net/http replays
// what it takes for harmless.
func TestNoWriteIsReplayed(t *testing.T) {
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		t.Run(method, func(t *testing.T) {
			var seen atomic.Int64
			srv := hijack(t, func(conn net.Conn, rw *bufio.ReadWriter) {
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
				req, err := http.ReadRequest(rw.Reader)
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, req.Body)
				seen.Add(1)
			})
			rt := roundTripper(t, time.Minute)
			if _, err := send(t, t.Context(), rt, http.MethodGet, srv.URL, &Call{}); err != nil {
				t.Fatal(err)
			}
			_, err := send(t, t.Context(), rt, method, srv.URL, &Call{Write: true})
			if f := orgflow.AsFault(err); f == nil || f.Code != orgflow.CodeUnknownOutcome {
				t.Fatalf("got %v, want unknown_outcome", err)
			}
			if seen.Load() != 1 {
				t.Fatalf("the write reached the server %d times", seen.Load())
			}
		})
	}
}

func TestWriteByGetHasNoBodyOnTheWire(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body, _ := io.ReadAll(r.Body); len(body) > 0 || r.ContentLength > 0 || len(r.TransferEncoding) > 0 {
			t.Errorf("length %d, encoding %v, body %q", r.ContentLength, r.TransferEncoding, body)
		}
	}))
	t.Cleanup(srv.Close)
	if _, err := send(t, t.Context(), roundTripper(t, time.Minute), http.MethodGet, srv.URL, &Call{Write: true}); err != nil {
		t.Fatal(err)
	}
}
