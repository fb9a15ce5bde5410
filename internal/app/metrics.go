package app

import (
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/client"

	"orgflow"
	"orgflow/connectors"
	"orgflow/connectors/hcm"
	"orgflow/internal/config"
	"orgflow/internal/meter"
	"orgflow/internal/temporalx"
	"orgflow/internal/transport"
)

// meters are what this process counts.
type meters struct {
	meter *meter.Meter          // what became of runs, flows and messages
	calls *transport.Prometheus // calls to vendors
	sdk   client.MetricsHandler // of Temporal's SDK
}

func newMeters(reg *prometheus.Registry) (m meters, err error) {
	var errs [3]error
	m.meter, errs[0] = meter.New(reg)
	m.calls, errs[1] = transport.NewPrometheus(reg)
	m.sdk, errs[2] = temporalx.NewMetrics(reg)
	return m, errors.Join(errs[:]...)
}

// measure begins the counters of the configured consumers. The server also
// shows what waits in the database: one process for all, because it is the
// same for all.
func (a *App) measure() {
	for _, id := range a.Meta.Companies() {
		company, err := a.Meta.Company(id)
		if err != nil {
			continue // said by whoever needs the company
		}
		for _, consumer := range company.Consumers() {
			a.meter.Expect(consumer)
			a.calls.Expect(consumer)
		}
		if company.SourceType() == hcm.Vendor {
			a.calls.Expect(hcm.Vendor)
		}
		if company.HasERP() {
			a.calls.Expect(company.ERPType())
		}
	}
	if a.Config.Role == config.RoleServer || a.Config.Role == config.RoleStandalone {
		a.Metrics.MustRegister(&meter.Backlog{Read: a.Store.Backlog, Now: time.Now, Log: a.Log})
	}
}

// counted is the database for activities, which counts the outcomes they store.
func (a *App) counted() meter.Store { return meter.Store{Store: a.Store, Meter: a.meter} }

// limiter is a target's rate budget, shared by all workers through the
// database; nil leaves an unlimited one to the connector.
func (a *App) limiter(s connectors.Settings, qps float64) transport.Limiter {
	if qps <= 0 || a.Store == nil { // no database: the doctor's few calls
		return nil
	}
	target := orgflow.Target{CompanyID: s.CompanyID, Consumer: s.Name}
	shared := transport.NewShared(budget{a.Store, target}, qps)
	return a.calls.Budget(strconv.FormatInt(s.CompanyID, 10), s.Name, qps, shared)
}
