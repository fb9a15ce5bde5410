package signin

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/config"
	"orgflow/internal/store"
	"orgflow/internal/web"
)

// settingsRow is one setting of the connection. A secret is set or missing,
// never shown; From says where it is written.
type settingsRow struct {
	Name, Value, From string
	Secret, Set       bool
	Optional          bool
}

// companySettings is what the settings page shows of a company.
type companySettings struct {
	Company
	Problem        string
	Rows           []settingsRow
	Redirect, Home string // to be entered at DingTalk
	Events         string // the same, where events are configured
	Steps          []connectors.Step
}

// settings shows how signing in is configured, and where each value is from.
func (s *Service) settings(w http.ResponseWriter, r *http.Request) {
	s.showSettings(w, r, 0, nil)
}

func (s *Service) showSettings(w http.ResponseWriter, r *http.Request, tested int64, steps []connectors.Step) {
	var data struct{ Companies []companySettings }
	for _, c := range s.Companies.Companies() {
		shown := s.describe(r, c)
		if c.ID == tested {
			shown.Steps = steps
		}
		data.Companies = append(data.Companies, shown)
	}
	s.Page(w, r, http.StatusOK, "settings", web.Page{Title: "settings", Path: "/settings", Data: data})
}

// describe lists the settings of seed and reference: values as they are in
// force, and the references by which they are written.
func (s *Service) describe(r *http.Request, c Company) companySettings {
	out := companySettings{Company: c}
	written := s.Companies.Written(c.ID)
	door, err := s.Companies.Door(c.ID)
	var set connectors.SignInSettings
	if err != nil {
		out.Problem = orgflow.AsFault(err).Error()
	} else {
		set = door.SignInSettings()
	}
	from := func(keys ...string) string {
		for _, key := range keys {
			if reference, ok := written[key]; ok {
				return strings.TrimRight("company.json · "+key+" "+reference, " ")
			}
		}
		return ""
	}
	out.Rows = []settingsRow{
		{Name: "CorpId", Value: set.CorpID, From: from("corp_id")},
		{Name: "AgentId", Value: set.AgentID, From: from("agent_id")},
		{Name: "Client ID", Value: set.ClientID, From: from("client_id", "appkey")},
		{Name: "Client Secret", Secret: true, Set: set.SecretSet, From: from("client_secret", "appsecret")},
		{Name: "callback_url", Value: set.CallbackURL, From: from("callback_url")},
		{Name: "script_url", Value: set.ScriptURL, From: from("script_url"), Optional: true},
		{Name: "base_url", Value: set.BaseURL, From: from("base_url")},
	}
	out.Redirect, out.Home = s.addresses(r, set.CallbackURL)
	if _, ok := written["events"]; ok {
		out.Events = strings.TrimSuffix(out.Home, appPath) + "/events/" + strconv.FormatInt(c.ID, 10) + "/ding_talk"
	}
	return out
}

// addresses are those to be entered at DingTalk.
func (s *Service) addresses(r *http.Request, callback string) (redirect, home string) {
	base := "https://HOST"
	if config.LocalHost(r.Host) {
		base = "http://" + r.Host
	}
	redirect = base + callbackPath
	if u, err := url.Parse(callback); err == nil && u.Host != "" {
		base, redirect = u.Scheme+"://"+u.Host, callback
	}
	return redirect, base + appPath
}

// testConnection tries what the connection needs and shows what is missing.
func (s *Service) testConnection(w http.ResponseWriter, r *http.Request) {
	company, err := strconv.ParseInt(r.PostForm.Get("company"), 10, 64)
	if err != nil {
		s.showSettings(w, r, 0, nil)
		return
	}
	who := "local"
	if c, err := s.Who(r); err == nil && c != nil {
		who = c.Code
	}
	if err := s.audit(r, store.AuditEntry{CompanyID: company, Who: who, Action: "test_connection", Subject: "ding_talk"}); err != nil {
		s.fail(w, r, err)
		return
	}
	door, err := s.Companies.Door(company)
	var steps []connectors.Step
	if prober, ok := door.(connectors.Prober); err == nil && ok {
		steps = prober.Probe(r.Context())
	}
	s.showSettings(w, r, company, steps)
}
