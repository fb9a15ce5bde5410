// Package console is orgflow's pages for people: organisation, sync runs,
// approval flows, ERP loads, schedules and consumers. A page asks the same
// ports as the API and shows what they answer; it decides nothing. Templates
// and words are package web's; who may see what is package signin's.
package console

import (
	"context"
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"

	"orgflow/internal/api"
	"orgflow/internal/config"
	"orgflow/internal/signin"
	"orgflow/internal/web"
	"orgflow/meta"
)

// Deps is what the pages ask. All are needed.
type Deps struct {
	SignIn *signin.Service
	Runs   api.Runs
	// Of the pages of sync runs.
	Start   api.Starter
	Steer   api.Steerer
	Plans   api.Plans
	WhatIf  api.WhatIf
	Records api.Records
	Once    api.Idempotency // so that a form sent twice starts one run
	Files   *meta.Store
	// Audit writes down what somebody started or changed, where who is told
	// does not write it down itself, as in api.Deps.
	Audit func(ctx context.Context, who, action, subject, origin string) error
	// WebUI is the address of Temporal's Web UI, empty when it is not known,
	// and Namespace the one that the workflows run in.
	WebUI, Namespace string

	Flows           api.Flows
	FlowDefinitions api.FlowDefinitions
	FlowCalls       api.FlowCalls
	FlowDesk        FlowDesk

	Loads     api.Loads
	Forms     Forms
	Schedules Schedules
	Consumers Consumers
	Pulls     Pulls

	Orgs  Orgs
	Views api.Views
}

// Console serves the pages. Make one with New.
type Console struct{ Deps }

// New returns the pages.
func New(d Deps) *Console { return &Console{d} }

// Routes adds the pages.
func (c *Console) Routes(r chi.Router) {
	c.orgRoutes(r)
	c.syncRoutes(r)
	c.flowRoutes(r)
	c.homeRoutes(r)
	c.erpRoutes(r)
	c.scheduleRoutes(r)
	c.consumerRoutes(r)
}

// A content is what a page shows.
type content struct {
	template string
	title    string // a key of the texts
	section  string // of the navigation
	data     any
	over     bool // nothing will change any more: pages that look again stop
}

// see adds a page.
func (c *Console) see(r chi.Router, path string, need config.Access, show func(*http.Request) (content, error)) {
	r.Get(path, c.SignIn.Guard(need, func(w http.ResponseWriter, r *http.Request) {
		got, err := show(r)
		if err != nil {
			c.problem(w, r, err, "/")
			return
		}
		if got.over {
			w.Header().Set("Orgflow-Live", "over")
		}
		c.SignIn.Page(w, r, http.StatusOK, got.template, web.Page{Title: got.title, Section: got.section, Data: got.data})
	}))
}

// do adds what a form of a page asks for: act does it and says where to go
// then. What it is refused is shown, with the way back to the page.
func (c *Console) do(r chi.Router, path string, need config.Access, act func(*http.Request) (next string, err error)) {
	r.Post(path, c.SignIn.Form(c.SignIn.Guard(need, func(w http.ResponseWriter, r *http.Request) {
		next, err := act(r)
		if err != nil {
			c.problem(w, r, err, cameFrom(r))
			return
		}
		http.Redirect(w, r, next, http.StatusSeeOther)
	})))
}

// problem shows what went wrong, as the API would tell it.
func (c *Console) problem(w http.ResponseWriter, r *http.Request, err error, back string) {
	told := api.Answer(r.Context(), err)
	if told.GetStatus() >= http.StatusInternalServerError {
		c.SignIn.Logger.ErrorContext(r.Context(), "page", "path", r.URL.Path, "error", err, "request_id", told.RequestID)
	}
	c.SignIn.Page(w, r, told.GetStatus(), "problem", web.Page{Title: "problem", Path: back, Data: struct {
		*api.Error
		Back string
	}{told, back}})
}

// cameFrom is the page that a form was on. The form came from a page of ours
// (signin.Service.Form), so the path is one of ours.
func cameFrom(r *http.Request) string {
	u, err := url.Parse(r.Referer())
	if err != nil || u.Path == "" {
		return "/"
	}
	return u.RequestURI()
}

// steering is who does something, and why.
func (c *Console) steering(r *http.Request) api.Steering {
	s := api.Steering{By: "local", Reason: r.PostFormValue("reason"), From: signin.Address(r), Once: r.PostFormValue("once")}
	if who, err := c.SignIn.Who(r); err == nil && who != nil {
		s.By, s.Key = who.Code, "user:"+who.Code
	}
	return s
}

// did writes down what somebody started or changed. It is done already, so
// that a failure is for the log.
func (c *Console) did(r *http.Request, action, subject string) {
	by := c.steering(r)
	if err := c.Audit(r.Context(), by.By, action, subject, by.Origin()); err != nil {
		c.SignIn.Logger.ErrorContext(r.Context(), "audit log", "error", err, "who", by.By, "action", action, "subject", subject)
	}
}
