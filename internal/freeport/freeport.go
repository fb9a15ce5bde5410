// Package freeport finds TCP ports for programs that cannot be given an open
// listener.
package freeport

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
)

// perProcess is how many ports lie between where two processes begin to look.
const perProcess = 16

// Listen listens on a free port of host in [from, to). It is meant for ports
// that are released so that somebody else can listen on them: unlike the ones
// that the system chooses (from 32768 on Linux, 49152 elsewhere), those below
// are never taken by an outgoing connection in between, and processes with
// neighbouring ids look at different ones first.
func Listen(host string, from, to int) (net.Listener, error) {
	if from < 1 || to <= from {
		return nil, fmt.Errorf("no ports from %d to %d", from, to)
	}
	var last error
	for i := range to - from {
		port := from + (os.Getpid()*perProcess+i)%(to-from)
		l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err == nil {
			return l, nil
		}
		last = err
		if !busy(err) {
			break
		}
	}
	return nil, last
}

// busy tells whether another port may do: Windows also forbids some.
func busy(err error) bool {
	var op *net.OpError
	var call *os.SyscallError
	return errors.As(err, &op) && errors.As(op.Err, &call) && call.Syscall == "bind"
}
