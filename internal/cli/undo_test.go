package cli

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestRunsUndo(t *testing.T) {
	var w world
	if code := w.run("runs", "undo", "r1", "--by", "E1", "--reason", "wrong template"); code != 0 || w.out.String() != "Started r1-undone\n" {
		t.Errorf("%d\n%s%s", code, &w.out, &w.err)
	}
	for _, want := range []string{"The next ordinary run does the same again", "starter runs show r1-undone"} {
		if !strings.Contains(w.err.String(), want) {
			t.Errorf("%q is not said:\n%s", want, &w.err)
		}
	}
	w.out.Reset()
	w.err.Reset()
	if code := w.run("runs", "undo", "r2", "--dry-run", "--approval", "always", "--json", "--by", "E1"); code != 0 || !json.Valid(w.out.Bytes()) || strings.Contains(w.err.String(), "ordinary run") {
		t.Errorf("%d\n%s%s", code, &w.out, &w.err)
	}
	if want := []string{"undo false r1 by E1 because wrong template", "undo true always r2 by E1 because "}; !slices.Equal(w.steered, want) {
		t.Errorf("steered %q", w.steered)
	}
	w = world{summaries: []any{troubled()}}
	if code := w.run("runs", "undo", "r1", "--wait"); code != 2 || !strings.Contains(w.out.String(), statusText(troubled())) {
		t.Errorf("%d\n%s", code, &w.out)
	}
	w = world{}
	if code := w.run("runs", "undo", "r1", "--approval", "sometimes"); code != ExitFailed || !strings.Contains(w.err.String(), "--approval") || len(w.opened) > 0 {
		t.Errorf("%d\n%s", code, &w.err)
	}
}
