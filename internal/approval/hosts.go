package approval

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"orgflow/internal/egress"
)

// Hosts are the hosts that the trigger nodes of a company may call, as
// "triggers": {"hosts": […]} of its file lists them: a name or an address,
// with a port or, for every port, without. Definitions are published over
// HTTP, too: who publishes one must not reach what only the worker reaches.
type Hosts []string

// CheckURL tells why an address must not be called. The error names the host
// and the setting, and nothing else of the address: it may hold a secret.
func (h Hosts) CheckURL(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return errors.New("must be an address such as https://erp.example.com/hook")
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil {
		if err := CheckAddr(u.Hostname(), ip); err != nil {
			return err
		}
	}
	if !h.lists(u) {
		return fmt.Errorf(`calls %q, which is not in "triggers": {"hosts": %s} of company.json; list it there`, u.Host, h)
	}
	return nil
}

func (h Hosts) lists(u *url.URL) bool {
	name := strings.ToLower(u.Hostname())
	if strings.Contains(name, ":") {
		name = "[" + name + "]"
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return slices.ContainsFunc(h, func(host string) bool {
		host = strings.ToLower(host)
		return host == name || host == name+":"+port
	})
}

// String writes the hosts as JSON does.
func (h Hosts) String() string {
	quoted := make([]string, len(h))
	for i, host := range h {
		quoted[i] = fmt.Sprintf("%q", host)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// CheckAddr tells, as an *egress.Refused, why the address a host has turned
// out to have must not be called, whatever is listed: it is one of
// egress.Never; or it is this machine, and the host does not say so. A name
// that anybody's DNS answers must not lead to what listens here.
func CheckAddr(host string, ip netip.Addr) error {
	if err := egress.Never(host, ip); err != nil {
		return err
	}
	if ip = egress.Plain(ip); ip.IsLoopback() && !local(host) {
		return &egress.Refused{Host: host, Addr: ip, Why: `that is this machine; if it is meant, list 127.0.0.1 or localhost in "triggers": {"hosts": […]} of company.json and call that`}
	}
	return nil
}

// local tells whether a host says by itself that it is this machine.
func local(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback() || strings.EqualFold(host, "localhost")
}
