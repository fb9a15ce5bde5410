package app

import (
	"context"
	"fmt"
	"net/http"

	"go.temporal.io/sdk/client"

	"orgflow/internal/api"
)

// Handler returns the HTTP API. webUI is the address of Temporal's Web UI,
// empty when it is not known.
func (a *App) Handler(webUI string) http.Handler {
	runs := a.Runs()
	return api.New(api.Deps{
		Decode: a.Meta.DecodeJob, Start: runs, Steer: runs, Runs: runs, Records: runs, Schedules: a.Schedules(),
		Checks: []api.Check{
			{Name: "database", Ask: a.Store.CheckSchema},
			{Name: "temporal", Ask: a.checkTemporal},
		},
		Idempotency: a.Store,
		Addr:        a.Config.HTTPAddr, Keys: a.Config.APIKeys,
		Links: api.Links{WebUI: webUI}, Logger: a.Log, Meter: a.Metrics,
	})
}

func (a *App) checkTemporal(ctx context.Context) error {
	cl, err := a.Dial(ctx)
	if err != nil {
		return err
	}
	if _, err := cl.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return fmt.Errorf("Temporal at %s does not answer: %w", a.Config.Temporal.Addr, err)
	}
	return nil
}
