package activities

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orgflow"
)

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
