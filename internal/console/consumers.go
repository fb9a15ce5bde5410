package console

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/config"
)

const (
	pathConsumers = "/consumers"
	// lastTroubles is how many failed attempts a consumer's page shows.
	lastTroubles = 20
	// lastRuns is how many runs it shows.
	lastRuns = 5
)

func (c *Console) consumerRoutes(r chi.Router) {
	c.see(r, pathConsumers, config.AccessRead, c.consumerList)
	c.see(r, pathConsumers+"/{company}/{name}", config.AccessRead, c.consumerPage)
}

// A shownConsumer is a consumer and its runs.
type shownConsumer struct {
	Consumer
	Path    string
	Last    *orgflow.Summary  // its latest run; nil: none
	Waiting []orgflow.Summary // runs whose deletes are parked
}

// Tone is the style of a run's status.
func (shownConsumer) Tone(s orgflow.Status) string { return tone(s) }

// RunPath is the page of a run.
func (shownConsumer) RunPath(id string) string { return "/sync/" + url.PathEscape(id) }

// PausedFor is how long calls are held back, by the database's clock; empty
// where they are not.
func (c shownConsumer) PausedFor() string {
	if c.Budget == nil || !c.Budget.Paused() {
		return ""
	}
	return lasting(c.Budget.Next.Sub(c.Budget.Now))
}

// LastCall is when the budget was used last, nil where that is not known: the
// time of a pause says nothing about it.
func (c shownConsumer) LastCall() *time.Time {
	if c.Budget == nil || c.Budget.Paused() {
		return nil
	}
	return &c.Budget.Next
}

// consumerList shows the consumers of all companies.
func (c *Console) consumerList(r *http.Request) (content, error) {
	list, problems, err := c.Consumers.Consumers(r.Context())
	if err != nil {
		return content{}, err
	}
	var data struct {
		Consumers []shownConsumer
		Problems  []orgflow.Problem
	}
	data.Problems = problems
	for _, one := range list {
		shown, err := c.consumer(r.Context(), one)
		if err != nil {
			return content{}, err
		}
		data.Consumers = append(data.Consumers, shown)
	}
	return content{template: "consumers", title: "consumers", section: "consumers", data: data}, nil
}

func (c *Console) consumer(ctx context.Context, one Consumer) (shownConsumer, error) {
	out := shownConsumer{Consumer: one, Path: fmt.Sprintf("%s/%d/%s", pathConsumers, one.CompanyID, url.PathEscape(one.Name))}
	filter := api.RunFilter{CompanyID: one.CompanyID, Consumer: one.Name, Limit: 1}
	last, err := c.Runs.ListRuns(ctx, filter)
	if err != nil {
		return out, err
	}
	if len(last.Runs) > 0 {
		out.Last = &last.Runs[0]
	}
	filter.Status, filter.Limit = orgflow.StatusAwaitingApproval, lastRuns
	waiting, err := c.Runs.ListRuns(ctx, filter)
	out.Waiting = waiting.Runs
	return out, err
}

// consumerPage shows one consumer, its latest runs and what went wrong.
func (c *Console) consumerPage(r *http.Request) (content, error) {
	target := orgflow.Target{Consumer: inPath(r, "name")}
	var err error
	if target.CompanyID, err = strconv.ParseInt(inPath(r, "company"), 10, 64); err != nil {
		return content{}, orgflow.Faultf(orgflow.CodeNotFound, "there is no such company")
	}
	one, err := c.Consumers.Consumer(r.Context(), target)
	if err != nil {
		return content{}, err
	}
	shown, err := c.consumer(r.Context(), one)
	if err != nil {
		return content{}, err
	}
	runs, err := c.Runs.ListRuns(r.Context(), api.RunFilter{CompanyID: target.CompanyID, Consumer: target.Consumer, Limit: lastRuns})
	if err != nil {
		return content{}, err
	}
	troubles, err := c.Consumers.Troubles(r.Context(), target, lastTroubles)
	return content{template: "consumer", title: "consumer", section: "consumers", data: struct {
		shownConsumer
		Runs     []orgflow.Summary
		Troubles []Trouble
	}{shown, runs.Runs, troubles}}, err
}
