package console

import (
	"context"
	"time"

	"orgflow"
)

// Consumers tells what is known of the consumers of all companies.
type Consumers interface {
	// Consumers lists them by company and name, and what is wrong with company
	// files that are broken.
	Consumers(ctx context.Context) ([]Consumer, []orgflow.Problem, error)
	// Consumer returns one. One that is not configured is an
	// orgflow.CodeNotFound fault.
	Consumer(ctx context.Context, target orgflow.Target) (Consumer, error)
	// Troubles returns what went wrong at a target lately, newest first.
	Troubles(ctx context.Context, target orgflow.Target, limit int) ([]Trouble, error)
}

// Consumer is a configured consumer: what its company's file says and what
// the database knows. It holds no value of a secret.
type Consumer struct {
	CompanyID   int64
	Company     string // name
	Name        string
	Addresses   []Address
	Credentials []Credential
	// Problem says why the connection cannot be used: a missing reference, a
	// wrong type. Empty: it can be built; whether the vendor takes it is not
	// known here.
	Problem string
	// Rate is the budget in calls a second over all workers, 0 unlimited;
	// Default: the file names none.
	Rate    float64
	Default bool
	// Budget is the state of that budget; nil before the first call, and
	// without one.
	Budget *Budget
	Holder string // the run that holds the target; empty: nobody
}

// Address is a key of the connection and the address it has.
type Address struct{ Key, URL string }

// Credential is a key of the connection that refers to secrets. Set: each of
// them has a value.
type Credential struct {
	Key, References string
	Set             bool
}

// Budget says when the next call may leave, and what time it is, by the
// database's clock.
type Budget struct{ Next, Now time.Time }

// pauseFrom is how far away the next call must be for a pause. Workers take
// turns for 100 ms at a time, so that less is an ordinary queue.
const pauseFrom = 2 * time.Second

// Paused tells whether calls are held back: the vendor asked for it.
func (b Budget) Paused() bool { return b.Next.Sub(b.Now) > pauseFrom }

// Trouble is an attempt at a change that did not succeed.
type Trouble struct {
	At         time.Time
	Run        string
	Kind       orgflow.Kind
	Op         orgflow.Op
	SourceID   string
	State      orgflow.State
	VendorCode string
	Message    string
}
