package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/activity"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/store"
)

const (
	// eventsPerTake bounds the records of a run that events start.
	eventsPerTake = 500
	// ownWithin is how far apart an event and a write of ours of the same
	// record may be to be one thing. It has to cover the delay of an event,
	// the time until an outcome is recorded and the difference of two clocks.
	ownWithin = 10 * time.Second
	// oldEvent is how late an event may be and still be dated by the vendor:
	// two repetitions and a vendor's clock that is not ours.
	oldEvent = 10 * time.Minute
)

// EventsState is what one execution of a target's gatherer hands on to the
// next; a first one knows the target only.
type EventsState struct {
	orgflow.Target
	Runs  []StartedRun `json:"runs,omitempty"` // not known to have ended
	Total EventCounts  `json:"total"`
}

// StartedRun is a run that events started.
type StartedRun struct {
	ID         string `json:"id"`
	FirstRunID string `json:"first_run_id"`
}

// EventCounts counts events by what came of them.
type EventCounts struct {
	Records int `json:"records"` // that runs look at
	Own     int `json:"own"`     // that tell of our own writes
	Unbound int `json:"unbound"` // about records nobody manages
	Off     int `json:"off"`     // of which nothing is made
	Runs    int `json:"runs"`
}

// Add adds other counts.
func (c *EventCounts) Add(o EventCounts) {
	c.Records, c.Own, c.Unbound, c.Off, c.Runs = c.Records+o.Records, c.Own+o.Own, c.Unbound+o.Unbound, c.Off+o.Off, c.Runs+o.Runs
}

// TakeParams asks for the events that are open. RunID begins the ids of the
// runs that will be started for them.
type TakeParams struct {
	Target orgflow.Target `json:"target"`
	RunID  string         `json:"run_id"`
	Runs   []StartedRun   `json:"runs,omitempty"`
}

// TakenEvents are the runs to start.
type TakenEvents struct {
	// Running are the runs of before that have not ended; while there are
	// some, nothing is taken.
	Running []StartedRun `json:"running,omitempty"`
	Jobs    []EventJob   `json:"jobs,omitempty"`
	Count   EventCounts  `json:"count"`
	Taken   int          `json:"taken"` // events, whatever came of them
}

// EventJob is a run to start: its workflow id and its job, whose source_ids
// name the records.
type EventJob struct {
	ID  string          `json:"id"`
	Job json.RawMessage `json:"job"`
}

// Receive keeps what a consumer tells of changes, and returns whether
// somebody has to look at it. What tells of a write of ours that is known
// already is not even kept. A notice that was received before changes
// nothing.
func (s *Sync) Receive(ctx context.Context, target orgflow.Target, n connectors.Notice) (open bool, err error) {
	if len(n.Records) == 0 || n.Act == orgflow.ChangeOff {
		return false, nil
	}
	events := make([]store.ContactEvent, len(n.Records))
	for i, r := range n.Records {
		events[i] = store.ContactEvent{EventID: n.ID, Type: n.Type, Record: r, HappenedAt: s.dated(n.At)}
	}
	own, err := s.ownEvents(ctx, target, events)
	if err != nil {
		return false, err
	}
	foreign := events[:0]
	for i, e := range events {
		if !own[i] {
			foreign = append(foreign, e)
		}
	}
	if len(foreign) == 0 {
		return false, nil
	}
	count, err := s.Store.SaveContactEvents(ctx, target, foreign)
	return count > 0, err
}

// dated is when an event happened by our clock: it arrived now, unless it
// says that it is a repetition.
func (s *Sync) dated(at time.Time) time.Time {
	now := s.Now()
	if at.Before(now) && now.Sub(at) < oldEvent {
		return at
	}
	return now
}

// ownEvents tells, by index, which events tell of writes of ours: our runs
// cause events like everybody else's changes.
func (s *Sync) ownEvents(ctx context.Context, target orgflow.Target, events []store.ContactEvent) ([]bool, error) {
	own := make([]bool, len(events))
	if len(events) == 0 {
		return own, nil
	}
	keys := make([]orgflow.RemoteKey, len(events))
	from, to := events[0].HappenedAt, events[0].HappenedAt
	for i, e := range events {
		keys[i] = e.Record
		if e.HappenedAt.Before(from) {
			from = e.HappenedAt
		}
		if e.HappenedAt.After(to) {
			to = e.HappenedAt
		}
	}
	written, err := s.Store.WrittenBetween(ctx, target, keys, from.Add(-ownWithin), to.Add(ownWithin))
	for i, e := range events {
		own[i] = slices.ContainsFunc(written[e.Record], func(at time.Time) bool {
			return at.Sub(e.HappenedAt).Abs() <= ownWithin
		})
	}
	return own, err
}

// TakeContactEvents takes the open events of a target and says which runs
// have to be started for them, if none of those before is still running.
// Repeating it with the same run id gives the same events again, and those
// that came meanwhile.
func (s *Sync) TakeContactEvents(ctx context.Context, p TakeParams) (TakenEvents, error) {
	out, err := s.takeEvents(ctx, p)
	return out, temporalError(err)
}

func (s *Sync) takeEvents(ctx context.Context, p TakeParams) (out TakenEvents, err error) {
	for _, run := range p.Runs {
		running, err := s.Executions.Running(ctx, run.ID, run.FirstRunID)
		if err != nil {
			return out, err
		}
		if running {
			out.Running = append(out.Running, run)
		}
	}
	if len(out.Running) > 0 {
		return out, nil
	}
	events, err := s.Store.ContactEvents(ctx, p.Target, p.RunID, eventsPerTake)
	if err != nil || len(events) == 0 {
		return out, err
	}
	_, settings, err := s.consumer(orgflow.Job{CompanyID: p.Target.CompanyID, Consumer: p.Target.Consumer})
	if err != nil {
		return out, err
	}
	sorted, err := s.sortEvents(ctx, p.Target, events, settings.Events.OnChange)
	if err != nil {
		return out, err
	}
	if out.Jobs, err = sorted.jobs(p.RunID, settings.Events.OnChange); err != nil {
		return out, err
	}
	out.Count, out.Taken = sorted.count, len(events)
	out.Count.Runs = len(out.Jobs)
	if err := s.Store.SettleContactEvents(ctx, p.RunID, sorted.states); err != nil {
		return out, err
	}
	if n := sorted.count.Unbound; n > 0 {
		activity.GetLogger(ctx).Info("contact events about records nobody is bound to", "target", p.Target.String(), "events", n)
	}
	return out, nil
}

// sortedEvents are events by what has to be done about them.
type sortedEvents struct {
	states map[int64]string
	count  EventCounts
	runs   []string // that read the records, in the order in which they are met
	bases  map[string]orgflow.Job
	keys   map[string][]string // source_ids by run
}

// sortEvents finds the records we manage among those the events name.
func (s *Sync) sortEvents(ctx context.Context, target orgflow.Target, events []store.ContactEvent, act orgflow.OnChange) (*sortedEvents, error) {
	out := &sortedEvents{states: map[int64]string{}, bases: map[string]orgflow.Job{}, keys: map[string][]string{}}
	own, err := s.ownEvents(ctx, target, events)
	if err != nil {
		return nil, err
	}
	keys := make([]orgflow.RemoteKey, len(events))
	for i, e := range events {
		keys[i] = e.Record
	}
	bound, err := s.Store.BoundRemote(ctx, target, keys)
	if err != nil {
		return nil, err
	}
	for i, e := range events {
		binding, managed := bound[e.Record]
		switch {
		case act != orgflow.ChangeReport && act != orgflow.ChangeRepair:
			out.states[e.ID] = store.EventOff
			out.count.Off++
		case own[i]:
			out.states[e.ID] = store.EventOwn
			out.count.Own++
		case !managed || binding.State == orgflow.BindingRoot:
			out.states[e.ID] = store.EventUnbound
			out.count.Unbound++
		default:
			if out.states[e.ID], err = s.include(ctx, target, binding, out); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// include adds a record to the run that is like the one which read it last.
// Where its scope has nothing to compare with, no run can be made.
func (s *Sync) include(ctx context.Context, target orgflow.Target, b orgflow.Binding, out *sortedEvents) (string, error) {
	asked := orgflow.Job{CompanyID: target.CompanyID, Consumer: target.Consumer, Params: orgflow.Params{Scope: b.Scope}}
	snapshot, found, err := s.newestSnapshot(ctx, asked, b.Kind)
	if err != nil {
		return "", err
	}
	base := orgflow.Job{}
	if found {
		run, err := s.Store.GetRun(ctx, snapshot.RunID)
		if err != nil {
			return "", err
		}
		base = run.Job
		base.Params.Operations = slices.DeleteFunc(slices.Clone(base.Params.Operations), func(op orgflow.Op) bool { return op == orgflow.Delete })
	}
	if len(base.Params.Operations) == 0 {
		out.count.Off++
		return store.EventOff, nil
	}
	if _, known := out.bases[snapshot.RunID]; !known {
		out.bases[snapshot.RunID] = base
		out.runs = append(out.runs, snapshot.RunID)
	}
	key := orgflow.RecordKey{Kind: b.Kind, ID: b.SourceID}.String()
	if list := out.keys[snapshot.RunID]; !slices.Contains(list, key) {
		out.keys[snapshot.RunID] = append(list, key)
		out.count.Records++
	}
	return store.EventTaken, nil
}

// jobs writes the jobs: of the records alone, compared with what the consumer
// holds now, from what the source said last. Nobody is deleted because of an
// event, so that no safeguard can be needed.
func (e *sortedEvents) jobs(id string, act orgflow.OnChange) ([]EventJob, error) {
	var out []EventJob
	for i, run := range e.runs {
		job := e.bases[run]
		p := &job.Params
		p.Stages, p.Mode, p.DryRun = []orgflow.Stage{orgflow.StageSend}, orgflow.Reconcile, act == orgflow.ChangeReport
		p.SourceIDs, p.Approval, p.OnRunning, p.DeleteLimit = e.keys[run], orgflow.ApprovalNever, orgflow.RunningWait, nil
		raw, err := json.Marshal(job)
		if err != nil {
			return nil, fmt.Errorf("job for contact events: %w", err)
		}
		name := id
		if i > 0 {
			name = fmt.Sprintf("%s-%d", id, i+1)
		}
		out = append(out, EventJob{ID: name, Job: raw})
	}
	return out, nil
}
