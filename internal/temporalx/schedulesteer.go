package temporalx

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
)

// ScheduleEntry is one existing schedule.
type ScheduleEntry struct {
	ID       string `json:"id"`
	Workflow string `json:"workflow"`
	Paused   bool   `json:"paused"`
	// Note was left by who paused or resumed it, or by the service.
	Note string `json:"note,omitempty"`
	// Next are the coming start times, Recent the latest starts.
	Next   []time.Time     `json:"next"`
	Recent []ScheduleStart `json:"recent"`
	// Counts are of Counted only.
	Counts ScheduleCounts `json:"-"`
}

// ScheduleStart is a workflow that a schedule has started.
type ScheduleStart struct {
	// ScheduledFor is the time of the spec, StartedAt when it happened.
	ScheduledFor time.Time `json:"scheduled_for"`
	StartedAt    time.Time `json:"started_at"`
	WorkflowID   string    `json:"workflow_id"`
	RunID        string    `json:"run_id"`
}

// List returns the owner's schedules by id. It can be late by some seconds:
// the service lists from its search index.
func (s *Schedules) List(ctx context.Context) ([]ScheduleEntry, error) {
	iterator, err := s.client.ScheduleClient().List(ctx, client.ScheduleListOptions{PageSize: 100})
	if err != nil {
		return nil, fmt.Errorf("list schedules: %w", err)
	}
	var out []ScheduleEntry
	for iterator.HasNext() {
		e, err := iterator.Next()
		if err != nil {
			return nil, fmt.Errorf("list schedules: %w", err)
		}
		if s.ownerOf(e.Memo) == s.owner {
			out = append(out, entry(e))
		}
	}
	slices.SortFunc(out, func(a, b ScheduleEntry) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}

func entry(e *client.ScheduleListEntry) ScheduleEntry {
	return ScheduleEntry{
		ID: e.ID, Workflow: e.WorkflowType.Name, Paused: e.Paused, Note: e.Note,
		Next: e.NextActionTimes, Recent: starts(e.RecentActions),
	}
}

// Pause stops the schedule from starting runs; a running one goes on. The
// note tells others who paused it and why; it is not encrypted.
func (s *Schedules) Pause(ctx context.Context, id, note string) error {
	return s.patch(ctx, "pause", id, func(h client.ScheduleHandle) error {
		return h.Pause(ctx, client.SchedulePauseOptions{Note: note})
	}, func(_, now *client.ScheduleDescription) bool { return now.Schedule.State.Paused })
}

// Resume lets a paused schedule start runs again. Times missed meanwhile are
// not made up for.
func (s *Schedules) Resume(ctx context.Context, id, note string) error {
	return s.patch(ctx, "resume", id, func(h client.ScheduleHandle) error {
		return h.Unpause(ctx, client.ScheduleUnpauseOptions{Note: note})
	}, func(_, now *client.ScheduleDescription) bool { return !now.Schedule.State.Paused })
}

// SkippedError says that a trigger started nothing: an earlier run of the
// schedule has not ended, and the overlap policy skips.
type SkippedError struct {
	ID      string
	Running []string // workflow ids of the runs that go on
}

// Error names the runs that are in the way.
func (e *SkippedError) Error() string {
	return fmt.Sprintf("schedule %q started nothing: %s has not ended, and its overlap policy skips", e.ID, strings.Join(e.Running, ", "))
}

// Trigger starts one run now, under the schedule's overlap policy, even when
// the schedule is paused. A run that the policy skips is a *SkippedError; one
// that it queues behind the former starts later.
func (s *Schedules) Trigger(ctx context.Context, id string) error {
	var skipped *SkippedError
	err := tolerant(s.patch(ctx, "trigger", id, func(h client.ScheduleHandle) error {
		return h.Trigger(ctx, client.ScheduleTriggerOptions{})
	}, func(before, now *client.ScheduleDescription) bool {
		if now.Info.NumActionsSkippedOverlap > before.Info.NumActionsSkippedOverlap {
			skipped = &SkippedError{ID: id, Running: running(now)}
		}
		return acted(before, now)
	}))
	if err == nil && skipped != nil {
		return skipped
	}
	return err
}

// running are the workflow ids of a schedule's runs that have not ended.
func running(d *client.ScheduleDescription) []string {
	out := make([]string, len(d.Info.RunningWorkflows))
	for i, w := range d.Info.RunningWorkflows {
		out[i] = w.WorkflowID
	}
	if len(out) == 0 {
		return []string{"its former run"}
	}
	return out
}

// Backfill starts the runs that the schedule has from from to to, both
// included, one after the other and after the one that is going on; also when
// the schedule is paused, and however long ago that was.
func (s *Schedules) Backfill(ctx context.Context, id string, from, to time.Time) error {
	if !from.Before(to) {
		return fmt.Errorf("backfill schedule %q: the range ends (%s) before it starts (%s)", id, to.Format(time.RFC3339), from.Format(time.RFC3339))
	}
	return tolerant(s.patch(ctx, "backfill", id, func(h client.ScheduleHandle) error {
		return h.Backfill(ctx, client.ScheduleBackfillOptions{Backfill: []client.ScheduleBackfill{{
			Start: from, End: to, Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_BUFFER_ALL,
		}}})
	}, acted))
}

// tolerant passes over a trigger or backfill that does not show: one that
// was buffered behind a running workflow, hit no time at all, or came in the
// same second as another (their runs would have one id), shows
// nowhere. Having waited is enough to keep it apart from the next patch.
func tolerant(err error) error {
	if errors.Is(err, errUnsettled) {
		return nil
	}
	return err
}

// acted reports whether the schedule did something since before.
func acted(before, now *client.ScheduleDescription) bool {
	return now.Info.NumActions > before.Info.NumActions ||
		now.Info.NumActionsSkippedOverlap > before.Info.NumActionsSkippedOverlap
}

// patch sends one patch and waits until it shows.
func (s *Schedules) patch(ctx context.Context, verb, id string,
	send func(client.ScheduleHandle) error, shows func(before, now *client.ScheduleDescription) bool,
) error {
	release, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	defer release()
	before, err := s.describe(ctx, id)
	if err != nil {
		return err
	}
	if err := send(s.client.ScheduleClient().GetHandle(ctx, id)); err != nil {
		return fmt.Errorf("%s schedule %q: %w", verb, id, err)
	}
	err = s.await(ctx, func(ctx context.Context) (bool, error) {
		now, err := s.describe(ctx, id)
		if err != nil {
			return false, err
		}
		return shows(before, now), nil
	})
	if err != nil {
		return fmt.Errorf("%s schedule %q: %w", verb, id, err)
	}
	return nil
}
