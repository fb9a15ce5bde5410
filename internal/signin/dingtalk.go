package signin

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/config"
	"orgflow/internal/store"
	"orgflow/internal/web"
)

const (
	callbackPath = "/signin/dingtalk/callback"
	appPath      = "/signin/dingtalk/app"
	// purposeApp marks attempts inside DingTalk's client: a code of one way is
	// not taken for the other.
	purposeApp = "ding_talk_app"
	unknown    = "unknown" // who, before it is known
)

// start sends a browser to DingTalk. What it shall come back with is bound to
// this browser by a cookie.
func (s *Service) start(w http.ResponseWriter, r *http.Request) {
	if s.often(w, r) {
		return
	}
	company, door, ok := s.door(w, r)
	if !ok {
		return
	}
	back, elsewhere := s.callbackURL(r, door.SignInSettings())
	switch {
	case back == "":
		s.refuse(w, r, refusal{status: http.StatusBadGateway, key: "refused.configuration", detail: "callback_url", advice: "set callback_url of the consumer ding_talk in company.json to https://HOST" + callbackPath})
		return
	case elsewhere != "":
		http.Redirect(w, r, elsewhere, http.StatusSeeOther)
		return
	}
	state, err := s.begin(w, r, store.Attempt{Purpose: originDingTalk, CompanyID: company, ReturnTo: returnPath(r.URL.Query().Get("to"))})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	http.Redirect(w, r, door.SignInURL(back, state), http.StatusSeeOther)
}

// door finds the connection of the company that was asked for, or of the only
// one.
func (s *Service) door(w http.ResponseWriter, r *http.Request) (company int64, door connectors.SignIn, ok bool) {
	known := s.Companies.Companies()
	asked := r.URL.Query().Get("company")
	for _, c := range known {
		if strconv.FormatInt(c.ID, 10) == asked || asked == "" && len(known) == 1 {
			company = c.ID
		}
	}
	if company == 0 {
		http.Redirect(w, r, "/signin", http.StatusSeeOther)
		return 0, nil, false
	}
	door, err := s.Companies.Door(company)
	if err != nil {
		s.refused(w, r, company, unknown, err)
		return 0, nil, false
	}
	return company, door, true
}

// callbackURL is where DingTalk sends the browser back to. It is configured;
// only on this machine the address asked for will do, because elsewhere the
// host a request names is anybody's choice. elsewhere is where the sign-in
// has to begin so that the cookie is there when the browser comes back.
func (s *Service) callbackURL(r *http.Request, set connectors.SignInSettings) (back, elsewhere string) {
	if set.CallbackURL == "" {
		if !config.LocalHost(r.Host) {
			return "", ""
		}
		return "http://" + r.Host + callbackPath, ""
	}
	u, err := url.Parse(set.CallbackURL)
	if err != nil {
		return "", ""
	}
	q := r.URL.Query()
	if u.Host == r.Host || q.Get("moved") != "" {
		return set.CallbackURL, ""
	}
	q.Set("moved", "1")
	return set.CallbackURL, (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: r.URL.Path, RawQuery: q.Encode()}).String()
}

// begin keeps an attempt and gives the browser its half of it.
func (s *Service) begin(w http.ResponseWriter, r *http.Request, a store.Attempt) (state string, err error) {
	s.tries.began(Address(r))
	s.forget(r.Context())
	state, browser := newSecret(), newSecret()
	a.ID, a.Browser, a.ExpiresAt = hashOf(state), hashOf(browser), s.Now().Add(attemptLife)
	if err := s.Store.SaveAttempt(r.Context(), a); err != nil {
		return "", err
	}
	setCookie(w, r, attemptCookie, browser, int(attemptLife.Seconds()))
	return state, nil
}

// take uses an attempt up. It is gone even where the browser is another one:
// a state that has got about is worth nothing.
func (s *Service) take(r *http.Request, state, purpose, browser string) (a store.Attempt, ok bool, err error) {
	if !plausible(state) {
		return a, false, nil
	}
	a, err = s.Store.TakeAttempt(r.Context(), hashOf(state), purpose)
	if errors.Is(err, store.ErrNotFound) {
		return a, false, nil
	}
	if err != nil {
		return a, false, err
	}
	if purpose != OriginLocal && !matches(browser, a.Browser) {
		return a, false, nil
	}
	return a, s.Now().Before(a.ExpiresAt), nil
}

// callback is where DingTalk sends the browser back to.
func (s *Service) callback(w http.ResponseWriter, r *http.Request) {
	if s.often(w, r) {
		return
	}
	q := r.URL.Query()
	a, ok, err := s.take(r, q.Get("state"), originDingTalk, cookieValue(r, attemptCookie))
	if !ok {
		s.over(w, r, unknown, err)
		return
	}
	code := q.Get("authCode")
	switch {
	case q.Get("error") != "":
		s.noteRefusal(r, a.CompanyID, unknown, "refused at DingTalk")
		s.refuse(w, r, refusal{status: http.StatusForbidden, key: "refused.denied"})
		return
	case code == "":
		code = q.Get("code")
	case q.Get("code") != "" && q.Get("code") != code:
		code = "" // newer documents say they are the same
	}
	s.admit(w, r, a, code, func(ctx context.Context, door connectors.SignIn) (connectors.Member, error) {
		return door.MemberByBrowserCode(ctx, code)
	})
}

// appPage asks DingTalk's client for a code; without its script it offers the
// browser's way, which that client goes without asking.
func (s *Service) appPage(w http.ResponseWriter, r *http.Request) {
	if s.often(w, r) {
		return
	}
	company, door, ok := s.door(w, r)
	if !ok {
		return
	}
	set := door.SignInSettings()
	data := struct {
		Company                         int64
		Script, CorpID, ClientID, State string
	}{Company: company}
	page := web.Page{Title: "signin"}
	if set.ScriptURL != "" && set.CorpID != "" {
		state, err := s.begin(w, r, store.Attempt{Purpose: purposeApp, CompanyID: company, ReturnTo: returnPath(r.URL.Query().Get("to"))})
		if err != nil {
			s.fail(w, r, err)
			return
		}
		data.Script, data.CorpID, data.ClientID, data.State = set.ScriptURL, set.CorpID, set.ClientID, state
		page.Scripts = []string{hostOf(set.ScriptURL)}
	}
	page.Data = data
	s.Page(w, r, http.StatusOK, "app", page)
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// appCode takes the code that the page inside DingTalk's client got.
func (s *Service) appCode(w http.ResponseWriter, r *http.Request) {
	if s.often(w, r) {
		return
	}
	a, ok, err := s.take(r, r.PostForm.Get("state"), purposeApp, cookieValue(r, attemptCookie))
	if !ok {
		s.over(w, r, unknown, err)
		return
	}
	code := r.PostForm.Get("code")
	s.admit(w, r, a, code, func(ctx context.Context, door connectors.SignIn) (connectors.Member, error) {
		return door.MemberByAppCode(ctx, code)
	})
}

// admit exchanges a code, once, and lets its bearer in if they are a member
// with a role.
func (s *Service) admit(w http.ResponseWriter, r *http.Request, a store.Attempt, code string, exchange func(context.Context, connectors.SignIn) (connectors.Member, error)) {
	if code == "" || len(code) > maxReturn {
		s.refused(w, r, a.CompanyID, unknown, orgflow.Faultf(orgflow.CodeNeedsHuman, "DingTalk sent no code"))
		return
	}
	door, err := s.Companies.Door(a.CompanyID)
	if err != nil {
		s.refused(w, r, a.CompanyID, unknown, err)
		return
	}
	member, err := exchange(r.Context(), door)
	if err != nil {
		s.refused(w, r, a.CompanyID, unknown, err)
		return
	}
	who, err := s.Companies.Identify(r.Context(), a.CompanyID, member.UserID)
	if err != nil {
		s.refused(w, r, a.CompanyID, member.UserID, err)
		return
	}
	if who.Access == config.AccessNone {
		s.noteRefusal(r, a.CompanyID, who.Code, "no role")
		s.refuse(w, r, refusal{status: http.StatusForbidden, key: "refused.role"})
		return
	}
	n := store.Session{CompanyID: a.CompanyID, Origin: originDingTalk, UserID: member.UserID, Name: member.Name}
	if n.Name == "" {
		n.Name = who.Code
	}
	if err := s.issue(w, r, n, who.Code); err != nil {
		s.fail(w, r, err)
		return
	}
	to := a.ReturnTo
	if to == "" {
		to = "/"
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func localSession() store.Session {
	return store.Session{Origin: OriginLocal, UserID: localAdmin, Name: localAdmin}
}
