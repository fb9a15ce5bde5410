//go:build linux

package e2e

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// link is a TCP connection's way from one process to another, which may be
// disturbed: cut, stalled, made to swallow, slow.
type link struct {
	from, to string // what it is called
	addr     string // where it listens: host:port
	upstream string // host:port

	mu    sync.Mutex
	state linkState
	heals chan struct{} // closed when the disturbance is over
	open  map[net.Conn]bool
}

// linkState is what is wrong with a link.
type linkState struct {
	refuses  bool          // new connections are reset, and so were those there were
	stalls   bool          // nothing passes until it is healed; then all of it
	swallows bool          // what is sent is lost, and nobody hears; reset when it is healed
	delay    time.Duration // of everything that passes
}

// newLink begins to forward.
func newLink(t *testing.T, from, to, upstream string) *link {
	t.Helper()
	l := &link{from: from, to: to, addr: freeAddr(t), upstream: upstream, heals: make(chan struct{}), open: map[net.Conn]bool{}}
	listener, err := net.Listen("tcp", l.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = listener.Close()
		l.disturb(linkState{refuses: true})
	})
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // closed
			}
			go l.serve(t.Context(), conn)
		}
	}()
	return l
}

func (l *link) String() string { return l.from + " to " + l.to }

// disturb lets something be wrong from now on; the zero state heals it.
func (l *link) disturb(s linkState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.refuses || l.state.swallows {
		for conn := range l.open {
			reset(conn)
		}
	}
	l.state = s
	if s == (linkState{}) {
		close(l.heals)
		l.heals = make(chan struct{})
	}
}

func (l *link) now() (linkState, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state, l.heals
}

func (l *link) serve(ctx context.Context, near net.Conn) {
	if s, _ := l.now(); s.refuses {
		reset(near)
		return
	}
	var d net.Dialer
	far, err := d.DialContext(ctx, "tcp", l.upstream)
	if err != nil {
		reset(near) // as a host answers where nobody listens
		return
	}
	l.keep(near, far)
	var both sync.WaitGroup
	both.Go(func() { l.copy(far, near) })
	both.Go(func() { l.copy(near, far) })
	both.Wait()
	l.forget(near, far)
}

func (l *link) keep(conns ...net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range conns {
		l.open[c] = true
	}
}

func (l *link) forget(conns ...net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range conns {
		delete(l.open, c)
		_ = c.Close()
	}
}

// copy passes on what comes, as the link's state lets it.
func (l *link) copy(to, from net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		for s, heals := l.now(); s.stalls || s.swallows; s, heals = l.now() {
			if s.swallows {
				n, err = 0, nil // an end is lost as well
			}
			<-heals
			if s.swallows {
				return // reset meanwhile
			}
		}
		if s, _ := l.now(); s.delay > 0 {
			time.Sleep(s.delay)
		}
		if _, failed := to.Write(buf[:n]); failed != nil {
			reset(from)
			return
		}
		switch {
		case err == io.EOF:
			if half, ok := to.(*net.TCPConn); ok {
				_ = half.CloseWrite()
			}
			return
		case err != nil:
			reset(to)
			return
		}
	}
}

// reset closes a connection as one whose other end is gone: at once, with RST.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
