package activities

import (
	"context"

	"go.temporal.io/sdk/activity"
	"golang.org/x/sync/errgroup"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/store"
)

// singlesMost is how many records are read one by one: more cost as many
// calls as the directory of a middling organisation.
const singlesMost = 500

// singles returns the records a reconcile run for a few records has to see,
// nil where the whole has to be read: a run for everything or for many, a
// consumer that shows no single record, a record nobody is bound to, which
// may be there under any id.
func (s *Sync) singles(ctx context.Context, run store.Run, lookup connectors.Lookup) ([]orgflow.RemoteKey, error) {
	ids := run.Job.Params.SourceIDs
	if lookup == nil || run.Job.Params.Mode != orgflow.Reconcile || len(ids) == 0 || len(ids) > singlesMost {
		return nil, nil
	}
	var keys []orgflow.RecordKey
	for _, id := range ids {
		if key, err := orgflow.ParseRecordKey(id); err == nil {
			keys = append(keys, key)
			continue
		}
		return nil, nil // of either kind
	}
	bound, err := s.Store.BindingsOf(ctx, run.Job.Target(), keys)
	if err != nil {
		return nil, err
	}
	out := make([]orgflow.RemoteKey, 0, len(keys))
	for _, key := range keys {
		b, found := bound[key]
		if !found {
			return nil, nil
		}
		if b.State != orgflow.BindingRoot {
			out = append(out, orgflow.RemoteKey{Kind: key.Kind, ID: b.ConsumerID})
		}
	}
	return out, nil
}

// readSingles reads records one by one. What is not there is gone: nothing
// else is concluded from such a read, for the plan is about these records
// alone. A killed read begins again.
func (r *remoteReader) readSingles(ctx context.Context, lookup connectors.Lookup, keys []orgflow.RemoteKey) error {
	group, reading := errgroup.WithContext(ctx)
	group.SetLimit(remoteInFlight)
	for _, key := range keys {
		group.Go(func() error {
			activity.RecordHeartbeat(reading)
			return r.single(reading, lookup, key)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := r.sync.Store.SaveRemotePage(ctx, r.runID, store.RemoteStep{Department: r.root, Done: true}); err != nil {
		return err
	}
	return r.sync.Store.FinishRemote(ctx, r.runID, "")
}

func (r *remoteReader) single(ctx context.Context, lookup connectors.Lookup, key orgflow.RemoteKey) error {
	var record connectors.RemoteRecord
	step, err := r.patiently(ctx, string(key.Kind)+" "+key.ID, func() (calls int, err error) {
		record, calls, err = lookup.ReadRecord(ctx, key.Kind, key.ID)
		return calls, err
	})
	if err != nil {
		return err
	}
	if !step.Gone {
		step.Records = []store.RemoteRecord{store.RemoteRecord(record)}
	}
	step.Department, step.Gone = r.root, false // which is where the read hangs
	return r.sync.Store.SaveRemotePage(ctx, r.runID, step)
}
