package temporalx

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"golang.org/x/sync/errgroup"
)

// ScheduleCounts is what became of a schedule's times, as the service counts
// it since the schedule was made. The times of a paused schedule, and those
// before it was changed last, are none of these (Temporal reference § 6).
type ScheduleCounts struct {
	Made   time.Time // when the schedule was; one that is made again counts from 0
	Starts int       // runs that were started
	// Late are runs that were not: the service, or the scheduler, was away for
	// longer than the catch-up window.
	Late int
	// Skipped are runs that the overlap policy left out because an earlier one
	// had not ended; triggers by hand among them.
	Skipped int
	// Dropped are runs for which there was no room behind earlier ones.
	Dropped int
}

// countAtOnce bounds the schedules that are asked for at a time.
const countAtOnce = 8

// Counted is List with the counts of each schedule, as of now. Schedules that
// are deleted meanwhile are left out.
func (s *Schedules) Counted(ctx context.Context) ([]ScheduleEntry, error) {
	list, err := s.List(ctx)
	if err != nil {
		return nil, err
	}
	gone := make([]bool, len(list))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(countAtOnce)
	for i := range list {
		group.Go(func() (err error) {
			list[i].Counts, err = s.count(ctx, list[i].ID)
			if gone[i] = errors.Is(err, ErrNoSchedule); gone[i] {
				return nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	out := list[:0]
	for i, e := range list {
		if !gone[i] {
			out = append(out, e)
		}
	}
	return out, nil
}

// count asks the service itself: the SDK's description leaves out what was
// dropped.
func (s *Schedules) count(ctx context.Context, id string) (ScheduleCounts, error) {
	found, err := s.client.WorkflowService().DescribeSchedule(ctx, &workflowservice.DescribeScheduleRequest{Namespace: s.namespace, ScheduleId: id})
	if _, missing := errors.AsType[*serviceerror.NotFound](err); missing {
		return ScheduleCounts{}, fmt.Errorf("schedule %q: %w", id, ErrNoSchedule)
	}
	if err != nil {
		return ScheduleCounts{}, fmt.Errorf("describe schedule %q: %w", id, err)
	}
	info := found.GetInfo()
	return ScheduleCounts{
		Made: info.GetCreateTime().AsTime(), Starts: int(info.GetActionCount()),
		Late: int(info.GetMissedCatchupWindow()), Skipped: int(info.GetOverlapSkipped()), Dropped: int(info.GetBufferDropped()),
	}, nil
}
