package probe

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestWhereAListenerIsReached(t *testing.T) {
	for addr, want := range map[string]string{
		"127.0.0.1:8080":        "127.0.0.1:8080",
		"localhost:8080":        "localhost:8080",
		"192.0.2.7:8080":        "192.0.2.7:8080",
		"[2001:db8::1]:80":      "[2001:db8::1]:80",
		"0.0.0.0:9464":          "127.0.0.1:9464",
		":9464":                 "127.0.0.1:9464",
		"[::]:9464":             "127.0.0.1:9464",
		"[::ffff:0.0.0.0]:9464": "127.0.0.1:9464",
	} {
		if got, err := Local(addr); err != nil || got != want {
			t.Errorf("%s is reached at %q, %v; want %s", addr, got, err, want)
		}
	}
	for addr, want := range map[string]string{"127.0.0.1:0": "no fixed port", "127.0.0.1:": "no fixed port", "8080": "is not host:port", "": "is not host:port"} {
		if got, err := Local(addr); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is reached at %q, %v; want %s", addr, got, err, want)
		}
	}
}

// Only 200 is well; everything else is said.
func TestWhatAProgramAnswers(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://192.0.2.1:1") // is no way to a program on this machine
	mux := http.NewServeMux()
	mux.HandleFunc("/well", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("/ill", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no answer\nfrom Temporal "+strings.Repeat("x", 4096), http.StatusServiceUnavailable)
	})
	mux.Handle("/away", http.RedirectHandler("/well", http.StatusFound))
	server := httptest.NewServer(mux)
	defer server.Close()
	addr := server.Listener.Addr().String()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	if err := Ask(t.Context(), "0.0.0.0:"+port, "/well"); err != nil {
		t.Errorf("well: %v", err)
	}
	for path, want := range map[string]string{"/ill": "503 Service Unavailable: no answer from Temporal x", "/away": "302", "/none": "404"} {
		if err := Ask(t.Context(), addr, path); err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 700 {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
	server.Close()
	if err := Ask(t.Context(), addr, "/well"); err == nil || !strings.Contains(err.Error(), addr+"/well does not answer") {
		t.Errorf("nobody there: %v", err)
	}
}

// Who accepts and says nothing is not waited for longer than supervisors do.
func TestWhoSaysNothingIsIll(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 1)
	defer cancel()
	if err := ask(ctx, silent.Addr().String(), "/healthz"); err == nil || !strings.Contains(err.Error(), "does not answer in time") {
		t.Error(err)
	}
}
