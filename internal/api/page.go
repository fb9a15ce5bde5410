package api

import (
	"net/http"

	"orgflow/internal/web"
)

// startPage lists the addresses. It shows nothing of runs and needs no key.
func (s *server) startPage(w http.ResponseWriter, r *http.Request) {
	page := web.Page{Title: "start", Data: s.Links}
	if s.SignIn != nil {
		if who, err := s.SignIn.Who(r); err == nil {
			page.User = who.User()
		}
	}
	if err := s.Pages.Render(w, r, http.StatusOK, "start", page); err != nil {
		s.write(w, r, s.answer(r.Context(), err))
	}
}
