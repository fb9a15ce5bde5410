package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/doctor"
	"orgflow/internal/temporalx"
)

// dialled is the connection to Temporal; nil before there is one.
func (a *App) dialled() client.Client {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.temporal
}

func (d *Doctor) reachTemporal(ctx context.Context) []doctor.Finding {
	if err := d.app.checkTemporal(ctx); err != nil {
		return []doctor.Finding{{
			State: doctor.Failed, Found: err.Error(),
			Advice: "check address, namespace and TLS settings; nothing runs without Temporal",
		}}
	}
	t := d.app.Config.Temporal
	return []doctor.Finding{{State: doctor.OK, Found: fmt.Sprintf("%s, namespace %s", t.Addr, t.Namespace)}}
}

// temporal are the checks of a Temporal that answers.
func (d *Doctor) temporal(company int64) []doctor.Check {
	namespace, queue := d.app.Config.Temporal.Namespace, d.app.Config.Temporal.TaskQueue
	check := func(name string, look func(context.Context, client.Client) (doctor.Finding, error)) doctor.Check {
		return doctor.Check{Area: doctor.AreaTemporal, Name: name, Look: one(name, func(ctx context.Context) (doctor.Finding, error) {
			return look(ctx, d.app.dialled())
		})}
	}
	return []doctor.Check{
		check("search attributes", func(ctx context.Context, cl client.Client) (doctor.Finding, error) {
			missing, err := temporalx.MissingSearchAttributes(ctx, cl, namespace, orgflow.SearchAttributes())
			return doctor.Attributes(namespace, missing), err
		}),
		check("retention", func(ctx context.Context, cl client.Client) (doctor.Finding, error) {
			kept, err := temporalx.Retention(ctx, cl, namespace)
			return doctor.Retention(namespace, kept), err
		}),
		check("workers", func(ctx context.Context, cl client.Client) (doctor.Finding, error) {
			seen, err := temporalx.Pollers(ctx, cl, queue)
			pollers := make([]doctor.Poller, len(seen))
			for i, p := range seen {
				pollers[i] = doctor.Poller(p)
			}
			return doctor.Workers(queue, pollers, time.Now()), err
		}),
		check("payload key", d.payloads),
		check("schedules", func(ctx context.Context, _ client.Client) (doctor.Finding, error) {
			changes, err := d.app.Schedules().ApplySchedules(ctx, true)
			if err != nil {
				return doctor.Finding{}, err
			}
			list, err := d.app.Schedules().ListSchedules(ctx)
			return schedulesFound(changes, list, company), err
		}),
	}
}

// payloads tries the key on a payload of its own and on the newest ones.
func (d *Doctor) payloads(ctx context.Context, cl client.Client) (doctor.Finding, error) {
	dc := d.app.payloads.DataConverter()
	if err := roundTrip(dc); err != nil {
		return doctor.Finding{}, err
	}
	sample, err := temporalx.SampleInputs(ctx, cl, d.app.Config.Temporal.Namespace, dc)
	seen := doctor.Payloads{Key: d.app.Config.PayloadKeys.Set(), Looked: sample.Looked, Unreadable: sample.Unreadable, Plain: sample.Plain}
	if sample.Cause != nil {
		seen.Cause = strings.Join(strings.Fields(sample.Cause.Error()), " ")
	}
	return doctor.Payload(seen), err
}

// roundTrip encrypts and decrypts a marker.
func roundTrip(dc converter.DataConverter) error {
	const marker = "orgflow doctor"
	payload, err := dc.ToPayload(marker)
	if err != nil {
		return fmt.Errorf("encrypt a payload: %w", err)
	}
	var back string
	if err := dc.FromPayload(payload, &back); err != nil {
		return fmt.Errorf("decrypt a payload: %w", err)
	}
	if back != marker {
		return fmt.Errorf("a payload that was encrypted and decrypted is another one")
	}
	return nil
}

// schedulesFound judges the differences of one company, or of all.
func schedulesFound(changes []api.ScheduleChange, list []api.Schedule, company int64) doctor.Finding {
	others := func(id string) bool { return company != 0 && !strings.HasPrefix(id, scheduleID(company, "")) }
	var differ []doctor.Difference
	same := 0
	for _, c := range changes {
		switch {
		case others(c.ID):
		case c.Action == string(temporalx.ActionUnchanged):
			same++
		default:
			differ = append(differ, doctor.Difference{ID: c.ID, Action: c.Action})
		}
	}
	var missed []doctor.Missed
	for _, s := range list {
		if n := s.Missed.Sum(); n > 0 && !others(s.ID) {
			missed = append(missed, doctor.Missed{ID: s.ID, Runs: n})
		}
	}
	return doctor.Schedules(differ, same, missed)
}
