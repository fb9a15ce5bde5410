package orgflow

import (
	"context"
	"sync/atomic"
)

// operation is one effect at a consumer on its way there.
type operation struct {
	stop  <-chan struct{}
	begun atomic.Bool
}

type operationKey struct{}

// WithOperation returns a context for the calls of one effect. Until the
// first of them is let go, the effect is called off when stop ends: nothing
// has happened yet. From then on it is carried through, so that whoever
// stops a run finds it between two effects and not inside one.
func WithOperation(ctx, stop context.Context) context.Context {
	return context.WithValue(ctx, operationKey{}, &operation{stop: stop.Done()})
}

// CalledOff tells, once closed, that the effect whose calls have ctx is not
// wanted any more; nil, which is never closed, while nobody may call it off.
func CalledOff(ctx context.Context) <-chan struct{} {
	if o, ok := ctx.Value(operationKey{}).(*operation); ok && !o.begun.Load() {
		return o.stop
	}
	return nil
}

// Begin notes that a call of the effect is let go.
func Begin(ctx context.Context) {
	if o, ok := ctx.Value(operationKey{}).(*operation); ok {
		o.begun.Store(true)
	}
}
