package api

import (
	_ "embed"
	"html/template"
	"net/http"
)

//go:embed page.html
var pageSource string

var page = template.Must(template.New("page").Parse(pageSource))

// startPage lists the addresses. It shows nothing of runs and needs no key.
func (s *server) startPage(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	if err := page.Execute(w, s.Links); err != nil {
		s.Logger.WarnContext(r.Context(), "start page", "error", err, "request_id", requestID(r.Context()))
	}
}
