package signin

import (
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"orgflow"
	"orgflow/internal/config"
	"orgflow/internal/store"
	"orgflow/internal/web"
)

// What forms are bounded by, in bytes: an opinion of 4,000 Chinese characters
// has 36,000 as a form, a file that somebody pastes may have more.
const (
	maxForm     = 64 << 10
	maxLongForm = 1 << 20
)

// Routes adds the pages.
func (s *Service) Routes(r chi.Router) {
	r.Get("/signin", s.choose)
	r.Get("/signin/dingtalk", s.start)
	r.Get(callbackPath, s.callback)
	r.Get(appPath, s.appPage)
	r.Post(appPath, s.Form(s.appCode))
	r.Get("/signin/local", s.localPage)
	r.Post("/signin/local", s.Form(s.localToken))
	r.Get("/signout", s.signOutPage)
	r.Post("/signout", s.Form(s.doSignOut))
	r.Get("/settings", s.Guard(config.AccessAdmin, s.settings))
	r.Post("/settings/dingtalk/test", s.Form(s.Guard(config.AccessAdmin, s.testConnection)))
}

// Form takes forms of our own pages only, at most 64 KiB.
func (s *Service) Form(next http.HandlerFunc) http.HandlerFunc { return s.form(maxForm, next) }

// LongForm is Form for at most 1 MiB.
func (s *Service) LongForm(next http.HandlerFunc) http.HandlerFunc { return s.form(maxLongForm, next) }

func (s *Service) form(most int64, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !SameOrigin(r) {
			s.refuse(w, r, refusal{status: http.StatusForbidden, key: "refused.over"})
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, most)
		if err := r.ParseForm(); err != nil {
			status := http.StatusBadRequest
			if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
				status = http.StatusRequestEntityTooLarge
			}
			s.refuse(w, r, refusal{status: status, key: "refused.over"})
			return
		}
		next(w, r)
	}
}

// Guard lets in who may see a page; who is not signed in is asked to.
func (s *Service) Guard(need config.Access, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who, err := s.Who(r)
		switch {
		case err != nil:
			s.fail(w, r, err)
		case who == nil && s.Open:
			next(w, r)
		case who == nil:
			http.Redirect(w, r, "/signin?to="+url.QueryEscape(r.URL.Path), http.StatusSeeOther)
		case who.Access < need:
			if err := s.audit(r, store.AuditEntry{CompanyID: who.CompanyID, Who: who.Code, Action: ActionRefused, Subject: Asked(r)}); err != nil {
				s.Logger.ErrorContext(r.Context(), "audit log", "error", err)
			}
			s.refuse(w, r, refusal{status: http.StatusForbidden, key: "refused.permission"})
		default:
			next(w, r)
		}
	}
}

// Page renders a page with who is signed in around it.
func (s *Service) Page(w http.ResponseWriter, r *http.Request, status int, name string, p web.Page) {
	p.Open = s.Open
	if p.User == nil {
		if who, err := s.Who(r); err == nil {
			p.User = who.User()
		}
	}
	if err := s.Pages.Render(w, r, status, name, p); err != nil {
		s.Logger.ErrorContext(r.Context(), "page", "error", err)
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
	}
}

// User is the caller as pages show them; nil for nobody.
func (c *Caller) User() *web.User {
	if c == nil {
		return nil
	}
	return &web.User{Name: c.Name, Code: c.Code, Role: c.Access.String()}
}

// refusal is a page that says no, and why.
type refusal struct {
	status int
	key    string // of the texts
	detail string // a vendor's code
	advice string
	wait   time.Duration
}

func (s *Service) refuse(w http.ResponseWriter, r *http.Request, f refusal) {
	if f.wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(f.wait.Seconds()))))
	}
	s.Page(w, r, f.status, "refused", web.Page{Title: "refused", Path: "/signin", Data: struct{ Key, Detail, Advice, RequestID string }{
		f.key, f.detail, f.advice, s.RequestID(r.Context()),
	}})
}

// fail answers a failure of ours.
func (s *Service) fail(w http.ResponseWriter, r *http.Request, err error) {
	s.Logger.ErrorContext(r.Context(), "sign-in failed", "error", err, "request_id", s.RequestID(r.Context()))
	s.refuse(w, r, refusal{status: http.StatusServiceUnavailable, key: "refused.unavailable"})
}

// choose is the page with the ways to sign in.
func (s *Service) choose(w http.ResponseWriter, r *http.Request) {
	s.Page(w, r, http.StatusOK, "signin", web.Page{Title: "signin", Data: struct {
		Companies []Company
		ReturnTo  string
	}{s.Companies.Companies(), returnPath(r.URL.Query().Get("to"))}})
}

func (s *Service) signOutPage(w http.ResponseWriter, r *http.Request) {
	s.Page(w, r, http.StatusOK, "signout", web.Page{Title: "signout"})
}

func (s *Service) doSignOut(w http.ResponseWriter, r *http.Request) {
	who, err := s.Who(r)
	if err == nil && who != nil {
		err = s.signOut(r, who, r.PostForm.Get("everywhere") != "")
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	setCookie(w, r, sessionCookie, "", -1)
	http.Redirect(w, r, "/signin", http.StatusSeeOther)
}

// localPage shows the button of an administrator's link; looking at it, as
// programs that fetch links in advance do, uses nothing up.
func (s *Service) localPage(w http.ResponseWriter, r *http.Request) {
	if !local(r) {
		s.refuse(w, r, refusal{status: http.StatusForbidden, key: "refused.local"})
		return
	}
	s.Page(w, r, http.StatusOK, "local", web.Page{Title: "local", Data: r.URL.Query().Get("token")})
}

// localToken lets an administrator in by a link's token.
func (s *Service) localToken(w http.ResponseWriter, r *http.Request) {
	if !local(r) {
		s.noteRefusal(r, 0, localAdmin, "not from this machine")
		s.refuse(w, r, refusal{status: http.StatusForbidden, key: "refused.local"})
		return
	}
	if s.often(w, r) {
		return
	}
	if _, ok, err := s.take(r, r.PostForm.Get("token"), OriginLocal, ""); !ok {
		s.over(w, r, localAdmin, err)
		return
	}
	if err := s.issue(w, r, localSession(), localAdmin); err != nil {
		s.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// often refuses an address that failed too often.
func (s *Service) often(w http.ResponseWriter, r *http.Request) bool {
	wait := s.tries.wait(Address(r))
	if wait > 0 {
		s.refuse(w, r, refusal{status: http.StatusTooManyRequests, key: "refused.often", wait: wait})
	}
	return wait > 0
}

// over answers an attempt that is not there (any more); with an error, that
// it could not be looked for.
func (s *Service) over(w http.ResponseWriter, r *http.Request, who string, err error) {
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.noteRefusal(r, 0, who, "unknown, used, expired or another browser's")
	s.refuse(w, r, refusal{status: http.StatusForbidden, key: "refused.over"})
}

// refused answers what DingTalk said of a code.
func (s *Service) refused(w http.ResponseWriter, r *http.Request, company int64, who string, err error) {
	f := orgflow.AsFault(err)
	no := refusal{detail: f.VendorCode, advice: f.Advice}
	switch {
	case errors.Is(err, ErrAmbiguous):
		no = refusal{status: http.StatusForbidden, key: "refused.ambiguous"}
	case f.Code == orgflow.CodeNotFound:
		no = refusal{status: http.StatusForbidden, key: "refused.member"}
	case f.Code == orgflow.CodeNeedsHuman:
		no.status, no.key, no.advice = http.StatusForbidden, "refused.code", ""
	case f.Code == orgflow.CodeForbidden, f.Code == orgflow.CodeUnauthorized, f.Code == orgflow.CodeInvalidConfig:
		no.status, no.key = http.StatusBadGateway, "refused.configuration"
	default:
		no.status, no.key = http.StatusServiceUnavailable, "refused.unavailable"
	}
	if no.status >= http.StatusInternalServerError { // not the caller's doing
		s.Logger.ErrorContext(r.Context(), "sign-in failed", "company", company, "error", err, "request_id", s.RequestID(r.Context()))
	} else {
		s.noteRefusal(r, company, who, f.Error())
	}
	s.refuse(w, r, no)
}
