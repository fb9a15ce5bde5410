package embedded_test

import (
	"context"
	"strings"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"orgflow/internal/embedded"
	"orgflow/internal/temporalx"
)

// signalled answers its input and the text of a signal.
func signalled(ctx workflow.Context, input string) (string, error) {
	var text string
	workflow.GetSignalChannel(ctx, "go").Receive(ctx, &text)
	return input + " " + text, nil
}

// working runs a worker with some keys for as long as f takes.
func working(t *testing.T, server *embedded.Server, letters string, f func(client.Client)) {
	t.Helper()
	cl := connect(t, server, payloadKeys(t, letters))
	// The next worker need not wait long for one that has stopped.
	w := worker.New(cl, queue, worker.Options{StickyScheduleToStartTimeout: 100 * time.Millisecond})
	w.RegisterWorkflowWithOptions(signalled, workflow.RegisterOptions{Name: "Waiting"})
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	f(cl)
}

// event waits for the first event of a type that is found acceptable.
func event(t *testing.T, cl client.Client, id string, accept func(*historypb.HistoryEvent) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for history := cl.GetWorkflowHistory(ctx, id, "", true, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); history.HasNext(); {
		e, err := history.Next()
		if err != nil {
			t.Fatal(err)
		}
		if accept(e) {
			return
		}
	}
	t.Fatalf("%s has ended without the event", id)
}

// A workflow outlives the rotation of keys: what the old key wrote is read as
// long as the key is there. Without it the workflow waits, and says why; it
// neither fails nor loses the signal, and goes on once the key is back.
func TestWorkflowsGoOnOverARotation(t *testing.T) {
	server := startServer(t)
	working(t, server, "1", func(cl client.Client) {
		for _, id := range []string{"rotated", "retired"} {
			if _, err := cl.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: queue}, "Waiting", "written with 1,"); err != nil {
				t.Fatal(err)
			}
			event(t, cl, id, func(e *historypb.HistoryEvent) bool {
				return e.GetEventType() == enumspb.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
			})
		}
	})
	const want = "written with 1, signalled with 2"
	answer := func(cl client.Client, id string) (text string, err error) {
		err = cl.GetWorkflow(t.Context(), id, "").Get(t.Context(), &text)
		return text, err
	}
	working(t, server, "21", func(cl client.Client) {
		if err := cl.SignalWorkflow(t.Context(), "rotated", "", "go", "signalled with 2"); err != nil {
			t.Fatal(err)
		}
		if got, err := answer(cl, "rotated"); err != nil || got != want {
			t.Errorf("%q, %v", got, err)
		}
	})
	old, recent := payloadKeys(t, "1").IDs()[0], connect(t, server, payloadKeys(t, "2"))
	if got, err := answer(recent, "rotated"); err != nil || got != want {
		t.Errorf("what was written after the rotation needs the old key: %q, %v", got, err)
	}

	working(t, server, "2", func(cl client.Client) {
		if err := cl.SignalWorkflow(t.Context(), "retired", "", "go", "signalled with 2"); err != nil {
			t.Fatal(err)
		}
		event(t, cl, "retired", func(e *historypb.HistoryEvent) bool {
			message := e.GetWorkflowTaskFailedEventAttributes().GetFailure().GetEncodedAttributes()
			if e.GetEventType() != enumspb.EVENT_TYPE_WORKFLOW_TASK_FAILED {
				return false
			}
			var attributes struct{ Message string }
			if err := payloadKeys(t, "2").DataConverter().FromPayload(message, &attributes); err != nil || !strings.Contains(attributes.Message, old) || !strings.Contains(attributes.Message, "ORGFLOW_PAYLOAD_KEY") {
				t.Errorf("the task failed with %q, %v", attributes.Message, err)
			}
			return true
		})
	})
	working(t, server, "21", func(cl client.Client) {
		if got, err := answer(cl, "retired"); err != nil || got != want {
			t.Errorf("the key is back: %q, %v", got, err)
		}
	})
}

// A schedule is encrypted anew by the next apply, its owner is never
// encrypted: it does not need the old key for ever.
func TestSchedulesAreEncryptedAnewAfterARotation(t *testing.T) {
	server := startServer(t)
	with := func(letters string) *temporalx.Schedules {
		keys := payloadKeys(t, letters)
		return temporalx.NewSchedules(connect(t, server, keys), keys.DataConverter(), "orgflow-test", "company-129")
	}
	want := []temporalx.Schedule{nightly("a")}
	first, both, second := with("1"), with("21"), with("2")
	apply(t, first, plan(t, first, want, "create a"))
	if err := first.Pause(t.Context(), "a", "stocktaking"); err != nil {
		t.Fatal(err)
	}
	plan(t, first, want, "unchanged a")

	p := plan(t, both, want, "update a")
	before, after := payloadKeys(t, "1").IDs()[0], payloadKeys(t, "2").IDs()[0]
	if f := p[0].Fields; len(f) != 1 || f[0] != (temporalx.FieldDifference{Field: "payload_key", Before: before, After: after}) {
		t.Errorf("the update shows %+v", f)
	}
	apply(t, both, p)
	plan(t, both, want, "unchanged a")
	plan(t, second, want, "unchanged a")
	list, err := second.List(t.Context())
	if err != nil || len(list) != 1 || !list[0].Paused || list[0].Note != "stocktaking" {
		t.Errorf("after the rotation: %+v, %v", list, err)
	}
}
