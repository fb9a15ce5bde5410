package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"orgflow"
)

func observer(t *testing.T) (*Prometheus, *prometheus.Registry) {
	t.Helper()
	reg := prometheus.NewRegistry()
	p, err := NewPrometheus(reg)
	if err != nil {
		t.Fatal(err)
	}
	return p, reg
}

// A vendor that makes up a code or a path for each call costs a bounded
// number of series; what was known before is counted on.
func TestLabelsAreBoundedWhateverAVendorSends(t *testing.T) {
	p, reg := observer(t)
	for i := range 3 * maxLabels {
		p.Observe("v", "/p", fmt.Sprint("code", i), time.Second)
		p.Observe("w", fmt.Sprint("/", i), "ok", time.Second)
	}
	p.Observe("v", "/p", "code0", time.Second)
	p.Observe("other vendor", "/p", "code999", time.Second)
	for outcome, want := range map[string]float64{"code0": 2, "code999": 1, "other": 2 * maxLabels} {
		if n := gathered(t, reg, "outcome", outcome); n != want {
			t.Errorf("outcome %s counted %v times, want %v", outcome, n, want)
		}
	}
	if n := gathered(t, reg, "path", "other"); n != 2*2*maxLabels {
		t.Errorf("%v calls counted and measured on other paths", n)
	}
}

func TestALinkCountsThrottlesAndTokens(t *testing.T) {
	p, reg := observer(t)
	p.Expect("v")
	if n := series(t, reg, "orgflow_vendor_throttled_total") + series(t, reg, "orgflow_vendor_token_renewals_total"); n != 2 {
		t.Errorf("%d series before the first event, want 2", n)
	}
	l := NewLink(Vendor{Name: "v"}, Options{Transport: http.DefaultTransport, Metrics: p})
	l.CountThrottled()
	if n := gathered(t, reg, "vendor", "v"); n != 1 {
		t.Errorf("%v throttles", n)
	}
	answers := []error{nil, orgflow.Faultf(orgflow.CodeUnauthorized, "x"), errors.New("x")}
	tokens := l.Tokens(func(context.Context) (string, time.Duration, error) {
		err := answers[0]
		answers = answers[1:]
		return "secret", time.Hour, err
	})
	for range 3 {
		token, _ := tokens.Token(t.Context())
		tokens.Invalidate(token)
	}
	for _, outcome := range []string{"ok", "unauthorized", "internal"} {
		if n := gathered(t, reg, "outcome", outcome); n != 1 {
			t.Errorf("%v tokens fetched with outcome %s, want 1", n, outcome)
		}
	}
}

// What is metered is a shared budget still: it can be held, and told of calls
// that left late.
func TestABudgetCountsItsTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, reg := observer(t)
		shared := NewShared(&ledger{}, 10)
		l := p.Budget("129", "v", 10, shared)
		for range 3 {
			mustWait(t, l)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := l.Wait(ended); err == nil {
			t.Error("a turn for a caller that has left")
		}
		if n := gathered(t, reg, "consumer", "v"); n != 3+3 { // counted and measured
			t.Errorf("%v turns, want 3", n)
		}
		if n := series(t, reg, "orgflow_rate_budget"); n != 1 {
			t.Errorf("%d budgets", n)
		}
		start := time.Now()
		if err := l.(Holder).Hold(t.Context(), time.Minute); err != nil {
			t.Fatal(err)
		}
		l.(lateness).Late()
		mustWait(t, l)
		if took := time.Since(start); took < time.Minute {
			t.Errorf("held for %v", took)
		}
	})
}

// series is the number of a metric's series.
func series(t *testing.T, reg *prometheus.Registry, name string) int {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return len(f.GetMetric())
		}
	}
	return 0
}
