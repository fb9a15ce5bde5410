// Package probe asks a program of orgflow on this machine how it is, for
// health checks of containers and supervisors: a bare container has no other
// program that could ask.
package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

const (
	// patience is below what supervisors usually wait for a health check, so
	// that it is this one that says what was wrong.
	patience = 4 * time.Second
	// quoted bounds how much of an answer is repeated.
	quoted = 512
)

// Local returns host:port at which this machine reaches a program that listens
// on addr: loopback where it listens on all addresses. An address without a
// fixed port cannot be reached by who did not open it.
func Local(addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("%q is not host:port: %w", addr, err)
	}
	if port == "" || strings.Trim(port, "0") == "" {
		return "", fmt.Errorf("%s has no fixed port: it is another one at every start", addr)
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.Unmap().IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}

// Ask wants 200 for a path from the program that listens on addr, within four
// seconds. Its error has what was answered instead. No proxy is asked, no
// redirect followed.
func Ask(ctx context.Context, addr, path string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return ask(ctx, addr, path)
}

func ask(ctx context.Context, addr, path string) error {
	local, err := Local(addr)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+local+path, nil)
	if err != nil {
		return fmt.Errorf("%s cannot be asked: %w", local, err)
	}
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s%s does not answer in time", local, path)
	}
	if err != nil {
		return fmt.Errorf("%s%s does not answer: %w", local, path, err)
	}
	defer func() { _ = res.Body.Close() }() // read as far as it matters
	if res.StatusCode == http.StatusOK {
		return nil
	}
	said, _ := io.ReadAll(io.LimitReader(res.Body, quoted)) // the status says enough
	return fmt.Errorf("%s%s answers %s: %s", local, path, res.Status, strings.Join(strings.Fields(string(said)), " "))
}
