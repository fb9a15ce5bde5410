package activities

import (
	"context"
	"errors"

	"go.temporal.io/sdk/temporal"

	"orgflow"
	"orgflow/internal/store"
)

// temporalError is the second error hop: our codes to Temporal errors, once.
// What no retry can cure is marked so; a throttle answer is benign and says
// when to come back.
func temporalError(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || temporal.IsCanceledError(err) {
		return err
	}
	f := orgflow.AsFault(err)
	if errors.Is(err, store.ErrNotFound) { // what is not there does not come back
		f = &orgflow.Fault{Code: orgflow.CodeNotFound, Message: err.Error(), Err: err}
	}
	return temporal.NewApplicationErrorWithOptions(f.Error(), string(f.Code), temporal.ApplicationErrorOptions{
		NonRetryable:   !f.Transient() && f.Code != orgflow.CodeInternal,
		NextRetryDelay: f.RetryAfter,
		Category:       category(f),
		Details:        []any{*f},
	})
}

func category(f *orgflow.Fault) temporal.ApplicationErrorCategory {
	if f.Code == orgflow.CodeThrottled {
		return temporal.ApplicationErrorCategoryBenign
	}
	return temporal.ApplicationErrorCategoryUnspecified
}
