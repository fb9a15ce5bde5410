package meter

import (
	"context"
	"time"

	"orgflow"
	"orgflow/internal/store"
)

// Outcomes of a message.
const (
	sent       = "sent"
	delivered  = "delivered"
	dropped    = "dropped"
	retried    = "retried"
	dead       = "dead"
	superseded = "superseded"
)

// Store is a database that counts the outcomes stored through it.
type Store struct {
	*store.Store
	Meter *Meter
}

// FinishRun ends a run and counts it, with its changes, if it had not ended.
func (s Store) FinishRun(ctx context.Context, id string, status orgflow.Status, fault *orgflow.Fault, notes []string) (store.Run, error) {
	before, err := s.GetRun(ctx, id)
	if err != nil {
		return store.Run{}, err
	}
	run, err := s.Store.FinishRun(ctx, id, status, fault, notes)
	if err != nil || before.Status.Terminal() || run.Job.Params.DryRun {
		return run, err
	}
	consumer := run.Job.Consumer
	s.Meter.ended(kindSync, consumer, run.Status, run.StartedAt, run.FinishedAt)
	// What cannot be counted now is not worth a run that cannot end.
	if states, err := s.CountByState(ctx, id); err == nil {
		for state, n := range states {
			s.Meter.changes.WithLabelValues(consumer, string(state)).Add(float64(n))
		}
	}
	return run, nil
}

// FinishPull ends a pull and counts it if it had not ended.
func (s Store) FinishPull(ctx context.Context, id string, status orgflow.Status, fault *orgflow.Fault, notes []string) (store.Pull, error) {
	before, err := s.GetPull(ctx, id)
	if err != nil {
		return store.Pull{}, err
	}
	pull, err := s.Store.FinishPull(ctx, id, status, fault, notes)
	if err == nil && !before.Summary.Status.Terminal() {
		s.Meter.ended(kindPull, pull.Input.Origin, pull.Summary.Status, pull.Summary.StartedAt, pull.Summary.FinishedAt)
	}
	return pull, err
}

// FinishLoad ends a load and counts it if it had not ended.
func (s Store) FinishLoad(ctx context.Context, id string, status orgflow.Status, fault *orgflow.Fault) (store.Load, error) {
	before, err := s.GetLoad(ctx, id)
	if err != nil {
		return store.Load{}, err
	}
	load, err := s.Store.FinishLoad(ctx, id, status, fault)
	if err == nil && !before.Summary.Status.Terminal() {
		s.Meter.ended(kindLoad, "", load.Summary.Status, load.Summary.StartedAt, load.Summary.FinishedAt)
	}
	return load, err
}

func (m *Meter) ended(kind, consumer string, status orgflow.Status, from time.Time, to *time.Time) {
	m.runs.WithLabelValues(kind, consumer, string(status)).Inc()
	if to != nil {
		m.runSeconds.WithLabelValues(kind).Observe(to.Sub(from).Seconds())
	}
}

// message counts an outcome that was stored. An outcome that is stored twice,
// because an activity was repeated, counts twice.
func (s Store) message(outcome string, err error) error {
	if err == nil {
		s.Meter.messages.WithLabelValues(outcome).Inc()
	}
	return err
}

// ConfirmSent counts a message that the provider took.
func (s Store) ConfirmSent(ctx context.Context, id int64, providerID string, check time.Duration) error {
	return s.message(sent, s.Store.ConfirmSent(ctx, id, providerID, check))
}

// RetryMessage counts a message that was put off.
func (s Store) RetryMessage(ctx context.Context, id int64, tries int, after time.Duration, note string) error {
	return s.message(retried, s.Store.RetryMessage(ctx, id, tries, after, note))
}

// GiveUpMessage counts a message that was given up.
func (s Store) GiveUpMessage(ctx context.Context, id int64, tries int, note string) error {
	return s.message(dead, s.Store.GiveUpMessage(ctx, id, tries, note))
}

// SupersedeMessage counts a message that was not true any more.
func (s Store) SupersedeMessage(ctx context.Context, id int64, tries int, note string) error {
	return s.message(superseded, s.Store.SupersedeMessage(ctx, id, tries, note))
}

// ConfirmDelivered counts a message that the provider delivered.
func (s Store) ConfirmDelivered(ctx context.Context, id int64, note string) error {
	return s.message(delivered, s.Store.ConfirmDelivered(ctx, id, note))
}

// ConfirmDropped counts a message that the provider took and did not deliver.
func (s Store) ConfirmDropped(ctx context.Context, id int64, note string) error {
	return s.message(dropped, s.Store.ConfirmDropped(ctx, id, note))
}
