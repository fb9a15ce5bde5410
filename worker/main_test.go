package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestAWorkerIsAskedWhereItsMetricsAre(t *testing.T) {
	answer := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.WriteHeader(answer)
		_, _ = io.WriteString(w, "no answer from Temporal")
	}))
	defer server.Close()
	t.Setenv("ORGFLOW_METRICS_ADDR", server.Listener.Addr().String())
	if err := health(t.Context()); err != nil {
		t.Errorf("a worker that is well: %v", err)
	}
	answer = http.StatusServiceUnavailable
	if err := health(t.Context()); err == nil || !strings.Contains(err.Error(), "no answer from Temporal") {
		t.Errorf("one that is not: %v", err)
	}
	t.Setenv("ORGFLOW_METRICS_ADDR", "")
	if err := health(t.Context()); err == nil || !strings.Contains(err.Error(), "ORGFLOW_METRICS_ADDR is not set") {
		t.Errorf("one that listens nowhere: %v", err)
	}
}
