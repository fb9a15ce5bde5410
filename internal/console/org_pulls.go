package console

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"orgflow"
	"orgflow/internal/api"
)

// parkedMost is how many parked removals of each kind a page names.
const parkedMost = 100

// pullsPage are pulls, newest first.
type pullsPage struct {
	Place orgPlace
	Pulls []orgflow.PullSummary
	More  string
}

// orgPulls lists pulls.
func (c *Console) orgPulls(r *http.Request) (content, error) {
	page := pullsPage{}
	var err error
	if page.Place, err = c.orgPlace(r); err != nil {
		return content{}, err
	}
	got, err := c.Orgs.ListPulls(r.Context(), page.Place.Now.CompanyID, r.URL.Query().Get("cursor"), pageLength)
	page.Pulls = got.Pulls
	if got.NextCursor != "" {
		page.More = page.Place.Newest("/org/pulls", "cursor", got.NextCursor)
	}
	return content{template: "org-pulls", title: "org.pulls.title", section: "org", data: page}, err
}

// pullPage is a pull with what it waits for.
type pullPage struct {
	orgflow.PullSummary
	Place  orgPlace
	WebUI  string
	Before int // departments and members of the newest version: about what is to be read
	Parked []orgflow.OrgChange
	Cut    bool // more are parked than are shown
}

// Read is how many departments and members the pull has read.
func (p pullPage) Read() int { return p.Departments + p.Members }

// Path is the page's address, for its forms.
func (p pullPage) Path() string { return "/org/pulls/" + url.PathEscape(p.ID) }

// orgPull shows a pull.
func (c *Console) orgPull(r *http.Request) (content, error) {
	id, ctx := inPath(r, "id"), r.Context()
	out := content{template: "org-pull", title: "org.pull", section: "org"}
	summary, err := c.Orgs.PullSummary(ctx, id)
	if err != nil {
		return out, err
	}
	out.over = summary.Status.Terminal()
	page := pullPage{PullSummary: summary, Place: orgPlace{All: c.Orgs.Organisations()}}
	page.Place.named = len(page.Place.All) > 1
	page.Place.Now = Organisation{CompanyID: summary.CompanyID, Origin: summary.Origin}
	workflow, _, _ := strings.Cut(summary.ID, "~") // see store.CreatePull
	page.WebUI = c.inWebUI(workflow, "")
	if summary.Status == orgflow.StatusRunning && summary.CompanyID != 0 {
		v, err := c.Orgs.OrgVersion(ctx, page.Place.query())
		if err != nil && !notFound(err) {
			return out, err
		}
		page.Before = v.Units + v.Members
	}
	if summary.Status == orgflow.StatusAwaitingApproval {
		page.Parked, err = c.Orgs.ParkedRemovals(ctx, id, parkedMost)
		page.Cut = len(page.Parked) < summary.ParkedRemovals
	}
	out.data = page
	return out, err
}

// startPull starts a pull and shows it.
func (c *Console) startPull(r *http.Request) (string, error) {
	company, err := number(r, "company")
	if err != nil {
		return "", err
	}
	in := orgflow.PullInput{CompanyID: company, Origin: r.PostFormValue("origin")}
	raw, err := json.Marshal(in)
	if err != nil {
		return "", err
	}
	opts, err := c.startOptions(r, api.PullID(in, time.Now()), raw)
	if err != nil {
		return "", err
	}
	started, err := c.Orgs.StartPull(r.Context(), raw, opts)
	if err != nil {
		return "", err
	}
	c.did(r, "start", started.ID)
	return "/org/pulls/" + url.PathEscape(started.ID), nil
}

// decidePull lets parked removals go, or not.
func (c *Console) decidePull(approve bool) func(*http.Request) (string, error) {
	decide := c.explained(func(ctx context.Context, id string, s api.Steering) error {
		return c.Orgs.DecidePull(ctx, id, approve, s)
	})
	return func(r *http.Request) (string, error) {
		id := inPath(r, "id")
		return "/org/pulls/" + url.PathEscape(id), decide(r.Context(), id, c.steering(r))
	}
}

// cancelPull ends a pull.
func (c *Console) cancelPull(r *http.Request) (string, error) {
	id := inPath(r, "id")
	return "/org/pulls/" + url.PathEscape(id), c.Orgs.CancelPull(r.Context(), id, c.steering(r))
}

// versionsPage are the versions of an organisation, newest first.
type versionsPage struct {
	Place    orgPlace
	Versions []orgflow.OrgVersion
	More     string
}

// orgVersions lists versions.
func (c *Console) orgVersions(r *http.Request) (content, error) {
	place, err := c.orgPlace(r)
	out := content{template: "org-versions", title: "org.versions.title", section: "org"}
	if err != nil {
		return out, err
	}
	page := versionsPage{Place: place}
	page.Place.Version = 0
	got, err := c.Orgs.OrgVersions(r.Context(), page.Place.query(), r.URL.Query().Get("cursor"), pageLength)
	if notFound(err) { // never pulled
		got, err = api.VersionPage{}, nil
	}
	page.Versions = got.Versions
	if got.NextCursor != "" {
		page.More = page.Place.Link("/org/versions", "cursor", got.NextCursor)
	}
	out.data = page
	return out, err
}
