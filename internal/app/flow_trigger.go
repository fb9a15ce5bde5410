package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"orgflow/activities"
)

const (
	triggerTimeout = 20 * time.Second
	// maxTriggerAnswer is how much of an answer is read, to use the
	// connection again; its content is of no interest.
	maxTriggerAnswer = 64 << 10
)

// triggerCaller makes the calls of trigger nodes.
type triggerCaller struct{ http *http.Client }

func newTriggerCaller() triggerCaller {
	return triggerCaller{&http.Client{
		Timeout: triggerTimeout,
		// A redirect would send the form elsewhere than the definition says.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Call sends one call. Errors do not show the address: it may hold a secret.
func (c triggerCaller) Call(ctx context.Context, t activities.TriggerCall) (int, error) {
	req, err := http.NewRequestWithContext(ctx, t.Method, t.URL, bytes.NewReader(t.Body))
	if err != nil {
		return 0, fmt.Errorf("the address of the call cannot be used")
	}
	req.GetBody = nil // net/http must not repeat it on its own
	for name, value := range t.Headers {
		req.Header.Set(name, value)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", t.Key)
	res, err := c.http.Do(req)
	if err != nil {
		return 0, fmt.Errorf("no answer")
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxTriggerAnswer)) // only to use the connection again
	return res.StatusCode, nil
}
