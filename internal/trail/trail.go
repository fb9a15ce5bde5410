// Package trail carries in a context what the work at hand is about: run,
// record, flow, request. Log lines and spans take it from there, so that
// whoever writes them need not know. It holds ids only, never names of people.
package trail

import (
	"context"
	"log/slog"
	"slices"

	"go.opentelemetry.io/otel/attribute"
)

type key struct{}

// With returns a context whose work is also about attrs. One with a name that
// is there already takes its place.
func With(ctx context.Context, attrs ...slog.Attr) context.Context {
	if len(attrs) == 0 {
		return ctx
	}
	list := slices.DeleteFunc(slices.Clone(Attrs(ctx)), func(a slog.Attr) bool { return Has(attrs, a.Key) })
	return context.WithValue(ctx, key{}, append(list, attrs...))
}

// Attrs returns what the work of ctx is about, widest first. The slice must
// not be changed.
func Attrs(ctx context.Context) []slog.Attr {
	attrs, _ := ctx.Value(key{}).([]slog.Attr)
	return attrs
}

// Has tells whether one of attrs has the name.
func Has(attrs []slog.Attr, name string) bool {
	return slices.ContainsFunc(attrs, func(a slog.Attr) bool { return a.Key == name })
}

// Span returns attrs as a span has them: "run_id" is "orgflow.run_id".
func Span(attrs []slog.Attr) []attribute.KeyValue {
	out := make([]attribute.KeyValue, len(attrs))
	for i, a := range attrs {
		out[i] = attribute.String("orgflow."+a.Key, a.Value.String())
	}
	return out
}
