package egress

import (
	"fmt"
	"net/netip"
	"slices"
)

// metadata are addresses outside of the link-local range at which clouds
// hand out credentials to whoever asks from the machine.
var metadata = []netip.Addr{
	netip.MustParseAddr("100.100.100.200"), // Alibaba Cloud
	netip.MustParseAddr("192.0.0.192"),     // Oracle Cloud
	netip.MustParseAddr("168.63.129.16"),   // Azure
	netip.MustParseAddr("fd00:ec2::254"),   // AWS
	netip.MustParseAddr("fd20:ce::254"),    // Google Cloud
}

// nat64 is the prefix under which gateways reach IPv4 addresses.
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// Plain is an address as it is reached: that of IPv4 behind the forms in
// which IPv6 writes it, without a zone.
func Plain(ip netip.Addr) netip.Addr {
	ip = ip.Unmap().WithZone("")
	if nat64.Contains(ip) {
		b := ip.As16()
		ip = netip.AddrFrom4([4]byte(b[12:]))
	}
	return ip
}

// Never tells, as a *Refused, why the address that a host has turned out to
// have is never called, whatever is configured.
func Never(host string, ip netip.Addr) error {
	ip = Plain(ip)
	switch {
	case ip.IsLinkLocalUnicast(), slices.Contains(metadata, ip):
		return &Refused{host, ip, "link-local and metadata addresses are never called"}
	case ip.IsMulticast(), ip.IsUnspecified(), ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return &Refused{host, ip, "it is the address of no single host"}
	}
	return nil
}

// Refused says that a host, or an address it has, must not be called.
type Refused struct {
	Host string
	Addr netip.Addr // the zero Addr: the host itself is refused
	Why  string
}

// Error names host, address and reason, and nothing else of what was asked
// for: paths and queries hold secrets.
func (e *Refused) Error() string {
	if !e.Addr.IsValid() {
		return fmt.Sprintf("calls %q: %s", e.Host, e.Why)
	}
	return fmt.Sprintf("calls %q, which has the address %s: %s", e.Host, e.Addr, e.Why)
}
