package telemetry

import (
	"context"
	"fmt"
	"log/slog"

	"go.opentelemetry.io/otel/trace"

	"orgflow/internal/trail"
)

// Handler adds what the work is about (package trail) and, where there is a
// trace, its id. It masks attributes whose names say that they are secret or
// personal, and known secrets wherever they occur, then passes the record on.
type Handler struct {
	next     slog.Handler
	redactor *Redactor
}

// NewHandler puts the redactor in front of a handler.
func NewHandler(next slog.Handler, r *Redactor) *Handler { return &Handler{next: next, redactor: r} }

// Enabled asks the handler behind.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle passes a completed and masked copy of the record on.
func (h *Handler) Handle(ctx context.Context, record slog.Record) error {
	clean := slog.NewRecord(record.Time, record.Level, h.redactor.Text(record.Message), record.PC)
	own := make([]slog.Attr, 0, record.NumAttrs())
	record.Attrs(func(a slog.Attr) bool {
		own = append(own, h.attr(a))
		return true
	})
	clean.AddAttrs(own...)
	for _, a := range trail.Attrs(ctx) {
		if !trail.Has(own, a.Key) {
			clean.AddAttrs(h.attr(a))
		}
	}
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		clean.AddAttrs(slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String()))
	}
	return h.next.Handle(ctx, clean)
}

// WithAttrs masks the attributes once, for all records that follow.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = h.attr(a)
	}
	return &Handler{next: h.next.WithAttrs(clean), redactor: h.redactor}
}

// WithGroup opens a group in the handler behind.
func (h *Handler) WithGroup(name string) slog.Handler {
	return &Handler{next: h.next.WithGroup(name), redactor: h.redactor}
}

func (h *Handler) attr(a slog.Attr) slog.Attr {
	value := a.Value.Resolve()
	if sensitive(a.Key) {
		return slog.String(a.Key, mask)
	}
	switch value.Kind() {
	case slog.KindGroup:
		group := value.Group()
		clean := make([]slog.Attr, len(group))
		for i, member := range group {
			clean[i] = h.attr(member)
		}
		return slog.Attr{Key: a.Key, Value: slog.GroupValue(clean...)}
	case slog.KindString:
		return slog.String(a.Key, h.redactor.Text(value.String()))
	case slog.KindAny:
		return slog.Attr{Key: a.Key, Value: h.anyValue(value.Any())}
	default: // numbers, booleans, times: no room for a secret
		return slog.Attr{Key: a.Key, Value: value}
	}
}

// anyValue turns what could hide a secret into text. Structs are printed
// rather than encoded: their fields' names are not checked one by one, known
// secrets are.
func (h *Handler) anyValue(v any) slog.Value {
	switch v := v.(type) {
	case nil:
		return slog.AnyValue(nil)
	case *slog.Source:
		return slog.AnyValue(v)
	case error:
		return slog.StringValue(h.redactor.Text(v.Error()))
	case []byte:
		return slog.StringValue(h.redactor.Text(string(v)))
	case map[string]any:
		clean := make([]slog.Attr, 0, len(v))
		for key, value := range v {
			clean = append(clean, h.attr(slog.Any(key, value)))
		}
		return slog.GroupValue(clean...)
	}
	return slog.StringValue(h.redactor.Text(fmt.Sprintf("%+v", v)))
}
