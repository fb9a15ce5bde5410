package activities

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
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

// A message that can never be sent ends; those of others go at once.

// What a person must repair stops the channel and costs no message.

// Where no agent is configured, nothing is sent and the setting is named.

// A provider that is down is left alone for a moment, and nothing is given up

// for days.

// Results come when DingTalk has them; those it never gives are not made up.

// A question that fails is asked again; one that cannot be answered is not.

// Whenever a worker is killed: nothing is lost, nothing arrives twice, nothing

// is held for dropped that arrived.

// undoubted compares what people got with what the outbox says.
