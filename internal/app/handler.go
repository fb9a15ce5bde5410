package app

import (
	"context"
	"fmt"
	"net/http"

	"go.temporal.io/sdk/client"

	"orgflow/internal/api"
	"orgflow/internal/console"
	"orgflow/internal/store"
)

// Handler returns the HTTP API. webUI is the address of Temporal's Web UI,
// empty when it is not known: for links, and because the codec answers no
// other page.
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
		Rate: a.Config.HTTPRate, RateFailures: a.Config.HTTPRateFailures,
		Links: api.Links{WebUI: webUI}, Codec: a.codec(), Logger: a.Log, Meter: a.Metrics, Tracer: a.traces.Tracer(),
	})
}

// audit writes down what somebody did over HTTP.
func (a *App) audit(ctx context.Context, who, action, subject, origin string) error {
	return a.Store.Audit(ctx, store.AuditEntry{Who: who, Action: action, Subject: subject, From: origin})
}

// CodecPath is where the codec of Handler is, for the Web UI's settings.
const CodecPath = "/codec"

// codec lets the Web UI show payloads; nil when none are encrypted.
func (a *App) codec() http.Handler {
	if !a.Config.PayloadKeys.Set() {
		return nil
	}
	return a.payloads.CodecHandler()
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
