package embedded_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"orgflow/internal/embedded"
	"orgflow/internal/temporalx"
)

// These tests belong to package temporalx and stand here because this test
// binary links the server already.

const queue = "schedules-test"

func startServer(t *testing.T) *embedded.Server {
	t.Helper()
	server, err := embedded.Start(t.Context(), embedded.Config{
		Addr: "127.0.0.1:0", DataDir: t.TempDir(), Namespace: "orgflow-test",
		SearchAttributes: []string{"OrgflowCompany"}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	return server
}

func connect(t *testing.T, server *embedded.Server, keys *temporalx.PayloadKeys) client.Client {
	t.Helper()
	cl, err := temporalx.Dial(t.Context(), temporalx.Config{
		Addr: server.FrontendAddr(), Namespace: "orgflow-test", PayloadKeys: keys,
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// payloadKeys are made of each letter; the first encrypts.
func payloadKeys(t *testing.T, letters string) *temporalx.PayloadKeys {
	t.Helper()
	keys, err := temporalx.NewPayloadKeys(func() ([][]byte, error) {
		var keys [][]byte
		for _, letter := range letters {
			keys = append(keys, []byte(strings.Repeat(string(letter), 32)))
		}
		return keys, nil
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func schedules(t *testing.T, cl client.Client, owner string) *temporalx.Schedules {
	t.Helper()
	return temporalx.NewSchedules(cl, payloadKeys(t, "k").DataConverter(), "orgflow-test", owner)
}

func nightly(id string) temporalx.Schedule {
	return temporalx.Schedule{
		ID: id, Workflow: "Idle", TaskQueue: queue, Note: "as delivered",
		Spec:             temporalx.Spec{Cron: []string{"30 2 * * mon-fri", "@every 12h/5m"}, TimeZone: "Asia/Shanghai"},
		Input:            json.RawMessage(`{"company_id": 129}`),
		SearchAttributes: map[string]string{"OrgflowCompany": "129"},
	}
}

// plan asks until the service's list, which is late, gives the wanted
// actions.
func plan(t *testing.T, s *temporalx.Schedules, want []temporalx.Schedule, actions string) []temporalx.Difference {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		got, err := s.Plan(ctx, want)
		if err != nil {
			t.Fatalf("plan: %v", err)
		}
		var text []string
		for _, d := range got {
			text = append(text, string(d.Action)+" "+d.ID)
		}
		if strings.Join(text, ", ") == actions {
			return got
		}
		select {
		case <-ctx.Done():
			t.Fatalf("plan %v, want %s", got, actions)
		case <-ticker.C:
		}
	}
}

func apply(t *testing.T, s *temporalx.Schedules, p []temporalx.Difference) {
	t.Helper()
	if err := s.Apply(t.Context(), p); err != nil {
		t.Fatalf("apply: %v", err)
	}
}

func TestSchedulesAreReconciled(t *testing.T) {
	cl := connect(t, startServer(t), payloadKeys(t, "k"))
	own, other := schedules(t, cl, "company-129"), schedules(t, cl, "company-130")
	a, b, c := nightly("a"), nightly("b"), nightly("c")
	apply(t, other, plan(t, other, []temporalx.Schedule{c}, "create c"))

	apply(t, own, plan(t, own, []temporalx.Schedule{a, b}, "create a, create b"))
	plan(t, own, []temporalx.Schedule{a, b}, "unchanged a, unchanged b")

	if err := own.Pause(t.Context(), "a", "stocktaking"); err != nil {
		t.Fatal(err)
	}
	a.Overlap, a.Input = "buffer_one", json.RawMessage(`{"company_id": 129, "services": []}`)
	p := plan(t, own, []temporalx.Schedule{a}, "update a, delete b")
	if f := p[0].Fields; len(f) != 2 || f[0].Field != "overlap" || f[0].Before != "skip" || f[1].Before != `{"company_id":129}` {
		t.Errorf("the update shows %+v", f)
	}
	apply(t, own, p)
	apply(t, own, p) // once more is harmless
	plan(t, own, []temporalx.Schedule{a}, "unchanged a")

	list, err := own.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 || !list[0].Paused || list[0].Note != "stocktaking" || list[0].Workflow != "Idle" {
		t.Errorf("after the update the schedule is no longer as people left it: %+v", list)
	}
	detail, err := own.Detail(t.Context(), "a")
	if err != nil || !detail.Paused || detail.Note != "stocktaking" || detail.Workflow != "Idle" || len(detail.Next) == 0 ||
		!slices.Contains(detail.Fields, temporalx.ScheduleField{Name: "overlap", Text: "buffer_one"}) {
		t.Errorf("in detail it is %+v, %v", detail, err)
	}
	for _, id := range []string{"none", "c"} { // c is another owner's
		if _, err := own.Detail(t.Context(), id); !errors.Is(err, temporalx.ErrNoSchedule) {
			t.Errorf("%s in detail: %v", id, err)
		}
	}
	if _, err := own.Plan(t.Context(), []temporalx.Schedule{a, c}); err == nil || !strings.Contains(err.Error(), "company-130") {
		t.Errorf("a schedule of another owner: %v", err)
	}
	plan(t, other, []temporalx.Schedule{c}, "unchanged c")
}

func TestABadScheduleChangesNothing(t *testing.T) {
	cl := connect(t, startServer(t), payloadKeys(t, "k"))
	own := schedules(t, cl, "company-129")
	bad := nightly("bad")
	bad.Spec.Cron = []string{"61 * * * *"}
	if _, err := own.Plan(t.Context(), []temporalx.Schedule{nightly("good"), bad, nightly("good")}); err == nil ||
		!strings.Contains(err.Error(), "61 * * * *") || !strings.Contains(err.Error(), "twice") {
		t.Fatalf("got %v", err)
	}
	plan(t, own, nil, "")
	for name, steer := range map[string]func() error{
		"pause":    func() error { return own.Pause(t.Context(), "none", "") },
		"resume":   func() error { return own.Resume(t.Context(), "none", "") },
		"trigger":  func() error { return own.Trigger(t.Context(), "none") },
		"backfill": func() error { return own.Backfill(t.Context(), "none", time.Unix(0, 0), time.Unix(1, 0)) },
	} {
		if err := steer(); !errors.Is(err, temporalx.ErrNoSchedule) {
			t.Errorf("%s of an unknown schedule: %v", name, err)
		}
	}
	if err := own.Backfill(t.Context(), "none", time.Unix(1, 0), time.Unix(0, 0)); err == nil || errors.Is(err, temporalx.ErrNoSchedule) {
		t.Errorf("a backfill that ends before it starts: %v", err)
	}
}

// idle is a workflow without activities.
func idle(_ workflow.Context, in json.RawMessage) (string, error) { return string(in), nil }

func TestSteeringNeverLosesAChange(t *testing.T) {
	cl := connect(t, startServer(t), payloadKeys(t, "k"))
	w := worker.New(cl, queue, worker.Options{})
	w.RegisterWorkflowWithOptions(idle, workflow.RegisterOptions{Name: "Idle"})
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
	own := schedules(t, cl, "company-129")
	want := nightly("steered")
	want.Paused = true
	want.Spec = temporalx.Spec{Cron: []string{"30 2 * * *"}, TimeZone: "Asia/Shanghai"}
	apply(t, own, plan(t, own, []temporalx.Schedule{want}, "create steered"))

	describe := func() *client.ScheduleDescription {
		d, err := cl.ScheduleClient().GetHandle(t.Context(), "steered").Describe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	if !describe().Schedule.State.Paused {
		t.Error("not created paused")
	}
	// Without waiting in between, the service would lose one of these.
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	from := time.Date(2026, 11, 2, 0, 0, 0, 0, shanghai)
	for _, step := range []func() error{
		func() error { return own.Resume(t.Context(), "steered", "go on") },
		func() error { return own.Pause(t.Context(), "steered", "stocktaking") },
		func() error { return own.Trigger(t.Context(), "steered") },
		func() error { return own.Backfill(t.Context(), "steered", from, from.AddDate(0, 0, 3)) },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	if state := describe().Schedule.State; !state.Paused || state.Note != "stocktaking" {
		t.Errorf("the pause was lost: %+v", state)
	}
	deadline, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for describe().Info.NumActions < 4 { // one triggered, three backfilled
		if deadline.Err() != nil {
			t.Fatalf("%d runs, want 4", describe().Info.NumActions)
		}
	}
}

// failing fails with a message that must not be readable in the history.
func failing(_ workflow.Context, _ string) error {
	return temporal.NewNonRetryableApplicationError("very private failure", "invalid", nil)
}

func TestHistoriesAreEncryptedAndReadableWithTheKeyOnly(t *testing.T) {
	server := startServer(t)
	cl := connect(t, server, payloadKeys(t, "k"))
	w := worker.New(cl, queue, worker.Options{})
	w.RegisterWorkflowWithOptions(idle, workflow.RegisterOptions{Name: "Idle"})
	w.RegisterWorkflowWithOptions(failing, workflow.RegisterOptions{Name: "Failing"})
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)

	var answer string
	run, err := cl.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "idle", TaskQueue: queue}, "Idle", json.RawMessage(`"very private input"`))
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Get(t.Context(), &answer); err != nil || answer != `"very private input"` {
		t.Fatalf("answer %q, %v", answer, err)
	}
	run, err = cl.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "failing", TaskQueue: queue}, "Failing", "very private input")
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Get(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "very private failure") {
		t.Fatalf("the failure is not readable with the key: %v", err)
	}

	var failure *failurepb.Failure
	for _, id := range []string{"idle", "failing"} {
		history := cl.GetWorkflowHistory(t.Context(), id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
		for history.HasNext() {
			event, err := history.Next()
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(event.String(), "very private") {
				t.Errorf("%s stands in clear in %s of %s", "very private", event.GetEventType(), id)
			}
			if f := event.GetWorkflowExecutionFailedEventAttributes().GetFailure(); f != nil {
				failure = f
			}
		}
	}
	if failure.GetEncodedAttributes() == nil {
		t.Error("the failure carries no encrypted attributes")
	}
	plain := connect(t, server, nil)
	if err := plain.GetWorkflow(t.Context(), "idle", "").Get(t.Context(), &answer); err == nil {
		t.Error("the answer is readable without the key")
	}
}

func TestAnUnknownNamespaceIsOneClearLine(t *testing.T) {
	server := startServer(t)
	_, err := temporalx.Dial(t.Context(), temporalx.Config{Addr: server.FrontendAddr(), Namespace: "missing"}, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), `no namespace "missing"`) || !strings.Contains(err.Error(), "ORGFLOW_TEMPORAL_NAMESPACE") {
		t.Errorf("got %v", err)
	}
}
