package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"go.temporal.io/api/workflowservice/v1"

	"orgflow/internal/freeport"
)

var listAll = &workflowservice.ListWorkflowExecutionsRequest{Namespace: "default", PageSize: 100}

// httpClient keeps one connection per call in flight.
var httpClient = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}

func send(ctx context.Context, method, url, body string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader([]byte(body)))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer hcm-sim-token")
	res, err := httpClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %s", method, url, res.Status, raw)
	}
	return raw, err
}

func put(ctx context.Context, url, body string) error {
	_, err := send(ctx, http.MethodPut, url, body)
	return err
}

func post(ctx context.Context, url, body string) error {
	_, err := send(ctx, http.MethodPost, url, body)
	return err
}

func get[T any](ctx context.Context, url string) (T, error) {
	return decode[T](send(ctx, http.MethodGet, url, ""))
}

func postJSON[T any](ctx context.Context, url, body string) (T, error) {
	return decode[T](send(ctx, http.MethodPost, url, body))
}

func decode[T any](raw []byte, err error) (T, error) {
	var v T
	if err == nil {
		err = json.Unmarshal(raw, &v)
	}
	return v, err
}

// poll asks until done; the pause keeps the asking out of the measurement.
func poll(ctx context.Context, done func() (bool, error)) error {
	return pollEvery(ctx, 100*time.Millisecond, done)
}

func pollEvery(ctx context.Context, pause time.Duration, done func() (bool, error)) error {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

func freePorts(n int) ([]string, error) {
	addrs := make([]string, n)
	for i := range addrs {
		l, err := freeport.Listen("127.0.0.1", 30_000, 32_000)
		if err != nil {
			return nil, err
		}
		defer l.Close()
		addrs[i] = l.Addr().String()
	}
	return addrs, nil
}

// quiet drops the SDK's log lines.
type quiet struct{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}
