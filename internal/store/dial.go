package store

import (
	"context"
	"net"
	"time"

	"github.com/lib/pq"
)

// silence is how long PostgreSQL's machine may be gone without a word before a
// connection counts as broken. A statement waits for its answer whatever its
// context says, because the driver does; without a limit of our own it would
// wait until the kernel's has passed, a quarter of an hour or more, and a
// handful of them keep every connection of the pool. A server that is there
// but busy answers the probes, however long a statement takes.
const silence = time.Minute

// dialer opens connections that notice the end of the other side.
type dialer struct{ net.Dialer }

var (
	_ pq.Dialer        = (*dialer)(nil)
	_ pq.DialerContext = (*dialer)(nil)
)

func newDialer() *dialer {
	return &dialer{net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: silence / 4, Interval: silence / 4, Count: 3},
		ControlContext:  boundUnanswered,
	}}
}

// DialTimeout implements pq.Dialer.
func (d *dialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return d.DialContext(ctx, network, address)
}
