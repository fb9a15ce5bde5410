package approval_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"orgflow/internal/approval"
	"orgflow/internal/egress"
)

func TestOnlyListedHostsAreCalled(t *testing.T) {
	hosts := approval.Hosts{"erp.example.com", "10.0.0.5:8080", "[::1]", "169.254.169.254", "127.0.0.1:9000", "Localhost"}
	for address, want := range map[string]string{
		"https://erp.example.com/hook":         "",
		"http://ERP.example.com:8443/hook":     "",
		"http://10.0.0.5:8080/":                "",
		"http://[::1]:7000/":                   "",
		"http://127.0.0.1:9000/":               "",
		"http://localhost:1/":                  "",
		"http://10.0.0.5/":                     `calls "10.0.0.5", which is not in "triggers": {"hosts": [`,
		"http://127.0.0.1/":                    "is not in",
		"http://evil.example/":                 `list it there`,
		"http://erp.example.com.evil.example/": "is not in",
		"http://erp.example.com@evil.example/": `calls "evil.example"`,
		"http://2130706433/":                   "is not in", // 127.0.0.1, as some read it
		"http://169.254.169.254/latest":        "link-local and metadata addresses are never called",
		"ftp://erp.example.com/":               "must be an address such as https://",
		"file:///etc/passwd":                   "must be an address such as https://",
		"http://erp.example.com:x/":            "must be an address such as https://",
	} {
		err := hosts.CheckURL(address)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", address, err, want)
		}
	}
	if err := approval.Hosts(nil).CheckURL("https://erp.example.com/secret-token"); err == nil || strings.Contains(err.Error(), "secret-token") {
		t.Errorf("nothing is listed: %v; the path may be a secret", err)
	}
}

// TestAddressesThatAreNeverCalled: whatever a name server says.
func TestAddressesThatAreNeverCalled(t *testing.T) {
	for _, c := range []struct {
		host, addr string
		ok         bool
	}{
		{"erp.example.com", "93.184.216.34", true},
		{"erp.example.com", "10.1.2.3", true}, // systems in the house
		{"erp.example.com", "2001:db8::1", true},
		{"erp.example.com", "127.0.0.1", false},
		{"erp.example.com", "::1", false},
		{"erp.example.com", "::ffff:127.0.0.1", false},
		{"erp.example.com", "64:ff9b::7f00:1", false},
		{"erp.example.com", "64:ff9b::a9fe:a9fe", false},
		{"127.0.0.1", "127.0.0.1", true},
		{"LOCALHOST", "::1", true},
		{"localhost", "169.254.169.254", false},
		{"169.254.169.254", "169.254.169.254", false},
		{"erp.example.com", "::ffff:169.254.169.254", false},
		{"erp.example.com", "fe80::1%eth0", false},
		{"erp.example.com", "100.100.100.200", false},
		{"erp.example.com", "fd00:ec2::254", false},
		{"erp.example.com", "0.0.0.0", false},
		{"erp.example.com", "::", false},
		{"erp.example.com", "224.0.0.1", false},
		{"erp.example.com", "255.255.255.255", false},
	} {
		err := approval.CheckAddr(c.host, netip.MustParseAddr(c.addr))
		var forbidden *egress.Refused
		if (err == nil) != c.ok || err != nil && !errors.As(err, &forbidden) {
			t.Errorf("%s at %s: %v, want ok %t", c.host, c.addr, err, c.ok)
		}
	}
}
