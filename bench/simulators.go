package main

import (
	"context"
	"encoding/json"
	"net/http"

	dtsim "orgflow/connectors/dingtalk/sim"
	hcmsim "orgflow/connectors/hcm/sim"
	"orgflow/connectors/simctl"
)

// requests is what DingTalk's simulator has counted.
func (p *process) requests(ctx context.Context) (simctl.Requests, error) {
	return get[simctl.Requests](ctx, p.sim+"/_sim/dingtalk/requests")
}

// counted counts the calls that do makes at DingTalk.
func (p *process) counted(ctx context.Context, do func() error) (simctl.Requests, error) {
	if _, err := send(ctx, http.MethodDelete, p.sim+"/_sim/dingtalk/requests", ""); err != nil {
		return simctl.Requests{}, err
	}
	if err := do(); err != nil {
		return simctl.Requests{}, err
	}
	return p.requests(ctx)
}

// source fills the HCM's simulator.
func (p *process) source(ctx context.Context, s hcmsim.State) error {
	state, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return put(ctx, p.sim+"/_sim/hcm/state", string(state))
}

// empty removes everybody from DingTalk's simulator, with what it counted,
// and sets its options.
func (p *process) empty(ctx context.Context, options string) error {
	if err := post(ctx, p.sim+"/_sim/dingtalk/reset", ""); err != nil {
		return err
	}
	return put(ctx, p.sim+"/_sim/dingtalk/options", options)
}

// organisation is what DingTalk's simulator holds.
func (p *process) organisation(ctx context.Context) (dtsim.State, error) {
	return get[dtsim.State](ctx, p.sim+"/_sim/dingtalk/state")
}
