package transport

import (
	"context"
	"crypto/tls"
	"net"
	"net/http/httptrace"
	"sync"
	"time"
)

// departure is a request between its turn and the wire.
type departure struct {
	limiter Limiter

	mu       sync.Mutex // net/http may call from several goroutines
	at       time.Time  // the turn
	boarded  bool       // it has had a connection before
	reported bool
}

// noTurn ends a request that got no second turn.
type noTurn struct{ err error }

func (e *noTurn) Error() string { return e.err.Error() }

// boardingTime bounds the wait for another turn while a connection is held.
const boardingTime = 10 * time.Second

// trace watches a request, which cancel ends if it gets no turn.
func (d *departure) trace(ctx context.Context, cancel context.CancelCauseFunc) *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			if err := d.board(ctx); err != nil {
				cancel(&noTurn{err})
				shut(info.Conn)
			}
		},
		WroteRequest: func(httptrace.WroteRequestInfo) { d.left() },
	}
}

// board is the last moment before the request is written. A request that
// gets a second connection may have been written to the first.
func (d *departure) board(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	late := d.boarded || time.Since(d.at) > boardPatience
	d.boarded = true
	if !late {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, boardingTime)
	defer cancel()
	if err := d.limiter.Wait(ctx); err != nil {
		return err
	}
	d.at = time.Now()
	return nil
}

// shut keeps a request off its connection. net/http does not look at the
// context between giving it the connection and writing it, but for HTTP/2,
// whose connection is also that of others.
func shut(c net.Conn) {
	if t, ok := c.(*tls.Conn); c == nil || ok && t.ConnectionState().NegotiatedProtocol == "h2" {
		return
	}
	_ = c.Close() // whatever it says, nothing is written any more
}

// left is the moment after.
func (d *departure) left() {
	d.mu.Lock()
	defer d.mu.Unlock()
	l, ok := d.limiter.(lateness)
	if ok && !d.reported && time.Since(d.at) > wirePatience {
		d.reported = true
		l.Late()
	}
}

// lateness is a limiter that can make up for a call that left late.
type lateness interface{ Late() }
