package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/config"
	"orgflow/meta"
)

func (c *Console) metaRoutes(r chi.Router) {
	c.see(r, "/meta", config.AccessRead, c.metaFiles)
	c.see(r, "/meta/file", config.AccessRead, c.metaFile)
	c.see(r, "/meta/preview", config.AccessRead, c.previewPage)
	c.ask(r, "/meta/preview", config.AccessRead, c.preview)
}

// company is the one an address names, else the first one; 0 where there is
// none. What is shared by all companies is company 0 too, if it is asked for.
func (c *Console) company(asked string) (int64, []int64) {
	all := c.Files.Companies()
	id, err := strconv.ParseInt(asked, 10, 64)
	if err == nil && (id == 0 || slices.Contains(all, id)) {
		return id, all
	}
	if len(all) == 0 {
		return 0, nil
	}
	return all[0], all
}

// A fileRow is a file on the page of meta files.
type fileRow struct {
	meta.FileOrigin
	Link string
}

// A nameRow is a name with its files.
type nameRow struct {
	Name  string
	Files []fileRow
}

// metaFiles lists a company's files, where each comes from, and what is wrong
// with them.
func (c *Console) metaFiles(r *http.Request) (content, error) {
	id, all := c.company(r.URL.Query().Get("company"))
	data := struct {
		Company   int64
		Companies []int64
		Names     []nameRow
		Problems  []orgflow.Problem
		Errors    int
	}{Company: id, Companies: all, Problems: c.Files.Lint(id)}
	slices.SortStableFunc(data.Problems, func(a, b orgflow.Problem) int { return order(a) - order(b) })
	for _, p := range data.Problems {
		data.Errors += 1 - order(p)
	}
	for _, name := range c.Files.Overview(id) {
		row := nameRow{Name: name.Name}
		for _, o := range name.Origins {
			row.Files = append(row.Files, fileRow{o, fileLink(id, o)})
		}
		data.Names = append(data.Names, row)
	}
	return content{template: "meta", title: "meta", section: "sync", data: data}, nil
}

// order puts errors before warnings.
func order(p orgflow.Problem) int {
	if p.Warning {
		return 1
	}
	return 0
}

func fileLink(company int64, o meta.FileOrigin) string {
	return "/meta/file?" + url.Values{"company": {strconv.FormatInt(company, 10)}, "path": {o.Path}, "layer": {o.Layer}}.Encode()
}

// metaFile shows a file.
func (c *Console) metaFile(r *http.Request) (content, error) {
	q := r.URL.Query()
	id, _ := c.company(q.Get("company"))
	data := struct {
		Company     int64
		Path, Layer string
		Text        string
		WhatIf      string // where a change of it is tried
		Problem     *api.Error
		Problems    []orgflow.Problem
	}{Company: id, Path: q.Get("path"), Layer: q.Get("layer")}
	var err error
	data.Text, err = c.Files.Content(id, data.Path, data.Layer)
	if err == nil && meta.Supposable(fileName(data.Path)) {
		data.WhatIf = "/sync/what-if?" + url.Values{"company": {strconv.FormatInt(id, 10)}, "path": {data.Path}, "layer": {data.Layer}}.Encode()
	}
	var invalid *orgflow.InvalidError
	if errors.As(err, &invalid) {
		data.Problem, err = api.Answer(r.Context(), err), nil
	}
	for _, p := range c.Files.Lint(id) {
		if p.File == data.Path && data.Layer != meta.LayerShipped || p.File == data.Path && !c.laidOver(id, data.Path) {
			data.Problems = append(data.Problems, p)
		}
	}
	return content{template: "meta-file", title: "meta.file", section: "sync", data: data}, err
}

// fileName is the last part of a path.
func fileName(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// laidOver tells whether a path's shipped file is hidden by the overlay's, so
// that findings are about the latter.
func (c *Console) laidOver(company int64, path string) bool {
	return slices.ContainsFunc(c.Files.Overview(company), func(n meta.FileName) bool {
		return slices.ContainsFunc(n.Origins, func(o meta.FileOrigin) bool { return o.Path == path && o.Layer == meta.LayerOverlay })
	})
}

// previewPage asks for a row.
type previewPage struct {
	Company   int64
	Companies []int64
	Services  []string
	Consumers []string
	Service   string
	Consumer  string
	State     string
	Row       string
	Problem   *api.Error
	Preview   *meta.Preview
	Fields    []previewRow
}

// A previewRow is one value's way.
type previewRow struct {
	meta.PreviewField
	SourceText, StandardText string
	Targets                  []previewTarget
}

type previewTarget struct{ Name, Text, Note string }

func (c *Console) newPreview(company string) previewPage {
	p := previewPage{}
	p.Company, p.Companies = c.company(company)
	for name := range c.Files.Services() {
		p.Services = append(p.Services, name)
	}
	slices.Sort(p.Services)
	p.Consumers = c.consumers()
	return p
}

func (c *Console) previewPage(r *http.Request) (content, error) {
	q := r.URL.Query()
	p := c.newPreview(q.Get("company"))
	p.Service, p.Consumer = q.Get("service"), q.Get("consumer")
	return content{template: "meta-preview", title: "preview", section: "sync", data: p}, nil
}

// preview shows one row's way through the files. It touches no system.
func (c *Console) preview(r *http.Request) (content, string, error) {
	p := c.newPreview(r.PostFormValue("company"))
	p.Service, p.Consumer, p.State, p.Row = r.PostFormValue("service"), r.PostFormValue("consumer"), r.PostFormValue("state"), r.PostFormValue("row")
	got, err := c.Files.Preview(meta.PreviewRequest{Service: p.Service, Consumer: p.Consumer, CompanyID: p.Company, State: p.State, Row: []byte(p.Row)})
	switch {
	case refused(err):
		p.Problem = api.Answer(r.Context(), err)
	case err != nil:
		return content{}, "", err
	default:
		p.Preview = &got
		for _, f := range got.Fields {
			row := previewRow{PreviewField: f, SourceText: value(f.Source), StandardText: value(f.Standard)}
			for _, t := range f.Targets {
				row.Targets = append(row.Targets, previewTarget{t.Name, value(t.Value), t.Note})
			}
			p.Fields = append(p.Fields, row)
		}
	}
	return content{template: "meta-preview", title: "preview", section: "sync", data: p}, "", nil
}
