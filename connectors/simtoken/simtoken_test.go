package simtoken_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"orgflow/connectors/simctl"
	"orgflow/connectors/simtoken"
)

// world is a store on a clock that moves only when told to.
type world struct {
	simtoken.Store
	t    *testing.T
	now  time.Time
	desk *simctl.Desk
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, now: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)}
	w.desk = simctl.NewDesk(func() time.Time { return w.now }, nil)
	return w
}

func (w *world) issue(owner string, again simtoken.Again) string {
	w.t.Helper()
	k, err := w.Issue(w.desk, owner, time.Hour, again, func(n int, _ time.Time) string { return fmt.Sprintf("%s-%d", owner, n) })
	if err != nil {
		w.t.Fatal(err)
	}
	return k.Value
}

// is says what a token is worth: in force, over, or unknown.
func (w *world) is(value string) string {
	switch _, valid, known := w.Owner(value, w.now); {
	case valid:
		return "in force"
	case known:
		return "over"
	}
	return "unknown"
}

func TestATokenInForceIsGivenAgain(t *testing.T) {
	for name, tc := range map[string]struct {
		again  simtoken.Again
		second string
		first  string // half an hour after the second was given
		later  string // the second, an hour and a half after the first was given
	}{
		"kept":     {simtoken.Keep, "a-1", "in force", "over"},
		"extended": {simtoken.Extend, "a-1", "in force", "in force"},
		"rotated":  {simtoken.Rotate, "a-2", "over", "in force"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.issue("a", tc.again)
			w.now = w.now.Add(40 * time.Minute)
			second := w.issue("a", tc.again)
			if second != tc.second || w.is("a-1") != tc.first {
				t.Errorf("%s, the first is %s; want %s, %s", second, w.is("a-1"), tc.second, tc.first)
			}
			w.now = w.now.Add(50 * time.Minute)
			if got := w.is(second); got != tc.later {
				t.Errorf("later it is %s, want %s", got, tc.later)
			}
		})
	}
}

func TestAfterItsLifeComesAnotherToken(t *testing.T) {
	for _, again := range []simtoken.Again{simtoken.Keep, simtoken.Extend} {
		w := newWorld(t)
		w.issue("a", again)
		w.now = w.now.Add(time.Hour)
		if got := w.issue("a", again); got != "a-2" || w.is("a-1") != "over" || w.Count() != 2 {
			t.Errorf("%d: %s, the first is %s, %d issued", again, got, w.is("a-1"), w.Count())
		}
	}
}

func TestOwnersHaveTokensOfTheirOwn(t *testing.T) {
	w := newWorld(t)
	w.issue("a", simtoken.Keep)
	w.issue("b", simtoken.Keep)
	if owner, valid, _ := w.Owner("b-2", w.now); owner != "b" || !valid || w.is("a-1") != "in force" || w.is("c-3") != "unknown" {
		t.Errorf("b-2 is %q's, a-1 %s, c-3 %s", owner, w.is("a-1"), w.is("c-3"))
	}
	if err := w.Expire(w.desk); err != nil || w.is("a-1") != "over" || w.is("b-2") != "over" {
		t.Errorf("expired: %v, a-1 %s, b-2 %s", err, w.is("a-1"), w.is("b-2"))
	}
	if err := w.Clear(w.desk); err != nil || w.is("a-1") != "unknown" || w.Count() != 0 {
		t.Errorf("cleared: %v, a-1 %s, %d issued", err, w.is("a-1"), w.Count())
	}
}

func TestTokensSurviveARestart(t *testing.T) {
	w, next := newWorld(t), newWorld(t)
	w.issue("a", simtoken.Keep)
	w.issue("b", simtoken.Keep)
	raw, err := json.Marshal(w.Dump())
	if err != nil {
		t.Fatal(err)
	}
	var entries []simctl.Entry
	if err := json.Unmarshal(raw, &entries); err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if mine, err := next.Replay(e); !mine || err != nil {
			t.Fatalf("%+v: %v %v", e, mine, err)
		}
	}
	if next.is("a-1") != "in force" || next.issue("c", simtoken.Keep) != "c-3" {
		t.Errorf("a-1 is %s, %d issued", next.is("a-1"), next.Count())
	}
	for kind, want := range map[string]bool{"no_tokens": true, "dept": false} {
		if mine, err := next.Replay(simctl.Entry{Kind: kind}); mine != want || err != nil {
			t.Errorf("%s: %v %v", kind, mine, err)
		}
	}
	if next.Count() != 0 {
		t.Errorf("%d tokens after all were forgotten", next.Count())
	}
	if mine, err := next.Replay(simctl.Entry{Kind: "token", Value: json.RawMessage(`7`)}); !mine || err == nil {
		t.Errorf("a damaged entry: %v %v", mine, err)
	}
}
