package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

var httpClient = &http.Client{Timeout: 30 * time.Second}

// call sends JSON and returns status and body.
func call(method, url, body string) (int, string, error) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := httpClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	return res.StatusCode, string(raw), err
}

// must calls and decodes a successful answer.
func must(t *testing.T, method, url, body string, into any) {
	t.Helper()
	status, answer, err := call(method, url, body)
	if err != nil || status >= 300 {
		t.Fatalf("%s %s answered %d %s %v", method, url, status, answer, err)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal([]byte(answer), into); err != nil {
		t.Fatalf("%s %s: %v in %s", method, url, err, answer)
	}
}

// summary is what contract § 5 says of a run, as far as tests look at it.
type summary struct {
	ID       string `json:"id"`
	RunID    string `json:"run_id"`
	Status   string `json:"status"`
	Phase    string `json:"phase"`
	Progress struct {
		Done, Total int
	} `json:"progress"`
	Plan map[string]struct {
		Insert, Update, Delete, Unchanged, Held int
	} `json:"plan"`
	Applied map[string]map[string]struct {
		Done, Failed, Blocked, Pending int
	} `json:"applied"`
	Paused        *struct{ By, Reason string }
	Notes         []string
	ParkedDeletes int `json:"parked_deletes"`
	Calls         int `json:"calls"`
	Throttled     int `json:"throttled"`
	Error         *struct {
		Code, Message, Advice string
		VendorCode            string `json:"vendor_code"`
	} `json:"error"`
	Files []struct{ Name, Layer, SHA256 string } `json:"files"`
}

func (s summary) terminal() bool {
	return s.Status != "running" && s.Status != "paused" && s.Status != "awaiting_approval"
}

// runs lists the recorded runs, newest first.
func (w *world) runs() []summary {
	w.t.Helper()
	var page struct{ Runs []summary }
	must(w.t, "GET", "http://"+w.http+"/api/v1/sync-runs?limit=100", "", &page)
	return page.Runs
}

// begin starts a run through HTTP.
func (w *world) begin(job string) string {
	w.t.Helper()
	var started struct{ ID string }
	must(w.t, "POST", "http://"+w.http+"/api/v1/sync-runs", job, &started)
	return started.ID
}

// look returns a run's summary.
func (w *world) look(id string) summary {
	w.t.Helper()
	var s summary
	must(w.t, "GET", "http://"+w.http+"/api/v1/sync-runs/"+id, "", &s)
	return s
}

// await waits for the end of a run.
func (w *world) await(id string, within time.Duration) summary {
	w.t.Helper()
	var s summary
	eventually(w.t, within, 100*time.Millisecond, "the end of run "+id, func() error {
		if s = w.look(id); !s.terminal() {
			return fmt.Errorf("%s in %s, %d of %d", s.Status, s.Phase, s.Progress.Done, s.Progress.Total)
		}
		return nil
	})
	return s
}

// sync runs a job through HTTP and wants it completed.
func (w *world) sync(job string) summary {
	w.t.Helper()
	s := w.await(w.begin(job), 2*time.Minute)
	w.completed(s)
	return s
}

func (w *world) completed(s summary) {
	w.t.Helper()
	if s.Status != "completed" {
		w.t.Fatalf("run %s is %s: %s", s.ID, s.Status, w.troubles(s.ID))
	}
}

// troubles lists what went wrong in a run, for messages.
func (w *world) troubles(id string) string {
	status, body, err := call("GET", "http://"+w.http+"/api/v1/sync-runs/"+id, "")
	out := fmt.Sprintf("%d %s %v", status, body, err)
	for _, state := range []string{"failed", "blocked", "held", "disputed", "parked"} {
		_, body, _ := call("GET", "http://"+w.http+"/api/v1/sync-runs/"+id+"/changes?limit=5&state="+state, "")
		out += "\n" + state + ": " + body
	}
	return out
}

// demoJob is the sync of departments and people of company 129.
const demoJob = `{"services": ["org_new", "person_new"], "consumer": "ding_talk", "company_id": 129, "params": {}}`
