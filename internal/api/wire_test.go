package api

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestOverTheWire repeats on a real connection what a recorder cannot show:
// deadlines on the socket, a body of unknown length, HEAD without a body.
func TestOverTheWire(t *testing.T) {
	srv := httptest.NewServer(New(newWorld().deps()))
	defer srv.Close()
	do := func(method, path string, body io.Reader) (int, string) {
		t.Helper()
		req, err := http.NewRequest(method, srv.URL+path, body)
		if err != nil {
			t.Fatal(err)
		}
		res, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(text)
	}
	for range 2 { // the second request reuses the connection
		if status, text := do("POST", "/api/v1/sync-runs", strings.NewReader(job)); status != http.StatusAccepted {
			t.Errorf("start: %d %s", status, text)
		}
	}
	endless := io.MultiReader(strings.NewReader(`{"by":"`), strings.NewReader(strings.Repeat("x", 2*MaxBody)))
	if status, text := do("POST", "/api/v1/sync-runs", endless); status != http.StatusRequestEntityTooLarge || !strings.Contains(text, `"body_too_large"`) {
		t.Errorf("a body of unknown length: %d %.100s", status, text)
	}
	if status, text := do("HEAD", "/healthz", nil); status != http.StatusOK || text != "" {
		t.Errorf("HEAD: %d %q", status, text)
	}
}
