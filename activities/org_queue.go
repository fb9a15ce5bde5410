package activities

import (
	"context"
	"iter"
	"maps"
	"sync"

	"go.temporal.io/sdk/activity"

	"orgflow/internal/store"
)

// pullQueue hands out the departments that are still to be read. It waits for
// no department's end while there is another one, so that the rate budget is
// used all the time; what a department shows goes to the end of the queue.
type pullQueue struct {
	store  OrgStore
	pullID string
	wake   chan struct{} // something has ended or was found since the last look

	mu   sync.Mutex
	busy map[string]bool // handed out, not done

	// What the sequence came to, to be read after its end.
	end bool // nothing is left to read
	err error
}

func newPullQueue(s OrgStore, pullID string) *pullQueue {
	return &pullQueue{store: s, pullID: pullID, wake: make(chan struct{}, 1), busy: map[string]bool{}}
}

// grown tells that there may be more departments than before.
func (q *pullQueue) grown() {
	select {
	case q.wake <- struct{}{}:
	default: // nobody has looked since the last time
	}
}

// done tells that a department needs nobody any more: it is read, or reading
// it has failed.
func (q *pullQueue) done(id string) {
	q.mu.Lock()
	delete(q.busy, id)
	q.mu.Unlock()
	q.grown()
}

// units is a share of the departments to read, breadth first. It ends before
// its share where nothing is left. Each of them must be told done.
func (q *pullQueue) units(ctx context.Context) iter.Seq[store.PullUnit] {
	return func(yield func(store.PullUnit) bool) {
		for taken := 0; taken < pullShare; {
			next, idle, err := q.next(ctx)
			switch {
			case err != nil:
				q.err = err
				return
			case len(next) == 0 && idle:
				q.end = true
				return
			case len(next) == 0:
				select {
				case <-q.wake:
				case <-ctx.Done():
					q.err = ctx.Err()
					return
				}
			}
			taken += len(next)
			for _, u := range next {
				q.mu.Lock()
				q.busy[u.ID] = true
				q.mu.Unlock()
				if !yield(u) {
					return
				}
			}
			activity.RecordHeartbeat(ctx)
		}
	}
}

// next returns departments nobody has been given. idle: none was being read
// when they were looked for, so that no more can come.
func (q *pullQueue) next(ctx context.Context) (next []store.PullUnit, idle bool, err error) {
	q.mu.Lock()
	busy := maps.Clone(q.busy) // from before the look: who is done since is not found by it
	q.mu.Unlock()
	units, err := q.store.NextPullUnits(ctx, q.pullID, pullBatch+len(busy))
	for _, u := range units {
		if !busy[u.ID] {
			next = append(next, u)
		}
	}
	return next, len(busy) == 0, err
}
