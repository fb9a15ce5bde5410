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
	headerTime = 10 * time.Second
	readTime   = 60 * time.Second // above every handler's deadline, see bodyTime
	writeTime  = 60 * time.Second
	idleTime   = 120 * time.Second
	// shutdownTime lets every request in flight have its answer: it is above
	// the deadline of handlers.
	shutdownTime = defaultTimeout + time.Second
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

// Serve listens on addr (ORGFLOW_HTTP_ADDR) and serves h until ctx ends. Then
// /readyz answers 503 for as long as drain says, so that nobody is sent here
// any more while everything is still answered; and then requests in flight
// finish, for up to 31 s. A clean end returns nil.
func Serve(ctx context.Context, addr string, h http.Handler, drain time.Duration, logger *slog.Logger) error {
	l, err := Listen(addr, "ORGFLOW_HTTP_ADDR")
	if err != nil {
		return err
	}
	return serve(ctx, l, h, drain, logger)
}

// ServeListener is Serve on an open listener, which it closes, without a
// drain: for what no load balancer stands before.
func ServeListener(ctx context.Context, l net.Listener, h http.Handler, logger *slog.Logger) error {
	return serve(ctx, l, h, 0, logger)
}

func serve(ctx context.Context, l net.Listener, h http.Handler, drain time.Duration, logger *slog.Logger) error {
	srv := &http.Server{
		Handler:           unreadyOnce(ctx, h),
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
	grace := context.WithoutCancel(ctx)
	if drain > 0 {
		logger.InfoContext(grace, "stopping: not ready any more, requests are still answered", "addr", l.Addr().String(), "for", drain.String())
		srv.SetKeepAlivesEnabled(false) // clients look for another server with their next request
		timer := time.NewTimer(drain)
		defer timer.Stop()
		select {
		case err := <-failed:
			return fmt.Errorf("serve %s: %w", l.Addr(), err)
		case <-timer.C:
		}
	}
	grace, cancel := context.WithTimeout(grace, shutdownTime)
	defer cancel()
	if err := srv.Shutdown(grace); err != nil {
		_ = srv.Close() // cut what did not finish; Shutdown's error says so
		return fmt.Errorf("stop serving %s: %w", l.Addr(), err)
	}
	return nil
}

// unreadyOnce answers /readyz with 503 once ctx has ended, whatever h says.
func unreadyOnce(ctx context.Context, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ctx.Err() != nil && r.URL.Path == pathReady {
			http.Error(w, "not ready: the server is stopping", http.StatusServiceUnavailable)
			return
		}
		h.ServeHTTP(w, r)
	})
}
