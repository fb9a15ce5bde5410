package egress

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// Check judges the address that a host has turned out to have.
type Check func(host string, ip netip.Addr) error

// Dial connects as dialer does, to addresses that check lets pass. Each is
// judged when it is about to be used, so that no second look-up can give
// another one. What check says is in the error's chain.
func Dial(dialer *net.Dialer, check Check) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, fmt.Errorf("dial: %w", err)
		}
		guard := *dialer
		guard.Control = func(_, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err != nil {
				return fmt.Errorf("dial: %w", err)
			}
			return check(host, to.Addr())
		}
		return guard.DialContext(ctx, network, addr)
	}
}
