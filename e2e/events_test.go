package e2e

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
)

const (
	eventToken = "simtoken"
	eventKey   = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
	gatherer   = "contact-events-129-ding_talk"
)

// listening is an installation in step with its source, to which DingTalk
// tells what is changed there.
func listening(t *testing.T, onChange string) (*world, *process, client.Client) {
	t.Helper()
	return told(t, object{"on_change": onChange})
}

// told is the same with other settings of the callback.
func told(t *testing.T, settings object) (*world, *process, client.Client) {
	t.Helper()
	w := newWorld(t)
	w.env["DINGTALK_EVENT_TOKEN"], w.env["DINGTALK_EVENT_KEY"] = eventToken, eventKey
	w.company(129, func(_, ding object) {
		ding["qps"] = 0
		settings["token"], settings["aes_key"] = "${DINGTALK_EVENT_TOKEN}", "${DINGTALK_EVENT_KEY}"
		ding["events"] = settings
	})
	p := w.serve()
	w.unlimited()
	w.pushing()
	w.load(demo(t))
	w.sync(demoJob)
	return w, p, w.temporalClient()
}

// pushing makes DingTalk push events.
func (w *world) pushing() {
	w.t.Helper()
	must(w.t, "PUT", w.simURL("dingtalk", "options"), encode(w.t, object{"events": object{
		"url": "http://" + w.http + "/events/129/ding_talk", "token": eventToken, "aes_key": eventKey, "deadline_ms": 2500, "retry_ms": []int{500, 500, 1000},
	}}), nil)
}

// gathering tells whether the gatherer runs; ever is false if none ever has.
func gathering(ctx context.Context, c client.Client) (running, ever bool, err error) {
	d, err := c.DescribeWorkflowExecution(ctx, gatherer, "")
	if _, none := errors.AsType[*serviceerror.NotFound](err); none {
		return false, false, nil
	}
	if err != nil {
		return false, false, err
	}
	return d.GetWorkflowExecutionInfo().GetStatus() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING, true, nil
}

// gathered waits until all events are dealt with.
func (w *world) gathered(c client.Client) {
	w.t.Helper()
	eventually(w.t, 2*time.Minute, 100*time.Millisecond, "the end of gathering events", func() error {
		running, _, err := gathering(w.t.Context(), c)
		if err != nil || running {
			return fmt.Errorf("running %v, %v", running, err)
		}
		return nil
	})
}

// settledFor waits until our last write of a person is old enough not to be
// taken for the cause of the next event.
func (w *world) settledFor(person string, age time.Duration) {
	w.t.Helper()
	eventually(w.t, time.Minute, 200*time.Millisecond, "age of the last write", func() error {
		var page struct{ Entries []struct{ At time.Time } }
		must(w.t, "GET", "http://"+w.http+"/api/v1/records/129/ding_talk/person/"+person+"/log", "", &page)
		if len(page.Entries) == 0 || time.Since(page.Entries[0].At) < age {
			return errNotYet
		}
		return nil
	})
}

// byHand does something at DingTalk as another program would.
func (w *world) byHand(path string, body object) {
	w.t.Helper()
	var got struct {
		Token   string `json:"access_token"`
		Errcode int    `json:"errcode"`
	}
	base := "http://" + w.sims + "/dingtalk"
	must(w.t, "GET", base+"/gettoken?appkey="+appKey+"&appsecret="+appSecret, "", &got)
	must(w.t, "POST", base+path+"?access_token="+got.Token, encode(w.t, body), &got)
	if got.Errcode != 0 {
		w.t.Fatalf("%s answered %d", path, got.Errcode)
	}
}

// caused waits for the run that an event caused, the n-th of all.
func (w *world) caused(n int) summary {
	w.t.Helper()
	var runs []summary
	eventually(w.t, time.Minute, 100*time.Millisecond, fmt.Sprintf("run %d", n), func() error {
		if runs = w.runs(); len(runs) < n || !runs[0].terminal() {
			return fmt.Errorf("%d runs", len(runs))
		}
		return nil
	})
	if len(runs) != n {
		w.t.Fatalf("%d runs, want %d", len(runs), n)
	}
	w.completed(runs[0])
	return runs[0]
}

// Somebody edits a person at DingTalk: that person is repaired, and nobody
// else is even looked at. Our own writes, of the sync and of the repair,
// cause events as well, and no run.
func TestAnEditByHandIsRepaired(t *testing.T) {
	t.Parallel()
	w, _, c := listening(t, "repair")
	w.gathered(c)
	if runs := w.runs(); len(runs) != 1 {
		t.Fatalf("our own sync caused %d runs", len(runs)-1)
	}
	victim := w.ding().Users[3].UserID
	source := strings.TrimPrefix(victim, "E")
	w.settledFor(source, 11*time.Second)
	w.forget()
	w.byHand(userUpdate, object{"userid": victim, "title": "临时工"})
	s := w.caused(2)
	if d := cmp.Diff(map[string]int{userUpdate: 2}, w.requests("dingtalk").writesByPath()); d != "" {
		t.Errorf("writes, the edit's included: %s", d)
	}
	if s.Plan["person"].Update != 1 || s.Calls > 5 {
		t.Errorf("plan %+v, %d calls", s.Plan, s.Calls)
	}
	w.inStep()
	w.gathered(c)
	w.caused(2) // the repair is ours

	w.settledFor(source, 11*time.Second)
	w.byHand(userDelete, object{"userid": victim})
	if s := w.caused(3); s.Plan["person"].Insert != 1 {
		t.Errorf("plan %+v", s.Plan)
	}
	w.gathered(c)
	w.caused(3)

	for body, want := range map[string]int{`{"encrypt":"AAAA"}`: 401, "": 401} {
		if status, answer, err := call("POST", "http://"+w.http+"/events/129/ding_talk?signature=0&timestamp=1&nonce=n", body); err != nil || status != want {
			t.Errorf("a stranger's call answered %d %s %v", status, answer, err)
		}
	}
	if status, _, err := call("POST", "http://"+w.http+"/events/129/we_com?signature=0", "{}"); err != nil || status != 404 {
		t.Errorf("a consumer without events answered %d %v", status, err)
	}
}

// The power goes between an event and its run: DingTalk has its answer and
// does not tell again, and the run comes all the same. It reports only.
func TestAnEventSurvivesAKill(t *testing.T) {
	t.Parallel()
	w, p, c := listening(t, "report")
	w.gathered(c)
	victim := w.ding().Users[5].UserID
	w.settledFor(strings.TrimPrefix(victim, "E"), 11*time.Second)
	w.byHand(userUpdate, object{"userid": victim, "title": "临时工"})
	eventually(t, 20*time.Second, 5*time.Millisecond, "the event", func() error {
		if running, _, err := gathering(t.Context(), c); err != nil || !running {
			return errNotYet
		}
		return nil
	})
	p.kill()
	if n := strings.Count(p.err.String(), "event received"); n == 0 {
		t.Error("the log does not show events")
	}
	w.serve()
	w.unlimited()
	w.forget()
	s := w.caused(2)
	var page struct {
		Changes []struct{ State, Reason string }
	}
	must(t, "GET", "http://"+w.http+"/api/v1/sync-runs/"+s.ID+"/changes", "", &page)
	if s.Plan["person"].Update != 1 || len(page.Changes) != 1 || !strings.Contains(page.Changes[0].Reason, "changed at the consumer") {
		t.Errorf("plan %+v, changes %+v", s.Plan, page.Changes)
	}
	if r := w.requests("dingtalk"); r.Writes != 0 {
		t.Errorf("a report wrote %v", r.writesByPath())
	}
}

// Everything that is told of the first sync, some hundred events, is one pull,
// which nobody has asked for: it begins when DingTalk is silent. It survives
// the power going while it is waited for, and what is told afterwards is
// another pull.
func TestChangesAtDingTalkArePulled(t *testing.T) {
	t.Parallel()
	w, p, c := told(t, object{"pull": true})
	status := func() enums.WorkflowExecutionStatus {
		d, err := c.DescribeWorkflowExecution(t.Context(), "contact-pull-129-ding_talk", "")
		if err != nil {
			t.Fatalf("what pulls after events: %v", err)
		}
		return d.GetWorkflowExecutionInfo().GetStatus()
	}
	if s := status(); s != enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
		t.Fatalf("after the sync it is %s", s)
	}
	p.kill()
	w.serve()
	w.unlimited()
	w.pushing()
	c = w.temporalClient()
	pulled := func(n int) {
		t.Helper()
		var page struct{ Pulls []pullSummary }
		eventually(t, 3*time.Minute, 200*time.Millisecond, "the pull", func() error {
			w.org("pulls", &page)
			if len(page.Pulls) != n || page.Pulls[0].Status != "completed" || status() == enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
				return fmt.Errorf("pulls %+v", page.Pulls)
			}
			return nil
		})
		if d := cmp.Diff(w.atDing(), w.localPicture()); d != "" {
			t.Errorf("after pull %d the local organisation differs (-DingTalk +local):\n%s", n, d)
		}
	}
	pulled(1)
	w.byHand(userDelete, object{"userid": w.ding().Users[3].UserID})
	pulled(2)
	if runs := w.runs(); len(runs) != 1 {
		t.Errorf("%d runs, of which nobody has asked for the last", len(runs))
	}
}
