package egress_test

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"orgflow/internal/egress"
)

func allow(t testing.TB, text string) egress.List {
	t.Helper()
	l, err := egress.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestWhoIsCalled(t *testing.T) {
	const listed = "hr.example.com, *.dingtalk.com, 10.0.0.0/8, 127.0.0.1, fd12::/16"
	for _, c := range []struct {
		list, host, addr string
		ok               bool
	}{
		// Without a list: HR and ERP systems stand in private networks.
		{"", "hr.example.com", "93.184.216.34", true},
		{"", "hr.example.com", "10.1.2.3", true},
		{"", "hr.example.com", "192.168.7.7", true},
		{"", "hr.example.com", "127.0.0.1", true},
		{"", "hr.example.com", "::1", true},
		{"", "hr.example.com", "2001:db8::1", true},
		// Never, whatever is listed, and however IPv6 writes it.
		{"", "169.254.169.254", "169.254.169.254", false},
		{"169.254.0.0/16, hr.example.com", "hr.example.com", "169.254.169.254", false},
		{"", "hr.example.com", "::ffff:169.254.169.254", false},
		{"", "hr.example.com", "64:ff9b::a9fe:a9fe", false},
		{"", "hr.example.com", "fe80::1%eth0", false},
		{"", "hr.example.com", "100.100.100.200", false},
		{"", "hr.example.com", "::ffff:100.100.100.200", false},
		{"", "hr.example.com", "168.63.129.16", false},
		{"", "hr.example.com", "192.0.0.192", false},
		{"", "hr.example.com", "fd00:ec2::254", false},
		{"", "hr.example.com", "fd20:ce::254", false},
		{"", "hr.example.com", "0.0.0.0", false},
		{"", "hr.example.com", "::", false},
		{"", "hr.example.com", "224.0.0.1", false},
		{"", "hr.example.com", "255.255.255.255", false},
		// With a list: the host, or its address.
		{listed, "HR.example.com", "93.184.216.34", true},
		{listed, "hr.example.com.", "93.184.216.34", true},
		{listed, "oapi.dingtalk.com", "93.184.216.34", true},
		{listed, "erp.internal", "10.9.8.7", true},
		{listed, "erp.internal", "::ffff:10.9.8.7", true},
		{listed, "127.0.0.1", "127.0.0.1", true},
		{listed, "erp.internal", "fd12::7", true},
		{listed, "dingtalk.com", "93.184.216.34", false},
		{listed, "evildingtalk.com", "93.184.216.34", false},
		{listed, "hr.example.com.evil.example", "93.184.216.34", false},
		{listed, "erp.internal", "192.168.1.1", false},
		{listed, "127.0.0.2", "127.0.0.2", false},
	} {
		err := allow(t, c.list).CheckAddr(c.host, netip.MustParseAddr(c.addr))
		var refused *egress.Refused
		if (err == nil) != c.ok || err != nil && !errors.As(err, &refused) {
			t.Errorf("%s at %s with the list %q: %v, want ok %t", c.host, c.addr, c.list, err, c.ok)
		}
	}
}

// TestNothingListedLetsMetadataPass: for whatever list and host.
func TestNothingListedLetsMetadataPass(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 2, 2).Draw(t, "address")
		ip := netip.AddrFrom4([4]byte{169, 254, b[0], b[1]})
		if rapid.Bool().Draw(t, "mapped") {
			ip = netip.AddrFrom16(ip.As16())
		}
		list, err := egress.Parse(rapid.SampledFrom([]string{"", "0.0.0.0/0, ::/0", "hr.example.com", "169.254.0.0/16", ip.String()}).Draw(t, "list"))
		if err != nil {
			t.Fatal(err)
		}
		if list.CheckAddr("hr.example.com", ip) == nil || list.CheckName(ip.String()) == nil {
			t.Fatalf("%s is called", ip)
		}
	})
}

func TestAddressesOfCompanyFiles(t *testing.T) {
	for address, want := range map[string]string{
		"https://hr.example.com/api":             "",
		"http://10.0.0.5:8080":                   "",
		"http://[::1]:7000/":                     "",
		"ftp://hr.example.com/":                  "only http and https",
		"file:///etc/passwd":                     "only http and https",
		"gopher://127.0.0.1:25/":                 "only http and https",
		"https:///x":                             "names no host",
		"https://user:s3cret@hr.example.com/":    "carries a user",
		"http://169.254.169.254/latest":          "never called",
		"http://[::ffff:169.254.169.254]/latest": "never called",
		"http://[fe80::1%25eth0]/":               "never called",
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		err = egress.List{}.CheckURL(u)
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret")) {
			t.Errorf("%s: %v, want %q", address, err, want)
		}
	}
}

// TestBehindAProxyOnlyNamesCount: their addresses are the proxy's to know.
func TestBehindAProxyOnlyNamesCount(t *testing.T) {
	for host, ok := range map[string]bool{"hr.example.com": true, "10.0.0.5": true, "erp.internal": false, "192.168.1.1": false, "169.254.169.254": false} {
		if err := allow(t, "hr.example.com, 10.0.0.0/8").CheckName(host); (err == nil) != ok {
			t.Errorf("%s: %v", host, err)
		}
	}
	if err := (egress.List{}).CheckName("erp.internal"); err != nil {
		t.Error(err)
	}
}

func TestWhatAListMayHold(t *testing.T) {
	for _, bad := range []string{"https://hr.example.com", "hr.example.com:443", "*", "*example.com", "10.0.0.0/33", "a b", "hr..", ".example.com", "hr.*.com"} {
		if _, err := egress.Parse("ok.example.com," + bad); err == nil || !strings.Contains(err.Error(), strings.TrimSpace(bad)) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := egress.Parse(" A.example.com ,, [::1], 10.1.2.3/8,"); err != nil {
		t.Error(err)
	}
}

// TestDialJudgesWhatItConnectsTo: not what the name was said to be before.
func TestDialJudgesWhatItConnectsTo(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var host string
	var addr netip.Addr
	refuse := func(h string, ip netip.Addr) error {
		host, addr = h, ip
		return &egress.Refused{Host: h, Addr: ip, Why: "no"}
	}
	_, err = egress.Dial(&net.Dialer{}, refuse)(t.Context(), "tcp", l.Addr().String())
	var refused *egress.Refused
	if !errors.As(err, &refused) || host != "127.0.0.1" || !addr.IsLoopback() {
		t.Errorf("%v of %s at %s", err, host, addr)
	}
	conn, err := egress.Dial(&net.Dialer{}, egress.List{}.CheckAddr)(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}
