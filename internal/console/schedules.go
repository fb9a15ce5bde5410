package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/go-chi/chi/v5"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/config"
)

const (
	pathSchedules = "/schedules"
	// comingStarts is how many of the coming starts are listed.
	comingStarts = 20
	// latestStarts is how many past starts of each schedule the list shows.
	latestStarts = 3
)

func (c *Console) scheduleRoutes(r chi.Router) {
	c.see(r, pathSchedules, config.AccessRead, c.scheduleList)
	c.see(r, pathSchedules+"/{id}", config.AccessRead, c.schedulePage)
	for verb, do := range map[string]func(Schedules, context.Context, string, api.Steering) error{
		"pause": Schedules.PauseSchedule, "resume": Schedules.ResumeSchedule, "trigger": Schedules.TriggerSchedule,
	} {
		c.do(r, pathSchedules+"/{id}/"+verb, config.AccessOperate, func(r *http.Request) (string, error) {
			id := inPath(r, "id")
			return schedulePath(id), do(c.Schedules, r.Context(), id, c.steering(r))
		})
	}
}

func schedulePath(id string) string { return pathSchedules + "/" + url.PathEscape(id) }

// A shownSchedule is a schedule with what became of its latest starts.
type shownSchedule struct {
	api.Schedule
	Path   string
	Latest []shownStart // newest first
}

// A shownStart is a run that a schedule has started.
type shownStart struct {
	api.ScheduleStart
	Path   string         // its page; empty: there is none
	WebUI  string         //
	Status orgflow.Status // empty: nothing is known of it
}

// Tone is the style of the run's status.
func (s shownStart) Tone() string { return tone(s.Status) }

// A coming start is one that Temporal announces.
type coming struct {
	At       time.Time
	ID       string
	Workflow string
	Path     string
}

// scheduleList shows all schedules, their coming starts and a month of them.
func (c *Console) scheduleList(r *http.Request) (content, error) {
	list, err := c.Schedules.ListSchedules(r.Context())
	if err != nil {
		return content{}, err
	}
	var data struct {
		Schedules []shownSchedule
		Coming    []coming
		Month     month
	}
	for _, s := range list {
		data.Schedules = append(data.Schedules, shownSchedule{Schedule: s, Path: schedulePath(s.ID), Latest: c.latest(r.Context(), s, latestStarts)})
	}
	all := announced(list)
	data.Coming = all[:min(len(all), comingStarts)]
	data.Month = monthOf(r.URL.Query().Get("month"), time.Now(), list)
	return content{template: "schedules", title: "schedules", section: "schedules", data: data}, nil
}

// announced are the coming starts of schedules that are not paused, in order.
func announced(list []api.Schedule) (out []coming) {
	for _, s := range list {
		if s.Paused {
			continue
		}
		for _, at := range s.Next {
			out = append(out, coming{At: at, ID: s.ID, Workflow: s.Workflow, Path: schedulePath(s.ID)})
		}
	}
	sortByTime(out)
	return out
}

func sortByTime(list []coming) {
	slices.SortStableFunc(list, func(a, b coming) int { return a.At.Compare(b.At) })
}

// schedulePage shows one schedule as it is now.
func (c *Console) schedulePage(r *http.Request) (content, error) {
	found, err := c.Schedules.ShowSchedule(r.Context(), inPath(r, "id"))
	if err != nil {
		return content{}, err
	}
	return content{template: "schedule", title: "schedule", section: "schedules", data: struct {
		ScheduleDetail
		Path, WebUI string
		Latest      []shownStart
	}{found, schedulePath(found.ID), c.scheduleInWebUI(found.ID), c.latest(r.Context(), found.Schedule, len(found.Recent))}}, nil
}

// latest are the latest starts of a schedule, newest first, at most n.
func (c *Console) latest(ctx context.Context, s api.Schedule, n int) []shownStart {
	var out []shownStart
	for _, start := range slices.Backward(s.Recent) {
		if len(out) == n {
			break
		}
		out = append(out, c.outcome(ctx, s.Workflow, start))
	}
	return out
}

// outcome finds what became of a start. Where that cannot be found, because
// its record is gone or a part of the program is away, the start is shown
// without it.
func (c *Console) outcome(ctx context.Context, workflow string, start api.ScheduleStart) shownStart {
	out := shownStart{ScheduleStart: start, WebUI: c.inWebUI(start.WorkflowID, start.RunID)}
	if start.WorkflowID == "" || start.RunID == "" {
		return out
	}
	switch workflow {
	case orgflow.WorkflowSyncRun:
		if run, err := c.Runs.Summary(ctx, start.WorkflowID); err == nil {
			out.Status, out.Path = run.Status, "/sync/"+url.PathEscape(run.ID)
		}
	case orgflow.WorkflowDataSync:
		if load, err := c.Loads.LoadRun(ctx, orgflow.ERPRunID(start.WorkflowID, start.RunID)); err == nil {
			out.Status, out.Path = load.Status, loadPath(load.ID)
		}
	case orgflow.WorkflowOrgPull:
		if pull, err := c.Pulls.PullSummary(ctx, start.WorkflowID); err == nil {
			out.Status, out.Path = pull.Status, "/org/pulls/"+url.PathEscape(pull.ID)
		}
	}
	return out
}
