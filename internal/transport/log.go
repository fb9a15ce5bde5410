package transport

import (
	"log/slog"
	"net/http"
	"time"
)

// Log writes one line for each call: method, path, status, vendor code,
// duration. Query strings, headers and bodies are never logged: they carry
// tokens and people. Successes are Debug, everything else Warn.
func Log(log *slog.Logger, vendor string) Layer {
	return func(next http.RoundTripper) http.RoundTripper {
		return Func(func(req *http.Request) (*http.Response, error) {
			start := time.Now()
			res, err := next.RoundTrip(req)
			logCall(log, vendor, req, res, err, time.Since(start))
			return res, err
		})
	}
}

func logCall(log *slog.Logger, vendor string, req *http.Request, res *http.Response, err error, took time.Duration) {
	call, ctx := callOf(req), req.Context()
	level := slog.LevelDebug
	if err != nil || call.code != "" {
		level = slog.LevelWarn
	}
	if !log.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("vendor", vendor),
		slog.String("method", req.Method),
		slog.String("path", call.path(req)),
		slog.Duration("took", took),
	}
	if res != nil {
		attrs = append(attrs, slog.Int("status", res.StatusCode))
	}
	if call.code != "" {
		attrs = append(attrs, slog.String("vendor_code", call.code))
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	log.LogAttrs(ctx, level, "vendor call", attrs...)
}
