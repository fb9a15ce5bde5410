package cli

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Health and readiness are two questions; the exit code is the answer, and
// nothing but the two addresses is needed to ask.
func TestHealth(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"status":"ok"}`) })
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, `{"detail":"not ready: no answer from database"}`)
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	t.Setenv("ORGFLOW_HTTP_ADDR", server.Listener.Addr().String())
	t.Setenv("ORGFLOW_API_KEYS_FILE", "/no/such/file") // has become unreadable since
	for line, want := range map[string]struct {
		code int
		said string
	}{
		"health":         {},
		"health --ready": {ExitFailed, "503 Service Unavailable: {\"detail\":\"not ready: no answer from database\"}"},
	} {
		var w world
		code := w.run(strings.Fields(line)...)
		if code != want.code || !strings.Contains(w.err.String(), want.said) || len(w.opened) > 0 {
			t.Errorf("%s: exit code %d, opened %v: %s", line, code, w.opened, &w.err)
		}
		if want.code == 0 && w.out.Len()+w.err.Len() > 0 {
			t.Errorf("%s says %s%s", line, &w.out, &w.err)
		}
	}
	t.Setenv("ORGFLOW_HTTP_ADDR", "8080")
	var w world
	if code := w.run("health"); code != ExitFailed || !strings.Contains(w.err.String(), "ORGFLOW_HTTP_ADDR") {
		t.Errorf("an address that is none: exit code %d: %s", code, &w.err)
	}
}
