package temporalx

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
)

// memoOwner is the memo key of schedules that belong to orgflow. Memos of
// schedules cannot change; never rename it.
const memoOwner = "orgflow_owner"

var (
	// ErrNoSchedule says that there is no schedule with the given id.
	ErrNoSchedule = errors.New("no such schedule")
	// ErrOtherOwner says that a wanted schedule exists and is somebody else's.
	ErrOtherOwner = errors.New("another owner")
)

// Schedules reconciles and steers the schedules of one owner. Schedules of
// other owners, or of nobody, are never changed by Apply.
//
// Pause, Resume, Trigger and Backfill are patches, and the service loses the
// first of two that arrive together (Temporal reference § 6). A Schedules
// therefore sends one at a time and waits until it shows; use one Schedules
// per process for all of them. Safe for use by several goroutines.
type Schedules struct {
	client    client.Client
	converter converter.DataConverter
	namespace string
	owner     string
	// patching holds one token; who has it may change a schedule.
	patching chan struct{}
	// settle is how long a change may take to show.
	settle time.Duration
}

// NewSchedules returns the schedules of owner, a name such as "company-129".
// The converter and the namespace are the client's (PayloadKeys.DataConverter
// reads the workflow inputs of existing schedules).
func NewSchedules(cl client.Client, dc converter.DataConverter, namespace, owner string) *Schedules {
	s := &Schedules{client: cl, converter: dc, namespace: namespace, owner: owner, patching: make(chan struct{}, 1), settle: 10 * time.Second}
	s.patching <- struct{}{}
	return s
}

// Plan compares the wanted schedules with the owner's existing ones and
// changes nothing. Existing ones that are not wanted are planned for
// deletion. It fails, naming every problem, when a wanted schedule is
// invalid, appears twice or exists with another owner.
func (s *Schedules) Plan(ctx context.Context, want []Schedule) ([]Difference, error) {
	var problems []error
	seen := make(map[string]bool, len(want))
	for _, w := range want {
		problems = append(problems, w.Validate())
		if seen[w.ID] {
			problems = append(problems, fmt.Errorf("schedule %q: id: appears twice", w.ID))
		}
		seen[w.ID] = true
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	plan := make([]Difference, 0, len(want))
	for _, w := range want {
		d, err := s.planOne(ctx, w.withDefaults())
		if err != nil {
			problems = append(problems, err)
			continue
		}
		plan = append(plan, d)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	present, err := s.List(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range present {
		if !seen[p.ID] {
			plan = append(plan, Difference{ID: p.ID, Action: ActionDelete})
		}
	}
	slices.SortFunc(plan, func(a, b Difference) int { return strings.Compare(a.ID, b.ID) })
	return plan, nil
}

// planOne asks for the schedule itself: lists are late by some seconds.
func (s *Schedules) planOne(ctx context.Context, want Schedule) (Difference, error) {
	found, err := s.describe(ctx, want.ID)
	if errors.Is(err, ErrNoSchedule) {
		return Difference{ID: want.ID, Action: ActionCreate, want: want}, nil
	}
	if err != nil {
		return Difference{}, err
	}
	if owner := s.ownerOf(found.Memo); owner != s.owner {
		return Difference{}, fmt.Errorf("schedule %q exists and has %w, %q instead of %q: choose another id or delete it", want.ID, ErrOtherOwner, owner, s.owner)
	}
	wanted, err := wantedTexts(want)
	if err != nil {
		return Difference{}, err
	}
	fields := compare(presentTexts(found.Schedule, s.converter), wanted)
	key, err := s.keyDifference(found.Schedule)
	if err != nil {
		return Difference{}, err
	}
	fields = append(fields, key...)
	d := Difference{ID: want.ID, Action: ActionUnchanged, Fields: fields, want: want}
	if len(fields) > 0 {
		d.Action = ActionUpdate
	}
	return d, nil
}

// Apply carries out a plan of Plan. It stops at the first error; planning and
// applying again continues. An update leaves paused state and note alone.
func (s *Schedules) Apply(ctx context.Context, plan []Difference) error {
	release, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	defer release()
	for _, d := range plan {
		if err := s.apply(ctx, d); err != nil {
			return fmt.Errorf("%s schedule %s: %w", d.Action, d.ID, err)
		}
	}
	return nil
}

func (s *Schedules) apply(ctx context.Context, d Difference) error {
	switch d.Action {
	case ActionCreate:
		return s.create(ctx, d.want)
	case ActionUpdate:
		return s.update(ctx, d.want)
	case ActionDelete:
		return s.remove(ctx, d.ID)
	default:
		return nil
	}
}

func (s *Schedules) create(ctx context.Context, want Schedule) error {
	spec, err := want.Spec.resolve()
	if err != nil {
		return err
	}
	_, err = s.client.ScheduleClient().Create(ctx, client.ScheduleOptions{
		ID: want.ID, Spec: spec, Action: action(want), Overlap: overlaps[want.Overlap],
		CatchupWindow: time.Duration(want.CatchupWindow), PauseOnFailure: want.PauseOnFailure,
		Note: want.Note, Paused: want.Paused, Memo: map[string]any{memoOwner: clearText(s.owner)},
	})
	if !errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return err
	}
	// It appeared after the plan was made, for instance by another process
	// applying the same files.
	d, err := s.planOne(ctx, want)
	if err != nil || d.Action == ActionUnchanged {
		return err
	}
	return s.update(ctx, want)
}

func (s *Schedules) update(ctx context.Context, want Schedule) error {
	spec, err := want.Spec.resolve()
	if err != nil {
		return err
	}
	handle := s.client.ScheduleClient().GetHandle(ctx, want.ID)
	err = handle.Update(ctx, client.ScheduleUpdateOptions{
		DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
			if owner := s.ownerOf(in.Description.Memo); owner != s.owner {
				return nil, fmt.Errorf("it belongs to %q now", owner)
			}
			changed := in.Description.Schedule // keeps State
			changed.Spec, changed.Action = &spec, action(want)
			changed.Policy = &client.SchedulePolicies{
				Overlap: overlaps[want.Overlap], CatchupWindow: time.Duration(want.CatchupWindow), PauseOnFailure: want.PauseOnFailure,
			}
			return &client.ScheduleUpdate{Schedule: &changed}, nil
		},
	})
	if err != nil {
		return err
	}
	return s.await(ctx, func(ctx context.Context) (bool, error) {
		d, err := s.planOne(ctx, want)
		return d.Action == ActionUnchanged, err
	})
}

func (s *Schedules) remove(ctx context.Context, id string) error {
	handle := s.client.ScheduleClient().GetHandle(ctx, id)
	var missing *serviceerror.NotFound
	if err := handle.Delete(ctx); err != nil && !errors.As(err, &missing) {
		return err
	}
	return s.await(ctx, func(ctx context.Context) (bool, error) {
		_, err := s.describe(ctx, id)
		if errors.Is(err, ErrNoSchedule) {
			return true, nil
		}
		return false, err
	})
}

// action is what the schedule starts.
func action(want Schedule) *client.ScheduleWorkflowAction {
	updates := make([]temporal.SearchAttributeUpdate, 0, len(want.SearchAttributes))
	for name, value := range want.SearchAttributes {
		updates = append(updates, temporal.NewSearchAttributeKeyKeyword(name).ValueSet(value))
	}
	return &client.ScheduleWorkflowAction{
		ID: want.WorkflowID, Workflow: want.Workflow, Args: []any{want.Input}, TaskQueue: want.TaskQueue,
		TypedSearchAttributes: temporal.NewSearchAttributes(updates...),
	}
}

func (s *Schedules) describe(ctx context.Context, id string) (*client.ScheduleDescription, error) {
	found, err := s.client.ScheduleClient().GetHandle(ctx, id).Describe(ctx)
	var missing *serviceerror.NotFound
	if errors.As(err, &missing) {
		return nil, fmt.Errorf("schedule %q: %w", id, ErrNoSchedule)
	}
	if err != nil {
		return nil, fmt.Errorf("describe schedule %q: %w", id, err)
	}
	return found, nil
}

// ownerOf reads the owner from a memo; empty when there is none.
func (s *Schedules) ownerOf(memo *commonpb.Memo) string {
	payload, found := memo.GetFields()[memoOwner]
	if !found {
		return ""
	}
	var owner string
	if err := s.converter.FromPayload(payload, &owner); err != nil {
		return ""
	}
	return owner
}

// acquire takes the right to change schedules.
func (s *Schedules) acquire(ctx context.Context) (release func(), err error) {
	select {
	case <-s.patching:
		return func() { s.patching <- struct{}{} }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// await polls until done, for at most the settling time.
func (s *Schedules) await(ctx context.Context, done func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.settle, errUnsettled)
	defer cancel()
	err := Poll(ctx, func() (bool, error) { return done(ctx) })
	if err != nil && errors.Is(context.Cause(ctx), errUnsettled) {
		return errUnsettled
	}
	return err
}

// errUnsettled says that a change does not show.
var errUnsettled = errors.New("the change was accepted but does not show yet: look again in a minute")
