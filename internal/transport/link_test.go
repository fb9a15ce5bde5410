package transport_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"orgflow"
	"orgflow/internal/transport"
)

// held is a limiter that notes for how long it was held.
type held struct{ pauses []time.Duration }

func (h *held) Wait(context.Context) error { return nil }
func (h *held) Hold(_ context.Context, d time.Duration) error {
	h.pauses = append(h.pauses, d)
	return nil
}

func request(t *testing.T) *http.Request {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://vendor.invalid/x", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// answering is a vendor that always answers with a body.
func answering(body string) transport.Func {
	return func(req *http.Request) (*http.Response, error) {
		httptrace.ContextClientTrace(req.Context()).WroteHeaders()
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"X-Id": {"7"}}, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

func TestALinkHandsTheAnswerToTheCallAndCounts(t *testing.T) {
	l := transport.NewLink(transport.Vendor{Name: "v", MaxBody: 10}, transport.Options{Transport: answering("hello")})
	var got string
	header, err := l.Send(request(t), &transport.Call{Decode: func(status int, body []byte) string { got = string(body); return "" }})
	if err != nil || got != "hello" || header.Get("X-Id") != "7" {
		t.Errorf("%q %v %v", got, header, err)
	}
	l.CountThrottled()
	if s := l.Stats(); s != (transport.Stats{Calls: 1, Throttled: 1}) {
		t.Errorf("%+v", s)
	}
}

func TestALinkBoundsTheAnswer(t *testing.T) {
	l := transport.NewLink(transport.Vendor{MaxBody: 4}, transport.Options{Transport: answering("hello")})
	_, err := l.Send(request(t), &transport.Call{Write: true})
	if orgflow.AsFault(err).Code != orgflow.CodeUnknownOutcome || l.Stats().Calls != 1 {
		t.Errorf("%v after %+v, want an unknown outcome", err, l.Stats())
	}
}

// The process's timeout counts before the vendor's, and that before ours.
func TestALinkWaitsNoLongerThanItsTimeout(t *testing.T) {
	for _, tc := range []struct{ given, vendors, want time.Duration }{
		{time.Second, time.Minute, time.Second}, {0, time.Minute, time.Minute}, {0, 0, 30 * time.Second}, {-1, -1, 30 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			mute := transport.Func(func(req *http.Request) (*http.Response, error) {
				<-req.Context().Done()
				return nil, req.Context().Err()
			})
			l := transport.NewLink(transport.Vendor{Timeout: tc.vendors, MaxBody: 1}, transport.Options{Transport: mute, Timeout: tc.given})
			start := time.Now()
			if _, err := l.Send(request(t), &transport.Call{}); err == nil || time.Since(start) != tc.want {
				t.Errorf("%v after %v, want %v", err, time.Since(start), tc.want)
			}
		})
	}
}

func TestALinkWithoutALimiterKeepsTheVendorsOwnBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := transport.NewLink(transport.Vendor{QPS: 2, MaxBody: 9}, transport.Options{Transport: answering("")})
		start := time.Now()
		for range 3 {
			if _, err := l.Send(request(t), &transport.Call{}); err != nil {
				t.Fatal(err)
			}
		}
		if took := l.Now().Sub(start); took < time.Second {
			t.Errorf("three calls in %v at two a second", took)
		}
	})
}

func TestOnlyThrottlingSlowsEverybodyDown(t *testing.T) {
	limiter := &held{}
	l := transport.NewLink(transport.Vendor{}, transport.Options{Limiter: limiter})
	l.SlowDown(t.Context(), &orgflow.Fault{Code: orgflow.CodeUnavailable, RetryAfter: time.Hour})
	l.SlowDown(t.Context(), &orgflow.Fault{Code: orgflow.CodeThrottled, RetryAfter: time.Minute})
	if len(limiter.pauses) != 1 || limiter.pauses[0] != time.Minute {
		t.Errorf("held for %v", limiter.pauses)
	}
	plain := transport.NewLink(transport.Vendor{QPS: 1}, transport.Options{})
	plain.SlowDown(t.Context(), &orgflow.Fault{Code: orgflow.CodeThrottled}) // nobody shares it
}
