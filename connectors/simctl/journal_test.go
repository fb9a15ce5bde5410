package simctl_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"orgflow/connectors/simctl"
)

// TestJournalTruncatedAnywhere cuts a journal at every byte: what is loaded
// is always a prefix of the effects, each of them whole.
func TestJournalTruncatedAnywhere(t *testing.T) {
	dir := t.TempDir()
	b := newBench(t)
	if err := b.host.Persist(dir); err != nil {
		t.Fatal(err)
	}
	const effects = 12
	for i := range effects {
		b.call("POST", "/counter/add", fmt.Sprintf(`{"id":"id%d"}`, i%3))
	}
	b.host.Close()
	whole, err := os.ReadFile(filepath.Join(dir, "counter.journal.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	last := 0
	for cut := range len(whole) + 1 {
		torn := filepath.Join(t.TempDir(), "j")
		if err := os.WriteFile(torn, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		c := newCounter(simctl.NewDesk(nil, nil))
		j, err := simctl.OpenJournal(torn, c.Replay, c.Dump)
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		total := c.counts["total"]
		for i := range 3 {
			if want := (total + 2 - i) / 3; c.counts[fmt.Sprint("id", i)] != want {
				t.Fatalf("cut at %d: %v is no prefix of the effects", cut, c.counts)
			}
		}
		if total < last || total > last+1 {
			t.Fatalf("cut at %d: %d effects after %d", cut, total, last)
		}
		last = total
		// It goes on from there.
		if err := j.Append([]simctl.Change{{Kind: "n", ID: "more", Value: 1}}); err != nil {
			t.Fatal(err)
		}
		j.Close()
		again := newCounter(simctl.NewDesk(nil, nil))
		k, err := simctl.OpenJournal(torn, again.Replay, again.Dump)
		if err != nil || again.counts["more"] != 1 || again.counts["total"] != total {
			t.Fatalf("cut at %d, reopened: %v %v", cut, again.counts, err)
		}
		k.Close()
	}
	if last != effects {
		t.Errorf("the whole journal holds %d effects, want %d", last, effects)
	}
}

func TestDamagedJournalIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	if err := os.WriteFile(path, []byte("[{\"t\":\"n\",\"id\":\"a\",\"v\":1}]\n{oops\n[]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := newCounter(simctl.NewDesk(nil, nil))
	if _, err := simctl.OpenJournal(path, c.Replay, c.Dump); err == nil || !strings.Contains(err.Error(), "line 2 is damaged") {
		t.Errorf("error %v", err)
	}
}

func TestClosedJournalRefusesEffects(t *testing.T) {
	b := newBench(t)
	if err := b.host.Persist(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	b.host.Close()
	if _, body, _ := b.do("POST", "/counter/add", `{"id":"a"}`); body != `{"errcode":"-1"}` || b.count("a") != 0 {
		t.Errorf("answered %s with %d effects", body, b.count("a"))
	}
}

func BenchmarkJournalledWrite(b *testing.B) {
	sim := newCounter(simctl.NewDesk(nil, nil))
	host := simctl.NewHost(sim)
	if err := host.Persist(b.TempDir()); err != nil {
		b.Fatal(err)
	}
	defer host.Close()
	for b.Loop() {
		sim.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/add", strings.NewReader(`{"id":"a"}`)))
	}
}
