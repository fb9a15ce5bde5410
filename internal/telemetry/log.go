// Package telemetry sets up logs and metrics the same way for every program
// of orgflow.
package telemetry

import (
	"io"
	"log/slog"
	"os"

	"golang.org/x/term"

	"orgflow/internal/config"
)

// NewLogger writes lines to w in the given format, masked by r. LogAuto is
// text when w is a terminal and JSON otherwise.
func NewLogger(w io.Writer, format config.LogFormat, level slog.Leveler, r *Redactor) *slog.Logger {
	if format == config.LogAuto {
		format = config.LogJSON
		if IsTerminal(w) {
			format = config.LogText
		}
	}
	options := &slog.HandlerOptions{Level: level}
	var next slog.Handler = slog.NewJSONHandler(w, options)
	if format == config.LogText {
		next = slog.NewTextHandler(w, options)
	}
	return slog.New(NewHandler(next, r))
}

// IsTerminal tells whether somebody may be looking at w.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
