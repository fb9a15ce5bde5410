package simctl_test

import (
	"encoding/json"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"orgflow/connectors/simctl"
)

func TestAnEntryIsReadAsItsKind(t *testing.T) {
	type thing struct{ N int }
	values := simctl.Values{"value": simctl.As[thing], "pointer": simctl.As[*thing], "time": simctl.As[time.Time]}
	for _, tc := range []struct {
		entry simctl.Entry
		want  any
		wrong string
	}{
		{simctl.Entry{Kind: "value", ID: "7", Value: json.RawMessage(`{"N":1}`)}, thing{1}, ""},
		{simctl.Entry{Kind: "pointer", ID: "7", Value: json.RawMessage(`{"N":1}`)}, &thing{1}, ""},
		{simctl.Entry{Kind: "pointer", ID: "7", Value: json.RawMessage(`null`)}, nil, ""},
		{simctl.Entry{Kind: "reset", ID: "7"}, nil, ""}, // a removal needs no value
		{simctl.Entry{Kind: "other", ID: "7", Value: json.RawMessage(`{}`)}, nil, `unknown kind of change "other"`},
		{simctl.Entry{Kind: "value", ID: "7", Value: json.RawMessage(`[]`)}, nil, "change of value: json: cannot unmarshal array into Go value of type simctl_test.thing"},
	} {
		c, err := values.Change(tc.entry)
		if tc.wrong != "" {
			if err == nil || err.Error() != tc.wrong {
				t.Errorf("%s: %v, want %s", tc.entry.Kind, err, tc.wrong)
			}
			continue
		}
		if err != nil || c.Kind != tc.entry.Kind || c.ID != "7" || !reflect.DeepEqual(c.Value, tc.want) {
			t.Errorf("%s: %+v %v, want %v", tc.entry.Kind, c, err, tc.want)
		}
	}
}

func TestAnEntryIsAppliedUnderTheLock(t *testing.T) {
	var mu sync.Mutex
	var got any
	apply := func(c simctl.Change) {
		if mu.TryLock() {
			t.Error("the lock is free")
		}
		got = c.Value
	}
	values := simctl.Values{"n": simctl.As[int]}
	if err := values.Replay(simctl.Entry{Kind: "n", Value: json.RawMessage("7")}, &mu, apply); err != nil || got != 7 || !mu.TryLock() {
		t.Errorf("%v %v, or the lock is not free again", got, err)
	}
	mu.Unlock()
	if err := values.Replay(simctl.Entry{Kind: "n", Value: json.RawMessage("x")}, &mu, apply); err == nil || !mu.TryLock() {
		t.Errorf("%v, or the lock is not free again", err)
	}
}

// What cannot be kept is not applied.
func TestChangesAreAppliedOnceTheyAreDurable(t *testing.T) {
	c := newCounter(simctl.NewDesk(nil, nil))
	host := simctl.NewHost(c)
	if err := host.Persist(filepath.Join(t.TempDir(), "sims")); err != nil {
		t.Fatal(err)
	}
	var applied []string
	note := func(c simctl.Change) { applied = append(applied, c.ID) }
	if err := c.desk.Perform(note, simctl.Change{Kind: "k", ID: "a"}, simctl.Change{Kind: "k", ID: "b"}); err != nil || !reflect.DeepEqual(applied, []string{"a", "b"}) {
		t.Errorf("applied %v, %v", applied, err)
	}
	if err := host.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.desk.Perform(note, simctl.Change{Kind: "k", ID: "c"}); err == nil || len(applied) != 2 {
		t.Errorf("applied %v, %v; the journal is closed", applied, err)
	}
	if err := c.desk.Perform(note); err != nil {
		t.Errorf("nothing to do: %v", err)
	}
}
