// Package console is orgflow's pages for people. A page asks the same
// ports as the API and shows what they answer; it decides nothing. Templates
// and words are package web's; who may see what is package signin's.
package console

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"orgflow/internal/api"
	"orgflow/internal/config"
	"orgflow/internal/signin"
	"orgflow/internal/web"
)

// Deps is what the pages ask. All are needed.
type Deps struct {
	SignIn *signin.Service
	Runs   api.Runs
}

// Console serves the pages. Make one with New.
type Console struct{ Deps }

// New returns the pages.
func New(d Deps) *Console { return &Console{d} }

// Routes adds the pages.
func (c *Console) Routes(r chi.Router) {
	c.syncRoutes(r)
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
