package console

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/go-chi/chi/v5"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/config"
	"orgflow/internal/web"
)

// pageLength is how many rows a list shows at once.
const pageLength = 50

func (c *Console) syncRoutes(r chi.Router) {
	c.see(r, "/sync", config.AccessRead, c.syncRuns)
	c.see(r, "/sync/new", config.AccessOperate, c.startPage)
	c.ask(r, "/sync/new", config.AccessOperate, c.startRun)
	c.see(r, "/sync/what-if", config.AccessRead, c.whatIfForm)
	c.ask(r, "/sync/what-if", config.AccessRead, c.askWhatIf)
	c.see(r, "/sync/records", config.AccessRead, c.recordLog)
	c.see(r, "/sync/{id}", config.AccessRead, c.syncRun)
	c.see(r, "/sync/{id}/changes", config.AccessRead, c.changes)
	c.see(r, "/sync/{id}/tree", config.AccessRead, c.tree)
	c.steerRoutes(r)
	c.metaRoutes(r)
}

// ask adds a form, of up to a MiB, whose answer is a page of its own, unless
// it says where to go.
func (c *Console) ask(r chi.Router, path string, need config.Access, act func(*http.Request) (show content, next string, err error)) {
	r.Post(path, c.SignIn.LongForm(c.SignIn.Guard(need, func(w http.ResponseWriter, r *http.Request) {
		got, next, err := act(r)
		switch {
		case err != nil:
			c.problem(w, r, err, cameFrom(r))
		case next != "":
			http.Redirect(w, r, next, http.StatusSeeOther)
		default:
			c.SignIn.Page(w, r, http.StatusOK, got.template, web.Page{Title: got.title, Section: got.section, Data: got.data})
		}
	})))
}

// statuses in the order in which people look for them.
var statuses = []orgflow.Status{
	orgflow.StatusRunning, orgflow.StatusAwaitingApproval, orgflow.StatusPaused, orgflow.StatusCompleted, orgflow.StatusCompletedWithFailures,
	orgflow.StatusFailed, orgflow.StatusRejected, orgflow.StatusSuperseded, orgflow.StatusCanceled,
}

// A runRow is a run in a list.
type runRow struct {
	orgflow.Summary
	Link   string
	Failed int // failed and blocked
}

// syncRuns lists sync runs, newest first.
func (c *Console) syncRuns(r *http.Request) (content, error) {
	q := r.URL.Query()
	f := api.RunFilter{Consumer: q.Get("consumer"), Status: orgflow.Status(q.Get("status")), Cursor: q.Get("cursor"), Limit: pageLength}
	if !slices.Contains(statuses, f.Status) {
		f.Status = "" // an address somebody wrote
	}
	f.CompanyID, _ = strconv.ParseInt(q.Get("company"), 10, 64) // what is no number selects nothing
	page, err := c.Runs.ListRuns(r.Context(), f)
	if err != nil {
		return content{}, err
	}
	data := struct {
		Runs      []runRow
		Filter    api.RunFilter
		Companies []int64
		Consumers []string
		Statuses  []orgflow.Status
		Older     string
	}{Filter: f, Companies: c.Files.Companies(), Consumers: c.consumers(), Statuses: statuses}
	for _, run := range page.Runs {
		data.Runs = append(data.Runs, runRow{Summary: run, Link: runLink(run.ID), Failed: failures(run)})
	}
	if page.NextCursor != "" {
		q.Set("cursor", page.NextCursor)
		q.Del("live")
		q.Del("lang")
		data.Older = "/sync?" + q.Encode()
	}
	return content{template: "sync", title: "sync", section: "sync", data: data}, nil
}

// consumers are the names of all companies' consumers.
func (c *Console) consumers() []string {
	var names []string
	for _, id := range c.Files.Companies() {
		if company, err := c.Files.Company(id); err == nil { // a broken file shows on /meta
			names = append(names, company.Consumers()...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func failures(run orgflow.Summary) (n int) {
	for _, byOp := range run.Applied {
		for _, a := range byOp {
			n += a.Failed + a.Blocked
		}
	}
	return n
}

// runLink is the page of a run.
func runLink(id string) string { return "/sync/" + url.PathEscape(id) }
