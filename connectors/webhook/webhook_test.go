package webhook_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/webhook"
	"orgflow/internal/transport"
)

var november = time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)

// posted is what a receiver got.
type posted struct {
	header http.Header
	body   string
}

// receiver answers with the statuses, one after the other.
func receiver(t *testing.T, statuses ...int) (string, *[]posted) {
	var got []posted
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost {
			t.Errorf("%s, %v", r.Method, err)
		}
		got = append(got, posted{r.Header, string(raw)})
		w.Header().Set("Location", "https://elsewhere.invalid/")
		w.WriteHeader(statuses[len(got)-1])
	}))
	t.Cleanup(s.Close)
	return s.URL, &got
}

func message() connectors.Message {
	return connectors.Message{To: "webhook", Key: "notice:1", MessageText: orgflow.MessageText{
		Title: "同步失败", Text: "凭证被拒绝 <&>", Link: "https://console.invalid/sync/r",
		Notice: &orgflow.NoticeFacts{CompanyID: 129, Event: orgflow.NoticeBreaker, Telling: "first", Job: "sync:ding_talk", Count: 1, Since: november, Ref: "r"},
	}}
}

// A post carries text and facts, is signed, and is the same at every try but
// for the time of the signature.
func TestWhatIsPosted(t *testing.T) {
	url, got := receiver(t, 204, 200)
	now := november
	c := webhook.New(url, "hush", transport.Options{Now: func() time.Time { now = now.Add(time.Minute); return now }})
	for range 2 {
		if _, _, err := c.SendMessage(context.Background(), message()); err != nil {
			t.Fatal(err)
		}
	}
	first, second := (*got)[0], (*got)[1]
	if first.body != second.body || first.header.Get(webhook.HeaderKey) != "notice:1" || second.header.Get(webhook.HeaderKey) != "notice:1" {
		t.Errorf("%+v, then %+v", first, second)
	}
	var body struct {
		ID, Title, Text, Link string
		Notice                orgflow.NoticeFacts
	}
	if err := json.Unmarshal([]byte(first.body), &body); err != nil {
		t.Fatal(err)
	}
	if m := message(); body.ID != m.Key || body.Title != m.Title || body.Text != m.Text || body.Link != m.Link || body.Notice != *m.Notice {
		t.Errorf("%+v", body)
	}
	for i, p := range *got {
		at := p.header.Get(webhook.HeaderTimestamp)
		if want := "sha256=" + webhook.Sign("hush", at, []byte(p.body)); at == "" || p.header.Get(webhook.HeaderSignature) != want {
			t.Errorf("post %d is signed %q at %q, want %q", i+1, p.header.Get(webhook.HeaderSignature), at, want)
		}
	}
	if first.header.Get(webhook.HeaderTimestamp) == second.header.Get(webhook.HeaderTimestamp) {
		t.Error("the signature is as old as the first try")
	}
}

// The signature is the one anybody can compute:
// printf '1763773200.{}' | openssl dgst -sha256 -hmac hush
func TestSignatures(t *testing.T) {
	const want = "56b35b209da1b0c72820fe97f1270f91060dad0879f2dec55a8ee2352b36791e"
	if got := webhook.Sign("hush", "1763773200", []byte("{}")); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	url, got := receiver(t, 200)
	if _, _, err := webhook.New(url, "", transport.Options{}).SendMessage(context.Background(), message()); err != nil {
		t.Fatal(err)
	}
	if h := (*got)[0].header; h.Get(webhook.HeaderSignature)+h.Get(webhook.HeaderTimestamp) != "" {
		t.Errorf("signed without a secret: %v", h)
	}
}

func TestWhatAnswersMean(t *testing.T) {
	for status, want := range map[int]orgflow.Code{
		301: orgflow.CodeInvalidConfig, 400: orgflow.CodeInvalidRecord, 401: orgflow.CodeUnauthorized, 403: orgflow.CodeUnauthorized,
		404: orgflow.CodeInvalidConfig, 405: orgflow.CodeInvalidConfig, 408: orgflow.CodeUnavailable, 410: orgflow.CodeInvalidConfig,
		413: orgflow.CodeInvalidRecord, 422: orgflow.CodeInvalidRecord, 429: orgflow.CodeThrottled, 500: orgflow.CodeUnavailable, 503: orgflow.CodeUnavailable,
	} {
		url, got := receiver(t, status)
		_, _, err := webhook.New(url, "hush", transport.Options{}).SendMessage(context.Background(), message())
		if f := orgflow.AsFault(err); f == nil || f.Code != want || len(*got) != 1 {
			t.Errorf("%d: %v after %d posts", status, err, len(*got))
		}
	}
}

// Addresses hold secrets: none is shown.
func TestWhatCannotBePosted(t *testing.T) {
	for address, want := range map[string]orgflow.Code{
		"http://127.0.0.1:1/hush?key=hush": orgflow.CodeUnavailable, "http://[hush/": orgflow.CodeInvalidConfig, "hush": orgflow.CodeUnavailable,
	} {
		_, _, err := webhook.New(address, "hush", transport.Options{}).SendMessage(context.Background(), message())
		if f := orgflow.AsFault(err); f == nil || f.Code != want || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", address, err)
		}
	}
}
