package flow_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"orgflow"
	"orgflow/internal/approval"
	"orgflow/internal/flow"
	"orgflow/internal/store"
)

func (d *desk) publishAs(code, body string) {
	d.t.Helper()
	_, _, err := d.store.PublishDefinition(context.Background(), store.NewDefinition{CompanyID: 129, Code: code, Name: code, By: "test", Body: json.RawMessage(body)})
	if err != nil {
		d.t.Fatal(err)
	}
}

// child is a definition that one person approves.
func child(code, launch string) string {
	return fmt.Sprintf(`{"schema":"flow-def/1","flowCode":%q,"name":"子","form":{"board":"b","snapshot":["amount"]},"launch":%s,"nodes":[
		{"seq":0,"type":"start","next":[{"to":10}]},
		{"seq":10,"type":"approve","name":"一","approvers":[{"by":"user","users":["E3"]}],"sign":{"mode":"any"},"next":[{"to":99}]},
		{"seq":99,"type":"end"}]}`, code, launch)
}

func (d *desk) launchChild(parent store.FlowKey, visit int, code, field string) (store.Flow, error) {
	d.t.Helper()
	p, err := d.Load(context.Background(), parent)
	if err != nil {
		d.t.Fatal(err)
	}
	return d.LaunchChild(context.Background(), p, visit, code, field)
}

func refusal(err error) string {
	var r *approval.Refusal
	if errors.As(err, &r) {
		return r.Error()
	}
	return fmt.Sprint("no refusal: ", err)
}

// A child has its parent's number and workflow id, and is found again when it
// is launched twice.
func TestAChildIsLaunchedOnce(t *testing.T) {
	forEachDB(t, func(t *testing.T, d *desk) {
		d.publishAs("child", child("child", `{}`))
		first, err := d.launchChild(d.key, 4, "child", "")
		if err != nil || first.No != d.key.No+".4" || first.DataID != "5" || first.WorkflowID != d.key.No+".4" {
			t.Fatalf("%+v %v", first, err)
		}
		again, err := d.launchChild(d.key, 4, "child", "")
		if err != nil || again.No != first.No || again.StartedAt != first.StartedAt {
			t.Errorf("%+v %v", again, err)
		}
		if _, err := d.launchChild(d.key, 4, "plain", ""); !strings.HasPrefix(refusal(err), "NUMBER_TAKEN") {
			t.Errorf("%v", err)
		}
		if _, err := d.launchChild(d.key, 5, "child", "other"); !strings.HasPrefix(refusal(err), "DATA_NOT_FOUND") {
			t.Errorf("%v", err)
		}
	})
}

// A number that somebody else's flow has does not pass for the child.
func TestAStrangerIsNoChild(t *testing.T) {
	forEachDB(t, func(t *testing.T, d *desk) {
		ctx := context.Background()
		d.publishAs("child", child("child", `{}`))
		draft, err := d.TryLaunch(ctx, flow.Launch{CompanyID: 129, No: d.key.No + ".4", Code: "child", DataID: "5", Initiator: store.Initiator{Code: "E1"}})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := d.Launch(ctx, draft, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := d.launchChild(d.key, 4, "child", ""); !strings.HasPrefix(refusal(err), "NUMBER_TAKEN") {
			t.Errorf("%v", err)
		}
	})
}

// One flow per form row is one, whoever launches it.
func TestAChildKeepsOneFlowPerRow(t *testing.T) {
	forEachDB(t, func(t *testing.T, d *desk) {
		d.publishAs("once", child("once", `{"oneOpenPerData":true}`))
		if _, err := d.launchChild(d.key, 4, "once", ""); err != nil {
			t.Fatal(err)
		}
		if again, err := d.launchChild(d.key, 4, "once", ""); err != nil || again.No != d.key.No+".4" {
			t.Errorf("the same child again: %+v %v", again, err)
		}
		_, err := d.launchChild(d.key, 7, "once", "")
		want := fmt.Sprintf(`DATA_TAKEN: form row "5" has flow %s.4 (STARTING) already, and once allows one flow per row (oneOpenPerData)`, d.key.No)
		if got := refusal(err); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}

// Flows that start each other stop, and say which they are.
func TestSubflowsAreBounded(t *testing.T) {
	forEachDB(t, func(t *testing.T, d *desk) {
		d.publishAs("child", child("child", `{}`))
		key, depth := d.key, 0
		for {
			code := []string{"child", "plain"}[depth%2]
			next, err := d.launchChild(key, 4, code, "")
			if err != nil {
				want := "SUBFLOW_TOO_DEEP: plain → child → plain → child → plain → child → plain → child → plain → child are 10 flows"
				if !strings.HasPrefix(refusal(err), want) || depth != 8 {
					t.Errorf("at depth %d: %v", depth, err)
				}
				return
			}
			if key = next.FlowKey; depth > 20 {
				t.Fatal("there is no end")
			}
			depth++
		}
	})
}

// Whoever has never signed in approves like everybody; whoever has left the
// organisation does not.
func TestWhoHasNotSignedInHasNotLeft(t *testing.T) {
	forEachDB(t, func(t *testing.T, d *desk) {
		if person("E2").Active {
			t.Fatal("E2 has signed in")
		}
		if s := d.begin(); s.Status.State != orgflow.FlowRunning || s.Status.OpenTasks != 1 {
			t.Errorf("%+v", s.Status)
		}
		d.row(`{"amount":50}`)
		d.store.gone["E5"] = true // the next approver
		d.decide("E2", orgflow.VerdictApprove, 10)
		s := d.step(orgflow.FlowCommand{Kind: orgflow.FlowAudit})
		f, err := d.Load(context.Background(), d.key)
		if err != nil || s.Status.State != orgflow.FlowFaulted || f.State.Fault.Code != approval.ApproverMissing {
			t.Errorf("%+v %v", s.Status, err)
		}
	})
}

// One person on two channels has two messages, each once, however often a
// channel is named and a step is tried. Urges say so in the projection.
func TestAMessagePerChannel(t *testing.T) {
	forEachDB(t, func(t *testing.T, d *desk) {
		ctx := context.Background()
		d.publish(strings.Replace(definition, `"approvers":[{"by":"deptManager"}]`,
			`"approvers":[{"by":"deptManager"}],"notify":{"onTask":{"tpl":"todo","channels":["we_com","ding_talk","we_com"]}}`, 1))
		draft, err := d.TryLaunch(ctx, flow.Launch{CompanyID: 129, Code: "plain", DataID: "5", Initiator: store.Initiator{Code: "E1"}})
		if err != nil {
			t.Fatal(err)
		}
		stored, _, err := d.Launch(ctx, draft, 0)
		if err != nil {
			t.Fatal(err)
		}
		d.key = stored.FlowKey
		d.begin()
		channels := func() (out []string) {
			list, _, err := d.store.ListMessages(ctx, store.MessageFilter{CompanyID: 129, No: d.key.No})
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range list {
				out = append(out, m.ToUser+" "+m.Channel)
			}
			return out
		}
		if got := channels(); !slices.Equal(got, []string{"E2 we_com", "E2 ding_talk"}) {
			t.Errorf("%v", got)
		}
		r := flow.Request{FlowKey: d.key, Rev: 1, Key: "urge", Command: orgflow.FlowCommand{Kind: orgflow.FlowUrge}}
		for range 2 {
			if s, err := d.Step(ctx, r); err != nil || s.Refusal != nil {
				t.Fatalf("%+v %v", s, err)
			}
		}
		if got := channels(); len(got) != 4 {
			t.Errorf("after an urge: %v", got)
		}
		if s := d.step(orgflow.FlowCommand{Kind: orgflow.FlowUrge}); s.Refusal == nil || s.Refusal.Code != "URGED_TOO_OFTEN" || s.Refusal.RetryAfter != 10*time.Minute {
			t.Errorf("urged at once again: %+v", s.Refusal)
		}
		f, err := d.store.GetFlow(ctx, d.key)
		if err != nil || f.Tasks[0].Urges != 1 || !f.Tasks[0].LastUrgedAt.Equal(d.now) || len(channels()) != 4 {
			t.Errorf("%+v %v, %v", f.Tasks, err, channels())
		}
	})
}
