package app

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"time"

	"orgflow/connectors"
	"orgflow/internal/doctor"
	"orgflow/internal/transport"
	"orgflow/meta"
)

// connectionLimit is how long a connection may take: some are tried in half a
// dozen calls, one after the other.
const (
	connectionLimit = 15 * time.Second
	// budgetLimit is how long each of these calls waits for the target's rate
	// budget, which a run may use up.
	budgetLimit = 3 * time.Second
)

// connections are the checks of everything that companies are connected to.
func (d *Doctor) connections(companies []meta.Company) []doctor.Check {
	var checks []doctor.Check
	add := func(c meta.Company, area string, build func() (any, error), base func(into any) error) {
		checks = append(checks,
			doctor.Check{Area: area, CompanyID: c.ID, Name: "connection", Limit: connectionLimit, Look: func(ctx context.Context) []doctor.Finding {
				ctx = transport.WithPatience(ctx, budgetLimit)
				connector, err := build()
				if err != nil {
					return doctor.Faulted("connection", err)
				}
				if source, ok := connector.(connectors.Source); ok && area == doctor.AreaSource {
					return doctor.Source(ctx, source, d.models())
				}
				return doctor.Connection(ctx, connector)
			}},
			doctor.Check{Area: area, CompanyID: c.ID, Name: "clock", Look: func(ctx context.Context) []doctor.Finding {
				return d.vendorClock(ctx, base)
			}})
	}
	for _, c := range companies {
		if c.SourceType() != "" {
			add(c, doctor.AreaSource, func() (any, error) { return d.app.source(c) }, c.SourceConnection)
		}
		for _, name := range c.Consumers() {
			add(c, name, func() (any, error) { return d.app.consumer(c, name) },
				func(into any) error { return c.Connection(name, into) })
		}
		if c.HasERP() {
			add(c, doctor.AreaERP, func() (any, error) { return d.app.Loads().ERP(c.ID) }, c.ERPConnection)
		}
	}
	return checks
}

// models are those that services read.
func (d *Doctor) models() []string {
	var out []string
	for _, s := range d.app.Meta.Services() {
		out = append(out, s.Model)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// source returns the connector of a company's source.
func (a *App) source(c meta.Company) (connectors.Source, error) {
	var raw json.RawMessage
	if err := c.SourceConnection(&raw); err != nil {
		return nil, err
	}
	return a.Connectors.Source(connectors.Settings{CompanyID: c.ID, Name: c.SourceType(), JSON: raw})
}

// consumer returns the connector of a company's consumer.
func (a *App) consumer(c meta.Company, name string) (connectors.Consumer, error) {
	var raw json.RawMessage
	if err := c.Connection(name, &raw); err != nil {
		return nil, err
	}
	definition, err := c.Definition(name)
	if err != nil {
		return nil, err
	}
	return a.Connectors.Consumer(connectors.Settings{CompanyID: c.ID, Name: name, JSON: raw, Definition: definition})
}

// vendorClock compares this machine's clock with the Date of an answer. It
// asks without credentials: every answer has a Date, a refusal too. Where
// there is no address, or no answer, nothing is found: the connection's own
// check tells.
func (d *Doctor) vendorClock(ctx context.Context, base func(into any) error) []doctor.Finding {
	var settings struct {
		BaseURL string `json:"base_url"`
	}
	if err := base(&settings); err != nil || settings.BaseURL == "" {
		return nil
	}
	u, err := url.Parse(settings.BaseURL)
	if err != nil {
		return nil
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, u.String(), nil)
	if err != nil {
		return nil
	}
	reading := doctor.Reading{Asked: d.app.now(), Grain: time.Second}
	res, err := d.wire.RoundTrip(req)
	if err != nil {
		return nil
	}
	defer res.Body.Close()
	reading.Answered = d.app.now()
	if reading.Shown, err = http.ParseTime(res.Header.Get("Date")); err != nil {
		return []doctor.Finding{{State: doctor.OK, Found: "the answer bears no readable date to compare clocks with"}}
	}
	return []doctor.Finding{doctor.Clock("the vendor's", reading)}
}
