package app

import (
	"context"
	"fmt"
	"net/http"

	"go.temporal.io/sdk/client"

	"orgflow/internal/api"
	"orgflow/internal/console"
	"orgflow/internal/store"
	"orgflow/internal/temporalx"
)

// Handler returns the HTTP API. webUI is the address of Temporal's Web UI,
// empty when it is not known.
func (a *App) Handler(webUI string) http.Handler {
	runs, flows, signIn := a.Runs(), a.Flows(), a.SignIn()
	schedules, loads, orgs, views, calls := a.Schedules(), a.Loads(), a.Orgs(), a.Views(), a.FlowCalls()
	pages := console.New(console.Deps{
		SignIn: signIn, Runs: runs, Audit: a.audit, WebUI: webUI, Namespace: a.Config.Temporal.Namespace,
		Start: runs, Steer: runs, Plans: runs, WhatIf: runs, Records: runs, Once: a.Store, Files: a.Meta,
		Flows: flows, FlowDefinitions: flows, FlowCalls: calls, FlowDesk: flows,
		Loads: loads, Forms: loads, Schedules: schedules, Consumers: a.Consumers(), Pulls: orgs,
		Orgs: orgs, Views: views,
	})
	return api.New(api.Deps{
		Decode: a.Meta.DecodeJob, DecodePull: a.Meta.DecodePull, Start: runs, Steer: runs, Runs: runs, WhatIf: runs, Records: runs, Schedules: schedules, Events: runs, Orgs: orgs, Views: views, Loads: loads,
		FlowDefinitions: flows, Flows: flows, Boards: flows, Absences: flows, FlowCalls: calls,
		Doctor: a.Doctor(),
		Checks: []api.Check{
			{Name: "database", Ask: a.Store.CheckSchema},
			{Name: "temporal", Ask: a.checkTemporal},
		},
		SignIn: signIn, Console: pages.Routes, Idempotency: a.Store, Audit: a.audit,
		Addr: a.Config.HTTPAddr, Keys: a.Config.APIKeys, KeyRing: a.Config.KeyRing,
		Links: api.Links{WebUI: webUI}, Logger: a.Log, Meter: a.Metrics, Tracer: a.traces.Tracer(),
	})
}

// audit writes down what somebody did over HTTP.
func (a *App) audit(ctx context.Context, who, action, subject, origin string) error {
	return a.Store.Audit(ctx, store.AuditEntry{Who: who, Action: action, Subject: subject, From: origin})
}

// CodecPath is where Codec is mounted.
const CodecPath = "/codec"

// Codec lets the Web UI at origin decrypt payloads; it is nil when none are
// encrypted. Whoever reaches it reads payloads: mount it on loopback only.
func (a *App) Codec(origin string) (http.Handler, error) {
	key := payloadKey(a.Config)
	if key == "" {
		return nil, nil
	}
	codec, err := temporalx.NewCodecHandler(key, origin)
	if err != nil {
		return nil, err
	}
	return http.StripPrefix(CodecPath, codec), nil
}

func (a *App) checkTemporal(ctx context.Context) error {
	cl, err := a.Dial(ctx)
	if err != nil {
		return err
	}
	if _, err := cl.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return fmt.Errorf("no answer from Temporal at %s: %w", a.Config.Temporal.Addr, err)
	}
	return nil
}
