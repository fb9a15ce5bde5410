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
	// remoteInFlight is how many departments are read at a time; the calls
	// share the client's rate budget.
	remoteInFlight = 8
	// remoteBatch is how many departments are taken from the queue at once.
	remoteBatch = 8 * remoteInFlight
	// remotePerRead is one activity's share of a read, in departments.
	remotePerRead = 256
)

// ReadRemote reads all the consumer holds below the root department, breadth
// first, and keeps it in the database, from which a killed read goes on: at
// most the page that was being read is read again. A read that cannot be
// finished says why and is never complete, so that what is missing in it is
// not taken for gone. The caller repeats it until it is done.
func (s *Sync) ReadRemote(ctx context.Context, p RunParams) (RemoteCount, error) {
	defer keepAlive(ctx)()
	out, err := s.readRemote(ctx, p.RunID)
	return out, temporalError(err)
}

func (s *Sync) readRemote(ctx context.Context, runID string) (RemoteCount, error) {
	run, err := s.Store.GetRun(ctx, runID)
	if err != nil {
		return RemoteCount{}, err
	}
	consumer, settings, err := s.consumer(run.Job)
	if err != nil {
		return RemoteCount{}, err
	}
	dir, ok := consumer.(connectors.Directory)
	if !ok {
		return RemoteCount{Done: true, Cause: "the consumer " + run.Job.Consumer + " cannot show what it holds"}, nil
	}
	state, err := s.Store.RemoteDone(ctx, run.ID)
	if err != nil || state.Finished {
		return remoteCount(state), err
	}
	root := string(settings.RootID)
	r := &remoteReader{sync: s, runID: run.ID, dir: dir, root: root}
	lookup, _ := consumer.(connectors.Lookup)
	single, err := s.singles(ctx, run, lookup)
	if err != nil {
		return RemoteCount{}, err
	}
	if single != nil {
		err = s.Store.BeginRemote(ctx, run.ID, root)
		if err == nil {
			err = r.readSingles(ctx, lookup, single)
		}
	} else {
		err = s.begunWhole(ctx, run, root)
		if err == nil {
			err = r.read(ctx)
		}
	}
	counted := s.Store.AddCounters(context.WithoutCancel(ctx), run.ID, store.Counters{
		Calls: int(r.calls.Load()), Throttled: int(r.throttled.Load()), TokenRenewals: s.renewals(consumer),
	})
	if err = r.verdict(ctx, err); err != nil {
		return RemoteCount{}, err
	}
	if counted != nil {
		return RemoteCount{}, counted
	}
	state, err = s.Store.RemoteDone(ctx, run.ID)
	return remoteCount(state), err
}

// begunWhole begins the reading of everything.
func (s *Sync) begunWhole(ctx context.Context, run store.Run, root string) error {
	known, err := s.boundOrgs(ctx, run)
	if err != nil {
		return err
	}
	return s.Store.BeginRemote(ctx, run.ID, root, known...)
}

// boundOrgs lists the consumer's ids of the departments we know.
func (s *Sync) boundOrgs(ctx context.Context, run store.Run) ([]string, error) {
	var ids []string
	for binding, err := range s.Store.Bindings(ctx, run.Job.Target(), orgflow.Org) {
		if err != nil {
			return nil, err
		}
		if binding.State != orgflow.BindingRoot {
			ids = append(ids, binding.ConsumerID)
		}
	}
	return ids, nil
}

func remoteCount(r store.RemoteRead) RemoteCount {
	return RemoteCount{
		Departments: r.Departments, Persons: r.Persons, Calls: r.Calls,
		Done: r.Finished, Complete: r.Complete, Cause: r.Cause,
	}
}

// remoteReader is one activity's share of a read of the consumer.
type remoteReader struct {
	sync             *Sync
	runID            string
	dir              connectors.Directory
	root             string
	calls, throttled atomic.Int64
}

// read works off the queue of departments.
func (r *remoteReader) read(ctx context.Context) error {
	for taken := 0; taken < remotePerRead; {
		depts, err := r.sync.Store.NextDepartments(ctx, r.runID, remoteBatch)
		if err != nil {
			return err
		}
		if len(depts) == 0 {
			return r.sync.Store.FinishRemote(ctx, r.runID, "")
		}
		if err := inParallel(ctx, remoteInFlight, each(depts), r.department); err != nil {
			return err
		}
		taken += len(depts)
		activity.RecordHeartbeat(ctx)
	}
	return nil
}

// department reads what is missing of one department.
func (r *remoteReader) department(ctx context.Context, d store.RemoteDepartment) error {
	if !d.Known {
		step, err := r.org(ctx, d.ID)
		if err != nil {
			return err
		}
		if err := r.sync.Store.SaveRemotePage(ctx, r.runID, step); err != nil || step.Gone {
			return err
		}
	}
	for cursor := d.Cursor; ; {
		step, err := r.members(ctx, d.ID, cursor)
		if err != nil {
			return err
		}
		if err := r.sync.Store.SaveRemotePage(ctx, r.runID, step); err != nil || step.Done || step.Gone {
			return err
		}
		cursor = step.Cursor
	}
}

func (r *remoteReader) org(ctx context.Context, dept string) (store.RemoteStep, error) {
	var org connectors.RemoteOrg
	step, err := r.patiently(ctx, dept, func() (calls int, err error) {
		org, err = r.dir.ReadOrg(ctx, dept)
		return org.Calls, err
	})
	if err != nil || step.Gone {
		return step, err
	}
	step.Found = org.Children
	if org.Record != nil {
		step.Records = []store.RemoteRecord{store.RemoteRecord(*org.Record)}
	}
	return step, nil
}

func (r *remoteReader) members(ctx context.Context, dept, cursor string) (store.RemoteStep, error) {
	var page connectors.RemotePage
	step, err := r.patiently(ctx, dept, func() (calls int, err error) {
		page, err = r.dir.ReadMembers(ctx, dept, cursor)
		return page.Calls, err
	})
	if err != nil || step.Gone {
		return step, err
	}
	step.Cursor, step.Done = page.Next, page.Next == ""
	for _, record := range page.Records {
		step.Records = append(step.Records, store.RemoteRecord(record))
	}
	return step, nil
}

// patiently calls until there is an answer. A department that was deleted
// since it was found is an answer, too; the root is not.
func (r *remoteReader) patiently(ctx context.Context, dept string, call func() (int, error)) (store.RemoteStep, error) {
	step := store.RemoteStep{Department: dept}
	spent, throttled, err := patiently(ctx, r.sync.Sleep, call)
	step.Calls = spent
	r.calls.Add(int64(spent))
	r.throttled.Add(int64(throttled))
	switch {
	case err == nil || ctx.Err() != nil:
		return step, err
	case dept != r.root && orgflow.AsFault(err).Code == orgflow.CodeNotFound:
		step.Gone = true
		return step, nil
	}
	return step, &unreadError{orgflow.AsFault(err)}
}

// unreadError is the consumer's failure to show something, not one of ours.
type unreadError struct{ fault *orgflow.Fault }

func (e *unreadError) Error() string { return e.fault.Error() }
func (e *unreadError) Unwrap() error { return e.fault }

// verdict decides what a failed read means: try again, fail the run, or go
// on without knowing all the consumer holds. A permission that reading lacks
// does not keep anybody from writing, so it ends the read, not the run.
func (r *remoteReader) verdict(ctx context.Context, err error) error {
	if errors.Is(err, errWorkerStops) {
		return nil // a smaller share; another worker reads the next one
	}
	unread, ok := errors.AsType[*unreadError](err)
	if !ok || ctx.Err() != nil {
		return err
	}
	f := unread.fault
	later := f.Transient() || f.Code == orgflow.CodeInternal
	if later && activity.GetInfo(ctx).Attempt < lastFetchAttempt || f.StopsRun() && f.Code != orgflow.CodeForbidden {
		return err
	}
	return r.sync.Store.FinishRemote(ctx, r.runID, f.Error())
}
