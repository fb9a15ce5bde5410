package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync/atomic"

	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/log/tag"
)

// silent is above every level.
const silent = slog.Level(100)

// bridge passes the server's log on to slog from warn upwards. The server
// calls Fatal in constructors and serving goroutines; ending the whole
// process from there would take the rest of orgflow along, so the bridge ends
// only the calling goroutine and reports the failure.
type bridge struct {
	logger *slog.Logger
	shared *bridgeState
}

// bridgeState is common to a bridge and all loggers derived from it.
type bridgeState struct {
	level atomic.Int64
	fatal chan error // one element: the first fatal error
}

var _ log.WithLogger = (*bridge)(nil)

func newBridge(logger *slog.Logger) *bridge {
	b := &bridge{
		logger: logger.With("component", "temporal"),
		shared: &bridgeState{fatal: make(chan error, 1)},
	}
	b.shared.level.Store(int64(slog.LevelWarn))
	return b
}

// silence stops all output. A stopping server logs a burst of lost
// connections that means nothing (Temporal reference § 12.4 no. 16).
func (b *bridge) silence() { b.shared.level.Store(int64(silent)) }

// With implements log.WithLogger.
func (b *bridge) With(tags ...tag.Tag) log.Logger {
	return &bridge{logger: b.logger.With(attrs(tags)...), shared: b.shared}
}

func (b *bridge) Debug(msg string, tags ...tag.Tag)  { b.log(slog.LevelDebug, msg, tags) }
func (b *bridge) Info(msg string, tags ...tag.Tag)   { b.log(slog.LevelInfo, msg, tags) }
func (b *bridge) Warn(msg string, tags ...tag.Tag)   { b.log(slog.LevelWarn, msg, tags) }
func (b *bridge) Error(msg string, tags ...tag.Tag)  { b.log(slog.LevelError, msg, tags) }
func (b *bridge) DPanic(msg string, tags ...tag.Tag) { b.log(slog.LevelError, msg, tags) }

// Panic logs and panics: callers rely on not being returned to, and the
// server recovers panics of its request handlers.
func (b *bridge) Panic(msg string, tags ...tag.Tag) {
	b.log(slog.LevelError, msg, tags)
	panic(msg)
}

// Fatal logs, reports the failure and ends the calling goroutine.
func (b *bridge) Fatal(msg string, tags ...tag.Tag) {
	b.log(slog.LevelError, msg, tags)
	err := errors.New(msg)
	for _, t := range tags {
		if cause, ok := t.Value().(string); ok && t.Key() == "error" {
			err = fmt.Errorf("%s: %s", msg, cause)
		}
	}
	select {
	case b.shared.fatal <- err:
	default: // an earlier failure is being reported
	}
	runtime.Goexit()
}

func (b *bridge) log(level slog.Level, msg string, tags []tag.Tag) {
	if int64(level) >= b.shared.level.Load() {
		b.logger.Log(context.Background(), level, msg, attrs(tags)...)
	}
}

func attrs(tags []tag.Tag) []any {
	out := make([]any, 0, len(tags))
	for _, t := range tags {
		out = append(out, slog.Any(t.Key(), t.Value()))
	}
	return out
}
