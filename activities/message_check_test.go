package activities

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

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
