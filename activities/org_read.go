package activities

import (
	"context"
	"errors"
	"sync/atomic"

	"go.temporal.io/sdk/activity"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/store"
)

const (
	// pullInFlight keeps the rate budget used up to answer times of almost two
	// seconds (docs/architecture.md, "Why 32 calls in flight").
	pullInFlight = 32
	// pullBatch is how many departments are taken from the queue at once,
	// pullShare how many one activity reads before the workflow shows progress:
	// at its end the calls in flight are waited for, and the budget is idle.
	pullBatch = 4 * pullInFlight
	pullShare = 8 * pullBatch
	// pullGivenUp is how many departments may fail for the origin's own
	// reasons; more of them are the origin's failure, not theirs.
	pullGivenUp = 10
)

// ReadOrganisation reads the origin's departments breadth first and their
// members page by page into the database, from which a killed reading goes
// on: at most the calls in flight are made again, and repeating one changes
// nothing. A department that cannot be read leaves the reading incomplete and
// is never taken for gone. The caller repeats it until it is done.
func (o *Org) ReadOrganisation(ctx context.Context, p PullParams) (PulledShare, error) {
	defer keepAlive(ctx)()
	out, err := o.readShare(ctx, p.PullID)
	return out, temporalError(err)
}

func (o *Org) readShare(ctx context.Context, pullID string) (PulledShare, error) {
	pull, err := o.Store.GetPull(ctx, pullID)
	if err != nil || pull.ReadEnd {
		return PulledShare{Summary: pull.Summary, Done: pull.ReadEnd}, err
	}
	reader, consumer, err := o.origin(pull.Input)
	if err != nil {
		return PulledShare{}, err
	}
	r := &pullReader{org: o, pullID: pullID, reader: reader, root: pull.Root, last: activity.GetInfo(ctx).Attempt >= lastFetchAttempt}
	if r.root == "" {
		if err := r.begin(ctx); err != nil {
			return PulledShare{}, err
		}
	}
	read, err := r.read(ctx)
	if err == nil && read {
		err = r.end(ctx, pull, consumer)
	}
	// A stopping worker has read a smaller share; another one reads the next.
	if err != nil && !errors.Is(err, errWorkerStops) {
		return PulledShare{}, err
	}
	pull, err = o.Store.GetPull(ctx, pullID)
	return PulledShare{Summary: pull.Summary, Done: pull.ReadEnd}, err
}

// pullReader is one activity's share of a reading.
type pullReader struct {
	org    *Org
	pullID string
	reader connectors.Organisation
	root   string
	last   bool // the last attempt: what fails now is left out instead of tried again
	failed atomic.Int64
	queue  *pullQueue
}

// begin asks what may be seen and stores the root.
func (r *pullReader) begin(ctx context.Context) error {
	scope, err := r.reader.ReadScope(ctx)
	counted := r.org.Store.AddPullCalls(context.WithoutCancel(ctx), r.pullID, 0, scope.Calls, 0)
	if err != nil {
		return err
	}
	if counted != nil {
		return counted
	}
	r.root = scope.Root.ID
	root := unitOf(scope.Root)
	root.ParentRemoteID = ""
	cause := ""
	if !scope.Whole {
		cause = scope.Cause
	}
	return r.org.Store.BeginPull(ctx, r.pullID, root, cause)
}

func unitOf(u connectors.Unit) orgflow.OrgUnit {
	return orgflow.OrgUnit{RemoteID: u.ID, ParentRemoteID: u.Parent, Name: u.Name, Code: u.Key, Position: u.Position}
}

// read works off the queue of departments; true is its end.
func (r *pullReader) read(ctx context.Context) (bool, error) {
	r.queue = newPullQueue(r.org.Store, r.pullID)
	err := inParallel(ctx, pullInFlight, r.queue.units, r.unit)
	if err == nil {
		err = r.queue.err
	}
	return err == nil && r.queue.end, err
}

// unit reads what is missing of one department.
func (r *pullReader) unit(ctx context.Context, u store.PullUnit) error {
	defer r.queue.done(u.ID)
	if !u.Known {
		step, err := r.below(ctx, u)
		if err != nil {
			return err
		}
		if err := r.org.Store.SavePullStep(ctx, r.pullID, step); err != nil || step.Gone || step.Unread {
			return err
		}
		r.queue.grown() // others read what is below while this one reads members
	}
	for {
		step, err := r.people(ctx, u)
		if err != nil {
			return err
		}
		if err := r.org.Store.SavePullStep(ctx, r.pullID, step); err != nil || step.Done || step.Gone || step.Unread {
			return err
		}
		u.Cursor = step.Cursor
	}
}

func (r *pullReader) below(ctx context.Context, u store.PullUnit) (store.PullStep, error) {
	var units connectors.Units
	step, err := r.patiently(ctx, u, func() (calls int, err error) {
		units, err = r.reader.ReadUnits(ctx, u.ID)
		return units.Calls, err
	})
	if err != nil || step.Gone || step.Unread {
		return step, err
	}
	step.Deep = units.Deep
	for _, unit := range units.Units {
		step.Found = append(step.Found, unitOf(unit))
	}
	return step, nil
}

func (r *pullReader) people(ctx context.Context, u store.PullUnit) (store.PullStep, error) {
	var page connectors.People
	step, err := r.patiently(ctx, u, func() (calls int, err error) {
		page, err = r.reader.ReadPeople(ctx, u.ID, u.Cursor)
		return page.Calls, err
	})
	if err != nil || step.Gone || step.Unread {
		return step, err
	}
	step.Cursor, step.Done = page.Next, page.Next == ""
	step.Supervised = map[string]bool{}
	for _, p := range page.People {
		member := orgflow.OrgMember{UserID: p.UserID, JobNumber: p.JobNumber, Name: p.Name, Title: p.Title, Mobile: p.Mobile, Active: p.Active}
		if p.Supervisor != nil {
			member.Supervisor, step.Supervised[p.UserID] = *p.Supervisor, true
		}
		step.People = append(step.People, member)
		step.Seats = append(step.Seats, orgflow.OrgSeat{
			UnitRemoteID: u.ID, UserID: p.UserID, Position: p.Position, Leader: p.Leader, Main: p.Main == u.ID,
		})
	}
	return step, nil
}

// patiently calls until there is an answer. That a department was deleted
// since it was found is an answer, too; so is that it may not be seen, and,
// in the last attempt, that it cannot be read. None of this is an answer for
// the root.
func (r *pullReader) patiently(ctx context.Context, u store.PullUnit, call func() (int, error)) (store.PullStep, error) {
	step := store.PullStep{Unit: u}
	spent, throttled, err := patiently(ctx, r.org.Sleep, call)
	step.Calls = spent
	if throttled > 0 {
		if err := r.org.Store.AddPullCalls(context.WithoutCancel(ctx), r.pullID, 0, 0, throttled); err != nil {
			return step, err
		}
	}
	if err == nil {
		return step, nil
	}
	fault := orgflow.AsFault(err)
	switch {
	case ctx.Err() != nil || u.ID == r.root || fault.StopsRun():
	case fault.Code == orgflow.CodeNotFound:
		step.Gone = true
		return step, nil
	case fault.Code == orgflow.CodePartialRead, !fault.Transient() && fault.Code != orgflow.CodeInternal,
		r.last && r.failed.Add(1) <= pullGivenUp:
		step.Unread = true
		return step, nil
	}
	// What was spent on a failure is counted here; a step counts its own.
	if counted := r.org.Store.AddPullCalls(context.WithoutCancel(ctx), r.pullID, spent, 0, 0); counted != nil {
		return step, counted
	}
	return step, err
}

// end asks for supervisors where that is wanted, and closes the reading.
func (r *pullReader) end(ctx context.Context, pull store.Pull, consumer connectors.Consumer) error {
	supervised, ok := consumer.(connectors.Supervised)
	for ok && pull.Input.Supervisors {
		ids, err := r.org.Store.UnsupervisedMembers(ctx, r.pullID, pullBatch)
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			break
		}
		if err := inParallel(ctx, pullInFlight, each(ids), func(ctx context.Context, id string) error { return r.supervisor(ctx, supervised, id) }); err != nil {
			return err
		}
		activity.RecordHeartbeat(ctx)
	}
	return r.org.Store.EndPullRead(ctx, r.pullID, "")
}

func (r *pullReader) supervisor(ctx context.Context, from connectors.Supervised, userID string) error {
	var supervisor string
	spent, throttled, err := patiently(ctx, r.org.Sleep, func() (calls int, err error) {
		supervisor, calls, err = from.ReadSupervisor(ctx, userID)
		return calls, err
	})
	if counted := r.org.Store.AddPullCalls(context.WithoutCancel(ctx), r.pullID, 0, spent, throttled); counted != nil {
		return counted
	}
	if err != nil && orgflow.AsFault(err).Code != orgflow.CodeNotFound { // left since the list was read
		return err
	}
	return r.org.Store.SetSupervisor(ctx, r.pullID, userID, supervisor)
}
