package console

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/config"
)

const (
	pathERP   = "/erp"
	pathForms = pathERP + "/forms/"
	pathLoads = pathERP + "/loads"
	// tableRows is how many rows of a local table a page shows.
	tableRows = 25
)

func (c *Console) erpRoutes(r chi.Router) {
	c.see(r, pathERP, config.AccessRead, c.erpOverview)
	c.see(r, pathForms+"{company}/{form}", config.AccessRead, c.erpForm)
	c.see(r, pathForms+"{company}/{form}/rows", config.AccessRead, c.erpTable)
	c.do(r, pathLoads, config.AccessOperate, c.erpStart)
	c.see(r, pathLoads+"/{id}", config.AccessRead, c.erpLoad)
	c.do(r, pathLoads+"/{id}/cancel", config.AccessOperate, c.erpCancel)
}

// A shownForm is a form and its last load.
type shownForm struct {
	Form
	Last *shownLoad // nil: none yet
}

// Path is the form's page.
func (f Form) Path() string {
	return fmt.Sprintf("%s%d/%s", pathForms, f.CompanyID, url.PathEscape(f.ID))
}

// RowsPath is the page of rows of the form's table; of an entry's with it.
func (f Form) RowsPath(entry string) string {
	if entry == "" {
		return f.Path() + "/rows"
	}
	return f.Path() + "/rows?entry=" + url.QueryEscape(entry)
}

// erpOverview lists forms with their last loads, and all loads, newest first.
func (c *Console) erpOverview(r *http.Request) (content, error) {
	var data struct {
		Forms    []shownForm
		Problems []orgflow.Problem
		Loads    []shownLoad
		Next     string
	}
	forms, problems := c.Forms.Forms(r.Context())
	data.Problems = problems
	for _, f := range forms {
		last, err := c.Loads.ListLoads(r.Context(), api.LoadFilter{CompanyID: f.CompanyID, FormID: f.ID, Limit: 1})
		if err != nil {
			return content{}, err
		}
		shown := shownForm{Form: f}
		if len(last.Runs) > 0 {
			load := c.shown(last.Runs[0])
			shown.Last = &load
		}
		data.Forms = append(data.Forms, shown)
	}
	var err error
	data.Loads, data.Next, err = c.listLoads(r, api.LoadFilter{})
	return content{template: "erp", title: "erp", section: "erp", data: data}, err
}

func (c *Console) listLoads(r *http.Request, f api.LoadFilter) ([]shownLoad, string, error) {
	f.Cursor, f.Limit = r.URL.Query().Get("cursor"), pageLength
	page, err := c.Loads.ListLoads(r.Context(), f)
	loads := make([]shownLoad, len(page.Runs))
	for i, run := range page.Runs {
		loads[i] = c.shown(run)
	}
	return loads, page.NextCursor, err
}

// erpForm shows how a form is loaded, and lets it be loaded.
func (c *Console) erpForm(r *http.Request) (content, error) {
	form, err := c.form(r)
	if err != nil {
		return content{}, err
	}
	loads, next, err := c.listLoads(r, api.LoadFilter{CompanyID: form.CompanyID, FormID: form.ID})
	return content{template: "erp-form", title: "erp.form", section: "erp", data: struct {
		Form
		Loads []shownLoad
		Next  string
	}{form, loads, next}}, err
}

func (c *Console) form(r *http.Request) (Form, error) {
	company, err := strconv.ParseInt(inPath(r, "company"), 10, 64)
	if err != nil {
		return Form{}, orgflow.Faultf(orgflow.CodeNotFound, "there is no such company")
	}
	return c.Forms.Form(r.Context(), company, inPath(r, "form"))
}

// erpTable shows rows of a local table.
func (c *Console) erpTable(r *http.Request) (content, error) {
	form, err := c.form(r)
	if err != nil {
		return content{}, err
	}
	q := r.URL.Query()
	entry := q.Get("entry")
	rows, err := c.Forms.TableRows(r.Context(), form.CompanyID, form.ID, entry, q.Get("cursor"), tableRows)
	data := struct {
		Form
		TableRows
		Entry string
		Older string // the page that follows; empty: none
		First bool
	}{Form: form, TableRows: rows, Entry: entry, First: q.Get("cursor") == ""}
	if rows.Next != "" {
		next := url.Values{"cursor": {rows.Next}}
		if entry != "" {
			next.Set("entry", entry)
		}
		data.Older = form.Path() + "/rows?" + next.Encode()
	}
	return content{template: "erp-table", title: "erp.table", section: "erp", data: data}, err
}

// erpStart starts a load: create, update, or deep, an update as far back as a
// create.
func (c *Console) erpStart(r *http.Request) (string, error) {
	company, err := strconv.ParseInt(r.PostFormValue("company_id"), 10, 64)
	if err != nil {
		return "", &orgflow.Fault{Code: orgflow.CodeInvalidJob, Field: "company_id", Message: "company_id must be a number"}
	}
	in := orgflow.LoadInput{CompanyID: company, FormID: r.PostFormValue("form_id"), Kind: orgflow.LoadKind(r.PostFormValue("kind"))}
	if in.Kind == "deep" {
		in.Kind, in.Deep = orgflow.LoadUpdate, true
	}
	raw, err := json.Marshal(in)
	if err != nil {
		return "", fmt.Errorf("write what to load: %w", err)
	}
	started, err := c.Loads.StartLoad(r.Context(), raw)
	if err != nil {
		return "", err
	}
	c.did(r, "start", started.ID)
	return loadPath(started.ID), nil
}

// erpLoad shows a load.
func (c *Console) erpLoad(r *http.Request) (content, error) {
	run, err := c.Loads.LoadRun(r.Context(), inPath(r, "id"))
	return content{template: "erp-load", title: "erp.load", section: "erp", data: c.shown(run), over: run.Status.Terminal()}, err
}

func (c *Console) erpCancel(r *http.Request) (string, error) {
	id := inPath(r, "id")
	return loadPath(id), c.Loads.CancelLoad(r.Context(), id, c.steering(r))
}

// A shownLoad is a load as pages show it.
type shownLoad struct {
	orgflow.ERPRun
	Path     string
	FormPath string // empty: the form is not known
	WebUI    string // empty: where Temporal's Web UI is is not known
	Took     string // so far
	Left     string // an estimate; empty: not known
	Variant  string // create, update, deep
}

func loadPath(id string) string { return pathLoads + "/" + url.PathEscape(id) }

func (c *Console) shown(run orgflow.ERPRun) shownLoad {
	out := shownLoad{ERPRun: run, Path: loadPath(run.ID), Variant: string(run.Kind)}
	if run.Deep {
		out.Variant = "deep"
	}
	if run.FormID != "" {
		out.FormPath = Form{CompanyID: run.CompanyID, ID: run.FormID}.Path()
	}
	if workflow, _, ok := cutLast(run.ID, "~"); ok {
		out.WebUI = c.inWebUI(workflow, run.RunID)
	}
	end := time.Now()
	if run.FinishedAt != nil {
		end = *run.FinishedAt
	}
	out.Took = lasting(end.Sub(run.StartedAt))
	if run.RemainingSeconds != nil && !run.Status.Terminal() {
		out.Left = lasting(time.Duration(*run.RemainingSeconds) * time.Second)
	}
	return out
}

// Tone is the style of the load's status.
func (l shownLoad) Tone() string { return tone(l.Status) }

// Speed is the rows a second, rounded; 0 while it is not known.
func (l shownLoad) Speed() int { return int(l.RowsPerSecond + .5) }

// cutLast cuts a text around the last separator.
func cutLast(s, sep string) (before, after string, found bool) {
	at := strings.LastIndex(s, sep)
	if at < 0 {
		return s, "", false
	}
	return s[:at], s[at+len(sep):], true
}
