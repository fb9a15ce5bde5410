package e2e

import "context"

// strand is one kind of work of a storm. It goes on, turn after turn, while
// faults are injected.
type strand interface {
	name() string
	// turn does the n-th piece of work and waits for its end. It asks again,
	// as a user would, where an answer did not come. An error ends the storm:
	// work that ended otherwise than an undisturbed one would.
	turn(ctx context.Context, n int) error
	// losses says, after the last turn, in which way what it has done differs
	// from what an undisturbed installation would have done: lost, doubled,
	// different. Empty is right.
	losses(ctx context.Context) []string
}

// watch looks, every few seconds, at what a soak must not let grow.
type watch interface {
	look()
	growth() []string
}
