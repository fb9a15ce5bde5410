package activities_test

import (
	"context"
	"encoding/json"
	"os"
	"testing"

	"orgflow"
	"orgflow/activities"
)

// Events start a pull where the company wants that and none is under way.
func TestTheTurnOfAPullAfterEvents(t *testing.T) {
	w := newOffice(t)
	org := w.worker(w.db)
	turn := func() activities.PullTurn {
		t.Helper()
		got, err := do(context.Background(), org.CheckPullTurn, here)
		w.must(err)
		return got
	}
	if got := turn(); got != (activities.PullTurn{Off: true}) {
		t.Errorf("without a callback %+v", got)
	}
	for setting, want := range map[string]activities.PullTurn{`"on_change": "repair"`: {Off: true}, `"pull": false`: {Off: true}, `"pull": true`: {}} {
		w.callback(`{"token": "abc", "aes_key": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", ` + setting + `}`)
		if got := turn(); got != want {
			t.Errorf("with %s: %+v", setting, got)
		}
	}
	w.callback(`{"token": "abc", "aes_key": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "pull": true}`)
	id := w.prepare(org, ask)
	if got := turn(); got != (activities.PullTurn{Busy: id}) {
		t.Errorf("during a pull %+v", got)
	}
	delete(w.alive, id) // its workflow was terminated
	if got := turn(); got != (activities.PullTurn{}) {
		t.Errorf("after its end %+v", got)
	}
	w.alive[id] = true
	w.must(org.ParkPull(context.Background(), activities.PullParams{PullID: id}))
	if got := turn(); got != (activities.PullTurn{}) {
		t.Errorf("while a pull waits for people %+v", got)
	}
	if got, err := do(context.Background(), org.CheckPullTurn, orgflow.Target{CompanyID: 9, Consumer: "emm_cloud"}); err != nil || !got.Off {
		t.Errorf("without the consumer %+v, %v", got, err)
	}
}

// callback changes the settings of DingTalk's callback.
func (w *office) callback(events string) {
	w.t.Helper()
	raw, err := os.ReadFile(w.company)
	w.must(err)
	var company map[string]any
	w.must(json.Unmarshal(raw, &company))
	company["consumers"].(map[string]any)["ding_talk"].(map[string]any)["events"] = json.RawMessage(events)
	raw, err = json.Marshal(company)
	w.must(err)
	w.must(os.WriteFile(w.company, raw, 0o600))
}
