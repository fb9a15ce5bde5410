package dingtalk

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/transport"
)

// schedule is the ledger of a budget that several workers share.
type schedule struct {
	mu   sync.Mutex
	next time.Time
}

func (s *schedule) Lease(_ context.Context, n int, every time.Duration) (first, now time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now = time.Now(); s.next.Before(now) {
		s.next = now
	}
	first = s.next
	s.next = first.Add(time.Duration(n) * every)
	return first, now, nil
}

func (s *schedule) Hold(_ context.Context, d time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if until := time.Now().Add(d); until.After(s.next) {
		s.next = until
	}
	return nil
}

// DingTalk bans an address, not a process (DingTalk reference § 10.3): when
// one worker is told, whatever it called, no worker calls for five minutes.
func TestABanOfOneWorkerStopsAll(t *testing.T) {
	for name, banned := range map[string]string{"a call": pathUserUpdate, "the token": pathToken} {
		for _, page := range []string{`<html>deny</html>`, `{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"u"}`} {
			t.Run(name+" "+page[:1], func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { banOne(t, banned, page) })
			})
		}
	}
}

func banOne(t *testing.T, path, page string) {
	var mu sync.Mutex
	var ban time.Time
	var after []time.Duration // calls after the ban
	vendor := transport.Func(func(req *http.Request) (*http.Response, error) {
		mu.Lock()
		defer mu.Unlock()
		body := okAnswer
		switch {
		case !ban.IsZero():
			after = append(after, time.Since(ban))
		case req.URL.Path == path:
			ban, body = time.Now(), page
		}
		if req.URL.Path == pathToken && body == okAnswer {
			body = `{"accessToken":"T1","expireIn":7200}`
		}
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(body))}, nil
	})
	budget := &schedule{}
	var workers [4]*Client
	for i := range workers {
		qps := 18.0
		c, err := New(Config{BaseURL: "http://vendor.invalid", APIBaseURL: "http://vendor.invalid", AppKey: "k", AppSecret: "s", QPS: &qps},
			Options{Transport: vendor, Limiter: transport.NewShared(budget, qps)})
		if err != nil {
			t.Fatal(err)
		}
		workers[i] = c
	}
	if _, err := workers[0].Apply(t.Context(), updateTitle()); orgflow.AsFault(err).VendorCode != codeIPBan {
		t.Fatalf("got %v, want the ban", err)
	}
	var wg sync.WaitGroup
	for _, c := range workers {
		wg.Go(func() { untilDone(t, c) })
	}
	wg.Wait()
	for _, d := range after {
		if d < banTime {
			t.Errorf("a call %v after the ban", d)
		}
	}
	if len(after) < len(workers) || after[0] > banTime+time.Minute {
		t.Errorf("calls after the ban: %v; want all workers to go on soon", after)
	}
}

// untilDone repeats a call as a page of changes does.
func untilDone(t *testing.T, c *Client) {
	for range 100 {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		_, err := c.Apply(ctx, connectors.Effect{Kind: orgflow.Person, Op: orgflow.Update, ConsumerID: "E1", Fields: map[string]any{"title": "总监"}})
		cancel()
		if err == nil {
			return
		}
		f := orgflow.AsFault(err)
		if f.Code != orgflow.CodeThrottled {
			t.Errorf("got %v", err)
			return
		}
		time.Sleep(max(time.Second, f.RetryAfter))
	}
	t.Error("it never went on")
}
