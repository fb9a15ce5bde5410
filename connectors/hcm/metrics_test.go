package hcm

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/connectors"
)

// tally is an observer that writes down what it is told.
type tally []string

func (t *tally) Observe(vendor, path, outcome string, took time.Duration) {
	if took < 0 {
		outcome += " in negative time"
	}
	*t = append(*t, vendor+" "+path+" "+outcome)
}
func (t *tally) Throttled(vendor string)             { *t = append(*t, vendor+" throttled") }
func (t *tally) TokenFetched(vendor, outcome string) { *t = append(*t, vendor+" token "+outcome) }

// Every call is counted with the gateway's code, tokens too, and nothing of
// what was asked for or answered.
func TestCallsAreCounted(t *testing.T) {
	answers := []string{
		`{"access_token":"t1","expires_in":7200}`, `{"errcode":51006,"errmsg":"x"}`,
		`{"access_token":"t2","expires_in":7200}`, `{"errcode":0,"data":[]}`,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(answers[0]))
		answers = answers[1:]
	}))
	defer server.Close()
	var got tally
	s, err := New(Config{BaseURL: server.URL, Auth: Auth{Mode: ClientCredentials, TokenURL: server.URL + "/token", ClientID: "c", ClientSecret: secret}}, WithMetrics(&got))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.ReadPage(t.Context(), connectors.Query{Model: "Employee"}, ""); err != nil {
		t.Fatal(err)
	}
	want := tally{"hcm token ok", "hcm hcm.model.list 51006", "hcm token ok", "hcm hcm.model.list ok"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestFailuresAreCountedByCode(t *testing.T) {
	for want, err := range map[string]error{
		"unavailable": orgflow.Faultf(orgflow.CodeUnavailable, "x"), "internal": errors.New("x"),
		"HTTP 429": &orgflow.Fault{Code: orgflow.CodeThrottled, VendorCode: "HTTP 429"},
		"canceled": &orgflow.Fault{Code: orgflow.CodeUnavailable, Err: context.Canceled},
	} {
		var got tally
		(&Source{metrics: &got}).observe("x", err, 0)
		if !slices.Contains(got, "hcm x "+want) || slices.Contains(got, "hcm throttled") != (want == "HTTP 429") {
			t.Errorf("%v: %q", err, got)
		}
	}
}
