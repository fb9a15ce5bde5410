package app

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Interrupted returns a context that ends with the first SIGINT or SIGTERM:
// the program stops in order. From then on the system deals with them again,
// so that a second one ends the process at once, which is as harmless as a
// kill. The caller calls stop in the end.
func Interrupted(parent context.Context) (ctx context.Context, stop context.CancelFunc) {
	ctx, stop = signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
