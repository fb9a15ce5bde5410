package api

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener of connections in memory, which a fake clock can time
// out.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080} }

// served runs f against the server as it listens, on a fake clock.
func served(t *testing.T, f func(t *testing.T, connect func() net.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		p := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
		ended := make(chan error, 1)
		go func() { ended <- ServeListener(ctx, p, New(newWorld().deps()), slog.New(slog.DiscardHandler)) }()
		f(t, func() net.Conn {
			here, there := net.Pipe()
			p.conns <- there
			t.Cleanup(func() { _ = here.Close() })
			return here
		})
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func say(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

// TestWhoIsSlowIsCutOff (slow loris): a connection is held open by nobody who
// does not finish what they say.
func TestWhoIsSlowIsCutOff(t *testing.T) {
	for name, c := range map[string]struct {
		said   string
		within time.Duration
	}{
		"nothing":           {"", idleTime},
		"half a header":     {"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", headerTime},
		"a byte of a body":  {"POST /api/v1/sync-runs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", readTime},
		"a byte of a form":  {"POST /flow/launch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nf", readTime},
		"an answer, and no": {"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", idleTime + readTime},
	} {
		t.Run(name, func(t *testing.T) {
			served(t, func(t *testing.T, connect func() net.Conn) {
				conn := connect()
				began := time.Now()
				if c.said != "" {
					say(t, conn, c.said)
				}
				if _, err := io.Copy(io.Discard, conn); err != nil { // until the server closes it
					t.Fatal(err)
				}
				if took := time.Since(began); took > c.within+time.Second {
					t.Errorf("held open for %v, want at most %v", took, c.within)
				}
			})
		})
	}
}

// TestALongHeaderIsRefused without being kept.
func TestALongHeaderIsRefused(t *testing.T) {
	served(t, func(t *testing.T, connect func() net.Conn) {
		conn := connect()
		go func() { // the server stops reading in the middle
			_, _ = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: "+strings.Repeat("x", 200<<10)+"\r\n\r\n")
		}()
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("%d", res.StatusCode)
		}
		_ = conn.Close() // ends the writer
	})
}

// TestEveryRouteBoundsItsBody: whatever a route takes, more than MaxBody is
// 413, with the error's shape.
func TestEveryRouteBoundsItsBody(t *testing.T) {
	s := newServer(newWorld().deps())
	h := s.chain()
	long := "a=" + strings.Repeat("x", 2*MaxBody)
	for _, route := range routesOf(t, s) {
		method, path, _ := exampleOf(route)
		if method != http.MethodPost && method != http.MethodPut {
			continue
		}
		if strings.HasPrefix(path, pathCodec+"/") {
			continue // a page of history is larger: see TestTheCodecReadsNoMoreThanAPageOfHistory
		}
		res := call(h, method, path, long, "Content-Type: application/x-www-form-urlencoded")
		if res.Code != http.StatusRequestEntityTooLarge || errorOf(t, res).Code != codeTooLarge {
			t.Errorf("%s: %d %.200s", route, res.Code, res.Body)
		}
	}
}
