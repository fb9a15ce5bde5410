package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collector takes traces the way an OpenTelemetry collector does.
type collector struct {
	mu       sync.Mutex
	requests []*collectorpb.ExportTraceServiceRequest
}

// traced makes the installation's programs send traces, soon, to a collector.
func (w *world) traced() *collector {
	w.t.Helper()
	c := &collector{}
	server := httptest.NewServer(c)
	w.t.Cleanup(server.Close)
	w.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = server.URL
	w.env["OTEL_BSP_SCHEDULE_DELAY"] = "100" // ms
	return c
}

// ServeHTTP implements http.Handler.
func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var request collectorpb.ExportTraceServiceRequest
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = proto.Unmarshal(body, &request)
	}
	if err != nil || r.URL.Path != "/v1/traces" {
		http.Error(w, fmt.Sprintf("%s: %v", r.URL.Path, err), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests = append(c.requests, &request)
	w.Header().Set("Content-Type", "application/x-protobuf") // of an empty message: it took everything
}

func (c *collector) received() []*collectorpb.ExportTraceServiceRequest {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.requests)
}

// span is one that was received, with the program it is from.
type span struct {
	*tracepb.Span
	service string
}

func (c *collector) spans() (list []span) {
	for _, request := range c.received() {
		for _, resource := range request.GetResourceSpans() {
			service := ""
			for _, a := range resource.GetResource().GetAttributes() {
				if a.GetKey() == "service.name" {
					service = a.GetValue().GetStringValue()
				}
			}
			for _, scope := range resource.GetScopeSpans() {
				for _, s := range scope.GetSpans() {
					list = append(list, span{s, service})
				}
			}
		}
	}
	return list
}

// wait returns once a span of the name has come.
func (c *collector) wait(t *testing.T, name string) {
	t.Helper()
	eventually(t, 30*time.Second, 100*time.Millisecond, "a span "+name, func() error {
		if !slices.ContainsFunc(c.spans(), func(s span) bool { return s.GetName() == name }) {
			return errNotYet
		}
		return nil
	})
}

// oneTrace wants all calls that a run made to DingTalk, from whichever worker,
// to be in the trace of the HTTP request that started it, and the links
// between to be there.
func oneTrace(t *testing.T, spans []span) {
	t.Helper()
	byID, calls := map[string]span{}, 0
	for _, s := range spans {
		byID[string(s.GetTraceId())+string(s.GetSpanId())] = s
	}
	const want = "ding_talk " + userCreate + " < RunActivity:ApplyPage < StartActivity:ApplyPage < RunWorkflow:SyncRun < StartWorkflow:SyncRun < POST /api/v1/sync-runs"
	services := map[string]bool{}
	for _, s := range spans {
		if s.GetName() != "ding_talk "+userCreate {
			continue
		}
		calls++
		var way []string
		for at, ok := s, true; ok; at, ok = byID[string(at.GetTraceId())+string(at.GetParentSpanId())] {
			way = append(way, at.GetName())
			services[at.service] = true
		}
		if got := strings.Join(way, " < "); got != want {
			t.Fatalf("the way to a call of DingTalk is\n%s, want\n%s", got, want)
		}
	}
	if calls < 300 {
		t.Errorf("%d spans of 300 inserts: spans were lost", calls)
	}
	if !services["orgflow-server"] || !services["orgflow-worker"] {
		t.Errorf("spans are from %v", services)
	}
}
