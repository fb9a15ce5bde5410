package dtsim_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	dtsim "orgflow/connectors/dingtalk/sim"
	"orgflow/connectors/simctl"
)

const corp = "/message/corpconversation/"

// notice sends a text and returns its task.
func (w *world) notice(users, text string) string {
	w.t.Helper()
	return w.must(corp+"asyncsend_v2", fmt.Sprintf(`{"agent_id":1000001,"userid_list":%q,"msg":{"msgtype":"text","text":{"content":%q}}}`, users, text)).text("task_id")
}

// result is what became of a task, the lists that are not empty.
func (w *world) result(task string) string {
	w.t.Helper()
	var out []string
	result := w.must(corp+"getsendresult", `{"agent_id":1000001,"task_id":`+task+`}`).fields["send_result"].(map[string]any)
	for _, list := range []string{"invalid_user_id_list", "forbidden_list", "unread_user_id_list", "read_user_id_list"} {
		if entries, _ := result[list].([]any); len(entries) > 0 {
			raw, _ := json.Marshal(entries)
			out = append(out, list+string(raw))
		}
	}
	return strings.Join(out, " ")
}

// Whatever becomes of a message, asyncsend_v2 answers ok (§ 7.3); only the
// result tells (§ 7.4).
func TestMessagesAreDroppedSilently(t *testing.T) {
	w := newWorld(t, `{"messages_per_day": 3, "message_blocked": ["E3"]}`)
	for n := range 3 {
		w.user(fmt.Sprint("E", n+1), n, "1")
	}
	for i, want := range []struct{ users, text, result string }{
		{"E1", "a", `unread_user_id_list["E1"]`},
		{"E1", "a", `forbidden_list[{"code":"143106","count":1,"userid":"E1"}]`}, // the same words
		{"E1, E2 ,E9,E1", "b", `invalid_user_id_list["E9"] unread_user_id_list["E1","E2"]`},
		{"E3", "b", `forbidden_list[{"code":"1430004","count":1,"userid":"E3"}]`},
		{"E1", "c", `unread_user_id_list["E1"]`},
		{"E1", "d", `forbidden_list[{"code":"143105","count":1,"userid":"E1"}]`}, // the fourth of a day; a dropped one does not count
		{"E2", "a", `unread_user_id_list["E2"]`},
	} {
		if got := w.result(w.notice(want.users, want.text)); got != want.result {
			t.Errorf("message %d: %s, want %s", i, got, want.result)
		}
	}
	w.clock.Pass(14*time.Hour + time.Minute) // another day in China
	w.token = w.login()
	if got := w.result(w.notice("E1", "a")); got != `unread_user_id_list["E1"]` {
		t.Errorf("on the next day: %s", got)
	}
	if n := strings.Count(w.state(), `"state":"dropped"`); n != 3 {
		t.Errorf("%d dropped messages show in %s", n, w.state())
	}
}

func TestMessagesThatAreRefused(t *testing.T) {
	w := newWorld(t, `{"many_receivers": "refuse"}`)
	w.user("E1", 1, "1")
	send := func(agent int, users, msg string) string {
		return w.call(corp+"asyncsend_v2", fmt.Sprintf(`{"agent_id":%d,"userid_list":%q,"msg":%s}`, agent, users, msg)).code()
	}
	card := func(link string) string {
		return `{"msgtype":"action_card","action_card":{"title":"t","markdown":"m","single_title":"查看","single_url":"` + link + `"}}`
	}
	text := `{"msgtype":"text","text":{"content":"x"}}`
	for _, tc := range []struct {
		agent            int
		users, msg, code string
	}{
		{1000001, "E1", card("http://a"), "0"}, {1000001, "E1", text, "0"},
		{1000002, "E1", text, "40056"}, {1000001, " , ", text, "1"}, {1000001, strings.Repeat("E1,", 101), text, "40035"},
		{1000001, "E1", `{"msgtype":"markdown","markdown":{"title":"` + strings.Repeat("长", 65) + `","text":"x"}}`, "34016"},
		{1000001, "E1", card("http://" + strings.Repeat("a", 500)), "34016"},
		{1000001, "E1", `{"msgtype":"text","text":{"content":"` + strings.Repeat("长", 700) + `"}}`, "34016"}, // 2048 bytes
		{1000001, "E1", `{"msgtype":"text","text":{}}`, "40035"}, {1000001, "E1", `{"msgtype":"carrier pigeon"}`, "40035"},
		{1000001, "E1", `{"msgtype":"text","text":{"content":"x"},"markdown":{}}`, "40035"}, {1000001, "E1", `{"msgtype":"text","text":7}`, "40035"},
		{1000001, "E1", "null", "40"}, {1000001, "E1", "7", "40035"},
	} {
		if got := send(tc.agent, tc.users, tc.msg); got != tc.code {
			t.Errorf("agent %d to %.20q %.60s: %s, want %s", tc.agent, tc.users, tc.msg, got, tc.code)
		}
	}
	for body, code := range map[string]string{`{"agent_id":1000001,"task_id":1}`: "400002", `{"agent_id":5,"task_id":1}`: "40056", `{"agent_id":1000001}`: "40"} {
		if got := w.call(corp+"getsendresult", body).code(); got != code {
			t.Errorf("result of %s: %s, want %s", body, got, code)
		}
	}
}

// Sending takes its time, and the result is kept for a day.
func TestTheResultOfAMessageComesLater(t *testing.T) {
	w := newWorld(t, `{"message_seconds": 60}`)
	w.user("E1", 1, "1")
	task := w.notice("E1", "x")
	progress := func() string {
		return w.must(corp+"getsendprogress", `{"agent_id":1000001,"task_id":`+task+`}`).text("progress")
	}
	if got := w.result(task) + progress(); got != `{"progress_in_percent":0,"status":1}` {
		t.Errorf("at once: %s", got)
	}
	w.clock.Pass(time.Minute)
	if got := w.result(task) + progress(); got != `unread_user_id_list["E1"]{"progress_in_percent":100,"status":2}` {
		t.Errorf("after a minute: %s", got)
	}
	w.clock.Pass(24 * time.Hour)
	w.token = w.login()
	if got := w.result(task); got != "" {
		t.Errorf("after a day: %s", got)
	}
}

// A restart forgets no message, and so repeats none.
func TestMessagesSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, "")
	if err := w.host.Persist(dir); err != nil {
		t.Fatal(err)
	}
	w.user("E1", 1, "1")
	w.notice("E1", "<&>")
	want := w.state()
	if err := w.host.Close(); err != nil {
		t.Fatal(err)
	}
	next := newWorld(t, "")
	next.sim = dtsim.New(dtsim.Options{Now: w.clock.Now})
	next.host = simctl.NewHost(next.sim)
	if err := next.host.Persist(dir); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = next.host.Close() }()
	next.options(`{"qps": 0}`)
	next.clock, next.token = w.clock, w.token
	if d := cmp.Diff(want, next.state()); d != "" {
		t.Error(d)
	}
	if got := next.result(next.notice("E1", "<&>")); !strings.Contains(got, "143106") {
		t.Errorf("the same words after a restart: %s", got)
	}
	if err := next.sim.PutState(json.RawMessage(next.state())); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{`{"messages":[{"task_id":1,"userid":"E1","msg":{},"state":"lost"}]}`, `{"messages":[{"userid":"E1","msg":{},"state":"dropped"}]}`} {
		if err := next.sim.PutState(json.RawMessage(bad)); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}
