package activities

import (
	"context"
	"errors"
	"fmt"

	"orgflow"
	"orgflow/internal/store"
)

// PullGathering is what one execution of a target's ContactPull hands on to
// the next; a first one knows the target only.
type PullGathering struct {
	orgflow.Target
	Pulls int `json:"pulls,omitempty"` // started so far
}

// PullTurn says whether an organisation may be pulled now because its origin
// tells of changes.
type PullTurn struct {
	// Off: the company's settings do not want that any more.
	Off bool `json:"off,omitempty"`
	// Busy is the pull of the company that runs now.
	Busy string `json:"busy,omitempty"`
}

// CheckPullTurn looks whether events about a target start pulls, and whether
// one runs already. It changes nothing, so that it may be repeated. A pull
// whose workflow was terminated is none: the next one ends it.
func (o *Org) CheckPullTurn(ctx context.Context, target orgflow.Target) (PullTurn, error) {
	turn, err := o.pullTurn(ctx, target)
	return turn, temporalError(err)
}

func (o *Org) pullTurn(ctx context.Context, target orgflow.Target) (PullTurn, error) {
	company, err := o.Files.Company(target.CompanyID)
	if err != nil {
		return PullTurn{}, err
	}
	var settings struct {
		Events struct {
			Pull bool `json:"pull"`
		} `json:"events"`
	}
	if !company.HasConsumer(target.Consumer) {
		return PullTurn{Off: true}, nil
	}
	if err := company.Connection(target.Consumer, &settings); err != nil {
		return PullTurn{}, err
	}
	if !settings.Events.Pull {
		return PullTurn{Off: true}, nil
	}
	pull, err := o.Store.RunningPull(ctx, target.CompanyID)
	if errors.Is(err, store.ErrNotFound) {
		return PullTurn{}, nil
	}
	if err != nil {
		return PullTurn{}, err
	}
	running, err := o.Executions.Running(ctx, pull.WorkflowID, pull.FirstRunID)
	if err != nil {
		return PullTurn{}, fmt.Errorf("look for the workflow of pull %s: %w", pull.ID, err)
	}
	if !running {
		return PullTurn{}, nil
	}
	return PullTurn{Busy: pull.ID}, nil
}
