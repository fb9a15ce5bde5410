package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// channels are the simulators that bring messages to people.
var channels = []string{"dingtalk", "wecom"}

// delivered counts the messages that a channel has brought to somebody about
// a flow: every text names the flow's number.
func (w *flowWorld) delivered(channel, no, user string) int {
	w.t.Helper()
	var s struct {
		Messages []struct {
			UserID  string `json:"userid"`
			State   string
			Msg     json.RawMessage
			Content json.RawMessage
		}
	}
	must(w.t, "GET", w.simURL(channel, "state"), "", &s)
	n := 0
	for _, m := range s.Messages {
		if m.UserID == user && m.State == "delivered" && strings.Contains(string(m.Msg)+string(m.Content), no) {
			n++
		}
	}
	return n
}

// told waits until somebody has so many messages about a flow on every
// channel, and nothing more is to be sent about it.
func (w *flowWorld) told(no, user string, want int) {
	w.t.Helper()
	eventually(w.t, 3*time.Minute, 200*time.Millisecond, fmt.Sprintf("%d messages to %s about %s", want, user, no), func() error {
		if left := w.rows(fmt.Sprintf(`SELECT id, channel, state, tries, note FROM outbox WHERE flow_no = '%s' AND to_user = '%s' AND state = 'pending'`, no, user)); len(left) > 0 {
			return fmt.Errorf("%v", left)
		}
		for _, c := range channels {
			if n := w.delivered(c, no, user); n < want {
				return fmt.Errorf("%s has brought %d", c, n)
			}
		}
		return nil
	})
	for _, c := range channels {
		if n := w.delivered(c, no, user); n != want {
			w.t.Errorf("%s has brought %d messages about %s to %s, want %d", c, n, no, user, want)
		}
	}
}

// lateAfter is how old a message is when somebody looks for messages that
// nobody deals with: one that was sent sooner was told of when it was stored.
const lateAfter = 15 * time.Second

// waited is how long the messages about a flow to somebody waited, at most.
func (w *flowWorld) waited(no, user string) time.Duration {
	w.t.Helper()
	var messages struct {
		Messages []struct {
			User      string     `json:"user_code"`
			CreatedAt time.Time  `json:"created_at"`
			SentAt    *time.Time `json:"sent_at"`
		}
	}
	must(w.t, "GET", "http://"+w.http+"/api/v1/flows/"+no+"/messages", "", &messages)
	longest := time.Duration(-1)
	for _, m := range messages.Messages {
		if m.User == user && m.SentAt != nil {
			longest = max(longest, m.SentAt.Sub(m.CreatedAt))
		}
	}
	return longest
}

// What a decision causes reaches people by DingTalk and WeCom: at once; where
// whoever stored it died before saying so; and once, where the process is
// killed while it is sent, whether or not the provider has it.
func TestFlowsTellPeople(t *testing.T) {
	t.Parallel()
	for _, db := range []string{"sqlite", "postgres"} {
		t.Run(db, func(t *testing.T) {
			t.Parallel()
			w := newFlowWorld(t, db == "postgres", true)
			w.define("plain", []object{startAt(10), approve(10, "any", 20, "E2", "E3"), approve(20, "all", 99, "E5"), endAt(99)}, nil)
			w.toldLater()
			w.toldAtOnce()
			w.killedWhileTelling()
		})
	}
}

func (w *flowWorld) toldAtOnce() {
	w.t.Helper()
	no := w.launched("plain", "once")
	w.told(no, "E2", 1)
	w.told(no, "E3", 1)
	w.decided(no, 10, "E2", "approve")
	w.told(no, "E5", 1)
	w.decided(no, 20, "E5", "approve")
	w.told(no, "E1", 1)
	for _, user := range []string{"E2", "E3", "E5", "E1"} {
		if d := w.waited(no, user); d < 0 || d >= lateAfter {
			w.t.Errorf("%s was told %s after the message was stored", user, d)
		}
	}
}

// toldLater stores a message the way a step does whose process dies before it
// tells anybody of it, on a channel that nobody deals with.
func (w *flowWorld) toldLater() {
	w.t.Helper()
	no := w.launched("plain", "later")
	w.told(no, "E2", 1)
	c := w.temporalClient()
	for _, channel := range []string{"ding_talk", "we_com"} {
		_ = c.TerminateWorkflow(w.t.Context(), "notify-129-"+channel, "", "nobody deals with the channel") // it may have ended
		_, err := w.db.ExecContext(w.t.Context(), fmt.Sprintf(`INSERT INTO outbox (company_id, dedup_key, channel, to_user, subject, kind, flow_no, body, created_at)
			SELECT company_id, 'lost:' || dedup_key, channel, 'E6', subject, kind, flow_no, body, %s FROM outbox WHERE flow_no = '%s' AND to_user = 'E2' AND channel = '%s'`,
			w.databaseTime(), no, channel))
		if err != nil {
			w.t.Fatal(err)
		}
	}
	w.told(no, "E6", 1)
	if d := w.waited(no, "E6"); d < lateAfter {
		w.t.Errorf("the message nobody told of was sent after %s: somebody told", d)
	}
}

func (w *flowWorld) databaseTime() string {
	if w.env["ORGFLOW_DATABASE_URL"] != "" {
		return "now()"
	}
	return fmt.Sprint(time.Now().UnixMicro())
}

// killedWhileTelling kills the process while the providers hang: those of the
// message to E5 before they have it, those of the one to E6 after.
func (w *flowWorld) killedWhileTelling() {
	w.t.Helper()
	const long = 120_000 // ms
	w.define("other", []object{startAt(10), approve(10, "any", 20, "E2", "E3"), approve(20, "all", 99, "E6"), endAt(99)}, nil)
	for channel, path := range map[string]string{"dingtalk": "/topapi/message/corpconversation/asyncsend_v2", "wecom": "/cgi-bin/message/send"} {
		to := map[string]string{"dingtalk": "userid_list", "wecom": "touser"}[channel]
		must(w.t, "POST", w.simURL(channel, "faults"), encode(w.t, []object{
			{"path": path, "match": object{to: "E5"}, "delay_ms": long},
			{"path": path, "match": object{to: "E6"}, "after_commit": true, "delay_ms": long},
		}), nil)
	}
	before, after := w.launched("plain", "killed before"), w.launched("other", "killed after")
	w.decided(before, 10, "E2", "approve")
	w.decided(after, 10, "E2", "approve")
	eventually(w.t, 2*time.Minute, 50*time.Millisecond, "the messages under way", func() error {
		for _, c := range channels {
			if n := w.delivered(c, after, "E6"); n != 1 {
				return fmt.Errorf("%s has brought %d", c, n)
			}
		}
		return nil
	})
	w.program.kill()
	sending := w.rows(fmt.Sprintf(`SELECT flow_no, channel, state FROM outbox WHERE flow_no IN ('%s', '%s') AND to_user IN ('E5', 'E6') ORDER BY channel, flow_no`, before, after))
	if len(sending) != 4 || slices.ContainsFunc(sending, func(s string) bool { return !strings.HasSuffix(s, "state=pending") }) {
		w.t.Errorf("the process was not killed while it sent: %v", sending)
	}
	w.begins()
	for no, user := range map[string]string{before: "E5", after: "E6"} {
		w.told(no, user, 1)
		w.advancedOnce(no, user, answered{Status: 200})
	}
}
