// Package egress says whom orgflow calls. Addresses of vendors come from
// company files; a wrong or a planted one must not make orgflow ask the
// machine's cloud for credentials, or carry secrets where nobody meant them
// to go.
//
// An address is judged when a connection to it is about to be opened. Judged
// before, the name could lead elsewhere by then (DNS rebinding).
package egress

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// List is who may be called (ORGFLOW_EGRESS_ALLOW). The zero List allows
// everybody but those of Never: HR and ERP systems stand in private networks
// and beside orgflow on one machine.
type List struct {
	names    []string // lower case; one that begins with a dot stands for all below it
	networks []netip.Prefix
}

// Parse reads a list separated by commas: names (hr.example.com), all names
// below one (*.dingtalk.com), addresses (10.0.0.5) and networks
// (10.0.0.0/8). Empty is the zero List. The error names the first entry that
// is none of these.
func Parse(text string) (List, error) {
	var l List
	for entry := range strings.SplitSeq(text, ",") {
		entry = strings.ToLower(strings.TrimSpace(entry))
		if entry == "" {
			continue
		}
		if ip, err := netip.ParseAddr(strings.Trim(entry, "[]")); err == nil {
			ip = Plain(ip)
			l.networks = append(l.networks, netip.PrefixFrom(ip, ip.BitLen()))
			continue
		}
		if network, err := netip.ParsePrefix(entry); err == nil {
			l.networks = append(l.networks, network.Masked())
			continue
		}
		name, below := strings.CutPrefix(entry, "*")
		if !hostName(strings.TrimPrefix(name, ".")) || below != strings.HasPrefix(name, ".") {
			return List{}, fmt.Errorf("%q is no host name (hr.example.com, *.example.com), address (10.0.0.5) or network (10.0.0.0/8)", entry)
		}
		l.names = append(l.names, name)
	}
	return l, nil
}

func hostName(s string) bool {
	return s != "" && !strings.HasPrefix(s, ".") && !strings.HasSuffix(s, ".") &&
		!strings.ContainsFunc(s, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '.' || r == '_' || r > 0x7f)
		})
}

func (l List) all() bool { return len(l.names) == 0 && len(l.networks) == 0 }

// CheckURL tells, as a *Refused, why an address must not be called: its
// scheme is not http or https, it carries a user (whose password would go
// into logs of proxies), or its host is an address that is never called or
// not listed. A name is judged by CheckAddr too, once its address is known.
func (l List) CheckURL(u *url.URL) error {
	host := u.Hostname()
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return &Refused{Host: host, Why: "only http and https are called"}
	case host == "":
		return &Refused{Host: host, Why: "the address names no host"}
	case u.User != nil:
		return &Refused{Host: host, Why: "the address carries a user; credentials have settings of their own"}
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return l.CheckAddr(host, ip)
	}
	return nil
}

// CheckAddr tells, as a *Refused, why the address that a host has turned out
// to have must not be called: it is one of Never, or neither it nor the host
// is listed.
func (l List) CheckAddr(host string, ip netip.Addr) error {
	if err := Never(host, ip); err != nil {
		return err
	}
	ip = Plain(ip)
	if l.all() || l.listsName(host) || slices.ContainsFunc(l.networks, func(n netip.Prefix) bool { return n.Contains(ip) }) {
		return nil
	}
	return &Refused{host, ip, "ORGFLOW_EGRESS_ALLOW lists neither the host nor the address"}
}

// CheckName tells, as a *Refused, why a host must not be called whose
// address nobody here will see, because a proxy looks it up.
func (l List) CheckName(host string) error {
	if ip, err := netip.ParseAddr(host); err == nil {
		return l.CheckAddr(host, ip)
	}
	if l.all() || l.listsName(host) {
		return nil
	}
	return &Refused{Host: host, Why: "ORGFLOW_EGRESS_ALLOW does not list the host, and a proxy looks its address up"}
}

func (l List) listsName(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return slices.ContainsFunc(l.names, func(name string) bool {
		return host == name || strings.HasPrefix(name, ".") && strings.HasSuffix(host, name)
	})
}
