package activities

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
	"orgflow/internal/store"
)

func TestMessagesReachPeople(t *testing.T) {
	eachCarrier(t, func(t *testing.T, c carrier) {
		eachOffice(t, c, func(t *testing.T, w *office) {
			w.enqueue(w.write("E1", "RW1", "编号 1"), w.write("E2", "RW1", "编号 1"), w.write("E1", "RW2", "编号 2"))
			got := w.send()
			want := MessageCounts{Sent: 3}
			if got.Count != want || got.Stopped != nil || got.More {
				t.Errorf("sent: %+v", got)
			}
			if d := cmp.Diff([]string{"E1 RW1", "E1 RW2", "E2 RW1"}, inOrder(w.arrivals(c))); d != "" {
				t.Error(d)
			}
			if again := w.send(); again.Count != (MessageCounts{}) {
				t.Errorf("sent again: %+v", again)
			}
			tracked := c.code == "ding_talk"
			if now := w.check(); now.Count != (MessageCounts{}) || now.Left != tracked {
				t.Errorf("results at once: %+v", now)
			}
			w.pass(2 * time.Minute)
			end := "sent"
			if tracked {
				end, want = "delivered", MessageCounts{Delivered: 3}
			} else {
				want = MessageCounts{}
			}
			if then := w.check(); then.Count != want || then.Left {
				t.Errorf("results: %+v", then)
			}
			if d := cmp.Diff([]string{"1 " + end + ": ", "2 " + end + ": ", "3 " + end + ": "}, w.rows()); d != "" {
				t.Error(d)
			}
		})
	})
}

// What travels through Temporal are counts: no text, name or receiver.
func TestResultsOfMessagesHoldCountsOnly(t *testing.T) {
	w := newOffice(t, dingTalkCarrier())
	w.enqueue(w.write("E1", "RW1", "测试甲"), w.write("gone", "RW2", "测试乙"))
	w.options(`{"denied_ip": true}`)
	raw, err := json.Marshal([]HandledMessages{w.send(), w.check()})
	if err != nil {
		t.Fatal(err)
	}
	for _, personal := range []string{"测试", "E1", "RW", "gone"} {
		if strings.Contains(string(raw), personal) {
			t.Errorf("%s shows %s", raw, personal)
		}
	}
	if !strings.Contains(string(raw), "60020") {
		t.Errorf("%s does not say why it stopped", raw)
	}
}

// One person gets the messages of one flow in the order of storage, also
// where an earlier one fails at first; other flows do not wait.
func TestMessagesOfAFlowKeepTheirOrder(t *testing.T) {
	eachCarrier(t, func(t *testing.T, c carrier) {
		w := newOffice(t, c)
		path := map[string]string{"ding_talk": "/topapi/message/*", "we_com": "/cgi-bin/message/send"}[c.code]
		receiver := map[string]string{"ding_talk": "userid_list", "we_com": "touser"}[c.code]
		w.fault(`[{"path": "` + path + `", "errcode": -1, "times": 2, "match": {"` + receiver + `": "E1"}}]`)
		for n := range 4 {
			w.enqueue(w.write("E1", "RW1", fmt.Sprint("编号 ", n)), w.write("E2", "RW1", fmt.Sprint("编号 ", n)))
		}
		total := w.settle()
		if total.Sent != 8 || total.Retried != 2 {
			t.Errorf("%+v", total)
		}
		order := map[string][]string{}
		for _, a := range c.wants(w.sim.State()) {
			order[a.To] = append(order[a.To], a.Text[strings.LastIndex(a.Text, "编号"):])
		}
		want := []string{"编号 0", "编号 1", "编号 2", "编号 3"}
		if d := cmp.Diff(map[string][]string{"E1": want, "E2": want}, order); d != "" {
			t.Error(d)
		}
		first := c.wants(w.sim.State())[0]
		if first.To != "E2" {
			t.Errorf("%s came first, though only the other's message failed", first.To)
		}
	})
}

// A request for a decision that was made meanwhile is not sent; nothing else
// of that flow is held back.
func TestARequestForADecisionThatWasMadeIsNotSent(t *testing.T) {
	c := dingTalkCarrier()
	eachOffice(t, c, func(t *testing.T, w *office) {
		flow, _, err := w.outbox.LaunchFlow(t.Context(), store.NewFlow{
			CompanyID: company, No: "F1", Code: "f", Version: 1, DataID: "1", Title: "F", Initiator: store.Initiator{Code: "E3"}, StateDoc: []byte(`{}`),
			Serial: store.Serial{Period: store.PeriodMonth, Number: func(string, int64) string { return "F9" }},
		})
		if err != nil {
			t.Fatal(err)
		}
		ask := func(task int64, to string) store.NewMessage {
			m := w.write(to, "F1", fmt.Sprint("任务", task))
			m.No, m.Task = "F1", &task
			return m
		}
		step := store.FlowStep{
			FlowKey: flow.FlowKey, Rev: 1, Key: "launch", State: orgflow.FlowRunning, Round: 1, StateDoc: []byte(`{}`), Answer: []byte(`{}`),
			Visits: []store.FlowVisit{{ID: 1, Round: 1, NodeSeq: 10, Type: "approve", Name: "N", State: orgflow.VisitActive, EnteredAt: time.Now()}},
			Tasks: []store.FlowTask{
				{ID: 1, Visit: 1, Round: 1, NodeSeq: 10, Kind: "approve", UserCode: "E1", State: orgflow.TaskActive, OpenedAt: time.Now()},
				{ID: 2, Visit: 1, Round: 1, NodeSeq: 10, Kind: "approve", UserCode: "E2", State: orgflow.TaskDoneByOthers, OpenedAt: time.Now()},
			},
			Messages: []store.NewMessage{ask(1, "E1"), ask(2, "E2"), ask(9, "E3"), w.write("E2", "F1", "已通过")},
		}
		if _, err := w.outbox.CommitStep(t.Context(), step); err != nil {
			t.Fatal(err)
		}
		if total := w.settle(); total.Superseded != 2 || total.Sent != 2 {
			t.Errorf("%+v", total)
		}
		want := []string{"1 delivered: ", "2 superseded: the task was DONE_BY_OTHERS before the message was sent", "3 superseded: the task was gone before the message was sent", "4 delivered: "}
		if d := cmp.Diff(want, w.rows()); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff([]string{"E1 F1", "E2 F1"}, inOrder(w.arrivals(c))); d != "" {
			t.Error(d)
		}
	})
}

// tapped notes the bodies of calls that send.
type tapped struct {
	mu     sync.Mutex
	bodies map[string]int
}

func (s *tapped) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.Contains(r.URL.Path, "/message/") && !strings.Contains(r.URL.Path, "getsend") {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		s.bodies[string(raw)]++
		s.mu.Unlock()
		r.Body = io.NopCloser(strings.NewReader(string(raw)))
	}
	return http.DefaultTransport.RoundTrip(r)
}

// A message whose answer was lost is sent again with the same bytes; the
// platform drops the second one, and it counts as what it is: delivered.
func TestALostAnswerIsMetByTheSameBytes(t *testing.T) {
	eachCarrier(t, func(t *testing.T, c carrier) {
		w := newOffice(t, c)
		wire := &tapped{bodies: map[string]int{}}
		w.staff(w.outbox, wire)
		path := map[string]string{"ding_talk": "/topapi/message/corpconversation/asyncsend_v2", "we_com": "/cgi-bin/message/send"}[c.code]
		w.fault(`[{"path": "` + path + `", "after_commit": true, "drop_connection": true, "times": 1}]`)
		w.enqueue(w.write("E1", "RW1", "编号 <1> & [x](http://evil.invalid) **粗**\n编号 1"))
		total := w.settle()
		if total.Sent != 1 || total.Retried != 1 || total.Dropped != 0 {
			t.Errorf("%+v", total)
		}
		if len(wire.bodies) != 1 {
			t.Errorf("sent %d different bodies: %v", len(wire.bodies), wire.bodies)
		}
		for _, n := range wire.bodies {
			if n != 2 {
				t.Errorf("sent %d times", n)
			}
		}
		got := w.arrivals(c)
		if len(got) != 2 || got[0] != "E1 RW1" || !strings.HasPrefix(got[1], "E1 RW1 dropped: ") {
			t.Errorf("%q", got)
		}
		want := map[string]string{"ding_talk": "1 delivered: 143106: an earlier try had arrived", "we_com": "1 sent: "}[c.code]
		if d := cmp.Diff([]string{want}, w.rows()); d != "" {
			t.Error(d)
		}
	})
}

// Urges differ by what number they are: each arrives. Two with the same words
// do not, and DingTalk's silence about it is broken.
func TestUrgesThatVaryArriveAndRepetitionsShowAsDropped(t *testing.T) {
	c := dingTalkCarrier()
	w := newOffice(t, c)
	w.enqueue(w.write("E1", "RW1", "第1次催办 14:05"), w.write("E1", "RW1", "第2次催办 14:20"), w.write("E1", "RW1", "第2次催办 14:20"))
	if total := w.settle(); total.Delivered != 2 || total.Dropped != 1 {
		t.Errorf("%+v", total)
	}
	want := []string{"1 delivered: ", "2 delivered: ", "3 dropped: 143106: the person has had the same words today"}
	if d := cmp.Diff(want, w.rows()); d != "" {
		t.Error(d)
	}
}

func TestWhatDingTalkDropsSilentlyShowsAsDropped(t *testing.T) {
	w := newOffice(t, dingTalkCarrier())
	w.options(`{"messages_per_day": 1, "message_blocked": ["E2"]}`)
	w.enqueue(w.write("E1", "RW1", "编号 1"), w.write("E1", "RW2", "编号 2"), w.write("E2", "RW3", "编号 3"), w.write("E9", "RW4", "编号 4"))
	if total := w.settle(); total.Delivered != 1 || total.Dropped != 3 {
		t.Errorf("%+v", total)
	}
	rows := w.rows()
	slices.Sort(rows[:2]) // the two of E1 go together
	want := []string{
		"1 delivered: ", "2 dropped: 143105: the person has had as many messages of this application as DingTalk brings in a day",
		"3 dropped: 1430004: executive protection (高管模式) keeps the message from the person",
		"4 dropped: invalid_user: DingTalk knows no such userid, or the person is outside the application's scope",
	}
	if strings.HasPrefix(rows[0], "1 dropped") {
		want[0], want[1] = strings.Replace(want[1], "2 ", "1 ", 1), "2 delivered: "
	}
	if d := cmp.Diff(want, rows); d != "" {
		t.Error(d)
	}
}

// WeCom cannot be asked: nothing goes beyond what it brings a member in a
// minute, and so nothing is dropped.
func TestWhatWeComWouldDropWaits(t *testing.T) {
	c := weComCarrier()
	w := newOffice(t, c)
	for n := range 40 {
		w.enqueue(w.write("E1", fmt.Sprint("RW", n), "编号"))
	}
	w.enqueue(w.write("E2", "RW1", "编号"))
	if got := w.send(); got.Count.Sent != 28 || got.Count.Retried != 13 || got.Stopped != nil {
		t.Errorf("in the first minute: %+v", got)
	}
	w.settle()
	for _, a := range c.wants(w.sim.State()) {
		if a.Dropped != "" {
			t.Errorf("%s was dropped: %s", a.Title, a.Dropped)
		}
	}
	if n := len(w.arrivals(c)); n != 41 {
		t.Errorf("%d arrived", n)
	}
}

// Who cannot be reached is given up with the vendor's words, and keeps nobody
// waiting.
func TestReceiversNobodyKnowsAreGivenUp(t *testing.T) {
	c := weComCarrier()
	w := newOffice(t, c)
	w.options(`{"unlicensed": ["E3"]}`)
	w.enqueue(w.write("E9", "RW1", "编号"), w.write("E9", "RW1", "编号 2"), w.write("gone", "RW1", "编号"), w.write("E3", "RW1", "编号"), w.write("@all", "RW1", "编号"), w.write("E1", "RW1", "编号"))
	if total := w.settle(); total.Dead != 5 || total.Sent != 1 {
		t.Errorf("%+v", total)
	}
	for i, want := range []string{"invalid_record 81013:", "invalid_record 81013:", "not_found:", "needs_human unlicenseduser:", "invalid_record at to:"} {
		if row := w.rows()[i]; !strings.HasPrefix(row, fmt.Sprintf("%d dead: %s", i+1, want)) {
			t.Errorf("%s; want %s", row, want)
		}
	}
	if d := cmp.Diff([]string{"E1 RW1"}, w.arrivals(c)); d != "" {
		t.Error(d)
	}
}

// A message that can never be sent ends; those of others go at once.
func TestAPoisonedMessageBlocksNobody(t *testing.T) {
	c := dingTalkCarrier()
	w := newOffice(t, c)
	w.fault(`[{"path": "/topapi/message/corpconversation/asyncsend_v2", "errcode": 77777, "match": {"userid_list": "E2"}}]`)
	broken := w.write("E1", "RW1", "编号")
	broken.Body = `{"title": "no text"`
	w.enqueue(broken, w.write("E2", "RW1", "编号 2"), w.write("E2", "RW1", "编号 3"), w.write("E1", "RW1", "编号 4"))
	if got := w.send(); got.Count.Sent != 1 || got.Count.Dead != 1 || got.Stopped != nil {
		t.Errorf("at once: %+v", got)
	}
	if d := cmp.Diff([]string{"E1 RW1"}, w.arrivals(c)); d != "" {
		t.Error(d)
	}
	if total := w.settle(); total.Dead != 2 || total.Retried != 2*(strangeTries-1)-1 {
		t.Errorf("in the end: %+v", total)
	}
	for i, want := range []string{"1 dead: invalid_record: ", "2 dead: internal 77777: ", "3 dead: internal 77777: ", "4 delivered: "} {
		if row := w.rows()[i]; !strings.HasPrefix(row, want) {
			t.Errorf("%s; want %s", row, want)
		}
	}
}

// What a person must repair stops the channel and costs no message.
func TestAChannelThatMustBeRepairedLosesNothing(t *testing.T) {
	eachCarrier(t, func(t *testing.T, c carrier) {
		w := newOffice(t, c)
		w.configure(strings.Replace(c.settings, `"agent_id": `, `"agent_id": 9`, 1)) // of DingTalk a number where a text is due
		w.staff(w.outbox, http.DefaultTransport)
		w.enqueue(w.write("E1", "RW1", "编号"))
		for range 3 {
			got := w.send()
			if got.Stopped == nil || got.Pause < time.Minute || got.Count.Dead > 0 || !got.Left {
				t.Fatalf("stopped: %+v", got)
			}
			w.pass(got.Pause)
		}
		w.configure(c.settings)
		w.staff(w.outbox, http.DefaultTransport)
		w.pass(time.Hour)
		if total := w.settle(); total.Sent != 1 || total.Dead != 0 {
			t.Errorf("repaired: %+v", total)
		}
		if d := cmp.Diff([]string{"E1 RW1"}, w.arrivals(c)); d != "" {
			t.Error(d)
		}
	})
}

// Where no agent is configured, nothing is sent and the setting is named.
func TestAMissingAgentIsNamed(t *testing.T) {
	w := newOffice(t, dingTalkCarrier())
	w.configure(dingTalkVendor("v2").settings)
	w.staff(w.outbox, http.DefaultTransport)
	w.enqueue(w.write("E1", "RW1", "编号"))
	if got := w.send(); got.Stopped == nil || got.Stopped.Field != "/consumers/ding_talk/agent_id" || got.Stopped.Code != orgflow.CodeInvalidConfig {
		t.Errorf("%+v", got)
	}
	w.messages.Connectors = registry("x", nil, w.source)
	if got := w.check(); got.Stopped == nil || !got.Left {
		t.Errorf("a build without the connector: %+v", got)
	}
}

func TestThrottlingPausesTheChannel(t *testing.T) {
	c := dingTalkCarrier()
	w := newOffice(t, c)
	w.fault(`[{"path": "/topapi/message/*", "errcode": 41046, "times": 1}]`)
	w.enqueue(w.write("E1", "RW1", "编号"))
	if got := w.send(); got.Stopped == nil || got.Stopped.Code != orgflow.CodeThrottled || got.Pause < time.Minute || got.Pause > 2*time.Minute || got.Count.Dead > 0 {
		t.Errorf("%+v", got)
	}
	if total := w.settle(); total.Delivered != 1 {
		t.Errorf("afterwards: %+v", total)
	}
}

// A provider that is down is left alone for a moment, and nothing is given up
// for days.
func TestAProviderThatIsDownIsWaitedFor(t *testing.T) {
	c := dingTalkCarrier()
	w := newOffice(t, c)
	w.fault(`[{"path": "/topapi/message/*", "http_status": 503}]`)
	w.enqueue(w.write("E1", "RW1", "编号"), w.write("E2", "RW2", "编号"))
	for range 30 {
		got := w.send()
		if got.Stopped != nil && got.Pause != busyPause || got.Count.Dead > 0 {
			t.Fatalf("%+v", got)
		}
		w.pass(longBackoff + time.Second)
	}
	w.sim.Desk().ClearFaults()
	if total := w.settle(); total.Sent != 2 {
		t.Errorf("once it is back: %+v", total)
	}
	w.fault(`[{"path": "/topapi/message/*", "http_status": 503}]`)
	w.enqueue(w.write("E1", "RW3", "编号 3"))
	dead := 0
	for range 200 {
		dead += w.send().Count.Dead
		w.pass(longBackoff + time.Second)
	}
	if dead != 1 {
		t.Errorf("after four days: %q", w.rows())
	}
}

// Results come when DingTalk has them; those it never gives are not made up.
func TestResultsAreAskedForUntilTheyAreThere(t *testing.T) {
	w := newOffice(t, dingTalkCarrier())
	w.options(`{"message_seconds": 900}`)
	w.enqueue(w.write("E1", "RW1", "编号"))
	w.send()
	asked := 0
	for got := w.check(); got.Left; got = w.check() {
		if got.Wait > longCheck {
			t.Errorf("waits %s", got.Wait)
		}
		w.pass(got.Wait + time.Second)
		asked++
	}
	if d := cmp.Diff([]string{"1 delivered: "}, w.rows()); d != "" || asked < 3 || asked > 7 {
		t.Errorf("asked %d times: %s", asked, d)
	}
	w.options(`{"message_seconds": 1000000}`)
	w.enqueue(w.write("E1", "RW2", "编号 2"))
	w.send()
	var total MessageCounts
	for got := w.check(); got.Left; got = w.check() {
		w.pass(got.Wait + time.Second)
		total.Add(got.Count)
	}
	if d := cmp.Diff("2 sent: the provider did not tell within 24h0m0s", w.rows()[1]); d != "" {
		t.Error(d)
	}
}

// A question that fails is asked again; one that cannot be answered is not.
func TestQuestionsThatFail(t *testing.T) {
	w := newOffice(t, dingTalkCarrier())
	w.enqueue(w.write("E1", "RW1", "编号 1"), w.write("E2", "RW2", "编号 2"))
	w.send()
	w.pass(2 * time.Minute)
	w.fault(`[{"path": "/topapi/message/corpconversation/getsendresult", "errcode": -1, "times": 2}]`)
	if got := w.check(); got.Count != (MessageCounts{}) || !got.Left {
		t.Errorf("busy: %+v", got)
	}
	w.pass(5 * time.Minute)
	w.fault(`[{"path": "/topapi/message/corpconversation/getsendresult", "errcode": 60011}]`)
	if got := w.check(); got.Stopped == nil || got.Count != (MessageCounts{}) || !got.Left {
		t.Errorf("without the permission: %+v", got)
	}
	w.sim.Desk().ClearFaults()
	w.pass(time.Hour)
	w.fault(`[{"path": "/topapi/message/corpconversation/getsendresult", "errcode": 41052, "times": 1}]`)
	if got := w.check(); got.Count != (MessageCounts{Untold: 1, Delivered: 1}) || got.Left {
		t.Errorf("one that cannot be answered: %+v", got)
	}
}

// Whenever a worker is killed: nothing is lost, nothing arrives twice, nothing
// is held for dropped that arrived.
func TestKilledWhileMessagesAreSent(t *testing.T) {
	eachCarrier(t, func(t *testing.T, c carrier) {
		begin := func(t *testing.T, r *reaper) *office {
			w := newOffice(t, c)
			w.fault(`[{"path": "` + map[string]string{"ding_talk": "/topapi/message/*", "we_com": "/cgi-bin/message/send"}[c.code] + `", "errcode": -1, "times": 1}]`)
			w.enqueue(w.write("E1", "RW1", "编号 1"), w.write("E1", "RW1", "编号 2"), w.write("E2", "RW1", "编号 1"), w.write("gone", "RW1", "编号 1"))
			w.staff(mortalOutbox{w.outbox, r}, mortalWire{r})
			return w
		}
		survives := func(t *testing.T, r *reaper) {
			w := begin(t, r)
			for range 60 {
				_, err := w.handle(orgflow.ActivitySendMessages)
				left := HandledMessages{Left: true, Wait: time.Minute}
				if err == nil {
					left, err = w.handle(orgflow.ActivityCheckMessages)
				}
				switch {
				case r.restart():
					w.staff(mortalOutbox{w.outbox, r}, mortalWire{r}) // another process, once leases are over
					left = HandledMessages{Left: true, Wait: leaseFor}
				case err != nil:
					t.Fatal(err)
				}
				if !left.Left {
					break
				}
				w.pass(max(left.Wait, left.Pause) + time.Second)
			}
			w.undoubted(c)
		}
		calm := &reaper{}
		survives(t, calm)
		calm.retire()
		eachDeath(t, deaths(inOrder(calm.seen), killEvery), survives)
	})
}

// undoubted compares what people got with what the outbox says.
func (w *office) undoubted(c carrier) {
	w.t.Helper()
	var got []string
	for _, a := range c.wants(w.sim.State()) {
		switch {
		case a.Dropped == "":
			got = append(got, a.To+" "+a.Text[strings.LastIndex(a.Text, "编号"):])
		case a.Dropped != "143106" && a.Dropped != "repeated":
			w.t.Errorf("%s %s was dropped: %s", a.To, a.Title, a.Dropped)
		}
	}
	if d := cmp.Diff([]string{"E1 编号 1", "E1 编号 2", "E2 编号 1"}, inOrder(got)); d != "" {
		w.t.Errorf("people got: %s", d)
	}
	end := map[string]string{"ding_talk": "delivered", "we_com": "sent"}[c.code]
	for i, row := range w.rows() {
		want := fmt.Sprintf("%d %s: ", i+1, end)
		if i == 3 {
			want = "4 dead: not_found: "
		}
		if !strings.HasPrefix(row, want) {
			w.t.Errorf("%s; want %s", row, want)
		}
	}
}
