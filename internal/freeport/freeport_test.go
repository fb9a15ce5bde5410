package freeport_test

import (
	"net"
	"testing"

	"orgflow/internal/freeport"
)

func port(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

func TestPortsInUseArePassedOver(t *testing.T) {
	seen := map[int]bool{}
	for range 5 {
		l, err := freeport.Listen("127.0.0.1", 18000, 19000)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		if p := port(l); seen[p] || p < 18000 || p >= 19000 {
			t.Fatalf("port %d after %v", p, seen)
		}
		seen[port(l)] = true
	}
}

func TestARangeWithoutAFreePort(t *testing.T) {
	l, err := freeport.Listen("127.0.0.1", 18000, 19000)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if other, err := freeport.Listen("127.0.0.1", port(l), port(l)+1); err == nil {
		t.Errorf("port %d was given twice", port(other))
	}
}

func TestWhatIsRefused(t *testing.T) {
	for name, ask := range map[string]func() (net.Listener, error){
		"an empty range":          func() (net.Listener, error) { return freeport.Listen("127.0.0.1", 18000, 18000) },
		"a host of somebody else": func() (net.Listener, error) { return freeport.Listen("192.0.2.1", 18000, 19000) },
	} {
		if _, err := ask(); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
