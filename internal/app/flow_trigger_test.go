package app

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"orgflow"
	"orgflow/activities"
	"orgflow/internal/approval"
	"orgflow/internal/egress"
)

// answering is a name server that gives every name one address of IPv4.
func answering(ip string) *net.Resolver {
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
				reply := answer(query, netip.MustParseAddr(ip))
				if _, err := there.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)); err != nil {
					return
				}
			}
		}()
		return here, nil
	}}
}

func answer(query []byte, ip netip.Addr) []byte {
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
	return append(append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4), ip.AsSlice()...)
}

func TestTriggersReachListedHostsOnly(t *testing.T) {
	var calls atomic.Int64
	remote := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		if r.URL.Path == "/away" {
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data", http.StatusTemporaryRedirect)
		}
	}))
	defer remote.Close()
	_, port, err := net.SplitHostPort(remote.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		hosts   approval.Hosts
		url     string
		dns     string // what names resolve to
		status  int
		refused string
	}{
		"listed":           {approval.Hosts{"127.0.0.1:" + port}, remote.URL, "", 200, ""},
		"not listed":       {approval.Hosts{"erp.example.com"}, remote.URL + "/secret", "", 0, `"triggers": {"hosts"`},
		"redirected":       {approval.Hosts{"127.0.0.1"}, remote.URL + "/away", "", http.StatusTemporaryRedirect, ""},
		"a name of ours":   {approval.Hosts{"erp.example.com"}, "http://erp.example.com:" + port + "/", "127.0.0.1", 0, "that is this machine"},
		"a name of clouds": {approval.Hosts{"erp.example.com"}, "http://erp.example.com:" + port + "/", "169.254.169.254", 0, "metadata addresses are never called"},
	} {
		t.Run(name, func(t *testing.T) {
			before := calls.Load()
			caller := newTriggerCaller(&net.Dialer{Resolver: answering(c.dns)}, egress.List{})
			status, err := caller.Call(t.Context(), activities.TriggerCall{Method: "POST", URL: c.url, Hosts: c.hosts})
			var fault *orgflow.Fault
			switch {
			case c.refused == "" && (err != nil || status != c.status):
				t.Errorf("%d, %v; want status %d", status, err, c.status)
			case c.refused != "" && (!errors.As(err, &fault) || fault.Code != orgflow.CodeInvalidConfig || !strings.Contains(fault.Message, c.refused) || strings.Contains(fault.Message, "/secret")):
				t.Errorf("%v; want a fault about %q", err, c.refused)
			case c.refused != "" && calls.Load() != before:
				t.Error("was called all the same")
			}
		})
	}
}
