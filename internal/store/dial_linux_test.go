package store

import (
	"net"
	"syscall"
	"testing"
	"time"
)

// Where PostgreSQL's machine is gone without a word, the kernel gives a
// connection up after a minute, idle or not. Its own limits are two hours and
// a quarter of one.
func TestAConnectionNoticesTheEndOfItsServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := newDialer().DialTimeout("tcp", l.Addr().String(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	err = raw.Control(func(fd uintptr) {
		for name, option := range map[string][2]int{
			"unacknowledged, ms": {syscall.IPPROTO_TCP, userTimeout}, "probes": {syscall.SOL_SOCKET, syscall.SO_KEEPALIVE},
			"idle, s": {syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE}, "interval, s": {syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL}, "count": {syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT},
		} {
			if got[name], err = syscall.GetsockoptInt(int(fd), option[0], option[1]); err != nil {
				t.Error(err)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if got["unacknowledged, ms"] != 60_000 || got["probes"] != 1 || got["idle, s"]+got["interval, s"]*got["count"] != 60 {
		t.Errorf("the connection has %v", got)
	}
}
