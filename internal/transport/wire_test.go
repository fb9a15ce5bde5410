package transport

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"orgflow"
	"orgflow/internal/egress"
)

// nameServer gives every name one address of IPv4, another one with each
// question, as who wants to get behind a look at the first answer does.
func nameServer(addrs ...string) *net.Resolver {
	var asked atomic.Int64
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		go func() {
			defer there.Close()
			for { // one message after the other, each behind its length
				var size [2]byte
				if _, err := io.ReadFull(there, size[:]); err != nil {
					return
				}
				query := make([]byte, binary.BigEndian.Uint16(size[:]))
				if _, err := io.ReadFull(there, query); err != nil {
					return
				}
				reply := nameReply(query, func() netip.Addr {
					n := int(asked.Add(1)) - 1
					return netip.MustParseAddr(addrs[min(n, len(addrs)-1)])
				})
				if _, err := there.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)); err != nil {
					return
				}
			}
		}()
		return here, nil
	}}
}

func nameReply(query []byte, address func() netip.Addr) []byte {
	end := 12
	for query[end] != 0 {
		end += int(query[end]) + 1
	}
	question := query[12 : end+5]
	reply := append([]byte{query[0], query[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, question...)
	if question[len(question)-3] != 1 { // not A
		return reply
	}
	reply[7] = 1
	return append(append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4), address().AsSlice()...)
}

func direct(*http.Request) (*url.URL, error) { return nil, nil }

// vendor counts who asks it what, and redirects whoever asks for /away.
func vendor(t *testing.T, to string) (at *url.URL, calls *atomic.Int64) {
	t.Helper()
	calls = new(atomic.Int64)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		if r.URL.Path == "/away" {
			http.Redirect(w, r, to, http.StatusTemporaryRedirect)
		}
	}))
	t.Cleanup(srv.Close)
	at, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	return at, calls
}

func post(t *testing.T, base http.RoundTripper, address string) (status int, err error) {
	t.Helper()
	l := NewLink(Vendor{Name: "v", MaxBody: 100}, Options{Transport: base})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer s3cret-token")
	_, err = l.Send(req, &Call{Write: true, Decode: func(s int, _ []byte) string { status = s; return "" }})
	return status, err
}

// TestTheWireRefusesForbiddenAddresses: nothing is sent, the fault says which
// setting to look at, and trying again is not suggested.
func TestTheWireRefusesForbiddenAddresses(t *testing.T) {
	at, calls := vendor(t, "")
	for name, c := range map[string]struct {
		allow, address string
		dns            []string
		refused        string // empty: it is called
	}{
		"a system beside us":        {"", at.String(), nil, ""},
		"a name of it":              {"", "http://hr.example:" + at.Port(), []string{"127.0.0.1"}, ""},
		"listed by address":         {"127.0.0.0/8", "http://hr.example:" + at.Port(), []string{"127.0.0.1"}, ""},
		"listed by name":            {"hr.example", "http://hr.example:" + at.Port(), []string{"127.0.0.1"}, ""},
		"not listed":                {"10.0.0.0/8", "http://hr.example:" + at.Port(), []string{"127.0.0.1"}, "ORGFLOW_EGRESS_ALLOW"},
		"metadata":                  {"", "http://169.254.169.254/latest", nil, "never called"},
		"a name of metadata":        {"", "http://hr.example/latest", []string{"169.254.169.254"}, "never called"},
		"a listed name of metadata": {"hr.example", "http://hr.example/latest", []string{"100.100.100.200"}, "never called"},
		"a user in the address":     {"", "http://root:s3cret@" + at.Host, nil, "carries a user"},
	} {
		t.Run(name, func(t *testing.T) {
			before := calls.Load()
			list, err := egress.Parse(c.allow)
			if err != nil {
				t.Fatal(err)
			}
			base := newBase(list, &net.Dialer{Resolver: nameServer(c.dns...)}, direct)
			defer base.CloseIdleConnections()
			_, err = post(t, base, c.address)
			switch {
			case c.refused == "" && (err != nil || calls.Load() != before+1):
				t.Errorf("%v after %d calls", err, calls.Load()-before)
			case c.refused != "":
				f := orgflow.AsFault(err)
				if f.Code != orgflow.CodeInvalidConfig || !strings.Contains(f.Message, c.refused) || strings.Contains(err.Error(), "s3cret") || calls.Load() != before {
					t.Errorf("%v (%s) after %d calls", err, f.Code, calls.Load()-before)
				}
			}
		})
	}
}

// TestAnotherAnswerOfTheNameServerIsJudgedToo (DNS rebinding): the first look
// is harmless, the second one, for a new connection, is not.
func TestAnotherAnswerOfTheNameServerIsJudgedToo(t *testing.T) {
	at, calls := vendor(t, "")
	base := newBase(egress.List{}, &net.Dialer{Resolver: nameServer("127.0.0.1", "169.254.169.254")}, direct)
	if _, err := post(t, base, "http://hr.example:"+at.Port()); err != nil {
		t.Fatal(err)
	}
	base.CloseIdleConnections()
	_, err := post(t, base, "http://hr.example:"+at.Port())
	if f := orgflow.AsFault(err); f.Code != orgflow.CodeInvalidConfig || !strings.Contains(f.Message, "169.254.169.254") || calls.Load() != 1 {
		t.Errorf("%v after %d calls", err, calls.Load())
	}
}

// TestNoRedirectIsFollowed: credentials go to no other host than the one
// that is configured.
func TestNoRedirectIsFollowed(t *testing.T) {
	elsewhere, stolen := vendor(t, "")
	at, calls := vendor(t, elsewhere.String())
	status, err := post(t, newBase(egress.List{}, &net.Dialer{}, direct), at.String()+"/away")
	if err != nil || status != http.StatusTemporaryRedirect || calls.Load() != 1 || stolen.Load() != 0 {
		t.Errorf("%d %v; %d calls, %d elsewhere", status, err, calls.Load(), stolen.Load())
	}
}

// TestBehindAProxy: the proxy itself needs no entry in the list, whom it is
// asked for does.
func TestBehindAProxy(t *testing.T) {
	proxy, calls := vendor(t, "")
	list, err := egress.Parse("hr.example")
	if err != nil {
		t.Fatal(err)
	}
	base := newBase(list, &net.Dialer{}, func(*http.Request) (*url.URL, error) { return proxy, nil })
	if _, err := post(t, base, "http://hr.example/x"); err != nil || calls.Load() != 1 {
		t.Errorf("%v after %d calls", err, calls.Load())
	}
	for _, address := range []string{"http://erp.example/x", "http://169.254.169.254/latest"} {
		if _, err := post(t, base, address); orgflow.AsFault(err).Code != orgflow.CodeInvalidConfig || calls.Load() != 1 {
			t.Errorf("%s: %v after %d calls", address, err, calls.Load())
		}
	}
}
