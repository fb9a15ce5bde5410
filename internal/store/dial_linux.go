package store

import (
	"context"
	"strings"
	"syscall"
)

// userTimeout is TCP_USER_TIMEOUT of tcp(7), which package syscall lacks.
const userTimeout = 0x12

// boundUnanswered bounds how long what was sent may stay unacknowledged: the
// probes of keep-alive begin only when there is nothing of the kind.
func boundUnanswered(_ context.Context, network, _ string, c syscall.RawConn) (err error) {
	if !strings.HasPrefix(network, "tcp") {
		return nil
	}
	if failed := c.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, userTimeout, int(silence.Milliseconds()))
	}); failed != nil {
		return failed
	}
	return err
}
