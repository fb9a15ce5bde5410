package connectors

import (
	"context"
	"errors"
)

// Batcher is implemented by consumers that take many records in one call.
type Batcher interface {
	Consumer
	// BatchLimit is how many effects one ApplyBatch should be given: 1 or
	// more, and constant. A caller plans its pages by it.
	BatchLimit() int
	// ApplyBatch does for many effects of one kind what Apply does for one.
	// A batch the consumer refuses as a whole is taken apart until the record
	// to blame stands alone, so that each effect has its own outcome.
	//
	// Like Apply it may be repeated at any time, in part or whole, whether or
	// not an earlier attempt took effect. ctx is honoured between two calls;
	// a call that has begun is brought to its end.
	ApplyBatch(ctx context.Context, effects []Effect) Batch
}

// Remover is implemented by consumers that delete many persons in one call,
// and take everything else a record at a time.
type Remover interface {
	Consumer
	// RemoveLimit is how many deletes one RemovePersons should be given: 1 or
	// more, and constant.
	RemoveLimit() int
	// RemovePersons does for deletes of persons what ApplyBatch does for any
	// effects, under the same rules.
	RemovePersons(ctx context.Context, effects []Effect) Batch
}

// Batch is what became of many effects.
type Batch struct {
	// Results has one entry for each effect, in their order.
	Results []Result
	Calls   int // HTTP calls spent on all of them together
	Writes  int // of these, calls that write
}

// Result is one effect's outcome: Err is nil, a fault or a context error. A
// transient fault says that this effect is to be sent again. Calls are
// counted by the batch, not by the receipt.
type Result struct {
	Receipt Receipt
	Err     error
}

// Pusher is implemented by consumers that can be told everybody who shall
// exist, in one task: whoever is not in it is disabled when it is completed
// (spec § 3.5, task push). A task that is never completed has no effect.
type Pusher interface {
	Batcher
	// BeginPush opens a task. Repeating it opens another one.
	BeginPush(ctx context.Context) (PushTask, error)
	// AddToPush puts records into a task: departments before persons, parents
	// before children. Adding a record again is harmless. Results are those
	// of ApplyBatch; ErrTaskGone in one of them voids the task.
	AddToPush(ctx context.Context, task string, effects []Effect) Batch
	// CompletePush makes the task's content true. After an unknown outcome
	// only a new push can tell: a task that was completed is gone, like one
	// that has expired. Calls are counted beside an error too.
	CompletePush(ctx context.Context, task string) (calls int, err error)
}

// PushTask is an open task; Calls are counted beside an error too.
type PushTask struct {
	ID    string
	Calls int
}

// ErrTaskGone is the cause inside a fault that says that the consumer does
// not know the push task any more: everything has to be pushed again under a
// new one.
var ErrTaskGone = errors.New("the push task is not known any more")
