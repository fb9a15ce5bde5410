package dtsim_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	dtsim "orgflow/connectors/dingtalk/sim"
	"orgflow/connectors/simctl"
)

// An event that nobody takes, three times, is in the failed list, once.
func TestEventsNobodyTakesAreListed(t *testing.T) {
	asked := make(chan string, 10)
	deaf := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Query().Get("signature")
		w.WriteHeader(http.StatusInternalServerError)
	}))
	t.Cleanup(deaf.Close)
	w := newWorld(t, "")
	w.sim = dtsim.New(dtsim.Options{Now: w.clock.Now, Sleep: func(context.Context, time.Duration) {}})
	w.host = simctl.NewHost(w.sim)
	w.options(`{"qps": 0, "events": {"url": "` + deaf.URL + `", "token": "simtoken", "aes_key": "` + strings.Repeat("a", 43) + `"}}`)
	w.token = w.login()
	w.do("POST", "/topapi/v2/department/create?access_token="+w.token, `{"name": "研发", "parent_id": 1}`)
	for range 3 {
		if <-asked == "" {
			t.Error("not signed")
		}
	}
	var list struct {
		Errcode int
		Failed  []map[string]any `json:"failed_list"`
	}
	for deadline := time.Now().Add(10 * time.Second); len(list.Failed) == 0 && time.Now().Before(deadline); {
		got := w.do("GET", "/call_back/get_call_back_failed_result?access_token="+w.token, "")
		if err := json.Unmarshal([]byte(got.body), &list); err != nil || list.Errcode != 0 {
			t.Fatalf("%s %v", got.body, err)
		}
	}
	if len(list.Failed) != 1 || list.Failed[0]["call_back_tag"] != "org_dept_create" || list.Failed[0]["org_dept_create"] == nil {
		t.Errorf("listed %v", list.Failed)
	}
	if again := w.do("GET", "/call_back/get_call_back_failed_result?access_token="+w.token, ""); !strings.Contains(again.body, `"failed_list":[]`) {
		t.Errorf("read again: %s", again.body)
	}
}

func TestBrokenEventSettingsAreRefused(t *testing.T) {
	w := newWorld(t, "")
	for name, o := range map[string]string{
		"address": `{"events": {"url": "nowhere", "token": "abc", "aes_key": "` + strings.Repeat("a", 43) + `"}}`,
		"key":     `{"events": {"url": "http://127.0.0.1:1", "token": "abc", "aes_key": "short"}}`,
		"token":   `{"events": {"url": "http://127.0.0.1:1", "token": "", "aes_key": "` + strings.Repeat("a", 43) + `"}}`,
		"era":     `{"events": {"url": "http://127.0.0.1:1", "token": "abc", "aes_key": "` + strings.Repeat("a", 43) + `", "era": "x"}}`,
	} {
		if err := w.sim.SetOptions(json.RawMessage(o)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
