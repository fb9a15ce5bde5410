package store_test

import (
	"io"
	"net"
	"net/url"
	"testing"

	"orgflow/internal/store"
	"orgflow/internal/testpg"
)

// A server that has reset the connections leaves nothing to close: whoever
// stops after such a day ends in order.
func TestClosingConnectionsThatBroke(t *testing.T) {
	u, err := url.Parse(testpg.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	server := u.Host
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	accepted := make(chan *net.TCPConn, 16)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- c.(*net.TCPConn)
			go func() {
				to, err := net.Dial("tcp", server)
				if err != nil {
					return
				}
				go func() { _, _ = io.Copy(c, to) }()
				_, _ = io.Copy(to, c)
				_ = to.Close()
			}()
		}
	}()
	u.Host = l.Addr().String()
	s, err := store.Open(t.Context(), u.String(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.DB().PingContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	for len(accepted) > 0 {
		c := <-accepted
		if err := c.SetLinger(0); err != nil { // a reset, not an orderly end
			t.Fatal(err)
		}
		_ = c.Close()
	}
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}
