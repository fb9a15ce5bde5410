package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"
)

const (
	headerTime   = 10 * time.Second
	readTime     = 60 * time.Second // above every handler's deadline, see bodyTime
	writeTime    = 60 * time.Second
	idleTime     = 120 * time.Second
	shutdownTime = 15 * time.Second
)

// Listen opens an address that came from a setting. A busy one is explained
// on one line that names the setting.
func Listen(addr, variable string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s=%s is in use by another program; stop it or set %s to a free address", variable, addr, variable)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%s=%s: not allowed to listen there; ports below 1024 need privileges", variable, addr)
	case err != nil:
		return nil, fmt.Errorf("%s=%s: cannot listen: %w", variable, addr, err)
	}
	return l, nil
}

// Serve listens on addr (ORGFLOW_HTTP_ADDR) and serves h until ctx ends; then
// it lets requests in flight finish for up to 15 s. A clean end returns nil.
func Serve(ctx context.Context, addr string, h http.Handler, logger *slog.Logger) error {
	l, err := Listen(addr, "ORGFLOW_HTTP_ADDR")
	if err != nil {
		return err
	}
	return ServeListener(ctx, l, h, logger)
}

// ServeListener is Serve on an open listener, which it closes.
func ServeListener(ctx context.Context, l net.Listener, h http.Handler, logger *slog.Logger) error {
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       readTime,
		WriteTimeout:      writeTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	logger.InfoContext(ctx, "listening", "addr", l.Addr().String())
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	// Requests in flight outlive ctx on purpose.
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	if err := srv.Shutdown(grace); err != nil {
		_ = srv.Close() // cut what did not finish; Shutdown's error says so
		return fmt.Errorf("stop serving %s: %w", l.Addr(), err)
	}
	return nil
}
