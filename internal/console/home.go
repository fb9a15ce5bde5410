package console

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/go-chi/chi/v5"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/config"
	"orgflow/internal/signin"
	"orgflow/internal/web"
)

// homeItems bounds each list that the start page is made from.
const homeItems = 20

// Pulls tells of pulls of organisations what the start page and schedules
// show.
type Pulls interface {
	PullSummary(ctx context.Context, id string) (orgflow.PullSummary, error)
	ListPulls(ctx context.Context, company int64, cursor string, limit int) (api.PullPage, error)
}

func (c *Console) homeRoutes(r chi.Router) { r.Get("/", c.home) }

// A desk is what the start page shows to whoever may look.
type desk struct {
	Waiting []work // somebody has to decide, or to look why it failed
	Running []work
	// Tasks is how many tasks wait for the person, Flows how many flows they
	// are of; -1: nobody is signed in, or it could not be read. More: there are
	// more than were counted.
	Tasks  int
	Flows  int
	More   bool
	Unread bool // something could not be read
}

// work is a run, load or pull on the start page.
type work struct {
	Kind   string // sync, erp, org: a key of the texts below "nav."
	ID     string
	Path   string
	What   string
	Status orgflow.Status
	At     time.Time // when it began
}

// Tone is the style of its status.
func (w work) Tone() string { return tone(w.Status) }

// home shows the addresses, and to whoever may look what is going on. It asks
// nobody to sign in.
func (c *Console) home(w http.ResponseWriter, r *http.Request) {
	page := web.Page{Title: "start", Data: api.Links{WebUI: c.WebUI}}
	name := "start"
	who, err := c.SignIn.Who(r)
	if err == nil && (who == nil && c.SignIn.Open || who != nil && who.Access >= config.AccessRead) {
		name = "home"
		page.Data = struct {
			api.Links
			Desk desk
		}{api.Links{WebUI: c.WebUI}, c.desk(r.Context(), who)}
	}
	if name == "start" && r.URL.Query().Has("live") { // whoever looked is signed in no more; what they see stays
		http.Redirect(w, r, "/signin", http.StatusSeeOther)
		return
	}
	c.SignIn.Page(w, r, http.StatusOK, name, page)
}

func (c *Console) desk(ctx context.Context, who *signin.Caller) desk {
	d := desk{Tasks: -1}
	for _, read := range []func(context.Context, *desk) error{c.deskRuns, c.deskFailures, c.deskLoads, c.deskPulls} {
		if err := read(ctx, &d); err != nil {
			c.SignIn.Logger.ErrorContext(ctx, "start page", "error", err)
			d.Unread = true
		}
	}
	if who == nil || who.CompanyID == 0 {
		return d
	}
	page, err := c.FlowDesk.OpenTasks(ctx, who.CompanyID, who.Code, "", api.MaxLimit)
	if err != nil {
		c.SignIn.Logger.ErrorContext(ctx, "start page", "error", err)
		d.Unread = true
		return d
	}
	flows := map[string]bool{}
	for _, task := range page.Tasks {
		flows[task.Flow.No] = true
	}
	d.Tasks, d.Flows, d.More = len(page.Tasks), len(flows), page.NextCursor != ""
	return d
}

// deskRuns adds sync runs that wait or go on.
func (c *Console) deskRuns(ctx context.Context, d *desk) error {
	for _, status := range []orgflow.Status{orgflow.StatusAwaitingApproval, orgflow.StatusPaused, orgflow.StatusRunning} {
		page, err := c.Runs.ListRuns(ctx, api.RunFilter{Status: status, Limit: homeItems})
		if err != nil {
			return err
		}
		for _, run := range page.Runs {
			if status == orgflow.StatusAwaitingApproval {
				d.Waiting = append(d.Waiting, runWork(run))
			} else {
				d.Running = append(d.Running, runWork(run))
			}
		}
	}
	return nil
}

// deskFailures adds runs that failed and are the latest of their target:
// a later one has read everything again.
func (c *Console) deskFailures(ctx context.Context, d *desk) error {
	for _, status := range []orgflow.Status{orgflow.StatusFailed, orgflow.StatusCompletedWithFailures} {
		page, err := c.Runs.ListRuns(ctx, api.RunFilter{Status: status, Limit: homeItems})
		if err != nil {
			return err
		}
		seen := map[orgflow.Target]bool{}
		for _, run := range page.Runs {
			target := orgflow.Target{CompanyID: run.CompanyID, Consumer: run.Consumer}
			if seen[target] {
				continue
			}
			seen[target] = true
			last, err := c.Runs.ListRuns(ctx, api.RunFilter{CompanyID: run.CompanyID, Consumer: run.Consumer, Limit: 1})
			if err != nil {
				return err
			}
			if len(last.Runs) > 0 && last.Runs[0].ID == run.ID {
				d.Waiting = append(d.Waiting, runWork(run))
			}
		}
	}
	return nil
}

func runWork(run orgflow.Summary) work {
	return work{
		Kind: "sync", ID: run.ID, Path: "/sync/" + url.PathEscape(run.ID), Status: run.Status, At: run.StartedAt,
		What: orgflow.Target{CompanyID: run.CompanyID, Consumer: run.Consumer}.String(),
	}
}

// deskLoads adds loads that go on, and those that failed and are the latest of
// their form.
func (c *Console) deskLoads(ctx context.Context, d *desk) error {
	page, err := c.Loads.ListLoads(ctx, api.LoadFilter{Limit: homeItems})
	if err != nil {
		return err
	}
	seen := map[orgflow.Target]bool{}
	for _, load := range page.Runs {
		form := orgflow.LoadInput{CompanyID: load.CompanyID, FormID: load.FormID}.Target()
		w := work{Kind: "erp", ID: load.ID, Path: loadPath(load.ID), What: form.String(), Status: load.Status, At: load.StartedAt}
		switch {
		case load.Status == orgflow.StatusRunning:
			d.Running = append(d.Running, w)
		case load.Status == orgflow.StatusFailed && !seen[form]:
			d.Waiting = append(d.Waiting, w)
		}
		seen[form] = true
	}
	return nil
}

// deskPulls adds pulls in the same way.
func (c *Console) deskPulls(ctx context.Context, d *desk) error {
	page, err := c.Pulls.ListPulls(ctx, 0, "", homeItems)
	if err != nil {
		return err
	}
	seen := map[orgflow.Target]bool{}
	for _, pull := range page.Pulls {
		origin := orgflow.Target{CompanyID: pull.CompanyID, Consumer: pull.Origin}
		w := work{Kind: "org", ID: pull.ID, Path: "/org/pulls/" + url.PathEscape(pull.ID), What: origin.String(), Status: pull.Status, At: pull.StartedAt}
		switch {
		case pull.Status == orgflow.StatusAwaitingApproval, pull.Status == orgflow.StatusFailed && !seen[origin]:
			d.Waiting = append(d.Waiting, w)
		case pull.Status == orgflow.StatusRunning:
			d.Running = append(d.Running, w)
		}
		seen[origin] = true
	}
	return nil
}
