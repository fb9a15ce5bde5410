package meter_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"orgflow"
	"orgflow/internal/flow"
	"orgflow/internal/meter"
	"orgflow/internal/store"
)

// values returns what a registry shows that is not 0, a histogram as its
// count: name{values of the labels, in the order of their names} value.
func values(t *testing.T, g prometheus.Gatherer) (out []string) {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			v := m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			var labels []string
			for _, pair := range m.GetLabel() {
				labels = append(labels, pair.GetValue())
			}
			if v != 0 {
				out = append(out, fmt.Sprintf("%s{%s} %v", f.GetName(), strings.Join(labels, ","), v))
			}
		}
	}
	return out
}

func wantValues(t *testing.T, g prometheus.Gatherer, want ...string) {
	t.Helper()
	if d := cmp.Diff(want, values(t, g)); d != "" {
		t.Error(d)
	}
}

func open(t *testing.T) (meter.Store, *prometheus.Registry) {
	t.Helper()
	reg := prometheus.NewRegistry()
	m, err := meter.New(reg)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "orgflow.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return meter.Store{Store: s, Meter: m}, reg
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newRun(t *testing.T, s meter.Store, id string, dry bool, states ...orgflow.State) {
	t.Helper()
	job := orgflow.Job{Services: []string{"person_new"}, Consumer: "ding_talk", CompanyID: 129, Params: orgflow.Params{DryRun: dry}}.WithDefaults()
	_, _, err := s.CreateRun(t.Context(), store.NewRun{FirstRunID: id, WorkflowID: id, Job: job})
	must(t, err)
	var changes []orgflow.Change
	for i, state := range states {
		changes = append(changes, orgflow.Change{ID: i + 1, Kind: orgflow.Person, Op: orgflow.Insert, SourceID: fmt.Sprint(i), Wave: 1, State: state})
	}
	must(t, s.SavePlan(t.Context(), id, store.PlanMeta{Hash: "h"}, slices.Values(changes)))
}

// A run that ends is counted with its changes, once, however often that is
// stored; a dry run changes nothing and is not counted.
func TestRunsAreCountedOnce(t *testing.T) {
	s, reg := open(t)
	newRun(t, s, "r1", false, orgflow.Held, orgflow.Planned, orgflow.Planned, orgflow.Held)
	newRun(t, s, "dry", true, orgflow.Held)
	for range 2 {
		run, err := s.FinishRun(t.Context(), "r1", orgflow.StatusCompletedWithFailures, nil, nil)
		if err != nil || run.Status != orgflow.StatusCompletedWithFailures {
			t.Fatal(run.Status, err)
		}
		_, err = s.FinishRun(t.Context(), "r1", orgflow.StatusFailed, nil, nil)
		must(t, err)
		_, err = s.FinishRun(t.Context(), "dry", orgflow.StatusCompleted, nil, nil)
		must(t, err)
	}
	if _, err := s.FinishRun(t.Context(), "nobody", orgflow.StatusFailed, nil, nil); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
	if _, err := s.FinishRun(t.Context(), "r1", orgflow.StatusRunning, nil, nil); err == nil {
		t.Error("a status that ends nothing was taken")
	}
	wantValues(t, reg, "orgflow_changes_total{ding_talk,held} 2", "orgflow_changes_total{ding_talk,planned} 2",
		"orgflow_run_seconds{sync} 1", "orgflow_runs_total{ding_talk,sync,completed_with_failures} 1")
}

func TestPullsAndLoadsAreCountedOnce(t *testing.T) {
	s, reg := open(t)
	_, ok, err := s.CreatePull(t.Context(), store.NewPull{FirstRunID: "p", WorkflowID: "p", Input: orgflow.PullInput{CompanyID: 129}.WithDefaults()})
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	load, ok, err := s.CreateLoad(t.Context(), store.NewLoad{FirstRunID: "l", WorkflowID: "l", Input: orgflow.LoadInput{CompanyID: 129, FormID: "BD_X", Kind: orgflow.LoadUpdate}})
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	for range 2 {
		_, err := s.FinishPull(t.Context(), "p", orgflow.StatusCompleted, nil, nil)
		must(t, err)
		_, err = s.FinishLoad(t.Context(), load.ID, orgflow.StatusFailed, nil)
		must(t, err)
	}
	wantValues(t, reg, "orgflow_run_seconds{load} 1", "orgflow_run_seconds{pull} 1",
		"orgflow_runs_total{,load,failed} 1", "orgflow_runs_total{ding_talk,pull,completed} 1")
}

func TestMessagesAreCountedByOutcome(t *testing.T) {
	s, reg := open(t)
	ctx := t.Context()
	must(t, s.ConfirmSent(ctx, 1, "x", 0))
	must(t, s.ConfirmSent(ctx, 2, "x", 0))
	must(t, s.ConfirmDelivered(ctx, 1, ""))
	must(t, s.ConfirmDropped(ctx, 2, ""))
	must(t, s.RetryMessage(ctx, 3, 1, time.Second, ""))
	must(t, s.GiveUpMessage(ctx, 3, 1, ""))
	must(t, s.SupersedeMessage(ctx, 4, 1, ""))
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if err := s.GiveUpMessage(gone, 5, 1, ""); err == nil {
		t.Error("stored without a database")
	}
	wantValues(t, reg, "orgflow_messages_total{dead} 1", "orgflow_messages_total{delivered} 1", "orgflow_messages_total{dropped} 1",
		"orgflow_messages_total{retried} 1", "orgflow_messages_total{sent} 2", "orgflow_messages_total{superseded} 1")
}

func TestFlowsAreCountedByTheStateTheyGetInto(t *testing.T) {
	s, reg := open(t)
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for _, step := range []flow.Stepped{
		{From: orgflow.FlowStarting, To: orgflow.FlowRunning},
		{From: orgflow.FlowRunning, To: orgflow.FlowRunning, Waited: []time.Duration{time.Second, time.Minute}},
		{From: orgflow.FlowRunning, To: orgflow.FlowFaulted},
		{From: orgflow.FlowRunning, To: orgflow.FlowApproved, Closed: true, Launched: now.Add(-time.Hour), Waited: []time.Duration{time.Second}},
		{From: orgflow.FlowApproved, To: orgflow.FlowApproved, Closed: true, Launched: now.Add(-time.Hour)},
	} {
		step.At = now
		s.Meter.FlowStepped(step)
	}
	wantValues(t, reg, "orgflow_flow_decision_seconds{} 3", "orgflow_flow_seconds{APPROVED} 1",
		"orgflow_flows_total{APPROVED} 1", "orgflow_flows_total{FAULTED} 1", "orgflow_flows_total{RUNNING} 1")
}

// Whoever looks for an increase needs a beginning: the series are there
// before the first event.
func TestCountersBeginWithZero(t *testing.T) {
	s, reg := open(t)
	s.Meter.Expect("ding_talk")
	families, err := reg.Gather()
	must(t, err)
	got := map[string]int{}
	for _, f := range families {
		got[f.GetName()] = len(f.GetMetric())
	}
	want := map[string]int{
		"orgflow_runs_total": 18, "orgflow_changes_total": 9, "orgflow_flows_total": 6, "orgflow_messages_total": 6, "orgflow_flow_decision_seconds": 1,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	wantValues(t, reg)
}

// backlog is a database that can be looked at, and its clock.
type backlog struct {
	rows  []store.Waiting
	err   error
	looks int
	now   time.Time
}

func (b *backlog) collector(t *testing.T) *prometheus.Registry {
	t.Helper()
	reg := prometheus.NewRegistry()
	must(t, reg.Register(&meter.Backlog{
		Read: func(ctx context.Context) ([]store.Waiting, error) {
			if _, bounded := ctx.Deadline(); !bounded {
				t.Error("looks at the database without a time limit")
			}
			b.looks++
			return b.rows, b.err
		},
		Now: func() time.Time { return b.now }, Log: slog.New(slog.DiscardHandler),
	}))
	return reg
}

func TestTheBacklogIsShownAndKeptForAWhile(t *testing.T) {
	b := &backlog{now: time.Unix(0, 0), rows: []store.Waiting{
		{Queue: store.QueueOutbox, Consumer: "ding_talk", Items: 3, Oldest: time.Minute}, {Queue: store.QueueOutbox, Consumer: "we_com", Items: 1, Oldest: time.Second},
	}}
	reg := b.collector(t)
	want := []string{
		"orgflow_queue_items{ding_talk,outbox} 3", "orgflow_queue_items{we_com,outbox} 1",
		"orgflow_queue_oldest_seconds{ding_talk,outbox} 60", "orgflow_queue_oldest_seconds{we_com,outbox} 1", "orgflow_queue_read_ok{} 1",
	}
	wantValues(t, reg, want...)
	b.rows = nil
	b.now = b.now.Add(9 * time.Second)
	wantValues(t, reg, want...)
	b.now = b.now.Add(time.Second)
	wantValues(t, reg, "orgflow_queue_read_ok{} 1")
	if b.looks != 2 {
		t.Errorf("looked %d times", b.looks)
	}
	families, err := reg.Gather()
	must(t, err)
	if n := len(families[0].GetMetric()); n != len(store.Queues()) { // empty ones with 0
		t.Errorf("%d queues are shown, there are %d", n, len(store.Queues()))
	}
}

// "Could not read" is never "nothing waits", nor "as before".
func TestABacklogThatCannotBeReadShowsThat(t *testing.T) {
	b := &backlog{now: time.Unix(0, 0), rows: []store.Waiting{{Queue: store.QueueOutbox, Items: 3}}}
	reg := b.collector(t)
	values(t, reg)
	b.err, b.now = errors.New("away"), b.now.Add(time.Minute)
	for range 2 { // the failure is kept for a while too
		families, err := reg.Gather()
		must(t, err)
		if len(families) != 1 || families[0].GetName() != "orgflow_queue_read_ok" || families[0].GetMetric()[0].GetGauge().GetValue() != 0 {
			t.Errorf("%v", families)
		}
	}
	if b.looks != 2 {
		t.Errorf("looked %d times", b.looks)
	}
	b.err, b.now = nil, b.now.Add(time.Minute)
	wantValues(t, reg, "orgflow_queue_items{,outbox} 3", "orgflow_queue_read_ok{} 1")
}
