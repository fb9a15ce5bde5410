package trail

import (
	"context"
	"log/slog"
	"testing"
)

func text(ctx context.Context) (s string) {
	for _, a := range Attrs(ctx) {
		s += a.String() + " "
	}
	return s
}

func TestWorkIsAboutWhatTheWorkAroundItIs(t *testing.T) {
	run := With(t.Context(), slog.String("run_id", "sync-1"), slog.String("kind", "org"))
	one := With(run, slog.String("record", "person:1"))
	two := With(run, slog.String("record", "person:2"), slog.String("kind", "person"))
	for _, tc := range []struct {
		ctx  context.Context
		want string
	}{
		{t.Context(), ""},
		{With(t.Context()), ""},
		{run, "run_id=sync-1 kind=org "},
		{one, "run_id=sync-1 kind=org record=person:1 "},
		{two, "run_id=sync-1 record=person:2 kind=person "},
	} {
		if got := text(tc.ctx); got != tc.want {
			t.Errorf("about %q, want %q", got, tc.want)
		}
	}
}

func TestSpansBearTheSame(t *testing.T) {
	got := Span([]slog.Attr{slog.String("run_id", "sync-1"), slog.Int("change", 7)})
	if len(got) != 2 || got[0].Key != "orgflow.run_id" || got[0].Value.AsString() != "sync-1" || got[1].Value.AsString() != "7" {
		t.Errorf("attributes of a span: %v", got)
	}
}
