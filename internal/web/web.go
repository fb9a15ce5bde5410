// Package web is what orgflow's pages have in common: layout, style, the two
// languages, and the headers they are sent with. Pages are rendered on the
// server from templates in this package; nothing is built, and nothing is
// loaded from another host. How a page looks and reads is decided here, what
// it shows by who renders it.
package web

import (
	"bytes"
	"crypto/rand"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed static
var staticFiles embed.FS

// Page is what the layout shows around a page's own Data.
type Page struct {
	Title string // a key of the texts
	User  *User  // nil: nobody is signed in
	Open  bool   // everything is open to whoever is not signed in
	// Section is the entry of the navigation that the page belongs to: a key
	// of the texts below "nav.".
	Section string
	// Path is where the page's language is switched, with its query; empty is
	// the address asked for. A page that answers a POST names one that can be
	// asked for.
	Path string
	Data any
	// Scripts are the hosts, beside our own, whose scripts the page may load.
	Scripts []string
}

// User is the person the pages are shown to.
type User struct {
	Name string
	Code string
	Role string // read, operate, approve, admin
}

// sections are the entries of the navigation, and their paths without the
// slash.
var sections = []string{"org", "sync", "flows", "erp", "schedules", "consumers"}

// view is what templates get.
type view struct {
	Page
	Lang   Lang
	Switch Lang // the other one
	// SwitchURL is this page in the other language, At its path: the entry of
	// the navigation that leads there is the current page, that of its section
	// only the current section.
	SwitchURL string
	At        string
	Sections  []string
}

// May tells whether whoever sees the page may do what needs a role. It only
// spares them buttons that would be refused.
func (v view) May(role string) bool {
	if v.User == nil {
		return v.Open
	}
	order := []string{"read", "operate", "approve", "admin"}
	return slices.Index(order, v.User.Role) >= slices.Index(order, role)
}

// Pages renders templates. Make one with New; it is safe for concurrent use.
type Pages struct {
	byLang map[Lang]map[string]*template.Template
}

// New parses all templates in both languages. It panics on a broken one: that
// is a defect of the program, met at its start.
func New() *Pages {
	p := &Pages{byLang: map[Lang]map[string]*template.Template{}}
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	for _, lang := range []Lang{Chinese, English} {
		p.byLang[lang] = map[string]*template.Template{}
		layout := template.Must(template.New("layout.html").Funcs(functions(lang)).ParseFS(templateFiles, "templates/layout.html", "templates/part-*.html"))
		for _, file := range files {
			name := strings.TrimSuffix(path.Base(file), ".html")
			if name == "layout" || strings.HasPrefix(name, "part-") { // of several pages
				continue
			}
			p.byLang[lang][name] = template.Must(template.Must(layout.Clone()).ParseFS(templateFiles, file))
		}
	}
	return p
}

// functions are what templates may call: t is a text by its key, filled in
// like fmt.Sprintf.
func functions(lang Lang) template.FuncMap {
	return template.FuncMap{
		"t": func(key string, args ...any) string {
			if len(args) == 0 {
				return text(lang, key)
			}
			return fmt.Sprintf(text(lang, key), args...)
		},
		"at":     at,
		"once":   rand.Text, // stands for what a form does: sent twice, it is done once
		"day":    day,
		"number": number,
		"pair":   func(a, b any) pair { return pair{a, b} },
		"list":   func(words ...string) []string { return words },
		"span":   func(seconds float64) string { return span(lang, seconds) },
	}
}

// pair hands two things to a template that takes one.
type pair struct{ A, B any }

// Render sends a page. It is complete before its first byte is sent.
func (p *Pages) Render(w http.ResponseWriter, r *http.Request, status int, name string, page Page) error {
	lang := p.language(w, r)
	v := view{Page: page, Lang: lang, Switch: lang.other(), Sections: sections}
	v.At, v.SwitchURL = switched(r, page.Path, v.Switch)
	tmpl, ok := p.byLang[lang][name]
	if !ok {
		return fmt.Errorf("there is no page %q", name)
	}
	var b bytes.Buffer
	block := "layout.html"
	if r.URL.Query().Has(liveParam) { // a page that changes asks for what changes
		block = "live"
	}
	if err := tmpl.ExecuteTemplate(&b, block, v); err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", string(lang))
	h.Set("Cache-Control", "no-store") // people and what they did
	h.Set("Vary", "Accept-Language, Cookie")
	h.Set("Content-Security-Policy", policy(page.Scripts))
	h.Set("Referrer-Policy", "same-origin") // without an origin our own forms would look foreign
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the reader went away
	return nil
}

// switched returns where a page is, and its address in another language: what
// was asked for stays asked for.
func switched(r *http.Request, address string, to Lang) (path, link string) {
	u := *r.URL
	if given, err := url.Parse(address); err == nil && address != "" {
		u = *given
	}
	q := u.Query()
	q.Del(liveParam)
	q.Set(langParam, string(to))
	return u.Path, u.EscapedPath() + "?" + q.Encode()
}

// policy lets a page load what is ours, be framed by nobody, and send forms
// to us only.
func policy(scripts []string) string {
	return "default-src 'none'; style-src 'self'; img-src 'self' data:; connect-src 'self'; script-src " +
		strings.Join(append([]string{"'self'"}, scripts...), " ") +
		"; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
}

// Static serves style and scripts below /static/.
func Static() http.Handler {
	files := http.FileServerFS(staticFiles)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=300")
		files.ServeHTTP(w, r)
	})
}
